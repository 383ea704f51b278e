// The regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 - P in logarithms, with derivatives by a.
// One of the two, never the larger by much, is found directly; the other is its complement. With K = x^a e^-x / Γ(a),
//   Q = K ∫ exp(a u - x (e^u - 1)) du, P = K ∫ exp(-a u + x (1 - e^-u)) du over u >= 0 (t = x e^±u in the definitions), and
//   P = K/a (1 + x/(a+1) + x²/((a+1)(a+2)) + …) (NIST DLMF 8.7.1) for small a, or small x/a.
// For a and x below 1 with x^a > 1/2, Q would be lost in 1 - P: there ∫_x^1 t^(a-1) e^-t dt is integrated term by term. Derivatives by a
// are moments of u, of log t, under these weights, or those of the terms: nothing is approximated by differences.
import type { F64, Local } from "../module.ts";
import {
  exponentialQuotient,
  exponentialRest,
  HALF_LOG_TWO_PI,
  hump,
  logComplement,
  logMinusDigamma,
  logRatio,
  stirlingRest,
} from "./pieces.ts";
import { endOf, type Integrand, integrate } from "./quadrature.ts";
import {
  abs,
  add,
  and,
  type Body,
  choose,
  type Definition,
  div,
  type Expression,
  eq,
  ge,
  gt,
  lt,
  mul,
  neg,
  not,
  or,
  sub,
} from "./scalar.ts";

export type Order = 0 | 1 | 2;
/** From here on P is integrated rather than summed, unless x is much smaller than a. */
const INTEGRATED_FROM = 10;
const MOST_TERMS = 1000;
const NEGLIGIBLE = 1e-17;

/** log(x^a e^-x / Γ(a)) = -a (mu - log(1 + mu)) + log(a / 2π)/2 - rest of Stirling's formula, mu = (x - a)/a. */
export const gammaKernel: Definition = {
  name: "log of x^a exp(-x) / Gamma(a)",
  arguments: 2,
  results: 1,
  write(b, [a, x]) {
    const ratio = b.let(div(x, a));
    const constant = b.let(sub(sub(mul(0.5, b.math("log", a)), HALF_LOG_TWO_PI), b.call(stirlingRest, a)));
    b.if(and(gt(ratio, 1e-290), lt(ratio, 1e290)), () => b.return(sub(constant, mul(a, b.call(hump, div(sub(x, a), a), ratio)))));
    // x = 0 and x = inf among them
    b.if(ge(ratio, 1e290), () => b.return(neg(x)));
    b.return(add(constant, mul(a, sub(b.math("log", x), b.math("log", a))), a));
  },
};

/** phi(u) = -slope u - x (e^±u - 1 ∓ u); the statistic is u. */
const weight = (side: 1 | -1): Integrand => ({
  name: side === 1 ? "upper incomplete gamma" : "lower incomplete gamma",
  parameters: 2,
  statistics: 1,
  write(w, u, [slope, x]) {
    const { rest } = exponentialRest(w, side === 1 ? u : w.neg(u));
    return { phi: w.neg(w.add(w.mul(slope, u), w.mul(x, rest))), statistics: [u] };
  },
});
const [upperWeight, lowerWeight] = [weight(1), weight(-1)];

/** log of the smaller of P and Q (roughly), whether that is P (1) or Q (0), and its derivatives by a up to the order. 0 < x < ∞, a > 0. */
const smallerGamma = (order: Order): Definition => ({
  name: `smaller incomplete gamma, order ${order}`,
  arguments: 2,
  results: 2 + order,
  write(b, [a, x]) {
    b.if(and(lt(x, 1), lt(a, 1)), () => {
      b.if(gt(mul(a, b.math("log", x)), -0.69), () => b.return(...b.results(nearZero(order), a, x)));
      b.return(...b.results(series(order), a, x));
    });
    b.if(ge(x, a), () => b.return(...integrated(b, order, 1, a, x)));
    b.if(or(lt(a, INTEGRATED_FROM), lt(x, mul(0.25, a))), () => b.return(...b.results(series(order), a, x)));
    b.return(...integrated(b, order, -1, a, x));
  },
});

/** log x - ψ(a) */
const logOverDigamma = (b: Body, a: F64, x: F64): F64 =>
  add(b.call(logRatio, x, a, div(sub(x, a), a)), b.call(logMinusDigamma, a));

