// Elementary and special functions on the host: the math library itself, each function compiled into a small wasm module at first
// use (about a millisecond). So host code, interpreter and compiled programs have one implementation, with the same bits everywhere.
import { straightLine } from "../wasm/emitter.ts";
import { cosh as emitCosh, sinh as emitSinh } from "../wasm/mathlib/hyperbolic.ts";
import { mathlib } from "../wasm/mathlib/index.ts";
import { f64x2, ModuleBuilder } from "../wasm/module.ts";
import type { MathFunction, VectorEmitter, VectorValue } from "../wasm/vector-emitter.ts";
import { WebAssembly } from "../wasm/webassembly.ts";

type Compiled = (x: number, y?: number) => number;
const compiled: Partial<Record<MathFunction | "sinh" | "cosh", Compiled>> = {};

function compile(name: MathFunction | "sinh" | "cosh", arity: 1 | 2 = 1): Compiled {
  const build: (w: VectorEmitter, ...xs: VectorValue[]) => VectorValue =
    name === "sinh" ? emitSinh : name === "cosh" ? emitCosh : mathlib[name];
  const module = new ModuleBuilder();
  const f = module.function(arity === 1 ? ["f64"] : ["f64", "f64"], ["f64"], "f");
  const args = Array.from({ length: arity }, (_, i) => f64x2.splat(f.argument(i, "f64")));
  f.result(f64x2.extract(straightLine(f, mathlib, args, build), 0));
  // The export has the signature given to `function` above.
  return new WebAssembly.Instance(module.compile()).exports.f as Compiled;
}

// Written out one by one, so that each call site sees one callee and the engine can call it directly.
export const exp = (x: number): number => (compiled.exp ??= compile("exp"))(x);
export const expm1 = (x: number): number => (compiled.expm1 ??= compile("expm1"))(x);
export const log = (x: number): number => (compiled.log ??= compile("log"))(x);
export const log1p = (x: number): number => (compiled.log1p ??= compile("log1p"))(x);
export const sin = (x: number): number => (compiled.sin ??= compile("sin"))(x);
export const cos = (x: number): number => (compiled.cos ??= compile("cos"))(x);
export const tan = (x: number): number => (compiled.tan ??= compile("tan"))(x);
export const asin = (x: number): number => (compiled.asin ??= compile("asin"))(x);
export const acos = (x: number): number => (compiled.acos ??= compile("acos"))(x);
export const atan = (x: number): number => (compiled.atan ??= compile("atan"))(x);
export const sinh = (x: number): number => (compiled.sinh ??= compile("sinh"))(x);
export const cosh = (x: number): number => (compiled.cosh ??= compile("cosh"))(x);
export const tanh = (x: number): number => (compiled.tanh ??= compile("tanh"))(x);
/** 1 / (1 + exp(-x)) */
export const sigmoid = (x: number): number => (compiled.sigmoid ??= compile("sigmoid"))(x);
/** log(1 + exp(x)) */
export const softplus = (x: number): number => (compiled.softplus ??= compile("softplus"))(x);
/** log |Γ(x)| */
export const lgamma = (x: number): number => (compiled.lgamma ??= compile("lgamma"))(x);
export const digamma = (x: number): number => (compiled.digamma ??= compile("digamma"))(x);
export const trigamma = (x: number): number => (compiled.trigamma ??= compile("trigamma"))(x);
export const tetragamma = (x: number): number => (compiled.tetragamma ??= compile("tetragamma"))(x);
export const erf = (x: number): number => (compiled.erf ??= compile("erf"))(x);
export const erfc = (x: number): number => (compiled.erfc ??= compile("erfc"))(x);
/** exp(x²) erfc(x) */
export const erfcx = (x: number): number => (compiled.erfcx ??= compile("erfcx"))(x);
/** log Φ(x) */
export const logNormalCdf = (x: number): number => (compiled.logNormalCdf ??= compile("logNormalCdf"))(x);
/** Φ⁻¹(p) */
export const normalQuantile = (p: number): number => (compiled.normalQuantile ??= compile("normalQuantile"))(p);
export const pow = (x: number, y: number): number => (compiled.pow ??= compile("pow", 2))(x, y);
/** The angle of the point (x, y). */
export const atan2 = (y: number, x: number): number => (compiled.atan2 ??= compile("atan2", 2))(y, x);

/** log(1 - exp(a)), a <= 0: the arrangement of Mächler, "Accurately computing log(1 - exp(-|a|))" (2012). */
export const log1mExp = (a: number): number => (a > -Math.LN2 ? log(-expm1(a)) : log1p(-exp(a)));

/** log(exp a + exp b) = max + softplus(-|a - b|); equal arguments apart, since ∞ - ∞ is NaN. */
export const logAddExp = (a: number, b: number): number => (a === b ? a + Math.LN2 : Math.max(a, b) + softplus(-Math.abs(a - b)));

/** log Σ exp(a_i); -Infinity of nothing. */
export function logSumExp(values: ArrayLike<number>): number {
  let m = -Infinity;
  for (let i = 0; i < values.length; i++) m = Math.max(m, values[i]);
  if (m === -Infinity || m === Infinity) return m;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += exp(values[i] - m);
  return m + log(sum);
}
