// sinh and cosh on two lanes, from (exp(|x|) - 1) / 2.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { clamp, powerOf2, signOf, withSign } from "./arithmetic.ts";
import { exp, expm1 } from "./exp.ts";

/** exp(a) / 2 for large a, which overflows later than exp: (exp(a / 2) / 2) exp(a / 2) would double the error, a - log 2 does not. */
function halfExp(w: VectorEmitter, a: VectorValue): VectorValue {
  // a in [22, 711]: a - 0.6875 is exact there, and exp(0.6875) / 2 = 0.99437…
  return w.mul(exp(w, w.sub(a, w.constant(0.6875))), w.constant(0.994368734791146));
}
const large = 22;

/** sinh(x): below 2.3 ulp; (t + t / (t + 1)) / 2, t = expm1(|x|). */
export function sinh(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const t = expm1(w, clamp(w, a, 0, large));
  const inner = w.mul(w.add(t, w.div(t, w.add(t, w.constant(1)))), w.constant(0.5));
  const y = w.select(w.gt(a, w.constant(large)), halfExp(w, a), inner);
  return w.select(w.lt(a, w.constant(powerOf2(-28))), x, withSign(w, y, signOf(w, x)));
}

/** cosh(x): below 2 ulp; (e + 1 / e) / 2, e = exp(|x|). */
export function cosh(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const e = exp(w, clamp(w, a, 0, large));
  const inner = w.mul(w.add(e, w.div(w.constant(1), e)), w.constant(0.5));
  return w.select(w.gt(a, w.constant(large)), halfExp(w, a), inner);
}
