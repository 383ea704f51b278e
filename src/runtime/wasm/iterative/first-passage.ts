// When a Brownian motion that starts at w between 0 and 1 comes to 0 before it comes to 1: the density f of the time u, and derivatives by w.
//   f = (2π u³)^-½ Σ_n (w + 2n) exp(-(w + 2n)² / 2u), n over all integers, falls off fast for short times, and
//   f = π Σ_{j>=1} j exp(-j² π² u / 2) sin(j π w) for long ones (Feller 1968, XIV.6; Navarro and Fuss 2009).
// Terms relative to the first fall as exp(-2 n² / u) and exp(-(j² - 1) π² u / 2): for rounding errors six exponentials of either are needed at
// CROSSOVER, fewer of the first series below and of the second above. The derivatives by time follow, since ∂f/∂u = ½ ∂²f/∂w².
import type { F64 } from "../module.ts";
import { HALF_LOG_TWO_PI } from "./pieces.ts";
import { add, and, choose, type Definition, div, eq, gt, le, lt, mul, neg, not, or, sub } from "./scalar.ts";

const CROSSOVER = 0.3;
/** e^-55 times the powers that come with a fourth derivative is below 2^-53. */
const NOTHING_LEFT = 55;
const MOST_TERMS = 40;
const LOG_PI = 1.1447298858494002;
const HALF_PI_SQUARED = (Math.PI * Math.PI) / 2;
export type Order = 1 | 2 | 3 | 4;

/** f (2π u³)^½ exp(w²/2u) by the first series. Terms whose sum would cancel stand together: n and -n where w is small, n and -n - 1 where
 *  1 - w is. */
const shortSum: Definition = {
  name: "first passage, short times",
  arguments: 2,
  results: 1,
  write(b, [u, w]) {
    const n = b.let(0);
    const left = (): ReturnType<typeof lt> => lt(mul(2, n, n), mul(NOTHING_LEFT, u));
    b.if(le(w, 0.5), () => {
      const sum = b.let(w);
      b.repeat(MOST_TERMS, () => {
        b.increase(n, 1);
        const pair = add(mul(2, w), mul(add(w, mul(2, n)), b.math("expm1", div(mul(-4, n, w), u))));
        b.increase(sum, mul(b.math("exp", div(mul(-2, n, sub(n, w)), u)), pair));
        return left();
      });
      b.return(sum);
    });
    const c = b.let(sub(1, w));
    const sum = b.let(0);
    b.repeat(MOST_TERMS, () => {
      const twice = b.let(mul(2, n));
      const between = b.math("expm1", div(mul(-2, add(twice, 1), c), u));
      const pair = neg(add(mul(2, c), mul(sub(add(twice, 2), w), between)));
      b.increase(sum, mul(b.math("exp", div(mul(-2, n, add(n, w)), u)), pair));
      b.increase(n, 1);
      return left();
    });
    b.return(sum);
  },
};

/** ∂^k/∂w^k of y e^{-y²/2u} without its exponential, r = 1/u, p = y²/u: Q' - (y/u) Q makes each from the one before. */
function shortTerm(order: Order, y: F64, r: F64, p: F64): F64 {
  switch (order) {
    case 1:
      return sub(1, p);
    case 2:
      return mul(y, r, sub(p, 3));
    case 3:
      return neg(mul(r, add(3, mul(p, sub(p, 6)))));
    case 4:
      return mul(y, r, r, add(15, mul(p, sub(p, 10))));
  }
}
/** As shortSum, of a derivative. */
const shortDerivative = (order: Order): Definition => ({
  name: `first passage, short times, derivative ${order}`,
  arguments: 2,
  results: 1,
  write(b, [u, w]) {
    const r = b.let(div(1, u));
    const [n, sum] = [b.let(0), b.let(0)];
    const c = b.let(sub(1, w));
    const term = (y: F64, exponent: F64): void => {
      const [place, weight] = [b.let(y), b.let(b.math("exp", mul(exponent, r)))];
      b.increase(sum, mul(weight, shortTerm(order, place, r, b.let(mul(place, place, r)))));
    };
    b.repeat(MOST_TERMS, () => {
      term(add(w, mul(2, n)), mul(-2, n, add(n, w)));
      term(sub(w, mul(2, add(n, 1))), mul(-2, add(n, 1), add(n, c)));
      b.increase(n, 1);
      return lt(mul(2, n, n), mul(NOTHING_LEFT, u));
    });
    b.return(sum);
  },
});

