// rounded(D, to =): observations that are multiples of a step, each standing for what is nearest to it.
import { UsageError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { positive, real } from "../../constraints/interval.ts";
import { range } from "../../ranges.ts";
import type { Applied } from "../applied.ts";
import { type Modifier, noClosedForms } from "./define.ts";
import { hostSampler } from "./host.ts";
import { logDifference, needNumbers } from "./sides.ts";

/** x is X rounded to a multiple of `to`: log P(x - to/2 < X < x + to/2), the ends moved inside the support. */
function rounded(d: Applied, to: Value): Applied {
  needNumbers(d, "rounded");
  const { logCdf, logCcdf } = d;
  if (d.support.constraint.discrete)
    throw new UsageError(`rounded takes a continuous distribution; ${d.name} is one of integers`);
  if (!logCdf || !logCcdf) throw new UsageError(`rounded needs P(X <= x), which is not known in closed form for ${d.name}`);
  const own = d.arguments.length;
  const host = hostSampler(d);
  const nearest = (b: Builder, x: Value, step: Value): Value => b.mul(step, b.round(b.div(x, step)));
  return {
    name: `rounded(${d.name})`,
    event: 0,
    eventShape: [],
    batchShape: d.batchShape,
    support: {
      constraint: real,
      declared: false,
      bounds(b) {
        const half = b.mul(b.constant(0.5), to);
        const { lower, upper } = d.support.bounds(b);
        return { lower: lower && b.sub(lower, half), upper: upper && b.add(upper, half) };
      },
    },
    arguments: [...d.arguments, { name: "to", value: to, rank: 0 }],
    withArguments: (values) => rounded(d.withArguments(values.slice(0, own)), values[own]),
    logDensity(b, x) {
      const half = b.mul(b.constant(0.5), to);
      const { lower, upper } = d.support.bounds(b);
      const from = b.sub(x, half);
      const until = b.add(x, half);
      const low = lower ? b.max(from, lower) : from;
      const high = upper ? b.min(until, upper) : until;
      const [cdf, ccdf] = [logCdf(b, low), logCcdf(b, high)];
      const inUpperTail = b.gt(cdf, b.constant(-Math.LN2));
      let l = b.select(inUpperTail, logDifference(b, logCcdf(b, low), ccdf), logDifference(b, logCdf(b, high), cdf));
      if (upper) l = b.select(b.ge(until, upper), logCcdf(b, low), l);
      return lower ? b.select(b.le(from, lower), logCdf(b, high), l) : l;
    },
    draw: d.draw && {
      gradient: "score",
      noise: (shape) => d.draw?.noise(shape) ?? [],
      build: (b, noise, shape) => nearest(b, d.draw?.build(b, noise, shape) ?? b.constant(Number.NaN), to),
    },
    sample: d.draw
      ? undefined
      : host &&
        ((rng, values, out) => {
          host(rng, values.slice(0, own), out);
          out[0] = values[own][0] * Math.round(out[0] / values[own][0]);
        }),
    normalised: d.normalised,
    notes: d.notes,
  };
}

export const roundedModifier: Modifier = {
  name: "rounded",
  doc: "Observations rounded to multiples of a step: P(x - to / 2 < X < x + to / 2).",
  usage: "rounded(D, to = step)",
  parameters: [{ name: "to", doc: "step", constraint: positive, named: true, rank: 0 }],
  bases: "one",
  over: "numbers",
  check(judge, [d], { to }) {
    if (d.discrete) judge.reject(d.span, "PPL218", `${d.name} is over integers`, "rounding is for real numbers");
    else if (!d.cdf || !d.ccdf)
      judge.reject(d.span, "PPL218", `${d.name} has no closed form of P(X <= x) here`, "rounding needs it");
    const half = to.range.upper / 2;
    return {
      ...noClosedForms,
      range: range(d.range.lower - half, d.range.upper + half),
      noDensity: "what is observed is rounded, and has no density",
    };
  },
  apply: (_b, [d], { to }) => rounded(d, to),
};
