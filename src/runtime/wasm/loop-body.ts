// The body of a loop as a program of its own, fused once: its size is asked for before its place is known.
import type { Program } from "../backend.ts";
import type { Node, Value } from "../ir/graph.ts";
import type { LoopAttrs } from "../ir/loop/loop.ts";
import { type Fusion, fuse } from "./fuse.ts";
import { prepare } from "./prepare.ts";

export interface LoopBody {
  readonly program: Program;
  readonly fusion: Fusion;
  /** Its inputs, in the order of the parameters. */
  readonly inputs: readonly Value[];
  /** Inputs that lie where the operands and results of the loop do: all but the ordinals. */
  readonly given: readonly Value[];
}

const bodies = new WeakMap<Node, LoopBody>();

/** null where the node is no loop. */
export function loopBody(node: Node): LoopBody | null {
  if (typeof node.op === "string" || node.op.wasm.kind !== "loop") return null;
  let made = bodies.get(node);
  if (made === undefined) {
    const { body, states, tables } = node.attrs as LoopAttrs;
    const program = prepare({ inputs: body.params, outputs: body.results, updates: [] });
    const given = program.inputs.filter((_, i) => i < states || i >= states + tables.length);
    bodies.set(node, (made = { program, fusion: fuse(program, "repeated"), inputs: program.inputs, given }));
  }
  return made;
}
