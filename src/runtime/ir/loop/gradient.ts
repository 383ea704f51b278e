// The derivative of a loop: the same loop backwards. What a step of a recurrence has read is in the final states, since each row is written once:
// nothing is stored on the way, and nothing but the step itself computed again. For the same reason the loop carries the cotangents of the
// states alone; those of all else follow from these, for all steps at once. What is changed after it was read is recorded first (Griewank &
// Walther 2008, ch. 12).
import { InternalError } from "../../errors.ts";
import { vectorize } from "../batch.ts";
import { pullback, type Seed } from "../gradient.ts";
import { type Builder, constantOf, dtypeOf, type Node, resultsOf, shapeOf, typeOf, type Value } from "../graph.ts";
import { nodesOf } from "../order.ts";
import { add } from "../primitives/elementwise.ts";
import { type ScatterAddAttrs, scatterAdd } from "../primitives/gather.ts";
import { type AssembleAttrs, assemble, reshape, type TransposeAttrs, transpose } from "../primitives/shape.ts";
import { substitute } from "../substitute.ts";
import { sizeOf } from "../type.ts";
import { instantiate } from "./body.ts";
import type { LoopAttrs, LoopWrite } from "./loop.ts";
import { makeLoop, symbol, type WrittenState } from "./make.ts";

