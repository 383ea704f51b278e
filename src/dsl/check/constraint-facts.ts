// Facts that the checker reads off constraint records: the range of the elements, and which constraint implies which.
import type { Bounds, Constraint } from "../constraints/define.ts";
import { anyNumber, type Range, range } from "../ranges.ts";

const inf = Number.POSITIVE_INFINITY;

/** The values that an element may take; bounds given win over the constraint's own. */
export function rangeOfConstraint(c: Constraint, bounds: Bounds<number> = {}): Range {
  if (c.event > 0) return c.elements ? range(c.elements.lower ?? -inf, c.elements.upper ?? inf) : anyNumber;
  const lower = bounds.lower ?? c.ownBounds?.lower ?? -inf;
  const upper = bounds.upper ?? c.ownBounds?.upper ?? inf;
  const excluded = (x: number): boolean => Number.isFinite(x) && !c.contains([x], [], bounds);
  return range(lower, upper, { lower: excluded(lower), upper: excluded(upper) });
}
/** The type itself carries bounds, or is no set of plain numbers: real<0, 1> is written, positive<0, 1> is not. */
export const takesBounds = (c: Constraint): boolean =>
  c.event === 0 && c.ownBounds?.lower === undefined && c.ownBounds?.upper === undefined;

/** Every value of the one is one of the other, as far as the records' own examples show. */
export function implies(a: Constraint, b: Constraint): boolean {
  if (a === b || a.name === b.name) return true;
  if (a.event < b.event) return false;
  return a.probes.every((p) => b.contains(p.values, p.shape, {}));
}
