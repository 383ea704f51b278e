// The incomplete beta function in logarithms, as a function of odds, with the kernel, derivatives by the parameters, rate, quantiles and draws.
import type { Builder, Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { at, bySecondDifference, COST, HALF_LOG_TWO_PI, iterative } from "./iterative.ts";
import { probe, singular, vector } from "./pointwise.ts";

const { POSITIVE_INFINITY: inf, NaN: none } = Number;
const ofBeta: readonly Probe<null>[] = [
  probe(
    vector(0.02, 0.4, 0.8, 3.5, 7.3, 12.5, 31.5, 0.3, 90.5),
    vector(0.3, 0.07, 2.3, 1.7, 0.9, 40.2, 29.4, 26.1, 0.4),
    vector(0.2, 3.1, 0.01, 1.2, 17.5, 0.33, 1.1, 0.004, 190.5),
  ),
  probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.7, 2.1, 5.2), {
    type: { shape: [2, 1], dtype: "real" },
    values: [0.6, 1.4],
  }),
  singular(
    vector(0.3, 2.5, none, 1.5, 2.1, -1, inf),
    vector(0.3, 1.5, 1.5, none, 2.6, 2.5, 1.1),
    vector(inf, inf, 1.5, 0.2, none, 0.4, 0.3),
  ),
];
const ofBetaQuantile: readonly Probe<null>[] = [
  probe(vector(0.4, 0.8, 3.5, 12.5, 90.5), vector(0.7, 2.3, 1.7, 40.2, 0.4), vector(0.3, 0.93, 0.02, 0.61, 1e-5)),
  probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.7, 2.1, 5.2), vector(0.17, 0.52, 0.97)),
  singular(vector(0.3, 2.5, 1.5, 1.5, -2, none), vector(1.3, 0.5, 2.5, 2.2, 1.1, 1.2), vector(0, 1, -0.5, none, 0.3, 0.4)),
];

/** log x - ψ(a) + ψ(a + b) and log(1 - x) - ψ(b) + ψ(a + b), at odds r: the derivatives of log(x^a (1 - x)^b / B(a, b)) */
const scores = (b: Builder, [alpha, beta, r]: readonly Value[]): readonly [Value, Value] => {
  const both = b.digamma(b.add(alpha, beta));
  return [b.sub(b.sub(both, b.digamma(alpha)), b.log1p(b.reciprocal(r))), b.sub(b.sub(both, b.digamma(beta)), b.log1p(r))];
};
/** (a - b r) / (r (1 + r)) */
const drift = (b: Builder, [alpha, beta, r]: readonly Value[]): Value =>
  b.div(b.sub(alpha, b.mul(beta, r)), b.mul(r, b.add(r, b.constant(1))));
/** log(x^a (1 - x)^b / B(a, b)) at odds r */
export const betaKernel = iterative("betaKernel", 200, (b, xs) => [...scores(b, xs), drift(b, xs)], ofBeta);

type Bend = "logBetaIBendAA" | "logBetaIBendAB" | "logBetaIBendBB";
/** By r: h ((K_i - S_i) (K_j - S_j) + K_ij - B), K the log of the kernel, S the first derivatives of log I. */
const bend = (name: Bend, self: () => Primitive<null>, i: 0 | 1, j: 0 | 1): Primitive<null> =>
  iterative(
    name,
    COST,
    (b, xs, y) => {
      const [alpha, beta, r] = xs;
      const slopes = [at(b, logBetaISlopeA, xs), at(b, logBetaISlopeB, xs)];
      const excess = scores(b, xs).map((k, n) => b.sub(k, slopes[n]));
      const shared = b.trigamma(b.add(alpha, beta));
      const curvature = i === j ? b.sub(shared, b.trigamma(xs[i])) : shared;
      const inner = b.sub(b.add(b.mul(excess[i], excess[j]), curvature), y);
      return [
        bySecondDifference(b, alpha, (v) => at(b, self(), [v, beta, r])),
        bySecondDifference(b, beta, (v) => at(b, self(), [alpha, v, r])),
        b.mul(at(b, logBetaIRate, xs), inner),
      ];
    },
    ofBeta,
    true,
  );
export const logBetaIBendAA: Primitive<null> = bend("logBetaIBendAA", () => logBetaIBendAA, 0, 0);
export const logBetaIBendAB: Primitive<null> = bend("logBetaIBendAB", () => logBetaIBendAB, 0, 1);
export const logBetaIBendBB: Primitive<null> = bend("logBetaIBendBB", () => logBetaIBendBB, 1, 1);

