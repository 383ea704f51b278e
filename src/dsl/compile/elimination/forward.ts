// The forward recursion, in logarithms or in scaled probabilities.
import { type Builder, dtypeOf, type InputAttrs, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { interpret } from "../../../runtime/ir/interpret.ts";
import { makeLoop } from "../../../runtime/ir/loop/make.ts";
import { nodesOf } from "../../../runtime/ir/order.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import type { Join } from "./eliminate.ts";

export interface Recursion {
  readonly b: Builder;
  readonly length: number;
  readonly count: number;
  readonly combinations: number;
  readonly values: number;
  /** [length, count, combinations, values] */
  readonly unary: Value;
  readonly pairs: readonly { readonly table: Value; readonly isShared: boolean }[];
  /** [count or 1, combinations or 1, value before, value] */
  pair(step: Value): Value;
  readonly mask: Value | undefined;
}
interface Forward {
  /** [length, count, combinations, values]: log weights, up to a number for each step, chain and combination. */
  readonly forward: Value;
  /** [count, combinations] */
  readonly total: Value;
}

const later = (length: number): Int32Array => Int32Array.from({ length: length - 1 }, (_, t) => t + 1);

/** Exact whatever is impossible. */
export function logRecursion(r: Recursion, join: Join): Forward {
  const { b, length, count, combinations, values, unary, mask } = r;
  const [forward] = makeLoop(b, {
    steps: length - 1,
    apart: true,
    states: [unary],
    ordinals: [later(length)],
    body({ states: [h], ordinals: [t] }) {
      const before = b.gather(h, b.sub(t, b.constant(1, "int")));
      const joint = b.add(b.reshape(before, [count, combinations, values, 1]), r.pair(t));
      const over = join === "sum" ? b.logSumExp(joint, [2]) : b.reduceMax(joint, [2]);
      const next = b.add(b.gather(unary, t), over);
      const value = mask ? b.select(b.reshape(b.gather(mask, t), [count, 1, 1]), next, before) : next;
      return { writes: [{ state: 0, mode: "set", rows: length, at: t, value }] };
    },
  });
  const end = b.reshape(b.slice(forward, 0, length - 1, 1), [count, combinations, values]);
  return { forward, total: join === "sum" ? b.logSumExp(end, [2]) : b.reduceMax(end, [2]) };
}

/** Probabilities scaled at each step (Rabiner 1989, section V.A): exponentials are taken for all steps at once, and a step multiplies. The scale is
 *  the sum of the step before, which the products need not wait for: a step's own sum is then the probability of what it observes.
 *  log p = log Σ a(T) + Σ log c(t) holds for any scales c, so that derivatives hold them, and the shifts of exponents, constant. What underflows is less than 1e-300 of what
 *  is beside it, and stays negligible as long as each state may follow each. */
export function scaledRecursion(r: Recursion): Forward {
  const { b, length, count, combinations, values, unary, mask } = r;
  const row = [count, combinations];
  const own = weights(b, unary, [3]);
  const pairs = r.pairs.map((p) => ({
    ...weights(b, p.table, [shapeOf(p.table).length - 2, shapeOf(p.table).length - 1]),
    isShared: p.isShared,
  }));
  const states = b.reshape(b.slice(own.weights, 0, 0, 1), [...row, values]);
  const first = scaled(b, b.broadcastTo(b.constant(1), shapeOf(states)), states, states);
  const begin = b.concat(
    [b.reshape(first.probabilities, [1, ...row, values]), b.broadcastTo(b.constant(0), [length - 1, ...row, values])],
    0,
  );
  const scales = b.concat([b.reshape(first.scale, [1, ...row]), b.broadcastTo(b.constant(1), [length - 1, ...row])], 0);
  const [probabilities, allScales] = makeLoop(b, {
    steps: length - 1,
    apart: true,
    states: [begin, scales],
    ordinals: [later(length)],
    body({ states: [h], ordinals: [t] }) {
      const before = b.gather(h, b.sub(t, b.constant(1, "int")));
      const table = pairs.map((p) => (p.isShared ? p.weights : b.gather(p.weights, t))).reduce((x, y) => b.mul(x, y));
      const moved = b.sum(b.mul(b.reshape(before, [...row, values, 1]), table), [2]);
      const next = scaled(b, moved, b.gather(own.weights, t), before);
      const isThere = mask && b.reshape(b.gather(mask, t), [count, 1]);
      const value = isThere ? b.select(b.reshape(isThere, [count, 1, 1]), next.probabilities, before) : next.probabilities;
      const scale = isThere ? b.select(isThere, next.scale, b.constant(1)) : next.scale;
      return {
        writes: [
          { state: 0, mode: "set", rows: length, at: t, value },
          { state: 1, mode: "set", rows: length, at: t, value: scale },
        ],
      };
    },
  });
  const end = b.reshape(b.slice(probabilities, 0, length - 1, 1), [...row, values]);
  // Of the numbers of each step: those that chains do not reach count nothing.
  const there = mask && b.reshape(mask, [length, count, 1]);
  const counted = (v: Value): Value => {
    const full = b.broadcastTo(v, [length, ...row]);
    return b.sum(there ? b.select(there, full, b.constant(0)) : full, [0]);
  };
  const shifts = pairs.map((p) => {
    const shape = shapeOf(p.shift);
    const over = b.broadcastTo(p.isShared ? b.reshape(p.shift, [1, ...shape]) : p.shift, [length, ...row]);
    // Nothing leads to the first step.
    return b.concat([b.broadcastTo(b.constant(0), [1, ...row]), b.slice(over, 0, 1, length - 1)], 0);
  });
  const held = [b.log(allScales), b.reshape(own.shift, [length, ...row]), ...shifts].map(counted);
  const constants = b.stopGradient(held.reduce((x, y) => b.add(x, y)));
  return {
    forward: b.log(probabilities),
    total: b.add(logOrImpossible(b, b.sum(end, [2])), constants),
  };
}

/** exp(v - shift) with the largest over the axes as the shift, 0 where all is impossible. */
function weights(b: Builder, v: Value, axes: readonly number[]): { readonly weights: Value; readonly shift: Value } {
  const largest = b.reduceMax(v, axes);
  const finite = b.lt(b.abs(largest), b.constant(Number.POSITIVE_INFINITY));
  const shift = b.stopGradient(b.select(finite, largest, b.constant(0)));
  const beside = shapeOf(v).map((n, k) => (axes.includes(k) ? 1 : n));
  return { weights: b.exp(b.sub(v, b.reshape(shift, beside))), shift };
}

/** v w / Σ u, the sum being held constant. What needs no v is computed apart: backwards it is known beforehand. */
function scaled(b: Builder, v: Value, w: Value, u: Value): { readonly probabilities: Value; readonly scale: Value } {
  // Of what is impossible, or next to it, the quotient stays finite: what is 0 stays 0.
  const sum = b.stopGradient(b.sum(u, [shapeOf(u).length - 1]));
  const scale = b.select(b.gt(sum, b.constant(SMALLEST)), sum, b.constant(SMALLEST));
  return { probabilities: b.mul(v, b.div(w, b.reshape(scale, [...shapeOf(scale), 1]))), scale };
}
const SMALLEST = 1e-300;

/** log v, and -inf with no derivative where v is 0. */
function logOrImpossible(b: Builder, v: Value): Value {
  const isPossible = b.gt(v, b.constant(0));
  return b.select(isPossible, b.log(b.select(isPossible, v, b.constant(1))), b.constant(Number.NEGATIVE_INFINITY));
}

/** Below this a transition counts as impossible: what is lost where probabilities underflow might matter behind it. */
const LEAST = -200;
/** Graphs larger than this are not looked at. */
const MOST_NODES = 20_000;
const MOST_ENTRIES = 4_000_000;

/** Whether some log weights may be -inf by the form of the model, which shows at any point in general. */
export function mayBeImpossible(tables: readonly Value[]): boolean {
  const nodes = nodesOf(tables);
  if (nodes.length > MOST_NODES || nodes.reduce((n, node) => n + sizeOf(node.results[0].shape), 0) > MOST_ENTRIES) return true;
  const inputs: Record<string, Float64Array> = {};
  for (const node of nodes) {
    if (node.op !== "input") continue;
    const value = { node, index: 0 };
    const isReal = dtypeOf(value) === "real";
    inputs[(node.attrs as InputAttrs).name] = Float64Array.from({ length: sizeOf(shapeOf(value)) }, (_, i) =>
      isReal ? inGeneral(i) : 0,
    );
  }
  return interpret(tables, inputs).some((table) => !table.every((x) => x > LEAST));
}

/** No two alike, none 0 or 1, between -1 and 1. */
const inGeneral = (i: number): number => (((i + 1) * 0.618_033_988_749_895) % 1) * 1.9 - 0.93;
