// States that are square roots of which every step reads the square, as the standard deviations of a GARCH model are: the squares go from step to
// step, and the roots are taken afterwards, for all steps at once. A root costs more than all else in such a step.
import { InternalError } from "../../errors.ts";
import { type Builder, type Node, shapeOf, type Value } from "../graph.ts";
import { nodesBetween } from "../order.ts";
import { sqrt, square } from "../primitives/elementwise.ts";
import { gather } from "../primitives/gather.ts";
import { substitute } from "../substitute.ts";
import { sizeOf } from "../type.ts";
import type { LoopAttrs } from "./loop.ts";
import type { WrittenState } from "./make.ts";

interface Step {
  readonly writes: readonly WrittenState[];
  readonly stop?: Value;
}
export interface Squared {
  /** The step in terms of squares; its state symbols are those given. */
  readonly step: Step;
  /** Which states are squares now. */
  readonly squared: ReadonlySet<number>;
}

/** `states`: the symbols of the states in the step. */
export function squaresOfRoots(b: Builder, states: readonly Value[], step: Step): Squared {
  const squared = new Set<number>();
  let now = step;
  states.forEach((_, i) => {
    const next = squaresOf(b, states, i, now);
    if (next === null) return;
    squared.add(i);
    now = next;
  });
  return { step: now, squared };
}

function squaresOf(b: Builder, states: readonly Value[], i: number, { writes, stop }: Step): Step | null {
  const state = states[i];
  const own = writes.filter((w) => w.state === i);
  const isKnown = (at: Value | undefined): boolean => at !== undefined && nodesBetween(states, [at]).length === 0;
  const isRoot = (w: WrittenState): boolean => w.mode === "set" && isKnown(w.at) && w.value.node.op === sqrt;
  if (own.length === 0 || !own.every(isRoot)) return null;
  const roots = [...writes.map((w) => w.value), ...writes.flatMap((w) => w.at ?? []), ...(stop ? [stop] : [])];
  const inside = nodesBetween([state], roots);
  const isRead = (n: Node): boolean => n.op === gather && n.inputs[0] === state;
  const reads = new Set(inside.filter(isRead));
  const bySquare = new Map<Value, Value>();
  for (const node of inside) {
    if (reads.has(node)) continue;
    for (const x of node.inputs) {
      if (x === state) return null;
      if (!reads.has(x.node)) continue;
      if (node.op !== square) return null;
      bySquare.set({ node, index: 0 }, x);
    }
  }
  if (bySquare.size === 0 || roots.some((v) => reads.has(v.node))) return null;
  // Values are known by identity: the squares as the graph refers to them.
  const squares = new Map([...bySquare].map(([v, read]) => [b.square(read), v.node.inputs[0]]));
  const plain = writes.map((w) => (w.state === i ? { ...w, value: w.value.node.inputs[0] } : w));
  const all = [...plain.map((w) => w.value), ...plain.flatMap((w) => w.at ?? []), ...(stop ? [stop] : [])];
  const images = substitute(b, all, squares);
  let next = plain.length;
  const made = plain.map((w, k) => ({ ...w, value: images[k], ...(w.at ? { at: images[next++] } : {}) }));
  return { writes: made, ...(stop ? { stop: images[images.length - 1] } : {}) };
}

/** The roots where the loop has written, what was there elsewhere. */
export function rootsAgain(b: Builder, before: Value, after: Value, state: number, { writes, tables, body }: LoopAttrs): Value {
  const written = new Uint8Array(sizeOf(shapeOf(before)));
  for (const { state: own, rows, at, value } of writes) {
    if (own !== state) continue;
    if (at === null || !("ordinal" in at)) throw new InternalError("a root is written at a row that is not known");
    const row = written.length / rows;
    for (const place of tables[at.ordinal].values)
      written.fill(1, place * row, place * row + sizeOf(shapeOf(body.results[value])));
  }
  const root = b.sqrt(after);
  return written.every((w) => w === 1) ? root : b.select(b.tensor(written, shapeOf(before), "bool"), root, before);
}
