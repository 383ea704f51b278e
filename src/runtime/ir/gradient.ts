// Reverse-mode differentiation: one walk over the graph, from the root to what it is differentiated by.
import { InternalError } from "../errors.ts";
import { sumToShape } from "./broadcast.ts";
import { type Builder, constantOf, dtypeOf, type Node, resultsOf, shapeOf, type Value } from "./graph.ts";
import { nodesBetween } from "./order.ts";
import type { Primitive } from "./primitive.ts";
import { otherAxes } from "./primitives/axes.ts";
import { mul, neg } from "./primitives/elementwise.ts";
import { type AssembleAttrs, assemble } from "./primitives/shape.ts";
import { sizeOf } from "./type.ts";

/** The gradient of the scalar `root` with respect to each of `wrt`, of its shape; zeros where it does not depend on it. */
export function gradient(b: Builder, root: Value, wrt: readonly Value[]): Value[] {
  if (sizeOf(shapeOf(root)) !== 1) throw new InternalError(`the gradient of a value of shape [${shapeOf(root)}]`);
  const one = { value: root, cotangent: b.broadcastTo(b.constant(1), shapeOf(root)), mayVanish: false };
  return pullback(b, [one], wrt).map((ct, i) => ct ?? b.broadcastTo(b.constant(0), shapeOf(wrt[i])));
}

/** A value with what is known of it: the derivative of something by each of its elements, and whether that may be exactly 0. */
export interface Seed {
  readonly value: Value;
  readonly cotangent: Value;
  readonly mayVanish: boolean;
}

/** Cotangents of `wrt`, given those of other values; null where none of these depends on it. */
export function pullback(b: Builder, seeds: readonly Seed[], wrt: readonly Value[]): (Value | null)[] {
  const cotangents = new Cotangents(b);
  for (const { value, cotangent, mayVanish } of seeds) if (dtypeOf(value) === "real") cotangents.add(value, cotangent, mayVanish);
  const path = nodesBetween(
    wrt,
    seeds.map((s) => s.value),
  );
  const wanted = new Set(path);
  const targets = new Set(wrt);
  for (const node of path.reverse()) {
    if (typeof node.op === "string" || !cotangents.reaches(node)) continue;
    const { op } = node;
    const cts = resultsOf(b, node).map((v) => cotangents.of(v));
    const mayVanish = cotangents.mayVanish(node);
    op.gradient(b, cts, node, mayVanish).forEach((g, i) => {
      const x = node.inputs[i];
      if (g === null || dtypeOf(x) !== "real" || !(wanted.has(x.node) || targets.has(x))) return;
      const own = mayVanish && !op.finiteDerivative ? guarded(b, op, cts, g, node, i) : g;
      cotangents.add(x, sumToShape(b, own, shapeOf(x)), mayVanish || givesZeros(op, node, i));
    });
  }
  return wrt.map((x) => cotangents.of(x));
}

/** The cotangent g of an input, 0 where the cotangents that it is made of are exactly 0: a derivative that is infinite or NaN there must
 *  not be seen. */
function guarded(b: Builder, op: Primitive, cts: readonly (Value | null)[], g: Value, node: Node, input: number): Value {
  const zero = b.constant(0);
  const vanishing = cts.flatMap((ct, result) => {
    if (ct === null || (op.elementwise && isFiniteMultiple(ct, g))) return [];
    return [b.eq(op.elementwise ? ct : largestInRow(b, op, ct, node, input, result), zero)];
  });
  return vanishing.length === 0 ? g : b.select(vanishing.reduce(b.and), zero, g);
}

/** The largest magnitude in a result's cotangent by rows, where rows of the input have rows of the result to themselves; of a shape that
 *  broadcasts to the input's. */
