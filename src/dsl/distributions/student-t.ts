// Student's t, whole and folded.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import { nonnegative, real } from "../constraints/interval.ts";
import { defineDistribution, type NoiseSpec } from "./define.ts";
import { location, positiveNumber, scale } from "./params.ts";
import { logRising } from "./rising.ts";
import { halve, LOG_2, LOG_PI, standardise, total } from "./standardise.ts";

/** Γ((ν+1)/2) / (Γ(ν/2) sqrt(ν π)) (1 + z²/ν)^(-(ν+1)/2), in logs. */
function logStandard(b: Builder, z: Value, nu: Value): Value {
  const half = halve(b, b.add(nu, b.constant(1)));
  return total(
    b,
    b.neg(b.mul(half, b.log1p(b.mul(b.square(z), b.reciprocal(nu))))),
    logRising(b, halve(b, nu), b.constant(0.5)),
    b.mul(b.constant(-0.5), b.log(nu)),
    b.constant(-0.5 * LOG_PI),
  );
}

/** √ν e^{E/ν} √(1 - e^{-2E/ν}) cos 2πU, a coordinate of a t in the plane, whose radius has P(R > r) = (1 + r²/ν)^{-ν/2}: E exponential, U uniform
 *  (Bailey 1994, "Polar generation of random variates with the t-distribution"). A path to ν too, and nothing that overflows before the draw does. */
function drawStandard(b: Builder, [waiting, turn]: readonly Value[], nu: Value): Value {
  const share = b.mul(waiting, b.reciprocal(nu));
  const rest = b.neg(b.expm1(b.mul(b.constant(-2), share)));
  const radius = b.mul(b.mul(b.sqrt(nu), b.exp(share)), b.sqrt(rest));
  return b.mul(radius, b.cos(b.mul(b.constant(2 * Math.PI), turn)));
}
const noise = (shape: Shape): readonly NoiseSpec[] => [
  { kind: "exponential", shape },
  { kind: "uniform", shape },
];

/** log P(|T| > |z|) = log I(ν/2, 1/2) at odds ν/z². */
const logOutside = (b: Builder, z: Value, nu: Value): Value => b.logBetaI(halve(b, nu), b.constant(0.5), b.div(nu, b.square(z)));
/** Up to here F(z) = 1/2 + f(0) z + O(z³) is exact; the odds have no derivative at 0. */
const NEAR_CENTRE = 1e-6;
/** log P(T <= z) */
function logBelow(b: Builder, z: Value, nu: Value): Value {
  const outside = b.sub(logOutside(b, z, nu), b.constant(LOG_2));
  const far = b.select(b.lt(z, b.constant(0)), outside, b.log1mExp(outside));
  const density = b.exp(logStandard(b, b.constant(0), nu));
  const near = b.sub(b.log1p(b.mul(b.constant(2), b.mul(density, z))), b.constant(LOG_2));
  return b.select(b.lt(b.abs(z), b.constant(NEAR_CENTRE)), near, far);
}
/** z with P(|T| > z) = q */
const outsideQuantile = (b: Builder, q: Value, nu: Value): Value =>
  b.sqrt(b.div(nu, b.betaQuantile(halve(b, nu), b.constant(0.5), q)));
/** z with P(T <= z) = p */
function standardQuantile(b: Builder, p: Value, nu: Value): Value {
  const isLower = b.lt(p, b.constant(0.5));
  const z = outsideQuantile(b, b.mul(b.constant(2), b.select(isLower, p, b.sub(b.constant(1), p))), nu);
  return b.select(isLower, b.neg(z), z);
}

