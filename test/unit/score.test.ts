// Score-function gradients against enumeration: unbiased, and with a variance that falls by Rao-Blackwellisation and baselines.
import { describe, expect, test } from "vitest";
import { type Family, guided } from "../../src/inference/vi/approximation.ts";
import { boundOf } from "../../src/inference/vi/bound.ts";
import { besideDiscrete, noCoordinates } from "../../src/inference/vi/families/discrete.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { weigh } from "../../src/inference/vi/weights.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Target } from "../../src/runtime/target.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { bound } from "./model-under-test.ts";

/** A sigmoid belief network of 5-3 bits: two layers, the lower ones each with data of its own. */
const belief = `data x: int<0, 1>[5]
const W = 1
for j in 1..3 { top[j] ~ Bernoulli(0.4) }
for i in 1..5 {
  low[i] ~ BernoulliLogit(0.8 * top[1] - 1.1 * top[2] + 0.6 * i * top[3] - 0.5)
  x[i] ~ BernoulliLogit(2.4 * low[i] - 1.3)
}`;
const data = { x: [1, 0, 1, 1, 0] };
/** Logits of the mean field, general. */
const topLogits = [0.3, -0.7, 0.9];
const lowLogits = [0.5, -0.4, 1.1, 0.2, -0.8];

const byGuide = `${belief}
param a: real[3], c: real[5]
guide {
  for j in 1..3 { top[j] ~ BernoulliLogit(a[j]) }
  for i in 1..5 { low[i] ~ BernoulliLogit(c[i]) }
}`;

interface Way {
  readonly target: Target;
  readonly family: Family;
  /** Parameters as inputs, with their values. */
  readonly at: Readonly<Record<string, readonly number[]>>;
  readonly owner: "target" | "family";
}
async function ways(): Promise<Readonly<Record<string, Way>>> {
  const plain = await bound(belief, data);
  const written = await bound(byGuide, data);
  const tables = (logits: readonly number[]): number[] => logits.flatMap((l) => [0, l]);
  return {
    "mean field of the engine's": {
      target: plain.target,
      family: besideDiscrete(plain.target.discrete, noCoordinates(plain.target)),
      at: { "logits of top": tables(topLogits), "logits of low": tables(lowLogits) },
      owner: "family",
    },
    guide: {
      target: written.target,
      family: guided(written.target) as Family,
      at: { a: topLogits, c: lowLogits },
      owner: "target",
    },
  };
}

/** The gradient of each draw of noise: as many as asked for, one after the other. */
function sampled(
  way: Way,
  draws: number,
  count: number,
  change: (b: Builder, w: ReturnType<typeof weigh>) => ReturnType<typeof weigh> = (_b, w) => w,
) {
  const b = createBuilder();
  const noise = new Noise(b);
  const shapes =
    way.owner === "target" ? way.target.parameters.map((p) => ({ name: p.name, shape: p.unconstrained })) : way.family.parameters;
  const inputs = shapes.map((p) => b.input(p.name, { shape: [...p.shape], dtype: "real" }));
  const own = Object.fromEntries(shapes.map((p, i) => [p.name, inputs[i]]));
  const parameters =
    way.owner === "target" ? { target: way.target.constrainParameters(b, own), family: {} } : { target: {}, family: own };
  const w = change(b, weigh(b, way.target, way.family, noise, parameters, { draws }));
  const { value, objective } = boundOf(b, w, { objective: "elbo", draws });
  const outputs = [value, ...gradient(b, objective, inputs)];
  const executable = instantiate(
    compileWasm(simplify(b, { inputs: [...inputs, ...noise.inputsOf(outputs)], outputs, updates: [] })),
  );
  for (const [name, x] of Object.entries(way.at)) executable.inputs[name].set([...x]);
  const fill = noise.filler(executable);
  const rng = stream(11, "score");
  const gradients: number[][] = [];
  const values: number[] = [];
  for (let i = 0; i < count; i++) {
    fill(rng);
    executable.run();
    values.push(executable.outputs[0][0]);
    gradients.push(executable.outputs.slice(1).flatMap((o) => [...o]));
  }
  return { values, gradients };
}

