// A program as text: one line a node, in the order of evaluation.
import { type Program, residentsOf, rootsOf } from "../backend.ts";
import type { ConstantAttrs, InputAttrs, Node, Value } from "./graph.ts";
import { nodesOf } from "./order.ts";
import { formatType, type Numbers } from "./type.ts";

const SHOWN = 6;

/** `%12: real[40] = mul %3, %11`; scalar constants stand where they are read. */
export function printProgram(program: Program): string {
  const lines = nodesOf([...program.inputs, ...residentsOf(program), ...rootsOf(program)]).flatMap((node) =>
    isLiteral(node) ? [] : [printNode(node)],
  );
  lines.push(`output ${program.outputs.map(printValue).join(", ")}`);
  for (const [resident, next] of program.updates) lines.push(`update ${printValue(resident)} with ${printValue(next)}`);
  return `${lines.join("\n")}\n`;
}

const isLiteral = (node: Node): boolean => node.op === "constant" && node.results[0].shape.length === 0;

function printNode(node: Node): string {
  const left = `%${node.id}: ${node.results.map(formatType).join(", ")}`;
  if (node.op === "input") return `${left} = input ${(node.attrs as InputAttrs).name}`;
  if (node.op === "constant") return `${left} = constant ${abbreviate((node.attrs as ConstantAttrs).values)}`;
  const operands = node.inputs.map(printValue).join(", ");
  const attrs = Object.entries((node.attrs ?? {}) as Readonly<Record<string, unknown>>).map(
    ([name, v]) => `${name}: ${printAttribute(v)}`,
  );
  return [`${left} = ${node.op.name}`, operands, attrs.length > 0 ? `{${attrs.join(", ")}}` : ""]
    .filter((part) => part !== "")
    .join(" ");
}

function printValue({ node, index }: Value): string {
  if (isLiteral(node)) return printNumber((node.attrs as ConstantAttrs).values[0]);
  return node.results.length === 1 ? `%${node.id}` : `%${node.id}.${index}`;
}
const printNumber = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));
const printAttribute = (v: unknown): string => (Array.isArray(v) ? `[${v.map(printAttribute).join(", ")}]` : String(v));
function abbreviate(values: Numbers): string {
  const shown = Array.from(values.subarray(0, SHOWN), printNumber).join(", ");
  return values.length > SHOWN ? `[${shown}, … ${values.length} in all]` : `[${shown}]`;
}
