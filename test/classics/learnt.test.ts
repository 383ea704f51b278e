// The classics whose params are learnt, by EM and by stochastic gradients: against the textbook's steps and closed forms.
import { describe, expect, test } from "vitest";
import {
  covarianceOf,
  diagonal,
  factorBound,
  inverse,
  logNormal,
  logNormals,
  type Matrix,
  meanOf,
  probabilisticPca,
  product,
  rowsOf,
  sum,
  times,
  transpose,
} from "../exact.ts";
import { dataOf, expectStated, near, run } from "./runs.ts";

describe("mixture", () => {
  const x: Matrix = dataOf("mixture").x;
  interface Mixture {
    readonly w: readonly number[];
    readonly mu: Matrix;
    readonly s: Matrix;
  }
  /** The textbook: responsibilities, then weighted moments. */
  function step({ w, mu, s }: Mixture): Mixture & { readonly logLikelihood: number } {
    const joint = x.map((v) => w.map((p, k) => p * Math.exp(logNormal(v, mu[k], diagonal(s[k].map((d) => d * d))))));
    const totals = joint.map((r) => r.reduce((a, b) => a + b, 0));
    const share = joint.map((r, n) => r.map((v) => v / totals[n]));
    const counts = w.map((_, k) => share.reduce((t, r) => t + r[k], 0));
    const means = w.map((_, k) => x[0].map((_, d) => x.reduce((t, v, n) => t + share[n][k] * v[d], 0) / counts[k]));
    return {
      logLikelihood: totals.reduce((t, v) => t + Math.log(v), 0),
      w: counts.map((c) => c / x.length),
      mu: means,
      s: w.map((_, k) =>
        x[0].map((_, d) => Math.sqrt(x.reduce((t, v, n) => t + share[n][k] * (v[d] - means[k][d]) ** 2, 0) / counts[k])),
      ),
    };
  }
  let at: Mixture & { readonly logLikelihood: number } = step({
    w: [0.5, 0.3, 0.2],
    mu: [
      [0, 0],
      [3, 1],
      [-1, 4],
    ],
    s: [
      [0.5, 0.5],
      [0.8, 0.8],
      [1.1, 1.1],
    ],
  });
  for (let i = 0; i < 500; i++) at = step(at);

  test("the page", () => {
    expectStated("mixture", {
      "log likelihood": at.logLikelihood,
      ...Object.fromEntries(at.w.map((v, k) => [`share of cluster ${k + 1}`, v])),
    });
  });
  test("EM finds what the textbook's finds from the truth", async () => {
    const fit = await run("mixture", "em");
    near(fit.evidence?.mean ?? Number.NaN, at.logLikelihood, 1e-3);
    const { w, mu, s } = fit.parameters;
    const theirs = { w: [...w.values], mu: rowsOf(mu.values, 2), s: rowsOf(s.values, 2) };
    // Clusters have no order.
    const order = at.mu.map((m) => theirs.mu.findIndex((v) => Math.hypot(v[0] - m[0], v[1] - m[1]) < 0.05));
    order.forEach((k, i) => {
      near(theirs.w[k], at.w[i], 2e-3);
      theirs.s[k].forEach((v, d) => {
        near(v, at.s[i][d], 5e-3);
      });
    });
    const trace = fit.traces.logEvidence;
    for (let i = 1; i < trace.length; i++) expect(trace[i]).toBeGreaterThanOrEqual(trace[i - 1]);
  });
});

