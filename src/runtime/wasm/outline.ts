// Groups with long loops become functions of their own. The engine's optimiser treats a function as a whole: apart, each loop gets its own
// registers, the functions are compiled in parallel, and its scheduler, which follows one result of a function at a time and all it
// depends on breadth first, lays independent chains of a loop side by side, if only the loop's sums are combined in the same function.
import { InternalError } from "../errors.ts";
import type { Dataflow, Op } from "./dataflow.ts";
import type { Local } from "./instructions.ts";
import type { ModuleBuilder } from "./module.ts";
import { allRoots, type Loop, type Statement, writeFunction } from "./statements.ts";

/** Operations executed below which a call is not worth its while. */
const LEAST_WORK = 1500;
/** Parameters, and results, that a function may have (WebAssembly JavaScript Interface, "Implementation-defined limits"). */
const MOST_PARAMETERS = 1000;

/** The statements of one group, or a call of a function that does the same. `exported`: locals that others read afterwards. */
export function outlined(
  module: ModuleBuilder,
  graph: Dataflow,
  statements: readonly Statement[],
  exported: ReadonlySet<number>,
): readonly Statement[] {
  const work = statements.reduce((sum, s) => (s.kind === "loop" ? sum + workOf(s) : sum), 0);
  if (work < LEAST_WORK) return statements;
  const call = outline(module, graph, statements, exported);
  return call === null ? statements : [call];
}

/** Operations executed, roughly. */
function workOf(loop: Loop): number {
  const seen = new Set<Op>();
  const stack = loop.body.flatMap((s) => (s.kind === "loop" ? [] : allRoots([s])));
  for (let op = stack.pop(); op !== undefined; op = stack.pop()) {
    if (op.leaf || seen.has(op) || op.scope !== loop.scope) continue;
    seen.add(op);
    stack.push(...op.operands);
  }
  const inner = loop.body.reduce((sum, s) => (s.kind === "loop" ? sum + workOf(s) : sum), 0);
  return ((loop.to - loop.from) / loop.step) * (seen.size + inner);
}

/** The call; null where it would take or return too much. */
function outline(
  module: ModuleBuilder,
  graph: Dataflow,
  statements: readonly Statement[],
  exported: ReadonlySet<number>,
): Statement | null {
  const own = new Map<number, Local>();
  const survey = (list: readonly Statement[]): void => {
    for (const s of list) {
      if (s.kind === "loop") {
        own.set(s.counter.index, s.counter);
        survey(s.body);
      } else if (s.kind === "set") own.set(s.local.index, s.local);
      else if (s.kind === "invoke") throw new InternalError("a call inside a group");
    }
  };
  survey(statements);
  const ops = reachable(allRoots(statements));
  // In order of their making, operands first: what depends on the locals of the group cannot be computed before.
  const dependent = new Set<Op>();
  for (const op of ops) {
    const inside = op.scope !== graph.root || op.block !== null || op.momentary || op.operands.some((o) => dependent.has(o));
    if (op.local !== null ? own.has(op.local.index) : inside) dependent.add(op);
  }
  const free = new Set<Op>();
  const read = new Map<number, Local>();
  const needs = (op: Op): void => {
    if (op.local !== null) {
      if (!own.has(op.local.index)) read.set(op.local.index, op.local);
    } else if (!op.leaf && !dependent.has(op)) free.add(op);
  };
  for (const op of allRoots(statements)) needs(op);
  for (const op of dependent) op.operands.forEach(needs);

  const args = [...free].sort((a, b) => a.id - b.id);
  const locals = [...read.values()].sort((a, b) => a.index - b.index);
  const results = [...own.values()].filter((l) => exported.has(l.index)).sort((a, b) => a.index - b.index);
  if (args.length + locals.length > MOST_PARAMETERS || results.length > MOST_PARAMETERS) return null;
  const f = module.function(
    [...args, ...locals].map(({ type }) => type),
    results.map(({ type }) => type),
  );
  const held = new Map(args.map((op, i) => [op, f.arguments[i]]));
  const renamed = new Map(locals.map(({ index }, i) => [index, f.arguments[args.length + i]]));
  for (const [index, { type }] of own) renamed.set(index, f.local(type));
  writeFunction(f, statements, graph.root, { held, renamed, results });
  return { kind: "invoke", callee: f, args: [...args, ...locals.map((l) => graph.local(l, graph.root))], results };
}

function reachable(roots: readonly Op[]): Op[] {
  const seen = new Set<Op>();
  const stack = [...roots];
  for (let op = stack.pop(); op !== undefined; op = stack.pop()) {
    if (seen.has(op)) continue;
    seen.add(op);
    stack.push(...op.operands);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
