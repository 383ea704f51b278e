// What folding has computed, shared by builders that meet the same constants one after the other: the layout of a model, its density.
import { InternalError } from "../errors.ts";
import type { Node, Value } from "./graph.ts";
import { constantOf } from "./graph.ts";
import { formatType, type Numbers } from "./type.ts";

/** Operations on fewer elements than this are quicker done than looked up. */
const FEW = 256;

/** Arrays are known by their identity or, where they come from outside, by their elements; what was too large to be folded by how it is
 *  made. Results must not be written to. */
export class Folds {
  readonly #results = new Map<string, readonly Numbers[]>();
  readonly #ids = new WeakMap<Numbers, number>();
  readonly #byHash = new Map<number, Numbers[]>();
  readonly #expressions = new WeakMap<Node, number>();
  readonly #byText = new Map<string, number>();
  #count = 0;

  /** An array that every builder meets as this same object: its elements need not be looked at. */
  know(values: Numbers): void {
    this.#ids.set(values, this.#count++);
  }

  /** The node depends on constants alone, and stays. `operation`: its name with its attributes. */
  keep(node: Node, operation: string): void {
    const text = this.#textOf(node, operation);
    let id = this.#byText.get(text);
    if (id === undefined) this.#byText.set(text, (id = this.#count++));
    this.#expressions.set(node, id);
  }

  /** The results of a node that depends on constants alone; `compute` is asked the first time. */
  of(node: Node, operation: string, compute: () => readonly Numbers[]): readonly Numbers[] {
    if (node.inputs.every((v) => (constantOf(v)?.length ?? FEW) < FEW)) return compute();
    const text = this.#textOf(node, operation);
    let results = this.#results.get(text);
    if (results === undefined) {
      results = compute();
      for (const values of results) this.#ids.set(values, this.#count++);
      this.#results.set(text, results);
    }
    return results;
  }

  #textOf(node: Node, operation: string): string {
    return `${operation} ${node.inputs.map((v) => this.#nameOf(v)).join()}`;
  }

  #nameOf(v: Value): string {
    const values = constantOf(v);
    if (values === null) {
      const id = this.#expressions.get(v.node);
      if (id === undefined) throw new InternalError("a node was folded that depends on more than constants");
      return `#${id}.${v.index}`;
    }
    const type = formatType(v.node.results[v.index]);
    if (values.length < FEW) return `${type} ${Array.from(values, (x) => (Object.is(x, -0) ? "-0" : String(x))).join(" ")}`;
    return `${type} #${this.#idOf(values)}`;
  }

  #idOf(values: Numbers): number {
    const known = this.#ids.get(values);
    if (known !== undefined) return known;
    const bits = bitsOf(values);
    const hash = hashOf(bits);
    const alike = this.#byHash.get(hash) ?? [];
    const same = alike.find((other) => areEqual(bitsOf(other), bits));
    const id = same === undefined ? this.#count++ : this.#ids.get(same)!;
    if (same === undefined) this.#byHash.set(hash, [...alike, values]);
    this.#ids.set(values, id);
    return id;
  }
}

/** Float64Array, Int32Array and Uint8Array of the same elements are different here, which costs a computation and no more. */
const bitsOf = (values: Numbers): Int32Array | Uint8Array =>
  values instanceof Float64Array ? new Int32Array(values.buffer, values.byteOffset, 2 * values.length) : values;

/** FNV-1a on words (Fowler, Noll & Vo). */
function hashOf(words: Int32Array | Uint8Array): number {
  let hash = 0x811c9dc5 ^ words.length;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i], 0x01000193) ^ (hash >>> 15);
  return hash;
}

function areEqual(x: Int32Array | Uint8Array, y: Int32Array | Uint8Array): boolean {
  if (x.length !== y.length || x.BYTES_PER_ELEMENT !== y.BYTES_PER_ELEMENT) return false;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}
