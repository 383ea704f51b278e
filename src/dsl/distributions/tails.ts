// Distribution functions and quantiles that several families share, by the incomplete gamma and beta functions.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Distribution } from "./define.ts";

type P = Readonly<Record<string, Value>>;
type Tails = Required<Pick<Distribution, "logCdf" | "logCcdf" | "quantile" | "upperQuantile">>;

/** Of X = G / rate, G a gamma of this shape and rate 1. */
export function gammaTails(parameters: (b: Builder, p: P) => { readonly shape: Value; readonly rate: Value }): Tails {
  return {
    logCdf(b, x, p) {
      const { shape, rate } = parameters(b, p);
      return b.logGammaP(shape, b.mul(rate, x));
    },
    logCcdf(b, x, p) {
      const { shape, rate } = parameters(b, p);
      return b.logGammaQ(shape, b.mul(rate, x));
    },
    quantile(b, u, p) {
      const { shape, rate } = parameters(b, p);
      return b.div(b.gammaQuantile(shape, u), rate);
    },
    upperQuantile(b, u, p) {
      const { shape, rate } = parameters(b, p);
      return b.div(b.gammaUpperQuantile(shape, u), rate);
    },
  };
}

/** Of X = scale / G: small where G is large. */
export function inverseGammaTails(parameters: (b: Builder, p: P) => { readonly shape: Value; readonly scale: Value }): Tails {
  return {
    logCdf(b, x, p) {
      const { shape, scale } = parameters(b, p);
      return b.logGammaQ(shape, b.div(scale, x));
    },
    logCcdf(b, x, p) {
      const { shape, scale } = parameters(b, p);
      return b.logGammaP(shape, b.div(scale, x));
    },
    quantile(b, u, p) {
      const { shape, scale } = parameters(b, p);
      return b.div(scale, b.gammaUpperQuantile(shape, u));
    },
    upperQuantile(b, u, p) {
      const { shape, scale } = parameters(b, p);
      return b.div(scale, b.gammaQuantile(shape, u));
    },
  };
}

/** x of the odds x / (1 - x), at 0 and infinity too. */
export function ofOdds(b: Builder, odds: Value): Value {
  const one = b.constant(1);
  return b.select(b.lt(odds, one), b.div(odds, b.add(one, odds)), b.reciprocal(b.add(one, b.reciprocal(odds))));
}
/** log P(X <= x) and log P(X > x) of X ~ Beta(alpha, beta) at x given by its odds and those of 1 - x. */
const betaLower = (b: Builder, x: Value, alpha: Value, beta: Value): Value =>
  b.logBetaI(alpha, beta, b.div(x, b.sub(b.constant(1), x)));
const betaUpper = (b: Builder, x: Value, alpha: Value, beta: Value): Value =>
  b.logBetaI(beta, alpha, b.div(b.sub(b.constant(1), x), x));

export function betaTails(parameters: (b: Builder, p: P) => { readonly alpha: Value; readonly beta: Value }): Tails {
  return {
    logCdf(b, x, p) {
      const { alpha, beta } = parameters(b, p);
      return betaLower(b, x, alpha, beta);
    },
    logCcdf(b, x, p) {
      const { alpha, beta } = parameters(b, p);
      return betaUpper(b, x, alpha, beta);
    },
    quantile(b, u, p) {
      const { alpha, beta } = parameters(b, p);
      return ofOdds(b, b.betaQuantile(alpha, beta, u));
    },
    upperQuantile(b, u, p) {
      const { alpha, beta } = parameters(b, p);
      return ofOdds(b, b.reciprocal(b.betaQuantile(beta, alpha, u)));
    },
  };
}

