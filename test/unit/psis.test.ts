// Pareto-smoothed importance sampling against ArviZ, evidence and resampling by weights against what they are of known weights.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { largestK, logSumExp, paretoK, smoothed } from "../../src/inference/diagnostics/psis.ts";
import { verdictOn } from "../../src/inference/vi/evaluate.ts";
import { evidenceFrom, evidenceOf } from "../../src/inference/vi/evidence.ts";
import { resampled, takeRowsAt } from "../../src/inference/vi/resample.ts";
import { judgeRows } from "../../src/inference/vi/row-verdict.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

interface Golden {
  readonly name: string;
  readonly n: number;
  readonly seed: number;
  readonly k: number;
  readonly largest: readonly number[];
  readonly least: number;
}
const golden: { readonly rows: readonly Golden[] } = JSON.parse(
  readFileSync(new URL("psis-golden.json", import.meta.url), "utf8"),
);

function uniforms(n: number, seed: number): Float64Array {
  let s = seed;
  return Float64Array.from({ length: n }, () => {
    s = (s * 48271) % 2147483647;
    return s / 2147483647;
  });
}
const exponential = (rate: number) => (u: number) => -rate * Math.log(1 - u);
const ratios: Readonly<Record<string, (u: number) => number>> = {
  "pareto 0.2": exponential(0.2),
  "pareto 0.6": exponential(0.6),
  "pareto 1.1": exponential(1.1),
  bounded: (u) => Math.log(0.5 + u),
  "exponential of a square": (u) => -12 * (u - 0.3) ** 2,
  few: exponential(0.5),
  "few, odd": exponential(0.5),
};

describe("Pareto smoothing", () => {
  for (const { name, n, seed, k, largest, least } of golden.rows)
    test(`as ArviZ: ${name}`, () => {
      const ours = smoothed(uniforms(n, seed).map(ratios[name]));
      // The profile likelihood is flat near its top: ten digits of it are left.
      expect(Math.abs(ours.k - k)).toBeLessThan(1e-9);
      const sorted = ours.logWeights.slice().sort();
      expect(Math.abs(sorted[0] - least)).toBeLessThan(1e-10);
      largest.forEach((w, i) => {
        expect(Math.abs(sorted[n - 3 + i] - w)).toBeLessThan(1e-9);
      });
      expect(Math.abs(logSumExp(ours.logWeights))).toBeLessThan(1e-12);
    });

  test("a shift of all ratios changes nothing", () => {
    const x = uniforms(1000, 3).map(exponential(0.6));
    expect(Math.abs(paretoK(x) - paretoK(x.map((v) => v - 4321)))).toBeLessThan(1e-6);
  });
  test("equal ratios are no tail, too few say nothing, one that is all is the worst", () => {
    expect(paretoK(new Float64Array(1000).fill(-3))).toBe(Number.NEGATIVE_INFINITY);
    expect(paretoK(Float64Array.from({ length: 1000 }, (_, i) => -1e5 + 1e-11 * (i % 7)))).toBe(Number.NEGATIVE_INFINITY);
    expect(paretoK(uniforms(10, 1))).toBeNaN();
    expect(paretoK(Float64Array.from({ length: 1000 }, (_, i) => (i === 0 ? 0 : Number.NEGATIVE_INFINITY)))).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(paretoK(new Float64Array(1000).fill(Number.NaN))).toBe(Number.POSITIVE_INFINITY);
  });
  test("ratios hundreds of nats apart are the worst, not too few", () => {
    const x = uniforms(1000, 5).map((u) => -720 - 20 * u);
    x[17] = 0;
    expect(paretoK(x)).toBe(Number.POSITIVE_INFINITY);
  });
  // Draws of discrete latents have few ratios, and the tail may end among equal ones.
  test("a few values that are not far apart are no heavy tail, however often each is drawn", () => {
    for (const share of [0.002, 0.01, 0.05, 0.08, 0.2]) {
      const x = uniforms(1000, 9).map((u) => (u < share ? 0.4 : 0) + (u > 0.5 ? 1e-13 : 0));
      const { k, logWeights } = smoothed(x);
      expect(k).toBeLessThan(0);
      // As they are: no quantiles of a continuous law.
      expect(new Set(Array.from(logWeights, (w) => w.toFixed(9))).size).toBe(2);
      expect(Math.abs(logSumExp(logWeights))).toBeLessThan(1e-12);
    }
    // One draw in twenty, with nearly all the weight.
    expect(paretoK(uniforms(1000, 9).map((u) => (u < 0.05 ? 12 : 0)))).toBeGreaterThan(0.7);
  });
  test("the fewer draws, the smaller a k-hat is reliable: min(1 - 1 / log10 S, 0.7)", () => {
    for (const [draws, limit] of [
      [100, 0.5],
      [1000, 2 / 3],
      [2154, 0.7],
      [1e6, 0.7],
    ])
      expect(largestK(draws)).toBeCloseTo(limit, 4);
    // One tail, of 10000 draws and of 200.
    const words = { pass: "pass", warn: "warn", fail: "fail", advice: "", more: "" };
    const of = (n: number, seed: number) => verdictOn(uniforms(n, seed).map(exponential(0.65)), words);
    const [many, few] = [of(10000, 11), of(200, 11)];
    expect([many.level, few.level]).toEqual(["warn", "fail"]);
    for (const { value } of [many, few]) expect(Math.abs(value - 0.66)).toBeLessThan(0.01);
    expect(few.advice).toContain("above 0.57");
    // Three rows of 200 draws each, all of them above 0.57 and below 0.7.
    const rows = judgeRows(Float64Array.of(...[0, 1, 2].flatMap(() => [...uniforms(200, 11).map(exponential(0.65))])), 3, "N");
    expect(rows.verdict.level).toBe("fail");
    expect(rows.verdict.advice).toContain("above 0.57 in 3 of 3 rows of N");
  });
  test("infinite ratios: those at the top share the weight", () => {
    const one = smoothed(Float64Array.of(...new Float64Array(50), Number.POSITIVE_INFINITY));
    expect(one.k).toBe(Number.POSITIVE_INFINITY);
    expect(Array.from(one.logWeights.map(Math.exp)).slice(-2)).toEqual([0, 1]);
    expect(Array.from(smoothed(new Float64Array(4).fill(Number.NEGATIVE_INFINITY)).logWeights.map(Math.exp))).toEqual([
      0.25, 0.25, 0.25, 0.25,
    ]);
  });
});

