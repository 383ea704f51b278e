// Every distribution, one export line a family; names and aliases lead to records.

import * as areal from "./areal.ts";
import * as autoregressive from "./autoregressive.ts";
import * as bernoulli from "./bernoulli.ts";
import * as beta from "./beta.ts";
import * as binomial from "./binomial.ts";
import * as categorical from "./categorical.ts";
import * as cauchy from "./cauchy.ts";
import * as copula from "./copula.ts";
import type { Distribution } from "./define.ts";
import * as dirichlet from "./dirichlet.ts";
import * as discrete from "./discrete.ts";
import * as driftDiffusion from "./drift-diffusion.ts";
import * as exponential from "./exponential.ts";
import * as extremes from "./extremes.ts";
import * as finiteDiscrete from "./finite-discrete.ts";
import * as gamma from "./gamma.ts";
import * as inverseGaussian from "./inverse-gaussian.ts";
import * as lkj from "./lkj.ts";
import * as logistic from "./logistic.ts";
import * as matrixNormal from "./matrix-normal.ts";
import * as matrixT from "./matrix-t.ts";
import * as maxwell from "./maxwell.ts";
import * as multiLogNormal from "./multi-log-normal.ts";
import * as multiNormal from "./multi-normal.ts";
import * as multiStudentT from "./multi-student-t.ts";
import * as negativeBinomial from "./negative-binomial.ts";
import * as normal from "./normal.ts";
import * as ordered from "./ordered.ts";
import * as pareto from "./pareto.ts";
import * as poisson from "./poisson.ts";
import * as projectedNormal from "./projected-normal.ts";
import * as simplexes from "./simplexes.ts";
import * as skewNormal from "./skew-normal.ts";
import * as spherical from "./spherical.ts";
import * as stateSpace from "./state-space.ts";
import * as studentT from "./student-t.ts";
import * as uniform from "./uniform.ts";
import * as vonMises from "./von-mises.ts";
import * as weibull from "./weibull.ts";
import * as wishart from "./wishart.ts";
import * as wishartCholesky from "./wishart-cholesky.ts";
import * as zeroInflated from "./zero-inflated.ts";

const families: readonly Readonly<Record<string, unknown>>[] = [
  areal,
  autoregressive,
  bernoulli,
  beta,
  binomial,
  categorical,
  cauchy,
  copula,
  dirichlet,
  discrete,
  driftDiffusion,
  exponential,
  extremes,
  finiteDiscrete,
  gamma,
  inverseGaussian,
  lkj,
  logistic,
  matrixNormal,
  matrixT,
  maxwell,
  multiLogNormal,
  multiNormal,
  multiStudentT,
  negativeBinomial,
  normal,
  ordered,
  pareto,
  poisson,
  projectedNormal,
  simplexes,
  skewNormal,
  spherical,
  stateSpace,
  studentT,
  uniform,
  vonMises,
  weibull,
  wishart,
  wishartCholesky,
  zeroInflated,
];

const isDistribution = (v: unknown): v is Distribution =>
  typeof v === "object" && v !== null && "logDensity" in v && "golden" in v && "name" in v;

/** The records by name, aliases included. */
export const distributions: ReadonlyMap<string, Distribution> = new Map(
  families
    .flatMap((family) => Object.values(family).filter(isDistribution))
    .flatMap((d) => [d.name, ...(d.aliases ?? [])].map((name) => [name, d] as const)),
);
