// Readings of discrete latents whose values nobody has given: integers that stand for all of their values until these are summed out.
import { InternalError } from "../../../runtime/errors.ts";
import { type Builder, dtypeOf, type Node, resultsOf, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { nodesBetween, nodesOf } from "../../../runtime/ir/order.ts";
import type { Primitive } from "../../../runtime/ir/primitive.ts";
import { type GatherAttrs, gather } from "../../../runtime/ir/primitives/gather.ts";
import { assemble, broadcastTo, reshape, type ShapeAttrs, slice, transpose } from "../../../runtime/ir/primitives/shape.ts";
import { takeRows } from "../../../runtime/ir/rows.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";

const never = (): never => {
  throw new InternalError("a discrete latent is left in a program");
};

/** The values of elements of a latent: of [numbers of the elements (int), anchor (a number that stands for the latent)], an int of the first one's
 *  shape. No program holds it. */
export const discreteRead: Primitive<null> = {
  name: "discreteRead",
  type: ([elements]) => [{ shape: elements.shape, dtype: "int" }],
  gradient: () => [null, null],
  batch(b, [elements, anchor], [, anchorBatched]) {
    return anchorBatched ? never() : [readOf(b, elements, anchor)];
  },
  rows: (_node, axis) => ({ inputs: [axis, null] }),
  interpret: never,
  wasm: { kind: "map", emit: never },
  tfjs: { kind: "expand", expand: never },
  probes: [],
};

/** The input that stands for a latent. It is real, so that what depends on it is not taken for data. */
export const anchorOf = (b: Builder, name: string): Value => b.input(`(${name}, summed out)`, { shape: [], dtype: "real" });

export const readOf = (b: Builder, elements: Value, anchor: Value): Value => b.apply(discreteRead, [elements, anchor], null)[0];

/** No element: what stands there does not matter. */
export const NOTHING = -1;

/** Readings at places of a reading, NOTHING where there is none: an int of the shape. */
export function readAt(b: Builder, read: Value, places: Int32Array, shape: readonly number[]): Value {
  const elements = b.concat([elementsIn(read), b.tensor(Int32Array.of(NOTHING), [1], "int")], 0);
  const last = shapeOf(elements)[0] - 1;
  const index = b.tensor(
    places.map((p) => (p < 0 ? last : p)),
    shape,
    "int",
  );
  return readOf(b, b.gather(elements, index), anchorIn(read));
}

const isRead = (v: Value): boolean => v.node.op === discreteRead;

/** Whether values depend on what is summed out, so that they are no numbers. */
export const readDiscrete = (values: readonly Value[]): boolean => nodesOf(values).some((node) => node.op === discreteRead);

/** Every reading below the values. */
export function readsIn(b: Builder, anchors: readonly Value[], roots: readonly Value[]): Value[] {
  return nodesBetween(anchors, roots).flatMap((node) => (node.op === discreteRead ? resultsOf(b, node) : []));
}

/** Operations that choose and arrange elements. */
const arranging: ReadonlySet<unknown> = new Set([reshape, broadcastTo, transpose, slice, assemble]);

/** The same values with every choice of elements made before the reading: (z[1..N])[n] is z[n], and a table of functions of z read at n is
 *  that function of z[n]. So a row of the result depends on as few elements as can be. */
export function fuseReads(b: Builder, roots: readonly Value[], anchors: readonly Value[]): Value[] {
  const results = new Map<Node, readonly Value[]>();
  const of = (v: Value): Value => results.get(v.node)?.[v.index] ?? v;
  const depends = dependence(anchors);
  for (const node of nodesBetween(anchors, roots)) {
    if (typeof node.op === "string") continue;
    const inputs = node.inputs.map(of);
    const better = fused(b, node, inputs, depends);
    results.set(node, better ? [better] : b.apply(node.op, inputs, node.attrs));
  }
  return roots.map(of);
}

function fused(b: Builder, node: Node, inputs: readonly Value[], depends: (v: Value) => boolean): Value | undefined {
  if (typeof node.op === "string") return undefined;
  const [x] = inputs;
  if (arranging.has(node.op) && inputs.every(isRead) && inputs.every((v) => anchorIn(v) === anchorIn(x)))
    return readOf(b, b.apply(node.op, inputs.map(elementsIn), node.attrs)[0], anchorIn(x));
  if (node.op === gather) {
    const { batch } = node.attrs as GatherAttrs;
    const [table, index] = inputs;
    if (depends(index)) return undefined;
    if (isRead(table)) return readOf(b, b.gather(elementsIn(table), index, batch), anchorIn(table));
    if (batch > 0 || !depends(table) || !readsMany(table)) return undefined;
    const [rows] = takeRows(b, [{ value: table, axis: 0 }], b.reshape(index, [sizeOf(shapeOf(index))]));
    return b.reshape(rows, [...shapeOf(index), ...shapeOf(table).slice(1)]);
  }
  if (node.op === reshape && depends(x)) return reshapedBelow(b, x, (node.attrs as ShapeAttrs).shape);
  return undefined;
}

const elementsIn = (read: Value): Value => read.node.inputs[0];
const anchorIn = (read: Value): Value => read.node.inputs[1];

/** A new shape of what is computed elementwise is that of its operands, so that an index finds its way to the readings. */
function reshapedBelow(b: Builder, x: Value, to: readonly number[]): Value | undefined {
  const { op } = x.node;
  if (typeof op === "string") return undefined;
  const shape = shapeOf(x);
  if (isRead(x)) return readOf(b, b.reshape(elementsIn(x), to), anchorIn(x));
  if (op.elementwise) {
    const inputs = x.node.inputs.map((v): Value => {
      // Numbers go with any shape, but alone they would have none.
      if (shapeOf(v).length === 0 && shape.length > 0) return v;
      const full = b.broadcastTo(v, shape);
      return reshapedBelow(b, full, to) ?? b.reshape(full, to);
    });
    return b.apply(op, inputs, x.node.attrs)[x.index];
  }
  if (op === gather && (x.node.attrs as GatherAttrs).batch === 0) {
    const [table, index] = x.node.inputs;
    const behind = shapeOf(table).slice(1);
    const lead = to.slice(0, to.length - behind.length);
    if (to.slice(lead.length).join() !== behind.join()) return undefined;
    const at = reshapedBelow(b, index, lead) ?? b.reshape(index, lead);
    return b.gather(table, at);
  }
  return undefined;
}

/** Whether more than one element is read somewhere below. */
function readsMany(v: Value): boolean {
  return nodesOf([v]).some((n) => n.op === discreteRead && sizeOf(n.results[0].shape) > 1);
}

/** Whether values depend on the anchors; what was asked once is known. */
export function dependence(anchors: readonly Value[]): (v: Value) => boolean {
  const known = new Map<Node, boolean>(anchors.map((a) => [a.node, true]));
  return (v) => {
    // Graphs may be deeper than the stack of calls.
    const pending = [v.node];
    for (let node = pending.at(-1); node !== undefined; node = pending.at(-1)) {
      const open = node.inputs.filter((x) => !known.has(x.node));
      if (known.has(node) || open.length === 0) {
        if (!known.has(node))
          known.set(
            node,
            node.inputs.some((x) => known.get(x.node)),
          );
        pending.pop();
      } else for (const x of open) pending.push(x.node);
    }
    return known.get(v.node) ?? false;
  };
}

/** The values with numbers in place of readings: `values` has those of every latent, int, in order of its elements. */
export function substituteReads(b: Builder, roots: readonly Value[], values: ReadonlyMap<Value, Value>): Value[] {
  const results = new Map<Node, readonly Value[]>();
  const of = (v: Value): Value => results.get(v.node)?.[v.index] ?? v;
  for (const node of nodesBetween(values.keys(), roots)) {
    if (typeof node.op === "string") continue;
    const inputs = node.inputs.map(of);
    const table = node.op === discreteRead ? values.get(inputs[1]) : undefined;
    if (table && dtypeOf(table) !== "int") throw new InternalError("values of a discrete latent that are no integers");
    const elements = table && b.max(inputs[0], b.constant(0, "int"));
    results.set(node, table && elements ? [b.gather(table, elements)] : b.apply(node.op, inputs, node.attrs));
  }
  return roots.map(of);
}
