// Rows of which nothing is left from some element on but what makes no difference, as ranges that vary from row to row make them: zeros of a sum.
// Their loops end there.

import { constantOf, shapeOf, type Value } from "../ir/graph.ts";
import { eq, select } from "../ir/primitives/compare.ts";
import { add, mul, neg, sub } from "../ir/primitives/elementwise.ts";
import { gather } from "../ir/primitives/gather.ts";
import type { Numbers } from "../ir/type.ts";
import { type Report, tuples } from "./analyse.ts";
import { type AxisVariable, flatten, type Index, keyOf } from "./indices.ts";
import type { LoopSink, Roles } from "./plan.ts";
import { broadcastIndex, viewedIndex } from "./reindex.ts";
import { affineIndex } from "./walk.ts";

/** The elements that matter, by the value of another loop's variable; `by` null: one number for all. */
export interface Ending {
  readonly by: AxisVariable | null;
  readonly counts: Int32Array;
}

/** Of the loop over `variable`, for all work in it; null where it has to go on to its end, or nearly. */
export function endingOf(reports: readonly Report[], variable: AxisVariable, roles: Roles): Ending | null {
  if (variable.size < SHORTEST) return null;
  let common: Ending | null = null;
  for (const { sink, space, variables } of reports) {
    const neutral = sink.kind === "routine" ? null : neutralOf(sink);
    if (neutral === null || space.flat) return null;
    // What a reduction keeps has an element for each turn, be there anything to combine in it or not.
    if (sink.kind === "reduce" && !sink.axes.includes(space.loops[variables.indexOf(variable)])) return null;
    for (const index of tuples(space, variables)) {
      const mask = new Search(roles).maskOf(sink.operand, index, neutral);
      const own = mask && lastOf(mask, variable);
      if (!own || (common !== null && common.by !== own.by)) return null;
      const { counts } = own;
      common = common === null ? own : { by: own.by, counts: common.counts.map((n, i) => Math.max(n, counts[i])) };
    }
  }
  if (common === null) return null;
  const total = common.counts.reduce((sum, n) => sum + n, 0);
  return total < WORTHWHILE * common.counts.length * variable.size ? common : null;
}

const SHORTEST = 8;
const WORTHWHILE = 0.8;

/** What an element is that makes no difference to the sink; null where all do. */
function neutralOf(sink: LoopSink): number | null {
  if (sink.kind === "scatter") return 0;
  if (sink.kind === "write") return sink.mode === "add" ? 0 : null;
  if (sink.kind !== "reduce") return null;
  const { op } = sink.value.node;
  // Of what is factored the elements are not added as they are: softplus(0) is not 0.
  return typeof op !== "string" && op.wasm.kind === "reduce" && op.wasm.factored === undefined ? op.wasm.init : null;
}

/** Constants, 0 where the element is neutral, at a row-major position. */
interface Mask {
  readonly values: Numbers;
  readonly at: Index;
}

/** Values that are looked at for the mask of one sum: it stands near. Sums of many terms are deep, and each may be an operand of several. */
const MOST_VALUES = 200;

class Search {
  private readonly roles: Roles;
  private seen = 0;
  constructor(roles: Roles) {
    this.roles = roles;
  }

  maskOf(v: Value, index: readonly Index[], neutral: number): Mask | null {
    if (++this.seen > MOST_VALUES) return null;
    const { op, inputs } = v.node;
    if (this.roles.of(v) === "view") {
      const inner = viewedIndex(v, index);
      return inner && this.maskOf(inputs[0], inner, neutral);
    }
    const inside = (x: Value): readonly Index[] => broadcastIndex(index, shapeOf(x));
    if (neutral === 0 && (op === add || op === sub)) {
      const [x, y] = inputs;
      const first = this.maskOf(x, inside(x), 0);
      const second = first && this.maskOf(y, inside(y), 0);
      return second && either(first, second);
    }
    if (neutral === 0 && op === mul) {
      const [x, y] = isFiniteConstant(inputs[0]) ? [inputs[1], inputs[0]] : inputs;
      return isFiniteConstant(y) ? this.maskOf(x, inside(x), 0) : null;
    }
    if (neutral === 0 && op === neg) return this.maskOf(inputs[0], inside(inputs[0]), 0);
    if (op !== select) return null;
    const [condition, then, otherwise] = inputs;
    if (isAll(otherwise, neutral))
      return tableOf(this.roles, condition, inside(condition)) ?? this.maskOf(then, inside(then), neutral);
    // x = 0 ? neutral : …
    if (!isAll(then, neutral) || condition.node.op !== eq) return null;
    const [x, y] = condition.node.inputs;
    const compared = isAll(x, 0) ? y : isAll(y, 0) ? x : null;
    return compared && this.maskOf(compared, broadcastIndex(inside(condition), shapeOf(compared)), 0);
  }
}

/** A constant whose product with 0 is 0. */
const isFiniteConstant = (v: Value): boolean => constantOf(v)?.every((x: number) => Number.isFinite(x)) ?? false;
const isAll = (v: Value, x: number): boolean => constantOf(v)?.every((own: number) => own === x) ?? false;

/** null where they lie differently. */
function either(x: Mask, y: Mask): Mask | null {
  if (x.values.length !== y.values.length || keyOf(x.at) !== keyOf(y.at)) return null;
  if (x.values === y.values) return x;
  return { values: Float64Array.from(x.values, (v, i) => (v !== 0 || y.values[i] !== 0 ? 1 : 0)), at: x.at };
}

function tableOf(roles: Roles, v: Value, index: readonly Index[]): Mask | null {
  const values = constantOf(v);
  const { op, inputs } = v.node;
  if (values !== null) return { values, at: flatten(index, shapeOf(v)) };
  if (roles.of(v) === "view") {
    const inner = viewedIndex(v, index);
    return inner && tableOf(roles, inputs[0], inner);
  }
  if (op !== gather || shapeOf(inputs[1]).length > 0) return null;
  const row = affineIndex(roles, inputs[1]);
  return row && tableOf(roles, inputs[0], [row, ...index]);
}

/** null where the position depends on more than the variable and one other. */
function lastOf({ values, at }: Mask, variable: AxisVariable): Ending | null {
  const own = at.terms.find((t) => t.variable === variable);
  const others = at.terms.filter((t) => t !== own);
  if (own === undefined || others.length > 1) return null;
  const [other] = others;
  if (other === undefined)
    return { by: null, counts: Int32Array.of(countOf(values, at.constant, own.coefficient, variable.size)) };
  if (other.variable.kind !== "axis") return null;
  const counts = Int32Array.from({ length: other.variable.size }, (_, i) =>
    countOf(values, at.constant + other.coefficient * i, own.coefficient, variable.size),
  );
  return { by: other.variable, counts };
}

function countOf(values: Numbers, start: number, stride: number, size: number): number {
  let n = size;
  while (n > 0 && values[start + stride * (n - 1)] === 0) n--;
  return n;
}
