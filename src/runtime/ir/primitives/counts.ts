// Counts: sums of probabilities beside the one at their end, and quantiles.
import type { IterativeFunction } from "../../wasm/vector-emitter.ts";
import type { Builder, Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { at, bySecondDifference, COST, iterative } from "./iterative.ts";
import { integers, probe, singular, vector } from "./pointwise.ts";

const { POSITIVE_INFINITY: inf, NaN: none } = Number;
type Sized = Primitive<null>;
/** Derivatives of a function by differences, at those of its operands that are named; none by the others. */
const byDifferences =
  (self: () => Sized, parameters: readonly number[]) =>
  (b: Builder, xs: readonly Value[]): (Value | null)[] =>
    xs.map((x, i) =>
      parameters.includes(i)
        ? bySecondDifference(b, x, (v) =>
            at(
              b,
              self(),
              xs.map((other, j) => (j === i ? v : other)),
            ),
          )
        : null,
    );
/** A derivative, whose own derivatives are differences. */
const slopeOf = (
  name: IterativeFunction,
  self: () => Sized,
  parameters: readonly number[],
  probes: readonly Probe<null>[],
): Sized => iterative(name, COST, byDifferences(self, parameters), probes, true);

const ofPooled: readonly Probe<null>[] = [
  probe(
    vector(0.4, 1.8, 3.5, 12.5, 0.03),
    vector(0.7, 2.3, 1.7, 40.2, 0.4),
    vector(3.4, 0.2, 7.1, 200.3, 5.5),
    vector(2.6, 8.1, 0.6, 31.5, 1.3),
  ),
  singular(vector(none, 1.5, inf), vector(1.5, -2.5, 2.5), vector(2.1, 0.3, 0.4), vector(0.3, 0.2, 1.7)),
];
/** log B(a + c, b + d) / (B(a, b) B(c, d)) */
export const logBetaPooled = iterative(
  "logBetaPooled",
  600,
  (b, [p, q, r, s]) => {
    const [first, second] = [b.digamma(b.add(p, r)), b.digamma(b.add(q, s))];
    const all = b.digamma(b.add(b.add(p, q), b.add(r, s)));
    const by = (own: Value, other: Value, pooled: Value): Value =>
      b.sub(b.sub(pooled, all), b.sub(b.digamma(own), b.digamma(b.add(own, other))));
    return [by(p, q, first), by(q, p, second), by(r, s, first), by(s, r, second)];
  },
  ofPooled,
);

// ---------------------------------------------------------------- the beta-binomial

const ofSum: readonly Probe<null>[] = [
  probe(integers(3, 0, 7, 20, 2), integers(9, 4, 7, 50, 6), vector(0.4, 1.8, 3.5, 12.5, 0.03), vector(0.7, 2.3, 1.7, 40.2, 0.4)),
  probe(integers(5), integers(8), vector(0.7, 2.1, 5.2), { type: { shape: [2, 1], dtype: "real" }, values: [0.6, 1.4] }),
  singular(integers(2, 1, 3), integers(4, 5, 6), vector(none, 1.5, inf), vector(1.5, -2, 2.5)),
];
/** Derivatives by a and b. */
export const betaBinomialSumSlopeA: Sized = slopeOf("betaBinomialSumSlopeA", () => betaBinomialSumSlopeA, [2, 3], ofSum);
export const betaBinomialSumSlopeB: Sized = slopeOf("betaBinomialSumSlopeB", () => betaBinomialSumSlopeB, [2, 3], ofSum);
/** log P(X <= x) / P(X = x) of a beta-binomial X with N trials, of integers x and N and of a and b */
export const betaBinomialSum = iterative(
  "betaBinomialSum",
  COST,
  (b, xs) => [null, null, at(b, betaBinomialSumSlopeA, xs), at(b, betaBinomialSumSlopeB, xs)],
  ofSum,
);

// ---------------------------------------------------------------- the beta-negative-binomial

const ofWaring: readonly Probe<null>[] = [
  probe(
    integers(3, 1, 7, 45, 2),
    vector(0.4, 1.8, 3.5, 12.5, 0.03),
    vector(0.7, 2.3, 1.7, 40.2, 0.4),
    vector(2.2, 0.6, 5.1, 80.3, 1.4),
  ),
  probe(
    integers(5),
    vector(0.7, 2.1, 5.2),
    { type: { shape: [2, 1], dtype: "real" }, values: [0.6, 1.4] },
    vector(1.3, 0.2, 3.4),
  ),
  singular(integers(2, 1, 3), vector(none, 1.5, inf), vector(1.5, -2, 2.5), vector(0.3, 1.6, 0.7)),
];
type Side = "Below" | "Above";
/** Of x, r, alpha and beta. What r does beta does: the probabilities do not tell one from the other. */
function waring(side: Side): { readonly sum: Sized; readonly byR: Sized; readonly byAlpha: Sized } {
  const byR: Sized = slopeOf(`betaNegBinomial${side}SlopeR`, () => byR, [1, 2, 3], ofWaring);
  const byAlpha: Sized = slopeOf(`betaNegBinomial${side}SlopeA`, () => byAlpha, [1, 2, 3], ofWaring);
  const sum: Sized = iterative(
    `betaNegBinomial${side}`,
    COST,
    (b, xs) => {
      const [x, r, alpha, beta] = xs;
      return [null, at(b, byR, xs), at(b, byAlpha, xs), at(b, byR, [x, beta, alpha, r])];
    },
    ofWaring,
  );
  return { sum, byR, byAlpha };
}
const [below, above] = [waring("Below"), waring("Above")];
/** log P(X <= x) / P(X = x) and log P(X >= x) / P(X = x) of a beta-negative-binomial X */
export const betaNegBinomialBelow = below.sum;
export const betaNegBinomialAbove = above.sum;
/** Their derivatives by r and by alpha. */
export const betaNegBinomialBelowSlopeR = below.byR;
export const betaNegBinomialBelowSlopeA = below.byAlpha;
export const betaNegBinomialAboveSlopeR = above.byR;
export const betaNegBinomialAboveSlopeA = above.byAlpha;

// ---------------------------------------------------------------- quantiles

/** Of the parameters, log p and log(1 - p): integers, which stay as they are nearby. */
const quantile = (name: IterativeFunction, ...parameters: readonly Probe<null>["inputs"][number][]): Sized =>
  iterative(name, 20 * COST, (_b, xs) => xs.map(() => null), [
    probe(...parameters, vector(-0.2, -3.4, -0.9, -12.5), vector(-1.71, -0.034, -0.52, -3.7e-6)),
    singular(...parameters, vector(-0.3, -inf, none, 0.1), vector(-1.3, -1e-300, -0.5, -0.5)),
  ]);
export const poissonQuantile = quantile("poissonQuantile", vector(0.4, 3.7, 25.2, 1200.5));
/** Of N, and the odds of success and of failure. */
export const binomialQuantile = quantile(
  "binomialQuantile",
  integers(7, 12, 3, 250),
  vector(0.4, 1.6, 3.2, 0.1),
  vector(2.5, 0.625, 0.3125, 10.5),
);
/** Of the shape and the odds of failure. */
export const negativeBinomialQuantile = quantile(
  "negativeBinomialQuantile",
  vector(0.4, 3.7, 25.2, 120.5),
  vector(2.3, 0.6, 1.4, 7.2),
);
/** Of N, a and b. */
export const betaBinomialQuantile = quantile(
  "betaBinomialQuantile",
  integers(7, 12, 3, 250),
  vector(0.4, 1.6, 3.2, 20.1),
  vector(2.5, 0.6, 0.3, 10.2),
);
/** Of r, alpha and beta. */
export const betaNegBinomialQuantile = quantile(
  "betaNegBinomialQuantile",
  vector(0.4, 1.6, 3.2, 20.1),
  vector(2.5, 3.6, 5.3, 10.2),
  vector(7.4, 0.8, 2.1, 35.3),
);
