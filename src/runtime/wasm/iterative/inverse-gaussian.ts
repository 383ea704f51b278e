// Quantiles of the inverse Gaussian of mean 1 and shape k = λ/μ. With a = √(k/x) (x - 1) and c = √(k/x) (x + 1),
//   P(X <= x) = Φ(a) + e^2k Φ(-c), in which e^2k Φ(-c) = e^(-a²/2) erfcx(c/√2) / 2.
import type { F64 } from "../module.ts";
import { solveLog } from "./newton.ts";
import { HALF_LOG_TWO_PI } from "./pieces.ts";
import { add, and, type Definition, div, eq, gt, le, least, lt, most, mul, neg, not, sqrt, sub } from "./scalar.ts";

/** Logarithms of the doubles. */
const LARGEST = 745;

const tail = (upper: boolean): Definition => ({
  name: `${upper ? "upper" : "lower"} tail of the inverse Gaussian`,
  arguments: 2,
  results: 1,
  write(b, [k, x]) {
    const root = b.let(sqrt(div(k, x)));
    const a = b.let(mul(root, sub(x, 1)));
    const c = b.let(mul(root, add(x, 1)));
    const scaled = (v: F64): F64 => b.math("erfcx", mul(v, Math.SQRT1_2));
    if (!upper) {
      const direct = b.let(b.math("logNormalCdf", a));
      const reflected = b.let(sub(sub(b.math("log", scaled(c)), Math.LN2), mul(0.5, a, a)));
      const larger = b.let(most(direct, reflected));
      b.return(add(larger, b.math("log1p", b.math("exp", sub(least(direct, reflected), larger)))));
      return;
    }
    b.return(sub(sub(b.math("log", sub(scaled(a), scaled(c))), Math.LN2), mul(0.5, a, a)));
  },
});
const [lower, upper] = [tail(false), tail(true)];

/** x with P(X <= x) = p, of k, log p and log(1 - p), of which the smaller is asked. */
const inverseGaussianQuantile: Definition = {
  name: "quantile of the inverse Gaussian",
  arguments: 3,
  results: 1,
  write(b, [k, logP, logQ]) {
    b.if(not(and(and(gt(k, 0), lt(k, Infinity)), and(le(logP, 0), le(logQ, 0)))), () => b.return(Number.NaN));
    b.if(eq(logP, -Infinity), () => b.return(0));
    b.if(eq(logQ, -Infinity), () => b.return(Infinity));
    // The start is that of a log normal of the same variance. The density of log x is log-concave.
    const spread = b.let(b.math("log1p", div(1, k)));
    const z = mul(sqrt(spread), b.math("normalQuantile", b.math("exp", least(logP, logQ))));
    const find = (side: 1 | -1): void => {
      const [own, target] = side === 1 ? [lower, logP] : [upper, logQ];
      // side log x. Both tails are below exp(-a²/2), which with √x = v and v - 1/v = a/√k bounds it.
      const reach = b.let(sqrt(div(mul(-2, target), k)));
      const bound = mul(-2, b.math("log", mul(0.5, add(reach, sqrt(add(mul(reach, reach), 4))))));
      const s = b.let(most(bound, add(mul(-0.5 * side, spread), z)));
      solveLog(
        b,
        s,
        [-LARGEST, LARGEST],
        target,
        (v) => b.call(own, k, b.math("exp", mul(side, v))),
        (v, log) => {
          // √(k/x) (x - 1) is 2 √k sinh(log x / 2)
          const half = b.let(mul(0.5 * side, v));
          const a = b.let(mul(sqrt(k), sub(b.math("exp", half), b.math("exp", neg(half)))));
          const density = sub(mul(0.5, sub(b.math("log", k), mul(a, a))), add(HALF_LOG_TWO_PI, half));
          return b.math("exp", sub(density, log));
        },
      );
      b.return(b.math("exp", mul(side, s)));
    };
    b.if(
      le(logP, logQ),
      () => find(1),
      () => find(-1),
    );
  },
};

export const inverseGaussianFunctions = { inverseGaussianQuantile } as const;
