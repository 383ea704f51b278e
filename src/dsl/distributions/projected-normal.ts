// Directions of normal vectors: the projected normal, and without a mean the uniform distribution on the sphere.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { lgamma } from "../../runtime/numeric/math.ts";
import { real } from "../constraints/interval.ts";
import { unitVector } from "../constraints/unit-vector.ts";
import { defineDistribution } from "./define.ts";
import { logSurface } from "./spherical.ts";
import { HALF_LOG_TAU, halve, total } from "./standardise.ts";

const toLength = (b: Builder, z: Value): Value => b.div(z, b.sqrt(b.sum(b.square(z))));

/** Σ log v, with few logarithms: products of so many do not overflow. */
const TOGETHER = 8;
function sumOfLogs(b: Builder, values: readonly Value[]): Value {
  const logs: Value[] = [];
  for (let i = 0; i < values.length; i += TOGETHER) logs.push(b.log(values.slice(i, i + TOGETHER).reduce((p, v) => b.mul(p, v))));
  return logs.reduce((s, v) => b.add(s, v));
}

// With I_k(t) = ∫_0^∞ r^(k-1) exp(r t - r²/2) dr the density is (2π)^(-d/2) exp(-‖μ‖²/2) I_d(μ'x). By parts I_(k+1) = t I_k + (k - 1) I_(k-1),
// so that ρ_k = I_(k+1) / I_k is t + (k - 1) / ρ_(k-1), a sum of positive numbers for t >= 0. For t = -s < 0 it would cancel: I_k is the
// solution that falls fastest (a repeated integral of erfc; Gautschi 1961), and ρ_k = k / (s + ρ_(k+1)), also of positive numbers, is
// begun at a large k.

/** log I_d(t) - t²/2, t >= 0. */
function logForward(b: Builder, t: Value, d: number): Value {
  const logPhi = b.logNormalCdf(t);
  const first = b.add(b.constant(HALF_LOG_TAU), logPhi);
  if (d === 1) return first;
  // I_2 / I_1 = t + φ(t) / Φ(t)
  let ratio = b.add(t, b.exp(total(b, b.neg(halve(b, b.square(t))), b.constant(-HALF_LOG_TAU), b.neg(logPhi))));
  const ratios = [ratio];
  for (let k = 2; k < d; k++) {
    ratio = b.add(t, b.div(b.constant(k - 1), ratio));
    ratios.push(ratio);
  }
  return b.add(first, sumOfLogs(b, ratios));
}

/** ρ_k = f (1 + Σ_j P_j(f/w) / w^(2j)) for large k: f (s + f) = k, w = s + 2f = sqrt(s² + 4k); ρ_(k+1) as a Taylor series from ρ_k, with
 *  df/dk = 1/w and dw/dk = 2/w, order by order. Coefficients of P_j from the constant on. */
const TAIL: readonly (readonly number[])[] = [
  [-1],
  [3, -5],
  [-15, 65, -60],
  [105, -804, 1730, -1105],
  [-945, 10824, -39110, 55645, -27120],
  [10395, -162357, 854250, -1987270, 2105070, -828250],
  [-135135, 2714445, -19180410, 63897550, -108878610, 91692550, -30220800],
];
/** From here on down the last digit is right: where the series ends, 1e-14 is left at k = 48 and s < 1, and the rest is damped on the way. */
const STEPS = 46;
function ratioFarOut(b: Builder, s: Value, k: number): Value {
  const squared = b.add(b.square(s), b.constant(4 * k));
  const w = b.sqrt(squared);
  const f = b.div(b.constant(2 * k), b.add(s, w));
  const [q, scale] = [b.div(f, w), b.reciprocal(squared)];
  const polynomial = (c: readonly number[]): Value =>
    c.reduceRight((sum: Value | undefined, x) => (sum ? b.add(b.mul(sum, q), b.constant(x)) : b.constant(x)), undefined) ??
    b.constant(0);
  const series = TAIL.reduceRight((sum, c) => b.mul(b.add(sum, polynomial(c)), scale), b.constant(0));
  return b.mul(f, b.add(b.constant(1), series));
}
/** log I_d(-s), s >= 0: I_d = (d - 1)! / Π_(k <= d) (s + ρ_k). */
function logBackward(b: Builder, s: Value, d: number): Value {
  let ratio = ratioFarOut(b, s, d + STEPS);
  const sums: Value[] = [];
  for (let k = d + STEPS - 1; k >= 1; k--) {
    const sum = b.add(s, ratio);
    if (k < d) sums.push(sum);
    ratio = b.div(b.constant(k), sum);
  }
  sums.push(b.add(s, ratio));
  return b.sub(b.constant(lgamma(d)), sumOfLogs(b, sums));
}

