// Every constraint by the name that the language gives it, and types with bounds.
import { choleskyCorr, corr } from "./correlation.ts";
import { choleskyCov, cov } from "./covariance.ts";
import type { Bounds, Constraint } from "./define.ts";
import { int, nonnegative, positive, real, unit } from "./interval.ts";
import { ordered, positiveOrdered } from "./ordered.ts";
import { simplex, sumToZero } from "./simplex.ts";
import { unitVector } from "./unit-vector.ts";

export const constraints: ReadonlyMap<string, Constraint> = new Map(
  [
    real,
    int,
    positive,
    nonnegative,
    unit,
    simplex,
    ordered,
    positiveOrdered,
    unitVector,
    sumToZero,
    choleskyCorr,
    corr,
    choleskyCov,
    cov,
  ].map((c) => [c.name, c]),
);

/** The constraint of a type expression `base<lower, upper>`; undefined for an unknown name. Bounds of the name itself are merged in,
 *  `literal` makes them what the caller's bounds are made of. Only numbers (event 0) take bounds. */
export function typeConstraint<V>(
  base: string,
  bounds: Bounds<V>,
  literal: (x: number) => V,
): { readonly constraint: Constraint; readonly bounds: Bounds<V> } | undefined {
  const constraint = constraints.get(base);
  if (!constraint) return undefined;
  const own = constraint.ownBounds ?? {};
  const merged: Bounds<V> = {
    lower: bounds.lower ?? (own.lower === undefined ? undefined : literal(own.lower)),
    upper: bounds.upper ?? (own.upper === undefined ? undefined : literal(own.upper)),
  };
  return { constraint, bounds: merged };
}
