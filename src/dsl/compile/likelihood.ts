// The term of a value under a distribution: its shape, its support, its log density in every row.

import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Observation, Term } from "../../runtime/target.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied } from "../distributions/applied.ts";
import type { Call, Expression, SampleStatement } from "../language/ast.ts";
import { path } from "./bind-data.ts";
import { placeCoordinates } from "./block.ts";
import { type Context, textOf } from "./context.ts";
import { applyDistribution, isDistributionName } from "./distribution.ts";
import { knownOf, knownParts } from "./known.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { overRows, rowTable } from "./rows.ts";
import { addTerm, axesOf, targetNames, type Walk } from "./walk.ts";

/** x ~ D where x has its values from elsewhere. */
export function likelihood(w: Walk, c: Context, s: SampleStatement, x: Value, role: Term["role"]): void {
  const d = applyDistribution(c, s.distribution.call);
  const site = s.place?.name.name ?? "observed";
  termOf(w, c, s, d, x, site, role);
  if (role !== "likelihood") return;
  w.observed.add(site);
  w.observations.push(() => observation(c, s, d, x, site));
}

/** Over all rows. */
function observation(c: Context, s: SampleStatement, d: Applied, x: Value, site: string): Observation {
  const { b } = c;
  const shape = shapeOf(x);
  const values = [b.cast(x, "real"), ...(d.mean ? [b.broadcastTo(b.cast(d.mean(b), "real"), shape)] : [])];
  const [value, mean] = overRows(b, values, c.rows);
  const axes = axesOf(c, shape.slice(0, shape.length - d.event), targetNames(c, s.target));
  return { site, axes, value, ...(mean ? { mean } : {}) };
}

/** Adds the term of x under d, -inf outside the support. */
export function termOf(
  w: Walk,
  c: Context,
  s: SampleStatement,
  d: Applied,
  x: Value,
  site: string,
  role: Term["role"],
  unnormalised?: string,
): void {
  checkFit(shapeOf(x), d, s.span);
  // Before the density is built: a category out of range is an index out of range in it.
  const inside = insideSupport(c, d, x, s, site);
  const density = at(s.span, () => d.logDensity(c.b, x));
  const value = inside ? c.b.select(inside, density, c.b.constant(Number.NEGATIVE_INFINITY)) : density;
  addTerm(w, c, s.span, site, role, value, [s.target, ...numbersIn(c, s.distribution.call)], unnormalised);
  for (const note of d.notes) c.session.notes.add(note);
}

/** The arguments of a distribution that are numbers, those of distributions inside it included. */
export function numbersIn(c: Context, call: Call): Expression[] {
  return call.arguments.flatMap((a) =>
    a.value.kind === "call" && isDistributionName(c, a.value.callee.name) ? numbersIn(c, a.value) : [a.value],
  );
}

/** The value's shape must be the distribution's: no new axes (language.md rule 8). */
export function checkFit(shape: Shape, d: Applied, span: SourceSpan): void {
  const event = d.eventShape ?? shape.slice(shape.length - d.event);
  const lead = shape.slice(0, shape.length - event.length);
  const own = shape.slice(lead.length);
  if (shape.length < d.event || own.some((n, i) => n !== event[i])) {
    reject(
      bindCodes.shape,
      span,
      `a value of shape [${shape.join(", ")}] stands left of ~, and ${d.name} gives events of shape [${event.join(", ")}]`,
    );
  }
  const batch = d.batchShape;
  const fits = batch.length === lead.length && batch.every((n, i) => n === lead[i] || n === 1);
  if (fits || sizeOf(batch) === 1) return;
  reject(
    bindCodes.shape,
    span,
    `a value of shape [${shape.join(", ")}] stands left of ~, and the arguments of ${d.name} have shape [${batch.join(", ")}]`,
    {
      label: "must have equal shapes, or the arguments be scalars",
    },
  );
}