export const projectedNormal = defineDistribution({
  name: "ProjectedNormal",
  doc: "The direction z / |z| of a normal vector z with mean mu and covariance the identity (the angular Gaussian), on the unit sphere in any dimension; mu = 0 is uniform.",
  params: { mu: { constraint: real, rank: 1, doc: "mean of the normal vector: the longer, the more concentrated" } },
  support: { constraint: unitVector },
  event: 1,
  eventShape: ({ mu }) => mu,
  logDensity: (b, x, { mu }) => {
    const [d] = shapeOf(x);
    const t = b.sum(b.mul(mu, x));
    const zero = b.constant(0);
    const isAhead = b.ge(t, zero);
    // ‖μ‖² - t² is the square of what of μ is at right angles to x.
    const across = b.sum(b.square(b.sub(mu, b.mul(t, x))));
    const ahead = b.sub(logForward(b, b.select(isAhead, t, zero), d), halve(b, across));
    const behind = b.sub(logBackward(b, b.select(isAhead, zero, b.neg(t)), d), halve(b, b.sum(b.square(mu))));
    return b.add(b.select(isAhead, ahead, behind), b.constant(-d * HALF_LOG_TAU));
  },
  draw: {
    gradient: "pathwise",
    noise: (shape) => [{ kind: "normal", shape }],
    build: (b, [z], { mu }) => toLength(b, b.add(mu, z)),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, parabolic cylinder functions and quadrature",
    rows: [
      { x: [0.6, -0.8], params: { mu: [0.5, 1.25] }, logDensity: -3.5259430566960015 },
      { x: [0.6, 0.8], params: { mu: [3, 4.5] }, logDensity: 0.7224604214406979 },
      { x: [-0.6, 0.8], params: { mu: [30, -41] }, logDensity: -1300.194830705257 },
      {
        x: [0.2857142857142857, 0.42857142857142855, -0.8571428571428571],
        params: { mu: [1.5, -0.75, 2] },
        logDensity: -8.010710846850362,
      },
      { x: [0.6, 0, 0.8], params: { mu: [0, 0, 0] }, logDensity: -2.5310242469692907 },
      { x: [0.6, 0, 0.8], params: { mu: [60.5, 0.125, 79.75] }, logDensity: 7.215499601553106 },
      {
        x: [0.22086305214969307, 0.44172610429938614, -0.6625891564490792, 0.11043152607484653, 0.5521576303742327],
        params: { mu: [-0.25, -1, 2.5, 0.5, -0.75] },
        logDensity: -11.466069573274668,
      },
      { x: [1], params: { mu: [-2.5] }, logDensity: -5.08164827727869 },
    ],
  },
});

export const sphericalUniform = defineDistribution({
  name: "SphericalUniform",
  doc: "Any direction with equal density, one over the surface of the unit sphere. Flat() says the same of a latent unit_vector, but cannot be drawn.",
  params: {},
  support: { constraint: unitVector },
  event: 1,
  logDensity: (b, x) => b.constant(-logSurface(shapeOf(x)[0])),
  draw: { gradient: "pathwise", noise: (shape) => [{ kind: "normal", shape }], build: (b, [z]) => toLength(b, z) },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [0.6, -0.8], params: {}, logDensity: -1.8378770664093456 },
      { x: [0.2857142857142857, 0.42857142857142855, -0.8571428571428571], params: {}, logDensity: -2.5310242469692907 },
      { x: [0.1, -0.1, 0.7, -0.7], params: {}, logDensity: -2.9826069522587457 },
      {
        x: [0.22086305214969307, 0.44172610429938614, -0.6625891564490792, 0.11043152607484653, 0.5521576303742327],
        params: {},
        logDensity: -3.2702890247105265,
      },
    ],
  },
});
