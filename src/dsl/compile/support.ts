// From a declared type to its constraint, and from a type and a distribution's support to what a latent is.

import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Bounds, Constraint } from "../constraints/define.ts";
import { constraints } from "../constraints/index.ts";
import type { SourceSpan } from "../diagnostics.ts";
import { type Applied, withOwnBounds } from "../distributions/applied.ts";
import type { TypeExpression } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { knownOf } from "./known.ts";
import { bindCodes, reject } from "./rejection.ts";

export interface Support {
  readonly constraint: Constraint;
  readonly bounds: Bounds<Value>;
}

/** The set of values that a declared type names; bounds may depend on latents. */
export function declaredSupport(c: Context, type: TypeExpression): Support {
  const constraint = constraints.get(type.base.name);
  if (!constraint) return reject(bindCodes.type, type.base.span, `there is no type ${type.base.name}`);
  const lower = type.bounds?.lower && evaluate(c, type.bounds.lower);
  const upper = type.bounds?.upper && evaluate(c, type.bounds.upper);
  return { constraint, bounds: withOwnBounds(c.b, constraint, { lower, upper }) };
}

/** The trailing axes that one constrained object takes. */
export function eventOf(constraint: Constraint, shape: Shape, span: SourceSpan): Shape {
  if (shape.length < constraint.event) {
    return reject(
      bindCodes.shape,
      span,
      `${constraint.words} has ${constraint.event} ${constraint.event === 1 ? "axis" : "axes"}`,
      { label: `and is declared with ${shape.length}` },
    );
  }
  return shape.slice(shape.length - constraint.event);
}

/** `theta[2,·]` for an object that begins at a flat position. */
export function elementOf(
  path: (name: string, shape: Shape, flat: number) => string,
  name: string,
  shape: Shape,
  at: number,
  size: number,
): string {
  let covered = 1;
  let axis = shape.length;
  while (axis > 0 && covered < size) covered *= shape[--axis];
  const lead = shape.slice(0, axis);
  return lead.length === 0 ? name : path(name, lead, Math.floor(at / size));
}

/** How a declared type meets a distribution's support (language.md rule 11). */
export interface Meeting extends Support {
  /** Sides on which the type is narrower than the support, so that the distribution is truncated there. */
  readonly truncate: Bounds<Value>;
  /** The type orders or sums its elements: the distribution keeps its form on a smaller set. */
  readonly structural: boolean;
  /** Bounds of the support that values of the type may lie beyond, where their density is 0. */
  readonly beyond: Bounds<Value>;
}

export function meet(b: Builder, type: Support | undefined, d: Applied): Meeting {
  const own: Support = { constraint: d.support.constraint, bounds: d.support.bounds(b) };
  const plain = { truncate: {}, structural: false, beyond: {} };
  // A discrete latent has its values from elsewhere, where nothing keeps them inside.
  if (type === undefined) return { ...own, ...plain, beyond: own.constraint.discrete ? own.bounds : {} };
  if (type.constraint.event > 0 || own.constraint.event > 0) {
    if (type.constraint === own.constraint || d.support.declared) return { ...type, ...plain };
    // The checker lets a bare shape, and nothing else, stand for another set of vectors or matrices.
    if (type.constraint.event === 0) return { ...own, ...plain };
    return { ...type, ...(own.constraint.event === 0 ? tie(b, type.constraint, own.bounds) : plain), structural: true };
  }
  if (d.support.declared) return { ...type, ...plain };
  const lower = side(b, type.bounds.lower, own.bounds.lower, "lower");
  const upper = side(b, type.bounds.upper, own.bounds.upper, "upper");
  const bounds = { lower: lower.bound, upper: upper.bound };
  // A bound of its own (real<lo, hi>) is expressed on the plain record, not on `positive` or `unit`, whose names promise theirs.
  const real = constraints.get("real");
  const constraint = own.constraint.discrete || !real ? own.constraint : real;
  return {
    constraint,
    bounds,
    truncate: { lower: lower.narrower ? lower.bound : undefined, upper: upper.narrower ? upper.bound : undefined },
    structural: false,
    beyond: constraint.discrete ? bounds : {},
  };
}

/** A type that ties numbers together meets the support of each: its elements' own bounds may cut that, and it may reach beyond. */
function tie(b: Builder, type: Constraint, own: Bounds<Value>): Pick<Meeting, "truncate" | "beyond"> {
  const meetSide = (which: "lower" | "upper") => {
    const edge = type.elements?.[which];
    const { narrower, bound } = side(b, edge === undefined ? undefined : b.constant(edge), own[which], which);
    const implied =
      edge !== undefined && knownOf(own[which] ?? b.constant(edge))?.every((x) => (which === "lower" ? x <= edge : x >= edge));
    // Where the orders of the elements are alike, the cut can be renormalised; of other sets the whole constant is left out.
    return { cut: narrower && type.logSymmetry ? bound : undefined, beyond: implied ? undefined : own[which] };
  };
  const [lower, upper] = [meetSide("lower"), meetSide("upper")];
  return { truncate: { lower: lower.cut, upper: upper.cut }, beyond: { lower: lower.beyond, upper: upper.beyond } };
}

/** Whether the numbers of each last axis are independent under one law, so that all their orders are as probable. */
export const exchangeable = (d: Applied): boolean =>
  d.event === 0 &&
  d.arguments.every(
    (a) =>
      (shapeOf(a.value)
        .slice(0, shapeOf(a.value).length - a.rank)
        .at(-1) ?? 1) === 1,
  );

function side(
  b: Builder,
  typed: Value | undefined,
  own: Value | undefined,
  which: "lower" | "upper",
): { readonly bound?: Value; readonly narrower: boolean } {
  const infinite = which === "lower" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const none = (v: Value | undefined) => v === undefined || (knownOf(v)?.every((x) => x === infinite) ?? false);
  if (none(typed)) return { bound: none(own) ? undefined : own, narrower: false };
  if (none(own) || own === undefined || typed === undefined) return { bound: typed, narrower: true };
  if (b.cast(typed, "real") === b.cast(own, "real")) return { bound: own, narrower: false };
  const bound = which === "lower" ? b.max(typed, own) : b.min(typed, own);
  const [t, o] = [knownOf(typed), knownOf(own)];
  if (!t || !o) return { bound, narrower: true };
  const at = (x: ArrayLike<number>, i: number) => x[x.length === 1 ? 0 : i];
  const n = Math.max(t.length, o.length);
  const tighter = Array.from({ length: n }, (_, i) => (which === "lower" ? at(t, i) > at(o, i) : at(t, i) < at(o, i)));
  return { bound, narrower: tighter.includes(true) };
}