/** Cotangents of the inputs; null for those that are not real. */
export function loopGradient(
  b: Builder,
  cts: readonly (Value | null)[],
  node: Node<LoopAttrs>,
  givenVanish: boolean,
): (Value | null)[] {
  const { attrs } = node;
  const { steps, body, tables } = attrs;
  if (attrs.stop !== null) throw new InternalError("a loop is differentiated that may stop early");
  const states = node.inputs.slice(0, attrs.states);
  const frees = node.inputs.slice(attrs.states);
  const ends = resultsOf(b, node);
  const written = states.map((_, i) => rowsWrittenOnce(attrs, i));
  const isRead = new Set(nodesOf(body.results));
  const compares = [...isRead].some(({ op }) => typeof op !== "string" && op.comparesBits === true);
  const recorded = states.flatMap((_, i) => (written[i] === null && isRead.has(body.params[i].node) ? [i] : []));
  const records = record(b, node, recorded);
  const learnt = frees.flatMap((f, i) => (dtypeOf(f) === "real" ? [i] : []));
  const zeros = (v: Value): Value => b.broadcastTo(b.constant(0), shapeOf(v));

  // One step backwards, in symbols for what has been collected and for its ordinals.
  const collected = ends.map((e) => symbol(b, typeOf(e)));
  const backwards = [...tables.map(({ values }) => values.slice().reverse()), countUp(steps).reverse()];
  const ordinals = backwards.map(() => symbol(b, { shape: [], dtype: "int" }));
  const read = states.map((s) => symbol(b, typeOf(s)));
  const given = frees.map((f) => symbol(b, typeOf(f)));
  const results = instantiate(b, body, [...read, ...ordinals.slice(0, tables.length), ...given]);
  const placeOf = ({ at }: LoopWrite): Value | null =>
    at === null ? null : "ordinal" in at ? ordinals[at.ordinal] : results[at.result];
  /** States that something depends on. */
  const matters = states.map((_, i) => cts[i] !== null || isRead.has(body.params[i].node));
  const mayVanish = givenVanish || cts.some((ct, i) => ct === null && matters[i]);
  const seeds = attrs.writes.flatMap((w): Seed[] => {
    if (!matters[w.state]) return [];
    const cotangent = rowsAt(b, collected[w.state], w.rows, placeOf(w), shapeOf(results[w.value]));
    return [{ value: results[w.value], cotangent, mayVanish }];
  });
  const own = new Map<Value, Value>([
    ...read.map((s, i): [Value, Value] => {
      const at = recorded.indexOf(i);
      return [s, at < 0 ? ends[i] : b.gather(records[at], ordinals[tables.length])];
    }),
    ...given.map((s, i): [Value, Value] => [s, frees[i]]),
    // What a step has written is still there: it need not be computed again, unless it is compared with what is.
    ...attrs.writes.flatMap((w): [Value, Value][] => {
      const value = results[w.value];
      if (written[w.state] === null || value.node.op === "input" || compares) return [];
      return [[value, rowsAt(b, ends[w.state], w.rows, placeOf(w), shapeOf(value))]];
    }),
  ]);
  /** What a step adds to the cotangents of states and frees, and the rows that it sets to 0, since it has overwritten them. */
  const added = pullback(b, seeds, [...read, ...learnt.map((i) => given[i])]).map((ct, i) =>
    ct === null ? [] : additions(b, i, substitute(b, [ct], own)[0]),
  );
  const cleared = attrs.writes.flatMap((w): WrittenState[] => {
    if (w.mode === "add" || written[w.state] !== null) return [];
    const { state, mode, rows } = w;
    const place = placeOf(w);
    const at = place === null ? {} : { at: substitute(b, [place], own)[0] };
    return [{ state, mode, rows, value: zeros(results[w.value]), ...at }];
  });

  // A row's cotangent is complete when its step comes: what the steps add to the frees can wait until all are.
  const canWait = written.every((w) => w !== null);
  const inLoop = canWait ? states.length : added.length;
  const run = makeLoop(b, {
    steps,
    // Rows that a step adds to are below those that it reads, as far as the loop itself is so.
    apart: canWait && attrs.apart,
    states: [...ends.map((e, i) => cts[i] ?? zeros(e)), ...(canWait ? [] : learnt.map((i) => zeros(frees[i])))],
    ordinals: backwards,
    body(now) {
      const images = new Map<Value, Value>([
        ...collected.map((s, i): [Value, Value] => [s, now.states[i]]),
        ...ordinals.map((s, i): [Value, Value] => [s, now.ordinals[i]]),
      ]);
      return { writes: imagesOf(b, [...cleared, ...added.slice(0, inLoop).flat()], images) };
    },
  });
  const ofStates = states.map((s, i): Value => {
    const rows = written[i];
    return rows === null ? run[i] : b.select(b.tensor(rows, shapeOf(s), "bool"), b.constant(0), run[i]);
  });
  const ofLearnt = learnt.map((free, k): Value => {
    const i = states.length + k;
    if (!canWait) return run[i];
    const complete = new Map(collected.map((s, n): [Value, Value] => [s, run[n]]));
    // In the order of the steps: their sum has none.
    const forwards = [...tables.map(({ values }) => values), countUp(steps)];
    return overSteps(b, imagesOf(b, added[i], complete), ordinals, forwards, frees[free]);
  });
  return [...ofStates, ...frees.map((_, i) => (learnt.includes(i) ? ofLearnt[learnt.indexOf(i)] : null))];
}

/** The writes with other values in place of symbols. */
function imagesOf(b: Builder, writes: readonly WrittenState[], images: ReadonlyMap<Value, Value>): WrittenState[] {
  return writes.map((w) => {
    const [value, ...at] = substitute(b, [w.value, ...(w.at ? [w.at] : [])], images);
    return { ...w, value, ...(at.length > 0 ? { at: at[0] } : {}) };
  });
}

