// What becomes of each value: computed where it is used, or held in memory; and the sinks, the work that loops are made for.
import { InternalError, unreachable } from "../errors.ts";
import { type Node, shapeOf, type Value } from "../ir/graph.ts";
import type { ScatterAddAttrs } from "../ir/primitives/gather.ts";
import type { ReduceAttrs } from "../ir/primitives/reduce.ts";
import type { AssembleAttrs } from "../ir/primitives/shape.ts";
import { type Shape, sizeOf } from "../ir/type.ts";
import type { AxisVariable } from "./indices.ts";

/** How code is made for a node. `fold`: a reduction of few elements, written out where its result is used. */
export type Role =
  | "constant"
  | "input"
  | "step"
  | "map"
  | "view"
  | "gather"
  | "assemble"
  | "fold"
  | "reduce"
  | "scatter"
  | "routine";

/** One piece of work over an iteration space, that of its operand. */
export type Sink = LoopSink | RoutineSink;
export type LoopSink = StoreSink | PieceSink | ReduceSink | ScatterSink | WriteSink;
interface SinkBase {
  readonly id: number;
  /** The value in whose memory (or, for small reductions, registers) the results go. */
  readonly value: Value;
  /** The value computed at each point. */
  readonly operand: Value;
}
export interface StoreSink extends SinkBase {
  readonly kind: "store";
  /** Writes an output that nobody reads back. */
  readonly copy: boolean;
}
/** One operand of an assembly, laid at its place. */
export interface PieceSink extends SinkBase {
  readonly kind: "piece";
  readonly axis: number;
  readonly offset: number;
}
export interface ReduceSink extends SinkBase {
  readonly kind: "reduce";
  readonly axes: readonly number[];
}
export interface ScatterSink extends SinkBase {
  readonly kind: "scatter";
  readonly index: Value;
  readonly attrs: ScatterAddAttrs;
}
/** What a step of a loop does to one of its states. */
export interface WriteSink extends SinkBase {
  readonly kind: "write";
  readonly state: Value;
  readonly mode: "set" | "add";
  /** The first row that is written, of the state seen as [rows, …]; null: all of it. */
  readonly place: Value | null;
  readonly rows: number;
}
export interface RoutineSink extends SinkBase {
  readonly kind: "routine";
  readonly node: Node;
  readonly results: readonly Value[];
}

/** Longest reduction written out, and the flops that it may cost. */
const LONGEST_FOLD = 24;
const FOLD_COST = { short: 400, long: 64 };
const SHORT = 8;
/** An axis may be written out if the code that depends on it, `weight` flops an element, stays small. */
export const mayUnroll = (size: number, weight: number): boolean =>
  size <= LONGEST_FOLD && size * weight <= (size <= SHORT ? FOLD_COST.short : FOLD_COST.long);

/** Loops up to this length are written out, if their code stays small. */
export const STRAIGHT = 16;

/** The number of the step that is being made. */
export interface Step {
  readonly value: Value;
  readonly variable: AxisVariable;
}

export class Roles {
  readonly step: Step | null;
  private readonly roles = new Map<Node, Role>();
  private readonly weights = new Map<Node, number>();

  /** Takes all nodes of the program, in topological order; in the body of a loop, the input that counts its steps. */
  constructor(nodes: readonly Node[], step: Step | null = null) {
    this.step = step;
    for (const node of nodes) for (let index = 0; index < node.results.length; index++) this.weight({ node, index });
  }
  of(v: Value): Role {
    const known = this.roles.get(v.node);
    if (known !== undefined) return known;
    const role = this.classify(v.node);
    this.roles.set(v.node, role);
    return role;
  }
  /** Flops for an element of the value that are spent on nodes of its own size: what grows when its loop is written out. */
  weight(v: Value): number {
    const known = this.weights.get(v.node);
    if (known !== undefined) return known;
    const role = this.of(v);
    let weight = 1;
    if (role === "map" || role === "view" || role === "gather" || role === "fold") {
      weight = typeof v.node.op === "string" ? 1 : (v.node.op.cost ?? 1);
      const size = sizeOf(shapeOf(v));
      for (const x of v.node.inputs) if (sizeOf(shapeOf(x)) >= size) weight += this.weight(x);
    }
    weight = Math.min(weight, 1e6);
    this.weights.set(v.node, weight);
    return weight;
  }
  private classify(node: Node): Role {
    if (this.step !== null && node === this.step.value.node) return "step";
    if (typeof node.op === "string") return node.op;
    const { kind } = node.op.wasm;
    switch (kind) {
      case "map":
      case "view":
      case "gather":
      case "assemble":
      case "scatter":
      case "routine":
        return kind;
      case "contract":
      case "loop":
        return "routine";
      case "reduce": {
        const operand = node.inputs[0];
        const kept = sizeOf(node.results[0].shape);
        const reduced = sizeOf((node.attrs as ReduceAttrs).axes.map((axis) => shapeOf(operand)[axis]));
        const few = reduced <= 3 || (kept >= 4 && mayUnroll(reduced, this.weight(operand)));
        return few ? "fold" : "reduce";
      }
      case "expand":
        throw new InternalError(`${node.op.name} should have been expanded`);
      default:
        return unreachable(kind, "wasm rule");
    }
  }
}

