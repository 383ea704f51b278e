// The interpreter: evaluates a graph node by node with each primitive's reference semantics. The oracle of the tests.
import { InternalError } from "../errors.ts";
import type { ConstantAttrs, InputAttrs, Node, Value } from "./graph.ts";
import { nodesOf } from "./order.ts";
import { formatShape, type Numbers, sizeOf } from "./type.ts";

/** The elements of each value, given those of the inputs by name. The arrays may be the inputs' own: read only. */
export function interpret(values: readonly Value[], inputs: Readonly<Record<string, Numbers>>): Float64Array[] {
  const results = new Map<Node, readonly Float64Array[]>();
  for (const node of nodesOf(values)) results.set(node, evaluate(node, results, inputs));
  return values.map((v) => results.get(v.node)![v.index]);
}

function evaluate(
  node: Node,
  results: ReadonlyMap<Node, readonly Float64Array[]>,
  inputs: Readonly<Record<string, Numbers>>,
): readonly Float64Array[] {
  if (node.op === "constant") return [widen((node.attrs as ConstantAttrs).values)];
  if (node.op === "input") {
    const { name } = node.attrs as InputAttrs;
    const given = inputs[name];
    const { shape } = node.results[0];
    if (given === undefined) throw new InternalError(`no values for the input ${name}`);
    if (given.length !== sizeOf(shape)) {
      throw new InternalError(`the input ${name} has ${given.length} values, its shape is ${formatShape(shape)}`);
    }
    return [widen(given)];
  }
  return node.op.interpret(
    node.inputs.map((v) => results.get(v.node)![v.index]),
    node,
  );
}

const widen = (values: Numbers): Float64Array => (values instanceof Float64Array ? values : Float64Array.from(values));
