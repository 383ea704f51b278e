// What a sink reads and computes, found by walking its operand symbolically.
import { InternalError } from "../errors.ts";
import { constantOf, type Node, shapeOf, type Value } from "../ir/graph.ts";
import {
  type AxisVariable,
  axesOf,
  constantIndex,
  type DynamicVariable,
  type Index,
  isConstant,
  keyOf,
  variableIndex,
  zero,
} from "./indices.ts";
import {
  flatSpace,
  type LoopSink,
  type Roles,
  type RoutineSink,
  type Runs,
  type Sink,
  type Space,
  spaceOf,
  unrolledPoints,
} from "./plan.ts";
import { type Algebra, type Memo, NeedsMemory, Walk } from "./walk.ts";

export interface Load {
  readonly value: Value;
  readonly at: Index;
}
/** A step of the computation: its own flops, and what it takes up. */
interface Step {
  readonly flops: number;
  /** Axes on which it depends, a bit each. */
  readonly axes: bigint;
  readonly operands: readonly Step[];
  /** Values in memory that it needs, itself or through its operands. */
  readonly reads: ReadonlySet<Value>;
  /** Those of them that are read where only the run knows. */
  readonly elsewhere: ReadonlySet<Value>;
}
/** A value computed in place at one index. */
export interface Visit {
  /** Axes on which it depends. */
  readonly axes: ReadonlySet<AxisVariable>;
  readonly dynamic: boolean;
  readonly step: Step;
}
/** Flops of one evaluation, shared steps counted once; steps that depend on fewer axes run outside and do not count. */
export function costOf({ step }: Visit): number {
  const seen = new Set<Step>();
  const stack = [step];
  let flops = 0;
  for (let s = stack.pop(); s !== undefined; s = stack.pop()) {
    if (seen.has(s) || s.axes !== step.axes) continue;
    seen.add(s);
    flops += s.flops;
    stack.push(...s.operands);
  }
  return flops;
}
export interface Report {
  readonly sink: Sink;
  readonly space: Space;
  /** The loops' variables, in the order of the operand's axes. */
  readonly variables: readonly AxisVariable[];
  /** Memory that is read by the loops, by value and position; constants and inputs included. */
  readonly loads: ReadonlyMap<string, Load>;
  /** Values in memory (neither constants nor inputs) that must be complete before. */
  readonly reads: ReadonlySet<Value>;
  /** Those of them that are read where only the run knows, by elements too that were looked at for another sink. */
  readonly elsewhere: ReadonlySet<Value>;
  readonly visits: ReadonlyMap<Value, ReadonlyMap<string, Visit>>;
  /** Flops at one point of the loops, less what does not depend on them. */
  readonly cost: number;
}

/** Axis variables are the same for all spaces with axes of the same sizes, so that equal indices in different sinks have equal keys. */
export class Variables {
  /** The steps of a loop are no axis of any space. */
  step(size: number): AxisVariable {
    const variable: AxisVariable = { kind: "axis", id: this.axes.size, size };
    this.axes.set("step", variable);
    return variable;
  }
  private readonly axes = new Map<string, AxisVariable>();
  readonly dynamics = new Map<string, DynamicVariable>();

  of({ shape, loops }: Space): AxisVariable[] {
    const seen = new Map<number, number>();
    return loops.map((axis) => {
      const size = shape[axis];
      const nth = seen.get(size) ?? 0;
      seen.set(size, nth + 1);
      const key = `${size}#${nth}`;
      let variable = this.axes.get(key);
      if (variable === undefined) this.axes.set(key, (variable = { kind: "axis", id: this.axes.size, size }));
      return variable;
    });
  }
}

/** Index tuples of a space: one for each point of the unrolled axes. */
export function* tuples(space: Space, variables: readonly AxisVariable[]): Generator<Index[]> {
  for (const point of unrolledPoints(space)) {
    yield space.shape.map((size, axis) => {
      if (size === 1) return zero;
      const fixed = point.get(axis);
      return fixed === undefined ? variableIndex(variables[space.loops.indexOf(axis)]) : constantIndex(fixed);
    });
  }
}

/** Analyses the sinks of a program, given what is in memory. Elements at constant positions are looked at once for all sinks. */
export class Analysis {
  private readonly roles: Roles;
  private readonly inMemory: (v: Value) => boolean;
  private readonly registry: Variables;
  private readonly runs: Runs;
  private readonly fixed: Memo<Step> = new Map();

  constructor(roles: Roles, inMemory: (v: Value) => boolean, registry: Variables, runs: Runs) {
    this.roles = roles;
    this.runs = runs;
    this.inMemory = inMemory;
    this.registry = registry;
  }

  /** Over the operand's axes. */
  report(sink: Sink): Report {
    if (sink.kind === "routine") return this.routine(sink);
    return this.over(sink, spaceOf(sink, this.roles.weight(sink.operand), this.runs));
  }
  /** Over the operand's elements in order, whatever its axes; null where these matter. */
  flatReport(sink: LoopSink): Report | null {
    const space = flatSpace(sink);
    if (space === null) return null;
    try {
      return this.over(sink, space);
    } catch (e) {
      if (e instanceof NeedsMemory) return null;
      throw e;
    }
  }

