// truncated(D, lower =, upper =): D between bounds, divided by the probability of being there.
import { InternalError, unreachable } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { constantOf, dtypeOf, shapeOf } from "../../../runtime/ir/graph.ts";
import type { Bounds } from "../../constraints/define.ts";
import { real } from "../../constraints/interval.ts";
import { intersect as intersectRanges, isPoint, type Range, range } from "../../ranges.ts";
import type { Applied, AppliedDraw } from "../applied.ts";
import { spread } from "../standardise.ts";
import { type DistributionFacts, type Modifier, noClosedForms } from "./define.ts";
import { type HostSampler, hostSampler } from "./host.ts";
import { cutting, intersect, logInterval, logTail, needNumbers, withinSupport, withTrailingAxis } from "./sides.ts";

/** Integers that a normaliser may add up. */
const MOST_TERMS = 4096;
/** Attempts of the sampler that throws away what is outside; beyond them the draw is NaN. */
const MOST_ATTEMPTS = 1_000_000;

/** How log P(lower <= X <= upper) is had; decided once, where bounds are known numbers. */
type Normaliser =
  | { readonly kind: "distribution function" | "half" | "unknown" }
  /** The sum over least … most, or 1 minus that: `most` is the last integer that is cut off. */
  | { readonly kind: "sum" | "complement"; readonly least: number; readonly most: number };

/** D between bounds; the same object where nothing is cut off. Of vectors, the mass between bounds of their elements is never known. */
export function truncated(b: Builder, d: Applied, given: Bounds<Value>): Applied {
  if (d.event !== 0) return restricted(d);
  const own = d.support.bounds(b);
  const cut = withinSupport(b, cutting(d.support.constraint.discrete ? wholeBounds(b, given) : given, own), own);
  return cut.lower || cut.upper ? between(d, cut, normaliserOf(b, d, cut)) : d;
}

/** The integers between bounds that may lie between integers. */
function wholeBounds(b: Builder, { lower, upper }: Bounds<Value>): Bounds<Value> {
  const isReal = (v: Value): boolean => dtypeOf(v) === "real";
  return { lower: lower && isReal(lower) ? b.ceil(lower) : lower, upper: upper && isReal(upper) ? b.floor(upper) : upper };
}

const leftOut = (d: Applied): string => `the normaliser of the truncated ${d.name} has no closed form and is left out`;
/** The same density where it is not cut off; draws of it would lie outside. */
const restricted = (d: Applied): Applied => ({
  ...d,
  mean: undefined,
  withArguments: (values) => restricted(d.withArguments(values)),
  draw: undefined,
  attempts: undefined,
  sample: undefined,
  affine: undefined,
  symmetricAbout: undefined,
  normalised: false,
  notes: [...d.notes, leftOut(d)],
});

function between(d: Applied, cut: Bounds<Value>, form: Normaliser): Applied {
  const known = form.kind !== "unknown";
  const { lower, upper } = cut;
  const { discrete } = d.support.constraint;
  const sides = [
    ...(lower ? [{ name: "lower", value: lower, rank: 0 }] : []),
    ...(upper ? [{ name: "upper", value: upper, rank: 0 }] : []),
  ];
  const inside = (b: Builder): Bounds<Value> => intersect(b, d.support.bounds(b), cut);
  const normaliser = (b: Builder): Value => logNormaliser(b, d, cut, form);
  const { draw, logCdf, logCcdf, sample } = d;
  const both = form.kind === "distribution function" && logCdf !== undefined && logCcdf !== undefined;
  const inverted = both && d.quantile !== undefined;
  return {
    name: `truncated(${d.name})`,
    event: 0,
    eventShape: [],
    batchShape: d.batchShape,
    support: {
      // The names of bounded types promise bounds of their own.
      constraint: discrete ? d.support.constraint : real,
      declared: false,
      bounds: inside,
    },
    arguments: [...d.arguments, ...sides],
    withArguments(values) {
      const own = d.arguments.length;
      const next = { lower: lower && values[own], upper: upper && values[own + (lower ? 1 : 0)] };
      return between(d.withArguments(values.slice(0, own)), next, form);
    },
    logDensity: (b, x) => b.sub(d.logDensity(b, x), normaliser(b)),
    draw: inverted ? byQuantile(d, cut) : undefined,
    sample: inverted || !(draw || sample) ? undefined : byRejection(d, lower !== undefined, upper !== undefined),
    logCdf: both ? (b, x) => b.sub(logInterval(b, d, { lower, upper: x }) ?? b.constant(0), normaliser(b)) : undefined,
    logCcdf: both ? (b, x) => b.sub(logAbove(b, d, x, upper), normaliser(b)) : undefined,
    normalised: d.normalised && known,
    notes: known ? d.notes : [...d.notes, leftOut(d)],
  };
}

