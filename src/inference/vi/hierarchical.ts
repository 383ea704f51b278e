// Hierarchical variational models (Ranganath, Tran and Blei 2016): q(z) = ∫ q(z | λ) q(λ) dλ, with λ behind the parameters of a mean field, and
// r(λ | z) to bound what is integrated out:  E [log p(z) + log r(λ | z) - log q(z | λ) - log q(λ)] <= ELBO of q(z).
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { Assignment, NoiseSource, Target, Term } from "../../runtime/target.ts";
import type { Family, FamilyParameter } from "./approximation.ts";
import { axesOf, drawTables, logProbabilities, logTables, type Tables, tablesOf, withValues } from "./families/discrete.ts";
import { COMPONENT, type HyperPrior, hyperPrior, type PriorKind } from "./hyper-prior.ts";
import { type HyperReverse, hyperReverse, type ReverseKind } from "./hyper-reverse.ts";

export interface HierarchicalOptions {
  /** What q(λ) is. */
  readonly prior: PriorKind;
  /** What r(λ | z) is. */
  readonly reverse: ReverseKind;
  /** Layers of the flows. */
  readonly depth: number;
  /** Of a mixture. */
  readonly components: number;
  readonly hidden: number;
  readonly bins: number;
  /** Numbers in λ; 0: one for each parameter of the mean field that it moves, 50 at most. */
  readonly dimension: number;
}
/** Where the mean field begins: u = position + scale v. */
export interface Begin {
  readonly position: Float64Array;
  readonly scale: Float64Array;
}
/** Where λ is as large as what it moves is many. */
const MOST_BY_DEFAULT = 50;
/** Features of a discrete latent: one for each value up to so many, else its place among them. */
const MOST_INDICATORS = 8;

/** The family in its parts, at given parameters, for a fit and for laws about it. */
export interface HierarchicalLaw {
  readonly parameters: readonly FamilyParameter[];
  readonly size: number;
  readonly tables: readonly Tables[];
  readonly prior: HyperPrior;
  readonly reverse: HyperReverse;
  /** What λ makes of the mean field: means and log deviations of v, and log probabilities of each table. */
  given(b: Builder, p: Assignment, lambda: Value): MeanFieldAt;
  /** What r sees of z. */
  features(b: Builder, v: Value | undefined, places: readonly Value[]): Value;
}
export interface MeanFieldAt {
  /** [continuous coordinates]; absent without any. */
  readonly mean?: Value;
  readonly logScale?: Value;
  readonly tables: readonly Value[];
}

export function hierarchicalLaw(target: Target, o: HierarchicalOptions): HierarchicalLaw {
  const n = target.dimension;
  const tables = target.discrete.map(tablesOf);
  const logits = tables.reduce((sum, t) => sum + t.slot.size * t.count, 0);
  // One category of each table can stay where it is.
  const free = n + tables.reduce((sum, t) => sum + t.slot.size * Math.max(0, t.count - 1), 0);
  const size = o.dimension > 0 ? o.dimension : Math.max(1, Math.min(MOST_BY_DEFAULT, free));
  const moved = n + logits;
  const prior = hyperPrior(size, o);
  const seen = n + tables.reduce((sum, t) => sum + t.slot.size * indicators(t), 0);
  const reverse = hyperReverse(size, seen, o);
  return {
    parameters: [
      { name: "centre of q", shape: [moved], initial: () => new Float64Array(moved) },
      { name: "map of λ", shape: [size, moved], initial: (rng) => initialMap(size, free, n, tables, rng.normal.bind(rng)) },
      ...(n > 0 ? [{ name: "log scale", shape: [n], initial: () => new Float64Array(n).fill(log(0.5)) }] : []),
      ...prior.parameters,
      ...reverse.parameters,
    ],
    size,
    tables,
    prior,
    reverse,
    given(b, p, lambda) {
      const all = b.add(p["centre of q"], b.matmul(lambda, p["map of λ"]));
      let from = n;
      const parts = tables.map((t) => {
        const length = t.slot.size * t.count;
        const own = b.reshape(b.slice(all, 0, from, length), [...t.slot.shape, t.count]);
        from += length;
        return logProbabilities(b, t, own);
      });
      return n > 0 ? { mean: b.slice(all, 0, 0, n), logScale: p["log scale"], tables: parts } : { tables: parts };
    },
    features(b, v, places) {
      const parts = tables.map((t, i) => {
        const flat = b.reshape(places[i], [t.slot.size, 1]);
        const k = indicators(t);
        if (k > 1) return b.reshape(b.cast(b.eq(flat, b.iota([t.slot.size, k], 1)), "real"), [t.slot.size * k]);
        return b.reshape(b.mul(b.cast(flat, "real"), b.constant(1 / t.count)), [t.slot.size]);
      });
      const all = [...(v ? [v] : []), ...parts];
      return all.length === 1 ? all[0] : b.concat(all, 0);
    },
  };
}

