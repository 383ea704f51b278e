// Quantiles of counts: the least x with log P(X <= x) >= log p, or with log P(X > x) <= log q where that is the smaller of the two, found by steps that double
// and then by halves. The functions of the tails are those of the distributions, so that the quantile of a probability found at x is x.
import type { F64, I32 } from "../module.ts";
import { betaFunctions } from "./incomplete-beta.ts";
import { gammaFunctions } from "./incomplete-gamma.ts";
import { allPositive, neighbourSums } from "./neighbour-sums.ts";
import { logComplement } from "./pieces.ts";
import {
  add,
  and,
  type Body,
  choose,
  type Definition,
  div,
  type Expression,
  eq,
  floor,
  ge,
  gt,
  le,
  least,
  lt,
  most,
  mul,
  neg,
  not,
  or,
  sqrt,
  sub,
} from "./scalar.ts";

/** Steps double up to the largest double, and intervals are halved from there. */
const MOST_STEPS = 2200;
/** Rounding of a probability that was exp of a logarithm, in units of 1 + |log p|. */
const ROUNDING = 4 * Number.EPSILON;
/** The same, of distribution functions that are computed in other places in other orders. */
const ROUNDING_OF_SUMS = 32 * Number.EPSILON;
/** The number of deviations that a start is at most from the mean. */
const FARTHEST = 40;

interface Count {
  readonly name: string;
  readonly parameters: number;
  readonly rounding: number;
  valid(p: readonly F64[]): I32;
  /** The largest value with a probability. */
  most(p: readonly F64[]): Expression;
  /** Where to begin: a mean and a standard deviation, roughly. */
  mean(p: readonly F64[]): Expression;
  variance(p: readonly F64[], mean: F64): Expression;
  /** log P(X <= x) and log P(X > x), 0 <= x < most. */
  logCdf(b: Body, x: F64, p: readonly F64[]): Expression;
  logCcdf(b: Body, x: F64, p: readonly F64[]): Expression;
}

/** Whether x, 0 <= x < most, is large enough: of the parameters, x, whether the lower tail is asked, and its logarithm. */
const enough = (d: Count): Definition => ({
  name: `${d.name}: is it enough`,
  arguments: d.parameters + 3,
  results: 1,
  write(b, args) {
    const p = args.slice(0, d.parameters);
    const [x, isLower, log] = args.slice(d.parameters);
    const slack = b.let(mul(d.rounding, sub(1, log)));
    b.if(eq(isLower, 1), () => b.return(choose(ge(d.logCdf(b, x, p), sub(log, slack)), 1, 0)));
    b.return(choose(le(d.logCcdf(b, x, p), add(log, slack)), 1, 0));
  },
});

/** Of the parameters, log p and log q, p + q = 1. */
function countQuantile(d: Count): Definition {
  const test = enough(d);
  return {
    name: d.name,
    arguments: d.parameters + 2,
    results: 1,
    write(b, args) {
      const p = args.slice(0, d.parameters);
      const [logP, logQ] = args.slice(d.parameters);
      b.if(not(and(d.valid(p), and(le(logP, 0), le(logQ, 0)))), () => b.return(Number.NaN));
      const largest = b.let(d.most(p));
      b.if(eq(logQ, -Infinity), () => b.return(largest));
      b.if(or(eq(logP, -Infinity), le(largest, 0)), () => b.return(0));
      const isLower = b.let(choose(le(logP, logQ), 1, 0));
      const log = b.let(least(logP, logQ));
      const reaches = (x: F64): I32 => eq(b.call(test, ...p, x, isLower, log), 1);

      const z = b.let(most(-FARTHEST, b.math("normalQuantile", b.math("exp", log))));
      const mean = b.let(d.mean(p));
      const deviation = b.let(sqrt(d.variance(p, mean)));
      const start = b.let(floor(add(mean, mul(deviation, choose(eq(isLower, 1), z, neg(z))))));
      const last = b.let(sub(largest, 1));
      // Of means beyond the doubles too
      const above = b.let(choose(ge(start, 0), least(start, least(last, 1e15)), 0));
      const below = b.let(0);
      const step = b.let(most(1, floor(mul(0.125, choose(lt(deviation, 1e15), deviation, 1)))));
      b.if(
        reaches(above),
        () => {
          // Down to a `below` that does not reach, or -1.
          b.set(below, most(-1, sub(above, step)));
          const isHigh = and(ge(below, 0), reaches(below));
          b.repeat(MOST_STEPS, () => {
            const high = b.let(choose(isHigh, 1, 0));
            b.if(eq(high, 1), () => {
              b.set(above, below);
              b.set(step, mul(2, step));
              b.set(below, most(-1, sub(above, step)));
            });
            return eq(high, 1);
          });
        },
        () => {
          // Up to an `above` that reaches; the largest does.
          b.set(below, above);
          b.set(above, add(below, step));
          b.repeat(MOST_STEPS, () => {
            const low = b.let(0);
            b.if(lt(above, largest), () => b.set(low, choose(reaches(above), 0, 1)));
            b.if(eq(low, 1), () => {
              b.set(below, above);
              b.set(step, mul(2, step));
              b.set(above, add(below, step));
            });
            return eq(low, 1);
          });
          b.if(gt(above, largest), () => b.set(above, largest));
        },
      );
      b.if(ge(above, Infinity), () => b.return(above));
      b.repeat(MOST_STEPS, () => {
        const middle = b.let(floor(add(below, mul(0.5, sub(above, below)))));
        const isBetween = b.let(choose(and(gt(middle, below), lt(middle, above)), 1, 0));
        b.if(eq(isBetween, 1), () =>
          b.if(
            reaches(middle),
            () => b.set(above, middle),
            () => b.set(below, middle),
          ),
        );
        return eq(isBetween, 1);
      });
      b.return(above);
    },
  };
}

