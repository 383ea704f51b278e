// What a sink reads and computes, found by walking its operand symbolically.
import { InternalError } from "../errors.ts";
import { constantOf, type Node, shapeOf, type Value } from "../ir/graph.ts";
import {
  type AxisVariable,
  axesOf,
  constantIndex,
  type DynamicVariable,
  flatten,
  type Index,
  isConstant,
  keyOf,
  variableIndex,
  zero,
} from "./indices.ts";
import { type Roles, type Sink, type Space, spaceOf, unrolledPoints } from "./plan.ts";
import { type Algebra, Walk } from "./walk.ts";

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
  /** Memory that is read, by value and position; constants and inputs included. */
  readonly loads: ReadonlyMap<string, Load>;
  /** Values in memory (neither constants nor inputs) that must be complete before. */
  readonly reads: ReadonlySet<Value>;
  readonly visits: ReadonlyMap<Value, ReadonlyMap<string, Visit>>;
  /** Flops at one point of the loops, less what does not depend on them. */
  readonly cost: number;
}

/** Axis variables are the same for all spaces with axes of the same sizes, so that equal indices in different sinks have equal keys. */
export class Variables {
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

export function analyse(sink: Sink, roles: Roles, inMemory: (v: Value) => boolean, registry: Variables): Report {
  if (sink.kind === "routine") return analyseRoutine(sink, roles, inMemory);
  const space = spaceOf(sink.operand, roles.weight(sink.operand));
  const variables = registry.of(space);
  const loads = new Map<string, Load>();
  const reads = new Set<Value>();
  const visits = new Map<Value, Map<string, Visit>>();
  let cost = 0;
  const step = (flops: number, axes: bigint, operands: readonly Step[]): Step => {
    if (axes !== 0n) cost += flops;
    return { flops, axes, operands };
  };
  const algebra: Algebra<Step> = {
    constant: () => nothing,
    load(value, at) {
      loads.set(`${value.node.id}.${value.index}@${keyOf(at)}`, { value, at });
      if (inMemory(value)) reads.add(value);
      return step(at.terms.some((t) => t.variable.kind === "dynamic") ? 3 : 1, maskOf([at]), []);
    },
    map: (node, operands) => step(flopsOf(node), union(operands), operands),
    fold: (_node, terms) => step(Math.max(0, terms.length - 1), union(terms), terms),
    index: (i) => step(2, maskOf([i]), []),
    indexed: (variable) => {
      if (constantOf(variable.value) === null) walk.at(variable.value, variable.at);
    },
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
  const own = sink.kind === "store" && !sink.copy ? sink.value : null;
  const walk = new Walk(algebra, roles, (v) => v !== own && inMemory(v), registry.dynamics);
  for (const index of tuples(space, variables)) {
    walk.at(sink.operand, index);
    if (sink.kind === "scatter") walk.dynamic(sink.index, index.slice(0, shapeOf(sink.index).length), sink.attrs.size);
    cost++;
  }
  return { sink, space, variables, loads, reads, visits, cost };
}

const nothing: Step = { flops: 0, axes: 0n, operands: [] };
const union = (steps: readonly Step[]): bigint => steps.reduce((m, s) => m | s.axes, 0n);
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

function analyseRoutine(sink: Extract<Sink, { kind: "routine" }>, roles: Roles, inMemory: (v: Value) => boolean): Report {
  const loads = new Map<string, Load>();
  const reads = new Set<Value>();
  for (const operand of sink.node.inputs) {
    const base = underReshapes(operand, inMemory);
    if (inMemory(base)) reads.add(base);
    else if (roles.of(base) !== "constant" && roles.of(base) !== "input")
      throw new InternalError("an operand of a routine is not in memory");
    loads.set(`${base.node.id}.${base.index}`, {
      value: base,
      at: flatten(
        shapeOf(base).map(() => zero),
        shapeOf(base),
      ),
    });
  }
  const space: Space = { shape: [], loops: [], unrolled: [] };
  return { sink, space, variables: [], loads, reads, visits: new Map(), cost: 0 };
}
