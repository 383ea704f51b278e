// Decides what is held in memory and which sinks share a loop nest: everything over the same iteration space that does not depend on
// another's result is one pass.
import { type Program, rootsOf } from "../backend.ts";
import { InternalError } from "../errors.ts";
import { type Node, shapeOf, type Value } from "../ir/graph.ts";
import { nodesOf } from "../ir/order.ts";
import { sizeOf } from "../ir/type.ts";
import { Analysis, costOf, type Report, tuples, underReshapes, Variables, type Visit } from "./analyse.ts";
import { type AxisVariable, flatten, keyOf } from "./indices.ts";
import { nestOrder } from "./nests.ts";
import { isHard, Roles, type Runs, type Sink, type Step, type StoreSink, sinksOf, type WriteSink } from "./plan.ts";
import { type Batch, nestKey, schedule } from "./schedule.ts";
import { NeedsMemory } from "./walk.ts";

export interface Group {
  readonly reports: readonly Report[];
  /** Loop variables from the outermost to the innermost. */
  readonly nest: readonly AxisVariable[];
}
export interface Fusion {
  readonly roles: Roles;
  readonly variables: Variables;
  readonly groups: readonly Group[];
  /** Values that later groups read from memory (or, where they are read at constant positions only, from registers). */
  readonly inMemory: (v: Value) => boolean;
  /** Sinks that write outputs which have no memory of their own. */
  readonly copies: ReadonlyMap<Value, StoreSink>;
}

/** Outputs up to this size are stored beside whatever else uses them, and not read back. */
const TINY = 4;

export function fuse(program: Program): Fusion {
  return new Fuser(program, "once").run(rootsOf(program), []);
}

/** The body of a loop: its outputs are written into states, which it reads where its inputs are. */
export interface StepFusion extends Fusion {
  readonly step: Step;
}
export interface StateWrite {
  readonly state: Value;
  readonly mode: "set" | "add";
  readonly place: Value | null;
  readonly rows: number;
  readonly value: Value;
}
export function fuseStep(
  program: Program,
  writes: readonly StateWrite[],
  counter: { readonly value: Value; readonly steps: number },
): StepFusion {
  const fuser = new Fuser(program, "repeated", counter);
  const fusion = fuser.run([], writes);
  if (fuser.step === null) throw new InternalError("a step without its number");
  return { ...fusion, step: fuser.step };
}
/** A body whose results are kept, to be written when everything has been read. */
export const fuseResults = (program: Program): Fusion => new Fuser(program, "repeated").run(rootsOf(program), []);

class Fuser {
  private readonly roles: Roles;
  private readonly runs: Runs;
  private readonly variables = new Variables();
  readonly step: Step | null;
  private readonly writes: WriteSink[] = [];
  private readonly results: ReadonlyMap<Node, readonly Value[]>;
  private readonly held = new Set<Value>();
  private readonly sinks = new Map<Value, readonly Sink[]>();
  private readonly copies = new Map<Value, StoreSink>();
  private sinkCount = 0;

  constructor(program: Program, runs: Runs, counter?: { readonly value: Value; readonly steps: number }) {
    this.runs = runs;
    this.results = resultsOf(rootsOf(program));
    this.step = counter ? { value: counter.value, variable: this.variables.step(counter.steps) } : null;
    this.roles = new Roles([...this.results.keys()], this.step);
  }

  /** `kept`: values that are to reach memory; `writes`: those that go into states instead. */
  run(kept: readonly Value[], writes: readonly StateWrite[]): Fusion {
    for (const v of kept) this.keep(v);
    for (const w of writes) this.writes.push({ kind: "write", id: this.sinkCount++, operand: w.value, ...w });
    for (const [node, results] of this.results) {
      if (typeof node.op === "string") continue;
      for (const v of results) if (isHard(this.roles.of(v)) && sizeOf(shapeOf(v)) > 0) this.hold(v);
      if (!isCall(node.op.wasm.kind)) continue;
      for (const operand of node.inputs) {
        const base = underReshapes(operand, this.isHeld);
        const role = this.roles.of(base);
        if (role !== "constant" && !(role === "input" && base.node.results[0].dtype === "real")) this.hold(base);
      }
    }
    for (const v of repeatedFolds(this.results.keys(), this.roles, this.isHeld)) this.hold(v);
    for (let round = 0; ; round++) {
      const before = this.held.size;
      const reports = this.analyseAll();
      if (reports === null) {
        if (this.held.size === before) throw new InternalError("the fuser does not come to rest");
        continue;
      }
      const groups = schedule(reports, this.isHeld, (r) => this.naturalKeys(r)).map(ordered);
      const dear = round < MOST_ROUNDS ? this.worthHolding(groups) : [];
      if (dear.length > 0) {
        for (const v of dear) this.hold(v);
        continue;
      }
      return { roles: this.roles, variables: this.variables, groups, inMemory: this.isHeld, copies: this.copies };
    }
  }

