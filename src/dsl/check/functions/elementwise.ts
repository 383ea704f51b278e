// Built-in functions that act element by element.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { dtypeOf } from "../../../runtime/ir/graph.ts";
import { ofOdds } from "../../distributions/tails.ts";
import {
  absoluteOf,
  anyNumber,
  hull,
  negated,
  negative,
  nonnegative,
  nonpositive,
  positive,
  type Range,
  range,
  reciprocalOf,
  squareOf,
  unit,
} from "../../ranges.ts";
import { describeShape, joinShapes, type SymbolicShape, type ValueType, widerDtype } from "../value-type.ts";
import {
  any,
  asNumber,
  asReal,
  type BuiltIn,
  elementRange,
  type FunctionParameter,
  type Misfit,
  type ResultType,
} from "./define.ts";
import { map, type OneToOne } from "./one-argument.ts";

/** Joined shape of elementwise arguments, or why there is none. */
export function joined(args: readonly ValueType[], what: string): { readonly shape: SymbolicShape | undefined } | Misfit {
  let shape: SymbolicShape | undefined = [];
  for (let i = 0; i < args.length; i++) {
    const next = joinShapes(shape, args[i].shape);
    if (next === "misfit") {
      return {
        misfit: `${what} is given ${describeShape(shape ?? [])} and ${describeShape(args[i].shape ?? [])}`,
        label: "must have equal shapes, or one of them be a number",
        argument: i,
      };
    }
    if (next === undefined && args.some((a) => a.shape === undefined)) return { shape: undefined };
    shape = next;
  }
  return { shape };
}
interface Several {
  readonly aliases?: readonly string[];
  readonly range?: (args: readonly Range[]) => Range;
  readonly dtype?: (args: readonly ValueType[]) => ResultType["dtype"];
  readonly integers?: boolean;
}
/** A function of several arguments whose shapes join. */
export function zip(
  name: string,
  names: readonly string[],
  doc: string,
  lower: (b: Builder, args: readonly Value[]) => Value,
  facts: Several = {},
): BuiltIn {
  const keepsIntegers = facts.dtype !== undefined;
  return {
    name,
    aliases: facts.aliases,
    doc,
    parameters: names.map(
      (n): FunctionParameter => ({ name: n, kind: "any", ...(facts.integers ? { integers: true as const } : {}) }),
    ),
    result: (args) => {
      const join = joined(args, name);
      if ("misfit" in join) return join;
      return { dtype: facts.dtype?.(args) ?? "real", shape: join.shape, range: facts.range?.(args.map(elementRange)) };
    },
    lower: (b, args) =>
      lower(
        b,
        args.map((a) => (keepsIntegers ? asNumber(b, a) : asReal(b, a))),
      ),
  };
}
const widest = (args: readonly ValueType[]): ResultType["dtype"] => {
  const dtype = args.map((a) => a.dtype).reduce(widerDtype);
  return dtype === "bool" ? "int" : dtype;
};
const isInt = (v: Value): boolean => dtypeOf(v) !== "real";
/** One dtype for operations that keep integers. */
const together = (b: Builder, x: Value, y: Value): readonly [Value, Value] =>
  isInt(x) && isInt(y) ? [x, y] : [asReal(b, x), asReal(b, y)];
/** Increasing functions take ends to ends; the values at infinite ends are given. */
const increasing =
  (f: (x: number) => number) =>
  (r: Range): Range =>
    range(f(r.lower), f(r.upper), { lower: r.lowerOpen, upper: r.upperOpen });
/** An integer-valued function of one argument; ints stay what they are. */
function rounding(name: string, doc: string, lower: OneToOne, f: (x: number) => number): BuiltIn {
  return {
    name,
    doc,
    parameters: [any("x")],
    result: ([x]) => ({
      dtype: "real",
      shape: x.shape,
      range: { ...increasing(f)(elementRange(x)), lowerOpen: false, upperOpen: false },
    }),
    lower: (b, [x]) => lower(b, asReal(b, x)),
  };
}
/** The least value is the least of either; the greatest is attained only where both attain it. */
function smallerOf(x: Range, y: Range): Range {
  const least = hull(x, y);
  const greatest = x.upper === y.upper ? x.upperOpen || y.upperOpen : (x.upper < y.upper ? x : y).upperOpen;
  return range(least.lower, Math.min(x.upper, y.upper), { lower: least.lowerOpen, upper: greatest });
}
const symmetricUnit = range(-1, 1);
const openUnit = range(0, 1, { lower: true, upper: true });
const ln2 = Math.LN2;
const ln10 = Math.LN10;
const halfRoot = Math.SQRT1_2;

