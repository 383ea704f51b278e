// The steps of a plan as a graph that TensorFlow loads (a SavedModel): one function, which XLA compiles, called once.
import { InternalError } from "../errors.ts";
import { type DType, sizeOf, type TensorType } from "../ir/type.ts";
import { Fields, type Message } from "./protobuf.ts";
import type { Step } from "./steps.ts";
import type { Elements } from "./target.ts";
import type { Tensor } from "./tensor-ops.ts";
import { type Attribute, callOf, inOrder } from "./tensorflow-calls.ts";

export interface Graph {
  /** Tensors that every run is given. */
  readonly feeds: readonly Tensor[];
  /** Constants written into the graph. */
  readonly constants: readonly { readonly tensor: Tensor; readonly elements: Elements }[];
  readonly steps: readonly Step[];
  /** Residents: variables of the session. */
  readonly variables: readonly Tensor[];
  readonly results: readonly Tensor[];
  readonly updates: readonly { readonly resident: Tensor; readonly next: Tensor }[];
}

/** Names in the graph, as a session is asked for them. */
export const feedNames = ({ feeds }: Graph): string => feeds.map((_, i) => `x${i}:0`).join();
/** One that holds nothing where there are none: a session computes only what it is asked for. */
export const resultNames = ({ results }: Graph): string =>
  results.length === 0 ? "done:0" : results.map((_, i) => `y${i}:0`).join();
export const readName = (graph: Graph, v: Tensor): string => `g${variableAt(graph, v)}:0`;
/** What is given, and what is asked for. */
export const writeNames = (graph: Graph, v: Tensor): [given: string, asked: string] => {
  const k = variableAt(graph, v);
  return [`w${k}:0`, `s${k}:0`];
};
const variableAt = ({ variables }: Graph, { slot }: Tensor): number => variables.findIndex((v) => v.slot === slot);

/** Numbers of types (tensorflow/core/framework/types.proto). */
const typeNumbers: Readonly<Record<DType, number>> = { real: 1, int: 3, bool: 10 };
const RESOURCE = 20;
const SCALAR: TensorType = { shape: [], dtype: "int" };
const FUNCTION = "program";
/** Of graphs (tensorflow/core/public/version.h): one of 2.9, which every later version reads. */
const PRODUCER = 1087;

/** SavedModel (tensorflow/core/protobuf/saved_model.proto, meta_graph.proto). `compiled`: by XLA. */
export function savedModel(graph: Graph, compiled: boolean): Message {
  const info = new Fields().text(4, "serve");
  const meta = new Fields().message(1, info).message(2, graphDef(graph, compiled));
  return new Fields().number(1, 1).message(2, meta).encode();
}

function graphDef(graph: Graph, compiled: boolean): Fields {
  const out = new Fields();
  graph.feeds.forEach((v, i) => {
    out.message(
      1,
      node(
        `x${i}`,
        "Placeholder",
        [],
        [
          ["dtype", typed(v.dtype)],
          ["shape", new Fields().message(7, shape(v.shape))],
        ],
      ),
    );
  });
  const zero = (name: string, after: string): Fields =>
    node(
      name,
      "Const",
      [`^${after}`],
      [
        ["dtype", typed("int")],
        ["value", new Fields().message(8, tensor(SCALAR, Int32Array.of(0)))],
      ],
    );
  graph.variables.forEach((v, k) => {
    const type = ["dtype", typed(v.dtype)] as const;
    const place = ["shape", new Fields().message(7, shape(v.shape))] as const;
    out.message(1, node(`v${k}`, "VarHandleOp", [], [type, place, ["shared_name", new Fields().text(2, `v${k}`)]]));
    out.message(1, node(`w${k}`, "Placeholder", [], [type, place]));
    out.message(1, node(`a${k}`, "AssignVariableOp", [`v${k}`, `w${k}`], [type]));
    out.message(1, zero(`s${k}`, `a${k}`));
    out.message(1, node(`g${k}`, "ReadVariableOp", [`v${k}`], [type]));
  });
  const list = (numbers: readonly number[]): Fields => {
    const types = new Fields();
    for (const number of numbers) types.number(6, number);
    return new Fields().message(1, types);
  };
  const call = node(
    "call",
    "StatefulPartitionedCall",
    [...graph.feeds.map((_, i) => `x${i}`), ...graph.variables.map((_, k) => `v${k}`)],
    [
      ["Tin", list([...graph.feeds.map((v) => typeNumbers[v.dtype]), ...graph.variables.map(() => RESOURCE)])],
      ["Tout", list(graph.results.map((v) => typeNumbers[v.dtype]))],
      ["f", new Fields().message(10, new Fields().text(1, FUNCTION))],
      ...(compiled ? [["_XlaMustCompile", new Fields().number(5, true)] as const] : []),
    ],
  );
  out.message(1, call);
  graph.results.forEach((v, i) => {
    out.message(1, node(`y${i}`, "Identity", [`call:${i}`], [["T", typed(v.dtype)]]));
  });
  out.message(1, zero("done", "call"));
  const library = new Fields().message(1, functionDef(graph));
  return out.message(2, library).message(4, new Fields().number(1, PRODUCER));
}

