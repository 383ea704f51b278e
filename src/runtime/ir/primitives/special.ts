// The gamma and error functions with what belongs to them: digamma and its derivatives, log Φ, Φ^{-1}.
import * as host from "../../numeric/math.ts";
import type { Builder, Value } from "../graph.ts";
import { libraryFunction } from "./transcendental.ts";

const TWO_OVER_SQRT_PI = 1.1283791670955126;
const SQRT_TWO_PI = 2.5066282746310002;
const SQRT_TWO_OVER_PI = 0.7978845608028654;
const SQRT_HALF = Math.SQRT1_2;
const TWO_PI_4 = 2 * Math.PI * Math.PI * Math.PI * Math.PI;

const gammaProbes = [-2.3, 0.02, 0.7, 1.4, 3.6, 27.5] as const;
export const lgamma = libraryFunction("lgamma", host.lgamma, 60, gammaProbes, (b, ct, x) => b.mul(ct, b.digamma(x)));
export const digamma = libraryFunction("digamma", host.digamma, 50, gammaProbes, (b, ct, x) => b.mul(ct, b.trigamma(x)));
export const trigamma = libraryFunction("trigamma", host.trigamma, 50, gammaProbes, (b, ct, x) => b.mul(ct, b.tetragamma(x)));
/** Its derivative is written with elementary functions, so that every higher derivative exists too. */
export const tetragamma = libraryFunction("tetragamma", host.tetragamma, 50, gammaProbes, (b, ct, x) =>
  b.mul(ct, pentagamma(b, x)),
);

/** ψ'''(x). Below 1/2 by reflection, ψ'''(x) = π⁴ (4 cot² csc² + 2 csc⁴)(πx) - ψ'''(1 - x) (NIST DLMF 5.15.6, differentiated);
 *  above by the recurrence ψ'''(x) = Σ_{k<n} 6/(x+k)⁴ + ψ'''(x+n) and the asymptotic series 5.15.8. */
function pentagamma(b: Builder, x: Value): Value {
  const half = b.constant(0.5);
  const reflects = b.lt(x, half);
  const series = pentagammaAboveHalf(b, b.select(reflects, b.sub(b.constant(1), x), x));
  const angle = b.mul(b.constant(Math.PI), b.select(reflects, x, half)); // csc is 1 and cot 0 where it is not used
  const csc2 = b.reciprocal(b.square(b.sin(angle)));
  const cot2 = b.sub(csc2, b.constant(1));
  const trigonometric = b.mul(b.constant(TWO_PI_4), b.mul(csc2, b.add(b.mul(b.constant(2), cot2), csc2)));
  return b.select(reflects, b.sub(trigonometric, series), series);
}

const SHIFT = 12;
/** Coefficients of z^{-5}, z^{-7}, …: ψ'''(z) ~ 2/z³ + 3/z⁴ + Σ_k B_{2k} (2k+1)(2k+2)/z^{2k+3}. */
const ASYMPTOTIC = [2, -1, 4 / 3, -3, 10, (-691 * 182) / 2730, 280] as const;
function pentagammaAboveHalf(b: Builder, x: Value): Value {
  const fourth = (v: Value): Value => b.square(b.square(v));
  let sum = b.constant(0);
  for (let k = 0; k < SHIFT; k++) sum = b.add(sum, b.div(b.constant(6), fourth(b.add(x, b.constant(k)))));
  const r = b.reciprocal(b.add(x, b.constant(SHIFT)));
  const r2 = b.square(r);
  let tail = b.constant(0);
  for (const c of [...ASYMPTOTIC].reverse()) tail = b.add(b.mul(tail, r2), b.constant(c));
  // 2/z³ + 3/z⁴ + (tail)/z⁵
  const r3 = b.mul(r, r2);
  const ends = b.add(b.constant(2), b.mul(r, b.add(b.constant(3), b.mul(r, tail))));
  return b.add(sum, b.mul(r3, ends));
}

const normalProbes = [-5.3, -1.2, -0.3, 0.4, 1.7, 4.9] as const;
/** (2/√π) e^{-x²} */
const gaussian = (b: Builder, x: Value): Value => b.mul(b.constant(TWO_OVER_SQRT_PI), b.exp(b.neg(b.square(x))));
export const erf = libraryFunction("erf", host.erf, 50, normalProbes, (b, ct, x) => b.mul(ct, gaussian(b, x)));
export const erfc = libraryFunction("erfc", host.erfc, 50, normalProbes, (b, ct, x) => b.neg(b.mul(ct, gaussian(b, x))));
/** 2 x erfcx(x) - 2/√π */
export const erfcx = libraryFunction("erfcx", host.erfcx, 50, [-5.3, -1.2, -0.3, 0.4, 1.7, 24.9], (b, ct, x, y) =>
  b.mul(ct, b.sub(b.mul(b.constant(2), b.mul(x, y)), b.constant(TWO_OVER_SQRT_PI))),
);
/** φ(x)/Φ(x) = √(2/π) / erfcx(-x/√2), which neither underflows nor cancels in either tail. */
export const logNormalCdf = libraryFunction(
  "logNormalCdf",
  host.logNormalCdf,
  60,
  [-37.5, -5.3, -1.2, 0.4, 1.7, 7.9],
  (b, ct, x) => b.div(b.mul(b.constant(SQRT_TWO_OVER_PI), ct), b.erfcx(b.mul(b.constant(-SQRT_HALF), x))),
);
/** 1/φ(y) = √(2π) e^{y²/2} */
export const normalQuantile = libraryFunction(
  "normalQuantile",
  host.normalQuantile,
  60,
  [1e-9, 0.02, 0.3, 0.61, 0.975],
  (b, ct, _p, y) => b.mul(ct, b.mul(b.constant(SQRT_TWO_PI), b.exp(b.mul(b.constant(0.5), b.square(y))))),
);