describe("weights", () => {
  test("evidence and its error are mean and relative error of the weights", () => {
    const w = [1, 2, 3, 4, 10];
    const { mean, se, effective } = evidenceFrom(Float64Array.from(w, (v) => Math.log(v) - 700));
    const average = 4;
    const variance = w.reduce((s, v) => s + (v - average) ** 2, 0) / 4;
    expect(mean).toBeCloseTo(Math.log(average) - 700, 10);
    expect(se).toBeCloseTo(Math.sqrt(variance / 5) / average, 12);
    expect(effective).toBeCloseTo(20 ** 2 / 130, 12);
  });
  test("a log density that is no number is no weight, and no weight at all is no evidence", () => {
    const logP = Float64Array.of(0, Number.NaN, Math.log(3), Number.NEGATIVE_INFINITY);
    const { evidence, figures } = evidenceOf({ logP, logQ: new Float64Array(4) });
    expect(evidence.mean).toBeCloseTo(0, 12);
    expect(figures.effective_draws).toBeCloseTo(1.6, 12);
    expect(figures.elbo).toBe(Number.NEGATIVE_INFINITY);
    expect("elbo_se" in figures).toBe(false);
    expect(evidenceFrom(new Float64Array(3).fill(Number.NEGATIVE_INFINITY))).toEqual({
      mean: Number.NEGATIVE_INFINITY,
      se: Number.POSITIVE_INFINITY,
      effective: 0,
    });
  });
  test("draws follow the weights, and take their rows along", () => {
    const p = [0.1, 0, 0.2, 0.7];
    const rows = resampled(Float64Array.from(p, Math.log), 10000, stream(1, "rows"));
    p.forEach((share, i) => {
      const count = rows.filter((r) => r === i).length;
      expect(Math.abs(count - 10000 * share)).toBeLessThanOrEqual(4 * Math.sqrt(10000 * share * (1 - share)));
    });
    expect(takeRowsAt(Float64Array.of(1, 2, 3, 4, 5, 6), 2, Int32Array.of(2, 0, 2))).toEqual(Float64Array.of(5, 6, 1, 2, 5, 6));
  });
});