const isCount = (n: F64): I32 => and(ge(n, 0), lt(n, Infinity));

const poisson: Count = {
  name: "quantile of the Poisson",
  parameters: 1,
  rounding: ROUNDING,
  valid: ([mean]) => isCount(mean),
  most: ([mean]) => choose(gt(mean, 0), Infinity, 0),
  mean: ([mean]) => mean,
  variance: (_p, mean) => mean,
  logCdf: (b, x, [mean]) => b.call(gammaFunctions.logGammaQ, add(x, 1), mean),
  logCcdf: (b, x, [mean]) => b.call(gammaFunctions.logGammaP, add(x, 1), mean),
};

/** Of N, the odds of success and those of failure. */
const binomial: Count = {
  name: "quantile of the binomial",
  parameters: 3,
  rounding: ROUNDING,
  valid: ([n, success, failure]) => and(isCount(n), and(ge(success, 0), ge(failure, 0))),
  most: ([n, success]) => choose(gt(success, 0), n, 0),
  mean: ([n, , failure]) => div(n, add(1, failure)),
  variance: ([, success], mean) => div(mean, add(1, success)),
  logCdf: (b, x, [n, , failure]) => b.call(betaFunctions.logBetaI, sub(n, x), add(x, 1), failure),
  logCcdf: (b, x, [n, success]) => b.call(betaFunctions.logBetaI, add(x, 1), sub(n, x), success),
};

/** Of the shape and the odds of failure. */
const negativeBinomial: Count = {
  name: "quantile of the negative binomial",
  parameters: 2,
  rounding: ROUNDING,
  valid: ([shape, failure]) => and(allPositive([shape]), isCount(failure)),
  most: ([, failure]) => choose(gt(failure, 0), Infinity, 0),
  mean: ([shape, failure]) => mul(shape, failure),
  variance: ([, failure], mean) => mul(mean, add(1, failure)),
  logCdf: (b, x, [shape, failure]) => b.call(betaFunctions.logBetaI, shape, add(x, 1), div(1, failure)),
  logCcdf: (b, x, [shape, failure]) => b.call(betaFunctions.logBetaI, add(x, 1), shape, failure),
};

