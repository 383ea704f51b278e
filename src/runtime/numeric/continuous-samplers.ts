// Draws from the continuous distributions that no short program of noise gives. Results that underflow or round onto the edge of an open
// support are moved to the nearest number inside it. Parameters outside their domain, NaN too, give NaN.
import { acos, asin, cos, exp, log, sigmoid } from "./math.ts";
import type { Rng } from "./rng.ts";

const justBelowOne = 1 - Number.EPSILON / 2;

/** Gamma(shape), scale 1, shape >= 1: Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000. */
function gammaAtLeastOne(rng: Rng, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const t = 1 + c * x;
    if (t <= 0) continue;
    const v = t * t * t;
    const u = rng.uniform();
    const square = x * x;
    if (u < 1 - 0.0331 * square * square || log(u) < 0.5 * square + d * (1 - v + log(v))) return d * v;
  }
}

/** The logarithm of a draw from Gamma(shape), scale 1. Shapes below 1: log Gamma(shape + 1) + log(U) / shape, which never underflows. */
export function logGamma(rng: Rng, shape: number): number {
  if (shape < 0) return Number.NaN;
  return shape < 1 ? log(gammaAtLeastOne(rng, shape + 1)) - rng.exponential() / shape : log(gammaAtLeastOne(rng, shape));
}

/** Gamma(shape), scale 1. */
export function gamma(rng: Rng, shape: number): number {
  return shape < 1 ? Math.max(exp(logGamma(rng, shape)), Number.MIN_VALUE) : gammaAtLeastOne(rng, shape);
}

export const chiSquare = (rng: Rng, degrees: number): number => 2 * gamma(rng, degrees / 2);

/** Beta(a, b) = 1 / (1 + G(b) / G(a)), the quotient in logarithms: any parameters, however small. */
export function beta(rng: Rng, a: number, b: number): number {
  const x = sigmoid(logGamma(rng, a) - logGamma(rng, b));
  return Math.min(Math.max(x, Number.MIN_VALUE), justBelowOne);
}

/** A point of the simplex: gammas normalised in logarithms, so that tiny alphas do not give 0 / 0. */
export function dirichlet(rng: Rng, alpha: ArrayLike<number>, out: Float64Array): void {
  let greatest = -Infinity;
  for (let i = 0; i < alpha.length; i++) {
    out[i] = logGamma(rng, alpha[i]);
    greatest = Math.max(greatest, out[i]);
  }
  let total = 0;
  for (let i = 0; i < alpha.length; i++) total += out[i] = exp(out[i] - greatest);
  for (let i = 0; i < alpha.length; i++) out[i] = Math.max(out[i] / total, Number.MIN_VALUE);
}

/** Michael, Schucany & Haas, "Generating random variates using transformations with multiple roots", The American Statistician 30, 1976;
 *  the smaller root written without cancellation. */
export function inverseGaussian(rng: Rng, mean: number, shape: number): number {
  const z = rng.normal();
  const w = (mean * z * z) / shape;
  const smaller = 1 / (1 + w / 2 + Math.sqrt(w + (w * w) / 4));
  return rng.uniform() * (1 + smaller) <= 1 ? mean * smaller : mean / smaller;
}

/** An angle within pi of `mean`: Best & Fisher, "Efficient simulation of the von Mises distribution", Applied Statistics 28, 1979; every
 *  difference rewritten so that neither small nor large concentrations cancel. */
export function vonMises(rng: Rng, mean: number, concentration: number): number {
  if (concentration < 0) return Number.NaN;
  if (concentration < 1e-15) return mean + Math.PI * (2 * rng.uniform() - 1);
  // relative error 1 / (8 concentration)
  if (concentration > 1e30) return mean + rng.normal() / Math.sqrt(concentration);
  const root = Math.sqrt(1 + 4 * concentration * concentration);
  const tau = 1 + root;
  const rho = (Math.sqrt(tau) * 2 * concentration) / (tau * (Math.sqrt(tau) + Math.SQRT2));
  // 1 - rho; 2 k - sqrt(1 + 4 k^2) = -1 / (2 k + sqrt(1 + 4 k^2))
  const gap = concentration < 1 ? 1 - rho : (Math.sqrt(2 * tau) - 1 - 1 / (2 * concentration + root)) / (2 * concentration);
  const excess = (gap * gap) / (2 * rho); // r - 1
  for (;;) {
    const z = cos(Math.PI * rng.uniform());
    const below = (excess * (1 - z)) / (1 + excess + z); // 1 - f, f the cosine of the angle
    const c = concentration * (excess + below);
    const u = rng.uniform();
    if (c * (2 - c) <= u && log(c / u) + 1 - c < 0) continue;
    const angle = below < 1 ? 2 * asin(Math.sqrt(below / 2)) : acos(1 - below);
    return rng.uniform() < 0.5 ? mean - angle : mean + angle;
  }
}
