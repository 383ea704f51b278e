// Steps that follow one another: a body repeated over arrays that it reads and writes. Recurrences, forward recursions over hidden states and
// solvers of differential equations are made of it; loops whose turns do not wait for one another are not, they are batches.
import { InternalError, ShapeError } from "../../errors.ts";
import { createBuilder } from "../builder.ts";
import { type Builder, type Node, shapeOf, typeOf, type Value } from "../graph.ts";
import { interpret } from "../interpret.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { hosted } from "../primitives/tensor-rules.ts";
import { formatType, int, type Numbers, real, sizeOf } from "../type.ts";
import { type Body, instantiate, type Table } from "./body.ts";
import { loopGradient } from "./gradient.ts";
import { makeLoop, type WrittenState } from "./make.ts";

/** Inputs: the states as they begin, then what else the body reads. Results: the states as they end. Parameters of the body: states, ordinals
 *  (int), the rest. */
export interface LoopAttrs {
  /** At most; in groups of `group` steps, of which each may stop early. */
  readonly steps: number;
  readonly group: number;
  readonly states: number;
  /** What the ordinals are, a number a step. */
  readonly tables: readonly Table[];
  readonly body: Body;
  /** What happens at the end of a step, when everything has been read, one after the other; places are counted in rows of the state seen as
   *  [rows, …]. A value of several rows fills as many. */
  readonly writes: readonly LoopWrite[];
  /** No step reads what it writes, or writes what it has read: the one may be done before the other. */
  readonly apart: boolean;
  /** Of the body's results the one that says that no step of this group follows. */
  readonly stop: number | null;
}
export interface LoopWrite {
  readonly state: number;
  readonly mode: "set" | "add";
  readonly rows: number;
  /** The whole state; a row that an ordinal names; or one that a result of the body names (int). */
  readonly at: null | { readonly ordinal: number } | { readonly result: number };
  /** Which of the body's results is written. */
  readonly value: number;
}

export const loop: Primitive<LoopAttrs> = {
  name: "loop",
  type(inputs, attrs) {
    const { body, writes, tables, states: count } = attrs;
    const states = inputs.slice(0, count);
    const given = [...states, ...tables.map(() => int([])), ...inputs.slice(count)];
    if (given.length !== body.params.length)
      throw new ShapeError(`loop: ${given.length} arguments for a body of ${body.params.length} parameters`);
    for (const { values } of tables)
      if (values.length !== attrs.steps) throw new ShapeError(`loop: ${values.length} numbers for ${attrs.steps} steps`);
    given.forEach((t, i) => {
      if (formatType(typeOf(body.params[i])) !== formatType(t))
        throw new ShapeError(`loop: ${formatType(t)} for a parameter ${formatType(typeOf(body.params[i]))}`);
    });
    for (const t of states) if (t.dtype !== "real") throw new ShapeError("loop: a state is real");
    for (const { state, rows, at, value } of writes) {
      const [size, written] = [sizeOf(states[state].shape), sizeOf(shapeOf(body.results[value]))];
      const row = size / rows;
      if (at === null ? written !== size : !Number.isInteger(row) || written > size || (size > 0 && written % row !== 0))
        throw new ShapeError(`loop: ${written} elements written into ${size} of ${rows} rows`);
    }
    return states.map((t) => real(t.shape));
  },
  gradient: (b, cts, node, mayVanish) => loopGradient(b, cts, node, mayVanish),
  batch: (b, inputs, batched, attrs) => batchLoop(b, inputs, batched, attrs),
  interpret(inputs, node) {
    const { attrs } = node as Node<LoopAttrs>;
    const { body, steps, group, tables } = attrs;
    const [states, frees] = [inputs.slice(0, attrs.states), inputs.slice(attrs.states)];
    const ends = states.map((s) => Float64Array.from(s));
    const fixed: Record<string, Numbers> = Object.fromEntries(frees.map((f, i) => [`p${attrs.states + tables.length + i}`, f]));
    for (let step = 0; step < steps; step++) {
      const given = { ...fixed };
      ends.forEach((s, i) => {
        given[`p${i}`] = s.slice();
      });
      tables.forEach(({ values }, i) => {
        given[`p${attrs.states + i}`] = Float64Array.of(values[step]);
      });
      const results = interpret(body.results, given);
      for (const { state, mode, rows, at, value } of attrs.writes) {
        const end = ends[state];
        const place = at === null ? 0 : "ordinal" in at ? tables[at.ordinal].values[step] : results[at.result][0];
        const from = place * (end.length / rows);
        const written = results[value];
        if (at !== null && !(from >= 0 && from + written.length <= end.length))
          throw new InternalError(`row ${place} is outside a state of ${rows} rows`);
        for (let k = 0; k < written.length; k++) end[from + k] = written[k] + (mode === "add" ? end[from + k] : 0);
      }
      if (attrs.stop !== null && results[attrs.stop][0] !== 0) step += group - 1 - (step % group);
    }
    return ends;
  },
  wasm: { kind: "loop" },
  tfjs: hosted,
  // Rules inside are guarded; products of matrices among them count on finite inputs.
  finiteDerivative: "of finite inputs",
  zeroCotangents: true,
  get probes() {
    return (probes ??= makeProbes());
  },
};

