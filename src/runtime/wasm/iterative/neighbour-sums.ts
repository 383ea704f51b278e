// Sums of probabilities of integers beside the one at the end, from the ratios of neighbours, and their derivatives by the parameters; and the
// probability at the end, which is made of beta functions.
// Beta-binomial: p_j / p_{j+1} = (j + 1) (N - j - 1 + b) / ((N - j) (j + a)).
// Beta-negative-binomial: p_{j+1} / p_j = (r + j) (β + j) / ((j + 1) (r + α + β + j)).
import type { F64, I32 } from "../module.ts";
import { betaKernel } from "./incomplete-beta.ts";
import {
  abs,
  add,
  and,
  type Body,
  type Definition,
  div,
  type Expression,
  ge,
  gt,
  lt,
  most,
  mul,
  not,
  or,
  sub,
} from "./scalar.ts";

/** Terms below this share of the sum are nothing in it. */
const NEGLIGIBLE = 1e-19;
/** Beyond them the sum is not known: NaN. */
const MOST_TERMS = 100_000_000;
/** From here on 40 terms of the series for the rest of a power law are enough. */
const LARGE = 32;

/** The ratio of the next term to the last one, and the derivative of its logarithm. */
interface Step {
  readonly ratio: F64;
  readonly slope: Expression;
}

/** log Σ_{j <= x} p_j / p_x, or its derivative where `slope` is given. Terms are positive: nothing cancels. */
const below = (
  name: string,
  parameters: number,
  ofSlope: boolean,
  valid: (x: F64, p: readonly F64[]) => I32,
  /** From p_{j+1} to p_j. */
  step: (g: Body, j: F64, p: readonly F64[]) => Step,
  /** Where ratios rise above 1 again, as those of small shapes do, they do so before j = 0: how much larger than the last one the sum of the terms
   *  not yet seen may be. */
  growth: (x: F64, p: readonly F64[]) => Expression,
): Definition => ({
  name,
  arguments: 1 + parameters,
  results: 1,
  write(g, [x, ...p]) {
    g.if(not(valid(x, p)), () => g.return(Number.NaN));
    const [term, total, slope, moment] = [1, 1, 0, 0].map((start) => g.let(start));
    const j = g.let(x);
    const share = g.let(div(NEGLIGIBLE, growth(x, p)));
    const isLeft = and(gt(j, 0), gt(term, mul(share, total)));
    g.if(gt(x, 0), () =>
      g.repeat(MOST_TERMS, () => {
        g.increase(j, -1);
        const next = step(g, j, p);
        g.set(term, mul(term, next.ratio));
        g.increase(total, term);
        if (ofSlope) {
          g.increase(slope, next.slope);
          g.increase(moment, mul(term, slope));
        }
        return isLeft;
      }),
    );
    g.if(isLeft, () => g.return(Number.NaN));
    g.return(ofSlope ? div(moment, total) : g.math("log", total));
  },
});

/** log B(a + c, b + d) / (B(a, b) B(c, d)): by the densities of all three at one point, the mean of the first, where its powers cancel. */
const logBetaPooled: Definition = {
  name: "log of a ratio of beta functions",
  arguments: 4,
  results: 1,
  write(g, [a, b, c, d]) {
    const [first, second] = [g.let(add(a, c)), g.let(add(b, d))];
    const odds = g.let(div(first, second));
    g.if(not(and(allPositive([a, b, c, d]), lt(add(first, second), Infinity))), () => g.return(Number.NaN));
    g.return(sub(add(g.call(betaKernel, a, b, odds), g.call(betaKernel, c, d, odds)), g.call(betaKernel, first, second, odds)));
  },
};
export const allPositive = (p: readonly F64[]): I32 => p.map((x) => and(gt(x, 0), lt(x, Infinity))).reduce(and);

// ---------------------------------------------------------------- the beta-binomial

/** Of x, N, a, b. */
const betaBinomial = (name: string, by: "value" | "a" | "b"): Definition =>
  below(
    name,
    3,
    by !== "value",
    (x, [n, a, b]) => and(and(gt(a, 0), gt(b, 0)), and(ge(x, 0), ge(n, x))),
    (g, j, [n, a, b]) => {
      const down = g.let(add(j, a));
      const up = g.let(add(sub(n, add(j, 1)), b));
      const ratio = g.let(div(mul(add(j, 1), up), mul(sub(n, j), down)));
      return { ratio, slope: by === "a" ? div(-1, down) : div(1, up) };
    },
    // The first term is polynomial in N beside others.
    (_x, [n]) => add(n, 1),
  );

// ---------------------------------------------------------------- the beta-negative-binomial

type Parameter = "r" | "alpha";
const isShape = (x: F64, p: readonly F64[]): I32 => and(and(ge(x, 0), lt(x, Infinity)), allPositive(p));

