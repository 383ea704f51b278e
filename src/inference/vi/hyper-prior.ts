// q(λ) of a hierarchical variational model: a flow of standard normal numbers, or a mixture of normal distributions.
import { InternalError } from "../../runtime/errors.ts";
import { flowOf } from "../../runtime/flows/define.ts";
import { flows } from "../../runtime/flows/index.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { Assignment, NoiseSource } from "../../runtime/target.ts";
import type { FamilyParameter } from "./approximation.ts";

export type PriorKind = "planar" | "iaf" | "coupling" | "spline" | "mixture";
export const priorKinds: readonly PriorKind[] = ["planar", "iaf", "coupling", "spline", "mixture"];

/** The component of a mixture, which is drawn as a discrete auxiliary variable: no name that a latent may have. */
export const COMPONENT = "component of λ";

export interface HyperPrior {
  readonly parameters: readonly FamilyParameter[];
  /** λ, and the component that it is of: indicators, [components]. */
  draw(b: Builder, noise: NoiseSource, p: Assignment): { readonly lambda: Value; readonly component?: Value };
  /** log q of λ, and of the component: the marginal of λ where there is none. `drawn`: at the parameters of the draw. */
  logDensity(
    b: Builder,
    p: Assignment,
    lambda: Value,
    which: "drawn" | "given",
    component?: Value,
  ): { readonly lambda: Value; readonly component?: Value };
  /** log r of the component given λ, which is known: nothing is lost by it. */
  reverse(b: Builder, p: Assignment, lambda: Value, component?: Value): readonly Value[];
}

export interface PriorOptions {
  readonly prior: PriorKind;
  readonly depth: number;
  readonly components: number;
  readonly hidden: number;
  readonly bins: number;
}

export const hyperPrior = (size: number, o: PriorOptions): HyperPrior =>
  o.prior === "mixture" ? mixture(size, o) : flow(size, o);

/** Log density of standard normal numbers. */
export const logStandard = (b: Builder, x: Value): Value =>
  b.neg(b.add(b.mul(b.constant(0.5), b.sum(b.square(x))), b.constant(0.5 * shapeOf(x)[0] * log(2 * Math.PI))));

/** The tensors of a flow among the parameters of a family. */
export function prefixed(prefix: string, names: readonly { readonly name: string }[], p: Assignment): Assignment {
  return Object.fromEntries(names.map(({ name }) => [name, p[`${prefix} ${name}`]]));
}

function flow(size: number, o: PriorOptions): HyperPrior {
  const record = flows.get(o.prior);
  if (!record) throw new InternalError(`there is no flow ${o.prior}`);
  const f = flowOf(record, size, 0, o);
  const prefix = `prior ${o.prior}`;
  // Of each draw, by its value.
  const known = new WeakMap<Value, Value>();
  return {
    parameters: f.tensors.map((t) => ({ ...t, name: `${prefix} ${t.name}` })),
    draw(b, noise, p) {
      const x = noise.noise("normal", [size], []);
      const { to, logDet } = f.forward(b, x, prefixed(prefix, f.tensors, p));
      known.set(to, b.sub(logStandard(b, x), logDet));
      return { lambda: to };
    },
    logDensity(b, p, lambda, which) {
      const drawn = which === "drawn" ? known.get(lambda) : undefined;
      if (drawn) return { lambda: drawn };
      const { to, logDet } = f.inverse(b, lambda, prefixed(prefix, f.tensors, p));
      return { lambda: b.add(logStandard(b, to), logDet) };
    },
    reverse: () => [],
  };
}

/** Σ_c w_c Normal(m_c, diag(s_c²)). */
function mixture(size: number, { components: count }: PriorOptions): HyperPrior {
  const logWeights = (b: Builder, p: Assignment): Value => b.sub(p["prior weights"], b.logSumExp(p["prior weights"], [0]));
  /** log density of λ under each component: [count]. */
  const each = (b: Builder, p: Assignment, lambda: Value): Value => {
    const scales = p["prior log scales"];
    const z = b.mul(b.sub(b.reshape(lambda, [1, size]), p["prior means"]), b.exp(b.neg(scales)));
    const halves = b.mul(b.constant(0.5), b.sum(b.square(z), [1]));
    return b.neg(b.add(b.add(halves, b.sum(scales, [1])), b.constant(0.5 * size * log(2 * Math.PI))));
  };
  const pick = (b: Builder, v: Value, component: Value): Value => b.sum(b.mul(v, component));
  return {
    parameters: [
      { name: "prior weights", shape: [count], initial: () => new Float64Array(count) },
      {
        name: "prior means",
        shape: [count, size],
        initial(rng) {
          const out = new Float64Array(count * size);
          rng.fillNormal(out);
          return out;
        },
      },
      { name: "prior log scales", shape: [count, size], initial: () => new Float64Array(count * size) },
    ],
    draw(b, noise, p) {
      const u = b.reshape(noise.noise("uniform", [1], []), []);
      const sums = b.cumsum(b.exp(logWeights(b, p)));
      // The first whose sum is beyond u; the last, where rounding leaves none.
      const beyond = b.cast(b.lt(u, b.slice(sums, 0, 0, count - 1)), "real");
      const all = count > 1 ? b.concat([beyond, b.tensor(Float64Array.of(1), [1])], 0) : b.tensor(Float64Array.of(1), [1]);
      const before = count > 1 ? b.concat([b.tensor(new Float64Array(1), [1]), beyond], 0) : b.tensor(new Float64Array(1), [1]);
      const component = b.stopGradient(b.sub(all, before));
      const row = (v: Value): Value => b.matmul(component, v);
      const z = noise.noise("normal", [size], []);
      return { lambda: b.add(row(p["prior means"]), b.mul(b.exp(row(p["prior log scales"])), z)), component };
    },
    logDensity(b, p, lambda, _which, component) {
      if (!component) return { lambda: b.logSumExp(b.add(logWeights(b, p), each(b, p, lambda)), [0]) };
      return { lambda: pick(b, each(b, p, lambda), component), component: pick(b, logWeights(b, p), component) };
    },
    reverse(b, p, lambda, component) {
      if (!component) return [];
      const joint = b.add(logWeights(b, p), each(b, p, lambda));
      return [b.sub(pick(b, joint, component), b.logSumExp(joint, [0]))];
    },
  };
}
