// The log density of the time u at which a Brownian motion from w comes to 0 before it comes to 1. With D_k = (∂^k f/∂w^k) / f, and f a solution
// of ∂f/∂u = ½ ∂²f/∂w²: ∂D_k/∂w = D_{k+1} - D_k D_1 and ∂D_k/∂u = ½ (D_{k+2} - D_k D_2).
import type { IterativeFunction } from "../../wasm/vector-emitter.ts";
import type { Builder, Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { at, bySecondDifference, COST, iterative } from "./iterative.ts";
import { probe, singular, vector } from "./pointwise.ts";

const { POSITIVE_INFINITY: inf, NaN: none } = Number;
const probes: readonly Probe<null>[] = [
  probe(vector(0.04, 0.11, 0.27, 0.33, 0.6, 1.7, 0.26), vector(0.3, 0.8, 0.45, 0.62, 0.23, 0.71, 0.9)),
  probe({ type: { shape: [], dtype: "real" }, values: [0.2] }, { type: { shape: [2, 1], dtype: "real" }, values: [0.37, 0.64] }),
  singular(vector(0.4, inf, none, 0.7, -0.3, 0.2), vector(-0.2, 0.4, 0.6, none, 0.3, 1.4)),
];

type Names = "firstPassage1" | "firstPassage2" | "firstPassage3" | "firstPassage4";
const half = (b: Builder, v: Value): Value => b.mul(b.constant(0.5), v);
/** D_k, from those of the orders k + 1 and k + 2, or by differences where they are not there. */
const derivative = (
  name: Names & IterativeFunction,
  self: () => Primitive<null>,
  next?: () => Primitive<null>,
  afterNext?: () => Primitive<null>,
): Primitive<null> =>
  iterative(
    name,
    COST,
    (b, xs, d) => {
      const [u, w] = xs;
      const byW = next
        ? b.sub(at(b, next(), xs), b.mul(d, at(b, firstPassage1, xs)))
        : bySecondDifference(b, w, (v) => at(b, self(), [u, v]));
      const byU = afterNext
        ? half(b, b.sub(at(b, afterNext(), xs), b.mul(d, at(b, firstPassage2, xs))))
        : bySecondDifference(b, u, (v) => at(b, self(), [v, w]));
      return [byU, byW];
    },
    probes,
    afterNext === undefined,
  );
export const firstPassage4: Primitive<null> = derivative("firstPassage4", () => firstPassage4);
export const firstPassage3: Primitive<null> = derivative(
  "firstPassage3",
  () => firstPassage3,
  () => firstPassage4,
);
export const firstPassage2: Primitive<null> = derivative(
  "firstPassage2",
  () => firstPassage2,
  () => firstPassage3,
  () => firstPassage4,
);
export const firstPassage1: Primitive<null> = derivative(
  "firstPassage1",
  () => firstPassage1,
  () => firstPassage2,
  () => firstPassage3,
);
/** log f; -inf for u <= 0 and at w = 0 and 1. */
export const logFirstPassage: Primitive<null> = iterative(
  "logFirstPassage",
  COST,
  (b, xs) => [half(b, at(b, firstPassage2, xs)), at(b, firstPassage1, xs)],
  probes,
);
