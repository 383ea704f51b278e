// Functions of the math library that iterate, each on one number after the other: the incomplete gamma and beta functions, quantiles,
// modified Bessel functions, first passages.
import type { IterativeFunction } from "../vector-emitter.ts";
import { besselFunctions } from "./bessel.ts";
import { betaBinomialFunctions } from "./beta-binomial.ts";
import { firstPassageFunctions } from "./first-passage.ts";
import { betaFunctions, betaKernel, logBetaIRate } from "./incomplete-beta.ts";
import { gammaFunctions, gammaKernel, gammaRates } from "./incomplete-gamma.ts";
import { quantiles } from "./quantiles.ts";
import type { Definition } from "./scalar.ts";

export const iterative: Readonly<Record<IterativeFunction, Definition>> = {
  gammaKernel,
  betaKernel,
  logBetaIRate,
  ...gammaFunctions,
  ...gammaRates,
  ...betaFunctions,
  ...quantiles,
  ...betaBinomialFunctions,
  ...besselFunctions,
  ...firstPassageFunctions,
};
