// log Γ(a + n) - log Γ(a), without the cancellation that two large log gammas bring.
import type { Builder, Value } from "../../runtime/ir/graph.ts";

/** Steps by which the argument is raised before Stirling's series is used. */
const STEPS = 8;
/** B_2k / (2k (2k - 1)), k = 1 … 8 (DLMF 5.11.1). At z >= 8 the first term left out is below 2^-53. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400];
/** Beyond it the product of eight factors nears overflow, and its ratio is 1 to within rounding of the rest. */
const LARGE = 1e30;

/** With A = a + 8: log Γ(a+n) - log Γ(a) = (A+n-½) log1p(n/A) + n log A - n + s(A+n) - s(A) - log Π_{i<8} (a+n+i)/(a+i), a > 0, a + n > 0.
 *  Its error is a few ulp of n log A + 1, whereas that of the difference of log gammas is that of a log a: with a = 10^10, 5e-5. */
export function logRising(b: Builder, a: Value, n: Value): Value {
  const raised = b.add(a, b.constant(STEPS));
  const sum = b.add(raised, n);
  const leading = b.mul(b.sub(sum, b.constant(0.5)), b.log1p(b.div(n, raised)));
  const rest = b.add(b.sub(b.mul(n, b.log(raised)), n), b.sub(stirling(b, sum), stirling(b, raised)));
  const least = b.min(a, b.constant(LARGE));
  return b.sub(b.add(leading, rest), b.log(b.div(product(b, b.add(least, n)), product(b, least))));
}

/** z (z+1) … (z+7), by pairs: z (z+7) = t, then t + 6, t + 10, t + 12. */
function product(b: Builder, z: Value): Value {
  const t = b.mul(z, b.add(z, b.constant(STEPS - 1)));
  return [6, 10, 12].reduce((p, c) => b.mul(p, b.add(t, b.constant(c))), t);
}

function stirling(b: Builder, z: Value): Value {
  const inverse = b.reciprocal(z);
  const square = b.square(inverse);
  let s = b.constant(STIRLING[STIRLING.length - 1]);
  for (let k = STIRLING.length - 2; k >= 0; k--) s = b.add(b.constant(STIRLING[k]), b.mul(square, s));
  return b.mul(inverse, s);
}
