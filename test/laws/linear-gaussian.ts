// Models whose posterior is normal and whose evidence is known, as texts, with what is known; and the distance between normal distributions.
import { cholesky } from "../../src/inference/hmc/metric.ts";
import { positiveInverse } from "../../src/inference/optimize/hessian.ts";
import type { GaussianFamily } from "../../src/inference/vi/families/gaussian.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type InputAttrs, shapeOf } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

export interface Normal {
  readonly mean: Float64Array;
  /** Row-major. */
  readonly covariance: Float64Array;
}
export interface KnownModel {
  readonly name: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Of the unconstrained coordinates. */
  readonly posterior: Normal;
  readonly evidence: number;
}

const logDeterminant = (a: Float64Array, n: number): number => {
  const l = new Float64Array(n * n);
  if (!cholesky(a, l, n)) throw new Error("not positive definite");
  return 2 * Array.from({ length: n }, (_, i) => Math.log(l[i * n + i])).reduce((x, y) => x + y, 0);
};
const inverse = (a: Float64Array, n: number): Float64Array => {
  const out = positiveInverse(a, n);
  if (!out) throw new Error("not positive definite");
  return out;
};
const times = (a: Float64Array, x: ArrayLike<number>): Float64Array => {
  const n = x.length;
  return Float64Array.from({ length: a.length / n }, (_, i) => Array.from(x).reduce((s, v, j) => s + a[i * n + j] * v, 0));
};
const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number => Array.from(x).reduce((s, v, i) => s + v * y[i], 0);

/** KL(q || p). */
export function divergence(q: Normal, p: Normal): number {
  const n = q.mean.length;
  const precision = inverse(p.covariance, n);
  let trace = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) trace += precision[i * n + j] * q.covariance[j * n + i];
  const d = q.mean.map((v, i) => v - p.mean[i]);
  return 0.5 * (trace + dot(d, times(precision, d)) - n + logDeterminant(p.covariance, n) - logDeterminant(q.covariance, n));
}

/** y = X β + noise, β standard normal times `scale`: the posterior of β and the evidence by conjugacy. */
export function regression(name: string, X: readonly (readonly number[])[], scale: readonly number[], sigma: number): KnownModel {
  const n = scale.length;
  const rng = stream(5, name);
  const beta = scale.map((s) => s * rng.normal());
  const y = X.map((row) => dot(row, beta) + sigma * rng.normal());
  const precision = new Float64Array(n * n);
  const right = new Float64Array(n);
  X.forEach((row, k) => {
    for (let i = 0; i < n; i++) {
      right[i] += (row[i] * y[k]) / (sigma * sigma);
      for (let j = 0; j < n; j++) precision[i * n + j] += (row[i] * row[j]) / (sigma * sigma);
    }
  });
  for (let i = 0; i < n; i++) precision[i * n + i] += 1 / (scale[i] * scale[i]);
  const covariance = inverse(precision, n);
  const mean = times(covariance, right);
  const N = y.length;
  const evidence =
    -0.5 *
    (N * Math.log(2 * Math.PI * sigma * sigma) +
      scale.reduce((s, v) => s + 2 * Math.log(v), 0) +
      logDeterminant(precision, n) +
      dot(y, y) / (sigma * sigma) -
      dot(mean, right));
  const text = `
data X: real[N, P], y: real[N], scale: positive[P], sigma: positive
beta: real[P] ~ Normal(0, scale)
y ~ Normal(X @ beta, sigma)
`;
  return { name, text, data: { X, y, scale, sigma }, posterior: { mean, covariance }, evidence };
}

/** x of precision diag(d) + u u', the evidence being that of the factor. */
export function rankOne(d: readonly number[], u: readonly number[]): KnownModel {
  const n = d.length;
  const precision = Float64Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return (i === j ? d[i] : 0) + u[i] * u[j];
  });
  const s = u.reduce((sum, v, i) => sum + (v * v) / d[i], 0);
  const text = `
data sd: positive[P], u: real[P]
x: real[P] ~ Normal(0, sd)
factor(-0.5 * sum(u * x)^2)
`;
  return {
    name: "precision D + u u'",
    text,
    data: { sd: d.map((v) => 1 / Math.sqrt(v)), u },
    posterior: { mean: new Float64Array(n), covariance: inverse(precision, n) },
    evidence: -0.5 * Math.log(1 + s),
  };
}

export const correlated: KnownModel = {
  name: "two coordinates with correlation 0.9",
  text: "x: real[2] ~ MultiNormal(zeros(2), [[1, 0.9], [0.9, 1]])",
  data: {},
  posterior: { mean: new Float64Array(2), covariance: Float64Array.of(1, 0.9, 0.9, 1) },
  evidence: 0,
};

/** Mean and covariance of a family whose draws are affine in their noise. */
export function normalOf(family: GaussianFamily, fitted: Readonly<Record<string, Float64Array>>): Normal {
  const b = createBuilder();
  const noise = new Noise(b);
  const own = Object.fromEntries(family.parameters.map((p) => [p.name, b.tensor(fitted[p.name], p.shape)]));
  const { position } = family.draw(b, noise, { target: {}, family: own }, {});
  if (!position) throw new Error("no vector");
  const inputs = noise.inputsOf([position]);
  const sizes = inputs.map((v) => sizeOf(shapeOf(v)));
  const total = sizes.reduce((x, y) => x + y, 0);
  const at = (unit: number): Float64Array => {
    let from = 0;
    const given = inputs.map((v, i) => {
      const values = new Float64Array(sizes[i]);
      if (unit >= from && unit < from + sizes[i]) values[unit - from] = 1;
      from += sizes[i];
      return [(v.node.attrs as InputAttrs).name, values] as const;
    });
    return interpret([position], Object.fromEntries(given))[0];
  };
  const mean = at(-1);
  const n = mean.length;
  const covariance = new Float64Array(n * n);
  for (let k = 0; k < total; k++) {
    const column = at(k).map((v, i) => v - mean[i]);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) covariance[i * n + j] += column[i] * column[j];
  }
  return { mean, covariance };
}

/** Correlated columns of different sizes. */
export function design(rows: number, columns: number, seed: number): number[][] {
  const rng = stream(seed, "design");
  return Array.from({ length: rows }, () => {
    const common = rng.normal();
    return Array.from({ length: columns }, (_, j) => (0.8 * common + 0.6 * rng.normal()) * (1 + 3 * j));
  });
}
