// Distribution functions of the skew normal and of arcs of a circle in logarithms, and quantiles that have no closed form.
import type { Builder, Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { besselIQuotient, logBesselI } from "./bessel.ts";
import { at, bySecondDifference, COST, HALF_LOG_TWO_PI, iterative } from "./iterative.ts";
import { probe, singular, vector } from "./pointwise.ts";

const { POSITIVE_INFINITY: inf, NaN: none } = Number;
const one = { shape: [], dtype: "real" } as const;
const column = { shape: [2, 1], dtype: "real" } as const;

// ---------------------------------------------------------------- the skew normal

/** log 2 φ(z) Φ(α z) */
const logSkewDensity = (b: Builder, z: Value, alpha: Value): Value =>
  b.add(b.sub(b.logNormalCdf(b.mul(alpha, z)), b.mul(b.constant(0.5), b.square(z))), b.constant(Math.LN2 - HALF_LOG_TWO_PI));
/** log of -∂F/∂α, which is φ(z √(1 + α²)) √(2/π) / (1 + α²) */
const logSkewFall = (b: Builder, z: Value, alpha: Value): Value => {
  const growth = b.add(b.constant(1), b.square(alpha));
  return b.sub(b.neg(b.mul(b.constant(0.5), b.mul(growth, b.square(z)))), b.log(b.mul(b.constant(Math.PI), growth)));
};
/** log F(z; α) of the density 2 φ(z) Φ(α z); log(1 - F(z; α)) is log F(-z; -α) */
export const logSkewNormalCdf = iterative(
  "logSkewNormalCdf",
  COST,
  (b, [z, alpha], y) => [b.exp(b.sub(logSkewDensity(b, z, alpha), y)), b.neg(b.exp(b.sub(logSkewFall(b, z, alpha), y)))],
  [
    probe(vector(-2.3, -0.4, 0.7, 1.9, -1.2, 0.02, 3.1), vector(1.7, 0.3, 4.2, -0.6, -3.3, 25.5, -0.2)),
    probe({ type: one, values: [0.6] }, { type: column, values: [2.6, -1.4] }),
    singular(vector(none, 1.5, inf, -inf, 0.3), vector(1.5, none, 2.5, 0.4, inf)),
  ],
);
/** z with log F(z; α) = l, for l up to log ½ or so */
export const skewNormalQuantile = iterative(
  "skewNormalQuantile",
  8 * COST,
  (b, [alpha, l], z) => {
    const density = logSkewDensity(b, z, alpha);
    return [b.exp(b.sub(logSkewFall(b, z, alpha), density)), b.exp(b.sub(l, density))];
  },
  [
    probe(vector(1.7, 0.3, -4.2, -0.6, 25.5), vector(-0.8, -3.4, -1.9, -22.5, -1.2)),
    probe({ type: one, values: [0.6] }, { type: column, values: [-2.6, -1.4] }),
    singular(vector(none, 1.5, 2.5, 0.3), vector(-1.5, none, -inf, 0.4)),
  ],
);

// ---------------------------------------------------------------- the inverse Gaussian

/**
 * x / μ with P(X <= x) = p, of k = λ / μ, log p and log(1 - p), of which the smaller is asked. By k, with x in units of μ and
 * c = √(k/x) (x + 1): d log x / dk = 1/k - √(2π x/k) erfcx(c/√2).
 */
export const inverseGaussianQuantile = iterative(
  "inverseGaussianQuantile",
  8 * COST,
  (b, [k, logP, logQ], x) => {
    const root = b.sqrt(b.div(k, x));
    const deviation = b.mul(root, b.sub(x, b.constant(1)));
    const reflected = b.mul(root, b.add(x, b.constant(1)));
    const byShape = b.sub(
      b.reciprocal(k),
      b.div(b.mul(b.constant(2.5066282746310002), b.erfcx(b.mul(b.constant(Math.SQRT1_2), reflected))), root),
    );
    // log of the density of log x
    const density = b.sub(b.log(root), b.add(b.mul(b.constant(0.5), b.square(deviation)), b.constant(HALF_LOG_TWO_PI)));
    const isLower = b.le(logP, logQ);
    const by = (l: Value): Value => b.mul(x, b.exp(b.sub(l, density)));
    const none = b.constant(0);
    return [b.mul(x, byShape), b.select(isLower, by(logP), none), b.select(isLower, none, b.neg(by(logQ)))];
  },
  [
    probe(vector(0.02, 0.7, 3.4, 120.5), vector(-0.8, -3.4, -0.3, -0.2), vector(-0.6, -0.03, -1.35, -1.71)),
    singular(vector(none, 1.5, 2.5, -0.3), vector(-1.5, none, -inf, -0.4), vector(-0.5, -0.7, -1e-300, -0.9)),
  ],
);

// ---------------------------------------------------------------- the von Mises

const ofArc: readonly Probe<null>[] = [
  probe(vector(-3.1, -2.2, 0.4, 2.5, -4.3, 5.1), vector(-0.7, 1.3, 2.6, 5.2, -3.6, 10.4), vector(0.3, 2.6, 7.4, 0.9, 45.5, 1.7)),
  probe({ type: one, values: [-0.6] }, { type: column, values: [2.6, 1.4] }, vector(0.7, 3.1)),
  singular(vector(none, 1.5, 0.3, 1.2, -inf), vector(1.5, none, 0.9, 0.4, 0.2), vector(0.4, 1.1, -0.6, 2.1, 0.4)),
];
/** log of the density at t, and A - 1, the mean of cos t - 1. */
const logVonMises = (b: Builder, t: Value, kappa: Value): Value => {
  const fall = b.mul(b.constant(-2), b.square(b.sin(b.mul(b.constant(0.5), t))));
  return b.sub(b.mul(kappa, fall), b.add(at(b, logBesselI, [b.constant(0), kappa]), b.constant(2 * HALF_LOG_TWO_PI)));
};
const meanFall = (b: Builder, kappa: Value): Value =>
  b.sub(b.mul(kappa, at(b, besselIQuotient, [b.constant(0), kappa])), b.constant(1));
/** The derivatives of log P(from < T <= to) by both ends. */
const rates = (b: Builder, [from, to, kappa]: readonly Value[], log: Value): readonly [Value, Value] => [
  b.neg(b.exp(b.sub(logVonMises(b, from, kappa), log))),
  b.exp(b.sub(logVonMises(b, to, kappa), log)),
];
/** Of log P(from < T <= to) by κ: the mean of cos t on the arc less that on the circle, M. By an end: its rate times cos - 1 there less the arc's mean. */
export const logVonMisesArcSlope: Primitive<null> = iterative(
  "logVonMisesArcSlope",
  COST,
  (b, xs, slope) => {
    const [from, to, kappa] = xs;
    const mean = b.add(slope, meanFall(b, kappa));
    const fall = (t: Value): Value => b.mul(b.constant(-2), b.square(b.sin(b.mul(b.constant(0.5), t))));
    const [byFrom, byTo] = rates(b, xs, at(b, logVonMisesArc, xs));
    return [
      b.mul(byFrom, b.sub(fall(from), mean)),
      b.mul(byTo, b.sub(fall(to), mean)),
      bySecondDifference(b, kappa, (k) => at(b, logVonMisesArcSlope, [from, to, k])),
    ];
  },
  ofArc,
  true,
);
/** log P(from < T <= to), T von Mises with mean direction 0 and concentration κ, to - from between 0 and 2π */
export const logVonMisesArc: Primitive<null> = iterative(
  "logVonMisesArc",
  COST,
  (b, xs, y) => [...rates(b, xs, y), at(b, logVonMisesArcSlope, xs)],
  ofArc,
);
/** t between -π and 0 with log P(-π < T <= t) = l, l <= log ½ */
export const vonMisesQuantile = iterative(
  "vonMisesQuantile",
  8 * COST,
  (b, [kappa, l], t) => {
    const share = b.exp(b.sub(l, logVonMises(b, t, kappa)));
    return [b.neg(b.mul(share, at(b, logVonMisesArcSlope, [b.constant(-Math.PI), t, kappa]))), share];
  },
  [
    probe(vector(0.3, 2.6, 7.4, 0.9, 45.5), vector(-0.8, -3.4, -1.9, -22.5, -1.2)),
    probe({ type: one, values: [0.6] }, { type: column, values: [-2.6, -1.4] }),
    singular(vector(none, 1.5, 2.5, -0.3), vector(-1.5, none, -inf, -0.4)),
  ],
);
