// Random programs that mix broadcasting, reductions, gathers, scatters, views, assemblies and a routine over axes of odd and even, short and long
// sizes: what a fusing code generator has to get right.
import fc from "fast-check";
import type { Program } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type Builder, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { broadcastShapes, int, real, type Shape, sizeOf } from "../../src/runtime/ir/type.ts";

/** Numbers are taken modulo what there is to choose from, so that any list of steps makes a program. */
export interface ShapeStep {
  readonly op: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}
export const shapeSteps: fc.Arbitrary<readonly ShapeStep[]> = fc.array(
  fc.record({ op: fc.nat(999), a: fc.nat(999), b: fc.nat(999), c: fc.nat(9999) }),
  { minLength: 1, maxLength: 16 },
);

const sizes = [2, 3, 1, 5, 7, 9, 17, 20, 33, 4, 8];
const largest = 4000;

export interface ShapeProgram {
  readonly builder: Builder;
  readonly program: Program;
  readonly inputs: Readonly<Record<string, Float64Array>>;
}

class Draft {
  readonly b: Builder = createBuilder();
  readonly inputs: Record<string, Float64Array> = {};
  readonly declared: Value[] = [];
  readonly values: Value[] = [];
  private phase = 0;

  numbers(n: number): Float64Array {
    this.phase += 0.61;
    return Float64Array.from({ length: n }, (_, i) => Math.sin(this.phase + 1.7 * i) + 0.01 * (i % 5));
  }
  input(shape: Shape): Value {
    const name = `x${this.declared.length}`;
    this.inputs[name] = this.numbers(sizeOf(shape));
    const v = this.b.input(name, real(shape));
    this.declared.push(v);
    return v;
  }
  /** Indices below `size`: constant, an input, or computed. */
  indices(shape: Shape, size: number, how: number): Value {
    const values = Int32Array.from({ length: sizeOf(shape) }, (_, i) =>
      how % 5 === 0 ? Math.floor((i * size) / sizeOf(shape)) : (i * 7 + how) % size,
    );
    if (how % 3 === 0) return this.b.tensor(values, shape, "int");
    const name = `i${this.declared.length}`;
    this.inputs[name] = Float64Array.from(values);
    const v = this.b.input(name, int(shape));
    this.declared.push(v);
    return how % 3 === 1 ? v : this.b.sub(this.b.constant(size - 1, "int"), v);
  }
}

/** Built by `steps`; outputs are what no step read, and some values in between. */
export function buildShapeProgram(steps: readonly ShapeStep[]): ShapeProgram {
  const d = new Draft();
  const { b } = d;
  for (const shape of [[], [7], [3, 5], [20], [33, 3], [2, 17, 3], [131], [200], [12, 40]]) d.values.push(d.input(shape));
  d.values.push(b.tensor(d.numbers(60), [20, 3]), b.tensor(d.numbers(33), [33]));
  const given = d.values.length;
  const read = new Set<number>();
  for (const step of steps) {
    const at = (n: number): number =>
      n % 3 === 0 ? d.values.length - 1 - (n % Math.min(3, d.values.length)) : n % d.values.length;
    const [i, j] = [at(step.a), at(step.b)];
    const made = apply(d, step, d.values[i], d.values[j]);
    if (made === null || sizeOf(shapeOf(made)) > largest) continue;
    read.add(i).add(j);
    d.values.push(made);
  }
  const outputs = d.values.filter((_, k) => k >= given && (!read.has(k) || k % 4 === 0));
  return {
    builder: b,
    program: { inputs: d.declared, outputs: outputs.length > 0 ? outputs : [d.values[1]], updates: [] },
    inputs: d.inputs,
  };
}

