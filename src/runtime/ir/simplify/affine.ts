// Affine analysis: row n of a value as a constant c_n plus Σ (data of row n) · (an element of something small that varies).
import { type DotAttrs, shapeOf, type Value } from "../graph.ts";
import { otherAxes, range } from "../primitives/axes.ts";
import { add, div, mul, neg, sub } from "../primitives/elementwise.ts";
import { dot } from "../primitives/linalg.ts";
import { type ReduceAttrs, sum } from "../primitives/reduce.ts";
import { type Shape, sizeOf, stridesOf } from "../type.ts";
import { at, compose, type Positions, samePositions, sourceOf, stretched } from "./positions.ts";
import { allFinite, MOST_VISITS, type Session } from "./session.ts";

/** Element `at` of the flat atom: the same one in every row, or one a row. */
export interface Part {
  readonly atom: Value;
  readonly at: number | Int32Array;
}
/** data_n · Σ parts */
export interface Column {
  readonly data: Float64Array;
  readonly parts: readonly Part[];
}
export interface Affine {
  readonly rows: number;
  readonly constant: Float64Array;
  readonly columns: readonly Column[];
}

/** Bounds on what is spent at bind: columns, elements held, terms of a partial sum that is written out. */
const MOST_COLUMNS = 1024;
const MOST_ELEMENTS = 4e7;
const MOST_TERMS = 64;

/** The affine form of a value, its elements being the rows, or null where that is too large or not finite. `deep` looks inside values
 *  that are small beside the rows; otherwise they are atoms. */
export function affineForm(s: Session, v: Value, deep: boolean): Affine | null {
  const form = new Accumulator(s, sizeOf(shapeOf(v)), deep);
  form.add(v, null, null, null);
  return form.finish();
}

interface OpenColumn {
  readonly data: Float64Array;
  readonly part: Part;
}
class Accumulator {
  readonly #s: Session;
  readonly #rows: number;
  readonly #deep: boolean;
  readonly #constant: Float64Array;
  readonly #byAtom = new Map<Value, OpenColumn[]>();
  #columns = 0;
  #visits = 0;
  #failed = false;

  constructor(s: Session, rows: number, deep: boolean) {
    this.#s = s;
    this.#rows = rows;
    this.#deep = deep;
    this.#constant = new Float64Array(rows);
  }