/** log Σ_{j <= x} p_j / p_x of x, r, α, β. */
const betaNegBinomialBelow = (name: string, by?: Parameter): Definition =>
  below(
    name,
    3,
    by !== undefined,
    isShape,
    (g, j, [r, alpha, beta]) => {
      const all = g.let(add(r, alpha, add(beta, j)));
      const first = g.let(add(r, j));
      const ratio = g.let(div(mul(add(j, 1), all), mul(first, add(beta, j))));
      return { ratio, slope: by === "r" ? sub(div(1, all), div(1, first)) : div(1, all) };
    },
    (x) => add(x, 1),
  );

/**
 * log Σ_{j >= x} p_j / p_x of x, r, α, β, whose terms fall as slowly as j^-(α+1). With S_m = Σ_{j >= x} p_j / ((j + 1) … (j + m)), E = r + α + β - 1 and
 * M = m + 1, telescoping (j + E) p_j / ((j + 1) … (j + m)) gives
 *   (α + m) S_m = (x + E) p_x / ((x + 1) … (x + m)) + (r - M) (β - M) S_{m+1}:
 * a series whose terms have the ratios (r - M) (β - M) / ((α + M) (x + M)). Between r and β they alternate, and they fall at last like m^-(r + α + β + x): terms
 * of the sum itself are added up until those ratios are below 1/4, and x is large.
 */
const betaNegBinomialAbove = (name: string, by?: Parameter): Definition => ({
  name,
  arguments: 4,
  results: 1,
  write(g, [x, r, alpha, beta]) {
    g.if(not(isShape(x, [r, alpha, beta])), () => g.return(Number.NaN));
    const excess = g.let(sub(add(r, alpha, beta), 1));
    const [total, totalSlope, term, termSlope] = [0, 0, 1, 0].map((start) => g.let(start));
    const j = g.let(x);
    const steady = g.let(mul(4, abs(sub(r, beta))));
    // What is left is (j + E) / α times the term where it falls like a power, less where it falls faster.
    const isLeft = gt(mul(term, most(1, div(add(j, excess), alpha))), mul(NEGLIGIBLE, total));
    const isUnsteady = and(or(lt(j, LARGE), and(lt(j, steady), lt(alpha, steady))), isLeft);
    g.if(isUnsteady, () =>
      g.repeat(MOST_TERMS, () => {
        g.increase(total, term);
        if (by) g.increase(totalSlope, termSlope);
        const first = g.let(add(r, j));
        const all = g.let(add(excess, 1, j));
        const ratio = g.let(div(mul(first, add(beta, j)), mul(add(j, 1), all)));
        if (by)
          g.set(termSlope, mul(ratio, add(termSlope, mul(term, by === "r" ? sub(div(1, first), div(1, all)) : div(-1, all)))));
        g.set(term, mul(term, ratio));
        g.increase(j, 1);
        return isUnsteady;
      }),
    );
    g.if(isUnsteady, () => g.return(Number.NaN));
    g.if(isLeft, () => {
      // The series for what is left, times the term that it begins with.
      const start = g.let(div(add(j, excess), alpha));
      const startSlope = by === "r" ? div(1, alpha) : div(sub(1, start), alpha);
      if (by) g.set(termSlope, add(mul(termSlope, start), mul(term, startSlope)));
      g.set(term, mul(term, start));
      const m = g.let(0);
      const isMore = gt(add(abs(term), by ? abs(termSlope) : 0), mul(NEGLIGIBLE, add(total, by ? abs(totalSlope) : 0)));
      g.repeat(MOST_TERMS, () => {
        g.increase(total, term);
        if (by) g.increase(totalSlope, termSlope);
        g.increase(m, 1);
        const under = g.let(mul(add(alpha, m), add(j, m)));
        const ratio = g.let(div(mul(sub(r, m), sub(beta, m)), under));
        if (by) {
          const slope = by === "r" ? div(sub(beta, m), under) : div(ratio, sub(0, add(alpha, m)));
          g.set(termSlope, add(mul(termSlope, ratio), mul(term, slope)));
        }
        g.set(term, mul(term, ratio));
        return isMore;
      });
      g.if(isMore, () => g.return(Number.NaN));
    });
    g.return(by ? div(totalSlope, total) : g.math("log", total));
  },
});

export const neighbourSums = {
  logBetaPooled,
  betaBinomialSum: betaBinomial("sum of the beta-binomial", "value"),
  betaBinomialSumSlopeA: betaBinomial("sum of the beta-binomial, by a", "a"),
  betaBinomialSumSlopeB: betaBinomial("sum of the beta-binomial, by b", "b"),
  betaNegBinomialBelow: betaNegBinomialBelow("sum of the beta-negative-binomial"),
  betaNegBinomialBelowSlopeR: betaNegBinomialBelow("sum of the beta-negative-binomial, by r", "r"),
  betaNegBinomialBelowSlopeA: betaNegBinomialBelow("sum of the beta-negative-binomial, by alpha", "alpha"),
  betaNegBinomialAbove: betaNegBinomialAbove("rest of the beta-negative-binomial"),
  betaNegBinomialAboveSlopeR: betaNegBinomialAbove("rest of the beta-negative-binomial, by r", "r"),
  betaNegBinomialAboveSlopeA: betaNegBinomialAbove("rest of the beta-negative-binomial, by alpha", "alpha"),
} as const;
