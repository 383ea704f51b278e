// Functions of the math library that iterate, each on one number after the other: the incomplete gamma and beta functions, modified Bessel functions, first
// passages, sums of probabilities of integers, tails of skew normals, arcs of a circle, and quantiles.
import type { IterativeFunction } from "../vector-emitter.ts";
import { besselFunctions } from "./bessel.ts";
import { countQuantiles } from "./count-quantiles.ts";
import { firstPassageFunctions } from "./first-passage.ts";
import { betaFunctions, betaKernel, logBetaIRate } from "./incomplete-beta.ts";
import { gammaFunctions, gammaKernel, gammaRates } from "./incomplete-gamma.ts";
import { inverseGaussianFunctions } from "./inverse-gaussian.ts";
import { neighbourSums } from "./neighbour-sums.ts";
import { quantiles } from "./quantiles.ts";
import type { Definition } from "./scalar.ts";
import { skewNormalFunctions } from "./skew-normal.ts";
import { vonMisesFunctions } from "./von-mises.ts";

export const iterative: Readonly<Record<IterativeFunction, Definition>> = {
  gammaKernel,
  betaKernel,
  logBetaIRate,
  ...gammaFunctions,
  ...gammaRates,
  ...betaFunctions,
  ...quantiles,
  ...neighbourSums,
  ...countQuantiles,
  ...besselFunctions,
  ...firstPassageFunctions,
  ...skewNormalFunctions,
  ...inverseGaussianFunctions,
  ...vonMisesFunctions,
};
