// The modified Bessel function of the first kind, of real order v > -1 and x >= 0, by
//   h(v, x) = log(Γ(v + 1) (2/x)^v e^-x I_v(x)) = log 0F1(; v + 1; x²/4) - x,
// which is 0 at x = 0 and grows with neither x nor v faster than its logarithm.
// With s = √(v² + x²): below s = 40 the series Σ (x²/4)^k / (k! (v+1)_k), of positive terms (DLMF 10.25.2); from there on Debye's expansion
// (DLMF 10.41.3), I_v(x) = e^η / √(2π s) Σ U_k(v/s) / v^k with η = s + v log(x / (v + s)). Since U_k(p) = p^k Ũ_k(p²), its terms are
// Ũ_k(v²/s²) / s^k: they are small wherever s is large, at order 0 too, where they are Hankel's.
import type { F64 } from "../module.ts";
import { HALF_LOG_TWO_PI, logMinusNextDigamma, stirlingRest } from "./pieces.ts";
import { add, and, type Body, type Definition, div, eq, ge, gt, lt, mul, neg, not, polynomial, sqrt, sub } from "./scalar.ts";

const EXPANDED_FROM = 40;
const MOST_TERMS = 400;
const NEGLIGIBLE = 1e-18;
/** Stirling's formula is taken from log Γ(v + 1) where that is not the smaller of the two. */
const LARGE_ORDER = 8;

/** Coefficients of Ũ_k: U_{k+1}(p) = ½ p² (1 - p²) U_k'(p) + ⅛ ∫_0^p (1 - 5 t²) U_k(t) dt (DLMF 10.41.9). Term 16 is below 2^-54 at s = 40. */
const debye: number[][] = [[1]];
for (let k = 0; k < 16; k++) {
  const next = new Array<number>(k + 2).fill(0);
  debye[k].forEach((c, j) => {
    const power = k + 2 * j;
    next[j] += c * (power / 2 + 1 / (8 * (power + 1)));
    next[j + 1] -= c * (power / 2 + 5 / (8 * (power + 3)));
  });
  debye.push(next);
}
/** Σ f(Ũ_k) r^k, each polynomial in q. */
const overTerms = (q: F64, r: F64, f: (c: readonly number[], k: number) => readonly number[]): F64 =>
  debye
    .map(f)
    .map((c) => (c.length === 0 ? null : polynomial(q, c)))
    .reduceRight<F64>((s, c) => (c === null ? mul(s, r) : add(mul(s, r), c)), mul(0, r));

const isOutside = (v: F64, x: F64) => not(and(and(gt(v, -1), lt(v, Infinity)), ge(x, 0)));
const length = (v: F64, x: F64): F64 => sqrt(add(mul(v, v), mul(x, x)));

/** Σ Ũ_k(v²/s²) / s^k. */
const expansion: Definition = {
  name: "Debye's expansion",
  arguments: 2,
  results: 1,
  write(b, [v, s]) {
    const r = b.let(div(1, s));
    const p = b.let(mul(v, r));
    const q = b.let(mul(p, p));
    b.return(overTerms(q, r, (c) => c));
  },
};
/** The derivative by v of its logarithm, s being √(v² + x²): with q = v²/s² and r = 1/s, dq/dv = 2 v (1 - q) r² and dr/dv = -v r³. */
const expansionSlope: Definition = {
  name: "slope of Debye's expansion",
  arguments: 2,
  results: 1,
  write(b, [v, s]) {
    const r = b.let(div(1, s));
    const p = b.let(mul(v, r));
    const q = b.let(mul(p, p));
    const whole = b.let(overTerms(q, r, (c) => c));
    const byQ = overTerms(q, r, (c) => c.slice(1).map((a, j) => (j + 1) * a));
    const byR = overTerms(q, r, (c, k) => c.map((a) => k * a));
    b.return(div(mul(p, r, sub(mul(2, sub(1, q), byQ), byR)), whole));
  },
};

/** Calls f with each term of the series of 0F1(; v+1; x²/4) from the second on, and its number. */
function series(b: Body, v: F64, x: F64, f: (term: F64, k: F64) => F64): void {
  const quarter = b.let(mul(0.25, x, x));
  const [term, k] = [b.let(1), b.let(0)];
  b.repeat(MOST_TERMS, () => {
    b.increase(k, 1);
    b.set(term, mul(term, div(quarter, mul(k, add(v, k)))));
    return gt(term, mul(NEGLIGIBLE, f(term, k)));
  });
}

