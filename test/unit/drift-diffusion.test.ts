// First passages in models: the mass of one boundary, both boundaries together, draws.
import { describe, expect, test } from "vitest";
import { apply } from "../../src/dsl/distributions/applied.ts";
import { driftDiffusion, wiener } from "../../src/dsl/distributions/drift-diffusion.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

interface Parameters {
  readonly alpha: number;
  readonly tau: number;
  readonly beta: number;
  readonly delta: number;
  readonly sv?: number;
}
function densities(d: typeof wiener | typeof driftDiffusion, x: Float64Array, p: Parameters): Float64Array {
  const b = createBuilder();
  const given = Object.fromEntries(Object.entries(p).map(([name, v]) => [name, b.constant(v)]));
  return interpret([apply(b, d, given).logDensity(b, b.tensor(x, [x.length]))], {})[0].map(Math.exp);
}
/** P(upper) of a process from alpha beta. */
function upperMass({ alpha, beta, delta }: Parameters): number {
  return delta === 0 ? beta : Math.expm1(-2 * delta * alpha * beta) / Math.expm1(-2 * delta * alpha);
}
const cases: readonly Parameters[] = [
  { alpha: 1.4, tau: 0.3, beta: 0.35, delta: 0.8 },
  { alpha: 0.6, tau: 0, beta: 0.7, delta: -3 },
  { alpha: 2.5, tau: 0.2, beta: 0.5, delta: 0 },
];

describe("Wiener", () => {
  // The trapezoidal rule in s = log(y - tau).
  const step = 1 / 64;
  const logs = Float64Array.from({ length: 22 / step }, (_, i) => -16 + i * step);
  const mass = (p: Parameters, f: (t: number) => number): number => {
    const density = densities(
      wiener,
      logs.map((s) => p.tau + Math.exp(s)),
      p,
    );
    return logs.reduce((m, s, i) => m + step * Math.exp(s) * density[i] * f(Math.exp(s)), 0);
  };
  test.each(cases)("$alpha, $beta, $delta: its integral is the probability of the upper boundary", (p) => {
    expect(mass(p, () => 1)).toBeCloseTo(upperMass(p), 11);
  });
  test("drifts that vary are an average over normal drifts", () => {
    const p = { alpha: 1.3, tau: 0.2, beta: 0.4, delta: 0.6 };
    const x = Float64Array.of(0.25, 0.5, 1.2, 4);
    const found = densities(wiener, x, { ...p, sv: 0.9 });
    const average = new Float64Array(4);
    for (let z = -9; z <= 9; z += 1 / 16) {
      const at = densities(wiener, x, { ...p, delta: p.delta + 0.9 * z });
      const weight = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI) / 16;
      at.forEach((f, i) => {
        average[i] += weight * f;
      });
    }
    found.forEach((f, i) => {
      expect(f / average[i]).toBeCloseTo(1, 12);
    });
  });
});

test("DriftDiffusion is Wiener above 0, and Wiener of the other boundary below", () => {
  const p = { alpha: 1.4, tau: 0.3, beta: 0.35, delta: 0.8, sv: 0.4 };
  const t = Float64Array.of(0.31, 0.7, 2.5);
  expect(densities(driftDiffusion, t, p)).toEqual(densities(wiener, t, p));
  const other = densities(wiener, t, { ...p, beta: 1 - p.beta, delta: -p.delta });
  densities(
    driftDiffusion,
    t.map((x) => -x),
    p,
  ).forEach((f, i) => {
    expect(f / other[i]).toBeCloseTo(1, 13);
  });
  expect(densities(driftDiffusion, Float64Array.of(-0.29, 0, 0.3), p)).toEqual(new Float64Array(3));
});

test("draws come to the boundaries as often as they should, from next to either and against any drift", () => {
  const n = 4000;
  for (const p of [
    ...cases,
    { alpha: 1, tau: 0.1, beta: 1e-7, delta: 0.5 },
    { alpha: 1, tau: 0.1, beta: 1 - 1e-7, delta: -40 },
    { alpha: 3, tau: 0.1, beta: 0.5, delta: 300 },
  ]) {
    const b = createBuilder();
    const applied = apply(b, driftDiffusion, Object.fromEntries(Object.entries(p).map(([name, v]) => [name, b.constant(v)])));
    const values = interpret(
      applied.arguments.map((a) => a.value),
      {},
    );
    const rng = stream(7, JSON.stringify(p));
    const out = new Float64Array(1);
    let upper = 0;
    for (let i = 0; i < n; i++) {
      applied.sample?.(rng, values, out);
      expect(Math.abs(out[0])).toBeGreaterThanOrEqual(p.tau);
      if (out[0] > 0) upper++;
    }
    const share = upperMass(p);
    // Six standard errors, and what a binomial with a small mean has besides.
    expect(Math.abs(upper - n * share)).toBeLessThanOrEqual(6 * Math.sqrt(n * share * (1 - share)) + 3);
  }
});