const slope = (name: "logBetaISlopeA" | "logBetaISlopeB", i: 0 | 1, bends: readonly Primitive<null>[]): Primitive<null> =>
  iterative(
    name,
    COST,
    (b, xs, y) => [at(b, bends[0], xs), at(b, bends[1], xs), b.mul(at(b, logBetaIRate, xs), b.sub(scores(b, xs)[i], y))],
    ofBeta,
  );
/** Derivatives of log I by a and by b; above, second ones. */
export const logBetaISlopeA: Primitive<null> = slope("logBetaISlopeA", 0, [logBetaIBendAA, logBetaIBendAB]);
export const logBetaISlopeB: Primitive<null> = slope("logBetaISlopeB", 1, [logBetaIBendAB, logBetaIBendBB]);
/** h = d log I/dr: log h is the log of the kernel less log I and log r. */
export const logBetaIRate: Primitive<null> = iterative(
  "logBetaIRate",
  COST,
  (b, xs, h) => {
    const [first, second] = scores(b, xs);
    const fall = b.add(b.reciprocal(xs[2]), h);
    return [
      b.mul(h, b.sub(first, at(b, logBetaISlopeA, xs))),
      b.mul(h, b.sub(second, at(b, logBetaISlopeB, xs))),
      b.mul(h, b.sub(drift(b, xs), fall)),
    ];
  },
  ofBeta,
);
/** log I_x(a, b), the regularised incomplete beta function, at odds r = x / (1 - x); 1 - I is that of (b, a, 1/r) */
export const logBetaI: Primitive<null> = iterative(
  "logBetaI",
  COST,
  (b, xs) => [at(b, logBetaISlopeA, xs), at(b, logBetaISlopeB, xs), at(b, logBetaIRate, xs)],
  ofBeta,
);

/** Odds r with I(a, b) = p there: d log I = S_a da + S_b db + h dr. */
export const betaQuantile = iterative(
  "betaQuantile",
  8 * COST,
  (b, [alpha, beta, p], r) => {
    const xs = [alpha, beta, r];
    const h = at(b, logBetaIRate, xs);
    return [b.neg(b.div(at(b, logBetaISlopeA, xs), h)), b.neg(b.div(at(b, logBetaISlopeB, xs), h)), b.reciprocal(b.mul(p, h))];
  },
  ofBetaQuantile,
);

/** Below it the odds are nothing beside 1, and log I = a log r - log(a B(a, b)). */
const LEAST_LOG = -80;
/** The log odds at which I(a, b) = Φ(z): a beta draw as a function of a standard normal, with the implicit derivatives by a and b. Above the
 *  median by the other tail, which is a beta too, of (b, a) at the odds' reciprocal. */
export const betaLogitDraw = iterative(
  "betaLogitDraw",
  8 * COST,
  (b, [alpha, beta, z], s) => {
    const upper = b.gt(z, b.constant(0));
    const swap = (v: Value, w: Value): Value => b.select(upper, w, v);
    const logit = swap(s, b.neg(s));
    const reached = b.max(logit, b.constant(LEAST_LOG));
    const r = b.exp(reached);
    const xs = [swap(alpha, beta), swap(beta, alpha), r];
    const share = b.reciprocal(b.mul(r, at(b, logBetaIRate, xs)));
    const byFirst = b.mul(share, b.add(at(b, logBetaISlopeA, xs), b.sub(logit, reached)));
    const bySecond = b.mul(share, at(b, logBetaISlopeB, xs));
    const logDensity = b.sub(b.mul(b.constant(-0.5), b.square(z)), b.constant(HALF_LOG_TWO_PI));
    const byNormal = b.mul(share, b.exp(b.sub(logDensity, b.logNormalCdf(b.neg(b.abs(z))))));
    return [swap(b.neg(byFirst), bySecond), swap(b.neg(bySecond), byFirst), byNormal];
  },
  [
    probe(
      vector(0.4, 0.8, 3.5, 12.5, 90.5, 0.03),
      vector(0.7, 2.3, 1.7, 40.2, 0.4, 0.02),
      vector(-0.7, 1.1, -2.3, 0.6, -0.2, 1.2),
    ),
    probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.7, 2.1, 5.2), vector(0.17, -0.52, 2.9)),
    singular(vector(1.5, -2, none), vector(2.5, 1.1, 1.2), vector(none, 0.3, 0.4)),
  ],
);
