// Annealed importance sampling: its moves leave each bridging density invariant, whatever was tuned, and its weights are unbiased.
import { describe, expect, test } from "vitest";
import { Annealer, type Tuning } from "../../src/inference/annealing/anneal.ts";
import { type Spacing, spacings, temperatures } from "../../src/inference/annealing/temperatures.ts";
import { Tempered } from "../../src/inference/annealing/tempered.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { LogDensity } from "../../src/runtime/target.ts";
import { density, normals } from "./engines-densities.ts";
import { expectStandardMoments } from "./standard-moments.ts";

/** With its constant. */
const normalised = (mean: readonly number[], sd: readonly number[]): LogDensity => {
  const plain = normals(mean, sd);
  const constant = sd.reduce((s, v) => s + Math.log(v) + 0.5 * Math.log(2 * Math.PI), 0);
  return density(mean.length, (q, g) => plain.evaluate(q, g) - constant);
};
const drain = <T>(run: Generator<undefined, T, undefined>): T => {
  let step = run.next();
  while (!step.done) step = run.next();
  return step.value;
};
const SIGMAS = 4;

describe("temperatures", () => {
  test("rise from 0 to 1, in every spacing", () => {
    for (const spacing of Object.keys(spacings) as Spacing[])
      for (const count of [1, 2, 7, 100]) {
        const betas = temperatures(count, spacing);
        expect([betas.length, betas[0], betas[count]]).toEqual([count + 1, 0, 1]);
        for (let t = 1; t <= count; t++) expect(betas[t]).toBeGreaterThan(betas[t - 1]);
      }
  });
  test("are dense where their names say", () => {
    const gaps = (spacing: Spacing) =>
      temperatures(100, spacing)
        .map((v, t, all) => (t === 0 ? 0 : v - all[t - 1]))
        .slice(1);
    const sigmoidal = gaps("sigmoidal");
    expect(sigmoidal[50]).toBeGreaterThan(5 * Math.max(sigmoidal[0], sigmoidal[99]));
    expect(sigmoidal[0]).toBeCloseTo(sigmoidal[99], 10);
    const geometric = gaps("geometric");
    expect(geometric[99]).toBeGreaterThan(1000 * geometric[0]);
  });
});

