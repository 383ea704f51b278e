// The modified Bessel function I_v in logarithms, with its derivatives by argument and order.
import type { Primitive, Probe } from "../primitive.ts";
import { at, bySecondDifference, COST, iterative } from "./iterative.ts";
import { probe, singular, vector } from "./pointwise.ts";

const { POSITIVE_INFINITY: inf, NaN: none } = Number;
const ofBessel: readonly Probe<null>[] = [
  probe(vector(-0.4, 0.3, 2.5, 7.7, 8.3, 0.4, 35.2, 19.5, 60.3), vector(0.7, 3.1, 12.5, 36.4, 41.2, 55.3, 15.4, 37.2, 2.2)),
  probe({ type: { shape: [], dtype: "real" }, values: [0.6] }, { type: { shape: [2, 1], dtype: "real" }, values: [2.6, 71.4] }),
  singular(vector(-1, 0.5, none, 1.5, 2.1, inf), vector(0.3, inf, 1.5, none, -0.4, 0.4)),
];

/** q = I_{v+1}(x) / (x I_v(x)), smooth at 0. log q's slope by x is that of h at v + 1 less that at v, x (q(v + 1) - q(v)). */
export const besselIQuotient: Primitive<null> = iterative(
  "besselIQuotient",
  COST,
  (b, [v, x], q) => {
    const next = b.add(v, b.constant(1));
    const bySteps = b.sub(at(b, logBesselISlope, [next, x]), at(b, logBesselISlope, [v, x]));
    return [b.mul(q, b.sub(bySteps, b.reciprocal(next))), b.mul(q, b.mul(x, b.sub(at(b, besselIQuotient, [next, x]), q)))];
  },
  ofBessel,
);
/** ∂h/∂v. */
export const logBesselISlope: Primitive<null> = iterative(
  "logBesselISlope",
  COST,
  (b, [v, x], slope) => {
    const one = b.constant(1);
    const next = b.add(v, one);
    const bySteps = b.sub(b.sub(at(b, logBesselISlope, [next, x]), slope), b.reciprocal(next));
    return [
      bySecondDifference(b, next, (w) => at(b, logBesselISlope, [b.sub(w, one), x])),
      b.mul(b.mul(x, at(b, besselIQuotient, [v, x])), bySteps),
    ];
  },
  ofBessel,
  true,
);
/** h(v, x) = log(Γ(v + 1) (2/x)^v e^-x I_v(x)), v > -1, x >= 0: 0 at x = 0. */
export const logBesselI: Primitive<null> = iterative(
  "logBesselI",
  COST,
  (b, [v, x]) => [at(b, logBesselISlope, [v, x]), b.sub(b.mul(x, at(b, besselIQuotient, [v, x])), b.constant(1))],
  ofBessel,
);