function integrated(b: Body, order: Order, side: 1 | -1, a: F64, x: F64): Expression[] {
  const slope = b.let(side === 1 ? sub(x, a) : sub(a, x));
  const grown = (u: F64): F64 => b.math("expm1", side === 1 ? u : neg(u));
  // phi = ±a u - x (e^±u - 1), -phi' = ∓a ± x e^±u
  const phi = (u: F64): F64 => (side === 1 ? sub(mul(a, u), mul(x, grown(u))) : sub(neg(mul(a, u)), mul(x, grown(u))));
  const slopeAt = (u: F64): F64 => (side === 1 ? add(slope, mul(x, grown(u))) : sub(slope, mul(x, grown(u))));
  const end = endOf(b, slope, x, phi, slopeAt);
  const [mass, mean, variance] = integrate(b, side === 1 ? upperWeight : lowerWeight, order, end, [slope, x]);
  const log = add(b.call(gammaKernel, a, x), b.math("log", mass));
  const out: Expression[] = [side === 1 ? 0 : 1, log];
  if (order >= 1) out.push(side === 1 ? add(logOverDigamma(b, a, x), mean) : sub(logOverDigamma(b, a, x), mean));
  if (order === 2) out.push(sub(variance, b.math("trigamma", a)));
  return out;
}

/** P = x^a e^-x / Γ(a + 1) Σ t_n, t_n = Π x / (a + k); derivatives of log t_n by a: -Σ 1/(a + k), Σ 1/(a + k)². */
const series = (order: Order): Definition => ({
  name: `series of the lower incomplete gamma, order ${order}`,
  arguments: 2,
  results: 2 + order,
  write(b, [a, x]) {
    const term = b.let(1);
    const [sum, first, second] = [b.let(1), b.let(0), b.let(0)];
    const [slope, bend] = [b.let(0), b.let(0)];
    const at = b.let(a);
    b.repeat(MOST_TERMS, () => {
      b.increase(at, 1);
      b.set(term, mul(term, div(x, at)));
      b.increase(sum, term);
      if (order >= 1) {
        b.set(slope, sub(slope, div(1, at)));
        b.increase(first, mul(term, slope));
      }
      if (order === 2) {
        b.increase(bend, div(1, mul(at, at)));
        b.increase(second, mul(term, add(mul(slope, slope), bend)));
      }
      return gt(term, mul(NEGLIGIBLE, sum));
    });
    const next = b.let(add(a, 1));
    const power = b.let(0);
    b.if(
      lt(a, INTEGRATED_FROM),
      () => b.set(power, sub(sub(mul(a, b.math("log", x)), x), b.math("lgamma", next))),
      () => b.set(power, sub(b.call(gammaKernel, a, x), b.math("log", a))),
    );
    const out: Expression[] = [1, add(power, b.math("log", sum))];
    const mean = b.let(div(first, sum));
    if (order >= 1) out.push(add(sub(b.math("log", x), b.math("digamma", next)), mean));
    if (order === 2) out.push(sub(sub(div(second, sum), mul(mean, mean)), b.math("trigamma", next)));
    b.return(...out);
  },
});

/** Q Γ(a) = (1 - x^a)/a + Σ_{k>0} (-1)^k/k! (1 - x^(a+k))/(a + k) + Γ(a, 1), for a < 1, x < 1. */
const nearZero = (order: Order): Definition => ({
  name: `upper incomplete gamma near zero, order ${order}`,
  arguments: 2,
  results: 2 + order,
  write(b, [a, x]) {
    const logX = b.let(b.math("log", x));
    const v = b.let(mul(a, logX));
    const [zeroth, first, second] = b.results(exponentialQuotient, v);
    // (1 - x^a)/a = -log x (e^v - 1)/v, and its derivatives
    const sum = b.let(neg(mul(logX, zeroth)));
    const slope = b.let(neg(mul(logX, logX, first)));
    const bend = b.let(neg(mul(logX, logX, logX, second)));
    const power = b.let(b.math("exp", v));
    const coefficient = b.let(1);
    const k = b.let(0);
    b.repeat(30, () => {
      b.increase(k, 1);
      b.set(coefficient, div(neg(coefficient), k));
      b.set(power, mul(power, x));
      const n = b.let(add(a, k));
      const term = b.let(div(sub(1, power), n));
      b.increase(sum, mul(coefficient, term));
      // derivatives of (1 - e^(n log x))/n by n
      const down = b.let(neg(div(add(mul(power, logX), term), n)));
      if (order >= 1) b.increase(slope, mul(coefficient, down));
      if (order === 2) b.increase(bend, neg(mul(coefficient, div(add(mul(power, logX, logX), mul(2, down)), n))));
      return gt(abs(coefficient), NEGLIGIBLE);
    });
    // Γ(a, 1) = e^-1 ∫ exp(a u - (e^u - 1)): from 4 on the exponent is below -49 for every a < 1
    const [mass, mean, variance] = integrate(b, upperWeight, order, 4, [sub(1, a), 1]);
    const rest = b.let(mul(0.36787944117144233, mass));
    b.increase(sum, rest);
    const out: Expression[] = [0, sub(b.math("log", sum), b.math("lgamma", a))];
    if (order >= 1) {
      b.increase(slope, mul(rest, mean));
      const relative = b.let(div(slope, sum));
      out.push(sub(relative, b.math("digamma", a)));
      if (order === 2) {
        b.increase(bend, mul(rest, add(variance, mul(mean, mean))));
        out.push(sub(sub(div(bend, sum), mul(relative, relative)), b.math("trigamma", a)));
      }
    }
    b.return(...out);
  },
});

