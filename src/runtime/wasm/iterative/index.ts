// Functions of the math library that iterate, each on one number after the other: the incomplete gamma and beta functions, and quantiles.
import type { IterativeFunction } from "../vector-emitter.ts";
import { betaBinomialFunctions } from "./beta-binomial.ts";
import { betaFunctions, betaKernel } from "./incomplete-beta.ts";
import { gammaFunctions, gammaKernel } from "./incomplete-gamma.ts";
import { quantiles } from "./quantiles.ts";
import type { Definition } from "./scalar.ts";

export const iterative: Readonly<Record<IterativeFunction, Definition>> = {
  gammaKernel,
  betaKernel,
  ...gammaFunctions,
  ...betaFunctions,
  ...quantiles,
  ...betaBinomialFunctions,
};
