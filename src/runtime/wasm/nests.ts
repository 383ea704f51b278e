// The order of a nest's loops: the innermost one runs over two lanes and should find neighbours in memory.

import { constantOf, shapeOf } from "../ir/graph.ts";
import type { Report } from "./analyse.ts";
import type { AxisVariable, Index } from "./indices.ts";
import { axesOf } from "./indices.ts";
import { STRAIGHT } from "./plan.ts";
import type { Batch } from "./schedule.ts";

/** Costs of one access per element of the innermost loop, in flops of one lane. */
const COST = { contiguous: 0.5, strided: 1.2, indexed: 1.5, scatter: 3, accumulate: 1.5, reduce: 0.5 };
/** Work to begin and end an inner loop, in elements. */
const LOOP_START = 6;
const MOST_PERMUTED = 4;

/** Flops at a point. */
export const costAt = (reports: readonly Report[]): number => reports.reduce((sum, r) => sum + r.cost + 1, 0);

/** Flops of a loop that is written out. */
const STRAIGHT_COST = 400;
/** Whether the innermost loop is written out. */
export function isStraight(nest: readonly AxisVariable[], reports: readonly Report[]): boolean {
  if (nest.length === 0) return true;
  const { size } = nest[nest.length - 1];
  return size <= STRAIGHT && costAt(reports) * (size >> 1) <= STRAIGHT_COST;
}

export function nestOrder(batch: Batch): AxisVariable[] {
  const variables = [...new Set(batch.flatMap((r) => r.variables))].sort((a, b) => a.id - b.id);
  if (variables.length < 2) return variables;
  const first = batch[0].variables; // in the order of its operand's axes
  if (variables.length > MOST_PERMUTED) return [...first];
  let best: { order: AxisVariable[]; cost: number } | null = null;
  for (const order of permutations(first)) {
    const cost = costOf(batch, order);
    if (best === null || cost < best.cost) best = { order, cost };
  }
  return best!.order;
}

function costOf(batch: Batch, order: readonly AxisVariable[]): number {
  const inner = order[order.length - 1];
  let perElement = 0;
  for (const report of batch) {
    for (const { at, value } of report.loads.values()) perElement += accessCost(at, inner, constantOf(value) !== null, order);
    perElement += sinkCost(report, order);
  }
  // A short one is written out.
  const start = inner.size > STRAIGHT ? LOOP_START : 0;
  return perElement * (1 + start / inner.size + (inner.size % 2) / inner.size);
}

function accessCost(at: Index, inner: AxisVariable, isConstant: boolean, order: readonly AxisVariable[]): number {
  if (!axesOf(at).has(inner)) {
    // Read once for a run of the inner loop.
    return at.terms.length === 0 || order.length === 1 ? 0 : COST.strided / inner.size;
  }
  if (at.terms.some((t) => t.variable.kind === "dynamic" && axesOf({ constant: 0, terms: [t] }).has(inner))) return COST.indexed;
  const own = at.terms.find((t) => t.variable === inner);
  return isConstant || own?.coefficient === 1 ? COST.contiguous : COST.strided;
}

function sinkCost({ sink, space, variables }: Batch[number], order: readonly AxisVariable[]): number {
  const inner = order[order.length - 1];
  const axisOf = (v: AxisVariable): number => space.loops[variables.indexOf(v)];
  switch (sink.kind) {
    case "routine":
      return 0;
    case "scatter":
      // Beyond the indices lie rows, which are neighbours.
      return axisOf(inner) >= shapeOf(sink.index).length ? COST.accumulate : COST.scatter;
    case "store":
    case "write":
    case "piece": {
      // Row-major: only the last axis that is no copy has neighbours.
      const last = space.shape.reduce((found, size, axis) => (size > 1 ? axis : found), -1);
      return axisOf(inner) === last ? COST.contiguous : COST.strided;
    }
    case "reduce": {
      if (sink.axes.includes(axisOf(inner))) {
        const outerReduced = order.findIndex((v) => sink.axes.includes(axisOf(v)));
        const keptInside = order.slice(outerReduced).some((v) => !sink.axes.includes(axisOf(v)));
        return keptInside ? COST.reduce + COST.strided / inner.size : COST.reduce;
      }
      // A short loop inside is written out, with accumulators for each of its elements.
      const around = order[order.length - 2];
      if (inner.size <= STRAIGHT && around !== undefined && sink.axes.includes(axisOf(around))) return COST.reduce;
      return order.some((v) => sink.axes.includes(axisOf(v))) ? COST.accumulate : COST.contiguous;
    }
  }
}

function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length <= 1) {
    yield [...items];
    return;
  }
  for (let i = 0; i < items.length; i++) {
    for (const rest of permutations([...items.slice(0, i), ...items.slice(i + 1)])) yield [items[i], ...rest];
  }
}
