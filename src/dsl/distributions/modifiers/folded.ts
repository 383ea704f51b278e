// folded(D): the absolute value.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { constantOf } from "../../../runtime/ir/graph.ts";
import type { Bounds } from "../../constraints/define.ts";
import { count, nonnegative } from "../../constraints/interval.ts";
import { range } from "../../ranges.ts";
import type { Applied } from "../applied.ts";
import { LOG_2 } from "../standardise.ts";
import { boundless, type Modifier, noClosedForms } from "./define.ts";
import { hostSampler } from "./host.ts";
import { knownOrder, logDensityInside, logDifference, logTail, needNumbers, needOwnBounds } from "./sides.ts";

/** |X|; the same object where X is not negative. */
function folded(b: Builder, d: Applied): Applied {
  needNumbers(d, "folded");
  needOwnBounds(d, "folded");
  const { lower } = d.support.bounds(b);
  return lower && constantOf(lower)?.every((x) => x >= 0) ? d : fold(d);
}

function fold(d: Applied): Applied {
  const { discrete } = d.support.constraint;
  const { draw, logCdf, logCcdf } = d;
  const host = hostSampler(d);
  const isEven = d.symmetricAbout !== undefined && (constantOf(d.symmetricAbout)?.every((x) => x === 0) ?? false);
  const closed = logCdf !== undefined && logCcdf !== undefined;
  const tail = (b: Builder, side: "logCdf" | "logCcdf", x: Value): Value => logTail(b, d, side, x) ?? b.constant(Number.NaN);
  /** The mirror image of x, and for integers the one below it: X < -x. */
  const beyond = (b: Builder, x: Value): Value => (discrete ? b.sub(b.neg(x), b.constant(1)) : b.neg(x));
  const isBelow = (b: Builder, x: Value): Value => b.lt(x, b.constant(0));
  return {
    name: `folded(${d.name})`,
    event: 0,
    eventShape: [],
    batchShape: d.batchShape,
    support: {
      constraint: discrete ? count : nonnegative,
      declared: false,
      bounds: (b) => around(b, d.support.bounds(b), discrete),
    },
    arguments: d.arguments,
    withArguments: (values) => fold(d.withArguments(values)),
    logDensity(b, given) {
      const x = b.cast(given, "real");
      const bounds = d.support.bounds(b);
      const at = (y: Value): Value => logDensityInside(b, d, y, bounds);
      if (isEven && !discrete) return b.add(b.constant(LOG_2), at(x));
      const both = b.logAddExp(at(x), at(b.neg(x)));
      return discrete ? b.select(b.eq(x, b.constant(0)), at(x), both) : both;
    },
    // P(-x <= X <= x), from the tail in which the interval lies
    logCdf: closed
      ? (b, x) => {
          const [low, high] = [tail(b, "logCdf", beyond(b, x)), tail(b, "logCcdf", x)];
          const inUpperTail = b.gt(low, b.constant(-LOG_2));
          const inside = b.select(
            inUpperTail,
            logDifference(b, tail(b, "logCcdf", beyond(b, x)), high),
            logDifference(b, tail(b, "logCdf", x), low),
          );
          return b.select(isBelow(b, x), b.constant(Number.NEGATIVE_INFINITY), inside);
        }
      : undefined,
    logCcdf: closed
      ? (b, x) => b.select(isBelow(b, x), b.constant(0), b.logAddExp(tail(b, "logCcdf", x), tail(b, "logCdf", beyond(b, x))))
      : undefined,
    draw: draw && {
      gradient: draw.gradient,
      noise: (shape) => draw.noise(shape),
      build: (b, noise, shape) => b.abs(draw.build(b, noise, shape)),
    },
    sample: draw
      ? undefined
      : host &&
        ((rng, values, out) => {
          host(rng, values, out);
          out[0] = Math.abs(out[0]);
        }),
    undrawn: d.undrawn,
    normalised: d.normalised,
    notes: d.notes,
  };
}

/** Bounds of |X|. */
function around(b: Builder, { lower, upper }: Bounds<Value>, discrete: boolean): Bounds<Value> {
  const zero = b.constant(0, discrete ? "int" : "real");
  const mirrored = upper && b.neg(upper);
  const from = [lower, mirrored].filter((v) => v !== undefined && !knownOrder(v, zero));
  return {
    lower: from.reduce((most: Value, v) => (v ? b.max(most, v) : most), zero),
    upper: lower && upper && b.max(b.neg(lower), upper),
  };
}

export const foldedModifier: Modifier = {
  name: "folded",
  doc: "The absolute value of what is drawn: f(x) + f(-x), x >= 0.",
  usage: "folded(D)",
  parameters: [],
  bases: "one",
  over: "numbers",
  check(judge, [d]) {
    if (d.declaredSupport)
      judge.reject(d.span, "PPL218", boundless(d.name), "folding needs a distribution with bounds of its own");
    else if (d.noDensity !== undefined) judge.reject(d.span, "PPL218", `${d.name} has no density`, d.noDensity);
    if (d.range.lower >= 0) return {};
    const closed = d.cdf && d.ccdf;
    return {
      ...noClosedForms,
      cdf: closed,
      ccdf: closed,
      range: range(Math.max(0, d.range.lower, -d.range.upper), Math.max(-d.range.lower, d.range.upper)),
    };
  },
  apply: (b, [d]) => folded(b, d),
};
