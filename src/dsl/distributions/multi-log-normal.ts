// Vectors of positive numbers whose logarithms are a multivariate normal.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { choleskyCov, cov } from "../constraints/covariance.ts";
import { positive } from "../constraints/interval.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { diagonal, multiNormalCholesky, times } from "./multi-normal.ts";
import { halve } from "./standardise.ts";

const meanOfLogs: Param = { ...multiNormalCholesky.params.mu, doc: "mean of the logarithms" };

/** log f(log x) - Σ log x */
function logByFactor(b: Builder, x: Value, mu: Value, L: Value): Value {
  const logs = b.log(x);
  return b.sub(multiNormalCholesky.logDensity(b, logs, { mu, L }), b.sum(logs));
}

export const multiLogNormalCholesky = defineDistribution({
  name: "MultiLogNormalCholesky",
  doc: "The multivariate log-normal: log(x) is MultiNormalCholesky(mu, L).",
  params: { mu: meanOfLogs, L: { constraint: choleskyCov, rank: 2, doc: "lower factor of the covariance of the logarithms" } },
  support: { constraint: positive },
  event: 1,
  eventShape: ({ L }) => [L[0]],
  logDensity: (b, x, { mu, L }) => logByFactor(b, x, mu, L),
  draw: {
    gradient: "pathwise",
    noise: (shape) => [{ kind: "normal", shape }],
    build: (b, [z], { mu, L }) => b.exp(b.add(mu, times(b, L, z))),
  },
  // exp(μ_i + ½ Σ_ii), Σ_ii the square of the i-th row of L
  mean: (b, { mu, L }) => b.exp(b.add(mu, halve(b, b.sum(b.square(L), [1])))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.3, 0.5],
        params: { mu: [0.5, 2], L: [1.5, 0, -0.75, 0.5] },
        paramShapes: { L: [2, 2] },
        logDensity: -16.94625599783746,
      },
      {
        x: [0.25, 4, 2.5],
        params: { mu: [0, 1.5, -1], L: [2, 0, 0, 0.25, 0.125, 0, -1, 4, 0.75] },
        paramShapes: { L: [3, 3] },
        logDensity: -2.7681613181894047,
      },
      { x: [2.5], params: { mu: [0.75], L: [0.25] }, paramShapes: { L: [1, 1] }, logDensity: -0.6701557640168743 },
      {
        x: [4000, 0.0003],
        params: { mu: [0.5, 2], L: [1.5, 0, -0.75, 0.5] },
        paramShapes: { L: [2, 2] },
        logDensity: -92.47696980528842,
      },
    ],
  },
});

export const multiLogNormal = defineDistribution({
  name: "MultiLogNormal",
  doc: "The multivariate log-normal: log(x) is MultiNormal(mu, Sigma).",
  params: { mu: meanOfLogs, Sigma: { constraint: cov, rank: 2, doc: "covariance of the logarithms" } },
  support: { constraint: positive },
  event: 1,
  eventShape: ({ Sigma }) => [Sigma[0]],
  logDensity: (b, x, { mu, Sigma }) => logByFactor(b, x, mu, b.cholesky(Sigma)),
  draw: {
    gradient: "pathwise",
    noise: (shape) => [{ kind: "normal", shape }],
    build: (b, [z], { mu, Sigma }) => b.exp(b.add(mu, times(b, b.cholesky(Sigma), z))),
  },
  mean: (b, { mu, Sigma }) => b.exp(b.add(mu, halve(b, diagonal(b, Sigma)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.3, 0.5],
        params: { mu: [0.5, 2], Sigma: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Sigma: [2, 2] },
        logDensity: -18.701527275657803,
      },
      {
        x: [0.25, 4, 2.5],
        params: { mu: [0, 1.5, -1], Sigma: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { Sigma: [3, 3] },
        logDensity: -7.0130153150775945,
      },
      { x: [2.5], params: { mu: [0.75], Sigma: [0.25] }, paramShapes: { Sigma: [1, 1] }, logDensity: -1.1973872995333668 },
      {
        x: [4000, 0.0003],
        params: { mu: [0.5, 2], Sigma: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Sigma: [2, 2] },
        logDensity: -134.92197775367885,
      },
    ],
  },
});