describe("probabilistic PCA", () => {
  const x: Matrix = dataOf("ppca").x;
  const { logLikelihood, noise } = probabilisticPca(x, 2);
  const likelihoodOf = (W: Matrix, mu: readonly number[], s: number): number => {
    const covariance = sum(product(W, transpose(W)), diagonal(mu.map(() => s * s)));
    return logNormals(x, mu, covariance);
  };
  test("the closed form is a likelihood, and no likelihood near is higher", () => {
    // Of all normal distributions the sample's own is the most likely.
    expect(logLikelihood).toBeLessThan(logNormals(x, meanOf(x), covarianceOf(x)));
  });
  test("the pages", () => {
    expectStated("ppca", { "log likelihood": logLikelihood, "per row": logLikelihood / x.length, s: noise });
    expectStated("linear_vae", { "log likelihood": logLikelihood, "per row": logLikelihood / x.length, s: noise });
    expect(dataOf("linear_vae")).toEqual(dataOf("ppca"));
  });
  test("EM reaches it", async () => {
    const { evidence, parameters } = await run("ppca", "em");
    near(evidence?.mean ?? Number.NaN, logLikelihood, 1e-3);
    near(parameters.s.values[0], noise, 1e-4);
    near(likelihoodOf(rowsOf(parameters.W.values, 2), [...parameters.mu.values], parameters.s.values[0]), logLikelihood, 1e-3);
  });
  test("a model and a guide that is linear in x reach it together", async () => {
    const fit = await run("linear_vae", "amortized", VAE);
    const { W, mu, s, A, c, v } = fit.parameters;
    const loadings = rowsOf(W.values, 2);
    const noisy = s.values[0];
    near(likelihoodOf(loadings, [...mu.values], noisy) / x.length, logLikelihood / x.length, 0.01);
    near(noisy, noise, 0.01);
    // The guide is the posterior: (W'W + s² I)⁻¹ W' (x - mu).
    const precision = sum(product(transpose(loadings), loadings), diagonal([noisy ** 2, noisy ** 2]));
    const covariance = inverse(precision);
    const exact = product(covariance, transpose(loadings));
    rowsOf(A.values, 5).forEach((r, k) => {
      r.forEach((a, d) => {
        near(a, exact[k][d], 0.03, `A[${k + 1},${d + 1}]`);
      });
      near(v.values[k], noisy * Math.sqrt(covariance[k][k]), 0.02, `v[${k + 1}]`);
    });
    const guide = rowsOf(A.values, 5);
    const means = x.map((v) => times(guide, v).map((t, k) => t + c.values[k]));
    const bound = factorBound(
      x,
      { W: loadings, mu: [...mu.values], s: noisy },
      means,
      x.map(() => [...v.values]),
    );
    expect(bound).toBeLessThan(logLikelihood);
    near(bound / x.length, logLikelihood / x.length, 0.02);
  });
  const VAE = { steps: 6000, rate: 0.01, schedule: "cosine", stickTheLanding: true };
});

describe("a guide for each datapoint", () => {
  const { x, W, s }: { x: Matrix; W: Matrix; s: number } = dataOf("local_guide");
  const precision = sum(
    product(transpose(W), W).map((r) => r.map((v) => v / s ** 2)),
    diagonal([1, 1]),
  );
  const covariance = inverse(precision);
  const means = x.map((v) =>
    times(
      covariance,
      times(transpose(W), v).map((t) => t / s ** 2),
    ),
  );
  const marginal = sum(product(W, transpose(W)), diagonal(W.map(() => s ** 2)));
  const evidence = x.reduce(
    (total, v) =>
      total +
      logNormal(
        v,
        v.map(() => 0),
        marginal,
      ),
    0,
  );
  test("the page", () => {
    expect(Math.abs(covariance[0][1])).toBeLessThan(1e-12);
    expectStated("local_guide", {
      "log evidence": evidence,
      "per row": evidence / x.length,
      "mean of z[1,1]": means[0][0],
      "mean of z[1,2]": means[0][1],
      "deviation of z[n,1]": Math.sqrt(covariance[0][0]),
      "deviation of z[n,2]": Math.sqrt(covariance[1][1]),
    });
  });
  test("finds each posterior, and with it the evidence", async () => {
    const fit = await run("local_guide", "amortized", {
      steps: 6000,
      rate: 0.05,
      schedule: "cosine",
      batch: 20,
      stickTheLanding: true,
    });
    const { m, v } = fit.parameters;
    rowsOf(m.values, 2).forEach((r, n) => {
      r.forEach((z, k) => {
        near(z, means[n][k], 0.02, `m[${n + 1},${k + 1}]`);
      });
    });
    rowsOf(v.values, 2).forEach((r) => {
      r.forEach((d, k) => {
        near(d, Math.sqrt(covariance[k][k]), 0.02);
      });
    });
    const bound = factorBound(x, { W, mu: W.map(() => 0), s }, rowsOf(m.values, 2), rowsOf(v.values, 2));
    expect(bound).toBeLessThan(evidence);
    near(bound, evidence, 0.2);
  });
});
