// The quantile function of the Beta distribution, for the errors of quantiles.
import { exp, lgamma, log, log1p } from "../../runtime/numeric/math.ts";

/** x with I_x(a, b) = p, for a, b >= 1, by bisection safeguarding Newton's method; relative error about 1e-12. */
export function betaQuantile(p: number, a: number, b: number): number {
  const logScale = lgamma(a + b) - lgamma(a) - lgamma(b);
  let low = 0;
  let high = 1;
  let x = a / (a + b);
  for (let iteration = 0; iteration < 200; iteration++) {
    const error = regularizedBeta(x, a, b, logScale) - p;
    if (error > 0) high = x;
    else low = x;
    const slope = exp(logScale + (a - 1) * log(x) + (b - 1) * log1p(-x));
    const newton = x - error / slope;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - x) <= 1e-14 * x) return next;
    x = next;
  }
  return x;
}

/** I_x(a, b) by its continued fraction, with Lentz's algorithm (DLMF 8.17.22; Press et al. 2007, section 6.4). */
function regularizedBeta(x: number, a: number, b: number, logScale: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast below the mean; above it, by symmetry.
  if (x > (a + 1) / (a + b + 2)) return 1 - regularizedBeta(1 - x, b, a, logScale);
  const tiny = 1e-300;
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < tiny ? tiny : d);
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + even * d;
    c = 1 + even / c;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    c = Math.abs(c) < tiny ? tiny : c;
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    c = Math.abs(c) < tiny ? tiny : c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return (exp(logScale + a * log(x) + b * log1p(-x)) / a) * fraction;
}