/** ELBO and its gradient by all 2^8 values. */
async function enumerated(): Promise<{ readonly elbo: number; readonly gradient: number[] }> {
  const { target } = await bound(belief, data);
  const logits = [...topLogits, ...lowLogits];
  const b = createBuilder();
  const [top, low] = [b.input("top", { shape: [3], dtype: "real" }), b.input("low", { shape: [5], dtype: "real" })];
  const logJoint = target.terms(b, { top, low }).reduce<Value>((s, t) => b.add(s, b.sum(t.value)), b.constant(0));
  const bits = (k: number): number[] => logits.map((_, i) => (k >> i) & 1);
  const logP = Array.from({ length: 256 }, (_, k) => {
    const z = bits(k);
    return interpret([logJoint], { top: Float64Array.from(z.slice(0, 3)), low: Float64Array.from(z.slice(3)) })[0][0];
  });
  const elboAt = (l: readonly number[]): number => {
    let sum = 0;
    for (let k = 0; k < 256; k++) {
      const logQ = bits(k).reduce((s, z, i) => s - Math.log1p(Math.exp(z === 1 ? -l[i] : l[i])), 0);
      sum += Math.exp(logQ) * (logP[k] - logQ);
    }
    return sum;
  };
  const h = 1e-5;
  return {
    elbo: elboAt(logits),
    gradient: logits.map((_, i) => {
      const moved = (d: number): number[] => logits.map((l, j) => l + (i === j ? d : 0));
      return (elboAt(moved(h)) - elboAt(moved(-h))) / (2 * h);
    }),
  };
}
const mean = (xs: readonly number[]): number => xs.reduce((s, x) => s + x, 0) / xs.length;
const variance = (xs: readonly number[]): number => mean(xs.map((x) => (x - mean(xs)) ** 2));
const column = (rows: readonly (readonly number[])[], i: number): number[] => rows.map((r) => r[i]);
/** Of tables the second logit is the one that moves. */
const logitsOf = (way: Way, gradients: readonly (readonly number[])[]): number[][] =>
  gradients.map((g) => (way.owner === "family" ? g.filter((_, i) => i % 2 === 1) : [...g]));
const RUNS = 5000;

describe("8 bits", () => {
  test("gradients and bound are unbiased, of a guide and of tables, with and without a baseline", async () => {
    const exact = await enumerated();
    for (const [name, way] of Object.entries(await ways()))
      for (const draws of [1, 3]) {
        const { values, gradients } = sampled(way, draws, RUNS);
        expect(Math.abs(mean(values) - exact.elbo), `${name} ${draws}`).toBeLessThan(4.5 * Math.sqrt(variance(values) / RUNS));
        const own = logitsOf(way, gradients);
        exact.gradient.forEach((g, i) => {
          const xs = column(own, i);
          // 32 comparisons: 4.5 deviations are passed by chance once in 4000 choices of the seed.
          expect(Math.abs(mean(xs) - g), `${name}, ${draws} draws, logit ${i}`).toBeLessThan(
            4.5 * Math.sqrt(variance(xs) / RUNS),
          );
        });
      }
  });

  test("Rao-Blackwellisation and the baseline lower the variance, together tenfold and more", async () => {
    const { guide } = await ways();
    const whole = (b: Builder, w: ReturnType<typeof weigh>): ReturnType<typeof weigh> => {
      const all = w.parts.reduce<Value>((s, p) => (p.sign === 1 ? b.add(s, p.value) : b.sub(s, p.value)), b.constant(0));
      return {
        ...w,
        scores: w.scores.map((s) => ({
          ...s,
          advantage: b.broadcastTo(
            b.reshape(b.stopGradient(all), [s.logQ.node.results[0].shape[0], 1]),
            s.logQ.node.results[0].shape,
          ),
        })),
      };
    };
    const total = ({ gradients }: ReturnType<typeof sampled>): number =>
      gradients[0].map((_, i) => variance(column(gradients, i))).reduce((s, v) => s + v, 0);
    const draws = 8;
    // The same number of evaluations each: the mean of 8 draws without a baseline has an eighth of one draw's variance.
    const plain = total(sampled(guide, 1, RUNS, whole)) / draws;
    const blackwell = total(sampled(guide, 1, RUNS)) / draws;
    const both = total(sampled(guide, draws, RUNS));
    expect(blackwell).toBeLessThan(plain / 2);
    expect(both).toBeLessThan(plain / 10);
  });
});
