// Student's t, whole and folded.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { gamma } from "../../runtime/numeric/samplers.ts";
import { nonnegative, real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
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
/** Normal over the root of a gamma (ν/2, ν/2). */
const drawStandard = (rng: Rng, nu: number): number => rng.normal() / Math.sqrt(gamma(rng, nu / 2) / (nu / 2));

export const studentT = defineDistribution({
  name: "StudentT",
  doc: "Student's t with nu degrees of freedom, location mu and scale sigma: proportional to (1 + ((x - mu) / sigma)^2 / nu)^(-(nu + 1) / 2).",
  params: { nu: positiveNumber("degrees of freedom"), mu: location(), sigma: scale("scale (not the standard deviation)") },
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { nu, mu, sigma }) => b.sub(logStandard(b, standardise(b, x, mu, sigma), nu), b.log(sigma)),
  sample: (rng, { nu, mu, sigma }, out) => {
    out[0] = mu[0] + sigma[0] * drawStandard(rng, nu[0]);
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise" },
  symmetricAbout: "mu",
  normalised: true,
  golden: { from: "", rows: [] },
});

export const halfStudentT = defineDistribution({
  name: "HalfStudentT",
  doc: "The absolute value of a StudentT(nu, 0, sigma): twice its density, x >= 0.",
  params: { nu: positiveNumber("degrees of freedom"), sigma: scale("scale of the t that is folded") },
  support: { constraint: nonnegative },
  event: 0,
  logDensity: (b, x, { nu, sigma }) =>
    total(b, logStandard(b, b.mul(x, b.reciprocal(sigma)), nu), b.neg(b.log(sigma)), b.constant(LOG_2)),
  sample: (rng, { nu, sigma }, out) => {
    out[0] = sigma[0] * Math.abs(drawStandard(rng, nu[0]));
  },
  affine: { scale: "sigma", kind: "elementwise" },
  normalised: true,
  golden: { from: "", rows: [] },
});
