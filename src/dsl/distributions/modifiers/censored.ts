// censored(D, left = c, right = c) and rounded(D, to =): observations that are known only to lie in a set.
import { UsageError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { dtypeOf } from "../../../runtime/ir/graph.ts";
import { real } from "../../constraints/interval.ts";
import type { Applied, Argument } from "../applied.ts";
import type { Modifier } from "./define.ts";
import { hostSampler } from "./host.ts";
import { logDifference, needNumbers } from "./sides.ts";

const lacks = (what: string, d: Applied, p: string): never => {
  throw new UsageError(`${what} needs ${p}, which is not known in closed form for ${d.name}`);
};
const holds = (b: Builder, c: Value): Value => (dtypeOf(c) === "bool" ? c : b.ne(c, b.constant(0, dtypeOf(c))));

/** Where the condition holds x says that X is at most x (left) or at least x (right). */
function censored(d: Applied, left: Value | undefined, right: Value | undefined): Applied {
  needNumbers(d, "censored");
  const { logCdf, logCcdf } = d;
  if (left && !logCdf) lacks("censored(…, left = …)", d, "P(X <= x)");
  if (right && !logCcdf) lacks("censored(…, right = …)", d, "P(X >= x)");
  const conditions: Argument[] = [
    ...(left ? [{ name: "left", value: left, rank: 0 }] : []),
    ...(right ? [{ name: "right", value: right, rank: 0 }] : []),
  ];
  const own = d.arguments.length;
  const host = hostSampler(d);
  return {
    name: `censored(${d.name})`,
    event: 0,
    eventShape: [],
    batchShape: d.batchShape,
    support: d.support,
    arguments: [...d.arguments, ...conditions],
    withArguments: (values) =>
      censored(d.withArguments(values.slice(0, own)), left && values[own], right && values[own + (left ? 1 : 0)]),
    logDensity(b, x) {
      let l = d.logDensity(b, x);
      if (left && logCdf) l = b.select(holds(b, left), logCdf(b, x), l);
      if (!right || !logCcdf) return l;
      const below = d.support.constraint.discrete ? b.sub(x, b.constant(1)) : x;
      return b.select(holds(b, right), logCcdf(b, below), l);
    },
    // What would have been seen without censoring: the points at which it would have stopped are not known.
    draw: d.draw,
    sample: d.draw ? undefined : host && ((rng, values, out) => host(rng, values.slice(0, own), out)),
    normalised: d.normalised,
    notes: d.notes,
  };
}

export const censoredModifier: Modifier = {
  name: "censored",
  doc: "Observations that are bounds where a condition holds: log P(X <= x) where left, log P(X >= x) where right, log f(x) elsewhere.",
  parameters: [
    { name: "left", doc: "1 where X is only known to be at most x", optional: true, condition: true, rank: 0 },
    { name: "right", doc: "1 where X is only known to be at least x", optional: true, condition: true, rank: 0 },
  ],
  bases: "one",
  apply: (_b, [d], { left, right }) => censored(d, left, right),
};

/** x is X rounded to a multiple of `to`: log P(x - to/2 < X < x + to/2), the ends moved inside the support. */
function rounded(d: Applied, to: Value): Applied {
  needNumbers(d, "rounded");
  const { logCdf, logCcdf } = d;
  if (d.support.constraint.discrete)
    throw new UsageError(`rounded takes a continuous distribution; ${d.name} is one of integers`);
  if (!logCdf || !logCcdf) return lacks("rounded", d, "P(X <= x)");
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
  parameters: [{ name: "to", doc: "step", rank: 0 }],
  bases: "one",
  apply: (_b, [d], { to }) => rounded(d, to),
};
