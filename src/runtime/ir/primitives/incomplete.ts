// The incomplete gamma and beta functions in logarithms, their kernels, derivatives by the parameters, and quantiles.
// With K the log of the kernel (x^a e^-x / Γ(a), x^a (1-x)^b / B(a, b)), d log F / d log x = exp(K - log F): of log x, or of log odds.
import { iterativeFunction } from "../../numeric/iterative.ts";
import type { IterativeFunction } from "../../wasm/vector-emitter.ts";
import type { Builder, Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { edgePairs, integers, pointwise, probe, singular, vector } from "./pointwise.ts";
import { hosted } from "./tensor-rules.ts";

function iterative(
  name: IterativeFunction,
  cost: number,
  derivatives: (b: Builder, xs: readonly Value[], y: Value) => readonly (Value | null)[],
  probes: readonly Probe<null>[],
): Primitive<null> {
  return pointwise({
    name,
    host: iterativeFunction(name),
    emit: (w, ...xs) => w.iterate(name, ...xs),
    tfjs: hosted,
    gradient: (b, ct, xs, y) => derivatives(b, xs, y).map((d) => d && b.mul(ct, d)),
    cost,
    probes,
  });
}
const COST = 2000;
const HALF_LOG_TWO_PI = 0.9189385332046728;
/** exp of it is far from the least number, and nothing beside 1. */
const LEAST_LOG = -600;

const { POSITIVE_INFINITY: inf, NaN: none } = Number;
const ends: Probe<null> = singular(
  vector(0.3, 2.5, 0.3, 2.5, none, 1.5, -1, inf, 0),
  vector(0, 0, inf, inf, 1.5, none, 2.5, 1, 1),
);
const ofGamma: readonly Probe<null>[] = [
  probe(vector(0.02, 0.4, 0.8, 3.5, 7.3, 12.5, 31.5, 250.5), vector(0.3, 0.07, 2.3, 1.7, 9.1, 9.6, 29.4, 263.1)),
  probe(vector(0.03, 0.6, 15.2, 40.5), vector(1e-6, 0.002, 0.9, 57.3)),
  probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.7, 2.1, 5.2)),
  probe(vector(0.7, 2.1, 11.2), { type: { shape: [2, 1], dtype: "real" }, values: [2.6, 12.4] }),
  ends,
  edgePairs,
];
const ofGammaQuantile: readonly Probe<null>[] = [
  probe(vector(0.4, 0.8, 3.5, 12.5, 250.5), vector(0.3, 0.93, 0.02, 0.61, 1e-5)),
  probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.17, 0.52, 0.999)),
  singular(vector(0.3, 2.5, 1.5, 1.5, -2, none), vector(0, 1, -0.5, none, 0.3, 0.4)),
  edgePairs,
];
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
    vector(0.3, 2.5, 0.3, 2.5, none, 1.5, 2.1, -1, inf),
    vector(1.2, 2.5, 0.3, 1.5, 1.5, none, 2.6, 2.5, 1.1),
    vector(0, 0, inf, inf, 1.5, 0.2, none, 0.4, 0.3),
  ),
];
const ofBetaQuantile: readonly Probe<null>[] = [
  probe(vector(0.4, 0.8, 3.5, 12.5, 90.5), vector(0.7, 2.3, 1.7, 40.2, 0.4), vector(0.3, 0.93, 0.02, 0.61, 1e-5)),
  probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.7, 2.1, 5.2), vector(0.17, 0.52, 0.999)),
  singular(vector(0.3, 2.5, 1.5, 1.5, -2, none), vector(1.3, 0.5, 2.5, 2.2, 1.1, 1.2), vector(0, 1, -0.5, none, 0.3, 0.4)),
];

// ---------------------------------------------------------------- gamma

/** log x - ψ(a) */
const gammaScore = (b: Builder, a: Value, x: Value): Value => b.sub(b.log(x), b.digamma(a));
/** dF/dx / F of F with log F = y: exp(K - y) / x. At x = 0 the limit from above. */
function hazard(b: Builder, kernel: (x: Value) => Value, x: Value, y: Value): Value {
  const near = b.max(x, b.constant(1e-300));
  return b.div(b.exp(b.sub(kernel(near), y)), near);
}
const gammaHazard = (b: Builder, a: Value, x: Value, y: Value): Value => hazard(b, (v) => b.gammaKernel(a, v), x, y);

/** Derivatives of third and higher order by a parameter: central differences of the second, extrapolated once (Richardson 1911). Steps are small
 *  beside a and beside the deviation of log x, 1/√a: the relative error is 1e-9 or so. */
