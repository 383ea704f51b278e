// An expression over many rows, read row by row: which rows are the same, and the expression over chosen rows only.
import { unreachable } from "../../errors.ts";
import { type DotAttrs, shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { dot } from "../primitives/linalg.ts";
import { sizeOf } from "../type.ts";
import { type Classes, oneClass, refine } from "./classes.ts";
import { at, compose, elementsAt, type Positions, sourceOf, stretched } from "./positions.ts";
import { MOST_VISITS, type Session } from "./session.ts";

/** How an element of a value is made from those of others. Values with fewer elements than there are rows are atoms: they are
 *  computed once, whatever the rows. */
type Reading =
  | { readonly kind: "closed" | "scalar" | "atom" }
  | {
      readonly kind: "elementwise";
      readonly op: Primitive;
      readonly operands: readonly { readonly value: Value; readonly positions: Positions }[];
    }
  | { readonly kind: "view"; readonly source: Value; readonly positions: Positions }
  | { readonly kind: "product"; readonly product: MatrixVector };

function readingOf(s: Session, v: Value, rows: number): Reading {
  if (s.isClosed(v)) return { kind: "closed" };
  const shape = shapeOf(v);
  if (sizeOf(shape) === 1) return { kind: "scalar" };
  const { op, inputs } = v.node;
  if (typeof op === "string" || sizeOf(shape) < rows) return { kind: "atom" };
  if (op.elementwise) {
    return { kind: "elementwise", op, operands: inputs.map((value) => ({ value, positions: stretched(shapeOf(value), shape) })) };
  }
  const view = sourceOf(s, v);
  if (view !== null) return { kind: "view", ...view };
  const product = matrixVector(s, v);
  return product === null ? { kind: "atom" } : { kind: "product", product };
}

/** A constant matrix times a vector: element n of the value is Σ_k matrix[n, k] vector[k]. */
export interface MatrixVector {
  readonly matrix: Float64Array;
  readonly columns: number;
  readonly vector: Value;
}
const products = new WeakMap<object, MatrixVector | null>();
export function matrixVector(s: Session, v: Value): MatrixVector | null {
  const known = products.get(v.node);
  if (known !== undefined) return known;
  const found = findMatrixVector(s, v);
  products.set(v.node, found);
  return found;
}
function findMatrixVector(s: Session, v: Value): MatrixVector | null {
  if (v.node.op !== dot) return null;
  const { batch, left, right } = v.node.attrs as DotAttrs;
  const [x, y] = v.node.inputs;
  const [constant, own, vector, others] = s.isClosed(x) ? [x, left, y, right] : [y, right, x, left];
  const { b } = s;
  if (batch !== 0 || !s.isClosed(constant) || shapeOf(vector).length !== others.length) return null;
  const rank = shapeOf(constant).length;
  const free = shapeOf(constant).flatMap((_, axis) => (own.includes(axis) ? [] : [axis]));
  const columns = sizeOf(own.map((axis) => shapeOf(constant)[axis]));
  const inOrder = b.transpose(constant, [...free, ...own]);
  if (rank === 0 || columns === 0) return null;
  return { matrix: s.valuesOf(inOrder), columns, vector: s.flat(b.transpose(vector, others)) };
}

/** Classes of rows in which the value cannot differ, or null if there are more than `limit`. */
export function rowClasses(s: Session, v: Value, rows: number, limit: number): Classes | null {
  const seen = new Map<Value, Positions[]>();
  const indices: Int32Array[] = [];
  const data: (() => Float64Array)[] = [];
  let visits = 0;
  const visit = (value: Value, positions: Positions): void => {
    const before = seen.get(value) ?? [];
    if (before.includes(positions) || ++visits > MOST_VISITS) return;
    seen.set(value, [...before, positions]);
    const reading = readingOf(s, value, rows);
    switch (reading.kind) {
      case "scalar":
        break;
      case "closed":
        data.push(() => pick(s.valuesOf(value), positions, rows));
        break;
      case "atom":
        indices.push(positions ?? Int32Array.from({ length: rows }, (_, n) => n));
        break;
      case "elementwise":
        for (const o of reading.operands) visit(o.value, compose(positions, o.positions));
        break;
      case "view":
        visit(reading.source, compose(positions, reading.positions));
        break;
      case "product": {
        const { matrix, columns } = reading.product;
        for (let k = 0; k < columns; k++) {
          data.push(() => Float64Array.from({ length: rows }, (_, n) => matrix[at(positions, n) * columns + k]));
        }
        break;
      }
      default:
        unreachable(reading, "rowClasses");
    }
  };
  visit(v, null);
  // Indices first: the classes are then in their order, and reading them needs no permutation.
  let classes: Classes | null = visits > MOST_VISITS ? null : oneClass(rows);
  for (const column of indices) classes = classes && refine(classes, column, limit);
  for (const column of data) classes = classes && refine(classes, column(), limit);
  return classes;
}

/** The value at chosen flat positions: a vector, or a scalar where the value is one. `rows` is the size of the space that the
 *  value was written over. */
export function valueAt(s: Session, v: Value, chosen: Int32Array, rows: number): Value {
  const { b } = s;
  const made = new Map<Value, { positions: Int32Array; result: Value }[]>();
  const visit = (value: Value, positions: Int32Array): Value => {
    const before = made.get(value) ?? [];
    const known = before.find((m) => m.positions === positions);
    if (known !== undefined) return known.result;
    const result = make(value, positions);
    made.set(value, [...before, { positions, result }]);
    return result;
  };
  const make = (value: Value, positions: Int32Array): Value => {
    const reading = readingOf(s, value, rows);
    switch (reading.kind) {
      case "scalar":
        return s.scalar(value);
      case "closed": {
        const values = pick(s.valuesOf(value), positions, positions.length);
        const { dtype } = value.node.results[value.index];
        // -0 and 0 are two classes of rows: one number in their place would be one row.
        return values.every((x) => Object.is(x, values[0])) && values.length > 0
          ? b.constant(values[0], dtype)
          : b.tensor(values, [values.length], dtype);
      }
      case "atom":
        return elementsAt(s, value, positions);
      case "elementwise": {
        const operands = reading.operands.map((o) => visit(o.value, compose(positions, o.positions)!));
        return b.apply(reading.op, operands, value.node.attrs)[0];
      }
      case "view":
        return visit(reading.source, compose(positions, reading.positions)!);
      case "product": {
        const { matrix, columns, vector } = reading.product;
        const chosenRows = new Float64Array(positions.length * columns);
        positions.forEach((row, n) => void chosenRows.set(matrix.subarray(row * columns, (row + 1) * columns), n * columns));
        return b.dot(b.tensor(chosenRows, [positions.length, columns]), vector, { batch: 0, left: [1], right: [0] });
      }
    }
  };
  return visit(v, chosen);
}

const pick = (values: Float64Array, positions: Positions, rows: number): Float64Array =>
  positions === null ? values : Float64Array.from({ length: rows }, (_, n) => values[positions[n]]);
