// An element of a vector as a graph of numbers: what it does not depend on is not in it, so that derivatives by other elements are seen to be
// none, and guards of zero cotangents, which slices ask for, do not arise.
import { type Builder, constantOf, type DotAttrs, type Node, shapeOf, type Value } from "../graph.ts";
import { dot } from "../primitives/linalg.ts";
import { type AssembleAttrs, assemble, broadcastTo, reshape, type SliceAttrs, slice } from "../primitives/shape.ts";

export class Elements {
  private readonly b: Builder;
  private readonly known = new Map<Node, Map<string, Value>>();

  constructor(b: Builder) {
    this.b = b;
  }

  /** All elements of a vector. */
  of(v: Value): Value[] {
    return Array.from({ length: shapeOf(v)[0] }, (_, i) => this.at(v, i));
  }

  private at(v: Value, i: number): Value {
    const key = `${v.index}.${i}`;
    const known = this.known.get(v.node) ?? new Map<string, Value>();
    this.known.set(v.node, known);
    let made = known.get(key);
    if (made === undefined) known.set(key, (made = this.make(v, i)));
    return made;
  }

  /** Of a number, and of one that is repeated, that number. */
  private make(v: Value, i: number): Value {
    const { b } = this;
    const { op, inputs, attrs } = v.node;
    const shape = shapeOf(v);
    if (shape.length === 0) return v;
    const plain = (): Value => b.gather(v, b.constant(shape[0] === 1 ? 0 : i, "int"));
    if (shape.length > 1 || typeof op === "string") return plain();
    if (op.elementwise && inputs.every((x) => shapeOf(x).length <= 1))
      return b.apply(
        op,
        inputs.map((x) => this.at(x, i)),
        attrs,
      )[v.index];
    if (op === assemble) {
      const { offsets } = attrs as AssembleAttrs;
      const at = inputs.findIndex((x, k) => offsets[k] <= i && i < offsets[k] + shapeOf(x)[0]);
      return at < 0 ? b.constant(0, v.node.results[0].dtype) : this.at(inputs[at], i - offsets[at]);
    }
    if (op === slice) {
      const { start, step } = attrs as SliceAttrs;
      return this.at(inputs[0], start + step * i);
    }
    if ((op === reshape || op === broadcastTo) && shapeOf(inputs[0]).length <= 1) return this.at(inputs[0], i);
    if (op === dot && isMatrixTimesVector(inputs, attrs as DotAttrs)) {
      const row = b.gather(inputs[0], b.constant(i, "int"));
      const terms = this.of(row).map((x, k) => b.mul(x, this.at(inputs[1], k)));
      if (terms.length > 0) return terms.reduce((s, x) => b.add(s, x));
    }
    return plain();
  }
}

const isMatrixTimesVector = ([x, y]: readonly Value[], { batch, left, right }: DotAttrs): boolean =>
  batch === 0 &&
  shapeOf(x).length === 2 &&
  shapeOf(y).length === 1 &&
  left[0] === 1 &&
  right.length === 1 &&
  constantOf(y) === null;
