// Sums of beta-binomial probabilities beside the last one: log Σ_{j <= x} p_j / p_x, from the ratios of neighbours
// p_j / p_{j+1} = (j + 1) (N - j - 1 + b) / ((N - j) (j + a)), and its derivatives by a and b. Terms are positive: nothing cancels.
import { add, and, type Definition, div, ge, gt, mul, not, sub } from "./scalar.ts";

/** Terms below this share of the sum are nothing in it, and so are all before them once they fall. */
const NEGLIGIBLE = 1e-19;
const MOST_TERMS = 100_000_000;

const sum = (name: string, by: "value" | "a" | "b"): Definition => ({
  name,
  arguments: 4,
  results: 1,
  write(g, [x, n, a, b]) {
    g.if(not(and(and(gt(a, 0), gt(b, 0)), and(ge(x, 0), ge(n, x)))), () => g.return(Number.NaN));
    const [term, total, slope, moment] = [1, 1, 0, 0].map((start) => g.let(start));
    const j = g.let(x);
    g.if(gt(x, 0), () =>
      g.repeat(MOST_TERMS, () => {
        g.increase(j, -1);
        const down = g.let(add(j, a));
        const up = g.let(add(sub(n, add(j, 1)), b));
        const ratio = g.let(div(mul(add(j, 1), up), mul(sub(n, j), down)));
        g.set(term, mul(term, ratio));
        g.increase(total, term);
        if (by === "a") g.set(slope, sub(slope, div(1, down)));
        if (by === "b") g.increase(slope, div(1, up));
        if (by !== "value") g.increase(moment, mul(term, slope));
        // Where ratios rise above 1 again, as those of shapes below 1 do, they do so before j = 0, whose term is polynomial in N beside others.
        return and(gt(j, 0), gt(term, mul(NEGLIGIBLE, div(total, add(n, 1)))));
      }),
    );
    g.return(by === "value" ? g.math("log", total) : div(moment, total));
  },
});

export const betaBinomialFunctions = {
  betaBinomialSum: sum("sum of the beta-binomial", "value"),
  betaBinomialSumSlopeA: sum("sum of the beta-binomial, by a", "a"),
  betaBinomialSumSlopeB: sum("sum of the beta-binomial, by b", "b"),
} as const;