const indicators = ({ count }: Tables): number => (count <= MOST_INDICATORS ? count : 1);

/** Log odds begin this much apart: λ says much of discrete latents, so that r has something to learn and their draws little noise to add. */
const SPREAD = 2;
/** λ_i moves the i-th of what it may move where there is one for each; else every one moves a little of all. */
function initialMap(size: number, free: number, n: number, tables: readonly Tables[], normal: () => number): Float64Array {
  const moved = n + tables.reduce((sum, t) => sum + t.slot.size * t.count, 0);
  const out = new Float64Array(size * moved);
  if (size !== free) return out.map(() => (0.5 / Math.sqrt(size)) * normal());
  let row = 0;
  for (; row < n; row++) out[row * moved + row] = 0.5;
  let at = n;
  for (const { slot, count } of tables)
    for (let element = 0; element < slot.size; element++, at += count)
      for (let k = 1; k < count; k++) out[row++ * moved + at + k] = SPREAD;
  return out;
}

/** No name that a latent may have. */
const LAMBDA = "λ of q";
const nowhere = { file: 0, start: 0, end: 0 };
const scalar = (site: string, role: Term["role"], value: Value): Term => ({
  site,
  role,
  axes: [],
  value,
  reads: [],
  span: nowhere,
});

export function hierarchical(target: Target, begin: Begin, o: HierarchicalOptions): Family {
  const law = hierarchicalLaw(target, o);
  const n = target.dimension;
  return {
    parameters: law.parameters,
    draw(b, noise, parameters, setting) {
      const p = parameters.family;
      const { lambda, component } = law.prior.draw(b, noise, p);
      const at = law.given(b, p, lambda);
      const v = at.mean && at.logScale && b.add(at.mean, b.mul(b.exp(at.logScale), normals(noise, n)));
      const drawn = law.tables.map((t, i) => drawTables(b, noise, t, at.tables[i]));
      const given = Object.fromEntries(law.tables.map((t, i) => [t.slot.name, drawn[i].value]));
      const u = v && b.add(b.tensor(begin.position, [n]), b.mul(b.tensor(begin.scale, [n]), v));
      const { values, jacobian } = target.constrain(b, u ?? [], {
        ...setting,
        parameters: parameters.target,
        given: { ...setting.given, ...given },
      });
      const features = law.features(
        b,
        v,
        drawn.map((d) => d.place),
      );
      return {
        values: { ...values, ...given, ...(component ? { [COMPONENT]: component } : {}) },
        position: withValues(
          b,
          u ?? b.tensor(new Float64Array(0), [0]),
          drawn.map((d) => d.value),
        ),
        jacobian,
        scored: [...law.tables.map((t) => t.slot.name), ...(component ? [COMPONENT] : [])],
        reverse: [
          scalar(LAMBDA, "reverse", law.reverse.logDensity(b, p, lambda, features)),
          ...law.prior.reverse(b, p, lambda, component).map((value) => scalar(COMPONENT, "reverse", value)),
        ],
        logQ(q) {
          const there = law.given(b, q.family, lambda);
          const ownPrior = law.prior.logDensity(b, q.family, lambda, q.family === p ? "drawn" : "given", component);
          return [
            scalar(LAMBDA, "guide", ownPrior.lambda),
            ...(ownPrior.component ? [scalar(COMPONENT, "guide", ownPrior.component)] : []),
            ...law.tables.map(
              (t, i): Term => ({
                site: t.slot.name,
                role: "guide",
                axes: axesOf(t.slot),
                value: logTables(b, t, there.tables[i], drawn[i].place),
                reads: [t.slot.name],
                span: nowhere,
              }),
            ),
            ...(v && there.mean && there.logScale
              ? [scalar("continuous latents", "guide", logNormal(b, v, there.mean, there.logScale, begin.scale))]
              : []),
          ];
        },
      };
    },
  };
}

const normals = (noise: NoiseSource, n: number): Value => noise.noise("normal", [n], []);

/** Log density of u = position + scale v, v normal. */
export function logNormal(b: Builder, v: Value, mean: Value, logScale: Value, scale: Float64Array): Value {
  const z = b.mul(b.sub(v, mean), b.exp(b.neg(logScale)));
  const volume = scale.reduce((sum, s) => sum + log(s), 0.5 * scale.length * log(2 * Math.PI));
  return b.neg(b.add(b.add(b.sum(logScale), b.constant(volume)), b.mul(b.constant(0.5), b.sum(b.square(z)))));
}