/** Copies follow one another: what each reads of the states is its part of them. */
function batchLoop(b: Builder, inputs: readonly Value[], batched: readonly boolean[], attrs: LoopAttrs): readonly Value[] {
  const copies = shapeOf(inputs[batched.indexOf(true)])[0];
  const { steps, body, tables } = attrs;
  const over = (each: (copy: number, step: number) => number): Int32Array =>
    Int32Array.from({ length: copies * steps }, (_, i) => each(Math.floor(i / steps), i % steps));
  const own = tables.map(({ values }) => over((_, step) => values[step]));
  /** Places of the writes, counted over all copies. */
  const places = attrs.writes.flatMap(({ rows, at }) =>
    at !== null && "ordinal" in at ? [over((copy, step) => copy * rows + tables[at.ordinal].values[step])] : [],
  );
  const states = inputs
    .slice(0, attrs.states)
    .map((v, i) => (batched[i] ? v : b.broadcastTo(b.reshape(v, [1, ...shapeOf(v)]), [copies, ...shapeOf(v)])));
  return makeLoop(b, {
    steps: copies * steps,
    group: attrs.group,
    apart: attrs.apart,
    states,
    ordinals: [over((copy) => copy), ...own, ...places],
    body({ states: all, ordinals: [copy, ...rest] }) {
      const part = (v: Value): Value => b.gather(v, copy);
      const frees = inputs.slice(attrs.states).map((f, i) => (batched[attrs.states + i] ? part(f) : f));
      const results = instantiate(b, body, [...all.map(part), ...rest.slice(0, tables.length), ...frees]);
      let next = tables.length;
      const writes = attrs.writes.map(({ state, mode, rows, at, value }): WrittenState => {
        const of = { state, mode, value: results[value] };
        if (at === null) return { ...of, rows: copies, at: copy };
        const among = { ...of, rows: rows * copies };
        if ("ordinal" in at) return { ...among, at: rest[next++] };
        return { ...among, at: b.add(b.mul(copy, b.constant(rows, "int")), results[at.result]) };
      });
      return { writes, ...(attrs.stop === null ? {} : { stop: results[attrs.stop] }) };
    },
  });
}

/** Built when first asked for: bodies need a builder. */
let probes: readonly Probe<LoopAttrs>[] | undefined;
function makeProbes(): readonly Probe<LoopAttrs>[] {
  const b = createBuilder();
  const probeOf = ([{ node }]: readonly Value[], given: Readonly<Record<string, Float64Array>>): Probe<LoopAttrs> => ({
    inputs: node.inputs.map((v) => ({
      type: typeOf(v),
      values: Array.from(interpret([v], given)[0]),
    })),
    attrs: node.attrs as LoopAttrs,
  });
  const row = (...values: number[]): Float64Array => Float64Array.from(values);
  const x = b.input("x", real([5]));
  const a = b.input("a", real([]));
  const y = b.input("y", real([3]));
  // x[t] = a x[t-1] + sin(x[t-2]) y[t], of which the first two are given
  const recurrence = makeLoop(b, {
    steps: 3,
    apart: true,
    states: [x],
    ordinals: [Int32Array.of(2, 3, 4)],
    body({ states: [h], ordinals: [t] }) {
      const back = (k: number): Value => b.gather(h, b.sub(t, b.constant(k, "int")));
      const noise = b.gather(y, b.sub(t, b.constant(2, "int")));
      return {
        writes: [{ state: 0, mode: "set", rows: 5, at: t, value: b.add(b.mul(a, back(1)), b.mul(b.sin(back(2)), noise)) }],
      };
    },
  });
  // Two states, rows that are vectors, steps that count down, a window of rows, one state read by the other.
  const u = b.input("u", real([4, 2]));
  const v = b.input("v", real([4]));
  const w = b.input("w", real([2, 2]));
  const coupled = makeLoop(b, {
    steps: 3,
    states: [u, v],
    ordinals: [Int32Array.of(2, 1, 0)],
    body({ states: [h, g], ordinals: [t] }) {
      const next = b.add(t, b.constant(1, "int"));
      const row = b.gather(h, next);
      return {
        writes: [
          { state: 0, mode: "set", rows: 4, at: t, value: b.tanh(b.add(b.matmul(w, row), b.gather(g, next))) },
          { state: 1, mode: "set", rows: 4, at: t, value: b.sum(b.mul(row, b.gather(w, b.constant(1, "int")))) },
        ],
      };
    },
  });
  return [
    probeOf(recurrence, { x: row(0.3, -0.8, 9, 9, 9), a: row(0.7), y: row(1.3, -0.4, 0.9) }),
    probeOf(coupled, { u: row(9, 9, 9, 9, 9, 9, 0.4, -0.7), v: row(9, 9, 9, 0.3), w: row(0.6, -0.2, 0.35, 0.8) }),
  ];
}
