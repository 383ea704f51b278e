// What the passes of one builder share: which values depend on constants alone, their elements, and what is known to be settled.
import { type Builder, constantOf, type Node, shapeOf, type Value } from "../graph.ts";
import { interpret } from "../interpret.ts";
import { sizeOf } from "../type.ts";

interface Facts {
  readonly closed: boolean;
  readonly depth: number;
}
const DEEP = 1500;
/** Shared parts of an expression are visited by every path to them: an analysis ends without a result after so many visits. */
export const MOST_VISITS = 6000;

export class Session {
  readonly b: Builder;
  /** Sums that no rule can make cheaper. */
  readonly settled = new Set<Value>();
  readonly #facts = new Map<Node, Facts>();
  readonly #values = new Map<Value, Float64Array>();

  constructor(b: Builder) {
    this.b = b;
  }

  /** Depends on constants alone. */
  isClosed(v: Value): boolean {
    return this.#factsOf(v.node).closed;
  }
  /** Few enough nodes lie between the value and the inputs that recursion may follow them. */
  isShallow(v: Value): boolean {
    return this.#factsOf(v.node).depth < DEEP;
  }
  /** Recursive: long chains are asked about from the inputs on. */
  #factsOf(node: Node): Facts {
    const known = this.#facts.get(node);
    if (known !== undefined) return known;
    const inputs = node.inputs.map((x) => this.#factsOf(x.node));
    const closed = node.op === "constant" || (node.op !== "input" && inputs.every((f) => f.closed));
    const facts = { closed, depth: 1 + Math.max(0, ...inputs.map((f) => f.depth)) };
    this.#facts.set(node, facts);
    return facts;
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

export function allFinite(values: Float64Array): boolean {
  for (let n = 0; n < values.length; n++) if (!Number.isFinite(values[n])) return false;
  return true;
}