/** Known values outside the support are the user's mistake. Where bounds or values depend on latents: the condition to be inside, else nothing. */
function insideSupport(c: Context, d: Applied, x: Value, s: SampleStatement, name: string): Value | undefined {
  const { b } = c;
  if (d.support.declared) return undefined;
  const over = overRows(b, [x], c.rows)[0];
  const { lower, upper } = d.event > 0 ? {} : d.support.bounds(b);
  if (d.event === 0 && areInside(b, over, d, lower, upper)) return undefined;
  const known = knownOf(over);
  if (known) checkMembers(c, d, x, known, s, name);
  if (d.event > 0) return undefined;
  const infinite = (v: Value, limit: number) => knownOf(v)?.every((t) => t === limit) ?? false;
  const above = lower && !infinite(lower, Number.NEGATIVE_INFINITY) ? b.ge(x, lower) : undefined;
  const below = upper && !infinite(upper, Number.POSITIVE_INFINITY) ? b.le(x, upper) : undefined;
  const inside = above && below ? b.and(above, below) : (above ?? below);
  if (!inside) return undefined;
  const table = rowTable(b, b.reduceMin(b.cast(inside, "int")), c.rows);
  if (table === null) return inside;
  if (table.values.every((v) => v !== 0)) return undefined;
  const everywhere = overRows(b, [b.broadcastTo(inside, shapeOf(x))], c.rows)[0];
  const where = knownOf(everywhere)?.findIndex((v: number) => v === 0) ?? 0;
  return reject(
    bindCodes.value,
    s.target.span,
    `${elementName(c, s, name, shapeOf(everywhere), where)} = ${known?.[where] ?? "?"} is outside the support of ${d.name}`,
    {
      label: "here its density is 0",
    },
  );
}

/** Whether all numbers are known to be in the set, between bounds that are one number each: data may be too many for a graph of comparisons. */
function areInside(b: Builder, x: Value, d: Applied, lower: Value | undefined, upper: Value | undefined): boolean {
  const limit = (v: Value | undefined, none: number): number => {
    const values = v === undefined ? [none] : knownOf(v);
    return values?.length === 1 ? values[0] : Number.NaN;
  };
  const low = limit(lower, Number.NEGATIVE_INFINITY);
  const high = limit(upper, Number.POSITIVE_INFINITY);
  if (Number.isNaN(low) || Number.isNaN(high)) return false;
  const parts = knownParts(b, x);
  if (parts === null) return false;
  for (const part of parts) {
    if (!d.support.constraint.contains(part, [], {})) return false;
    for (let i = 0; i < part.length; i++) if (!(part[i] >= low && part[i] <= high)) return false;
  }
  return true;
}

/** `y[3,1]`: what stands at a flat position of [rows…, element…], by its place in the model. */
function elementName(c: Context, s: SampleStatement, name: string, shape: Shape, flat: number): string {
  const { place } = s;
  if (!place || place.subscripts.length === 0) return path(name, shape, flat);
  const text = textOf(c, place.span);
  if (place.subscripts.some((x) => x.kind === "all" || (x.kind === "range" && !(x.lower && x.upper))))
    return `an element of ${text}`;
  const { coordinates, count, inside } = placeCoordinates(c, place, c.rows);
  const rest = shape.slice(c.rows.length + inside.length);
  const element = coordinates.map((x) => x[Math.floor(flat / (sizeOf(shape) / count))]);
  const within = path("", rest, flat % sizeOf(rest));
  return `${name}[${element.join(",")}${rest.length === 0 ? "" : `,${within.slice(1, -1)}`}]`;
}

function checkMembers(
  c: Context,
  d: Applied,
  x: Value,
  known: ArrayLike<number> & { subarray(a: number, b: number): ArrayLike<number> },
  s: SampleStatement,
  name: string,
): void {
  const own = shapeOf(x);
  const event = own.slice(own.length - d.event);
  const size = sizeOf(event);
  const shape = [...c.rows.map((r) => r.size), ...own];
  const { constraint } = d.support;
  // All numbers at once; one by one, only to find the one that is wrong.
  if (d.event === 0 && constraint.contains(known, [], {})) return;
  for (let i = 0; i < known.length; i += size) {
    if (constraint.contains(known.subarray(i, i + size), event, {})) continue;
    const what = size === 1 ? `${elementName(c, s, name, shape, i)} = ${known[i]}` : `a row of ${name}`;
    reject(bindCodes.value, s.target.span, `${what} is outside the support of ${d.name}`, {
      label: `${d.name} gives ${constraint.words}`,
    });
  }
  checkTotals(c, d, own.slice(0, own.length - d.event), known, size, s);
}

/** Counts whose sum is a parameter, where both are known. */
function checkTotals(
  c: Context,
  d: Applied,
  lead: Shape,
  known: ArrayLike<number> & { subarray(a: number, b: number): ArrayLike<number> },
  size: number,
  s: SampleStatement,
): void {
  const { total } = d.support;
  const totals = total && knownOf(overRows(c.b, [c.b.broadcastTo(total, lead)], c.rows)[0]);
  totals?.forEach((expected, k) => {
    const sum = Array.from(known.subarray(k * size, (k + 1) * size)).reduce((a, b) => a + b, 0);
    if (sum === expected) return;
    reject(bindCodes.value, s.target.span, `an event of ${textOf(c, s.target.span)} adds up to ${sum}`, {
      label: `${d.name} is given ${expected} trials`,
    });
  });
}
