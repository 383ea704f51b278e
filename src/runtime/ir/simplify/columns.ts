// Sums of squares of one linear map applied to many columns: Σ_n ‖T (c_n + V d_n)‖² with constant c_n, d_n keeps its value when the
// columns [c_n; d_n] are mixed by an orthogonal matrix. So the multivariate normal density of N observations needs at most as many
// right sides as an observation has components and coefficients, from R of the QR factorisation of the rows [d_n', c_n'].
import { type DotAttrs, shapeOf, type Value } from "../graph.ts";
import { otherAxes, range } from "../primitives/axes.ts";
import { dot, triangularSolve } from "../primitives/linalg.ts";
import type { TriangularSolveAttrs } from "../primitives/triangular.ts";
import { sizeOf } from "../type.ts";
import { type Affine, affineForm } from "./affine.ts";
import { elementsAt } from "./positions.ts";
import type { Session } from "./session.ts";
import { allInRange, MOST_WORK, WORTHWHILE } from "./squares.ts";
import { TriangularFactor } from "./triangular-factor.ts";

/** A map of the columns of a matrix [height, columns], each by itself. */
interface ColumnMap {
  readonly matrix: Value;
  apply(matrix: Value): Value;
}

/** weight · Σ a² with fewer columns, a scalar, or null. */
export function reducedColumns(s: Session, a: Value, weight: number): Value | null {
  for (const map of columnMaps(s, a)) {
    const mixed = mixedColumns(s, map.matrix);
    if (mixed !== null) return s.b.mul(s.b.constant(weight), s.b.sum(s.b.square(map.apply(mixed))));
  }
  return null;
}

function columnMaps(s: Session, { node }: Value): ColumnMap[] {
  const { b } = s;
  const [x, y] = node.inputs;
  if (node.op === triangularSolve && shapeOf(y).length === 2) {
    return [{ matrix: y, apply: (matrix) => b.triangularSolve(x, matrix, node.attrs as TriangularSolveAttrs) }];
  }
  if (node.op !== dot) return [];
  const { batch, left, right } = node.attrs as DotAttrs;
  if (batch !== 0) return [];
  const side = (own: Value, axes: readonly number[], other: Value, others: readonly number[]): ColumnMap => {
    const free = otherAxes(shapeOf(own).length, axes);
    const heights = axes.map((axis) => shapeOf(own)[axis]);
    const columns = sizeOf(free.map((axis) => shapeOf(own)[axis]));
    return {
      matrix: b.reshape(b.transpose(own, [...axes, ...free]), [sizeOf(heights), columns]),
      apply(matrix) {
        const tensor = b.reshape(matrix, [...heights, shapeOf(matrix)[1]]);
        return b.dot(other, tensor, { batch: 0, left: others, right: range(0, heights.length) });
      },
    };
  };
  return [side(x, left, y, right), side(y, right, x, left)];
}

/** Fewer columns in the place of those of the matrix, or null. */
function mixedColumns(s: Session, matrix: Value): Value | null {
  const [height, columns] = shapeOf(matrix);
  // d_n and c_n take at most this many columns; before the form is known, one for d_n.
  if ((height + 1) / columns > WORTHWHILE || s.isClosed(matrix)) return null;
  const form = affineForm(s, matrix, false);
  const terms = form?.columns.map((c) => separated(c, height, columns)) ?? [];
  if (form === null || terms.some((t) => t === null)) return null;
  const varying = terms.filter((t): t is Separated => t !== null);
  const width = varying.length + height;
  if (width / columns > WORTHWHILE || columns * width * width > MOST_WORK || !allInRange(form.constant)) return null;
  if (!varying.every((t) => allInRange(t.data))) return null;

  const factor = new TriangularFactor(width);
  const heights = range(0, height).map((d) => form.constant.subarray(d * columns, (d + 1) * columns));
  const data = [...varying.map((t) => t.data), ...heights];
  for (let n = 0; n < columns; n++) {
    factor.push(data, n);
  }
  const rows = factor.finish();
  const { b } = s;
  const constant = Float64Array.from(
    { length: height * rows.length },
    (_, i) => rows[i % rows.length][varying.length + Math.floor(i / rows.length)],
  );
  const addends = varying.map(({ atom, positions }, j) => {
    const data = b.tensor(
      Float64Array.from(rows, (row) => row[j]),
      [1, rows.length],
    );
    return b.mul(b.reshape(elementsAt(s, atom, positions), [positions.length, 1]), data);
  });
  return addends.reduce((x, y) => b.add(x, y), b.tensor(constant, [height, rows.length]));
}

/** data_n times an element for each of the heights, or one for all. */
interface Separated {
  readonly data: Float64Array;
  readonly atom: Value;
  readonly positions: Int32Array;
}
function separated(
  { data, parts: [{ atom, at }] }: Affine["columns"][number],
  height: number,
  columns: number,
): Separated | null {
  for (let i = 0; i < data.length; i++) if (data[i] !== data[i % columns]) return null;
  const own = data.slice(0, columns);
  if (typeof at === "number") return { data: own, atom, positions: Int32Array.of(at) };
  for (let i = 0; i < at.length; i++) if (at[i] !== at[i - (i % columns)]) return null;
  return { data: own, atom, positions: Int32Array.from({ length: height }, (_, d) => at[d * columns]) };
}
