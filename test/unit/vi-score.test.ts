// Gradients by score functions, exactly: expectations over all values of a few Bernoulli variables.
import { describe, expect, test } from "vitest";
import type { Axis } from "../../src/runtime/target.ts";
import { type BinarySite, binaryTarget, estimator, term } from "./binary-target.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const N: Axis = { kind: "plate", name: "N", size: 3 };
const rows: BinarySite = { name: "z", size: 3, plate: N, logit: (_, a) => a };
const logits = Float64Array.of(0.4, -0.7, 1.1);
/** All values of n bits. */
const combinations = (n: number): number[][] =>
  Array.from({ length: 2 ** n }, (_, k) => Array.from({ length: n }, (_, i) => (k >> i) & 1));
const probability = (z: readonly number[], a: Float64Array): number =>
  z.reduce((p, v, i) => p * (v === 1 ? sigmoid(a[i]) : 1 - sigmoid(a[i])), 1);
/** A uniform that gives this value. */
const uniformFor = (v: number, a: number): number => (v === 1 ? sigmoid(a) / 2 : (1 + sigmoid(a)) / 2);

/** Mean and variance of the gradient over all draws of z, and the mean of the value. */
function moments(e: ReturnType<typeof estimator>, draws: number) {
  const mean = new Float64Array(3);
  const square = new Float64Array(3);
  let value = 0;
  for (const z of combinations(3 * draws)) {
    const parts = Array.from({ length: draws }, (_, k) => z.slice(3 * k, 3 * k + 3));
    const weight = parts.reduce((p, part) => p * probability(part, logits), 1);
    const out = e.at([Float64Array.from(z, (v, i) => uniformFor(v, logits[i % 3]))]);
    value += weight * out.value;
    out.gradient.forEach((g, i) => {
      mean[i] += weight * g;
      square[i] += weight * g * g;
    });
  }
  return { mean, value, variance: square.map((s, i) => s - mean[i] * mean[i]) };
}

/** Central differences of an expectation over z. */
function slopeOf(f: (a: Float64Array) => number): Float64Array {
  const h = 1e-5;
  return logits.map((_, i) => {
    const at = (d: number) => f(logits.map((v, k) => (k === i ? v + d : v)));
    return (at(h) - at(-h)) / (2 * h);
  });
}
const exactElbo = (f: (z: readonly number[]) => number, beta = 1, rate: (z: readonly number[]) => number = () => 0) =>
  slopeOf((a) =>
    combinations(3).reduce((sum, z) => {
      const q = probability(z, a);
      return sum + q * (f(z) + beta * (rate(z) - Math.log(q)));
    }, 0),
  );
const expectClose = (ours: Float64Array, exact: Float64Array): void =>
  ours.forEach((g, i) => {
    // Central differences: h² and rounding over h.
    expect(Math.abs(g - exact[i]), `${[...ours]} is not ${[...exact]}`).toBeLessThan(1e-8);
  });

/** Each row's term reads its own z alone. */
const separate = binaryTarget([rows], (b, { z }) => [
  term("z", "prior", b.mul(b.tensor(Float64Array.of(0.2, -0.4, 0.6), [3]), z), [N]),
  term("x", "likelihood", b.mul(b.tensor(Float64Array.of(1, 1.7, 1.8), [3]), z), [N]),
]);
const prior = (z: readonly number[]): number => 0.2 * z[0] - 0.4 * z[1] + 0.6 * z[2];
const likelihood = (z: readonly number[]): number => z[0] + 1.7 * z[1] + 1.8 * z[2];
/** Row n reads z of row n - 1, around in a ring: of the same shape, and yet not apart. */
const ring = binaryTarget([rows], (b, { z }) => {
  const before = b.concat([b.slice(z, 0, 2, 1), b.slice(z, 0, 0, 2)], 0);
  return [
    term("x", "likelihood", b.mul(b.tensor(Float64Array.of(1, 3, -2), [3]), b.mul(before, b.add(z, b.constant(0.5)))), [N]),
  ];
});
const ringed = (z: readonly number[]): number => [1, 3, -2].reduce((s, w, n) => s + w * z[(n + 2) % 3] * (z[n] + 0.5), 0);
/** One term of everything. */
const coupled = binaryTarget([rows], (b, { z }) => [
  term("x", "likelihood", b.mul(b.tensor(Float64Array.of(1, 1.7, 1.8), [3]), z), [N]),
  term("f", "factor", b.mul(b.constant(5), b.prod(z))),
]);
const coupledTo = (z: readonly number[]): number => likelihood(z) + 5 * z[0] * z[1] * z[2];
/** A table of pairs: its two axes are alike, and each element reads two of z. */
const paired = binaryTarget([rows], (b, { z }) => {
  const table = b.mul(b.reshape(z, [3, 1]), b.sub(b.constant(2), b.reshape(z, [1, 3])));
  const weights = b.tensor(Float64Array.of(1, -2, 0.5, 0.7, 3, -1, 2, 0.1, -0.6), [3, 3]);
  return [term("x", "likelihood", b.mul(weights, table), [N, { kind: "plate", name: "M", size: 3 }])];
});
const pairs = (z: readonly number[]): number =>
  [1, -2, 0.5, 0.7, 3, -1, 2, 0.1, -0.6].reduce((s, w, k) => s + w * z[Math.floor(k / 3)] * (2 - z[k % 3]), 0);

