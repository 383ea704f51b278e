// The simplifier: data never moves. Sums over observations become sums over what varies; see simplify/sums.ts and simplify/squares.ts.
import { type Program, rootsOf } from "../backend.ts";
import type { Builder, Node, Value } from "./graph.ts";
import { shapeOf } from "./graph.ts";
import { nodesOf } from "./order.ts";
import { type ReduceAttrs, sum } from "./primitives/reduce.ts";
import { cheaper } from "./simplify/elementwise.ts";
import { Session } from "./simplify/session.ts";
import { sharedSolutions } from "./simplify/solutions.ts";
import { cheaperSum } from "./simplify/sums.ts";
import { sizeOf } from "./type.ts";
import { verify } from "./verify.ts";

/** Rewriting ends by itself; this bounds it should two rules undo one another. */
const MOST_ROUNDS = 6;
const sessions = new WeakMap<Builder, Session>();

/** The same outputs and updates up to rounding, computed with less work. Constant sub-expressions may take seconds, once. */
export function simplify(b: Builder, program: Program): Program {
  let session = sessions.get(b);
  if (session === undefined) sessions.set(b, (session = new Session(b)));
  let roots: readonly Value[] = sharedSolutions(b, rootsOf(program));
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = rewrite(session, roots);
    const done = next.every((v, i) => v === roots[i]);
    roots = next;
    if (done) break;
  }
  const outputs = roots.slice(0, program.outputs.length);
  const updates = program.updates.map(([resident], i) => [resident, roots[program.outputs.length + i]] as const);
  const simplified = { ...program, outputs, updates };
  verify(simplified);
  return simplified;
}

/** Every node again, from the inputs on, by the rules. */
function rewrite(s: Session, roots: readonly Value[]): Value[] {
  const results = new Map<Node, readonly Value[]>();
  const objectives = scalarPaths(roots);
  const own = (v: Value): Value => results.get(v.node)?.[v.index] ?? v;
  for (const node of nodesOf(roots)) {
    if (typeof node.op === "string") continue;
    const inputs = node.inputs.map(own);
    for (const v of inputs) s.isShallow(v); // from the inputs on
    const simpler = cheaper(s, node, inputs) ?? simplerSum(s, node, inputs, objectives.has(node));
    results.set(node, simpler === null ? s.b.apply(node.op, inputs, node.attrs) : [simpler]);
  }
  return roots.map(own);
}

/** Nodes that scalar outputs are made of by scalars alone. Sums among them are objectives and may be split; others are cotangents,
 *  where Rᵀ(R v) must not become (RᵀR) v. */
function scalarPaths(roots: readonly Value[]): Set<Node> {
  const found = new Set<Node>();
  const visit = (v: Value): void => {
    if (sizeOf(shapeOf(v)) !== 1 || found.has(v.node)) return;
    found.add(v.node);
    pending.push(...v.node.inputs);
  };
  const pending = roots.filter((v) => shapeOf(v).length === 0);
  for (let v = pending.pop(); v !== undefined; v = pending.pop()) visit(v);
  return found;
}

function simplerSum(s: Session, node: Node, inputs: readonly Value[], splits: boolean): Value | null {
  if (node.op !== sum || (node.attrs as ReduceAttrs).axes.length !== shapeOf(inputs[0]).length) return null;
  const [plain] = s.b.apply(sum, inputs, node.attrs);
  if (s.settled.has(plain)) return null;
  const simpler = cheaperSum(s, inputs[0], splits);
  if (simpler === null) s.settled.add(plain);
  return simpler;
}
