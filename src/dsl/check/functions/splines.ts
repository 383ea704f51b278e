// Bases of splines at points of data.
import { ShapeError } from "../../../runtime/errors.ts";
import { constantDimension, minus, one, plus } from "../../dimensions.ts";
import { unit } from "../../ranges.ts";
import type { Size, ValueType } from "../value-type.ts";
import { numbersOf } from "./arrays.ts";
import { type BuiltIn, size, sizeFrom, vector } from "./define.ts";
import { sizeOfArgument } from "./reductions.ts";

/**
 * The degree + 1 B-splines that are not 0 at x, which lies in the interval from knot `at` to the next (de Boor 1978, chapter X: B(i, k) is the mean of
 * B(i, k-1) and B(i+1, k-1) by where x lies in the support of each). `t` has `degree` knots more on each side; the first is that of number at - degree.
 */
function nonzero(x: number, t: Float64Array, at: number, degree: number): Float64Array {
  const values = new Float64Array(degree + 1);
  values[0] = 1;
  for (let k = 1; k <= degree; k++) {
    let carried = 0;
    for (let j = 0; j < k; j++) {
      const [left, right] = [t[at + 1 - k + j], t[at + 1 + j]];
      const share = values[j] / (right - left);
      values[j] = carried + (right - x) * share;
      carried = (x - left) * share;
    }
    values[k] = carried;
  }
  return values;
}
/** The last interval that begins at or before x; x at the end belongs to the last. */
function intervalOf(x: number, knots: Float64Array): number {
  let at = 0;
  while (at < knots.length - 2 && knots[at + 1] <= x) at++;
  return at;
}

interface Basis {
  readonly name: string;
  readonly doc: string;
  readonly columns: (knots: Size, degree: ValueType) => Size;
  readonly count: (knots: number, degree: number) => number;
  /** `degree` knots before the first and after the last. */
  readonly before: (knots: Float64Array, i: number) => number;
  readonly after: (knots: Float64Array, i: number) => number;
  /** Where x lies among the knots, if anywhere. */
  readonly place: (x: number, knots: Float64Array) => number;
}
function basis(s: Basis): BuiltIn {
  return {
    name: s.name,
    doc: s.doc,
    parameters: [vector("x"), vector("knots"), size("degree")],
    dataOnly: true,
    result: ([x, knots, degree]) => ({
      dtype: "real",
      shape: x.shape && knots.shape && [x.shape[0], s.columns(knots.shape[0], degree)],
      range: unit,
    }),
    lower(b, [x, k, d]) {
      const degree = sizeOfArgument(d, `the degree of ${s.name}`);
      const knots = numbersOf(k, s.name);
      if (knots.length < 2) throw new ShapeError(`${s.name} needs two knots at least, the ends`);
      for (let i = 1; i < knots.length; i++)
        if (!(knots[i] > knots[i - 1]))
          throw new ShapeError(`the knots of ${s.name} must increase: knot ${i + 1} is ${knots[i]}`);
      const t = Float64Array.from({ length: knots.length + 2 * degree }, (_, i) => {
        if (i < degree) return s.before(knots, degree - i);
        return i < degree + knots.length ? knots[i - degree] : s.after(knots, i - degree - knots.length + 1);
      });
      const count = s.count(knots.length, degree);
      const points = numbersOf(x, s.name);
      const out = new Float64Array(points.length * count);
      points.forEach((given, row) => {
        const at = s.place(given, knots);
        if (!(at >= knots[0] && at <= knots[knots.length - 1]))
          throw new ShapeError(
            `x[${row + 1}] of ${s.name} is ${given}, and the knots go from ${knots[0]} to ${knots[knots.length - 1]}`,
          );
        const first = intervalOf(at, knots);
        nonzero(at, t, first + degree, degree).forEach((v, j) => {
          out[row * count + ((first + j) % count)] += v;
        });
      });
      return b.tensor(out, [points.length, count]);
    },
  };
}

export const splines: readonly BuiltIn[] = [
  basis({
    name: "bspline",
    doc: "The B-splines of a degree at the points of x, a column each, which add up to 1: knots, both ends included, increase, and there are length(knots) + degree - 1 columns.",
    columns: (knots, degree) => {
      const k = sizeFrom(degree);
      return knots && k && minus(plus(knots, k), one);
    },
    count: (knots, degree) => knots + degree - 1,
    before: (knots) => knots[0],
    after: (knots) => knots[knots.length - 1],
    place: (x) => x,
  }),
  basis({
    name: "periodic_bspline",
    doc: "The B-splines of a degree on a circle at the points of x, a column each: the first and the last knot are the same place, and there are length(knots) - 1 columns.",
    columns: (knots) => knots && minus(knots, constantDimension(1)),
    count: (knots) => knots - 1,
    before: (knots, i) => around(knots, -i),
    after: (knots, i) => around(knots, knots.length - 1 + i),
    place: (x, knots) => {
      const period = knots[knots.length - 1] - knots[0];
      return Number.isFinite(x) ? x - period * Math.floor((x - knots[0]) / period) : x;
    },
  }),
];
/** Knot i of those that go on around the circle. */
function around(knots: Float64Array, i: number): number {
  const m = knots.length - 1;
  const turns = Math.floor(i / m);
  return knots[i - m * turns] + turns * (knots[m] - knots[0]);
}