function bySecondDifference(b: Builder, a: Value, second: (a: Value) => Value): Value {
  const step = b.mul(b.constant(1 / 256), b.div(a, b.sqrt(b.add(a, b.constant(1)))));
  const slope = (h: Value): Value => b.div(b.sub(second(b.add(a, h)), second(b.sub(a, h))), b.mul(b.constant(2), h));
  const narrow = slope(b.mul(b.constant(0.5), step));
  return b.div(b.sub(b.mul(b.constant(4), narrow), slope(step)), b.constant(3));
}

/** log(x^a e^-x / Γ(a)) */
export const gammaKernel = iterative(
  "gammaKernel",
  150,
  (b, [a, x]) => [gammaScore(b, a, x), b.sub(b.div(a, x), b.constant(1))],
  ofGamma,
);

interface GammaTail {
  readonly log: Primitive<null>;
  readonly slope: Primitive<null>;
  readonly bend: Primitive<null>;
}
/** log F(a, x) of F = P or Q, dF/dx = sign x^(a-1) e^-x / Γ(a), with its first and second derivative by a. */
function gammaTail(side: "P" | "Q"): GammaTail {
  const signed = (b: Builder, v: Value): Value => (side === "P" ? v : b.neg(v));
  const apply = (b: Builder, op: Primitive<null>, a: Value, x: Value): Value => b.apply(op, [a, x], null)[0];
  // The hazard h has the log K - log F - log x: d h/da = h (K_a - S), d²h/da² = h ((K_a - S)² + K_aa - B)
  const bend: Primitive<null> = iterative(
    `logGamma${side}Bend`,
    COST,
    (b, [a, x], y) => {
      const excess = b.sub(gammaScore(b, a, x), apply(b, slope, a, x));
      const inner = b.sub(b.sub(b.square(excess), b.trigamma(a)), y);
      const h = gammaHazard(b, a, x, apply(b, log, a, x));
      return [bySecondDifference(b, a, (v) => apply(b, bend, v, x)), signed(b, b.mul(h, inner))];
    },
    ofGamma,
  );
  const slope: Primitive<null> = iterative(
    `logGamma${side}Slope`,
    COST,
    (b, [a, x], y) => {
      const h = gammaHazard(b, a, x, apply(b, log, a, x));
      return [apply(b, bend, a, x), signed(b, b.mul(h, b.sub(gammaScore(b, a, x), y)))];
    },
    ofGamma,
  );
  const log: Primitive<null> = iterative(
    `logGamma${side}`,
    COST,
    (b, [a, x], y) => [apply(b, slope, a, x), signed(b, gammaHazard(b, a, x, y))],
    ofGamma,
  );
  return { log, slope, bend };
}
const [tailP, tailQ] = [gammaTail("P"), gammaTail("Q")];
/** log P(a, x) and log Q(a, x), regularised incomplete gamma functions; a > 0, x >= 0 */
export const logGammaP = tailP.log;
export const logGammaQ = tailQ.log;
/** Their first and second derivatives by a. */
export const logGammaPSlope = tailP.slope;
export const logGammaQSlope = tailQ.slope;
export const logGammaPBend = tailP.bend;
export const logGammaQBend = tailQ.bend;

/** dx/dp = 1/f(x), dx/da = -(dF/da)/f(x), f(x) = e^K / x: the implicit function theorem. */
const gammaQuantileOf = (name: "gammaQuantile" | "gammaUpperQuantile", side: "P" | "Q"): Primitive<null> =>
  iterative(
    name,
    8 * COST,
    (b, [a], x) => {
      const kernel = b.gammaKernel(a, x);
      const [log, slope] = side === "P" ? [b.logGammaP(a, x), logGammaPSlope] : [b.logGammaQ(a, x), logGammaQSlope];
      const byShape = b.mul(b.mul(x, b.exp(b.sub(log, kernel))), b.apply(slope, [a, x], null)[0]);
      const byP = b.mul(x, b.exp(b.neg(kernel)));
      return side === "P" ? [b.neg(byShape), byP] : [byShape, b.neg(byP)];
    },
    ofGammaQuantile,
  );
/** x with P(a, x) = p, and with Q(a, x) = q */
export const gammaQuantile = gammaQuantileOf("gammaQuantile", "P");
export const gammaUpperQuantile = gammaQuantileOf("gammaUpperQuantile", "Q");

