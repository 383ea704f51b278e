// The body of a loop: a graph of its own, closed, with parameters. It travels as an attribute of the node that repeats it.
import { createBuilder } from "../builder.ts";
import { type Builder, type ConstantAttrs, constantOf, type InputAttrs, type Node, typeOf, type Value } from "../graph.ts";
import { nodesBetween, nodesOf } from "../order.ts";
import { formatType, type Numbers } from "../type.ts";

export interface Body {
  /** Inputs of the body's own builder. */
  readonly params: readonly Value[];
  readonly results: readonly Value[];
  /** The content as text: equal bodies are one expression to a builder. */
  toJSON(): string;
  toString(): string;
}

/** Numbers that a loop is given, one a step. */
export interface Table {
  readonly values: Int32Array;
  toJSON(): string;
  toString(): string;
}
export function tableOf(values: Int32Array): Table {
  const digits = () => (values.length > SMALL ? `#${identityOf(values)}` : values.join());
  return { values, toJSON: digits, toString: () => `${values.subarray(0, 6).join()}… ${values.length} in all` };
}

/** The graph from `symbols` (inputs) to `roots` as a body of its own. What it reads besides is taken in where it is a constant; the other
 *  values, which do not depend on the symbols, are its further parameters, in the order of `frees`. */
export function closeOver(
  symbols: readonly Value[],
  roots: readonly Value[],
): { readonly body: Body; readonly frees: readonly Value[] } {
  const inside = nodesBetween(symbols, roots);
  const own = new Set<Node>(inside);
  const known = new Set(symbols);
  const frees: Value[] = [];
  const read = (v: Value): void => {
    if (own.has(v.node) || known.has(v) || constantOf(v) !== null) return;
    known.add(v);
    frees.push(v);
  };
  for (const node of inside) node.inputs.forEach(read);
  roots.forEach(read);
  const inner = createBuilder();
  const params = [...symbols, ...frees].map((v, i) => inner.input(`p${i}`, typeOf(v)));
  const results = copyInto(inner, roots, new Map([...symbols, ...frees].map((v, i) => [v, params[i]])));
  return { body: bodyOf(params, results), frees };
}

/** The body's results on these arguments, as a graph of `b`. */
export function instantiate(b: Builder, body: Body, args: readonly Value[]): Value[] {
  return copyInto(b, body.results, new Map(body.params.map((p, i) => [p, args[i]])));
}

/** `roots`, a graph of another builder, with the images of some of its values given; constants come along. */
export function copyInto(b: Builder, roots: readonly Value[], images: ReadonlyMap<Value, Value>): Value[] {
  const results = new Map<Node, readonly Value[]>();
  const given = new Map([...images].map(([from, to]) => [nameOf(from), to]));
  const imageOf = (v: Value): Value => given.get(nameOf(v)) ?? results.get(v.node)![v.index];
  for (const node of needed(roots, (v) => given.has(nameOf(v)))) {
    if (node.op === "constant") {
      const [type] = node.results;
      results.set(node, [b.tensor((node.attrs as ConstantAttrs).values, type.shape, type.dtype)]);
    } else if (typeof node.op !== "string") results.set(node, b.apply(node.op, node.inputs.map(imageOf), node.attrs));
  }
  return roots.map(imageOf);
}

const nameOf = (v: Value): string => `${v.node.id}.${v.index}`;

/** In topological order, without what lies behind values that are given. */
function needed(roots: readonly Value[], isGiven: (v: Value) => boolean): Node[] {
  const seen = new Set<Node>();
  const pending = [...roots];
  for (let v = pending.pop(); v !== undefined; v = pending.pop()) {
    if (isGiven(v) || seen.has(v.node)) continue;
    seen.add(v.node);
    pending.push(...v.node.inputs);
  }
  return [...seen].sort((x, y) => x.id - y.id);
}

/** Constant tensors up to this size are known by their elements, larger ones by the identity of their array. */
const SMALL = 64;
const identities = new WeakMap<Numbers, number>();
let count = 0;
function identityOf(values: Numbers): number {
  let id = identities.get(values);
  if (id === undefined) identities.set(values, (id = count++));
  return id;
}

/** Of results that depend on these inputs and on constants alone, in a builder of its own. */
export function bodyOf(params: readonly Value[], results: readonly Value[]): Body {
  let text: string | undefined;
  return {
    params,
    results,
    toJSON: () => (text ??= textOf(params, results, (values) => `#${identityOf(values)}`)),
    toString: () => `{\n${textOf(params, results, (values) => `… ${values.length} in all`)}\n}`,
  };
}

function textOf(params: readonly Value[], results: readonly Value[], large: (values: Numbers) => string): string {
  const numbers = new Map<Node, number>();
  const named = (v: Value): string => `%${numbers.get(v.node)}${v.node.results.length > 1 ? `.${v.index}` : ""}`;
  const lines: string[] = [];
  for (const node of nodesOf([...params, ...results])) {
    numbers.set(node, numbers.size);
    const left = `  ${named({ node, index: 0 })}: ${node.results.map(formatType).join(", ")} =`;
    if (node.op === "input") lines.push(`${left} ${(node.attrs as InputAttrs).name}`);
    else if (node.op === "constant") {
      const values = constantOf({ node, index: 0 }) as Numbers;
      const digits =
        values.length > SMALL ? large(values) : Array.from(values, (x) => (Object.is(x, -0) ? "-0" : String(x))).join();
      lines.push(`${left} constant ${digits}`);
    } else
      lines.push(
        `${left} ${node.op.name}(${node.inputs.map(named).join()})${node.attrs === null ? "" : JSON.stringify(node.attrs)}`,
      );
  }
  lines.push(`  results ${results.map(named).join()}`);
  return lines.join("\n");
}
