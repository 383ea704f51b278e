// The gamma, its inverse, and the chi squares, which are gammas by other names.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { gamma as gammaDraw } from "../../runtime/numeric/samplers.ts";
import { positive } from "../constraints/interval.ts";
import { type Distribution, defineDistribution } from "./define.ts";
import { oneNoise, positiveNumber } from "./params.ts";
import { halve, total } from "./standardise.ts";
import { gammaTails, inverseGammaTails } from "./tails.ts";

/** (α - 1) log x - β x + α log β - log Γ(α) */
const logGamma = (b: Builder, x: Value, alpha: Value, beta: Value): Value =>
  total(b, b.xlogy(b.sub(alpha, b.constant(1)), x), b.neg(b.mul(beta, x)), b.mul(alpha, b.log(beta)), b.neg(b.lgamma(alpha)));
/** -(α + 1) log x - β / x + α log β - log Γ(α) */
const logInvGamma = (b: Builder, x: Value, alpha: Value, beta: Value): Value =>
  total(
    b,
    b.neg(b.mul(b.add(alpha, b.constant(1)), b.log(x))),
    b.neg(b.mul(beta, b.reciprocal(x))),
    b.mul(alpha, b.log(beta)),
    b.neg(b.lgamma(alpha)),
  );

type P = Readonly<Record<string, Value>>;
/** Draws as functions of the log of a gamma draw of this shape, which is one of a normal. */
const byNormal = (
  build: (b: Builder, log: Value, p: P) => Value,
  shapeOf: (b: Builder, p: P) => Value,
): NonNullable<Distribution["attempts"]> => ({
  gradient: "pathwise",
  noise: oneNoise("normal"),
  build: (b, [z], p) => build(b, b.logGammaDraw(shapeOf(b, p), z), p),
});
const halfFreedom = (b: Builder, { nu }: P): Value => halve(b, nu);

const shape = positiveNumber("shape");
const rate = positiveNumber("rate");
const freedom = positiveNumber("degrees of freedom");

export const gamma = defineDistribution({
  name: "Gamma",
  doc: "The gamma with shape alpha and rate beta, mean alpha / beta: beta^alpha / Gamma(alpha) x^(alpha - 1) exp(-beta x), x > 0.",
  params: { alpha: shape, beta: rate },
  alternatives: [
    { params: { shape, rate }, convert: (_b, p) => ({ alpha: p.shape, beta: p.rate }) },
    {
      params: { shape, scale: positiveNumber("scale, 1 / rate") },
      convert: (b, p) => ({ alpha: p.shape, beta: b.reciprocal(p.scale) }),
    },
    {
      params: { mean: positiveNumber("mean"), sd: positiveNumber("standard deviation") },
      convert: (b, { mean, sd }) => ({ alpha: b.square(b.div(mean, sd)), beta: b.div(mean, b.square(sd)) }),
    },
    {
      params: { mu: positiveNumber("mean"), sigma: positiveNumber("standard deviation") },
      convert: (b, { mu, sigma }) => ({ alpha: b.square(b.div(mu, sigma)), beta: b.div(mu, b.square(sigma)) }),
    },
    {
      params: { mean: positiveNumber("mean"), shape },
      convert: (b, p) => ({ alpha: p.shape, beta: b.div(p.shape, p.mean) }),
    },
  ],
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { alpha, beta }) => logGamma(b, x, alpha, beta),
  sample: (rng, { alpha, beta }, out) => {
    out[0] = gammaDraw(rng, alpha[0]) / beta[0];
  },
  attempts: byNormal(
    (b, log, { beta }) => b.div(b.exp(log), beta),
    (_b, { alpha }) => alpha,
  ),
  mean: (b, { alpha, beta }) => b.div(alpha, beta),
  ...gammaTails((_b, { alpha, beta }) => ({ shape: alpha, rate: beta })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { alpha: 0.5, beta: 2 }, logDensity: -2.956973484878473 },
      { x: 7.25, params: { alpha: 30, beta: 4 }, logDensity: -1.2191655364403715 },
      { x: 1e-9, params: { alpha: 0.03125, beta: 0.75 }, logDensity: 16.61818458622976 },
      { x: 250000, params: { alpha: 100000, beta: 0.375 }, logDensity: -211.44380658801444 },
      { x: 0.25, params: { alpha: 1, beta: 3 }, logDensity: 0.34861228866810967 },
    ],
  },
});

