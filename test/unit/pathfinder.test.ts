// What an L-BFGS path tells of a density: against the matrices written out, and on normal densities, where it ends at the truth.
import { describe, expect, test } from "vitest";
import { positiveInverse } from "../../src/inference/optimize/hessian.ts";
import { followPath, type Path } from "../../src/inference/optimize/path.ts";
import {
  type CurvaturePair,
  covarianceOf,
  deviationsOf,
  drawNormal,
  nextDiagonal,
  normalAt,
  normalLogDensity,
} from "../../src/inference/optimize/quasi-newton-normal.ts";
import { principalFactors } from "../../src/inference/vi/families/factors.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { autoregressive, multivariateNormal } from "../laws/engines-densities.ts";

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((s, v, i) => s + v * b[i], 0);

/** The inverse Hessian after BFGS updates of a diagonal, as matrices: H ← (I - s y'/y's) H (I - y s'/y's) + s s'/y's. */
function dense(diagonal: Float64Array, pairs: readonly CurvaturePair[]): number[][] {
  const n = diagonal.length;
  let h = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_v, j) => (i === j ? diagonal[i] : 0)));
  for (const { step: s, change: y } of pairs) {
    const along = dot(s, y);
    const left = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_v, j) => (i === j ? 1 : 0) - (s[i] * y[j]) / along),
    );
    const multiply = (a: number[][], b: number[][]) =>
      a.map((row) => b[0].map((_, j) => row.reduce((sum, v, k) => sum + v * b[k][j], 0)));
    const right = left[0].map((_, i) => left.map((row) => row[i]));
    h = multiply(multiply(left, h), right).map((row, i) => row.map((v, j) => v + (s[i] * s[j]) / along));
  }
  return h;
}

function pairsOf(n: number, count: number, seed: number): CurvaturePair[] {
  const rng = stream(seed, "pairs");
  const vector = () => Float64Array.from({ length: n }, () => rng.normal());
  return Array.from({ length: count }, () => {
    const step = vector();
    // A positive curvature in each coordinate makes y's > 0.
    return { step, change: step.map((v, i) => v * (1 + i + 0.1 * rng.normal())) };
  });
}

describe("the normal distribution at a point of a path", () => {
  // More pairs than dimensions too: then they depend on each other.
  for (const [n, count] of [
    [6, 2],
    [4, 3],
    [3, 5],
    [1, 2],
    [5, 0],
  ])
    test(`has the covariance of BFGS and a Newton step's mean: ${n} dimensions, ${count} steps`, () => {
      const pairs = pairsOf(n, count, 10 * n + count);
      const diagonal = Float64Array.from({ length: n }, (_, i) => 0.5 + 0.3 * i);
      const at = Float64Array.from({ length: n }, (_, i) => 0.1 * i - 0.3);
      const slope = Float64Array.from({ length: n }, (_, i) => 1 - 0.4 * i);
      const normal = normalAt(at, slope, diagonal, pairs);
      if (!normal) throw new Error("no normal distribution");
      const h = dense(diagonal, pairs);
      const covariance = covarianceOf(normal);
      h.forEach((row, i) => {
        row.forEach((v, j) => {
          expect(covariance[i * n + j]).toBeCloseTo(v, 9);
        });
        expect(normal.mean[i]).toBeCloseTo(at[i] + row.reduce((s, v, j) => s + v * slope[j], 0), 9);
        expect(deviationsOf(normal)[i]).toBeCloseTo(Math.sqrt(row[i]), 9);
      });
    });

  test("draws with its covariance, and tells their density", () => {
    const n = 4;
    const normal = normalAt(new Float64Array(n), new Float64Array(n), new Float64Array(n).fill(1), pairsOf(n, 2, 3));
    if (!normal) throw new Error("no normal distribution");
    const covariance = covarianceOf(normal);
    const precision = positiveInverse(covariance, n);
    if (!precision) throw new Error("not positive definite");
    const rng = stream(2, "draws");
    const x = new Float64Array(n);
    const count = 20000;
    const sums = new Float64Array(n * n);
    let offset: number | undefined;
    for (let k = 0; k < count; k++) {
      const density = drawNormal(normal, rng, x);
      let square = 0;
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          sums[i * n + j] += (x[i] * x[j]) / count;
          square += x[i] * precision[i * n + j] * x[j];
        }
      // log q + ½ x' Σ⁻¹ x is the same constant everywhere.
      if (k < 100) expect(normalLogDensity(normal, x)).toBeCloseTo(density, 9);
      offset ??= density + square / 2;
      expect(density + square / 2).toBeCloseTo(offset, 8);
    }
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const error = Math.sqrt((covariance[i * n + i] * covariance[j * n + j] + covariance[i * n + j] ** 2) / count);
        expect(Math.abs(sums[i * n + j] - covariance[i * n + j])).toBeLessThan(4.5 * error);
      }
  });

  test("the diagonal keeps the secant equation in the mean: y' D y of a diagonal Hessian is found", () => {
    const hessian = Float64Array.of(1, 4, 9);
    let diagonal = new Float64Array(3).fill(1) as Float64Array;
    const rng = stream(8, "diagonal");
    for (let k = 0; k < 200; k++) {
      const step = Float64Array.from(hessian, () => rng.normal());
      diagonal = nextDiagonal(diagonal, { step, change: step.map((v, i) => v * hessian[i]) });
    }
    hessian.forEach((h, i) => {
      expect(diagonal[i]).toBeCloseTo(1 / h, 6);
    });
  });
});