const logChoose = (b: Builder, n: Value, k: Value): Value => {
  const one = b.constant(1);
  return b.sub(b.lgamma(b.add(n, one)), b.add(b.lgamma(b.add(k, one)), b.lgamma(b.add(b.sub(n, k), one))));
};
const logBeta = (b: Builder, x: Value, y: Value): Value => b.sub(b.add(b.lgamma(x), b.lgamma(y)), b.lgamma(b.add(x, y)));
const logistic: OneToOne = (b, x) => b.sigmoid(x);

const all: readonly BuiltIn[] = [
  map("exp", "e to the power x.", (b, x) => b.exp(x), { range: () => positive }),
  map("expm1", "exp(x) - 1, accurate near 0.", (b, x) => b.expm1(x), {
    range: (x) => (x.lower >= 0 ? nonnegative : range(-1, Number.POSITIVE_INFINITY)),
  }),
  map("exp2", "2 to the power x.", (b, x) => b.exp(b.mul(x, b.constant(ln2))), { range: () => positive }),
  map("log", "The natural logarithm.", (b, x) => b.log(x), {
    domain: nonnegative,
    range: (x) => (x.lower >= 1 ? nonnegative : x.upper <= 1 ? nonpositive : anyNumber),
  }),
  map("log2", "The logarithm to base 2.", (b, x) => b.div(b.log(x), b.constant(ln2)), { domain: nonnegative }),
  map("log10", "The logarithm to base 10.", (b, x) => b.div(b.log(x), b.constant(ln10)), { domain: nonnegative }),
  map("log1p", "log(1 + x), accurate near 0.", (b, x) => b.log1p(x), {
    domain: range(-1, Number.POSITIVE_INFINITY),
    range: (x) => (x.lower >= 0 ? nonnegative : anyNumber),
  }),
  map("log1m", "log(1 - x), accurate near 0.", (b, x) => b.log1p(b.neg(x)), {
    domain: range(Number.NEGATIVE_INFINITY, 1),
    range: (x) => (x.lower >= 0 ? nonpositive : anyNumber),
  }),
  map("log1m_exp", "log(1 - exp(x)) for x < 0.", (b, x) => b.log1mExp(x), {
    aliases: ["log1mexp"],
    domain: nonpositive,
    range: () => nonpositive,
  }),
  map("sqrt", "The square root.", (b, x) => b.sqrt(x), {
    domain: nonnegative,
    range: (x) => (x.lower > 0 || (x.lower === 0 && x.lowerOpen) ? positive : nonnegative),
  }),
  map("inv_sqrt", "1 / sqrt(x).", (b, x) => b.reciprocal(b.sqrt(x)), { domain: nonnegative, range: () => positive }),
  map("inv", "1 / x.", (b, x) => b.reciprocal(x), { range: reciprocalOf }),
  map("square", "x * x.", (b, x) => b.square(x), { range: squareOf }),
  map("sin", "The sine.", (b, x) => b.sin(x), { range: () => symmetricUnit }),
  map("cos", "The cosine.", (b, x) => b.cos(x), { range: () => symmetricUnit }),
  map("tan", "The tangent.", (b, x) => b.tan(x)),
  map("asin", "The arc sine.", (b, x) => b.asin(x), {
    domain: symmetricUnit,
    range: () => range(-1.5707963267948966, 1.5707963267948966),
  }),
  map("acos", "The arc cosine.", (b, x) => b.acos(x), { domain: symmetricUnit, range: () => range(0, Math.PI) }),
  map("atan", "The arc tangent.", (b, x) => b.atan(x), { range: () => range(-1.5707963267948966, 1.5707963267948966) }),
  map("sinh", "The hyperbolic sine.", (b, x) => b.sinh(x)),
  map("cosh", "The hyperbolic cosine.", (b, x) => b.cosh(x), { range: () => range(1, Number.POSITIVE_INFINITY) }),
  map("tanh", "The hyperbolic tangent.", (b, x) => b.tanh(x), { range: () => symmetricUnit }),
  map("inv_logit", "1 / (1 + exp(-x)).", logistic, { aliases: ["sigmoid", "logistic"], range: () => openUnit }),
  map("logit", "log(x / (1 - x)).", (b, x) => b.sub(b.log(x), b.log1p(b.neg(x))), { domain: unit }),
  map("log_inv_logit", "log(inv_logit(x)).", (b, x) => b.neg(b.softplus(b.neg(x))), {
    aliases: ["log_sigmoid"],
    range: () => negative,
  }),
  map("log1m_inv_logit", "log(1 - inv_logit(x)).", (b, x) => b.neg(b.softplus(x)), { range: () => negative }),
  map("inv_cloglog", "1 - exp(-exp(x)).", (b, x) => b.neg(b.expm1(b.neg(b.exp(x)))), { range: () => openUnit }),
  map("softplus", "log(1 + exp(x)).", (b, x) => b.softplus(x), { aliases: ["log1p_exp"], range: () => positive }),
  map("lgamma", "The logarithm of |Γ(x)|.", (b, x) => b.lgamma(x)),
  map("gamma", "Γ(x) for x > 0.", (b, x) => b.exp(b.lgamma(x)), { aliases: ["tgamma"], domain: positive, range: () => positive }),
  map("digamma", "The derivative of lgamma.", (b, x) => b.digamma(x)),
  map("trigamma", "The second derivative of lgamma.", (b, x) => b.trigamma(x), {
    range: (x) => (x.lower >= 0 ? positive : anyNumber),
  }),
  map("lfactorial", "log(x!).", (b, x) => b.lgamma(b.add(x, b.constant(1)))),
  map("erf", "The error function.", (b, x) => b.erf(x), { range: () => symmetricUnit }),
  map("erfc", "1 - erf(x), accurate for large x.", (b, x) => b.erfc(x), { range: () => range(0, 2) }),
  map(
    "Phi",
    "The standard normal distribution function.",
    (b, x) => b.mul(b.constant(0.5), b.erfc(b.mul(x, b.constant(-halfRoot)))),
    { aliases: ["Φ"], range: () => unit },
  ),
  // Bowling, Khasawneh, Kaewkuekool & Cho 2009, "A logistic approximation to the cumulative normal distribution"
  map(
    "Phi_approx",
    "inv_logit(0.07056 x^3 + 1.5976 x), close to Phi(x).",
    (b, x) => b.sigmoid(b.mul(x, b.add(b.constant(1.5976), b.mul(b.constant(0.07056), b.square(x))))),
    { range: () => openUnit },
  ),
  map("log_Phi", "log(Phi(x)), accurate in both tails.", (b, x) => b.logNormalCdf(x), { range: () => nonpositive }),
  map("inv_Phi", "The standard normal quantile function.", (b, x) => b.normalQuantile(x), {
    aliases: ["std_normal_qf"],
    domain: unit,
  }),
  map("logistic_density", "inv_logit(x) (1 - inv_logit(x)).", (b, x) => b.mul(b.sigmoid(x), b.sigmoid(b.neg(x))), {
    range: () => range(0, 0.25),
  }),
  rounding("floor", "The largest integer not above x.", (b, x) => b.floor(x), Math.floor),
  rounding("ceil", "The smallest integer not below x.", (b, x) => b.ceil(x), Math.ceil),
  rounding("round", "The nearest integer.", (b, x) => b.round(x), Math.round),
  rounding("trunc", "x without its fraction.", (b, x) => b.trunc(x), Math.trunc),
  {
    name: "abs",
    doc: "The absolute value.",
    parameters: [any("x")],
    result: ([x]) => ({ dtype: x.dtype === "real" ? "real" : "int", shape: x.shape, range: absoluteOf(elementRange(x)) }),
    lower: (b, [x]) => b.abs(asNumber(b, x)),
  },
  {
    name: "sign",
    doc: "-1, 0 or 1.",
    parameters: [any("x")],
    result: ([x]) => ({ dtype: x.dtype === "real" ? "real" : "int", shape: x.shape, range: symmetricUnit }),
    lower: (b, [x]) => b.sign(asNumber(b, x)),
  },
  {
    name: "is_nan",
    doc: "1 where x is NaN.",
    parameters: [any("x")],
    result: ([x]) => ({ dtype: "bool", shape: x.shape, range: unit }),
    lower: (b, [x]) => b.ne(x, x),
  },
  {
    name: "is_inf",
    doc: "1 where x is infinite.",
    parameters: [any("x")],
    result: ([x]) => ({ dtype: "bool", shape: x.shape, range: unit }),
    lower: (b, [x]) => b.eq(b.abs(asReal(b, x)), b.constant(Number.POSITIVE_INFINITY)),
  },
  zip("pow", ["x", "y"], "x to the power y, as x ^ y.", (b, [x, y]) => b.pow(x, y), {
    range: ([x]) => (x.lower > 0 || (x.lower === 0 && x.lowerOpen) ? positive : x.lower >= 0 ? nonnegative : anyNumber),
  }),
  zip("atan2", ["y", "x"], "The angle of the point (x, y).", (b, [y, x]) => b.atan2(y, x), {
    range: () => range(-Math.PI, Math.PI),
  }),
  zip("hypot", ["x", "y"], "sqrt(x^2 + y^2).", (b, [x, y]) => b.sqrt(b.add(b.square(x), b.square(y))), {
    range: () => nonnegative,
  }),
  zip("fmod", ["x", "y"], "The remainder of x / y, with the sign of y.", (b, [x, y]) => b.mod(x, y)),
  zip("min", ["x", "y"], "The smaller of two.", (b, [x, y]) => b.min(...together(b, x, y)), {
    dtype: widest,
    aliases: ["fmin"],
    range: ([x, y]) => smallerOf(x, y),
  }),
  zip("max", ["x", "y"], "The larger of two.", (b, [x, y]) => b.max(...together(b, x, y)), {
    dtype: widest,
    aliases: ["fmax"],
    range: ([x, y]) => negated(smallerOf(negated(x), negated(y))),
  }),
  zip("clamp", ["x", "lower", "upper"], "x, or the bound that it lies beyond.", (b, [x, lo, hi]) => b.min(b.max(x, lo), hi), {
    range: ([, lo, hi]) => hull(lo, hi),
  }),
  zip("div", ["a", "b"], "Integer division, towards 0.", (b, [x, y]) => b.idiv(x, y), {
    integers: true,
    dtype: () => "int",
    range: ([x, y]) => (x.lower >= 0 && y.lower >= 0 ? range(0, x.upper) : anyNumber),
  }),
  zip("mod", ["a", "b"], "Remainder of integer division, with the sign of a.", (b, [x, y]) => b.imod(x, y), {
    integers: true,
    dtype: () => "int",
    range: ([x, y]) => (x.lower >= 0 && y.lower >= 0 ? range(0, y.upper) : anyNumber),
  }),
  zip("xlogy", ["x", "y"], "x log(y), 0 where x is 0.", (b, [x, y]) => b.xlogy(x, y), { aliases: ["multiply_log", "lmultiply"] }),
  zip("xlog1py", ["x", "y"], "x log(1 + y), 0 where x is 0.", (b, [x, y]) => b.xlog1py(x, y)),
  zip("logaddexp", ["a", "b"], "log(exp(a) + exp(b)).", (b, [x, y]) => b.logAddExp(x, y), {
    aliases: ["log_sum_exp", "logsumexp"],
  }),
  zip("log_diff_exp", ["a", "b"], "log(exp(a) - exp(b)) for a > b.", (b, [x, y]) => b.add(x, b.log1mExp(b.sub(y, x)))),
  zip("log_mix", ["p", "a", "b"], "log(p exp(a) + (1 - p) exp(b)).", (b, [p, x, y]) =>
    b.logAddExp(b.add(b.log(p), x), b.add(b.log1p(b.neg(p)), y)),
  ),
  zip("lbeta", ["a", "b"], "The logarithm of the beta function.", (b, [x, y]) => logBeta(b, x, y)),
  zip("beta", ["a", "b"], "The beta function.", (b, [x, y]) => b.exp(logBeta(b, x, y)), { range: () => positive }),
  zip("gamma_p", ["a", "x"], "The regularised lower incomplete gamma function.", (b, [a, x]) => b.exp(b.logGammaP(a, x)), {
    range: () => unit,
  }),
  zip("gamma_q", ["a", "x"], "1 - gamma_p(a, x), accurate where it is small.", (b, [a, x]) => b.exp(b.logGammaQ(a, x)), {
    range: () => unit,
  }),
  zip(
    "inc_beta",
    ["a", "b", "x"],
    "The regularised incomplete beta function.",
    (b, [p, q, x]) => b.exp(b.logBetaI(p, q, b.div(x, b.sub(b.constant(1), x)))),
    { range: () => unit },
  ),
  zip(
    "inv_inc_beta",
    ["a", "b", "p"],
    "The x with inc_beta(a, b, x) = p.",
    (b, [p, q, u]) => ofOdds(b, b.betaQuantile(p, q, u)),
    { range: () => unit },
  ),
  zip("lchoose", ["n", "k"], "The logarithm of the binomial coefficient.", (b, [n, k]) => logChoose(b, n, k), {
    aliases: ["binomial_coefficient_log"],
  }),
  zip("choose", ["n", "k"], "The binomial coefficient, as a real number.", (b, [n, k]) => b.round(b.exp(logChoose(b, n, k))), {
    range: () => nonnegative,
  }),
];

export const elementwise: readonly BuiltIn[] = all.map((f) => ({ ...f, elementwise: true }));