  private over(sink: LoopSink, space: Space): Report {
    const variables = this.registry.of(space);
    const loads = new Map<string, Load>();
    const visits = new Map<Value, Map<string, Visit>>();
    let cost = 0;
    const step = (flops: number, axes: bigint, operands: readonly Step[], reads = union(operands)): Step => {
      if (axes !== 0n) cost += flops;
      return { flops, axes, operands, reads, elsewhere: union(operands, (x) => x.elsewhere) };
    };
    /** Index tensors are read like everything else. */
    const ofIndices = (i: Index): Step[] =>
      i.terms.flatMap(({ variable: x }) => {
        if (x.kind !== "dynamic") return [];
        // A constant need not be computed, but may be read where something that is computed says.
        return constantOf(x.value) === null ? [walk.at(x.value, x.at)] : x.at.flatMap(ofIndices);
      });
    const algebra: Algebra<Step> = {
      constant: () => nothing,
      load: (value, at) => {
        if (!isConstant(at)) loads.set(`${value.node.id}.${value.index}@${keyOf(at)}`, { value, at });
        const isElsewhere = at.terms.some((t) => t.variable.kind === "dynamic");
        const reads = this.inMemory(value) ? new Set([value]) : none;
        const own: Step = { ...nothing, reads, elsewhere: isElsewhere ? reads : none };
        return step(isElsewhere ? 3 : 1, maskOf([at]), [own, ...ofIndices(at)]);
      },
      map: (node, operands) => step(flopsOf(node), maskOfAll(operands), operands),
      fold: (_node, terms) => step(Math.max(0, terms.length - 1), maskOfAll(terms), terms),
      index: (i) => step(2, maskOf([i]), ofIndices(i)),
      computed(v, index, result) {
        if (index.every(isConstant)) return;
        const axes = new Set<AxisVariable>();
        for (const i of index) axesOf(i, axes);
        const dynamic = index.some((i) => i.terms.some((t) => t.variable.kind === "dynamic"));
        let keys = visits.get(v);
        if (keys === undefined) visits.set(v, (keys = new Map()));
        keys.set(index.map(keyOf).join(), { axes, dynamic, step: result });
      },
    };
    const walk = new Walk(algebra, this.roles, this.inMemory, this.registry.dynamics, this.fixed);
    const steps: Step[] = [];
    for (const index of tuples(space, variables)) {
      // What is to be stored is computed, though others find it in memory.
      const ends = sink.kind === "store" && !sink.copy;
      if (space.flat) steps.push(ends ? walk.defineFlat(sink.operand, index[0]) : walk.flat(sink.operand, index[0]));
      else steps.push(ends ? walk.define(sink.operand, index) : walk.at(sink.operand, index));
      if (sink.kind === "scatter") {
        const place = walk.dynamic(sink.index, index.slice(0, shapeOf(sink.index).length), sink.attrs.size);
        steps.push(...ofIndices(place));
      }
      if (sink.kind === "write" && sink.place !== null) steps.push(...ofIndices(walk.dynamic(sink.place, [], sink.rows)));
      cost += sink.kind === "reduce" ? Math.max(1, flopsOf(sink.value.node)) : 1;
    }
    return { sink, space, variables, loads, reads: union(steps), elsewhere: union(steps, (x) => x.elsewhere), visits, cost };
  }

  private routine(sink: RoutineSink): Report {
    const loads = new Map<string, Load>();
    const reads = new Set<Value>();
    for (const operand of sink.node.inputs) {
      const base = underReshapes(operand, this.inMemory);
      if (this.inMemory(base)) reads.add(base);
      else if (this.roles.of(base) !== "constant" && this.roles.of(base) !== "input")
        throw new InternalError("an operand of a routine is not in memory");
      loads.set(`${base.node.id}.${base.index}`, { value: base, at: zero });
    }
    const space: Space = { shape: [], flat: false, loops: [], unrolled: [] };
    return { sink, space, variables: [], loads, reads, elsewhere: none, visits: new Map(), cost: 0 };
  }
}

const none: ReadonlySet<Value> = new Set();
const nothing: Step = { flops: 0, axes: 0n, operands: [], reads: none, elsewhere: none };
/** Often one of them contains the others: then it is the union, and no new set is made. */
function union(steps: readonly Step[], of: (step: Step) => ReadonlySet<Value> = (step) => step.reads): ReadonlySet<Value> {
  let all: ReadonlySet<Value> = none;
  let own: Set<Value> | null = null;
  for (const step of steps) {
    const reads = of(step);
    if (reads === all || reads.size === 0) continue;
    if (all.size === 0) all = reads;
    else {
      for (const v of reads) {
        if (all.has(v)) continue;
        if (own === null) all = own = new Set(all);
        own.add(v);
      }
    }
  }
  return all;
}
const maskOfAll = (steps: readonly Step[]): bigint => steps.reduce((m, s) => m | s.axes, 0n);
function maskOf(index: readonly Index[]): bigint {
  let mask = 0n;
  for (const i of index) for (const variable of axesOf(i)) mask |= 1n << BigInt(variable.id);
  return mask;
}

function flopsOf(node: Node): number {
  if (typeof node.op === "string") throw new InternalError("a leaf has no cost");
  return node.op.cost ?? 1;
}

/** The value that lies in memory under reshapes: these keep the order of the elements. */
export function underReshapes(v: Value, inMemory: (v: Value) => boolean): Value {
  const { op } = v.node;
  if (typeof op === "string" || inMemory(v) || op.wasm.kind !== "view" || op.wasm.index(v.node).kind !== "reshape") return v;
  return underReshapes(v.node.inputs[0], inMemory);
}
