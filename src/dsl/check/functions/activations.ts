// Activations of networks, which are functions like others.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { anyNumber, nonnegative, type Range, range, undeclared, unit } from "../../ranges.ts";
import type { BuiltIn } from "./define.ts";
import { map } from "./one-argument.ts";

const inf = Number.POSITIVE_INFINITY;
/** Klambauer, Unterthiner, Mayr and Hochreiter 2017, "Self-normalizing neural networks", appendix: the fixed point at mean 0, variance 1. */
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;
/** Least values, to which the functions do not quite come down. */
const GELU_LEAST = -0.1699712;
const SILU_LEAST = -0.2784646;
const MISH_LEAST = -0.3088439;

/** above where x > 0, else below, of which the arm that is not taken sees no x that it overflows on. */
const sides = (b: Builder, x: Value, above: (x: Value) => Value, below: (x: Value) => Value): Value => {
  const zero = b.constant(0);
  return b.select(b.gt(x, zero), above(x), below(b.min(x, zero)));
};
/** Of functions that are x or nearly so above 0 and not below `least` elsewhere. */
const from =
  (least: number) =>
  (x: Range): Range =>
    x.lower >= 0 ? nonnegative : range(least, inf);

export const activations: readonly BuiltIn[] = [
  map("relu", "x where it is positive, else 0.", (b, x) => b.max(x, b.constant(0)), {
    range: (x) => (x.lower >= 0 ? undeclared(x) : nonnegative),
    rectifies: true,
  }),
  map("relu6", "x between 0 and 6, else the nearer of them.", (b, x) => b.min(b.max(x, b.constant(0)), b.constant(6)), {
    range: () => range(0, 6),
    rectifies: true,
  }),
  map(
    "leaky_relu",
    "x where it is positive, else 0.01 x.",
    (b, x) =>
      sides(
        b,
        x,
        (y) => y,
        (y) => b.mul(b.constant(0.01), y),
      ),
    {
      range: (x) => (x.lower >= 0 ? nonnegative : anyNumber),
      rectifies: true,
    },
  ),
  // Clevert, Unterthiner and Hochreiter 2016, "Fast and accurate deep network learning by exponential linear units", eq. 15
  map(
    "elu",
    "x where it is positive, else exp(x) - 1.",
    (b, x) =>
      sides(
        b,
        x,
        (y) => y,
        (y) => b.expm1(y),
      ),
    {
      range: from(-1),
      rectifies: true,
    },
  ),
  map(
    "selu",
    "elu with the slopes that keep mean 0 and variance 1: 1.0507 x where x is positive, else 1.7581 (exp(x) - 1).",
    (b, x) =>
      b.mul(
        b.constant(SELU_SCALE),
        sides(
          b,
          x,
          (y) => y,
          (y) => b.mul(b.constant(SELU_ALPHA), b.expm1(y)),
        ),
      ),
    { range: from(-SELU_SCALE * SELU_ALPHA) },
  ),
  // Hendrycks and Gimpel 2016, "Gaussian error linear units", eq. 1; not the approximation by tanh.
  map("gelu", "x Phi(x).", (b, x) => b.mul(x, b.mul(b.constant(0.5), b.erfc(b.mul(x, b.constant(-Math.SQRT1_2))))), {
    range: from(GELU_LEAST),
    rectifies: true,
  }),
  // Elfwing, Uchibe and Doya 2018; Ramachandran, Zoph and Le 2017, who call it swish
  map("silu", "x sigmoid(x).", (b, x) => b.mul(x, b.sigmoid(x)), {
    aliases: ["swish"],
    range: from(SILU_LEAST),
    rectifies: true,
  }),
  // Misra 2019, "Mish: a self regularized non-monotonic activation function", eq. 1
  map("mish", "x tanh(softplus(x)).", (b, x) => b.mul(x, b.tanh(b.softplus(x))), { range: from(MISH_LEAST), rectifies: true }),
  map("softsign", "x / (1 + |x|).", (b, x) => b.div(x, b.add(b.constant(1), b.abs(x))), { range: () => range(-1, 1) }),
  map("hard_tanh", "x between -1 and 1, else the nearer of them.", (b, x) => b.min(b.max(x, b.constant(-1)), b.constant(1)), {
    range: () => range(-1, 1),
  }),
  map(
    "hard_sigmoid",
    "x / 6 + 1/2 between 0 and 1, else the nearer of them.",
    (b, x) => b.min(b.max(b.add(b.mul(x, b.constant(1 / 6)), b.constant(0.5)), b.constant(0)), b.constant(1)),
    { range: () => unit },
  ),
];