/** f exp(π² u / 2) / π by the second series, or a derivative. Sines and cosines by Chebyshev's recurrence, from the nearer end: those of
 *  j π w are those of j π (1 - w) with alternating signs. */
const longSum = (order: Order | 0): Definition => ({
  name: `first passage, long times, derivative ${order}`,
  arguments: 2,
  results: 1,
  write(b, [u, w]) {
    const isFar = gt(w, 0.5);
    const angle = b.let(mul(Math.PI, choose(isFar, sub(1, w), w)));
    const [sine, cosine] = [b.let(b.math("sin", angle)), b.let(b.math("cos", angle))];
    const flip = b.let(choose(isFar, -1, 1));
    const twice = b.let(mul(2, cosine));
    const isSine = order % 2 === 0;
    // sin, cos at 0 and 1; for w > ½ sin(π w) = sin(π c), cos(π w) = -cos(π c)
    const before = b.let(isSine ? 0 : 1);
    const now = b.let(isSine ? sine : cosine);
    const sign = b.let(isSine ? 1 : flip);
    const [j, sum, gone] = [b.let(1), b.let(0), b.let(0)];
    b.repeat(MOST_TERMS, () => {
      const powers = new Array<F64>(order).fill(mul(Math.PI, j));
      b.increase(sum, mul(j, sign, now, b.math("exp", neg(gone)), ...powers));
      const after = b.let(sub(mul(twice, now), before));
      b.set(before, now);
      b.set(now, after);
      b.set(sign, mul(sign, flip));
      b.increase(j, 1);
      b.set(gone, mul(HALF_PI_SQUARED, u, sub(mul(j, j), 1)));
      return lt(gone, NOTHING_LEFT);
    });
    // sin, cos, -sin, -cos, sin
    b.return(order === 2 || order === 3 ? neg(sum) : sum);
  },
});
const wholeLong = longSum(0);

/** log f; -inf where there is no density. */
const logFirstPassage: Definition = {
  name: "log density of a first passage",
  arguments: 2,
  results: 1,
  write(b, [u, w]) {
    b.if(not(and(and(le(0, w), le(w, 1)), eq(u, u))), () => b.return(Number.NaN));
    b.if(or(not(and(gt(u, 0), lt(u, Infinity))), or(eq(w, 0), eq(w, 1))), () => b.return(-Infinity));
    b.if(lt(u, CROSSOVER), () => {
      const log = b.math("log", b.call(shortSum, u, w));
      const front = add(HALF_LOG_TWO_PI, mul(1.5, b.math("log", u)), mul(0.5, w, div(w, u)));
      b.return(sub(log, front));
    });
    b.return(add(sub(LOG_PI, mul(HALF_PI_SQUARED, u)), b.math("log", b.call(wholeLong, u, w))));
  },
};
/** The derivatives of f by w, over f. */
const derivative = (order: Order): Definition => {
  const [short, long] = [shortDerivative(order), longSum(order)];
  return {
    name: `derivative ${order} of a first passage`,
    arguments: 2,
    results: 1,
    write(b, [u, w]) {
      const inside = and(and(gt(u, 0), lt(u, Infinity)), and(gt(w, 0), lt(w, 1)));
      b.if(not(inside), () => b.return(Number.NaN));
      b.if(lt(u, CROSSOVER), () => b.return(div(b.call(short, u, w), b.call(shortSum, u, w))));
      b.return(div(b.call(long, u, w), b.call(wholeLong, u, w)));
    },
  };
};

export const firstPassageFunctions = {
  logFirstPassage,
  firstPassage1: derivative(1),
  firstPassage2: derivative(2),
  firstPassage3: derivative(3),
  firstPassage4: derivative(4),
};