/** What all steps add to a value, at once. */
function overSteps(
  b: Builder,
  writes: readonly WrittenState[],
  ordinals: readonly Value[],
  tables: readonly Int32Array[],
  like: Value,
): Value {
  const steps = tables[0].length;
  const replacements = new Map(ordinals.map((o, i) => [o, b.tensor(tables[i], [steps], "int")]));
  const shape = shapeOf(like);
  const parts = writes.map(({ rows, at, value }): Value => {
    const { values, batched } = vectorize(b, [value, ...(at ? [at] : [])], replacements, steps);
    const each = values.map((v, i) => (batched[i] ? v : b.broadcastTo(b.reshape(v, [1, ...shapeOf(v)]), [steps, ...shapeOf(v)])));
    if (at === undefined) return b.reshape(b.sum(each[0], [0]), shape);
    const width = sizeOf(shape) / rows;
    const count = sizeOf(shapeOf(value)) / width;
    const known = constantOf(each[1]);
    if (count === 1 && known?.every((row: number, i: number) => row === known[0] + i)) {
      const whole = b.assemble([b.reshape(each[0], [steps, width])], 0, [known[0]], rows);
      return b.reshape(whole, shape);
    }
    const places = b.add(b.reshape(each[1], [steps, 1]), b.iota([1, count], 1));
    return b.reshape(b.scatterAdd(b.reshape(each[0], [steps * count, width]), b.reshape(places, [steps * count]), rows), shape);
  });
  return parts.reduce((x, y) => b.add(x, y), b.broadcastTo(b.constant(0), shape));
}

const countUp = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);

/** These states as they are before each step: [steps, …]. */
function record(b: Builder, node: Node<LoopAttrs>, recorded: readonly number[]): Value[] {
  if (recorded.length === 0) return [];
  const { steps, body, tables, writes, states: count } = node.attrs;
  const states = node.inputs.slice(0, count);
  const histories = recorded.map((i) => b.broadcastTo(b.constant(0), [steps, ...shapeOf(states[i])]));
  return makeLoop(b, {
    steps,
    states: [...states, ...histories],
    ordinals: [...tables.map((t) => t.values), countUp(steps)],
    body({ states: all, ordinals }) {
      const results = instantiate(b, body, [
        ...all.slice(0, count),
        ...ordinals.slice(0, tables.length),
        ...node.inputs.slice(count),
      ]);
      const own = writes.map(({ state, mode, rows, at, value }): WrittenState => {
        const of = { state, mode, rows, value: results[value] };
        return at === null ? of : { ...of, at: "ordinal" in at ? ordinals[at.ordinal] : results[at.result] };
      });
      const kept = recorded.map((i, k): WrittenState => {
        return { state: count + k, mode: "set", rows: steps, at: ordinals[tables.length], value: all[i] };
      });
      return { writes: [...own, ...kept] };
    },
  }).slice(count);
}

/** 1 where the loop writes an element of the state; null where it may change what it has written. */
function rowsWrittenOnce({ writes, body, tables }: LoopAttrs, state: number): Uint8Array | null {
  const size = sizeOf(shapeOf(body.params[state]));
  const written = new Uint8Array(size);
  for (const { state: own, mode, rows, at, value } of writes) {
    if (own !== state) continue;
    if (mode === "add" || at === null || !("ordinal" in at)) return null;
    const width = sizeOf(shapeOf(body.results[value]));
    for (const place of tables[at.ordinal].values) {
      const from = place * (size / rows);
      for (let k = from; k < from + width; k++) {
        if (written[k] === 1) return null;
        written[k] = 1;
      }
    }
  }
  return written;
}

/** The elements of a state, seen as [rows, …], from a row on; without a place all of them. */
function rowsAt(b: Builder, state: Value, rows: number, at: Value | null, shape: readonly number[]): Value {
  if (at === null) return state;
  const width = sizeOf(shapeOf(state)) / rows;
  const table = b.reshape(state, [rows, width]);
  const count = width === 0 ? 0 : sizeOf(shape) / width;
  return b.reshape(b.gather(table, count === 1 ? at : b.add(at, b.iota([count], 0))), shape);
}

/** Elements up to which a scatter is written row by row. */
const FEW = 16;