function largestInRow(b: Builder, op: Primitive, ct: Value, node: Node, input: number, result: number): Value {
  const shape = shapeOf(ct);
  /** For each axis of the input the axis of the result whose rows are made of its rows. */
  const rows = shapeOf(node.inputs[input]).map((_, axis) =>
    shape.findIndex((_size, k) => op.rows?.(node, k, result)?.inputs[input] === axis),
  );
  const kept = rows.filter((axis) => axis >= 0);
  const lost = otherAxes(shape.length, kept);
  const largest = lost.length === 0 ? ct : b.reduceMax(b.abs(ct), lost);
  const inOrder = [...kept].sort((i, j) => i - j);
  return b.reshape(
    b.transpose(
      largest,
      kept.map((axis) => inOrder.indexOf(axis)),
    ),
    rows.map((axis) => (axis < 0 ? 1 : shape[axis])),
  );
}

/** g is ct, its negative, or its product with finite constants. */
function isFiniteMultiple(ct: Value, g: Value): boolean {
  if (g === ct) return true;
  const [x, y] = g.node.inputs;
  if (g.node.op === neg) return isFiniteMultiple(ct, x);
  if (g.node.op !== mul) return false;
  return (isFiniteMultiple(ct, x) && isFiniteConstant(y)) || (isFiniteMultiple(ct, y) && isFiniteConstant(x));
}
const isFiniteConstant = (v: Value): boolean => constantOf(v)?.every((x: number) => Number.isFinite(x)) ?? false;

const givesZeros = ({ zeroCotangents }: Primitive, node: Node, input: number): boolean =>
  typeof zeroCotangents === "function" ? zeroCotangents(node, input) : (zeroCotangents ?? false);

/** What has arrived at each value so far. */
class Cotangents {
  readonly #b: Builder;
  readonly #arrived = new Map<Value, Value[]>();
  readonly #reached = new Set<Node>();
  readonly #mayVanish = new Set<Node>();

  constructor(b: Builder) {
    this.#b = b;
  }

  add(v: Value, ct: Value, mayVanish: boolean): void {
    const arrived = this.#arrived.get(v);
    if (arrived === undefined) this.#arrived.set(v, [ct]);
    else arrived.push(ct);
    this.#reached.add(v.node);
    if (mayVanish) this.#mayVanish.add(v.node);
  }
  reaches(node: Node): boolean {
    return this.#reached.has(node);
  }
  /** Whether a cotangent of the node may be exactly 0 where another part of the program decided so. */
  mayVanish(node: Node): boolean {
    return this.#mayVanish.has(node);
  }
  of(v: Value): Value | null {
    const arrived = this.#arrived.get(v);
    return arrived === undefined ? null : total(this.#b, arrived);
  }
}

/** The sum. Vectors that are zero outside a few pieces, as slices give them, are first laid together into as few as can be. */
function total(b: Builder, terms: readonly Value[]): Value {
  const full = terms.filter((t) => t.node.op !== assemble);
  const layers = layPieces(
    b,
    terms.filter((t) => t.node.op === assemble),
  );
  return [...full, ...layers].reduce((s, t) => b.add(s, t));
}
/** Pieces in order of their offsets, each put into the first layer that is free there: disjoint ones make a single vector. */
function layPieces(b: Builder, terms: readonly Value[]): Value[] {
  const byAxis = new Map<number, Piece[]>();
  for (const { node } of terms) {
    const { axis, offsets } = node.attrs as AssembleAttrs;
    const pieces = node.inputs.map((value, i) => ({ value, from: offsets[i], to: offsets[i] + shapeOf(value)[axis] }));
    byAxis.set(axis, [...(byAxis.get(axis) ?? []), ...pieces]);
  }
  return [...byAxis].flatMap(([axis, pieces]) => {
    pieces.sort((p, q) => p.from - q.from);
    const layers: Piece[][] = [];
    for (const piece of pieces) {
      const free = layers.find((layer) => layer[layer.length - 1].to <= piece.from);
      if (free === undefined) layers.push([piece]);
      else free.push(piece);
    }
    const size = shapeOf(terms[0])[axis];
    return layers.map((layer) =>
      b.assemble(
        layer.map((p) => p.value),
        axis,
        layer.map((p) => p.from),
        size,
      ),
    );
  });
}
interface Piece {
  readonly value: Value;
  readonly from: number;
  readonly to: number;
}