/** log x with P(a, x) = Φ(z): a gamma draw of shape a as a function of a standard normal. Its derivative by a is the implicit one, -(∂P/∂a)/f
 *  (Figurnov, Mohamed and Mnih 2018, "Implicit reparameterization gradients"). Where x is below the doubles, P = x^a / Γ(a + 1), and
 *  d log P/da = log x - ψ(a + 1) goes on linearly in log x. */
export const logGammaDraw = iterative(
  "logGammaDraw",
  5 * COST,
  (b, [a, z], s) => {
    const reached = b.max(s, b.constant(LEAST_LOG));
    const x = b.exp(reached);
    const log = b.logGammaP(a, x);
    const share = b.exp(b.sub(log, b.gammaKernel(a, x)));
    const slope = b.add(b.apply(logGammaPSlope, [a, x], null)[0], b.sub(s, reached));
    const logDensity = b.sub(b.mul(b.constant(-0.5), b.square(z)), b.constant(HALF_LOG_TWO_PI));
    return [b.neg(b.mul(share, slope)), b.mul(share, b.exp(b.sub(logDensity, b.logNormalCdf(z))))];
  },
  [
    probe(vector(0.02, 0.4, 0.8, 3.5, 12.5, 250.5), vector(-0.7, 1.1, -2.3, 0.6, -0.2, 1.7)),
    probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.17, -0.52, 2.9)),
    singular(vector(0.3, 2.5, 1.5, -2, none), vector(inf, -inf, none, 0.3, 0.4)),
    edgePairs,
  ],
);

// ---------------------------------------------------------------- beta

/** log x - ψ(a) + ψ(a + b) and log(1 - x) - ψ(b) + ψ(a + b), at odds r */
const betaScores = (b: Builder, [alpha, beta, r]: readonly Value[]): readonly [Value, Value] => {
  const both = b.digamma(b.add(alpha, beta));
  return [b.sub(b.sub(both, b.digamma(alpha)), b.log1p(b.reciprocal(r))), b.sub(b.sub(both, b.digamma(beta)), b.log1p(r))];
};
/** log(x^a (1 - x)^b / B(a, b)) at odds r; by r: (a - b r) / (r (1 + r)) */
export const betaKernel = iterative(
  "betaKernel",
  200,
  (b, xs) => {
    const [alpha, beta, r] = xs;
    const byOdds = b.div(b.sub(alpha, b.mul(beta, r)), b.mul(r, b.add(r, b.constant(1))));
    return [...betaScores(b, xs), byOdds];
  },
  ofBeta,
);
const betaHazard = (b: Builder, [alpha, beta, r]: readonly Value[], y: Value): Value =>
  hazard(b, (v) => b.betaKernel(alpha, beta, v), r, y);
const at = (b: Builder, op: Primitive<null>, xs: readonly Value[]): Value => b.apply(op, xs, null)[0];

const betaBend = (
  name: "logBetaIBendAA" | "logBetaIBendAB" | "logBetaIBendBB",
  self: () => Primitive<null>,
  i: 0 | 1,
  j: 0 | 1,
): Primitive<null> =>
  iterative(
    name,
    COST,
    (b, xs, y) => {
      const [alpha, beta, r] = xs;
      const slopes = [at(b, logBetaISlopeA, xs), at(b, logBetaISlopeB, xs)];
      const excess = betaScores(b, xs).map((k, n) => b.sub(k, slopes[n]));
      const shared = b.trigamma(b.add(alpha, beta));
      const curvature = i === j ? b.sub(shared, b.trigamma(xs[i])) : shared;
      const inner = b.sub(b.add(b.mul(excess[i], excess[j]), curvature), y);
      return [
        bySecondDifference(b, alpha, (v) => at(b, self(), [v, beta, r])),
        bySecondDifference(b, beta, (v) => at(b, self(), [alpha, v, r])),
        b.mul(betaHazard(b, xs, at(b, logBetaI, xs)), inner),
      ];
    },
    ofBeta,
  );
export const logBetaIBendAA: Primitive<null> = betaBend("logBetaIBendAA", () => logBetaIBendAA, 0, 0);
export const logBetaIBendAB: Primitive<null> = betaBend("logBetaIBendAB", () => logBetaIBendAB, 0, 1);
export const logBetaIBendBB: Primitive<null> = betaBend("logBetaIBendBB", () => logBetaIBendBB, 1, 1);

const betaSlope = (name: "logBetaISlopeA" | "logBetaISlopeB", i: 0 | 1, bends: readonly Primitive<null>[]): Primitive<null> =>
  iterative(
    name,
    COST,
    (b, xs, y) => {
      const h = betaHazard(b, xs, at(b, logBetaI, xs));
      return [at(b, bends[0], xs), at(b, bends[1], xs), b.mul(h, b.sub(betaScores(b, xs)[i], y))];
    },
    ofBeta,
  );
