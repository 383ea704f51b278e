// Probabilistic PCA on the optical digits: EM, maximum likelihood by gradients and a linear VAE reach the closed form.
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { DataObject } from "../../src/model.ts";
import {
  diagonal,
  factorBound,
  logNormals,
  type Matrix,
  probabilisticPca,
  product,
  rowsOf,
  sum,
  times,
  transpose,
} from "../exact.ts";
import { root } from "../modules.ts";
import { model } from "../unit/model-under-test.ts";

const file = new URL("../shared/data/optdigits/optdigits.tra", new URL(`file://${root}`));
/** Counts of pixels over 16, in the columns that vary. */
function digits(): Matrix {
  const rows = readFileSync(file, "utf8").trim().split("\n").slice(1);
  const counts = rows.map((line) => line.split(",").slice(0, 64).map(Number));
  const varying = counts[0].flatMap((v, j) => (counts.some((row) => row[j] !== v) ? [j] : []));
  return counts.map((row) => varying.map((j) => row[j] / 16));
}

const factors = `data x: real[N, D]
const K = 10
param W: real[D, K], mu: real[D], s: positive
for n in 1..N {
  z[n] ~ Normal(0, I(K))
  x[n] ~ Normal(W @ z[n] + mu, s)
}`;
const marginal = `data x: real[N, D]
const K = 10
param W: real[D, K], mu: real[D], s: positive
let S = W @ W' + diag(s^2 * ones(D))
for n in 1..N { x[n] ~ MultiNormal(mu, S) }`;
const vae = `${factors}
param A: real[K, D], c: real[K], v: positive[K]
guide {
  for n in 1..N { z[n] ~ Normal(A @ x[n] + c, v) }
}`;

test("the closed form is the likelihood of its own covariance", () => {
  // Two columns of variances 4 and 1 with one component: nothing is left out of the covariance.
  const rows = [
    [2, 1],
    [-2, 1],
    [2, -1],
    [-2, -1],
  ];
  const exact = logNormals(rows, [0, 0], diagonal([4, 1]));
  expect(probabilisticPca(rows, 1).logLikelihood).toBeCloseTo(exact, 10);
  expect(probabilisticPca(rows, 1).noise).toBeCloseTo(1, 10);
});

if (!existsSync(file)) console.log(`${file.pathname} is not there: principal components of the optical digits are not computed`);
else {
  const x = digits();
  const { logLikelihood, noise } = probabilisticPca(x, 10);
  const closed = logLikelihood / x.length;
  const fitted = async (text: string, engine: string, options: Readonly<Record<string, unknown>>) => {
    const began = performance.now();
    const posterior = await model(text).bind({ x } as DataObject);
    const fit = await posterior.run(engine, options);
    return { fit, seconds: (performance.now() - began) / 1000 };
  };
  /** Log likelihood of what was learnt, a row. */
  const reached = (parameters: Readonly<Record<string, { readonly values: Float64Array }>>): number => {
    const W = rowsOf(parameters.W.values, 10);
    const covariance = sum(product(W, transpose(W)), diagonal(W.map(() => parameters.s.values[0] ** 2)));
    const mean = [...parameters.mu.values];
    return logNormals(x, mean, covariance) / x.length;
  };
  /** The bound of the guide z ~ Normal(A x + c, v), a row: E log p(x | z) - KL(q || p), both in closed form. */
  const boundOf = (parameters: Readonly<Record<string, { readonly values: Float64Array }>>): number => {
    const A = rowsOf(parameters.A.values, 62);
    const means = x.map((row) => times(A, row).map((t, k) => t + parameters.c.values[k]));
    const own = { W: rowsOf(parameters.W.values, 10), mu: [...parameters.mu.values], s: parameters.s.values[0] };
    const total = factorBound(
      x,
      own,
      means,
      x.map(() => [...parameters.v.values]),
    );
    return total / x.length;
  };
  const tell = (what: string, value: number, seconds: number): void =>
    console.log(
      `${what}: ${value.toFixed(5)} nats a row, ${(closed - value).toFixed(5)} below the closed form, ${seconds.toFixed(1)} s`,
    );

  test("the closed form", () => {
    expect(x.length).toBe(3823);
    expect(x[0].length).toBe(62);
    expect(closed).toBeCloseTo(15.719, 3);
  });

  test("EM", async () => {
    const { fit, seconds } = await fitted(factors, "em", { seed: 1 });
    const value = (fit.evidence?.mean ?? Number.NaN) / x.length;
    tell("EM", value, seconds);
    expect(Math.abs(value - reached(fit.parameters))).toBeLessThan(1e-9);
    expect(Math.abs(value - closed)).toBeLessThan(1e-5);
    expect(fit.parameters.s.values[0]).toBeCloseTo(noise, 5);
    const trace = fit.traces.logEvidence;
    for (let i = 1; i < trace.length; i++) expect(trace[i]).toBeGreaterThanOrEqual(trace[i - 1]);
    const plain = await fitted(factors, "em", { seed: 1, accelerate: false });
    tell("EM without extrapolation", (plain.fit.evidence?.mean ?? Number.NaN) / x.length, plain.seconds);
    expect(Math.abs((plain.fit.evidence?.mean ?? Number.NaN) / x.length - closed)).toBeLessThan(1e-5);
  });

  test("maximum likelihood by gradients of the marginal density", async () => {
    const { fit, seconds } = await fitted(marginal, "mle", { seed: 1 });
    const value = reached(fit.parameters);
    tell("L-BFGS", value, seconds);
    expect(Math.abs(value - closed)).toBeLessThan(1e-5);
  });

  test("the mode with a normal prior on W is slightly lower", async () => {
    const penalised = marginal.replace("let S", "for d in 1..D { W[d] ~ Normal(0, 1) }\nlet S");
    const { fit, seconds } = await fitted(penalised, "map", { seed: 1 });
    const value = reached(fit.parameters);
    tell("MAP", value, seconds);
    expect(value).toBeLessThan(closed - 1e-9);
    expect(value).toBeGreaterThan(closed - 1e-5);
  });

  test.each([1, 2, 3])("a linear VAE on minibatches, seed %i", async (seed) => {
    const options = { seed, steps: 20_000, rate: 0.01, schedule: "cosine", batch: 100, stickTheLanding: true };
    const { fit, seconds } = await fitted(vae, "amortized", options);
    const value = reached(fit.parameters);
    tell(`linear VAE, seed ${seed}`, value, seconds);
    expect(Math.abs(value - closed)).toBeLessThan(0.05);
    expect(value).toBeLessThanOrEqual(closed + 1e-9);
    const bound = boundOf(fit.parameters);
    console.log(`  its bound: ${bound.toFixed(5)}, ${(closed - bound).toFixed(5)} below the closed form`);
    expect(bound).toBeLessThanOrEqual(value + 1e-9);
    expect(closed - bound).toBeLessThan(0.05);
  });
}