type Quantiles = Required<Pick<Distribution, "quantile" | "upperQuantile">>;
/** Of log p and log q, p + q = 1: what is found from the smaller of them. */
export type ByLogs = (b: Builder, logP: Value, logQ: Value, p: P) => Value;
export const quantilesByLogs = (f: ByLogs): Quantiles => {
  const known = (b: Builder, u: Value, x: Value): Value =>
    b.select(b.and(b.ge(u, b.constant(0)), b.le(u, b.constant(1))), x, b.constant(Number.NaN));
  return {
    quantile: (b, u, p) => known(b, u, f(b, b.log(u), b.log1p(b.neg(u)), p)),
    upperQuantile: (b, u, p) => known(b, u, f(b, b.log1p(b.neg(u)), b.log(u), p)),
  };
};

/** What a probability may be off by when it was found by a distribution function: two roundings. */
const SLACK = 2 * Number.EPSILON;
/** Of integers: the least x with P(X <= x) >= p, or with P(X > x) <= q. So that it is x at the probability of x, p may be a little more and q less. */
export const countQuantilesByLogs = (f: ByLogs): Quantiles => {
  const { quantile, upperQuantile } = quantilesByLogs(f);
  const one = (b: Builder): Value => b.constant(1);
  return {
    quantile: (b, u, p) => quantile(b, b.select(b.lt(u, one(b)), b.mul(b.constant(1 - SLACK), u), u), p),
    upperQuantile: (b, u, p) => upperQuantile(b, b.select(b.lt(u, one(b)), b.min(b.mul(b.constant(1 + SLACK), u), one(b)), u), p),
  };
};

export type DiscreteTails = Required<Pick<Distribution, "logCdf" | "logCcdf">> & Quantiles;
const next = (b: Builder, x: Value): Value => b.add(x, b.constant(1));

/** A Poisson count is above x if x + 1 waiting times fit into its mean. */
export const poissonTails = (mean: (b: Builder, p: P) => Value): DiscreteTails => ({
  logCdf: (b, x, p) => b.logGammaQ(next(b, x), mean(b, p)),
  logCcdf: (b, x, p) => b.logGammaP(next(b, x), mean(b, p)),
  ...countQuantilesByLogs((b, logP, logQ, p) => b.poissonQuantile(mean(b, p), logP, logQ)),
});

/** Successes in N trials, by the odds of success and those of failure: more than x of them if the (x+1)st smallest of N uniforms is below
 *  the probability. At x = N there is no such one. */
export function binomialTails(odds: (b: Builder, p: P) => { readonly success: Value; readonly failure: Value }): DiscreteTails {
  const tail = (b: Builder, x: Value, N: Value, at: number, inside: (left: Value, above: Value) => Value): Value => {
    const left = b.sub(N, x);
    const one = b.constant(1);
    return b.select(b.gt(left, b.constant(0)), inside(b.max(left, one), next(b, x)), b.constant(at));
  };
  return {
    logCdf: (b, x, p) => tail(b, x, p.N, 0, (left, above) => b.logBetaI(left, above, odds(b, p).failure)),
    logCcdf: (b, x, p) => tail(b, x, p.N, Number.NEGATIVE_INFINITY, (left, above) => b.logBetaI(above, left, odds(b, p).success)),
    ...countQuantilesByLogs((b, logP, logQ, p) => {
      const { success, failure } = odds(b, p);
      return b.binomialQuantile(p.N, success, failure, logP, logQ);
    }),
  };
}

/** Failures before `shape` successes, by the mean over the shape, the odds of failure: more than x of them as above. */
export function negativeBinomialTails(
  parameters: (b: Builder, p: P) => { readonly shape: Value; readonly failure: Value },
): DiscreteTails {
  return {
    logCdf(b, x, p) {
      const { shape, failure } = parameters(b, p);
      return b.logBetaI(shape, next(b, x), b.reciprocal(failure));
    },
    logCcdf(b, x, p) {
      const { shape, failure } = parameters(b, p);
      return b.logBetaI(next(b, x), shape, failure);
    },
    ...countQuantilesByLogs((b, logP, logQ, p) => {
      const { shape, failure } = parameters(b, p);
      return b.negativeBinomialQuantile(shape, failure, logP, logQ);
    }),
  };
}