  private readonly isHeld = (v: Value): boolean => this.held.has(v);

  private hold(v: Value): void {
    if (this.held.has(v)) return;
    this.held.add(v);
    this.copies.delete(v);
    if (this.roles.of(v) === "routine") {
      // The results of one routine are made by one call.
      if ([...this.sinks.keys()].some((other) => other.node === v.node)) return;
    }
    this.sinks.set(
      v,
      sinksOf(this.results.get(v.node)!, v, this.roles.of(v), () => this.sinkCount++),
    );
  }
  /** Sees to it that an output's value reaches memory. */
  private keep(v: Value): void {
    const role = this.roles.of(v);
    const size = sizeOf(shapeOf(v));
    if (isHard(role) || size === 0) return;
    if (size > TINY && role !== "constant" && role !== "input") this.hold(v);
    else if (!this.copies.has(v)) this.copies.set(v, { kind: "store", id: this.sinkCount++, value: v, operand: v, copy: true });
  }

  private analyseAll(): Report[] | null {
    const analysis = new Analysis(this.roles, this.isHeld, this.variables, this.runs);
    const reports: Report[] = [];
    let complete = true;
    const sinks: Sink[] = [...[...this.sinks.values()].flat(), ...this.copies.values(), ...this.writes];
    for (const sink of sinks) {
      try {
        reports.push(analysis.report(sink));
      } catch (e) {
        if (!(e instanceof NeedsMemory)) throw e;
        this.hold(e.value);
        // What the new ones need is found in this round too, or nested values would take one each.
        sinks.push(...(this.sinks.get(e.value) ?? []));
        complete = false;
      }
    }
    return complete ? flattened(reports, analysis) : null;
  }

  /** The positions at which a store sink writes, as keys: whoever reads just these may do so in the same pass. */
  private naturalKeys({ sink, space, variables }: Report): ReadonlySet<string> {
    const keys = new Set<string>();
    if (sink.kind !== "store" || sink.copy) return keys;
    for (const index of tuples(space, variables)) keys.add(keyOf(flatten(index, space.shape)));
    return keys;
  }

  /** Values computed in place so often that storing them once is cheaper. Of nested ones the outermost, the others are asked again. */
  private worthHolding(groups: readonly Group[]): Value[] {
    const uses = new Map<Value, { group: Group; visits: Map<string, Visit> }[]>();
    for (const group of groups) {
      const inGroup = new Map<Value, Map<string, Visit>>();
      for (const report of group.reports) {
        for (const [v, visits] of report.visits) {
          let all = inGroup.get(v);
          if (all === undefined) inGroup.set(v, (all = new Map()));
          for (const [key, visit] of visits) all.set(key, visit);
        }
      }
      for (const [v, visits] of inGroup) {
        if (this.held.has(v)) continue;
        const list = uses.get(v);
        if (list === undefined) uses.set(v, [{ group, visits }]);
        else list.push({ group, visits });
      }
    }
    const dear = [...uses.entries()].filter(([v, list]) => isDear(v, this.roles, list)).map(([v]) => v);
    dear.sort((a, b) => b.node.id - a.node.id);
    const chosen: Value[] = [];
    const below = new Set<unknown>();
    for (const v of dear) {
      if (below.has(v.node)) continue;
      chosen.push(v);
      for (const node of nodesOf([v])) below.add(node);
    }
    return chosen;
  }
}