/** log P(X <= x), as the sum down from P(X = x) = B(x + a, N - x + b) / (B(a, b) (N + 1) B(x + 1, N - x + 1)). */
const betaBinomialSum: Definition = {
  name: "log of a sum of the beta-binomial",
  arguments: 4,
  results: 1,
  write(g, [x, n, a, b]) {
    const rest = g.let(sub(n, x));
    const all = g.let(add(n, a, b));
    const pooled = g.call(neighbourSums.logBetaPooled, a, b, add(x, 1), add(rest, 1));
    const odd = g.math("log", mul(div(all, add(x, a)), div(add(all, 1), mul(add(rest, b), add(n, 1)))));
    g.return(add(pooled, odd, g.call(neighbourSums.betaBinomialSum, x, n, a, b)));
  },
};
/** Below the mean the sum, above it the complement of that of the others. */
const betaBinomialTail: Definition = {
  name: "log of a tail of the beta-binomial",
  arguments: 4,
  results: 1,
  write(g, [x, n, a, b]) {
    g.if(lt(mul(x, add(a, b)), mul(n, a)), () => g.return(g.call(betaBinomialSum, x, n, a, b)));
    const others = g.let(sub(sub(n, x), 1));
    g.return(g.call(logComplement, g.call(betaBinomialSum, others, n, b, a)));
  },
};
/** Of N, a and b. */
const betaBinomial: Count = {
  name: "quantile of the beta-binomial",
  parameters: 3,
  rounding: ROUNDING_OF_SUMS,
  valid: ([n, a, b]) => and(isCount(n), allPositive([a, b])),
  most: ([n]) => n,
  mean: ([n, a, b]) => mul(n, div(a, add(a, b))),
  variance: ([n, a, b], mean) => mul(mean, div(b, add(a, b)), div(add(a, b, n), add(a, b, 1))),
  logCdf: (g, x, [n, a, b]) => g.call(betaBinomialTail, x, n, a, b),
  logCcdf: (g, x, [n, a, b]) => g.call(betaBinomialTail, sub(sub(n, x), 1), n, b, a),
};

/** log P(X = x) = log B(α + r, β + x) / (B(α, β) (r + x) B(r, x + 1)) */
const betaNegBinomialMass: Definition = {
  name: "log of a probability of the beta-negative-binomial",
  arguments: 4,
  results: 1,
  write(g, [x, r, alpha, beta]) {
    const failures = g.let(add(beta, x));
    const pooled = g.call(neighbourSums.logBetaPooled, alpha, beta, r, add(x, 1));
    g.return(add(pooled, g.math("log", div(add(alpha, r, failures), mul(failures, add(r, x))))));
  },
};
/** log P(X <= x), or of P(X > x) where `side` is 1: below the middle by the sum, above it by the rest. */
const betaNegBinomialTail: Definition = {
  name: "log of a tail of the beta-negative-binomial",
  arguments: 5,
  results: 1,
  write(g, [x, r, alpha, beta, side]) {
    const log = g.let(0);
    const isLow = g.let(choose(lt(mul(add(x, 0.5), alpha), mul(r, beta)), 1, 0));
    g.if(
      eq(isLow, 1),
      () =>
        g.set(
          log,
          add(g.call(betaNegBinomialMass, x, r, alpha, beta), g.call(neighbourSums.betaNegBinomialBelow, x, r, alpha, beta)),
        ),
      () => {
        const next = g.let(add(x, 1));
        g.set(
          log,
          add(
            g.call(betaNegBinomialMass, next, r, alpha, beta),
            g.call(neighbourSums.betaNegBinomialAbove, next, r, alpha, beta),
          ),
        );
      },
    );
    g.if(not(eq(isLow, side)), () => g.return(log));
    g.return(g.call(logComplement, log));
  },
};
/** Of r, α and β. Its mean need not be; the middle is near r β / α. */
const betaNegBinomial: Count = {
  name: "quantile of the beta-negative-binomial",
  parameters: 3,
  rounding: ROUNDING_OF_SUMS,
  valid: allPositive,
  most: () => Infinity,
  mean: ([r, alpha, beta]) => div(mul(r, beta), alpha),
  variance: ([r, alpha, beta], mean) => mul(mean, div(add(r, alpha), alpha), div(add(alpha, beta), alpha)),
  logCdf: (g, x, p) => g.call(betaNegBinomialTail, x, ...p, 0),
  logCcdf: (g, x, p) => g.call(betaNegBinomialTail, x, ...p, 1),
};

export const countQuantiles = {
  poissonQuantile: countQuantile(poisson),
  binomialQuantile: countQuantile(binomial),
  negativeBinomialQuantile: countQuantile(negativeBinomial),
  betaBinomialQuantile: countQuantile(betaBinomial),
  betaNegBinomialQuantile: countQuantile(betaNegBinomial),
} as const;
