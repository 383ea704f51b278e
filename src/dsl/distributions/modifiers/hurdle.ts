// hurdle(p, D): zero with probability p, else a draw of D that is above zero.
import { UsageError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { constantOf } from "../../../runtime/ir/graph.ts";
import type { Bounds } from "../../constraints/define.ts";
import { count, real, unit } from "../../constraints/interval.ts";
import { type Range, range } from "../../ranges.ts";
import type { Applied } from "../applied.ts";
import { boundless, type Modifier, noClosedForms } from "./define.ts";
import { hostSampler } from "./host.ts";
import { knownOrder, logDensityInside, logTail, needNumbers, needOwnBounds } from "./sides.ts";
import { normaliserKnown, truncated } from "./truncated.ts";

/** Least value above zero; numbers have none. */
const least = (b: Builder, discrete: boolean): Value => (discrete ? b.constant(1, "int") : b.constant(0));

/** Unlike `inflated`, where zeros are D's as well as extra ones: none are D's, which is cut to what lies above. */
function hurdle(b: Builder, p: Value, d: Applied): Applied {
  needNumbers(d, "hurdle");
  needOwnBounds(d, "hurdle");
  const { upper } = d.support.bounds(b);
  if (upper && constantOf(upper)?.every((x) => x <= 0))
    throw new UsageError(`hurdle takes a distribution above 0; ${d.name} is not`);
  const above = truncated(b, d, { lower: least(b, d.support.constraint.discrete) });
  if (above !== d && !above.normalised)
    throw new UsageError(`hurdle needs P(X > 0), which is not known in closed form for ${d.name}`);
  const { lower } = d.support.bounds(b);
  return over(p, d, above, lower !== undefined && (constantOf(lower)?.every((x) => x >= 0) ?? false));
}

/** `d` cut to what is `above` zero; `isNonnegative`: but for zero nothing is cut off. */
function over(p: Value, d: Applied, above: Applied, isNonnegative: boolean): Applied {
  const { discrete } = above.support.constraint;
  const own = above.arguments.length;
  const host = hostSampler(above);
  const { draw } = above;
  const { mean } = d;
  const isCut = own > d.arguments.length;
  const log1p = (b: Builder): Value => b.log1p(b.neg(p));
  // Of real numbers zero has a probability of its own, and P(X >= x) is not P(X > x): nothing that asks for these may have them.
  const closed = discrete && above.logCdf !== undefined && above.logCcdf !== undefined;
  const tail = (b: Builder, side: "logCdf" | "logCcdf", x: Value): Value => logTail(b, above, side, x) ?? b.constant(Number.NaN);
  return {
    name: `hurdle(${d.name})`,
    event: 0,
    eventShape: [],
    batchShape: above.batchShape,
    support: {
      constraint: discrete ? count : real,
      declared: false,
      bounds: (b) => ({ lower: b.constant(0, discrete ? "int" : "real"), upper: above.support.bounds(b).upper }),
    },
    arguments: [...above.arguments, { name: "p", value: p, rank: 0 }],
    withArguments: (values) =>
      over(
        values[own],
        d.withArguments(values.slice(0, d.arguments.length)),
        above.withArguments(values.slice(0, own)),
        isNonnegative,
      ),
    logDensity(b, x) {
      const at = b.cast(x, "real");
      const isZero = b.eq(at, b.constant(0));
      const near = discrete ? b.max(at, b.constant(1)) : at;
      return b.select(isZero, b.log(p), b.add(log1p(b), logAbove(b, above, near)));
    },
    logCdf: closed
      ? (b, x) => b.select(b.lt(x, b.constant(0)), b.constant(Number.NEGATIVE_INFINITY), fromZero(b, p, tail(b, "logCdf", x)))
      : undefined,
    logCcdf: closed
      ? (b, x) => b.select(b.lt(x, b.constant(0)), b.constant(0), b.add(log1p(b), tail(b, "logCcdf", x)))
      : undefined,
    mean:
      mean && isNonnegative
        ? (b) => {
            const all = b.mul(b.sub(b.constant(1), p), mean(b));
            return isCut ? b.div(all, b.neg(b.expm1(d.logDensity(b, b.constant(0))))) : all;
          }
        : undefined,
    draw: draw && {
      gradient: "score",
      noise: (shape) => [{ kind: "uniform", shape }, ...draw.noise(shape)],
      build: (b, [u, ...noise], shape) =>
        b.select(b.lt(u, p), b.constant(0, discrete ? "int" : "real"), draw.build(b, noise, shape)),
    },
    sample: draw
      ? undefined
      : host &&
        ((rng, values, out) => {
          if (rng.uniform() < values[own][0]) out[0] = 0;
          else host(rng, values.slice(0, own), out);
        }),
    points: discrete ? undefined : (b) => [b.constant(0)],
    normalised: above.normalised,
    notes: above.notes,
  };
}
/** log(p + (1 - p) e^l) */
const fromZero = (b: Builder, p: Value, l: Value): Value => b.logAddExp(b.log(p), b.add(b.log1p(b.neg(p)), l));

/** The density of what is above zero, -inf between zero and where D begins. */
function logAbove(b: Builder, above: Applied, x: Value): Value {
  const bounds: Bounds<Value> = above.support.bounds(b);
  const from = least(b, above.support.constraint.discrete);
  return !bounds.lower || knownOrder(bounds.lower, from) ? above.logDensity(b, x) : logDensityInside(b, above, x, bounds);
}

export const hurdleModifier: Modifier = {
  name: "hurdle",
  doc: "0 with probability p, else a draw of the distribution that is above 0: whether, and if so, how much. Of counts or of numbers.",
  usage: "hurdle(p, D)",
  parameters: [{ name: "p", doc: "probability of 0", constraint: unit, rank: 0 }],
  bases: "one",
  over: "numbers",
  check(judge, [d]) {
    const from: Range = d.discrete ? range(1, 1) : range(0, 0);
    const isCut = d.range.lower < from.upper;
    if (d.declaredSupport)
      judge.reject(d.span, "PPL218", boundless(d.name), "a hurdle needs a distribution with bounds of its own");
    else if (d.noDensity !== undefined) judge.reject(d.span, "PPL218", `${d.name} has no density`, d.noDensity);
    else if (d.range.upper <= 0) judge.reject(d.span, "PPL218", `${d.name} is never above 0 here`, "a hurdle needs what is");
    else if (isCut && (!d.normalised || normaliserKnown(d, { lower: from }, true) === "unknown"))
      judge.reject(d.span, "PPL218", `${d.name} has no closed form of P(X > 0) here`, "a hurdle needs it");
    const closed = d.discrete && d.cdf && d.ccdf;
    return {
      ...noClosedForms,
      cdf: closed,
      ccdf: closed,
      range: range(0, d.range.upper),
      noDensity: d.discrete ? undefined : "one of its values has a probability of its own",
    };
  },
  apply: (b, [d], { p }) => hurdle(b, p, d),
};
