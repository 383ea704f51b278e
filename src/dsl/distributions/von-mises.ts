// The von Mises on the circle.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { sin } from "../../runtime/numeric/math.ts";
import { vonMises as vonMisesDraw } from "../../runtime/numeric/samplers.ts";
import { real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, nonnegativeNumber, oneNoise } from "./params.ts";
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

const TURN = 2 * Math.PI;
/** Where an angle lies between -π and π. */
const around = (b: Builder, angle: Value): Value => {
  const near = b.sub(angle, b.mul(b.constant(TURN), b.round(b.div(angle, b.constant(TURN)))));
  return b.min(b.max(near, b.constant(-Math.PI)), b.constant(Math.PI));
};
/** log P(from < X <= to) of angles between -π and π. */
function logBetween(b: Builder, from: Value, to: Value, { mu, kappa }: Readonly<Record<string, Value>>): Value {
  const direction = around(b, mu);
  const within = (t: Value): Value => b.min(b.max(t, b.constant(-Math.PI)), b.constant(Math.PI));
  return b.logVonMisesArc(b.sub(within(from), direction), b.sub(within(to), direction), kappa);
}
/** t between -π and π with P(-π < T <= t) = u = 1 - rest about 0. */
function circleQuantile(b: Builder, u: Value, rest: Value, kappa: Value): Value {
  const t = b.vonMisesQuantile(kappa, b.log(b.min(u, rest)));
  return b.select(b.le(u, rest), t, b.neg(t));
}
/** The same of angles from -π on, about mu: u is counted from there. */
function angleQuantile(b: Builder, u: Value, { mu, kappa }: Readonly<Record<string, Value>>): Value {
  const [zero, one, pi, turn] = [0, 1, Math.PI, TURN].map((c) => b.constant(c));
  const direction = around(b, mu);
  // -π about mu
  const begin = b.select(b.gt(direction, zero), b.sub(pi, direction), b.sub(b.neg(pi), direction));
  const before = b.exp(b.logVonMisesArc(b.neg(pi), begin, kappa));
  const after = b.exp(b.logVonMisesArc(begin, pi, kappa));
  const isPast = b.gt(u, after);
  const counted = b.select(isPast, b.sub(u, after), b.add(before, u));
  const left = b.select(isPast, b.add(after, b.sub(one, u)), b.sub(after, u));
  const t = circleQuantile(b, counted, left, kappa);
  const turned = b.add(b.sub(t, begin), b.select(isPast, turn, zero));
  const x = b.sub(b.min(b.max(turned, zero), turn), pi);
  return b.select(b.and(b.ge(u, zero), b.le(u, one)), x, b.constant(Number.NaN));
}

export const vonMises = defineDistribution({
  name: "VonMises",
  doc: "The von Mises with mean direction mu and concentration kappa: exp(kappa cos(x - mu)) / (2 pi I0(kappa)), on any interval of length 2 pi; cdf and quantile, and draws, are those between -pi and pi.",
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
    out[0] = angle - TURN * Math.round(angle / TURN);
  },
  // By the quantile about mu, turned back where it has gone past π: what depends on the angle as on a point of the circle has an unbiased gradient.
  attempts: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [z], { mu, kappa }) => {
      const t = b.vonMisesQuantile(kappa, b.logNormalCdf(b.neg(b.abs(z))));
      return around(b, b.add(mu, b.select(b.le(z, b.constant(0)), t, b.neg(t))));
    },
  },
  logCdf: (b, x, p) => logBetween(b, b.constant(-Math.PI), x, p),
  logCcdf: (b, x, p) => logBetween(b, x, b.constant(Math.PI), p),
  quantile: (b, u, p) => angleQuantile(b, u, p),
  // Angles turned round are about -mu.
  upperQuantile: (b, u, { mu, kappa }) => b.neg(angleQuantile(b, u, { mu: b.neg(mu), kappa })),
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
