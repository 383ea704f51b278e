// First step of code generation: primitives written with simpler ones are replaced by these, and contractions that no routine does better
// become sums of products, which fuse with what surrounds them.
import { type Program, residentsOf, rootsOf } from "../backend.ts";
import { InternalError } from "../errors.ts";
import { createBuilder } from "../ir/builder.ts";
import {
  type Builder,
  type ConstantAttrs,
  constantOf,
  type DotAttrs,
  dtypeOf,
  type InputAttrs,
  type Node,
  shapeOf,
  type Value,
} from "../ir/graph.ts";
import { nodesOf } from "../ir/order.ts";
import { sizeOf } from "../ir/type.ts";

export function prepare(program: Program): Program {
  let current = program;
  for (;;) {
    const next = rewrite(current);
    if (next === null) return current;
    current = next;
  }
}

/** One pass over the graph into a new builder; null where nothing is left to do. */
function rewrite(program: Program): Program | null {
  const residents = residentsOf(program);
  const nodes = nodesOf([...program.inputs, ...residents, ...rootsOf(program)]);
  if (!nodes.some(isRewritten)) return null;
  const b = createBuilder();
  const images = new Map<Node, readonly Value[]>();
  const imageOf = (v: Value): Value => images.get(v.node)![v.index];
  for (const node of nodes) images.set(node, image(b, node, node.inputs.map(imageOf)));
  return {
    inputs: program.inputs.map(imageOf),
    residents: residents.map(imageOf),
    outputs: program.outputs.map(imageOf),
    updates: program.updates.map(([resident, next]) => [imageOf(resident), imageOf(next)] as const),
  };
}

function isRewritten(node: Node): boolean {
  if (typeof node.op === "string") return false;
  const rule = node.op.wasm;
  return rule.kind === "expand" || (rule.kind === "contract" && !isRoutineWork(node)) || readsNarrow(node);
}

/** Routines read float64: an input that is held in fewer bytes is widened for them. */
const isNarrow = (v: Value): boolean => v.node.op === "input" && dtypeOf(v) !== "real";
function readsNarrow({ op, inputs }: Node): boolean {
  if (typeof op === "string") return false;
  return (op.wasm.kind === "routine" || op.wasm.kind === "contract") && inputs.some(isNarrow);
}
function widened(b: Builder, { op, attrs, results }: Node, inputs: readonly Value[]): readonly Value[] {
  if (typeof op === "string") throw new InternalError("a leaf is no routine");
  const wide = inputs.map((v) => (isNarrow(v) ? b.cast(v, "real") : v));
  return b.apply(op, wide, attrs).map((v, i) => b.cast(v, results[i].dtype));
}

function image(b: Builder, node: Node, inputs: readonly Value[]): readonly Value[] {
  const [type] = node.results;
  if (node.op === "input") return [b.input((node.attrs as InputAttrs).name, type)];
  // Unfolded ones too: what they and the data decide, a network that is fixed, is computed here, once, and not in each of the runs that follow. While graphs
  // are made and turned about, each of them would have paid for it.
  if (node.op === "constant") return [b.tensor((node.attrs as ConstantAttrs).values, type.shape, type.dtype)];
  const rule = node.op.wasm;
  if (rule.kind === "expand") return rule.expand(b, inputs, node.attrs);
  if (rule.kind === "contract" && !isRoutineWork(node)) return [sumOfProducts(b, inputs, node.attrs)];
  if (readsNarrow(node)) return widened(b, node, inputs);
  return b.apply(node.op, inputs, node.attrs);
}

/** Sizes of a contraction: batch, rows (left's free axes), columns (right's), inner (contracted). */
function extents(left: Value, right: Value, attrs: DotAttrs): { batch: number; rows: number; columns: number; inner: number } {
  const [a, c] = [shapeOf(left), shapeOf(right)];
  const batch = sizeOf(a.slice(0, attrs.batch));
  const inner = sizeOf(attrs.left.map((axis) => a[axis]));
  return { batch, inner, rows: sizeOf(a) / (batch * inner), columns: sizeOf(c) / (batch * inner) };
}

/** Blocking for registers and cache pays only where each element is used many times, that is in all three directions. */
const SMALL = 8;
function isRoutineWork(node: Node): boolean {
  const [left, right] = node.inputs;
  if (sizeOf(shapeOf(left)) === 0 || sizeOf(shapeOf(right)) === 0) return true;
  const { rows, columns, inner } = extents(left, right, node.attrs as DotAttrs);
  return Math.min(rows, columns, inner) > SMALL;
}

/** Σ left · right over an iteration space in which one operand, preferably the constant one, keeps the order of its axes. */
function sumOfProducts(b: Builder, [left, right]: readonly Value[], attrs: DotAttrs): Value {
  const [a, c] = [shapeOf(left), shapeOf(right)];
  const freeOf = (rank: number, own: readonly number[]): number[] =>
    range(attrs.batch, rank).filter((axis) => !own.includes(axis));
  const leftFree = freeOf(a.length, attrs.left);
  const rightFree = freeOf(c.length, attrs.right);
  // Axes of the space as [axis of left or null, axis of right or null]; without the contracted ones they are the result's.
  const ofLeft = (axis: number): Axis => [axis, axis < attrs.batch ? axis : (attrs.right[attrs.left.indexOf(axis)] ?? null)];
  const ofRight = (axis: number): Axis => [axis < attrs.batch ? axis : (attrs.left[attrs.right.indexOf(axis)] ?? null), axis];
  const space: Axis[] =
    constantOf(left) === null && constantOf(right) !== null
      ? [...range(0, attrs.batch).map(ofLeft), ...leftFree.map(ofLeft), ...range(attrs.batch, c.length).map(ofRight)]
      : [...range(0, a.length).map(ofLeft), ...rightFree.map(ofRight)];
  const operand = (v: Value, side: 0 | 1): Value => {
    const shape = space.map((axes) => (axes[side] === null ? 1 : shapeOf(v)[axes[side]]));
    const order = space.flatMap((axes) => (axes[side] === null ? [] : [axes[side]]));
    return b.reshape(b.transpose(v, order), shape);
  };
  const contracted = space.flatMap(([l, r], i) => (l !== null && r !== null && l >= attrs.batch ? [i] : []));
  return b.sum(b.mul(operand(left, 0), operand(right, 1)), contracted);
}
type Axis = readonly [left: number | null, right: number | null];
const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
