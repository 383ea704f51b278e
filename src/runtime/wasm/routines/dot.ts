// The general contraction: batches of matrix products, operands brought to [batch, rows, inner] and [batch, inner, columns] by strides
// alone where their axes allow it, else by a copy.
import type { DotAttrs, Node } from "../../ir/graph.ts";
import { type Shape, sizeOf, stridesOf } from "../../ir/type.ts";
import { type FunctionBuilder, f64, type I32, i32 } from "../module.ts";
import { gemm, gemmScratch } from "./gemm.ts";
import type { Operand, Routine } from "./index.ts";

const word = 8;

interface Axis {
  readonly size: number;
  /** In elements. */
  readonly stride: number;
}
/** One operand as a matrix in each batch: free and contracted axes, each list in the order in which its index counts up. */
interface Matrix {
  readonly free: readonly Axis[];
  readonly inner: readonly Axis[];
  readonly batchStride: number;
}

/** Axes that count as one where they are adjacent in memory; those of size 1 are left out. */
function collapse(axes: readonly Axis[]): readonly Axis[] {
  const out: Axis[] = [];
  for (const axis of axes) {
    const last = out[out.length - 1];
    if (axis.size === 1) continue;
    if (last && last.stride === axis.stride * axis.size)
      out[out.length - 1] = { size: last.size * axis.size, stride: axis.stride };
    else out.push(axis);
  }
  return out;
}

function matrixOf(shape: Shape, batch: number, contracted: readonly number[]): Matrix {
  const strides = stridesOf(shape);
  const axis = (i: number): Axis => ({ size: shape[i], stride: strides[i] });
  const free = shape.map((_, i) => i).filter((i) => i >= batch && !contracted.includes(i));
  return {
    free: collapse(free.map(axis)),
    inner: collapse(contracted.map(axis)),
    batchStride: sizeOf(shape.slice(batch)),
  };
}

interface Plan {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  readonly left: Matrix;
  readonly right: Matrix;
}
function planOf(node: Node<DotAttrs>): Plan {
  const { batch, left, right } = node.attrs;
  const [a, b] = node.inputs.map((v) => v.node.results[v.index].shape);
  const [l, r] = [matrixOf(a, batch, left), matrixOf(b, batch, right)];
  const inner = sizeOf(left.map((i) => a[i]));
  return {
    batch: sizeOf(a.slice(0, batch)),
    inner,
    rows: sizeOf(a.filter((_, i) => i >= batch && !left.includes(i))),
    columns: sizeOf(b.filter((_, i) => i >= batch && !right.includes(i))),
    left: l,
    right: r,
  };
}
const isStrided = (m: Matrix): boolean => m.free.length <= 1 && m.inner.length <= 1;
const copySize = (m: Matrix, count: number): number => (isStrided(m) ? 0 : count + (count & 1));

export const dot: Routine = {
  name: "dot",
  scratch(node: Node<DotAttrs>) {
    const { rows, columns, inner, left, right } = planOf(node);
    return gemmScratch(rows, columns, inner) + copySize(left, rows * inner) + copySize(right, inner * columns);
  },
  emit(f, { module, node, inputs, results: [result], scratch }) {
    const { batch, rows, columns, inner, left, right } = planOf(node);
    const copies = scratch + word * gemmScratch(rows, columns, inner);
    f.for(0, batch, 1, (index) => {
      const start = (o: Operand, stride: number): I32 => i32.add(i32.const(o.offset), i32.mul(index, i32.const(stride * word)));
      const a = strided(f, left, f.let(start(inputs[0], left.batchStride)), copies, inner);
      const second = copies + word * copySize(left, rows * inner);
      const b = strided(f, right, f.let(start(inputs[1], right.batchStride)), second, inner);
      gemm(module, f, {
        a: a.start,
        aRow: i32.const(word * a.free),
        aInner: i32.const(word * a.inner),
        b: b.start,
        bInner: i32.const(word * b.inner),
        bColumn: i32.const(word * b.free),
        c: start(result, rows * columns),
        cRow: i32.const(word * columns),
        rows: i32.const(rows),
        columns: i32.const(columns),
        inner: i32.const(inner),
        scratch: i32.const(scratch),
        accumulate: i32.const(0),
        alpha: f64.const(1),
      });
    });
  },
};

/** Start and strides (elements) of the operand in this batch; where its axes do not collapse, those of a copy, free axes first. */
function strided(
  f: FunctionBuilder,
  m: Matrix,
  start: I32,
  copy: number,
  innerSize: number,
): { readonly start: I32; readonly free: number; readonly inner: number } {
  if (isStrided(m)) return { start, free: m.free[0]?.stride ?? 0, inner: m.inner[0]?.stride ?? 0 };
  const target = f.let(i32.const(copy));
  const walk = (axes: readonly Axis[], from: I32): void => {
    const [axis, ...rest] = axes;
    if (axis === undefined) {
      f.store(target, f64.load(from));
      f.set(target, i32.add(target, i32.const(word)));
      return;
    }
    f.for(0, axis.size, 1, (i) => walk(rest, f.let(i32.add(from, i32.mul(i, i32.const(axis.stride * word))))));
  };
  walk([...m.free, ...m.inner], start);
  return { start: i32.const(copy), free: innerSize, inner: 1 };
}