export const studentT = defineDistribution({
  name: "StudentT",
  doc: "Student's t with nu degrees of freedom, location mu and scale sigma: proportional to (1 + ((x - mu) / sigma)^2 / nu)^(-(nu + 1) / 2).",
  params: { nu: positiveNumber("degrees of freedom"), mu: location(), sigma: scale("scale (not the standard deviation)") },
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { nu, mu, sigma }) => b.sub(logStandard(b, standardise(b, x, mu, sigma), nu), b.log(sigma)),
  draw: {
    gradient: "pathwise",
    noise,
    build: (b, given, { nu, mu, sigma }) => b.add(mu, b.mul(sigma, drawStandard(b, given, nu))),
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise" },
  symmetricAbout: "mu",
  logCdf: (b, x, { nu, mu, sigma }) => logBelow(b, standardise(b, x, mu, sigma), nu),
  logCcdf: (b, x, { nu, mu, sigma }) => logBelow(b, b.neg(standardise(b, x, mu, sigma)), nu),
  quantile: (b, p, { nu, mu, sigma }) => b.add(mu, b.mul(sigma, standardQuantile(b, p, nu))),
  upperQuantile: (b, q, { nu, mu, sigma }) => b.sub(mu, b.mul(sigma, standardQuantile(b, q, nu))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { nu: 4, mu: 0.5, sigma: 2 }, logDensity: -1.7720282164548748 },
      { x: -70.25, params: { nu: 1.5, mu: 3, sigma: 0.4 }, logDensity: -12.679006528125209 },
      { x: 1000000000, params: { nu: 3, mu: -2.5, sigma: 17 }, logDensity: -73.19708759790429 },
      { x: 2, params: { nu: 500000, mu: 0.25, sigma: 1.5 }, logDensity: -2.004960131667604 },
      { x: 0.75, params: { nu: 0.25, mu: 0.5, sigma: 3 }, logDensity: -2.653543271965292 },
    ],
  },
});

export const halfStudentT = defineDistribution({
  name: "HalfStudentT",
  doc: "The absolute value of a StudentT(nu, 0, sigma): twice its density, x >= 0.",
  params: { nu: positiveNumber("degrees of freedom"), sigma: scale("scale of the t that is folded") },
  support: { constraint: nonnegative },
  event: 0,
  logDensity: (b, x, { nu, sigma }) =>
    total(b, logStandard(b, b.mul(x, b.reciprocal(sigma)), nu), b.neg(b.log(sigma)), b.constant(LOG_2)),
  draw: {
    gradient: "pathwise",
    noise,
    build: (b, given, { nu, sigma }) => b.mul(sigma, b.abs(drawStandard(b, given, nu))),
  },
  affine: { scale: "sigma", kind: "elementwise" },
  logCdf(b, x, { nu, sigma }) {
    const z = b.div(x, sigma);
    // P(|T| <= z) = I(1/2, ν/2) at odds z²/ν
    return b.logBetaI(b.constant(0.5), halve(b, nu), b.div(b.square(z), nu));
  },
  logCcdf(b, x, { nu, sigma }) {
    const z = b.div(x, sigma);
    const near = b.log1p(b.mul(b.constant(-2), b.mul(b.exp(logStandard(b, b.constant(0), nu)), z)));
    return b.select(b.lt(z, b.constant(NEAR_CENTRE)), near, logOutside(b, z, nu));
  },
  quantile(b, p, { nu, sigma }) {
    const z = b.sqrt(b.mul(nu, b.betaQuantile(b.constant(0.5), halve(b, nu), p)));
    // z = p / 2 f(0) (1 + O(p²)), whose square may be no number
    const near = b.div(halve(b, p), b.exp(logStandard(b, b.constant(0), nu)));
    return b.mul(sigma, b.select(b.lt(p, b.constant(1e-9)), near, z));
  },
  upperQuantile: (b, q, { nu, sigma }) => b.mul(sigma, outsideQuantile(b, q, nu)),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { nu: 4, sigma: 2 }, logDensity: -1.231856217841508 },
      { x: 0, params: { nu: 1.5, sigma: 0.7 }, logDensity: -0.026828160333213058 },
      { x: 1000000000, params: { nu: 3, sigma: 17 }, logDensity: -72.50394040734434 },
      { x: 2, params: { nu: 500000, sigma: 1.5 }, logDensity: -1.5201460471732302 },
    ],
  },
});
