// The von Mises on the circle.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { sin } from "../../runtime/numeric/math.ts";
import { vonMises as vonMisesDraw } from "../../runtime/numeric/samplers.ts";
import { real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, nonnegativeNumber } from "./params.ts";
import { halve } from "./standardise.ts";

/** Points of the trapezoidal rule on the whole circle; for an entire periodic integrand its error is I_M(κ) / I_0(κ) ~ e^{-M²/2κ}
 *  (Trefethen & Weideman 2014, "The exponentially convergent trapezoidal rule"): below 2^-53 for κ < 55. */
const POINTS = 64;
const LARGE = 40;
const SERIES = 18;

/** log e^{-κ} I_0(κ). For moderate κ the mean of e^{κ(cos θ - 1)} over the circle, for large κ Hankel's expansion
 *  Σ ((2k-1)!!)² / (k! (8κ)^k) / sqrt(2πκ) (DLMF 10.40.1), whose terms at κ = 40 fall below 2^-53 after 14. */
export function logBesselI0e(b: Builder, kappa: Value): Value {
  const large = b.constant(LARGE);
  const half = POINTS / 2;
  const cosines = Float64Array.from({ length: half + 1 }, (_, j) => {
    const s = sin((Math.PI * j) / POINTS);
    return -2 * s * s;
  });
  const weights = Float64Array.from({ length: half + 1 }, (_, j) => (j % half === 0 ? 1 : 2) / POINTS);
  const small = b.reshape(b.min(kappa, large), [...shapeOf(kappa), 1]);
  const integrand = b.mul(b.exp(b.mul(small, b.tensor(cosines, [half + 1]))), b.tensor(weights, [half + 1]));
  const trapezoid = b.log(b.sum(integrand, [shapeOf(kappa).length]));

  const clipped = b.max(kappa, large);
  const inverse = b.reciprocal(b.mul(b.constant(8), clipped));
  let tail = b.constant(1);
  for (let k = SERIES; k >= 1; k--)
    tail = b.add(b.constant(1), b.mul(b.mul(b.constant(((2 * k - 1) * (2 * k - 1)) / k), inverse), tail));
  const hankel = b.sub(b.log(tail), halve(b, b.log(b.mul(b.constant(2 * Math.PI), clipped))));
  return b.select(b.lt(kappa, large), trapezoid, hankel);
}

export const vonMises = defineDistribution({
  name: "VonMises",
  doc: "The von Mises with mean direction mu and concentration kappa: exp(kappa cos(x - mu)) / (2 pi I0(kappa)), on any interval of length 2 pi.",
  params: { mu: location("mean direction"), kappa: nonnegativeNumber("concentration") },
  support: { constraint: real, declared: true, bounds: (b) => ({ lower: b.constant(-Math.PI), upper: b.constant(Math.PI) }) },
  event: 0,
  // cos d - 1 = -2 sin²(d/2), exact for small d.
  logDensity: (b, x, { mu, kappa }) =>
    b.sub(
      b.mul(b.mul(b.constant(-2), kappa), b.square(b.sin(halve(b, b.sub(x, mu))))),
      b.add(logBesselI0e(b, kappa), b.constant(1.8378770664093456)),
    ),
  sample: (rng, { mu, kappa }, out) => {
    const angle = vonMisesDraw(rng, mu[0], kappa[0]);
    out[0] = angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, kappa: 2 }, logDensity: -1.268457189197971 },
      { x: -2.25, params: { mu: 3, kappa: 0.125 }, logDensity: -1.7777688236662776 },
      { x: 0.75, params: { mu: 1, kappa: 39.5 }, logDensity: -0.3119532547520079 },
      { x: 0.5, params: { mu: 0.51, kappa: 40.5 }, logDensity: 0.926561927181421 },
      { x: 1.25, params: { mu: 1, kappa: 2500 }, logDensity: -74.72591126116873 },
      { x: 0.3, params: { mu: 0.2, kappa: 0 }, logDensity: -1.8378770664093456 },
      { x: -1.5, params: { mu: 2.5, kappa: 12 }, logDensity: -19.531103015875534 },
    ],
  },
});