describe("a path", () => {
  const follow = (n: number, start: number): Path => {
    const target = multivariateNormal(
      autoregressive(n, 0.7, (i) => 1 + i),
      n,
    );
    const run = followPath(
      target,
      new Float64Array(n).fill(start),
      { maxIterations: 200, history: 10, elboDraws: 20 },
      stream(1, "path"),
    );
    let step = run.next();
    while (!step.done) step = run.next(true);
    return step.value;
  };
  test("finds a normal density, as near as its draws can tell", () => {
    const n = 4;
    const { normal, elbo, elbos } = follow(n, 5);
    if (!normal) throw new Error("no normal distribution");
    const truth = autoregressive(n, 0.7, (i) => 1 + i);
    covarianceOf(normal).forEach((v, k) => {
      expect(Math.abs(v - truth[k])).toBeLessThan(
        0.25 * Math.sqrt(truth[Math.floor(k / n) * (n + 1)] * truth[(k % n) * (n + 1)]),
      );
    });
    for (const m of normal.mean) expect(Math.abs(m)).toBeLessThan(0.3);
    expect(elbo).toBe(Math.max(...elbos));
  });
  test("is followed to where it is stopped", () => {
    const run = followPath(
      multivariateNormal(
        autoregressive(3, 0.5, () => 1),
        3,
      ),
      new Float64Array(3).fill(9),
      { maxIterations: 100, history: 5, elboDraws: 5 },
      stream(1, "path"),
    );
    run.next();
    let step = run.next(true);
    while (!step.done) step = run.next(false);
    expect(step.value.interrupted).toBe(true);
  });
});

test("principal factors find a matrix that has their form", () => {
  const n = 6;
  const v = Float64Array.of(0.9, -0.5, 0.3, 0.7, 0.1, -0.8);
  const psi = Float64Array.of(0.5, 0.3, 0.8, 0.4, 1, 0.2);
  const matrix = Float64Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return v[i] * v[j] + (i === j ? psi[i] : 0);
  });
  const inverse = positiveInverse(matrix, n);
  if (!inverse) throw new Error("not positive definite");
  const most = Float64Array.from({ length: n }, (_, i) => 1 / inverse[i * n + i]);
  const { diagonal, directions } = principalFactors(matrix, n, 1, most);
  const sign = Math.sign(directions[0]);
  directions.forEach((d, i) => {
    expect(sign * d).toBeCloseTo(v[i], 1);
    expect(diagonal[i]).toBeCloseTo(psi[i], 1);
  });
});
