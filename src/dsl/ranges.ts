// Interval arithmetic over the reals: what values an expression can take, as far as its text says.

export interface Range {
  readonly lower: number;
  readonly upper: number;
  /** The end itself is not a value. An infinite end is never one. */
  readonly lowerOpen: boolean;
  readonly upperOpen: boolean;
  /** A declaration admits values up to this end: not merely unknown. Arithmetic forgets it. */
  readonly declared: "both" | "lower" | "upper" | "none";
}

export const range = (lower: number, upper: number, open: { lower?: boolean; upper?: boolean } = {}): Range => ({
  lower,
  upper,
  lowerOpen: open.lower ?? false,
  upperOpen: open.upper ?? false,
  declared: "none",
});
const inf = Number.POSITIVE_INFINITY;
export const anyNumber: Range = range(-inf, inf);
export const positive: Range = range(0, inf, { lower: true });
export const nonnegative: Range = range(0, inf);
export const unit: Range = range(0, 1);
export const negative: Range = range(-inf, 0, { upper: true });
export const nonpositive: Range = range(-inf, 0);
export const point = (x: number): Range => range(x, x);

export const isPoint = (r: Range): boolean => r.lower === r.upper;
export const undeclared = (r: Range): Range => (r.declared === "none" ? r : { ...r, declared: "none" });
export const declaredAt = (r: Range, declared: Range["declared"]): Range => ({ ...r, declared });

/** No value of a is one of b. */
export function disjoint(a: Range, b: Range): boolean {
  if (a.lower > b.upper || b.lower > a.upper) return true;
  if (a.lower === b.upper && (a.lowerOpen || b.upperOpen)) return true;
  return b.lower === a.upper && (b.lowerOpen || a.upperOpen);
}
/** Every value of a is one of b, ends of b taken as included: a boundary of measure zero is for run time. */
export const inside = (a: Range, b: Range): boolean => a.lower >= b.lower && a.upper <= b.upper;
/** The declaration of a says that values below (above) b occur. */
export const declaredBelow = (a: Range, b: Range): boolean =>
  a.lower < b.lower && (a.declared === "both" || a.declared === "lower");
export const declaredAbove = (a: Range, b: Range): boolean =>
  a.upper > b.upper && (a.declared === "both" || a.declared === "upper");

export function intersect(a: Range, b: Range): Range {
  const fromA = a.lower > b.lower || (a.lower === b.lower && a.lowerOpen);
  const toA = a.upper < b.upper || (a.upper === b.upper && a.upperOpen);
  const lowerKnown = (fromA ? a : b).declared;
  const upperKnown = (toA ? a : b).declared;
  const lowerDeclared = lowerKnown === "both" || lowerKnown === "lower";
  const upperDeclared = upperKnown === "both" || upperKnown === "upper";
  return {
    lower: fromA ? a.lower : b.lower,
    lowerOpen: fromA ? a.lowerOpen : b.lowerOpen,
    upper: toA ? a.upper : b.upper,
    upperOpen: toA ? a.upperOpen : b.upperOpen,
    declared: lowerDeclared && upperDeclared ? "both" : lowerDeclared ? "lower" : upperDeclared ? "upper" : "none",
  };
}
/** The smallest range with both in it. */
export function hull(a: Range, b: Range): Range {
  return range(Math.min(a.lower, b.lower), Math.max(a.upper, b.upper), {
    lower: a.lower === b.lower ? a.lowerOpen && b.lowerOpen : (a.lower < b.lower ? a : b).lowerOpen,
    upper: a.upper === b.upper ? a.upperOpen && b.upperOpen : (a.upper > b.upper ? a : b).upperOpen,
  });
}

export const negated = (a: Range): Range => range(-a.upper || 0, -a.lower || 0, { lower: a.upperOpen, upper: a.lowerOpen });
/** inf - inf and 0 * inf: nothing is known of that end. */
const orElse = (x: number, fallback: number): number => (Number.isNaN(x) ? fallback : x);
export const sumOf = (a: Range, b: Range): Range =>
  range(orElse(a.lower + b.lower, -inf), orElse(a.upper + b.upper, inf), {
    lower: a.lowerOpen || b.lowerOpen,
    upper: a.upperOpen || b.upperOpen,
  });
