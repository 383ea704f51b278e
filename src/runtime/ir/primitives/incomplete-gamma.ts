// The incomplete gamma functions in logarithms, with the kernel, derivatives by the shape, rates, quantiles and draws.
import type { IterativeFunction } from "../../wasm/vector-emitter.ts";
import type { Builder, Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { at, bySecondDifference, COST, HALF_LOG_TWO_PI, iterative } from "./iterative.ts";
import { edgePairs, probe, singular, vector } from "./pointwise.ts";

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
  probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.17, 0.52, 0.97)),
  singular(vector(0.3, 2.5, 1.5, 1.5, -2, none), vector(0, 1, -0.5, none, 0.3, 0.4)),
  edgePairs,
];

/** log x - ψ(a), the derivative of log(x^a e^-x / Γ(a)) by a */
const score = (b: Builder, a: Value, x: Value): Value => b.sub(b.log(x), b.digamma(a));

/** log(x^a e^-x / Γ(a)) */
export const gammaKernel = iterative(
  "gammaKernel",
  150,
  (b, [a, x]) => [score(b, a, x), b.sub(b.div(a, x), b.constant(1))],
  ofGamma,
);

interface GammaTail {
  readonly log: Primitive<null>;
  readonly rate: Primitive<null>;
  readonly slope: Primitive<null>;
  readonly bend: Primitive<null>;
}
/** log F(a, x) of F = P or Q; its rate h = |d log F/dx| = x^(a-1) e^-x / (Γ(a) F); its first and second derivatives S and B by a. Then
 *  dh/da = h (log x - ψ(a) - S), dh/dx = h ((a - 1)/x - 1 ∓ h), dB/dx = ±h ((log x - ψ(a) - S)² - ψ'(a) - B). */
function gammaTail(side: "P" | "Q"): GammaTail {
  const signed = (b: Builder, v: Value): Value => (side === "P" ? v : b.neg(v));
  const bend: Primitive<null> = iterative(
    `logGamma${side}Bend`,
    COST,
    (b, xs, y) => {
      const [a, x] = xs;
      const excess = b.sub(score(b, a, x), at(b, slope, xs));
      const inner = b.sub(b.sub(b.square(excess), b.trigamma(a)), y);
      return [bySecondDifference(b, a, (v) => at(b, bend, [v, x])), signed(b, b.mul(at(b, rate, xs), inner))];
    },
    ofGamma,
    true,
  );
  const slope: Primitive<null> = iterative(
    `logGamma${side}Slope`,
    COST,
    (b, xs, y) => [at(b, bend, xs), signed(b, b.mul(at(b, rate, xs), b.sub(score(b, xs[0], xs[1]), y)))],
    ofGamma,
  );
  const rate: Primitive<null> = iterative(
    `logGamma${side}Rate`,
    COST,
    (b, xs, h) => {
      const [a, x] = xs;
      const drift = b.sub(b.div(b.sub(a, b.constant(1)), x), b.constant(1));
      return [b.mul(h, b.sub(score(b, a, x), at(b, slope, xs))), b.mul(h, b.sub(drift, signed(b, h)))];
    },
    ofGamma,
  );
  const log: Primitive<null> = iterative(
    `logGamma${side}`,
    COST,
    (b, xs) => [at(b, slope, xs), signed(b, at(b, rate, xs))],
    ofGamma,
  );
  return { log, rate, slope, bend };
}
const [tailP, tailQ] = [gammaTail("P"), gammaTail("Q")];
/** log P(a, x) and log Q(a, x), regularised incomplete gamma functions; a > 0, x >= 0 */
export const logGammaP = tailP.log;
export const logGammaQ = tailQ.log;
/** |d log P/dx| and |d log Q/dx| */
export const logGammaPRate = tailP.rate;
export const logGammaQRate = tailQ.rate;
/** Their first and second derivatives by a. */
export const logGammaPSlope = tailP.slope;
export const logGammaQSlope = tailQ.slope;
export const logGammaPBend = tailP.bend;
export const logGammaQBend = tailQ.bend;

/** d log F = S da ± h dx: dx/da = ∓S/h, dx/dp = ±1/(p h), by the implicit function theorem. */
const gammaQuantileOf = (name: IterativeFunction, { rate, slope }: GammaTail, side: "P" | "Q"): Primitive<null> =>
  iterative(
    name,
    8 * COST,
    (b, [a, p], x) => {
      const h = at(b, rate, [a, x]);
      const byShape = b.div(at(b, slope, [a, x]), h);
      const byP = b.reciprocal(b.mul(p, h));
      return side === "P" ? [b.neg(byShape), byP] : [byShape, b.neg(byP)];
    },
    ofGammaQuantile,
  );
/** x with P(a, x) = p, and with Q(a, x) = q */
export const gammaQuantile = gammaQuantileOf("gammaQuantile", tailP, "P");
export const gammaUpperQuantile = gammaQuantileOf("gammaUpperQuantile", tailQ, "Q");

/** Below it x is nothing beside 1, and P = x^a / Γ(a + 1), d log P/da = log x - ψ(a + 1): linear in log x, which may be beyond all numbers' logs. */
const LEAST_LOG = -80;
/** log x with P(a, x) = Φ(z): a gamma draw of shape a as a function of a standard normal. Its derivative by a is the implicit one, -(∂P/∂a)/f
 *  (Figurnov, Mohamed and Mnih 2018, "Implicit reparameterization gradients"). */
export const logGammaDraw = iterative(
  "logGammaDraw",
  5 * COST,
  (b, [a, z], s) => {
    const reached = b.max(s, b.constant(LEAST_LOG));
    const x = b.exp(reached);
    const share = b.reciprocal(b.mul(x, at(b, logGammaPRate, [a, x])));
    const slope = b.add(at(b, logGammaPSlope, [a, x]), b.sub(s, reached));
    const logDensity = b.sub(b.mul(b.constant(-0.5), b.square(z)), b.constant(HALF_LOG_TWO_PI));
    return [b.neg(b.mul(share, slope)), b.mul(share, b.exp(b.sub(logDensity, b.logNormalCdf(z))))];
  },
  [
    probe(vector(0.02, 0.4, 0.8, 3.5, 12.5, 250.5), vector(-0.7, 1.1, -2.3, 0.6, -0.2, 1.7)),
    probe({ type: { shape: [], dtype: "real" }, values: [2.6] }, vector(0.17, -0.52, 2.9)),
    singular(vector(1.5, -2, none), vector(none, 0.3, 0.4)),
  ],
);
