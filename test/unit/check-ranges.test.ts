// Laws of the checker's arithmetic: intervals hold every value, symbolic sizes are a ring.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  atomDimension,
  compareDimensions,
  constantDimension,
  constantOfDimension,
  type Dimension,
  formatDimension,
  minus,
  plus,
  sameDimension,
  slopeIn,
  substitute,
  times,
} from "../../src/dsl/dimensions.ts";
import * as ranges from "../../src/dsl/ranges.ts";

/** An interval with ends open or closed, and a value in it. */
const ends = fc.constantFrom(Number.NEGATIVE_INFINITY, -8, -2.5, -1, 0, 0.5, 1, 3, Number.POSITIVE_INFINITY);
const interval = fc
  .tuple(ends, ends, fc.boolean(), fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([a, b, lower, upper, t]) => {
    const [lo, hi] = a <= b ? [a, b] : [b, a];
    const r = lo === hi ? ranges.point(Number.isFinite(lo) ? lo : 1) : ranges.range(lo, hi, { lower, upper });
    return { r, x: valueIn(r, t) };
  });
function valueIn(r: ranges.Range, t: number): number {
  const from = Number.isFinite(r.lower) ? r.lower : Math.min(r.upper, 100) - 100;
  const to = Number.isFinite(r.upper) ? r.upper : from + 200;
  const x = from + t * (to - from);
  const inside = (x > r.lower || (x === r.lower && !r.lowerOpen)) && (x < r.upper || (x === r.upper && !r.upperOpen));
  return inside ? x : (from + to) / 2;
}
/** x lies in r; one rounding of an end is forgiven. */
const holds = (r: ranges.Range, x: number): boolean => {
  const slack = 1e-12 * Math.max(1, Math.abs(x));
  return x >= r.lower - slack && x <= r.upper + slack;
};
const unary: readonly (readonly [string, (r: ranges.Range) => ranges.Range, (x: number) => number])[] = [
  ["negated", ranges.negated, (x) => -x],
  ["squareOf", ranges.squareOf, (x) => x * x],
  ["absoluteOf", ranges.absoluteOf, Math.abs],
  ["reciprocalOf", ranges.reciprocalOf, (x) => 1 / x],
];
const binary: readonly (readonly [
  string,
  (a: ranges.Range, b: ranges.Range) => ranges.Range,
  (x: number, y: number) => number,
])[] = [
  ["sumOf", ranges.sumOf, (x, y) => x + y],
  ["differenceOf", ranges.differenceOf, (x, y) => x - y],
  ["productOf", ranges.productOf, (x, y) => x * y],
  ["quotientOf", ranges.quotientOf, (x, y) => x / y],
  ["powerOf", ranges.powerOf, (x, y) => x ** y],
];

describe("intervals hold every value", () => {
  test.each(unary)("%s", (_, f, g) => {
    fc.assert(
      fc.property(interval, ({ r, x }) => {
        fc.pre(Number.isFinite(g(x)));
        expect(holds(f(r), g(x))).toBe(true);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
  test.each(binary)("%s", (_, f, g) => {
    fc.assert(
      fc.property(interval, interval, (a, b) => {
        fc.pre(Number.isFinite(g(a.x, b.x)));
        expect(holds(f(a.r, b.r), g(a.x, b.x))).toBe(true);
      }),
      { seed: 2, numRuns: 1000 },
    );
  });
  test("hull holds both, intersect holds what both hold, disjoint intervals share nothing", () => {
    fc.assert(
      fc.property(interval, interval, (a, b) => {
        expect(holds(ranges.hull(a.r, b.r), a.x) && holds(ranges.hull(a.r, b.r), b.x)).toBe(true);
        const inBoth = strictly(a.r, a.x) && strictly(b.r, a.x);
        if (inBoth) {
          expect(ranges.disjoint(a.r, b.r)).toBe(false);
          expect(holds(ranges.intersect(a.r, b.r), a.x)).toBe(true);
        }
        expect(ranges.disjoint(a.r, b.r)).toBe(ranges.disjoint(b.r, a.r));
      }),
      { seed: 3, numRuns: 1000 },
    );
  });
});
const strictly = (r: ranges.Range, x: number): boolean => x > r.lower && x < r.upper;

describe("symbolic sizes", () => {
  const atom = (name: string): Dimension => atomDimension({ key: name, text: name, kind: "name" });
  const dimension: fc.Arbitrary<Dimension> = fc.letrec<{ d: Dimension }>((tie) => ({
    d: fc.oneof(
      { maxDepth: 3 },
      fc.integer({ min: -3, max: 5 }).map(constantDimension),
      fc.constantFrom("N", "K", "M").map(atom),
      fc.tuple(tie("d"), tie("d")).map(([a, b]) => plus(a, b)),
      fc.tuple(tie("d"), tie("d")).map(([a, b]) => times(a, b)),
    ),
  })).d;
  const at = (d: Dimension): number => {
    const values: Record<string, number> = { N: 7, K: 11, M: 13 };
    return [...d.terms.values()].reduce((sum, m) => sum + m.atoms.reduce((p, a) => p * values[a.text], m.coefficient), 0);
  };

  test("arithmetic agrees with numbers", () => {
    fc.assert(
      fc.property(dimension, dimension, (a, b) => {
        expect(at(plus(a, b))).toBe(at(a) + at(b));
        expect(at(minus(a, b))).toBe(at(a) - at(b));
        expect(at(times(a, b))).toBe(at(a) * at(b) + 0);
        expect(sameDimension(plus(a, b), plus(b, a))).toBe(true);
        expect(sameDimension(minus(plus(a, b), b), a)).toBe(true);
        expect(at(substitute(a, "N", constantDimension(7)))).toBe(at(a));
      }),
      { seed: 4, numRuns: 300 },
    );
  });
  test("N is not K, and n + 1 may be anything", () => {
    const loop = atomDimension({ key: "n#1", text: "n", kind: "loop" });
    expect(compareDimensions(atom("N"), atom("K"))).toBe("different");
    expect(compareDimensions(atom("N"), plus(atom("N"), constantDimension(1)))).toBe("different");
    expect(compareDimensions(atom("N"), loop)).toBe("unknown");
    expect(compareDimensions(times(atom("N"), atom("K")), times(atom("K"), atom("N")))).toBe("same");
  });
  test("are written as the user would", () => {
    const d = minus(plus(times(constantDimension(2), atom("K")), times(atom("N"), atom("K"))), constantDimension(1));
    expect(formatDimension(d)).toBe("K * N + 2 * K - 1");
    expect(slopeIn(d, "K")).toBeUndefined();
    expect(slopeIn(minus(times(constantDimension(2), atom("K")), atom("N")), "N")).toBe(-1);
    expect(constantOfDimension(minus(d, d))).toBe(0);
  });
});
