// Affine steps: what multiplies an element of a state, and what is added, is gathered, so that the chain from step to step is one product and one
// sum. m + t (y - s) becomes (m + t y) + (-t) s: all but s is then computed ahead, for all steps at once.
import { type Builder, type Node, shapeOf, type Value } from "../graph.ts";
import { nodesBetween } from "../order.ts";
import { add, div, mul, neg, sub } from "../primitives/elementwise.ts";
import { gather } from "../primitives/gather.ts";

/** rest + Σ factor · read */
interface Form {
  readonly rest: Value;
  readonly reads: ReadonlyMap<Value, Value>;
}

/** Reads up to which an affine step is written so. */
const MOST_READS = 4;

/** `roots` with their numbers, and the numbers under their other operations, in affine form where they have one. */
export function affineSteps(b: Builder, states: readonly Value[], roots: readonly Value[]): Value[] {
  const inside = nodesBetween(states, roots);
  const own = new Set<Node>(inside);
  const forms = new Map<Value, Form | null>();
  const formOf = (v: Value): Form | null => {
    const known = forms.get(v);
    if (known !== undefined) return known;
    const form = own.has(v.node) ? formInside(v) : { rest: v, reads: new Map() };
    forms.set(v, form);
    return form;
  };
  const formInside = (v: Value): Form | null => {
    const { op, inputs } = v.node;
    if (shapeOf(v).length > 0) return null;
    if (op === gather) return { rest: b.constant(0), reads: new Map([[v, b.constant(1)]]) };
    if (op !== add && op !== sub && op !== neg && op !== mul && op !== div) return null;
    const x = formOf(inputs[0]);
    if (x === null) return null;
    if (op === neg) return scaled(x, b.neg);
    const y = formOf(inputs[1]);
    if (y === null) return null;
    if (op === add) return joined(x, y);
    if (op === sub) return joined(x, scaled(y, b.neg));
    if (y.reads.size === 0) return scaled(x, (f) => (op === mul ? b.mul(f, y.rest) : b.div(f, y.rest)));
    return op === mul && x.reads.size === 0 ? scaled(y, (f) => b.mul(x.rest, f)) : null;
  };
  const scaled = ({ rest, reads }: Form, by: (f: Value) => Value): Form => ({
    rest: by(rest),
    reads: new Map([...reads].map(([read, factor]) => [read, by(factor)])),
  });
  const joined = (x: Form, y: Form): Form => {
    const reads = new Map(x.reads);
    for (const [read, factor] of y.reads) {
      const before = reads.get(read);
      reads.set(read, before ? b.add(before, factor) : factor);
    }
    return { rest: b.add(x.rest, y.rest), reads };
  };

  const results = new Map<Node, readonly Value[]>();
  const plain = (v: Value): Value => results.get(v.node)?.[v.index] ?? v;
  const image = (v: Value): Value => {
    const form = own.has(v.node) && v.node.op !== gather ? formOf(v) : null;
    if (form === null || form.reads.size > MOST_READS || (v.node.op === add && isPlain(v.node))) return plain(v);
    return [...form.reads].reduce((sum, [read, factor]) => b.add(sum, b.mul(factor, plain(read))), form.rest);
  };
  /** One number more than an element already. */
  const isPlain = ({ inputs }: Node): boolean => inputs.some((x) => x.node.op === gather) && inputs.some((x) => !own.has(x.node));
  const isLinear = (node: Node): boolean =>
    [add, sub, neg, mul, div].some((op) => op === node.op) && node.results[0].shape.length === 0;
  for (const node of inside) {
    if (typeof node.op === "string") continue;
    const inputs = node.inputs.map(isLinear(node) ? plain : image);
    results.set(node, b.apply(node.op, inputs, node.attrs));
  }
  return roots.map(image);
}
