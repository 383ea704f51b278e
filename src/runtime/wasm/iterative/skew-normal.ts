// The distribution function of the skew normal 2 φ(t) Φ(αt) in logarithms, and its inverse. All is made of
//   L(h, α) = 2 ∫_h^∞ φ(t) Φ(-αt) dt, h >= 0 and α >= 0,
// the tail in which both factors fall. With w = α h and t = h + u it is 2 φ(h) Φ(-w) ∫ exp(phi), where
//   phi(u) = -(1 + α²) (h u + u²/2) + log erfcx((w + αu)/√2) / erfcx(w/√2)
// is concave and nothing in it cancels. The other tails are 2 Φ(-h) - L, of which L is half at most, and 1 less these. (L is Φ(-h) - 2 T(h, α), T Owen's
// function; there it cancels.)
import type { F64 } from "../module.ts";
import { solveLog } from "./newton.ts";
import { HALF_LOG_TWO_PI, logComplement } from "./pieces.ts";
import { endOf, type Integrand, integrate } from "./quadrature.ts";
import { abs, add, and, choose, type Definition, div, eq, ge, gt, le, lt, mul, neg, not, sqrt, sub } from "./scalar.ts";

/** √(2/π) */
const MEAN_OF_HALF = 0.7978845608028654;
/** Beyond it squares overflow, and F is 0 or 1. */
const FARTHEST = 1e100;

/** Parameters: h, α, 1 / erfcx(α h / √2). */
const weight: Integrand = {
  name: "tail of the skew normal",
  parameters: 3,
  statistics: 0,
  write(w, u, [h, alpha, scale]) {
    const gaussian = w.mul(w.add(w.constant(1), w.mul(alpha, alpha)), w.mul(u, w.add(h, w.mul(w.constant(0.5), u))));
    const reached = w.mul(w.mul(alpha, w.add(h, u)), w.constant(Math.SQRT1_2));
    const phi = w.sub(w.call("log", w.mul(w.call("erfcx", reached), scale)), gaussian);
    return { phi, statistics: [] };
  },
};

/** log L(h, α) */
const lesserTail: Definition = {
  name: "lesser tail of the skew normal",
  arguments: 2,
  results: 1,
  write(b, [h, alpha]) {
    const growth = b.let(add(1, mul(alpha, alpha)));
    const scaled = (u: F64): F64 => b.math("erfcx", mul(mul(alpha, add(h, u)), Math.SQRT1_2));
    const none = b.let(0);
    const first = b.let(scaled(none));
    // -phi' = h + u + α √(2/π) / erfcx(…)
    const slopeAt = (u: F64): F64 => add(h, u, div(mul(MEAN_OF_HALF, alpha), scaled(u)));
    const phi = (u: F64): F64 => sub(b.math("log", div(scaled(u), first)), mul(growth, u, add(h, mul(0.5, u))));
    const end = endOf(b, slopeAt(none), growth, phi, slopeAt);
    const [mass] = integrate(b, weight, 0, end, [h, alpha, div(1, first)]);
    const kernel = sub(neg(mul(0.5, growth, h, h)), HALF_LOG_TWO_PI);
    b.return(add(kernel, b.math("log", mul(first, mass))));
  },
};

/** log F(z; α) */
const logSkewNormalCdf: Definition = {
  name: "log of the skew normal's distribution function",
  arguments: 2,
  results: 1,
  write(b, [z, alpha]) {
    b.if(not(and(le(abs(z), Infinity), lt(abs(alpha), FARTHEST))), () => b.return(Number.NaN));
    b.if(gt(abs(z), FARTHEST), () => b.return(choose(gt(z, 0), 0, -Infinity)));
    const h = b.let(abs(z));
    const lesser = b.let(b.call(lesserTail, h, abs(alpha)));
    b.if(ge(alpha, 0), () => {
      b.if(lt(z, 0), () => b.return(lesser));
      const rest = b.let(b.math("exp", lesser));
      const upper = b.let(sub(b.math("erfc", mul(h, Math.SQRT1_2)), rest));
      b.if(lt(upper, 0.5), () => b.return(b.math("log1p", neg(upper))));
      b.return(b.math("log", add(b.math("erf", mul(h, Math.SQRT1_2)), rest)));
    });
    b.if(gt(z, 0), () => b.return(b.call(logComplement, lesser)));
    const lower = b.let(add(b.math("erf", mul(h, Math.SQRT1_2)), b.math("exp", lesser)));
    b.if(lt(lower, 0.5), () => b.return(b.math("log1p", neg(lower))));
    const both = b.let(add(b.math("logNormalCdf", neg(h)), Math.LN2));
    b.return(add(both, b.math("log1p", neg(b.math("exp", sub(lesser, both))))));
  },
};

/** z with log F(z; α) = l, l <= log ½ or so */
const skewNormalQuantile: Definition = {
  name: "quantile of the skew normal",
  arguments: 2,
  results: 1,
  write(b, [alpha, l]) {
    b.if(not(and(lt(abs(alpha), FARTHEST), le(l, 0))), () => b.return(Number.NaN));
    b.if(eq(l, -Infinity), () => b.return(-Infinity));
    b.if(eq(l, 0), () => b.return(Infinity));
    const growth = b.let(add(1, mul(alpha, alpha)));
    const delta = b.let(div(alpha, sqrt(growth)));
    const mean = mul(MEAN_OF_HALF, delta);
    const deviation = sqrt(sub(1, mul(MEAN_OF_HALF * MEAN_OF_HALF, delta, delta)));
    // Far below, F falls like exp(-(1 + α²) z²/2), or exp(-z²/2) where α is negative.
    const far = neg(sqrt(div(mul(-2, l), choose(gt(alpha, 0), growth, 1))));
    const z = b.let(choose(gt(l, -10), add(mean, mul(deviation, b.math("normalQuantile", b.math("exp", l)))), far));
    solveLog(
      b,
      z,
      [-FARTHEST, FARTHEST],
      l,
      (x) => b.call(logSkewNormalCdf, x, alpha),
      (x, log) =>
        b.math("exp", sub(sub(add(b.math("logNormalCdf", mul(alpha, x)), Math.LN2 - HALF_LOG_TWO_PI), mul(0.5, x, x)), log)),
    );
    b.return(z);
  },
};

export const skewNormalFunctions = { logSkewNormalCdf, skewNormalQuantile } as const;
