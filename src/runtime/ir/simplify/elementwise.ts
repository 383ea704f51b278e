// Local rules: elementwise work moved to where there are fewer elements, products with constants recognised as matrix products.
import { dtypeOf, type Node, shapeOf, type Value } from "../graph.ts";
import { otherAxes } from "../primitives/axes.ts";
import { div, mul } from "../primitives/elementwise.ts";
import { type GatherAttrs, gather } from "../primitives/gather.ts";
import { type ReduceAttrs, sum } from "../primitives/reduce.ts";
import { log, log1p, xlog1py, xlogy } from "../primitives/transcendental.ts";
import { sameShape, sizeOf } from "../type.ts";
import { type Classes, oneClass, refine, representatives } from "./classes.ts";
import { coversAll } from "./positions.ts";
import { allFinite, type Session } from "./session.ts";

/** Work is moved, or the reciprocals of several numbers shared, when it shrinks by this factor at least. */
const SHRINKS = 2;
const SHARED = 4;

/** A cheaper value than `op` applied to these inputs, or null. */
export function cheaper(s: Session, { op, attrs }: Node, inputs: readonly Value[]): Value | null {
  if (typeof op === "string") return null;
  if (op === div) return sharedReciprocal(s, inputs);
  if (op === sum) return constantProduct(s, inputs[0], (attrs as ReduceAttrs).axes);
  if (op === xlogy || op === xlog1py) {
    const known = logOfConstant(s, op, inputs);
    if (known !== null) return known;
  }
  return op.elementwise ? (atTheTable(s, op, inputs, attrs) ?? onDistinct(s, op, inputs, attrs)) : null;
}

/** An operation is dear when an element costs more flops than reading it back from a table does. */
const DEAR = 8;
/** Arrays smaller than this are not worth a table; expressions longer than this are not looked through. */
const WORTH_A_TABLE = 32;
const LONGEST = 16;

/** A dear operation on an array of constants and single numbers, such as exp(-½ d² / ρ²) over the distances d of a kernel: each combination of
 *  constants is computed once. Of vectors the sums over rows take care, with counts in place of a table. */
function onDistinct(s: Session, op: Exclude<Node["op"], string>, inputs: readonly Value[], attrs: unknown): Value | null {
  if ((op.cost ?? 0) < DEAR || inputs.length !== 1) return null;
  const { b } = s;
  const [x] = inputs;
  const shape = shapeOf(x);
  const size = sizeOf(shape);
  if (shape.length < 2 || size < WORTH_A_TABLE || s.isClosed(x)) return null;
  const constants = constantsUnder(s, x);
  if (constants === null) return null;
  let classes: Classes | null = oneClass(size);
  for (const c of constants) classes = classes && refine(classes, Float64Array.from(s.valuesOf(c)), size / SHRINKS);
  if (classes === null) return null;
  const rows = representatives(classes);
  const at = (v: Value): Value => {
    if (constants.has(v))
      return b.tensor(
        Float64Array.from(rows, (row) => s.valuesOf(v)[row]),
        [rows.length],
        dtypeOf(v),
      );
    if (sizeOf(shapeOf(v)) === 1) return b.reshape(v, []);
    return b.apply(v.node.op as Exclude<Node["op"], string>, v.node.inputs.map(at), v.node.attrs)[v.index];
  };
  const [table] = b.apply(op, [at(x)], attrs);
  return b.gather(table, b.tensor(Float64Array.from(classes.ids), shape, "int"));
}

/** The constants of x's shape that x is made of by elementwise operations, beside single numbers; null if it is made of anything else. */
function constantsUnder(s: Session, x: Value): Set<Value> | null {
  const constants = new Set<Value>();
  let looked = 0;
  const visit = (v: Value): boolean => {
    if (sizeOf(shapeOf(v)) === 1) return true;
    if (s.isClosed(v)) {
      constants.add(v);
      return sameShape(shapeOf(v), shapeOf(x));
    }
    const { op } = v.node;
    return typeof op !== "string" && op.elementwise === true && ++looked <= LONGEST && v.node.inputs.every(visit);
  };
  return visit(x) ? constants : null;
}

/** f(t[i], u[i], …) is f(t, u, …)[i] with a constant i that reads every row of a table with fewer elements. */
function atTheTable(s: Session, op: Exclude<Node["op"], string>, inputs: readonly Value[], attrs: unknown): Value | null {
  const { b } = s;
  const isGather = (v: Value): boolean => v.node.op === gather && (v.node.attrs as GatherAttrs).batch === 0;
  const first = inputs.find(isGather);
  if (first === undefined) return null;
  const [table, index] = first.node.inputs;
  if (!s.isClosed(index) || SHRINKS * sizeOf(shapeOf(table)) > sizeOf(shapeOf(first))) return null;
  const [rank, width] = [shapeOf(first).length, shapeOf(first).length - shapeOf(index).length];
  // Others must be rows that every index shares, or gathers by the same indices.
  const operands = inputs.map((v) => {
    if (isGather(v) && v.node.inputs[1] === index && shapeOf(v).length === rank) return v.node.inputs[0];
    return shapeOf(v).length <= width ? v : null;
  });
  if (operands.some((v) => v === null)) return null;
  const tables = operands.filter((v, i): v is Value => v !== null && isGather(inputs[i]) && v === inputs[i].node.inputs[0]);
  if (tables.some((t) => shapeOf(t)[0] !== shapeOf(table)[0])) return null;
  if (!coversAll(Int32Array.from(s.valuesOf(index)), shapeOf(table)[0])) return null;
  return b.gather(b.apply(op, operands as Value[], attrs)[0], index);
}

/** x log c with a constant c whose logarithms are finite: an ordinary product. */
function logOfConstant(s: Session, op: Exclude<Node["op"], string>, [x, c]: readonly Value[]): Value | null {
  if (!s.isClosed(c)) return null;
  const [logarithm] = s.b.apply(op === xlogy ? log : log1p, [c], null);
  return allFinite(s.valuesOf(logarithm)) ? s.b.mul(x, logarithm) : null;
}

/** x / y with one y for many x is x · (1/y): one division. */
function sharedReciprocal(s: Session, [x, y]: readonly Value[]): Value | null {
  const [many, few] = [sizeOf(shapeOf(x)), sizeOf(shapeOf(y))];
  const shares = !s.isClosed(y) && (few === 1 ? many > 1 : many >= SHARED * few);
  return shares ? s.b.mul(x, s.b.reciprocal(y)) : null;
}

/** Σ over some axes of a constant times what varies along these axes alone: a matrix times a vector. */
function constantProduct(s: Session, operand: Value, axes: readonly number[]): Value | null {
  const shape = shapeOf(operand);
  if (operand.node.op !== mul || axes.length === 0 || axes.length === shape.length) return null;
  const [x, y] = operand.node.inputs;
  const [constant, vector] = s.isClosed(x) ? [x, y] : [y, x];
  if (!s.isClosed(constant) || s.isClosed(vector)) return null;
  const missing = shape.length - shapeOf(vector).length;
  const extent = (axis: number): number => (axis < missing ? 1 : shapeOf(vector)[axis - missing]);
  const kept = otherAxes(shape.length, axes);
  if (kept.some((axis) => extent(axis) !== 1) || axes.some((axis) => extent(axis) !== shape[axis])) return null;
  const { b } = s;
  const own = b.reshape(vector, axes.map(extent));
  return b.dot(b.broadcastTo(constant, shape), own, { batch: 0, left: [...axes], right: axes.map((_, i) => i) });
}
