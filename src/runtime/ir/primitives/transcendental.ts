// Exponentials, logarithms, powers and the trigonometric family, with the stable forms of log-domain arithmetic.
import * as host from "../../numeric/math.ts";
import { cosh as emitCosh, sinh as emitSinh } from "../../wasm/mathlib/hyperbolic.ts";
import type { MathFunction, VectorEmitter, VectorValue } from "../../wasm/vector-emitter.ts";
import type { Builder, Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { binaryProbes, edgePairs, pointwise, probe, singular, unaryProbes, vector } from "./pointwise.ts";
import { binaryReals, libraryKernel, written } from "./tensor-rules.ts";

const LOG_2 = Math.LN2;
const { POSITIVE_INFINITY: inf } = Number;

/** A function of the math library: `derivative` of y = f(x) as a value. */
export function libraryFunction(
  name: MathFunction,
  f: (x: number) => number,
  cost: number,
  values: readonly number[],
  gradient: (b: Builder, ct: Value, x: Value, y: Value) => Value,
): Primitive<null> {
  return pointwise({
    name,
    host: f,
    emit: (w, x) => w.call(name, x),
    tfjs: libraryKernel(name),
    gradient: (b, ct, [x], y) => [gradient(b, ct, x, y)],
    cost,
    probes: unaryProbes(...values),
  });
}

export const exp = libraryFunction("exp", host.exp, 12, [-30.5, -1.3, -0.2, 0.4, 2.1, 9.7], (b, ct, _x, y) => b.mul(ct, y));
/** d expm1 x = e^x = expm1 x + 1 */
export const expm1 = libraryFunction("expm1", host.expm1, 16, [-30.5, -1.3, -1e-5, 1e-9, 0.4, 9.7], (b, ct, _x, y) =>
  b.mul(ct, b.add(y, b.constant(1))),
);
export const log = libraryFunction("log", host.log, 14, [1e-8, 0.3, 0.9999, 1.7, 12.5, 3e11], (b, ct, x) => b.div(ct, x));
export const log1p = libraryFunction("log1p", host.log1p, 16, [-0.9, -0.2, -1e-9, 1e-5, 0.7, 41.5], (b, ct, x) =>
  b.div(ct, b.add(x, b.constant(1))),
);

export const sin = libraryFunction("sin", host.sin, 20, [-9.3, -1.2, 0.3, 2.8, 117.3], (b, ct, x) => b.mul(ct, b.cos(x)));
export const cos = libraryFunction("cos", host.cos, 20, [-9.3, -1.2, 0.3, 2.8, 117.3], (b, ct, x) => b.neg(b.mul(ct, b.sin(x))));
/** 1 + tan² */
export const tan = libraryFunction("tan", host.tan, 30, [-9.3, -1.2, 0.3, 2.8], (b, ct, _x, y) =>
  b.mul(ct, b.add(b.square(y), b.constant(1))),
);
/** √(1 - x²), as a product so that nothing cancels near ±1 */
const cofactor = (b: Builder, x: Value): Value => {
  const one = b.constant(1);
  return b.sqrt(b.mul(b.sub(one, x), b.add(one, x)));
};
export const asin = libraryFunction("asin", host.asin, 30, [-0.93, -0.3, 0.2, 0.71], (b, ct, x) => b.div(ct, cofactor(b, x)));
export const acos = libraryFunction("acos", host.acos, 30, [-0.93, -0.3, 0.2, 0.71], (b, ct, x) =>
  b.neg(b.div(ct, cofactor(b, x))),
);
export const atan = libraryFunction("atan", host.atan, 25, [-19.3, -0.8, 0.3, 2.6], (b, ct, x) =>
  b.div(ct, b.add(b.square(x), b.constant(1))),
);
/** 1 - tanh² = sech², as 1 / cosh² where tanh is near 1 */
export const tanh = libraryFunction("tanh", host.tanh, 18, [-19.3, -0.8, 0.3, 2.6], (b, ct, x) => b.div(ct, b.square(b.cosh(x))));
/** σ(x) σ(-x) */
export const sigmoid = libraryFunction("sigmoid", host.sigmoid, 16, [-36.5, -1.8, 0.3, 2.6, 30.5], (b, ct, x, y) =>
  b.mul(ct, b.mul(y, b.sigmoid(b.neg(x)))),
);
export const softplus = libraryFunction("softplus", host.softplus, 26, [-36.5, -1.8, 0.3, 2.6, 30.5], (b, ct, x) =>
  b.mul(ct, b.sigmoid(x)),
);

export const sinh = pointwise({
  name: "sinh",
  host: host.sinh,
  emit: (w, x) => emitSinh(w, x),
  tfjs: libraryKernel("sinh"),
  gradient: (b, ct, [x]) => [b.mul(ct, b.cosh(x))],
  cost: 30,
  probes: unaryProbes(-25.3, -0.8, -1e-7, 0.3, 2.6, 24.1),
});
export const cosh = pointwise({
  name: "cosh",
  host: host.cosh,
  emit: (w, x) => emitCosh(w, x),
  tfjs: libraryKernel("cosh"),
  gradient: (b, ct, [x]) => [b.mul(ct, b.sinh(x))],
  cost: 30,
  probes: unaryProbes(-25.3, -0.8, 0.3, 2.6),
});

/** log(1 - e^x), x < 0: log(-expm1 x) above -log 2, log1p(-e^x) below (Mächler 2012, "Accurately computing log(1 - exp(-|a|))"). */
export const log1mExp = pointwise({
  name: "log1mExp",
  host: host.log1mExp,
  emit(w, x) {
    const near = w.call("log", w.neg(w.call("expm1", x)));
    const far = w.call("log1p", w.neg(w.call("exp", x)));
    return w.select(w.gt(x, w.constant(-LOG_2)), near, far);
  },
  tfjs: written((t, [operand]) => {
    const x = t.cast(operand, "real");
    if (!t.has("Log", "Expm1", "Log1p", "Exp")) return null;
    const near = t.unary("Log", t.unary("Neg", t.unary("Expm1", x)));
    const far = t.unary("Log1p", t.unary("Neg", t.unary("Exp", x)));
    return t.select(t.compare("Greater", x, t.scalar(-LOG_2)), near, far);
  }),
  /** -e^x / (1 - e^x) = -1 / expm1(-x) */
  gradient: (b, ct, [x]) => [b.neg(b.div(ct, b.expm1(b.neg(x))))],
  cost: 58,
  probes: unaryProbes(-38.5, -2.3, -0.7, -0.69, -0.2, -1e-6),
});

/** log(e^x + e^y) = max + softplus(-|x - y|); equal arguments apart, since ∞ - ∞ is NaN. */
export const logAddExp = pointwise({
  name: "logAddExp",
  host: host.logAddExp,
  emit(w: VectorEmitter, x: VectorValue, y: VectorValue) {
    const apart = w.add(w.max(x, y), w.call("softplus", w.neg(w.abs(w.sub(x, y)))));
    return w.select(w.eq(x, y), w.add(x, w.constant(LOG_2)), apart);
  },
  tfjs: binaryReals((t, x, y) => {
    if (!t.has("Softplus", "Maximum")) return null;
    const apart = t.unary("Neg", t.unary("Abs", t.binary("Sub", x, y)));
    const sum = t.binary("Add", t.binary("Maximum", x, y), t.unary("Softplus", apart));
    return t.select(t.compare("Equal", x, y), t.binary("Add", x, t.scalar(LOG_2)), sum);
  }),
  /** σ(x - y) and σ(y - x), one half each where both are the same infinity */
  gradient(b, ct, [x, y]) {
    const difference = b.select(b.eq(x, y), b.constant(0), b.sub(x, y));
    return [b.mul(ct, b.sigmoid(difference)), b.mul(ct, b.sigmoid(b.neg(difference)))];
  },
  commutative: true,
  zeroCotangents: true,
  cost: 32,
  probes: [
    ...binaryProbes(vector(-1.7, 0.6, 2.3), vector(0.8, -42.4, 1.9)),
    probe(vector(700.5, -800.5), vector(701.2, -799.1)),
    edgePairs,
  ],
});

/** x log y, 0 where x is 0 */
export const xlogy = pointwise({
  name: "xlogy",
  host: (x, y) => (x === 0 ? 0 : x * host.log(y)),
  emit: (w, x, y) => w.select(w.eq(x, w.constant(0)), w.constant(0), w.mul(x, w.call("log", y))),
  tfjs: binaryReals((t, x, y) => {
    const zero = t.scalar(0);
    return t.has("Log") ? t.select(t.compare("Equal", x, zero), zero, t.binary("Multiply", x, t.unary("Log", y))) : null;
  }),
  /** log y, x / y: the second 0 where x is 0. The first is infinite at y = 0 even where x is 0: there the slope is. */
  gradient(b, ct, [x, y]) {
    const zero = b.constant(0);
    return [b.mul(ct, b.log(y)), b.select(b.eq(x, zero), zero, b.div(b.mul(ct, x), y))];
  },
  zeroCotangents: (_node, input) => input === 1,
  cost: 16,
  probes: [...binaryProbes(vector(-1.7, 0.6, 2.3), vector(0.8, 2.4, 0.07)), edgePairs],
});
/** x log(1 + y), 0 where x is 0 */
export const xlog1py = pointwise({
  name: "xlog1py",
  host: (x, y) => (x === 0 ? 0 : x * host.log1p(y)),
  emit: (w, x, y) => w.select(w.eq(x, w.constant(0)), w.constant(0), w.mul(x, w.call("log1p", y))),
  tfjs: binaryReals((t, x, y) => {
    const zero = t.scalar(0);
    return t.has("Log1p") ? t.select(t.compare("Equal", x, zero), zero, t.binary("Multiply", x, t.unary("Log1p", y))) : null;
  }),
  gradient(b, ct, [x, y]) {
    const zero = b.constant(0);
    return [b.mul(ct, b.log1p(y)), b.select(b.eq(x, zero), zero, b.div(b.mul(ct, x), b.add(y, b.constant(1))))];
  },
  zeroCotangents: (_node, input) => input === 1,
  cost: 18,
  probes: [
    ...binaryProbes(vector(-1.7, 0.6, 2.3), vector(-0.8, 2.4, 1e-7)),
    singular(vector(0, 0, 0, 2.5, -1.5), vector(-1, inf, -2.5, -1, -1)),
  ],
});

export const pow = pointwise({
  name: "pow",
  host: host.pow,
  emit: (w, x, y) => w.call("pow", x, y),
  tfjs: binaryReals((t, x, y) => (t.has("Pow") ? t.binary("Pow", x, y) : null)),
  /** y x^{y-1}, 0 for y = 0; x^y log x, 0 where x = 0 */
  gradient(b, ct, [x, y], z) {
    const zero = b.constant(0);
    const slope = b.mul(y, b.pow(x, b.sub(y, b.constant(1))));
    return [b.mul(ct, b.select(b.eq(y, zero), zero, slope)), b.mul(ct, b.select(b.eq(x, zero), zero, b.mul(z, b.log(x))))];
  },
  cost: 60,
  probes: [
    ...binaryProbes(vector(1.7, 0.6, 12.3), vector(0.8, -2.4, 3.9)),
    probe(vector(2.5, 0.3, 1.9), vector(2, 3, -1)),
    edgePairs,
  ],
});

export const atan2 = pointwise({
  name: "atan2",
  host: host.atan2,
  emit: (w, y, x) => w.call("atan2", y, x),
  tfjs: binaryReals((t, y, x) => (t.has("Atan2") ? t.binary("Atan2", y, x) : null)),
  /** x / (x² + y²), -y / (x² + y²) */
  gradient(b, ct, [y, x]) {
    const share = b.div(ct, b.add(b.square(x), b.square(y)));
    return [b.mul(share, x), b.neg(b.mul(share, y))];
  },
  cost: 40,
  probes: [...binaryProbes(vector(-1.7, 0.6, 2.3), vector(0.8, -2.4, -1.9)), edgePairs],
});