export const isHard = (role: Role): boolean => role === "reduce" || role === "scatter" || role === "routine";

/** The sinks of one value that is to be in memory; `results`: all results of its node. */
export function sinksOf(results: readonly Value[], v: Value, role: Role, nextId: () => number): Sink[] {
  const { node } = v;
  switch (role) {
    case "reduce":
      return [{ kind: "reduce", id: nextId(), value: v, operand: node.inputs[0], axes: (node.attrs as ReduceAttrs).axes }];
    case "scatter": {
      const [operand, index] = node.inputs;
      return [{ kind: "scatter", id: nextId(), value: v, operand, index, attrs: node.attrs as ScatterAddAttrs }];
    }
    case "routine":
      return [{ kind: "routine", id: nextId(), value: v, operand: v, node, results }];
    case "assemble": {
      const { axis, offsets } = node.attrs as AssembleAttrs;
      return node.inputs.map((operand, i) => ({ kind: "piece", id: nextId(), value: v, operand, axis, offset: offsets[i] }));
    }
    case "constant":
    case "input":
    case "step":
    case "map":
    case "view":
    case "gather":
    case "fold":
      return [{ kind: "store", id: nextId(), value: v, operand: v, copy: false }];
  }
}

/** Axes of an iteration space: loops and axes written out. Axes of size 1 are neither. */
export interface Space {
  /** Of the operand; of a flat space, the number of its elements. */
  readonly shape: Shape;
  /** Elements are counted in row-major order, whatever their axes. */
  readonly flat: boolean;
  readonly loops: readonly number[];
  readonly unrolled: readonly number[];
}
/** Elements of spaces that are written out whole, one by one: code that runs once need not be fast, that of a step should use both lanes. */
const TINY = { once: 4, repeated: 1 } as const;
export type Runs = keyof typeof TINY;
const MOST_COPIES = 32;

/** Tiny spaces are written out whole; else short axes beside a longer one are. */
export function spaceOf(sink: LoopSink, weight: number, runs: Runs): Space {
  const shape = shapeOf(sink.operand);
  // What a sum keeps has accumulators of its own either way: as an inner loop it has them two by two. Rows that are written are neighbours.
  const last = shape.findLastIndex((size) => size > 1);
  const isStrip = (axis: number): boolean =>
    shape[axis] > SHORT &&
    shape[axis] <= STRAIGHT &&
    (sink.kind === "reduce" ? !sink.axes.includes(axis) : sink.kind === "write" && axis === last);
  const axes = shape.flatMap((size, axis) => (size === 1 ? [] : [axis]));
  if (sizeOf(shape) <= TINY[runs]) return { shape, flat: false, loops: [], unrolled: axes };
  const longest = axes.reduce((best, axis) => (shape[axis] >= shape[best] ? axis : best), axes[0]);
  let copies = 1;
  const unrolled: number[] = [];
  for (const axis of [...axes].sort((i, j) => shape[i] - shape[j] || j - i)) {
    if (axis === longest || isStrip(axis) || copies * shape[axis] > MOST_COPIES || !mayUnroll(copies * shape[axis], weight))
      continue;
    if (shape[axis] > SHORT && shape[longest] < 4 * shape[axis]) continue;
    unrolled.push(axis);
    copies *= shape[axis];
  }
  unrolled.sort((i, j) => i - j);
  return { shape, flat: false, unrolled, loops: axes.filter((axis) => !unrolled.includes(axis)) };
}

/** The same elements along one axis, for a sink that treats all alike; null where its kind does not allow that. */
export function flatSpace(sink: LoopSink): Space | null {
  const shape = shapeOf(sink.operand);
  const uniform =
    sink.kind === "store" ||
    sink.kind === "write" ||
    (sink.kind === "reduce" && sink.axes.length === shape.length) ||
    (sink.kind === "piece" && shape.slice(0, sink.axis).every((d) => d === 1));
  return uniform ? { shape: [sizeOf(shape)], flat: true, loops: [0], unrolled: [] } : null;
}

/** Every combination of indices of the unrolled axes, in row-major order. */
export function* unrolledPoints({ shape, unrolled }: Space): Generator<ReadonlyMap<number, number>> {
  if (unrolled.some((axis) => shape[axis] === 0)) return;
  const at = new Map(unrolled.map((axis) => [axis, 0]));
  for (;;) {
    yield at;
    let k = unrolled.length - 1;
    for (; k >= 0; k--) {
      const next = at.get(unrolled[k])! + 1;
      at.set(unrolled[k], next < shape[unrolled[k]] ? next : 0);
      if (next < shape[unrolled[k]]) break;
    }
    if (k < 0) return;
  }
}