export const differenceOf = (a: Range, b: Range): Range => sumOf(a, negated(b));

interface End {
  readonly at: number;
  readonly open: boolean;
}
const ends = (r: Range): End[] => [
  { at: r.lower, open: r.lowerOpen },
  { at: r.upper, open: r.upperOpen },
];
/** The hull of candidate ends; a closed one wins at the same place. */
function spanOf(candidates: readonly End[]): Range {
  const lower = Math.min(...candidates.map((c) => c.at));
  const upper = Math.max(...candidates.map((c) => c.at));
  const open = (at: number): boolean => candidates.filter((c) => c.at === at).every((c) => c.open);
  return range(lower, upper, { lower: open(lower), upper: open(upper) });
}
/** A product is attained only if both ends are, but zero times anything is zero. */
const product = (a: End, b: End): End => {
  if ((a.at === 0 && !a.open) || (b.at === 0 && !b.open)) return { at: 0, open: false };
  return { at: orElse(a.at * b.at, 0), open: a.open || b.open };
};
export function productOf(a: Range, b: Range): Range {
  return spanOf(ends(a).flatMap((x) => ends(b).map((y) => product(x, y))));
}
export function reciprocalOf(a: Range): Range {
  if (a.lower > 0 || (a.lower === 0 && a.lowerOpen)) {
    return range(1 / a.upper, a.lower === 0 ? inf : 1 / a.lower, { lower: a.upperOpen || a.upper === inf, upper: a.lowerOpen });
  }
  if (a.upper < 0 || (a.upper === 0 && a.upperOpen)) return negated(reciprocalOf(negated(a)));
  // zero is among the values: 1/0 is infinite, so only the sign is known
  return a.lower >= 0
    ? range(a.upper === inf ? 0 : 1 / a.upper, inf)
    : a.upper <= 0
      ? negated(reciprocalOf(negated(a)))
      : anyNumber;
}
export const quotientOf = (a: Range, b: Range): Range =>
  isPoint(a) && isPoint(b) && b.lower !== 0 ? point(a.lower / b.lower) : productOf(a, reciprocalOf(b));
export function squareOf(a: Range): Range {
  if (a.lower >= 0) return range(a.lower * a.lower, a.upper * a.upper, { lower: a.lowerOpen, upper: a.upperOpen });
  if (a.upper <= 0) return squareOf(negated(a));
  return range(0, Math.max(a.lower * a.lower, a.upper * a.upper));
}
/** a ^ b: exact for the exponents 0, 1 and 2; else the sign is what is known. */
export function powerOf(a: Range, b: Range): Range {
  if (isPoint(b)) {
    if (b.lower === 0) return point(1);
    if (b.lower === 1) return undeclared(a);
    if (b.lower === 2) return squareOf(a);
    if (b.lower === -1) return reciprocalOf(a);
    if (Number.isInteger(b.lower) && b.lower % 2 === 0) return nonnegative;
  }
  if (a.lower > 0 || (a.lower === 0 && a.lowerOpen)) return positive;
  return a.lower >= 0 ? nonnegative : anyNumber;
}
export const absoluteOf = (a: Range): Range =>
  a.lower >= 0 ? undeclared(a) : a.upper <= 0 ? negated(a) : range(0, Math.max(-a.lower, a.upper));

export function formatRange(r: Range): string {
  if (isPoint(r)) return String(r.lower);
  if (r.lower === -inf && r.upper === inf) return "any number";
  if (r.upper === inf) return `${r.lowerOpen ? "above" : "at least"} ${r.lower}`;
  if (r.lower === -inf) return `${r.upperOpen ? "below" : "at most"} ${r.upper}`;
  return `between ${r.lower} and ${r.upper}`;
}