/** log P(x < X <= upper) */
function logAbove(b: Builder, d: Applied, x: Value, upper: Value | undefined): Value {
  const from = d.support.constraint.discrete ? b.add(x, b.constant(1)) : x;
  return logInterval(b, d, { lower: from, upper }) ?? b.constant(0);
}

function normaliserOf(b: Builder, d: Applied, cut: Bounds<Value>): Normaliser {
  if (logInterval(b, d, cut)) return { kind: "distribution function" };
  if (isHalf(d, cut)) return { kind: "half" };
  if (!d.support.constraint.discrete) return { kind: "unknown" };
  const own = d.support.bounds(b);
  const floor = oneNumber(own.lower);
  const least = oneNumber(cut.lower ?? own.lower);
  const most = oneNumber(cut.upper ?? own.upper);
  if (least !== undefined && most !== undefined && most - least < MOST_TERMS) return { kind: "sum", least, most };
  if (floor !== undefined && least !== undefined && !cut.upper && least - floor <= MOST_TERMS) {
    return { kind: "complement", least: floor, most: least - 1 };
  }
  return { kind: "unknown" };
}
function oneNumber(v: Value | undefined): number | undefined {
  const c = v && constantOf(v);
  return c && c.length > 0 && c.every((x) => x === c[0]) ? c[0] : undefined;
}
/** Cut at the centre of a symmetric distribution: half of the mass lies on each side. */
function isHalf({ symmetricAbout }: Applied, { lower, upper }: Bounds<Value>): boolean {
  if (!symmetricAbout || (lower && upper)) return false;
  const side = oneNumber(lower ?? upper);
  return side === undefined ? (lower ?? upper) === symmetricAbout : side === oneNumber(symmetricAbout);
}
function logNormaliser(b: Builder, d: Applied, cut: Bounds<Value>, form: Normaliser): Value {
  switch (form.kind) {
    case "distribution function": {
      const log = logInterval(b, d, cut);
      if (!log) throw new InternalError(`${d.name} lost its distribution function`);
      return log;
    }
    case "half":
      return b.constant(-Math.LN2);
    case "sum":
      return logSum(b, d, form.least, form.most);
    case "complement":
      return b.log1mExp(logSum(b, d, form.least, form.most));
    case "unknown":
      return b.constant(0);
    default:
      return unreachable(form, "logNormaliser");
  }
}
function logSum(b: Builder, d: Applied, least: number, most: number): Value {
  const integers = Int32Array.from({ length: Math.max(0, most - least + 1) }, (_, i) => least + i);
  const terms = withTrailingAxis(b, d).logDensity(b, b.tensor(integers, [integers.length], "int"));
  return b.logSumExp(terms, [shapeOf(terms).length - 1]);
}

