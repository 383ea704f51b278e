// States that are square roots of which every step reads the square, as the standard deviations of a GARCH model are: the squares go from step to
// step, and the roots are taken afterwards, for all steps at once. A root costs more than all else in such a step. What has no root is NaN for the
// steps behind too.
import { InternalError } from "../../errors.ts";
import { type Builder, constantOf, type Node, shapeOf, type Value } from "../graph.ts";
import { nodesBetween } from "../order.ts";
import { select } from "../primitives/compare.ts";
import { abs, add, div, mul, sqrt, square, sub } from "../primitives/elementwise.ts";
import { gather } from "../primitives/gather.ts";
import { broadcastTo, reshape } from "../primitives/shape.ts";
import { exp, sigmoid } from "../primitives/transcendental.ts";
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
  const plain = writes.map((w) => (w.state === i ? { ...w, value: orNaN(b, w.value.node.inputs[0]) } : w));
  const all = [...plain.map((w) => w.value), ...plain.flatMap((w) => w.at ?? []), ...(stop ? [stop] : [])];
  const images = substitute(b, all, squares);
  let next = plain.length;
  const made = plain.map((w, k) => ({ ...w, value: images[k], ...(w.at ? { at: images[next++] } : {}) }));
  return { writes: made, ...(stop ? { stop: images[images.length - 1] } : {}) };
}

/** A number that has a root, or NaN. */
function orNaN(b: Builder, v: Value): Value {
  return hasRoot(v) ? v : b.select(b.ge(v, b.constant(0)), v, b.constant(Number.NaN));
}

/** How far to look for what a number is made of. */
const DEEPEST = 12;
/** Whether by its form no element is negative, variances being sums of squares with positive weights (NaN may be among them). */
function hasRoot(v: Value, depth = 0): boolean {
  const known = constantOf(v);
  if (known !== null) return known.every((x: number) => x >= 0);
  const { op, inputs } = v.node;
  if (depth === DEEPEST) return false;
  switch (op) {
    case square:
    case sqrt:
    case abs:
    case exp:
    case sigmoid:
      return true;
    case add:
    case mul:
    case div:
      return inputs.every((x) => hasRoot(x, depth + 1));
    case select:
      return inputs.slice(1).every((x) => hasRoot(x, depth + 1));
    case gather:
    case reshape:
    case broadcastTo:
      return hasRoot(inputs[0], depth + 1);
    case sub: {
      // The rest of 1 that a fraction leaves.
      const whole = constantOf(inputs[0]);
      return inputs[1].node.op === sigmoid && whole !== null && whole.every((x: number) => x >= 1);
    }
    default:
      return false;
  }
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
