// How many pairs of elements one turn of an inner loop should take.
import type { Op, Scope } from "./dataflow.ts";
import { f64x2, type V128 } from "./instructions.ts";
import { allRoots, type Statement } from "./statements.ts";

/** Operations that the processor begins in a cycle of such code, those that it looks ahead, and the latency of most. */
const ISSUE = 3;
const WINDOW = 300;
const LATENCY = 4;
const DIVISION = 14;
const MOST_TOGETHER = 4;
/** Operations of a body up to which its loop overhead counts, and of all copies together. */
const SHORT = 12;
const LARGEST = 900;
const hole: V128 = { type: "v128", code: [] };
const slow = new Set([f64x2.div(hole, hole), f64x2.sqrt(hole)].map(({ code }) => String(code)));

/** The processor overlaps the turns that fit into its window. Where these, each as long as the longest chain of dependencies, leave
 *  it waiting, copies side by side fill the gaps; bodies bound by memory or issue gain nothing. */
export function pairsAtOnce(body: readonly Statement[], scope: Scope): number {
  const roots = allRoots(body);
  const ops = new Set<Op>();
  const stack = [...roots];
  for (let op = stack.pop(); op !== undefined; op = stack.pop()) {
    if (ops.has(op) || op.leaf || op.scope !== scope) continue;
    ops.add(op);
    stack.push(...op.operands);
  }
  if (ops.size <= SHORT) return MOST_TOGETHER;
  const finished = new Map<Op, number>();
  let longest = 0;
  for (const op of [...ops].sort((a, b) => a.id - b.id)) {
    const start = op.operands.reduce((t, o) => Math.max(t, finished.get(o) ?? 0), 0);
    const end = start + (slow.has(String(op.suffix)) ? DIVISION : LATENCY);
    finished.set(op, end);
    longest = Math.max(longest, end);
  }
  const issue = ops.size / ISSUE;
  const waiting = (longest * Math.min(ops.size, WINDOW)) / WINDOW;
  if (waiting < 1.3 * issue) return 1;
  return Math.max(1, Math.min(MOST_TOGETHER, Math.ceil(longest / issue), Math.floor(LARGEST / ops.size)));
}
