// inflated(p, at, D): the value `at` with probability p more than D gives it.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import type { Bounds } from "../../constraints/define.ts";
import { real, unit } from "../../constraints/interval.ts";
import { hull } from "../../ranges.ts";
import type { Applied } from "../applied.ts";
import { inflate } from "../zero-inflated.ts";
import { type Modifier, noClosedForms } from "./define.ts";
import { hostSampler } from "./host.ts";
import { knownOrder, logDensityInside, needNumbers } from "./sides.ts";

/** Of integers, p + (1 - p) f(at) at the value and (1 - p) f(x) elsewhere. Of reals, where f(at) has no mass unless it is one of its points, p
 *  there and (1 - p) f(x) elsewhere: a density with respect to Lebesgue measure and point masses. */
function inflated(p: Value, at: Value, d: Applied): Applied {
  needNumbers(d, "inflated");
  const { discrete } = d.support.constraint;
  const own = d.arguments.length;
  const host = hostSampler(d);
  const { draw } = d;
  const points = (b: Builder): readonly Value[] => d.points?.(b) ?? [];
  return {
    name: `inflated(${d.name})`,
    event: 0,
    eventShape: [],
    batchShape: d.batchShape,
    support: {
      constraint: discrete ? d.support.constraint : real,
      declared: false,
      bounds: (b) => including(b, d.support.bounds(b), at),
    },
    arguments: [...d.arguments, { name: "p", value: p, rank: 0 }, { name: "at", value: at, rank: 0 }],
    withArguments: (values) => inflated(values[own], values[own + 1], d.withArguments(values.slice(0, own))),
    logDensity(b, x) {
      const here = b.eq(b.cast(x, "real"), b.cast(at, "real"));
      if (!discrete) {
        const l = d.logDensity(b, x);
        const isPoint = points(b)
          .map((v) => b.eq(v, at))
          .reduce((v: Value | undefined, w) => (v ? b.or(v, w) : w), undefined);
        const alone = b.select(here, b.log(p), b.add(b.log1p(b.neg(p)), l));
        return isPoint ? b.select(isPoint, inflate(b, here, p, l), alone) : alone;
      }
      const bounds = d.support.bounds(b);
      const surely = (!bounds.lower || knownOrder(bounds.lower, at)) && (!bounds.upper || knownOrder(at, bounds.upper));
      return inflate(b, here, p, surely ? d.logDensity(b, x) : logDensityInside(b, d, b.cast(x, "real"), bounds));
    },
    draw: draw && {
      gradient: "score",
      noise: (shape) => [{ kind: "uniform", shape }, ...draw.noise(shape)],
      build: (b, [u, ...noise], shape) => {
        const x = draw.build(b, noise, shape);
        return b.select(b.lt(u, p), discrete ? b.cast(at, "int") : b.cast(at, "real"), x);
      },
    },
    sample: draw
      ? undefined
      : host &&
        ((rng, values, out) => {
          if (rng.uniform() < values[own][0]) out[0] = values[own + 1][0];
          else host(rng, values.slice(0, own), out);
        }),
    points: discrete ? undefined : (b) => [at, ...points(b)],
    normalised: d.normalised,
    notes: d.notes,
  };
}
/** The least interval around the support and the value. */
function including(b: Builder, { lower, upper }: Bounds<Value>, at: Value): Bounds<Value> {
  return {
    lower: lower && (knownOrder(lower, at) ? lower : b.min(lower, at)),
    upper: upper && (knownOrder(at, upper) ? upper : b.max(upper, at)),
  };
}

export const inflatedModifier: Modifier = {
  name: "inflated",
  doc: "The value `at` with probability p, else a draw of the distribution.",
  usage: "inflated(p, at, D)",
  parameters: [
    { name: "p", doc: "probability of the value", constraint: unit, rank: 0 },
    { name: "at", doc: "the value", rank: 0 },
  ],
  bases: "one",
  over: "numbers",
  check: (_judge, [d], { at }) => ({
    ...noClosedForms,
    range: hull(d.range, at.range),
    noDensity: d.discrete ? undefined : "one of its values has a probability of its own",
  }),
  apply: (_b, [d], { p, at }) => inflated(p, at, d),
};
