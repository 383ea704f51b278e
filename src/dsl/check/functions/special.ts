// Built-in functions that act element by element: inverse hyperbolic ones, factorials of real numbers, Bessel functions.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { logRising } from "../../distributions/rising.ts";
import { LOG_2 } from "../../distributions/standardise.ts";
import { anyNumber, nonnegative, positive, range } from "../../ranges.ts";
import { any, type BuiltIn } from "./define.ts";
import { zip } from "./elementwise.ts";
import { map, type OneToOne } from "./one-argument.ts";

/** f(|x|) with the sign of x; f is increasing from f(0) = 0. At 0 the derivative is that from above, which |x| would not give. */
const odd =
  (f: OneToOne): OneToOne =>
  (b, x) => {
    const isNegative = b.lt(x, b.constant(0));
    const y = f(b, b.select(isNegative, b.neg(x), x));
    return b.select(isNegative, b.neg(y), y);
  };
/** Beyond it √(1 + x²) is x. */
const LARGE = 1e9;
/** log(x + √(1 + x²)) = log1p(x + x² / (1 + √(1 + x²))), x >= 0 */
const asinh: OneToOne = (b, x) => {
  const one = b.constant(1);
  const isLarge = b.gt(x, b.constant(LARGE));
  const moderate = b.select(isLarge, one, x);
  const root = b.sqrt(b.add(one, b.square(moderate)));
  const small = b.log1p(b.add(moderate, b.div(b.square(moderate), b.add(one, root))));
  return b.select(isLarge, b.add(b.log(b.select(isLarge, x, one)), b.constant(LOG_2)), small);
};
/** With t = x - 1: log1p(t + √t √(t + 2)) */
const acosh: OneToOne = (b, x) => {
  const t = b.sub(x, b.constant(1));
  return b.log1p(b.add(t, b.mul(b.sqrt(t), b.sqrt(b.add(t, b.constant(2))))));
};
const atanh: OneToOne = (b, x) => b.mul(b.constant(0.5), b.sub(b.log1p(x), b.log1p(b.neg(x))));

/** log I_v(z) = h(v, z) + z + v log(z / 2) - log Γ(v + 1) */
const logBesselI = (b: Builder, v: Value, z: Value): Value => {
  const power = b.sub(b.xlogy(v, b.mul(b.constant(0.5), z)), b.lgamma(b.add(v, b.constant(1))));
  return b.add(b.add(b.logBesselI(v, z), z), power);
};
/** I_v(z); at 0, where its logarithm is infinite with all slopes, 1, 0 or infinite. */
const besselI = (b: Builder, v: Value, z: Value): Value => {
  const [zero, one] = [b.constant(0), b.constant(1)];
  const isPositive = b.gt(z, zero);
  const found = b.exp(logBesselI(b, v, b.select(isPositive, z, one)));
  const atZero = b.select(b.lt(v, zero), b.constant(Number.POSITIVE_INFINITY), b.select(b.eq(v, zero), one, zero));
  return b.select(isPositive, found, atZero);
};
/** log Γ(x + 1) - log Γ(x - n + 1) */
const logFalling = (b: Builder, x: Value, n: Value): Value => logRising(b, b.add(b.sub(x, n), b.constant(1)), n);

const orders = [any("v", range(-1, Number.POSITIVE_INFINITY)), any("z", nonnegative)];
const steps = [any("x"), any("n", nonnegative)];
const all: readonly BuiltIn[] = [
  map("asinh", "The inverse of sinh.", odd(asinh)),
  map("acosh", "The inverse of cosh.", acosh, {
    domain: range(1, Number.POSITIVE_INFINITY),
    range: (x) => (x.lower >= 1 ? nonnegative : anyNumber),
  }),
  map("atanh", "The inverse of tanh.", atanh, { domain: range(-1, 1) }),
  map(
    "cbrt",
    "The cube root.",
    odd((b, x) => b.pow(x, b.constant(1 / 3))),
  ),
  map("inv_square", "1 / x^2.", (b, x) => b.reciprocal(b.square(x)), { range: () => positive }),
  map(
    "inv_erfc",
    "The x with erfc(x) = y.",
    (b, y) => b.mul(b.constant(-Math.SQRT1_2), b.normalQuantile(b.mul(b.constant(0.5), y))),
    { domain: range(0, 2) },
  ),
  zip("fdim", ["x", "y"], "max(x - y, 0).", (b, [x, y]) => b.max(b.sub(x, y), b.constant(0)), { range: () => nonnegative }),
  zip("log_inv_logit_diff", ["x", "y"], "log(inv_logit(x) - inv_logit(y)) for x > y.", (b, [x, y]) =>
    b.sub(b.add(x, b.log1mExp(b.sub(y, x))), b.add(b.softplus(x), b.softplus(y))),
  ),
  {
    ...zip(
      "log_rising_factorial",
      ["x", "n"],
      "log of x (x + 1) … (x + n - 1) = Γ(x + n) / Γ(x), for real x > 0 and n >= 0.",
      (b, [x, n]) => logRising(b, x, n),
    ),
    parameters: [any("x", positive), steps[1]],
  },
  {
    ...zip("rising_factorial", ["x", "n"], "x (x + 1) … (x + n - 1), for real x > 0 and n >= 0.", (b, [x, n]) =>
      b.exp(logRising(b, x, n)),
    ),
    parameters: [any("x", positive), steps[1]],
  },
  {
    ...zip(
      "log_falling_factorial",
      ["x", "n"],
      "log of x (x - 1) … (x - n + 1) = Γ(x + 1) / Γ(x - n + 1), for real x > n - 1.",
      (b, [x, n]) => logFalling(b, x, n),
    ),
    parameters: steps,
  },
  {
    ...zip("falling_factorial", ["x", "n"], "x (x - 1) … (x - n + 1), for real x > n - 1.", (b, [x, n]) =>
      b.exp(logFalling(b, x, n)),
    ),
    parameters: steps,
  },
  {
    ...zip(
      "log_modified_bessel_first_kind",
      ["v", "z"],
      "log I_v(z), I_v the modified Bessel function of the first kind, v > -1 and z >= 0 real.",
      (b, [v, z]) => logBesselI(b, v, z),
    ),
    parameters: orders,
  },
  {
    ...zip("modified_bessel_first_kind", ["v", "z"], "I_v(z).", (b, [v, z]) => besselI(b, v, z), {
      range: () => nonnegative,
    }),
    parameters: orders,
  },
];
export const special: readonly BuiltIn[] = all.map((f) => ({ ...f, elementwise: true }));
