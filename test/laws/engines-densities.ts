// Log densities written by hand, on which samplers and optimisers are tested, and the shortest way to run a chain over one.
import { chainContext } from "../../src/inference/chain-protocol.ts";
import type { Progress, Result, Start } from "../../src/inference/engine.ts";
import type { AnyChainEngine } from "../../src/inference/engines/chain-engines.ts";
import { cholesky } from "../../src/inference/hmc/metric.ts";
import { resolveOptions } from "../../src/inference/options.ts";
import type { RawChain } from "../../src/runtime/draws.ts";
import { exp, log1p } from "../../src/runtime/numeric/math.ts";
import type { LogDensity } from "../../src/runtime/target.ts";

export function density(dimension: number, evaluate: LogDensity["evaluate"]): LogDensity {
  return { dimension, evaluate, dispose() {} };
}

/** Independent normals. */
export function normals(mean: readonly number[], sd: readonly number[]): LogDensity {
  return density(mean.length, (q, g) => {
    let value = 0;
    for (let i = 0; i < mean.length; i++) {
      const z = (q[i] - mean[i]) / sd[i];
      value -= (z * z) / 2;
      g[i] = -z / sd[i];
    }
    return value;
  });
}

/** Normal with mean zero and the covariance given row-major: its precision by two triangular solves of each evaluation. */
export function multivariateNormal(covariance: Float64Array, n: number): LogDensity {
  const l = new Float64Array(n * n);
  if (!cholesky(covariance, l, n)) throw new Error("not a covariance");
  return density(n, (q, g) => {
    let value = 0;
    for (let i = 0; i < n; i++) {
      let sum = q[i];
      for (let k = 0; k < i; k++) sum -= l[i * n + k] * g[k];
      g[i] = sum / l[i * n + i];
      value -= (g[i] * g[i]) / 2;
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) g[i] -= l[k * n + i] * g[k];
      g[i] /= l[i * n + i];
    }
    for (let i = 0; i < n; i++) g[i] = -g[i];
    return value;
  });
}

/** Correlations rho^|i-j| and standard deviations sd. */
export function autoregressive(n: number, rho: number, sd: (i: number) => number): Float64Array {
  const covariance = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let correlation = 1;
      for (let k = Math.abs(i - j); k > 0; k--) correlation *= rho;
      covariance[i * n + j] = correlation * sd(i) * sd(j);
    }
  return covariance;
}

/** Neal's funnel: v ~ Normal(0, 3), x_i ~ Normal(0, exp(v / 2)). */
export function funnel(n: number): LogDensity {
  return density(n, (q, g) => {
    const v = q[0];
    const precision = exp(-v);
    let value = (-v * v) / 18 - ((n - 1) * v) / 2;
    g[0] = -v / 9 - (n - 1) / 2;
    for (let i = 1; i < n; i++) {
      value -= (q[i] * q[i] * precision) / 2;
      g[0] += (q[i] * q[i] * precision) / 2;
      g[i] = -q[i] * precision;
    }
    return value;
  });
}

const SCHOOLS = { y: [28, 8, -3, 7, -1, 1, 18, 12], sigma: [15, 10, 16, 11, 9, 11, 10, 18] };

/** Eight schools, non-centred: mu ~ Normal(0, 5), log tau of a HalfCauchy(5), eight standard normals. */
export const eightSchools: LogDensity = density(10, (q, g) => {
  const [mu, logTau] = q;
  const tau = exp(logTau);
  const r = (tau / 5) * (tau / 5);
  let value = (-mu * mu) / 50 - log1p(r) + logTau;
  g[0] = -mu / 25;
  g[1] = 1 - (2 * r) / (1 + r);
  for (let j = 0; j < 8; j++) {
    const raw = q[2 + j];
    const z = (SCHOOLS.y[j] - mu - tau * raw) / SCHOOLS.sigma[j];
    const slope = z / SCHOOLS.sigma[j];
    value -= (raw * raw + z * z) / 2;
    g[0] += slope;
    g[1] += slope * tau * raw;
    g[2 + j] = slope * tau - raw;
  }
  return value;
});

export interface ChainSettings {
  readonly seed?: number;
  readonly chain?: number;
  readonly start?: Start;
  readonly stop?: () => boolean;
  readonly onProgress?: (at: Progress) => void;
}

export function runChain(
  engine: AnyChainEngine,
  target: LogDensity,
  options: Readonly<Record<string, unknown>> = {},
  { seed = 1, chain = 1, start, stop = () => false, onProgress = () => {} }: ChainSettings = {},
): Result {
  const run = engine.run(target, resolveOptions(engine, options), chainContext(seed, { chain, start }, stop, onProgress));
  let step = run.next();
  while (!step.done) step = run.next();
  return step.value;
}

export function chainOf(result: Result): RawChain {
  if (result.chain === undefined) throw new Error(result.failure?.reason ?? "no chain");
  return result.chain;
}

/** Coordinate i of chains of equal length, chain after chain. */
export function coordinate(chains: readonly RawChain[], i: number, f: (x: number) => number = (x) => x): Float64Array {
  return Float64Array.from(
    chains.flatMap(({ positions, draws, dimension }) => Array.from({ length: draws }, (_, d) => f(positions[d * dimension + i]))),
  );
}