const logBesselI: Definition = {
  name: "log of a modified Bessel function",
  arguments: 2,
  results: 1,
  write(b, [v, x]) {
    b.if(isOutside(v, x), () => b.return(Number.NaN));
    b.if(eq(x, Infinity), () => b.return(-Infinity));
    const s = b.let(length(v, x));
    b.if(lt(s, EXPANDED_FROM), () => {
      const rest = b.let(0);
      series(b, v, x, (term) => {
        b.increase(rest, term);
        return add(1, rest);
      });
      b.return(sub(b.math("log1p", rest), x));
    });
    const rest = b.let(b.math("log", b.call(expansion, v, s)));
    b.if(lt(v, LARGE_ORDER), () => {
      const eta = sub(div(mul(v, v), add(s, x)), mul(v, b.math("log", mul(0.5, add(v, s)))));
      b.return(sub(add(eta, b.math("lgamma", add(v, 1)), rest), add(HALF_LOG_TWO_PI, mul(0.5, b.math("log", s)))));
    });
    // s - v = x²/(s + v) and s - x = v²/(s + x): nothing of the size of x or v is left to cancel.
    const exponent = neg(div(mul(x, add(v, div(mul(v, v), add(s, x)))), add(s, v)));
    const logarithm = mul(v, b.math("log1p", div(mul(x, div(x, add(s, v))), mul(2, v))));
    const ratio = b.let(div(x, v));
    const root = mul(0.25, b.math("log1p", mul(ratio, ratio)));
    b.return(sub(add(exponent, b.call(stirlingRest, v), rest), add(logarithm, root)));
  },
};

/** ∂h/∂v: the series term by term; of the expansion -log((v + s)/2) + ψ(v + 1) - v/(2 s²) and what its terms add. */
const logBesselISlope: Definition = {
  name: "slope of the log of a modified Bessel function by its order",
  arguments: 2,
  results: 1,
  write(b, [v, x]) {
    b.if(isOutside(v, x), () => b.return(Number.NaN));
    b.if(eq(x, Infinity), () => b.return(-Infinity));
    const s = b.let(length(v, x));
    b.if(lt(s, EXPANDED_FROM), () => {
      const [sum, slope, harmonic] = [b.let(1), b.let(0), b.let(0)];
      series(b, v, x, (term, k) => {
        b.increase(harmonic, div(1, add(v, k)));
        b.increase(sum, term);
        b.increase(slope, mul(term, harmonic));
        return sum;
      });
      b.return(neg(div(slope, sum)));
    });
    const rest = b.let(sub(b.call(expansionSlope, v, s), div(mul(0.5, v), mul(s, s))));
    b.if(lt(v, LARGE_ORDER), () => b.return(add(sub(b.math("digamma", add(v, 1)), b.math("log", mul(0.5, add(v, s)))), rest)));
    const growth = b.math("log1p", div(mul(x, div(x, add(s, v))), mul(2, v)));
    b.return(sub(rest, add(growth, b.call(logMinusNextDigamma, v))));
  },
};

/** I_{v+1}(x) / (x I_v(x)): 1 / (2 (v + 1)) at x = 0. Of the expansions the ratio of e^η / √s and that of the sums, with
 *  t = √((v+1)² + x²), t - s = (2 v + 1)/(s + t). */
const besselIQuotient: Definition = {
  name: "quotient of modified Bessel functions",
  arguments: 2,
  results: 1,
  write(b, [v, x]) {
    b.if(isOutside(v, x), () => b.return(Number.NaN));
    b.if(eq(x, Infinity), () => b.return(0));
    const s = b.let(length(v, x));
    const next = b.let(add(v, 1));
    b.if(lt(s, EXPANDED_FROM), () => {
      const [sum, above] = [b.let(1), b.let(div(1, next))];
      series(b, v, x, (term, k) => {
        b.increase(sum, term);
        b.increase(above, div(term, add(next, k)));
        return sum;
      });
      b.return(div(mul(0.5, above), sum));
    });
    const t = b.let(length(next, x));
    const gap = b.let(div(add(mul(2, v), 1), add(s, t)));
    const fall = mul(v, b.math("log1p", div(add(1, gap), add(v, s))));
    const exponent = sub(gap, add(fall, mul(0.5, b.math("log1p", div(gap, s)))));
    b.return(div(mul(b.math("exp", exponent), div(b.call(expansion, next, t), b.call(expansion, v, s))), add(next, t)));
  },
};

export const besselFunctions = { logBesselI, logBesselISlope, besselIQuotient };