describe("a bridge", () => {
  test("is the one density at one end, the other at the other, and the gradient its slope between", () => {
    const from = normalised([0, 1], [2, 1]);
    const to = normalised([1, -1], [0.5, 3]);
    const tempered = new Tempered(from, to);
    const q = Float64Array.of(0.3, -0.7);
    const g = new Float64Array(2);
    const [start, end] = [from.evaluate(q, g), to.evaluate(q, g)];
    for (const beta of [0, 0.3, 1]) {
      tempered.beta = beta;
      expect(tempered.evaluate(q, g)).toBeCloseTo((1 - beta) * start + beta * end, 13);
      expect(tempered.difference).toBeCloseTo(end - start, 13);
      const h = 1e-6;
      for (const i of [0, 1]) {
        const at = (d: number) =>
          tempered.evaluate(
            q.map((v, k) => (k === i ? v + d : v)),
            new Float64Array(2),
          );
        expect(g[i]).toBeCloseTo((at(h) - at(-h)) / (2 * h), 7);
      }
    }
  });
  test("where the posterior is zero, the prior alone has a say at β = 0", () => {
    const nowhere = density(1, (_, g) => {
      g[0] = Number.NaN;
      return Number.NEGATIVE_INFINITY;
    });
    const tempered = new Tempered(normalised([0], [1]), nowhere);
    const g = new Float64Array(1);
    expect(tempered.evaluate(Float64Array.of(0.5), g)).toBeCloseTo(-0.125 - 0.5 * Math.log(2 * Math.PI), 12);
    expect(g[0]).toBe(-0.5);
    tempered.beta = 0.5;
    expect(tempered.evaluate(Float64Array.of(0.5), g)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("a move", () => {
  // N(0, 2²)^(1-β) N(1, ½²)^β is normal, of precision (1-β)/4 + 4β and mean 4β over that.
  const bridge = (beta: number) => {
    const precision = (1 - beta) / 4 + 4 * beta;
    return { mean: (4 * beta) / precision, sd: 1 / Math.sqrt(precision) };
  };
  // A step so long that half of the moves are refused: only the refusals keep the law then.
  for (const beta of [0.1, 0.6, 1])
    for (const stepSize of [0.2, 1.9])
      test(`leaves its density invariant: β = ${beta}, steps of ${stepSize} deviations`, () => {
        const tempered = new Tempered(normalised([0], [2]), normalised([1], [0.5]));
        const options = { betas: Float64Array.of(0, beta), leapfrogSteps: 3, targetAccept: 0.8 };
        const annealer = new Annealer(tempered, options, 1);
        const { mean, sd } = bridge(beta);
        const tuning: Tuning = { stepSizes: Float64Array.of(stepSize), variances: Float64Array.of(sd * sd) };
        const n = 20000;
        const rng = stream(4, `invariance ${beta} ${stepSize}`);
        const out = new Float64Array(1);
        let moved = 0;
        const ends = Float64Array.from({ length: n }, () => {
          const from = mean + sd * rng.normal();
          drain(annealer.run(Float64Array.of(from), tuning, rng, out));
          if (out[0] !== from) moved++;
          return (out[0] - mean) / sd;
        });
        expectStandardMoments(ends, SIGMAS);
        expect(moved).toBeGreaterThan(0.2 * n);
        if (stepSize > 1) expect(moved).toBeLessThan(0.95 * n);
      });
});

describe("weights", () => {
  const run = (count: number, particles: number, tuned: boolean) => {
    // log Z of 3 N(1, ½) beside a normalised N(0, 2²), both in two dimensions.
    const to = normalised([1, 1], [0.5, 0.5]);
    const tempered = new Tempered(
      normalised([0, 0], [2, 2]),
      density(2, (q, g) => to.evaluate(q, g) + Math.log(3)),
    );
    const options = { betas: temperatures(count, "sigmoidal"), leapfrogSteps: 3, targetAccept: 0.8 };
    const rng = stream(6, `weights ${count} ${particles}`);
    const starts = (n: number) => Float64Array.from({ length: 2 * n }, () => 2 * rng.normal());
    const tuning = tuned
      ? drain(new Annealer(tempered, options, 20).tune(starts(20), rng))
      : { stepSizes: new Float64Array(count).fill(0.1), variances: new Float64Array(2 * count).fill(1) };
    const annealer = new Annealer(tempered, options, 1);
    const positions = starts(particles);
    const out = new Float64Array(2);
    const weights = Float64Array.from({ length: particles }, (_, i) =>
      Math.exp(drain(annealer.run(positions.subarray(2 * i, 2 * i + 2), tuning, rng, out))),
    );
    const mean = weights.reduce((s, w) => s + w / particles, 0);
    const sd = Math.sqrt(weights.reduce((s, w) => s + (w - mean) ** 2, 0) / particles);
    return { mean, sd, tuning };
  };
  test("have the ratio of the normalisers as their mean, with few temperatures, bad steps or good ones", () => {
    for (const [count, particles, tuned] of [
      [1, 20000, false],
      [5, 4000, false],
      [5, 4000, true],
      [100, 500, true],
    ] as const) {
      const { mean, sd } = run(count, particles, tuned);
      expect(Math.abs(mean - 3)).toBeLessThan((SIGMAS * sd) / Math.sqrt(particles));
    }
  });
  test("vary less with more temperatures", () => {
    expect(run(100, 500, true).sd).toBeLessThan(0.4 * run(5, 4000, true).sd);
  });
  test("tuning takes the metric from the prior's width to the posterior's", () => {
    const { tuning } = run(200, 2, true);
    expect(tuning.variances[0]).toBeGreaterThan(1.5);
    expect(tuning.variances[2 * 199]).toBeLessThan(0.6);
    for (const step of tuning.stepSizes) expect(step).toBeGreaterThan(0.1);
  });
});
