// What the passes of one builder share: which values depend on constants alone, their elements, and what is known to be settled.
import { type Builder, constantOf, type Node, shapeOf, type Value } from "../graph.ts";
import { interpret } from "../interpret.ts";
import { sizeOf } from "../type.ts";

export class Session {
  readonly b: Builder;
  /** Sums that no rule can make cheaper. */
  readonly settled = new Set<Value>();
  readonly #closed = new Map<Node, boolean>();
  readonly #values = new Map<Value, Float64Array>();

  constructor(b: Builder) {
    this.b = b;
  }

  /** Depends on constants alone. */
  isClosed(v: Value): boolean {
    const known = this.#closed.get(v.node);
    if (known !== undefined) return known;
    const closed = v.node.op === "constant" || (v.node.op !== "input" && v.node.inputs.every((x) => this.isClosed(x)));
    this.#closed.set(v.node, closed);
    return closed;
  }
  /** The elements of a closed value. */
  valuesOf(v: Value): Float64Array {
    const constant = constantOf(v);
    if (constant instanceof Float64Array) return constant;
    let values = this.#values.get(v);
    if (values === undefined) {
      values = interpret([v], {})[0];
      this.#values.set(v, values);
    }
    return values;
  }
  /** One element that varies: a factor of whole sums. */
  isOpenScalar(v: Value): boolean {
    return sizeOf(shapeOf(v)) === 1 && !this.isClosed(v);
  }
  scalar(v: Value): Value {
    return this.b.reshape(v, []);
  }
  /** All elements as a vector. */
  flat(v: Value): Value {
    return this.b.reshape(v, [sizeOf(shapeOf(v))]);
  }
}

export const allFinite = (values: Float64Array): boolean => values.every(Number.isFinite);