const cases = [
  { name: "rows apart", target: separate, f: (z: readonly number[]) => prior(z) + likelihood(z) },
  { name: "a ring", target: ring, f: ringed },
  { name: "a factor over all", target: coupled, f: coupledTo },
  { name: "a table of pairs", target: paired, f: pairs },
];

describe("score-function gradients", () => {
  for (const { name, target, f } of cases)
    for (const draws of [1, 2, 3])
      test(`of the elbo are unbiased: ${name}, ${draws} draws`, () => {
        const e = estimator(target, [rows], { z: logits }, { objective: "elbo", draws });
        const { mean, value } = moments(e, draws);
        expectClose(mean, exactElbo(f));
        const exact = combinations(3).reduce((s, z) => s + probability(z, logits) * (f(z) - Math.log(probability(z, logits))), 0);
        expect(Math.abs(value - exact)).toBeLessThan(1e-12);
      });

  test("under a weight of the rate are those of that bound", () => {
    for (const weight of [0, 0.3, 4])
      for (const draws of [1, 2]) {
        const e = estimator(separate, [rows], { z: logits }, { objective: "elbo", draws, weight });
        expectClose(moments(e, draws).mean, exactElbo(likelihood, weight, prior));
      }
  });

  test("Rao-Blackwellised, have less variance than with everything held against each draw, and a baseline lowers it further", () => {
    // Every row far below 0, as log densities are.
    const low = binaryTarget([rows], (b, { z }) => [
      term("x", "likelihood", b.sub(b.mul(b.tensor(Float64Array.of(1, 1.7, 1.8), [3]), z), b.constant(6)), [N]),
    ]);
    const total = (v: ArrayLike<number>): number => Array.from(v).reduce((x, y) => x + y, 0);
    const one = moments(estimator(low, [rows], { z: logits }, { objective: "elbo", draws: 1 }), 1);
    const two = moments(estimator(low, [rows], { z: logits }, { objective: "elbo", draws: 2 }), 2);
    // The plain estimator: (log p - log q) ∇ log q, and the term of expectation 0 that the bound itself brings.
    let plain = 0;
    for (const z of combinations(3)) {
      const q = probability(z, logits);
      z.forEach((v, i) => {
        const score = v - sigmoid(logits[i]);
        const g = (likelihood(z) - 18 - Math.log(q) - 1) * score;
        plain += q * g * g;
      });
    }
    const variance = plain - total(one.mean.map((m) => m * m));
    expect(total(one.variance)).toBeLessThan(0.2 * variance);
    // Independent draws alone would halve it.
    expect(total(two.variance)).toBeLessThan(0.1 * total(one.variance));
  });

  for (const { name, target, f } of cases.slice(0, 3))
    for (const draws of [1, 2, 3])
      test(`of the importance-weighted bound are unbiased: ${name}, ${draws} draws`, () => {
        const e = estimator(target, [rows], { z: logits }, { objective: "iwae", draws });
        const { mean, value } = moments(e, draws);
        // E log 1/K Σ p/q over all K-tuples.
        const iwae = (a: Float64Array): number =>
          combinations(3 * draws).reduce((sum, z) => {
            const parts = Array.from({ length: draws }, (_, k) => z.slice(3 * k, 3 * k + 3));
            const q = parts.map((part) => probability(part, a));
            const weights = parts.map((part, k) => Math.exp(f(part)) / q[k]);
            return sum + q.reduce((x, y) => x * y, 1) * Math.log(weights.reduce((x, y) => x + y, 0) / draws);
          }, 0);
        expect(Math.abs(value - iwae(logits))).toBeLessThan(1e-12);
        expectClose(mean, slopeOf(iwae));
      });

  test("through draws that depend on draws: z2 given z1 is held responsible for itself, z1 for both", () => {
    const first: BinarySite = { name: "z1", size: 1, logit: (_, a) => a };
    const second: BinarySite = {
      name: "z2",
      size: 1,
      logit: (b, a, { z1 }) => b.add(a, b.mul(b.constant(1.5), z1)),
    };
    const target = binaryTarget([first, second], (b, { z1, z2 }) => [
      term("z1", "prior", b.sum(b.mul(b.constant(0.7), z1))),
      term("x", "likelihood", b.sum(b.mul(b.constant(2), b.mul(z2, b.add(z1, b.constant(0.3)))))),
    ]);
    const a = [0.3, -0.9];
    const f = (x: number, y: number) => 0.7 * x + 2 * y * (x + 0.3);
    const q = ([a1, a2]: readonly number[], x: number, y: number) => probability([x, y], Float64Array.of(a1, a2 + 1.5 * x));
    const elbo = (at: readonly number[]) =>
      combinations(2).reduce((s, [x, y]) => s + q(at, x, y) * (f(x, y) - Math.log(q(at, x, y))), 0);
    const e = estimator(
      target,
      [first, second],
      { z1: Float64Array.of(a[0]), z2: Float64Array.of(a[1]) },
      { objective: "elbo", draws: 1 },
    );
    const mean = [0, 0];
    for (const [x, y] of combinations(2)) {
      const us = [Float64Array.of(uniformFor(x, a[0])), Float64Array.of(uniformFor(y, a[1] + 1.5 * x))];
      const { gradient } = e.at(us);
      gradient.forEach((g, i) => {
        mean[i] += q(a, x, y) * g;
      });
    }
    const h = 1e-5;
    const slopes = [
      (elbo([a[0] + h, a[1]]) - elbo([a[0] - h, a[1]])) / (2 * h),
      (elbo([a[0], a[1] + h]) - elbo([a[0], a[1] - h])) / (2 * h),
    ];
    mean.forEach((g, i) => {
      expect(Math.abs(g - slopes[i])).toBeLessThan(1e-8);
    });
  });

  test("on minibatches have the same mean, over all minibatches and draws", () => {
    const e = estimator(separate, [rows], { z: logits }, { objective: "elbo", draws: 1 }, { plate: N, rows: 2 });
    const mean = new Float64Array(3);
    const batches = [
      [0, 1],
      [2, 0],
      [1, 2],
    ];
    expect(e.noises).toEqual([{ shape: [2] }]);
    for (const batch of batches)
      for (const z of combinations(2)) {
        const a = Float64Array.from(batch, (n) => logits[n]);
        const { gradient } = e.at([Float64Array.from(z, (v, i) => uniformFor(v, a[i]))], batch);
        gradient.forEach((g, i) => {
          mean[i] += (probability(z, a) * g) / batches.length;
        });
      }
    expectClose(
      mean,
      exactElbo((z) => prior(z) + likelihood(z)),
    );
  });

  test("minibatches of rows that are held responsible for a term of all rows are refused", () => {
    expect(() => estimator(coupled, [rows], { z: logits }, { objective: "elbo", draws: 1 }, { plate: N, rows: 2 })).toThrow(
      "a term that is of no row of N reads z of all rows of it",
    );
  });

  test("minibatches of rows that read each other are refused", () => {
    expect(() => estimator(ring, [rows], { z: logits }, { objective: "elbo", draws: 1 }, { plate: N, rows: 2 })).toThrow(
      "the likelihood of x reads, for some rows of N, what belongs to other rows of it",
    );
  });
});