  finish(): Affine | null {
    const columns = [...this.#byAtom.values()].flat().map(({ data, part }) => ({ data, parts: [part] }));
    const finite = !this.#failed && allFinite(this.#constant) && columns.every((c) => allFinite(c.data));
    return finite ? { rows: this.#rows, constant: this.#constant, columns } : null;
  }

  /** Adds scale · data_n · v[positions_n] to row n; null stands for 1. */
  add(v: Value, positions: Positions, data: Float64Array | null, scale: Value | null): this {
    this.#failed ||= ++this.#visits > MOST_VISITS;
    if (this.#failed) return this;
    const s = this.#s;
    const shape = shapeOf(v);
    const { op, inputs } = v.node;
    if (s.isClosed(v)) return this.#addConstant(s.valuesOf(v), positions, data, scale);
    if (sizeOf(shape) === 1) return this.#addColumn(this.#scaled(scale, s.scalar(v)), 0, data);
    if (!this.#deep && 2 * sizeOf(shape) <= this.#rows) return this.#addAtom(v, positions, data, scale);
    const operand = (x: Value, d: Float64Array | null): this =>
      this.add(x, compose(positions, stretched(shapeOf(x), shape)), d, scale);
    switch (op) {
      case add:
        operand(inputs[0], data);
        return operand(inputs[1], data);
      case sub:
        operand(inputs[0], data);
        return operand(inputs[1], this.#negative(data));
      case neg:
        return operand(inputs[0], this.#negative(data));
      case mul:
        for (const [x, y] of [inputs, [inputs[1], inputs[0]]]) {
          if (s.isClosed(x))
            return operand(y, this.#times(data, s.valuesOf(x), compose(positions, stretched(shapeOf(x), shape))));
          if (s.isOpenScalar(x))
            return this.add(y, compose(positions, stretched(shapeOf(y), shape)), data, this.#scaled(scale, s.scalar(x)));
        }
        return this.#addAtom(v, positions, data, scale);
      case div: {
        const [x, y] = inputs;
        if (!s.isClosed(y)) return this.#addAtom(v, positions, data, scale);
        const reciprocals = s.valuesOf(y).map((divisor) => 1 / divisor);
        return operand(x, this.#times(data, reciprocals, compose(positions, stretched(shapeOf(y), shape))));
      }
      case sum:
        return this.#addPartialSum(v, positions, data, scale);
    }
    const view = sourceOf(s, v);
    if (view !== null) return this.add(view.source, compose(positions, view.positions), data, scale);
    return op === dot ? this.#addProduct(v, positions, data, scale) : this.#addAtom(v, positions, data, scale);
  }

  /** A product with a constant: one addend a combination of the contracted axes' indices. */
  #addProduct(v: Value, positions: Positions, data: Float64Array | null, scale: Value | null): this {
    const s = this.#s;
    const [x, y] = v.node.inputs;
    const { batch, left, right } = v.node.attrs as DotAttrs;
    if (s.isClosed(x) === s.isClosed(y) || !this.#fits(0)) return this.#addAtom(v, positions, data, scale);
    const [p, q] = [operandGrid(shapeOf(x), batch, left), operandGrid(shapeOf(y), batch, right)];
    // Element e of the result, of the shape [batch, free axes of x, free axes of y], starts at these positions of x and y.
    const starts = (start: (e: number) => number): Int32Array => {
      const out = new Int32Array(this.#rows);
      for (let n = 0; n < out.length; n++) out[n] = start(at(positions, n));
      return out;
    };
    const xStarts = starts((e) => p.starts[Math.floor(e / q.free)]);
    const yStarts = starts((e) => q.starts[Math.floor(e / (p.free * q.free)) * q.free + (e % q.free)]);
    const [constant, open] = s.isClosed(x) ? [x, y] : [y, x];
    const [ofConstant, ofOpen] = s.isClosed(x) ? [xStarts, yStarts] : [yStarts, xStarts];
    const [constantOffsets, openOffsets] = s.isClosed(x) ? [p.offsets, q.offsets] : [q.offsets, p.offsets];
    const values = s.valuesOf(constant);
    const isOne = areOne(ofOpen);
    for (let k = 0; k < constantOffsets.length && !this.#failed; k++) {
      const factors = this.#times(data, values, ofConstant, constantOffsets[k]);
      this.add(open, isOne ? repeated(ofOpen[0] + openOffsets[k], this.#rows) : shifted(ofOpen, openOffsets[k]), factors, scale);
    }
    return this;
  }

  /** Σ over some axes: one addend a combination of these axes' indices. */
  #addPartialSum(v: Value, positions: Positions, data: Float64Array | null, scale: Value | null): this {
    const [operand] = v.node.inputs;
    const { axes } = v.node.attrs as ReduceAttrs;
    const starts = subgrid(shapeOf(operand), otherAxes(shapeOf(operand).length, axes));
    const offsets = subgrid(shapeOf(operand), axes);
    if (offsets.length > MOST_TERMS) return this.#addAtom(v, positions, data, scale);
    for (const offset of offsets) {
      const from = new Int32Array(this.#rows);
      for (let n = 0; n < from.length; n++) from[n] = starts[at(positions, n)] + offset;
      this.add(operand, from, data, scale);
    }
    return this;
  }

  #addConstant(values: Float64Array, positions: Positions, data: Float64Array | null, scale: Value | null): this {
    const rows = this.#times(data, values, positions);
    if (scale !== null) return this.#addColumn(scale, 0, rows);
    const constant = this.#constant;
    for (let n = 0; n < constant.length; n++) constant[n] += rows[n];
    return this;
  }

  #addAtom(v: Value, positions: Positions, data: Float64Array | null, scale: Value | null): this {
    const from = positions ?? inOrder(this.#rows);
    return this.#addColumn(this.#scaled(scale, v), areOne(from) ? from[0] : from, data);
  }

  #addColumn(atom: Value, from: number | Int32Array, data: Float64Array | null): this {
    const own = this.#byAtom.get(atom) ?? [];
    const same = own.find(({ part }) =>
      typeof from === "number" || typeof part.at === "number" ? part.at === from : samePositions(part.at, from),
    );
    if (same !== undefined) {
      for (let n = 0; n < this.#rows; n++) same.data[n] += data === null ? 1 : data[n];
      return this;
    }
    if (!this.#fits(1)) return this;
    this.#columns++;
    own.push({ data: data === null ? new Float64Array(this.#rows).fill(1) : data.slice(), part: { atom, at: from } });
    this.#byAtom.set(atom, own);
    return this;
  }

  #fits(more: number): boolean {
    const columns = this.#columns + more;
    this.#failed ||= columns > MOST_COLUMNS || columns * this.#rows > MOST_ELEMENTS;
    return !this.#failed;
  }
  /** values[positions_n + offset] · data_n */
  #times(data: Float64Array | null, values: Float64Array, positions: Positions, offset = 0): Float64Array {
    const out = new Float64Array(this.#rows);
    if (positions === null) for (let n = 0; n < out.length; n++) out[n] = values[n + offset];
    else for (let n = 0; n < out.length; n++) out[n] = values[positions[n] + offset];
    if (data !== null) for (let n = 0; n < out.length; n++) out[n] *= data[n];
    return out;
  }
  #negative(data: Float64Array | null): Float64Array {
    return data === null ? new Float64Array(this.#rows).fill(-1) : data.map((x) => -x);
  }
  #scaled(scale: Value | null, v: Value): Value {
    return scale === null ? v : this.#s.b.mul(scale, v);
  }
}

function inOrder(count: number): Int32Array {
  const positions = new Int32Array(count);
  for (let n = 0; n < count; n++) positions[n] = n;
  return positions;
}
/** Made here of one number, so that nobody need look. */
const uniform = new WeakSet<Int32Array>();
function repeated(position: number, count: number): Int32Array {
  const positions = new Int32Array(count).fill(position);
  uniform.add(positions);
  return positions;
}
function areOne(positions: Int32Array): boolean {
  if (uniform.has(positions)) return true;
  for (let n = 1; n < positions.length; n++) if (positions[n] !== positions[0]) return false;
  return true;
}
const shifted = (positions: Int32Array, by: number): Int32Array => (by === 0 ? positions : positions.map((p) => p + by));

/** Where the elements of a product's operand lie that go into one element of the result, and by how much the addends are apart. */
function operandGrid(
  shape: Shape,
  batch: number,
  contracted: readonly number[],
): { starts: number[]; offsets: number[]; free: number } {
  const free = otherAxes(shape.length, [...range(0, batch), ...contracted]);
  const starts = subgrid(shape, [...range(0, batch), ...free]);
  return { starts, offsets: subgrid(shape, contracted), free: sizeOf(free.map((axis) => shape[axis])) };
}

/** Flat positions in a tensor of the shape of all index combinations along some axes, the others at 0. */
function subgrid(shape: Shape, axes: readonly number[]): number[] {
  const strides = stridesOf(shape);
  let positions = [0];
  for (const axis of axes) {
    positions = positions.flatMap((start) => Array.from({ length: shape[axis] }, (_, i) => start + i * strides[axis]));
  }
  return positions;
}
