// Pieces that the incomplete gamma and beta functions share: differences that would cancel, written so that they do not.
import { polynomial as vectorPolynomial } from "../mathlib/arithmetic.ts";
import { digammaW, lgammaW } from "../mathlib/coefficients.ts";
import type { F64 } from "../module.ts";
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { abs, add, type Definition, div, ge, gt, lt, mul, neg, polynomial, sub } from "./scalar.ts";

export const HALF_LOG_TWO_PI = 0.9189385332046728;
const STIRLING_FROM = 8;

/** 1/3 + z/5 + z²/7 + …, for |z| <= 1/9 */
const atanh3: readonly number[] = Array.from({ length: 17 }, (_, k) => 1 / (2 * k + 3));
/** 1 / k! */
const inverseFactorials: number[] = [1];
for (let k = 1; k <= 20; k++) inverseFactorials.push(inverseFactorials[k - 1] / k);
/** (e^u - 1 - u) / u², for |u| <= 1 */
const exponential2: readonly number[] = inverseFactorials.slice(2);

/** mu - log(1 + mu), given mu and 1 + mu, each accurate for itself: with s = mu / (2 + mu), log(1 + mu) = 2 s + 2 s³ (1/3 + s²/5 + …). */
export const hump: Definition = {
  name: "mu - log(1 + mu)",
  arguments: 2,
  results: 1,
  write(b, [mu, ratio]) {
    b.if(lt(abs(mu), 0.5), () => {
      const s = b.let(div(mu, add(mu, 2)));
      const z = b.let(mul(s, s));
      b.return(mul(s, sub(mu, mul(2, z, polynomial(z, atanh3)))));
    });
    b.return(sub(mu, b.math("log", ratio)));
  },
};
/** The same on two lanes. */
export function humpLanes(w: VectorEmitter, mu: VectorValue): { readonly hump: VectorValue; readonly log: VectorValue } {
  const s = w.div(mu, w.add(mu, w.constant(2)));
  const z = w.mul(s, s);
  const near = w.mul(s, w.sub(mu, w.mul(w.mul(w.constant(2), z), vectorPolynomial(w, z, atanh3))));
  const log = w.call("log1p", mu);
  return { hump: w.select(w.lt(w.abs(mu), w.constant(0.5)), near, w.sub(mu, log)), log };
}
/** e^u - 1 - u on two lanes, and e^u - 1. */
export function exponentialRest(w: VectorEmitter, u: VectorValue): { readonly rest: VectorValue; readonly expm1: VectorValue } {
  const expm1 = w.call("expm1", u);
  const near = w.mul(w.mul(u, u), vectorPolynomial(w, u, exponential2));
  return { rest: w.select(w.le(w.abs(u), w.constant(1)), near, w.sub(expm1, u)), expm1 };
}

/** log Γ(a) - ((a - 1/2) log a - a + log(2π)/2), a > 0: below 1/(12 a). */
export const stirlingRest: Definition = {
  name: "rest of Stirling's formula",
  arguments: 1,
  results: 1,
  write(b, [a]) {
    b.if(ge(a, STIRLING_FROM), () => {
      const r = b.let(div(1, a));
      const z = b.let(mul(r, r));
      b.return(mul(r, polynomial(z, lgammaW)));
    });
    const stirling = sub(add(mul(sub(a, 0.5), b.math("log", a)), HALF_LOG_TWO_PI), a);
    b.return(sub(b.math("lgamma", a), stirling));
  },
};
/** log a - ψ(a), or log a - ψ(a + 1), which is less by 1/a; a > 0. */
const digammaRest = (next: boolean): Definition => ({
  name: `log a - digamma(a${next ? " + 1" : ""})`,
  arguments: 1,
  results: 1,
  write(b, [a]) {
    b.if(ge(a, STIRLING_FROM), () => {
      const r = b.let(div(1, a));
      const z = b.let(mul(r, r));
      b.return(add(mul(next ? -0.5 : 0.5, r), mul(z, polynomial(z, digammaW))));
    });
    b.return(sub(b.math("log", a), b.math("digamma", next ? add(a, 1) : a)));
  },
});
export const [logMinusDigamma, logMinusNextDigamma] = [digammaRest(false), digammaRest(true)];
/** log of x / m, x and m positive, given also (x - m) / m as it does not cancel. */
export const logRatio: Definition = {
  name: "log of a ratio",
  arguments: 3,
  results: 1,
  write(b, [x, m, excess]) {
    b.if(lt(abs(excess), 0.5), () => b.return(b.math("log1p", excess)));
    b.return(sub(b.math("log", x), b.math("log", m)));
  },
};

/** log(1 - e^l), l <= 0. */
export const logComplement: Definition = {
  name: "log(1 - exp(l))",
  arguments: 1,
  results: 1,
  write(b, [l]) {
    b.if(gt(l, -Math.LN2), () => b.return(b.math("log", neg(b.math("expm1", l)))));
    b.return(b.math("log1p", neg(b.math("exp", l))));
  },
};

/** (e^v - 1) / v and its first two derivatives, for -0.7 < v <= 0: Σ v^j / (j! (j + m)), m = 1, 2, 3. */
export const exponentialQuotient: Definition = {
  name: "(exp(v) - 1) / v",
  arguments: 1,
  results: 3,
  write(b, [v]) {
    const series = (m: number): F64 =>
      polynomial(
        v,
        inverseFactorials.slice(0, 18).map((f, j) => f / (j + m)),
      );
    b.return(series(1), series(2), series(3));
  },
};
