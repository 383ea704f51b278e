// Values that are known at bind: constants, and views of constants that the builder leaves unfolded (a repeated number).
import { type Builder, type ConstantAttrs, constantOf, type Node, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import { takeRows } from "../../runtime/ir/rows.ts";
import { type DType, type Numbers, sizeOf } from "../../runtime/ir/type.ts";
import { compileWasm, instantiate } from "../../runtime/wasm/backend.ts";

/** The elements of a value that depends on no input, or null. What is made from parameters that are not folded counts as an input. */
export function knownOf(v: Value): Numbers | null {
  return constantOf(v) ?? (dependsOnInput(v) ? null : interpret([v], {})[0]);
}

/** Elements that are looked at in one go, where all of them would take much memory. */
const AT_ONCE = 1_000_000;

/** The elements of a value that depends on no input, a part at a time, each valid until the next: computed values of much data are never there as a whole.
 *  Null: it depends on one. */
export function knownParts(b: Builder, v: Value): Iterable<Numbers> | null {
  const shape = shapeOf(v);
  if (constantOf(v) !== null || shape.length === 0 || sizeOf(shape) <= AT_ONCE) {
    const known = knownOf(v);
    return known && [known];
  }
  return dependsOnInput(v) ? null : partsOf(b, v);
}

/** By a compiled program of the rows at hand: it reads the bytes where they are. */
function* partsOf(b: Builder, v: Value): Generator<Numbers> {
  const [count, ...rest] = shapeOf(v);
  const wide = Math.max(1, Math.min(count, Math.floor(AT_ONCE / sizeOf(rest))));
  const rows = b.input(`(rows of data, ${wide})`, { shape: [wide], dtype: "int" });
  const [taken] = takeRows(b, [{ value: b.cast(v, "real"), axis: 0 }], rows);
  const program = instantiate(compileWasm({ inputs: [rows], outputs: [taken], updates: [] }));
  const indices = Object.values(program.inputs)[0];
  for (let from = 0; from < count; from += wide) {
    // The last part goes back over rows that have been.
    const first = Math.min(from, count - wide);
    for (let i = 0; i < wide; i++) indices[i] = first + i;
    program.run();
    yield program.outputs[0];
  }
  program.dispose();
}

/** Whether a value depends on more than data: the row numbers of loops are inputs of integers, all else that is not known is real. */
export const dependsOnLatents = (v: Value): boolean => dependsOnInput(v, "real");

function dependsOnInput(v: Value, dtype?: DType): boolean {
  const seen = new Set<Node>();
  const pending = [v.node];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const open = node.op === "input" || (node.op === "constant" && (node.attrs as ConstantAttrs).unfolded === true);
    if (open && (dtype === undefined || node.results[0].dtype === dtype)) return true;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) pending.push(input.node);
  }
  return false;
}
