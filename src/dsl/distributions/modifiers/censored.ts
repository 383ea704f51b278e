// censored(D, left = c, right = c): observations that are bounds where a condition holds.
import { UsageError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { dtypeOf } from "../../../runtime/ir/graph.ts";
import type { Applied, Argument } from "../applied.ts";
import { type Modifier, noClosedForms } from "./define.ts";
import { needNumbers } from "./sides.ts";

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
    normalised: d.normalised,
    notes: d.notes,
  };
}

export const censoredModifier: Modifier = {
  name: "censored",
  doc: "Observations that are bounds where a condition holds: log P(X <= x) where left, log P(X >= x) where right, log f(x) elsewhere.",
  usage: "censored(D, left = c, right = c)",
  parameters: [
    {
      name: "left",
      doc: "1 where X is only known to be at most x",
      condition: "1 where the value is censored on the left",
      named: true,
      optional: true,
      rank: 0,
    },
    {
      name: "right",
      doc: "1 where X is only known to be at least x",
      condition: "1 where the value is censored on the right",
      named: true,
      optional: true,
      rank: 0,
    },
  ],
  bases: "one",
  over: "numbers",
  check(judge, [d], { left, right }) {
    const lacking = (p: string): void =>
      judge.reject(d.span, "PPL218", `${d.name} has no closed form of ${p} here`, "censoring needs it");
    if (left && !d.cdf) lacking("P(X <= x)");
    if (right && !d.ccdf) lacking("P(X > x)");
    // The points at which a value that was not censored would have been are not known: there is nothing to draw.
    return { ...noClosedForms, sampler: false };
  },
  apply: (_b, [d], { left, right }) => censored(d, left, right),
};
