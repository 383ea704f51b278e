// log Γ(a + n) - log Γ(a), without the cancellation that two large log gammas bring.
import type { Builder, Value } from "../../runtime/ir/graph.ts";

/** Steps by which the argument is raised before Stirling's series is used. */
const STEPS = 8;
/** B_2k / (2k (2k - 1)), k = 1 … 8 (DLMF 5.11.1). At z >= 8 the first term left out is below 2^-53. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400];

/** With A = a + 8: log Γ(a+n) - log Γ(a) = (A+n-½) log1p(n/A) + n log A - n + s(A+n) - s(A) - log Π_{i<8} (a+n+i)/(a+i), a > 0, n >= 0.
 *  Its error is a few ulp of n log A + 1, whereas that of the difference of log gammas is that of a log a: with a = 10^10, 5e-5. */
export function logRising(b: Builder, a: Value, n: Value): Value {
  const raised = b.add(a, b.constant(STEPS));
  let ratio = b.add(b.constant(1), b.div(n, a));
  for (let i = 1; i < STEPS; i++) {
    const below = b.add(a, b.constant(i));
    ratio = b.mul(ratio, b.add(b.constant(1), b.div(n, below)));
  }
  const sum = b.add(raised, n);
  const leading = b.mul(b.sub(sum, b.constant(0.5)), b.log1p(b.div(n, raised)));
  const rest = b.add(b.sub(b.mul(n, b.log(raised)), n), b.sub(stirling(b, sum), stirling(b, raised)));
  return b.sub(b.add(leading, rest), b.log(ratio));
}

function stirling(b: Builder, z: Value): Value {
  const inverse = b.reciprocal(z);
  const square = b.square(inverse);
  let s = b.constant(STIRLING[STIRLING.length - 1]);
  for (let k = STIRLING.length - 2; k >= 0; k--) s = b.add(b.constant(STIRLING[k]), b.mul(square, s));
  return b.mul(inverse, s);
}