/** x = F^{-1}(F(l) + u (F(h) - F(l))), from whichever tail l is nearer to; clipped, for rounding. Of integers l is the one below the least. */
function byQuantile(d: Applied, { lower, upper }: Bounds<Value>): AppliedDraw {
  const { discrete } = d.support.constraint;
  return {
    gradient: discrete ? "score" : "pathwise",
    noise: (shape) => [{ kind: "uniform", shape }],
    build(b, [u]) {
      const { quantile, upperQuantile, logCdf, logCcdf } = d;
      if (!quantile || !logCdf || !logCcdf) throw new InternalError(`${d.name} lost its quantiles`);
      const from = lower && discrete ? b.sub(lower, b.constant(1)) : lower;
      const tail = (side: "logCdf" | "logCcdf", x: Value): Value | undefined =>
        discrete ? logTail(b, d, side, x) : d[side]?.(b, x);
      const below = (from && tail("logCdf", from)) ?? b.constant(Number.NEGATIVE_INFINITY);
      const above = upper ? b.exp(logCcdf(b, upper)) : b.constant(0);
      const atLower = from && tail("logCcdf", from);
      const mass = b.exp(logInterval(b, d, { lower, upper }) ?? b.constant(0));
      const fromBelow = quantile(b, b.add(b.exp(below), b.mul(u, mass)));
      const x =
        atLower && upperQuantile
          ? b.select(b.lt(atLower, b.constant(-Math.LN2)), upperQuantile(b, b.add(above, b.mul(u, mass))), fromBelow)
          : fromBelow;
      const least = lower ? b.max(x, lower) : x;
      const inside = spread(b, upper ? b.min(least, upper) : least, u);
      return discrete ? b.cast(inside, "int") : inside;
    },
  };
}
function byRejection(d: Applied, hasLower: boolean, hasUpper: boolean): HostSampler | undefined {
  const draw = hostSampler(d);
  if (!draw) return undefined;
  return (rng, values, out) => {
    const own = d.arguments.length;
    const least = hasLower ? values[own][0] : Number.NEGATIVE_INFINITY;
    const most = hasUpper ? values[own + (hasLower ? 1 : 0)][0] : Number.POSITIVE_INFINITY;
    for (let i = 0; i < MOST_ATTEMPTS; i++) {
      draw(rng, values.slice(0, own), out);
      if (out[0] >= least && out[0] <= most) return;
    }
    out[0] = Number.NaN;
  };
}

/** The part of `normaliserOf` that can be told before data are bound: `bound` where sums over integers may do, if the values are there. */
export function normaliserKnown(
  d: DistributionFacts,
  given: Bounds<Range>,
  boundsKnownAtBind: boolean,
): "known" | "unknown" | "bound" {
  const lower = given.lower && given.lower.upper > d.range.lower ? given.lower : undefined;
  const upper = given.upper && given.upper.lower < d.range.upper ? given.upper : undefined;
  if ((!lower || d.ccdf) && (!upper || d.cdf) && !(lower && upper && !(d.cdf && d.ccdf))) return "known";
  const side = lower && upper ? undefined : (lower ?? upper);
  if (side && d.symmetricAbout !== undefined && isPoint(side) && side.lower === d.symmetricAbout) return "known";
  return d.discrete && boundsKnownAtBind ? "bound" : "unknown";
}

export const truncatedModifier: Modifier = {
  name: "truncated",
  doc: "The distribution between bounds, divided by its probability of being there: f(x) / P(lower <= X <= upper).",
  usage: "truncated(D, lower = a, upper = b)",
  parameters: [
    { name: "lower", doc: "least value", named: true, optional: true, rank: 0 },
    { name: "upper", doc: "greatest value", named: true, optional: true, rank: 0 },
  ],
  bases: "one",
  over: "numbers",
  check(judge, [d], { lower, upper }) {
    const bounds = { lower: lower?.range, upper: upper?.range };
    const constant = (lower?.knownAtBind ?? true) && (upper?.knownAtBind ?? true);
    const normaliser = normaliserKnown(d, bounds, constant);
    if (normaliser === "unknown" && d.normalised) judge.unnormalised(`${d.name} cut to these bounds`);
    const cut = range(lower?.range.lower ?? Number.NEGATIVE_INFINITY, upper?.range.upper ?? Number.POSITIVE_INFINITY);
    const closed = d.cdf && d.ccdf;
    return {
      ...noClosedForms,
      range: intersectRanges(d.range, cut),
      normalised: d.normalised && normaliser !== "unknown",
      cdf: closed,
      ccdf: closed,
      sampler: d.sampler || (closed && d.quantile),
    };
  },
  apply(b, [d], { lower, upper }) {
    needNumbers(d, "truncated");
    return truncated(b, d, { lower, upper });
  },
};
