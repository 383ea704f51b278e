// The math library: one implementation of each function, for two lanes, with the same bits on every machine.
import type { MathFunction, VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { erf, erfc, erfcx } from "./erf.ts";
import { exp, expm1, sigmoid, tanh } from "./exp.ts";
import { lgamma } from "./gamma.ts";
import { acos, asin, atan, atan2 } from "./inverse-trig.ts";
import { log, log1p, softplus } from "./log.ts";
import { logNormalCdf, normalQuantile } from "./normal.ts";
import { digamma, tetragamma, trigamma } from "./polygamma.ts";
import { pow } from "./pow.ts";
import { cos, sin, tan } from "./trig.ts";

type Unary = (w: VectorEmitter, x: VectorValue) => VectorValue;
type Binary = (w: VectorEmitter, x: VectorValue, y: VectorValue) => VectorValue;
const functions = {
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tan,
  tanh,
  atan,
  asin,
  acos,
  sigmoid,
  softplus,
  lgamma,
  digamma,
  trigamma,
  tetragamma,
  erf,
  erfc,
  erfcx,
  logNormalCdf,
  normalQuantile,
  pow,
  atan2,
} satisfies Record<MathFunction, Unary | Binary>;

export const mathlib: Record<MathFunction, (w: VectorEmitter, ...xs: VectorValue[]) => VectorValue> = functions;