/** Derivatives of log I by a and by b, and second ones. */
export const logBetaISlopeA: Primitive<null> = betaSlope("logBetaISlopeA", 0, [logBetaIBendAA, logBetaIBendAB]);
export const logBetaISlopeB: Primitive<null> = betaSlope("logBetaISlopeB", 1, [logBetaIBendAB, logBetaIBendBB]);
/** log I_x(a, b), the regularised incomplete beta function, at odds r = x / (1 - x); 1 - I is that of (b, a, 1/r) */
export const logBetaI: Primitive<null> = iterative(
  "logBetaI",
  COST,
  (b, xs, y) => [at(b, logBetaISlopeA, xs), at(b, logBetaISlopeB, xs), betaHazard(b, xs, y)],
  ofBeta,
);

/** Odds r with I(a, b) = p there. */
export const betaQuantile = iterative(
  "betaQuantile",
  8 * COST,
  (b, [alpha, beta], r) => {
    const xs = [alpha, beta, r];
    const kernel = b.betaKernel(alpha, beta, r);
    const share = b.mul(r, b.exp(b.sub(b.logBetaI(alpha, beta, r), kernel)));
    return [
      b.neg(b.mul(share, at(b, logBetaISlopeA, xs))),
      b.neg(b.mul(share, at(b, logBetaISlopeB, xs))),
      b.mul(r, b.exp(b.neg(kernel))),
    ];
  },
  ofBetaQuantile,
);

/** The log odds at which I(a, b) = Φ(z): a beta draw as a function of a standard normal, with the implicit derivatives by a and b. Above the
 *  median by the other tail, which is a beta too, of (b, a) at the odds' reciprocal. Where the odds are beyond the doubles, as `logGammaDraw`. */
export const betaLogitDraw = iterative(
  "betaLogitDraw",
  8 * COST,
  (b, [alpha, beta, z], s) => {
    const upper = b.gt(z, b.constant(0));
    const swap = (v: Value, w: Value): Value => b.select(upper, w, v);
    const logit = swap(s, b.neg(s));
    const reached = b.max(logit, b.constant(LEAST_LOG));
    const xs = [swap(alpha, beta), swap(beta, alpha), b.exp(reached)] as const;
    const log = b.logBetaI(...xs);
    const share = b.exp(b.sub(log, b.betaKernel(...xs)));
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
    singular(vector(0.3, 2.5, 1.5, -2, none), vector(1.3, 0.5, 2.5, 1.1, 1.2), vector(inf, -inf, none, 0.3, 0.4)),
  ],
);

// ---------------------------------------------------------------- sums of the beta-binomial

const ofSum: readonly Probe<null>[] = [
  probe(integers(3, 0, 7, 20, 2), integers(9, 4, 7, 50, 6), vector(0.4, 1.8, 3.5, 12.5, 0.03), vector(0.7, 2.3, 1.7, 40.2, 0.4)),
  probe(integers(5), integers(8), vector(0.7, 2.1, 5.2), { type: { shape: [2, 1], dtype: "real" }, values: [0.6, 1.4] }),
  singular(integers(2, 1, 3), integers(4, 5, 6), vector(none, 1.5, inf), vector(1.5, -2, 2.5)),
];
const ofSumSlope = (name: "betaBinomialSumSlopeA" | "betaBinomialSumSlopeB", self: () => Primitive<null>): Primitive<null> =>
  iterative(
    name,
    COST,
    (b, [x, n, alpha, beta]) => [
      null,
      null,
      bySecondDifference(b, alpha, (v) => at(b, self(), [x, n, v, beta])),
      bySecondDifference(b, beta, (v) => at(b, self(), [x, n, alpha, v])),
    ],
    ofSum,
  );
/** Derivatives by a and b; their own are by differences. */
export const betaBinomialSumSlopeA: Primitive<null> = ofSumSlope("betaBinomialSumSlopeA", () => betaBinomialSumSlopeA);
export const betaBinomialSumSlopeB: Primitive<null> = ofSumSlope("betaBinomialSumSlopeB", () => betaBinomialSumSlopeB);
/** log P(X <= x) / P(X = x) of a beta-binomial X with N trials, of integers x and N and of a and b */
export const betaBinomialSum = iterative(
  "betaBinomialSum",
  COST,
  (b, xs) => [null, null, at(b, betaBinomialSumSlopeA, xs), at(b, betaBinomialSumSlopeB, xs)],
  ofSum,
);