/** FunctionDef (function.proto): arguments a0, a1, …, results r0, r1, …; u0, u1, … are the variables; inside, a value is "node:output:number". */
function functionDef(graph: Graph): Fields {
  const names = new Map<number, string>();
  const signature = new Fields().text(1, FUNCTION);
  const argument = (name: string, type: number): Fields => new Fields().text(1, name).number(3, type);
  graph.feeds.forEach((v, i) => {
    signature.message(2, argument(`a${i}`, typeNumbers[v.dtype]));
    names.set(v.slot, `a${i}`);
  });
  graph.results.forEach((v, i) => void signature.message(3, argument(`r${i}`, typeNumbers[v.dtype])));
  graph.variables.forEach((_, k) => void signature.message(2, argument(`u${k}`, RESOURCE)));
  signature.number(17, true);
  graph.updates.forEach((_, i) => void signature.text(20, `t${i}`));
  const out = new Fields().message(1, signature);
  graph.variables.forEach((v, k) => {
    out.message(3, node(`l${k}`, "ReadVariableOp", [`u${k}`], [["dtype", typed(v.dtype)]]));
    names.set(v.slot, `l${k}:value:0`);
  });
  const nameOf = (v: Tensor): string => {
    const name = names.get(v.slot);
    if (name === undefined) throw new InternalError("a step reads what nobody has made");
    return name;
  };
  let count = 0;
  const constant = (type: TensorType, elements: Elements): string => {
    const name = `c${count++}`;
    out.message(
      3,
      node(
        name,
        "Const",
        [],
        [
          ["dtype", typed(type.dtype)],
          ["value", new Fields().message(8, tensor(type, elements))],
        ],
      ),
    );
    return `${name}:output:0`;
  };
  const shared = new Map<string, string>();
  for (const { tensor: v, elements } of graph.constants) names.set(v.slot, constant(v, elements));
  graph.steps.forEach((step, i) => {
    const call = callOf(step);
    const { name, output, attrs, more } = call;
    const operands = more.map(({ values, shape }) => {
      const key = `${values.join()} [${shape.join()}]`;
      const known = shared.get(key) ?? constant({ shape, dtype: "int" }, Int32Array.from(values));
      shared.set(key, known);
      return known;
    });
    out.message(3, node(`n${i}`, name, inOrder(call, step.inputs.map(nameOf), operands), attrs.map(attribute)));
    names.set(step.results[0].slot, `n${i}:${output}:0`);
  });
  // A result is a node of its own: an argument may be one, or one value two of them.
  graph.results.forEach((v, i) => {
    out.message(3, node(`o${i}`, "Identity", [nameOf(v)], [["T", typed(v.dtype)]]));
    out.message(4, new Fields().text(1, `r${i}`).text(2, `o${i}:output:0`));
  });
  // Each variable is read before it is written.
  graph.updates.forEach(({ resident, next }, i) => {
    const k = variableAt(graph, resident);
    out.message(3, node(`t${i}`, "AssignVariableOp", [`u${k}`, nameOf(next), `^l${k}`], [["dtype", typed(resident.dtype)]]));
    out.message(6, new Fields().text(1, `t${i}`).text(2, `t${i}`));
  });
  return out;
}

/** NodeDef (node_def.proto). */
function node(name: string, op: string, inputs: readonly string[], attrs: readonly (readonly [string, Fields])[]): Fields {
  const out = new Fields().text(1, name).text(2, op);
  for (const input of inputs) out.text(3, input);
  for (const [key, value] of attrs) out.entry(5, key, value);
  return out;
}
const typed = (dtype: DType): Fields => new Fields().number(6, typeNumbers[dtype]);
function attribute({ name, value }: Attribute): readonly [string, Fields] {
  if ("type" in value) return [name, typed(value.type)];
  if ("flag" in value) return [name, new Fields().number(5, value.flag)];
  if ("text" in value) return [name, new Fields().text(2, value.text)];
  if ("count" in value) return [name, new Fields().number(3, value.count)];
  return [
    name,
    new Fields().message(
      1,
      value.counts.reduce((list, n) => list.number(3, n), new Fields()),
    ),
  ];
}
function shape(sizes: readonly number[]): Fields {
  const out = new Fields();
  for (const size of sizes) out.message(2, new Fields().number(1, size));
  return out;
}
/** TensorProto (tensor.proto). */
function tensor(type: TensorType, elements: Elements): Fields {
  if (elements.length !== sizeOf(type.shape)) throw new InternalError("a constant of another size");
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  return new Fields().number(1, typeNumbers[type.dtype]).message(2, shape(type.shape)).bytes(4, bytes);
}