function apply(d: Draft, { op, c }: ShapeStep, x: Value, y: Value): Value | null {
  const { b } = d;
  const shape = shapeOf(x);
  const rank = shape.length;
  const axis = rank === 0 ? 0 : c % rank;
  const size = sizes[c % sizes.length];
  switch (op % 18) {
    case 0:
    case 1:
    case 2: {
      const other = fits(shape, shapeOf(y))
        ? y
        : rank > 0 && shapeOf(y).length > 0
          ? b.slice(b.reshape(y, [sizeOf(shapeOf(y))]), 0, 0, 1, 1)
          : b.constant(0.7);
      return [b.add, b.sub, b.mul][c % 3](bounded(b, x), bounded(b, other));
    }
    case 3:
      return [
        b.exp(bounded(b, x)),
        b.softplus(x),
        b.sigmoid(x),
        b.square(bounded(b, x)),
        b.select(b.lt(x, b.constant(0.2)), b.neg(x), b.tanh(x)),
      ][c % 5];
    case 4:
    case 5: {
      if (rank === 0) return b.neg(x);
      const axes = c % 4 === 0 ? shape.map((_, k) => k) : c % 4 === 1 && rank > 1 ? [axis, (axis + 1) % rank] : [axis];
      return [b.sum, b.reduceMax, b.reduceMin, b.sum, b.logSumExp][(c >> 3) % 5](bounded(b, x), axes);
    }
    case 6: {
      const order = shape.map((_, k) => k);
      order.push(...order.splice(0, axis));
      return b.transpose(x, order);
    }
    case 7: {
      const n = sizeOf(shape);
      const factor = sizes.find((s) => s > 1 && n % s === 0 && s !== shape[0]) ?? 1;
      return b.reshape(x, c % 2 === 0 ? [n] : [factor, n / factor]);
    }
    case 8: {
      if (rank === 0) return b.broadcastTo(x, [size]);
      const step = c % 3 === 0 ? -1 : 1 + (c % 2);
      const most = Math.floor((shape[axis] - 1) / Math.abs(step)) + 1;
      const count = Math.max(1, most - (c % 3));
      return b.slice(x, axis, step < 0 ? shape[axis] - 1 : 0, count, step);
    }
    case 9:
      return b.broadcastTo(x, [size, ...shape]);
    case 10:
    case 11:
      return rank === 0 || shape[0] === 0 ? null : b.gather(x, d.indices(c % 2 === 0 ? [size] : [size, 3], shape[0], c));
    case 12:
    case 13:
      return rank === 0
        ? null
        : b.scatterAdd(bounded(b, x), d.indices(shape.slice(0, c % 2 === 0 || rank === 1 ? 1 : 2), size, c), size);
    case 14: {
      if (rank === 0) return b.stack([x, b.neg(x), b.constant(2)], 0);
      const extent = shape[axis];
      return c % 2 === 0 ? b.concat([x, b.neg(x)], axis) : b.assemble([bounded(b, x), x], axis, [extent + 3, 1], 2 * extent + 5);
    }
    case 15: {
      if (rank === 0 || shapeOf(y).length === 0) return b.mul(bounded(b, x), b.constant(1.5));
      const left = shape.findIndex((s) => shapeOf(y).includes(s));
      if (left < 0) return null;
      return b.dot(bounded(b, x), bounded(b, y), { batch: 0, left: [left], right: [shapeOf(y).indexOf(shape[left])] });
    }
    case 16:
      return rank === 0 ? null : b.cumsum(bounded(b, x), c % 2 === 0);
    case 17: {
      // Zeros around a row, and the row laid among others.
      if (rank === 0) return b.neg(x);
      const row = b.reshape(x, [1, sizeOf(shape)]);
      const length = 2 * sizeOf(shape) + 3;
      const padded = b.assemble([row], 1, [c % (length - sizeOf(shape))], length);
      return b.assemble([padded, b.reshape(b.iota([length], 0), [1, length])], 0, [c % 2, 1 - (c % 2)], 2);
    }
    default:
      return null;
  }
}

/** x / (1 + |x|): chains of steps do not grow. */
const bounded = (b: Builder, v: Value): Value => b.div(v, b.add(b.constant(1), b.abs(v)));

function fits(x: Shape, y: Shape): boolean {
  for (let k = 1; k <= Math.min(x.length, y.length); k++) {
    const [m, n] = [x[x.length - k], y[y.length - k]];
    if (m !== n && m !== 1 && n !== 1) return false;
  }
  return sizeOf(broadcastShapes(x, y)) <= largest;
}