/** A probability found from itself (`own`) or from its complement: log p, or its first or second derivative, from those of the
 *  logarithm l of what was found. log(1 - e^l) has the derivatives -o l', -o (l'' + l'²) - (o l')², o = e^l / (1 - e^l). */
export function fromTail(
  b: Body,
  own: F64 | null,
  [l, d, dd, other]: readonly Local<"f64">[],
  order: Order,
  mixed = false,
): void {
  const pick = (): F64 => (order === 0 ? l : order === 1 ? d : dd);
  const complement = (): F64 => {
    if (order === 0) return b.call(logComplement, l);
    const odds = b.let(neg(div(b.math("exp", l), b.math("expm1", l))));
    if (order === 1) return neg(mul(odds, d));
    const e = mixed ? other : d;
    return neg(add(mul(odds, add(dd, mul(d, e))), mul(odds, odds, d, e)));
  };
  if (own === null) b.return(pick());
  else {
    b.if(eq(own, 1), () => b.return(pick()));
    b.return(complement());
  }
}

/** log P or log Q, or a derivative of it by a. */
const gammaFunction = (side: "P" | "Q", order: Order): Definition => ({
  name: `log ${side}(a, x), order ${order}`,
  arguments: 2,
  results: 1,
  write(b, [a, x]) {
    b.if(or(not(and(gt(a, 0), ge(x, 0))), ge(a, Infinity)), () => b.return(Number.NaN));
    const atZero = side === "P" ? -Infinity : 0;
    const atInfinity = side === "P" ? 0 : -Infinity;
    // log P ~ a log x near 0: its derivatives by a are -inf and -ψ'(a + 1)
    b.if(eq(x, 0), () => {
      if (side === "P" && order === 2) b.return(neg(b.math("trigamma", add(a, 1))));
      else b.return(atZero);
    });
    b.if(ge(x, Infinity), () => b.return(order === 0 ? atInfinity : side === "P" ? 0 : order === 1 ? Infinity : 0));
    const [lower, ...tail] = b.results(smallerGamma(order), a, x);
    fromTail(b, side === "P" ? lower : b.let(sub(1, lower)), tail, order);
  },
});

/** |d log P/dx| or |d log Q/dx| = x^(a-1) e^-x / (Γ(a) F), at x = 0 its limit. */
const gammaRate = (side: "P" | "Q"): Definition => ({
  name: `rate of log ${side}(a, x)`,
  arguments: 2,
  results: 1,
  write(b, [a, x]) {
    b.if(not(and(and(gt(a, 0), lt(a, Infinity)), ge(x, 0))), () => b.return(Number.NaN));
    b.if(ge(x, Infinity), () => b.return(side === "P" ? 0 : 1));
    b.if(eq(x, 0), () => {
      if (side === "P") b.return(Infinity);
      else b.return(choose(lt(a, 1), Infinity, choose(gt(a, 1), 0, 1)));
    });
    const log = b.call(side === "P" ? gammaFunctions.logGammaP : gammaFunctions.logGammaQ, a, x);
    b.return(div(b.math("exp", sub(b.call(gammaKernel, a, x), log)), x));
  },
});

export const gammaFunctions = {
  logGammaP: gammaFunction("P", 0),
  logGammaQ: gammaFunction("Q", 0),
  logGammaPSlope: gammaFunction("P", 1),
  logGammaQSlope: gammaFunction("Q", 1),
  logGammaPBend: gammaFunction("P", 2),
  logGammaQBend: gammaFunction("Q", 2),
} as const;
export const gammaRates = { logGammaPRate: gammaRate("P"), logGammaQRate: gammaRate("Q") } as const;