/** A cotangent that is zero but for a few rows, as gathers and slices give them, is added there alone. */
function additions(b: Builder, state: number, ct: Value): WrittenState[] {
  const { node } = ct;
  const whole: WrittenState = { state, mode: "add", rows: 1, value: ct };
  if (node.op === add && node.inputs.every((x) => String(shapeOf(x)) === String(shapeOf(ct))))
    return node.inputs.flatMap((x) => additions(b, state, x));
  if (node.op === reshape) return additions(b, state, node.inputs[0]);
  if (node.op === transpose) {
    const inner = transposed(b, node.inputs[0], (node.attrs as TransposeAttrs).permutation);
    return inner ? additions(b, state, inner) : [whole];
  }
  if (node.op === scatterAdd && (node.attrs as ScatterAddAttrs).batch === 0) {
    const [values, index] = node.inputs;
    const of = { state, mode: "add", rows: (node.attrs as ScatterAddAttrs).size } as const;
    if (shapeOf(index).length === 0) return [{ ...of, at: index, value: values }];
    if (shapeOf(index).length > 1) return [whole];
    const row = (v: Value, k: number): Value => b.gather(v, b.constant(k, "int"));
    if (isRun(index)) return [{ ...of, at: row(index, 0), value: values }];
    const [count] = shapeOf(index);
    if (count > FEW) return [whole];
    return Array.from({ length: count }, (_, k) => ({ ...of, at: row(index, k), value: row(values, k) }));
  }
  if (node.op === assemble) {
    const { axis, offsets } = node.attrs as AssembleAttrs;
    const shape = shapeOf(ct);
    if (shape.slice(0, axis).some((n) => n !== 1)) return [whole];
    return node.inputs.flatMap((piece, i) => within(b, shape, axis, offsets[i], additions(b, state, piece), piece));
  }
  return [whole];
}

/** The transpose of a sum as the sum of transposes, that of pieces as transposed pieces; null where the value is neither. */
function transposed(b: Builder, { node }: Value, permutation: readonly number[]): Value | null {
  const turned = (x: Value): Value => b.transpose(x, permutation);
  if (node.op === add && String(shapeOf(node.inputs[0])) === String(shapeOf(node.inputs[1])))
    return b.add(turned(node.inputs[0]), turned(node.inputs[1]));
  if (node.op !== assemble) return null;
  const { axis, offsets, size } = node.attrs as AssembleAttrs;
  return b.assemble(node.inputs.map(turned), permutation.indexOf(axis), offsets, size);
}

/** Additions to a piece as additions to the state in which it lies, if their rows count both. */
function within(
  b: Builder,
  shape: readonly number[],
  axis: number,
  offset: number,
  parts: readonly WrittenState[],
  piece: Value,
): WrittenState[] {
  const row = sizeOf(shape.slice(axis + 1));
  return parts.map((part) => {
    const width = sizeOf(shapeOf(piece)) / part.rows;
    const [from, rows] = [(offset * row) / width, sizeOf(shape) / width];
    if (part.at === undefined || !Number.isInteger(from) || !Number.isInteger(rows))
      return { ...part, rows: shape[axis], at: b.constant(offset, "int"), value: padded(b, part, piece) };
    return { ...part, rows, at: b.add(part.at, b.constant(from, "int")) };
  });
}

/** The whole of what an addition adds to. */
function padded(b: Builder, { at, rows, value }: WrittenState, like: Value): Value {
  if (at === undefined) return value;
  const width = sizeOf(shapeOf(like)) / rows;
  const table = b.reshape(value, [sizeOf(shapeOf(value)) / width, width]);
  const [count] = shapeOf(table);
  return b.reshape(b.scatterAdd(table, b.add(at, b.iota([count], 0)), rows), shapeOf(like));
}

/** s + (0, 1, 2, …) */
function isRun(index: Value): boolean {
  const rises = (values: ArrayLike<number>): boolean => Array.from(values).every((v, i, all) => i === 0 || v === all[i - 1] + 1);
  const known = constantOf(index);
  if (known !== null) return rises(known);
  const { op, inputs } = index.node;
  if (op !== add) return false;
  const [steps, start] = constantOf(inputs[0]) !== null ? inputs : [inputs[1], inputs[0]];
  const values = constantOf(steps);
  return values !== null && shapeOf(steps).length === 1 && rises(values) && sizeOf(shapeOf(start)) === 1;
}
