// Pareto-smoothed importance sampling against ArviZ, evidence and resampling by weights against what they are of known weights.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { logSumExp, paretoK, smoothed } from "../../src/inference/diagnostics/psis.ts";
import { evidenceFrom } from "../../src/inference/vi/evidence.ts";
import { resampled, takeRowsAt } from "../../src/inference/vi/resample.ts";
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
