// A hand-made target whose latents are Bernoulli variables with a guide by score functions, small enough to enumerate.
import { guided } from "../../src/inference/vi/approximation.ts";
import { type BoundOptions, boundOf } from "../../src/inference/vi/bound.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { type Minibatch, weigh } from "../../src/inference/vi/weights.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Builder, type InputAttrs, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import type { Axis, Guide, Setting, Target, Term } from "../../src/runtime/target.ts";

const span = { file: 0, start: 0, end: 0 };
export const term = (site: string, role: Term["role"], value: Value, axes: readonly Axis[] = []): Term => ({
  site,
  role,
  axes,
  value,
  reads: [],
  span,
});

/** log of p^z (1 - p)^(1 - z) with p the sigmoid of the logit. */
export const logBernoulli = (b: Builder, z: Value, logit: Value): Value => b.sub(b.mul(z, logit), b.softplus(logit));

export interface BinarySite {
  readonly name: string;
  readonly size: number;
  readonly plate?: Axis;
  /** From the logits that are learnt, [size], and the values drawn before. */
  logit(b: Builder, learnt: Value, before: Readonly<Record<string, Value>>): Value;
}

/** Logits are parameters "logit of NAME". */
export function binaryTarget(
  sites: readonly BinarySite[],
  terms: (b: Builder, values: Readonly<Record<string, Value>>) => readonly Term[],
): Target {
  const learnt = (s: BinarySite, { parameters = {} }: Setting = {}): Value => parameters[`logit of ${s.name}`];
  const axesOf = (s: BinarySite): readonly Axis[] => (s.plate ? [s.plate] : []);
  const q = (b: Builder, values: Readonly<Record<string, Value>>, setting?: Setting): Term[] =>
    sites.map((s) =>
      term(
        s.name,
        "guide",
        s.plate
          ? logBernoulli(b, values[s.name], s.logit(b, learnt(s, setting), values))
          : b.sum(logBernoulli(b, values[s.name], s.logit(b, learnt(s, setting), values))),
        axesOf(s),
      ),
    );
  const guide: Guide = {
    sites: sites.map((s) => ({ name: s.name, role: "latent", plates: axesOf(s), discrete: true, gradient: "score", span })),
    draw(b, noise, setting) {
      const values: Record<string, Value> = {};
      for (const s of sites) {
        const u = noise.noise("uniform", [s.size], axesOf(s));
        const p = b.sigmoid(s.logit(b, learnt(s, setting), values));
        values[s.name] = b.cast(b.lt(u, p), "real");
      }
      return { values, terms: q(b, values, setting) };
    },
    terms: q,
    reverse: () => [],
  };
  // What else a target has is not asked for.
  return { guide, terms, parameters: [], sites: [], plates: [], layout: [], dimension: 0 } as unknown as Target;
}

export interface Estimator {
  /** Value and gradient (by the logits of all sites, one after the other) where the uniforms are these. */
  at(uniforms: readonly Float64Array[], rows?: readonly number[]): { readonly value: number; readonly gradient: Float64Array };
  readonly noises: readonly { readonly shape: readonly number[] }[];
}

export function estimator(
  target: Target,
  sites: readonly BinarySite[],
  logits: Readonly<Record<string, Float64Array>>,
  options: BoundOptions & { readonly weight?: number },
  minibatch?: Omit<Minibatch, "indices">,
): Estimator {
  const b = createBuilder();
  const family = guided(target);
  if (!family) throw new Error("no guide");
  const noise = new Noise(b);
  const inputs = sites.map((s) => b.input(`logit of ${s.name}`, { shape: [s.size], dtype: "real" }));
  const parameters = { target: Object.fromEntries(sites.map((s, i) => [`logit of ${s.name}`, inputs[i]])), family: {} };
  const indices = b.input("rows", { shape: [minibatch?.rows ?? 1], dtype: "int" });
  const w = weigh(b, target, family, noise, parameters, { draws: options.draws }, minibatch && { ...minibatch, indices });
  const beta = options.weight === undefined ? {} : { beta: b.constant(options.weight) };
  const bound = boundOf(b, w, { objective: options.objective, draws: options.draws, ...beta });
  const outputs = [bound.value, ...gradient(b, bound.objective, inputs)];
  const noises = noise.inputsOf(outputs);
  return {
    noises: noises.map((v) => ({ shape: shapeOf(v) })),
    at(uniforms, rows = []) {
      const given = Object.fromEntries(noises.map((v, i) => [(v.node.attrs as InputAttrs).name, uniforms[i]]));
      const all = Object.fromEntries(sites.map((s) => [`logit of ${s.name}`, logits[s.name]]));
      const [[value], ...slopes] = interpret(outputs, { ...given, ...all, rows: Int32Array.from(rows) });
      return { value, gradient: Float64Array.from(slopes.flatMap((g) => [...g])) };
    },
  };
}
