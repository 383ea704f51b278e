// The verifier: what every pass must leave intact. A violation is a fault of ours.
import { type Program, residentsOf, rootsOf } from "../backend.ts";
import { InternalError } from "../errors.ts";
import { type ConstantAttrs, type InputAttrs, type Node, typeOf, type Value } from "./graph.ts";
import { nodesOf } from "./order.ts";
import type { Primitive } from "./primitive.ts";
import { primitives } from "./primitives/index.ts";
import { formatType, sizeOf, type TensorType } from "./type.ts";

const listed: ReadonlySet<Primitive> = new Set(primitives);

/** Throws InternalError unless types are what the primitives' rules say, nodes follow what they read and come from one builder,
 *  and every input is declared once. */
export function verify(program: Program): void {
  checkUpdates(program);
  const inputs = [...new Set([...program.inputs, ...residentsOf(program)])];
  if (new Set(program.inputs).size < program.inputs.length) throw new InternalError("an input is declared twice");
  checkInputs(inputs);
  const declared = new Set(inputs.map((v) => v.node));
  const roots = rootsOf(program);
  const nodes = nodesOf([...inputs, ...roots]);
  const byId = new Map<number, Node>();
  for (const node of nodes) {
    const fail = (what: string): never => {
      const name = typeof node.op === "string" ? node.op : node.op.name;
      throw new InternalError(`%${node.id} (${name}): ${what}`);
    };
    if (byId.has(node.id)) fail("two nodes have this number: they come from two builders");
    byId.set(node.id, node);
    for (const v of node.inputs) {
      if (v.node.id >= node.id) fail(`reads %${v.node.id}, which comes after it`);
      if (!(v.index in v.node.results)) fail(`reads result ${v.index} of %${v.node.id}, which has ${v.node.results.length}`);
    }
    if (node.op === "input" && !declared.has(node)) fail(`the input ${(node.attrs as InputAttrs).name} is not declared`);
    checkResults(node, fail);
  }
  for (const v of roots) if (!(v.index in v.node.results)) throw new InternalError(`%${v.node.id} has no result ${v.index}`);
}

function checkInputs(inputs: readonly Value[]): void {
  const names = new Set<string>();
  for (const { node } of inputs) {
    if (node.op !== "input") throw new InternalError(`%${node.id} is declared as an input and is none`);
    const { name } = node.attrs as InputAttrs;
    if (names.has(name)) throw new InternalError(`the input ${name} is declared twice`);
    names.add(name);
  }
}

function checkResults(node: Node, fail: (what: string) => never): void {
  if (node.op === "input") return;
  if (node.op === "constant") {
    const { values } = node.attrs as ConstantAttrs;
    const { shape } = node.results[0];
    if (values.length !== sizeOf(shape)) fail(`${values.length} values in ${formatType(node.results[0])}`);
    return;
  }
  if (!listed.has(node.op)) fail("a primitive that the table does not list");
  const list = (types: readonly TensorType[]): string => types.map(formatType).join(", ");
  const expected = list(node.op.type(node.inputs.map(typeOf), node.attrs));
  if (list(node.results) !== expected) fail(`has type ${list(node.results)}, its rule says ${expected}`);
}

function checkUpdates(program: Program): void {
  const written = new Set<Node>();
  for (const [resident, next] of program.updates) {
    if (resident.node.op !== "input") throw new InternalError(`%${resident.node.id} is updated and no input`);
    if (written.has(resident.node)) throw new InternalError(`%${resident.node.id} is updated twice`);
    written.add(resident.node);
    const [from, to] = [formatType(typeOf(resident)), formatType(typeOf(next))];
    if (from !== to) throw new InternalError(`%${resident.node.id} is ${from} and is updated with ${to}`);
  }
}
