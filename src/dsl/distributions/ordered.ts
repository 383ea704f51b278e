// Ordinal outcomes 1 … K: a latent score cut at ordered points.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Bounds } from "../constraints/define.ts";
import { category } from "../constraints/interval.ts";
import { ordered } from "../constraints/ordered.ts";
import { indexOf, pick } from "./categorical.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { location, oneNoise } from "./params.ts";
import { logit } from "./standardise.ts";

const cuts: Param = { constraint: ordered, rank: 1, doc: "K - 1 cut points" };
const cutsOf = (c: Value): number => shapeOf(c)[shapeOf(c).length - 1];
const upToK = (b: Builder, { c }: { readonly c: Value }): Bounds<Value> => ({
  lower: b.constant(1, "int"),
  upper: b.constant(cutsOf(c) + 1, "int"),
});

/** The cut points below and above category x; below the first and above the last one `end`. */
function around(b: Builder, x: Value, c: Value, end: number): { below: Value; above: Value } {
  const rank = shapeOf(c).length;
  const beyond = (v: number): Value => b.broadcastTo(b.constant(v), [...shapeOf(c).slice(0, -1), 1]);
  const k = indexOf(b, x);
  return {
    below: pick(b, b.concat([beyond(-end), c], rank - 1), k),
    above: pick(b, b.concat([c, beyond(end)], rank - 1), k),
  };
}
/** 1 + the number of cut points below the score. */
function categorise(b: Builder, score: Value, c: Value, shape: Shape): Value {
  const passed = b.gt(b.reshape(b.broadcastTo(score, shape), [...shape, 1]), c);
  return b.add(b.constant(1, "int"), b.sum(b.cast(passed, "int"), [shape.length]));
}

export const orderedLogistic = defineDistribution({
  name: "OrderedLogistic",
  doc: "x in 1 … K, the interval between the cut points c into which a Logistic(eta, 1) falls.",
  params: { eta: location("location of the latent score"), c: cuts },
  support: { constraint: category, bounds: upToK },
  event: 0,
  // σ(p) - σ(q), p = η - c_{x-1} > q = η - c_x, is e^p (1 - e^{q-p}) / ((1 + e^p)(1 + e^q)); q - p does not depend on η.
  logDensity: (b, x, { eta, c }) => {
    const { below, above } = around(b, x, c, Number.POSITIVE_INFINITY);
    return b.sub(b.log1mExp(b.sub(below, above)), b.add(b.softplus(b.sub(below, eta)), b.softplus(b.sub(eta, above))));
  },
  draw: {
    gradient: "score",
    noise: oneNoise("uniform"),
    build: (b, [u], { eta, c }, shape) => categorise(b, b.add(eta, logit(b, u)), c, shape),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 2, params: { eta: 0.75, c: [-1.5, 0.25, 2] }, logDensity: -1.2651704097904009 },
      { x: 1, params: { eta: 3, c: [-1.5, 0.25, 2] }, logDensity: -4.511047744848594 },
      { x: 4, params: { eta: -2.5, c: [-1.5, 0.25, 2] }, logDensity: -4.511047744848594 },
      { x: 2, params: { eta: 60, c: [-1, 1.5] }, logDensity: -58.585650483742036 },
      { x: 1, params: { eta: 0.5, c: [0.25] }, logDensity: -0.8259394198788436 },
      { x: 2, params: { eta: -45, c: [-1, -0.875] }, logDensity: -46.141290584763205 },
    ],
  },
});

/** Far enough for Φ to be 0 and 1, near enough for its logarithm and the slope of that to be finite. */
const BEYOND = 1e150;

export const orderedProbit = defineDistribution({
  name: "OrderedProbit",
  doc: "x in 1 … K, the interval between the cut points c into which a Normal(eta, 1) falls.",
  params: { eta: location("location of the latent score"), c: cuts },
  support: { constraint: category, bounds: upToK },
  event: 0,
  // log(Φ(q) - Φ(p)) = log Φ(q) + log(1 - Φ(p) / Φ(q)), reflected when the interval lies above 0.
  logDensity: (b, x, { eta, c }) => {
    const { below, above } = around(b, x, c, BEYOND);
    const p = b.sub(below, eta);
    const q = b.sub(above, eta);
    const reflect = b.gt(b.add(p, q), b.constant(0));
    const upper = b.logNormalCdf(b.select(reflect, b.neg(p), q));
    const lower = b.logNormalCdf(b.select(reflect, b.neg(q), p));
    return b.add(upper, b.log1mExp(b.sub(lower, upper)));
  },
  draw: {
    gradient: "score",
    noise: oneNoise("normal"),
    build: (b, [z], { eta, c }, shape) => categorise(b, b.add(eta, z), c, shape),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 2, params: { eta: 0.75, c: [-1.5, 0.25, 2] }, logDensity: -1.216338727936669 },
      { x: 1, params: { eta: 3, c: [-1.5, 0.25, 2] }, logDensity: -12.59241973571308 },
      { x: 4, params: { eta: -2.5, c: [-1.5, 0.25, 2] }, logDensity: -12.59241973571308 },
      { x: 2, params: { eta: 20, c: [-1, 1.5] }, logDensity: -174.9646100645466 },
      { x: 1, params: { eta: 0.5, c: [0.25] }, logDensity: -0.9130617648111351 },
      { x: 2, params: { eta: -15, c: [-1, -0.875] }, logDensity: -101.75046188780692 },
    ],
  },
});