export const invGamma = defineDistribution({
  name: "InvGamma",
  doc: "The inverse of a Gamma(alpha, beta): beta^alpha / Gamma(alpha) x^(-alpha - 1) exp(-beta / x), x > 0.",
  params: { alpha: shape, beta: positiveNumber("scale, the rate of 1 / x") },
  alternatives: [
    {
      params: { shape, scale: positiveNumber("scale, the rate of 1 / x") },
      convert: (_b, p) => ({ alpha: p.shape, beta: p.scale }),
    },
    {
      // α = 2 + m²/s², β = m (α - 1)
      params: { mean: positiveNumber("mean"), sd: positiveNumber("standard deviation") },
      convert: (b, { mean, sd }) => {
        const ratio = b.square(b.div(mean, sd));
        return { alpha: b.add(ratio, b.constant(2)), beta: b.mul(mean, b.add(ratio, b.constant(1))) };
      },
    },
  ],
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { alpha, beta }) => logInvGamma(b, x, alpha, beta),
  sample: (rng, { alpha, beta }, out) => {
    out[0] = beta[0] / gammaDraw(rng, alpha[0]);
  },
  attempts: byNormal(
    (b, log, { beta }) => b.mul(beta, b.exp(b.neg(log))),
    (_b, { alpha }) => alpha,
  ),
  ...inverseGammaTails((_b, { alpha, beta }) => ({ shape: alpha, scale: beta })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { alpha: 0.5, beta: 2 }, logDensity: -2.1577992878075025 },
      { x: 0.25, params: { alpha: 30, beta: 4 }, logDensity: -2.693082938854681 },
      { x: 1000000000, params: { alpha: 0.03125, beta: 0.75 }, logDensity: -24.82834708766306 },
      { x: 0.003, params: { alpha: 1.5, beta: 0.375 }, logDensity: -111.82760416609727 },
    ],
  },
});

export const chiSquare = defineDistribution({
  name: "ChiSquare",
  doc: "The sum of nu squared standard normals: Gamma(nu / 2, 1 / 2), x > 0.",
  params: { nu: freedom },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { nu }) => logGamma(b, x, halve(b, nu), b.constant(0.5)),
  sample: (rng, { nu }, out) => {
    out[0] = 2 * gammaDraw(rng, nu[0] / 2);
  },
  attempts: byNormal((b, log) => b.mul(b.constant(2), b.exp(log)), halfFreedom),
  mean: (_b, { nu }) => nu,
  ...gammaTails((b, { nu }) => ({ shape: halve(b, nu), rate: b.constant(0.5) })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { nu: 3 }, logDensity: -1.4377564009709272 },
      { x: 7.25, params: { nu: 0.5 }, logDensity: -6.572060421488001 },
      { x: 1e-9, params: { nu: 1.5 }, logDensity: 4.457675121885348 },
      { x: 250000, params: { nu: 100000 }, logDensity: -29193.401673546756 },
    ],
  },
});

export const invChiSquare = defineDistribution({
  name: "InvChiSquare",
  doc: "The inverse of a ChiSquare(nu): InvGamma(nu / 2, 1 / 2), x > 0.",
  params: { nu: freedom },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { nu }) => logInvGamma(b, x, halve(b, nu), b.constant(0.5)),
  sample: (rng, { nu }, out) => {
    out[0] = 0.5 / gammaDraw(rng, nu[0] / 2);
  },
  attempts: byNormal((b, log) => b.mul(b.constant(0.5), b.exp(b.neg(log))), halfFreedom),
  ...inverseGammaTails((b, { nu }) => ({ shape: halve(b, nu), scale: b.constant(0.5) })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { nu: 3 }, logDensity: -1.959464578988785 },
      { x: 7.25, params: { nu: 0.5 }, logDensity: -4.006526673162672 },
      { x: 0.003, params: { nu: 1.5 }, logDensity: -157.22380777046837 },
      { x: 0.0001, params: { nu: 10000 }, logDensity: 12.549981767812984 },
    ],
  },
});

export const scaledInvChiSquare = defineDistribution({
  name: "ScaledInvChiSquare",
  doc: "nu sigma^2 over a ChiSquare(nu): InvGamma(nu / 2, nu sigma^2 / 2), x > 0.",
  params: { nu: freedom, sigma: positiveNumber("scale; x is near sigma^2") },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { nu, sigma }) => {
    const half = halve(b, nu);
    return logInvGamma(b, x, half, b.mul(half, b.square(sigma)));
  },
  sample: (rng, { nu, sigma }, out) => {
    out[0] = ((nu[0] / 2) * sigma[0] * sigma[0]) / gammaDraw(rng, nu[0] / 2);
  },
  attempts: byNormal((b, log, { nu, sigma }) => b.mul(b.mul(halve(b, nu), b.square(sigma)), b.exp(b.neg(log))), halfFreedom),
  ...inverseGammaTails((b, { nu, sigma }) => ({ shape: halve(b, nu), scale: b.mul(halve(b, nu), b.square(sigma)) })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { nu: 3, sigma: 2 }, logDensity: -2.462873835076015 },
      { x: 7.25, params: { nu: 0.5, sigma: 0.4 }, logDensity: -4.574510558377667 },
      { x: 0.003, params: { nu: 1.5, sigma: 0.25 }, logDensity: -7.957483814400419 },
      { x: 9.25, params: { nu: 10000, sigma: 3 }, logDensity: -0.7447179611246109 },
    ],
  },
});