/** Where nothing in a nest of several loops cares for its axes, one loop over all elements does. */
function flattened(reports: readonly Report[], analysis: Analysis): Report[] {
  const flat = new Map<Report, Report>();
  const nests = new Map<string, Report[]>();
  for (const r of reports) if (r.variables.length > 1) nests.set(nestKey(r), [...(nests.get(nestKey(r)) ?? []), r]);
  for (const list of nests.values()) {
    const made = list.map(({ sink }) => (sink.kind === "routine" ? null : analysis.flatReport(sink)));
    if (made.every((r) => r !== null)) list.forEach((r, i) => flat.set(r, made[i]!));
  }
  return reports.map((r) => flat.get(r) ?? r);
}

/** Each round holds the outermost of nested values that are dear: as many as chains of layers are long. */
const MOST_ROUNDS = 100;

/** Sums of products, written out in place, whose operands are such sums themselves: each element of the inner one would be computed anew for each
 *  element of the outer one, and so on through the layers of a network, which to find out by analysis takes as long as computing it. */
function repeatedFolds(nodes: Iterable<Node>, roles: Roles, isHeld: (v: Value) => boolean): Value[] {
  const found = new Set<Value>();
  const folds = new Map<Node, Value>();
  for (const node of nodes) for (const x of node.inputs) if (roles.of(x) === "fold") folds.set(x.node, x);
  for (const outer of folds.keys()) {
    const [operand] = outer.inputs;
    const space = sizeOf(shapeOf(operand));
    const seen = new Set<Node>();
    const stack: Value[] = [operand];
    for (let v = stack.pop(); v !== undefined; v = stack.pop()) {
      if (seen.has(v.node) || isHeld(v) || found.has(v)) continue;
      seen.add(v.node);
      const role = roles.of(v);
      if (role === "fold") {
        const size = sizeOf(shapeOf(v));
        const inner = sizeOf(shapeOf(v.node.inputs[0])) / size;
        if (space * inner > 1.15 * (size * (inner + STORE) + space * LOAD) + 40) {
          found.add(folds.get(v.node) ?? v);
          continue;
        }
      }
      if (role === "fold" || role === "map" || role === "view" || role === "gather") stack.push(...v.node.inputs);
    }
  }
  return [...found];
}

/** Operands are read where they lie in memory. */
const isCall = (kind: string): boolean => kind === "routine" || kind === "contract" || kind === "loop";

const LOAD = 0.7;
const DYNAMIC_LOAD = 1.5;
const STORE = 1;

function isDear(v: Value, roles: Roles, uses: readonly { group: Group; visits: ReadonlyMap<string, Visit> }[]): boolean {
  const role = roles.of(v);
  if (role !== "map" && role !== "fold" && role !== "gather") return false;
  const size = sizeOf(shapeOf(v));
  let inPlace = 0;
  let loads = 0;
  let cost = Number.POSITIVE_INFINITY;
  for (const { group, visits } of uses) {
    for (const visit of visits.values()) {
      const n = evaluations(group.nest, visit.axes);
      const once = costOf(visit);
      inPlace += n * once;
      loads += n * (visit.dynamic ? DYNAMIC_LOAD : LOAD);
      cost = Math.min(cost, once);
    }
  }
  if (role === "gather" && cost <= 3) return false;
  return inPlace > 1.15 * (size * (cost + STORE) + loads) + 40;
}

/** How often code that depends on these axes runs: once for each turn of its innermost loop. */
function evaluations(nest: readonly AxisVariable[], axes: ReadonlySet<AxisVariable>): number {
  let n = 1;
  let pending = 1;
  for (const variable of nest) {
    pending *= variable.size;
    if (axes.has(variable)) n = pending;
  }
  return n;
}

const ordered = (batch: Batch): Group => ({ reports: batch, nest: nestOrder(batch) });

/** Nodes with all their results, each the very value that others refer to. */
function resultsOf(roots: readonly Value[]): Map<Node, Value[]> {
  const nodes = nodesOf(roots);
  const results = new Map(nodes.map((node) => [node, node.results.map((_, index): Value => ({ node, index }))]));
  for (const v of [...roots, ...nodes.flatMap((node) => node.inputs)]) results.get(v.node)![v.index] = v;
  return results;
}
