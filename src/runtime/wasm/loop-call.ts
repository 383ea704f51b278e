// Code of a loop: the states begin as copies of their operands; each step calls the body, then writes what it gave.

import { InternalError } from "../errors.ts";
import { type Node, shapeOf, type Value } from "../ir/graph.ts";
import type { LoopAttrs, LoopWrite } from "../ir/loop/loop.ts";
import { sizeOf } from "../ir/type.ts";
import type { ConstantMemory } from "./constants.ts";
import { generateFunction, generateLoop } from "./function.ts";
import { loopBody } from "./loop-body.ts";
import { type Home, type Layout, layOut } from "./memory.ts";
import { type FunctionBuilder, f64, f64x2, type I32, i32, type Local, type ModuleBuilder, v128 } from "./module.ts";
import type { Operand } from "./routines/index.ts";

const word = 8;
/** Elements up to which a value is moved one by one. */
const FEW = 8;

export function emitLoop(
  module: ModuleBuilder,
  f: FunctionBuilder,
  constants: ConstantMemory,
  call: {
    readonly node: Node;
    readonly inputs: readonly Operand[];
    readonly results: readonly Operand[];
    readonly scratch: number;
  },
): void {
  const { node, inputs, results, scratch } = call;
  const attrs = node.attrs as LoopAttrs;
  const body = loopBody(node);
  if (body === null) throw new InternalError("no loop");
  const homes = new Map(
    body.given.map(([v, place]) => {
      const { offset } = "state" in place ? results[place.state] : inputs[place.operand];
      return [v, { offset, element: "f64" } satisfies Home] as const;
    }),
  );
  const layout = layOut(body.program, body.fusion, scratch, homes);
  const { steps, group, stop } = attrs;
  for (let i = 0; i < attrs.states; i++) {
    const bytes = word * sizeOf(results[i].shape);
    if (bytes > 0) f.copy(i32.const(results[i].offset), i32.const(inputs[i].offset), i32.const(bytes));
  }
  const own = constants.ofAnotherGraph();
  if (body.kind === "direct") {
    const { step: variable } = body;
    generateLoop(module, f, own, body.fusion, layout, { variable, steps });
    return;
  }
  const step = module.function([], []);
  generateFunction(module, step, own, body.fusion, layout);
  const tables = attrs.tables.map(({ values }) => constants.integers(values));
  const turn = (t: I32): void => {
    const ordinals = tables.map((table, i) => {
      const value = f.let(i32.load(t, table.offset));
      f.store(i32.const(ordinalHome(layout, body.ordinals[i]).offset), value);
      return value;
    });
    f.invoke(step);
    // All are read before any is written: the value of one write may be the row that another one changes.
    for (const write of attrs.writes) emitWrite(f, write, layout, results[write.state], node, ordinals);
  };
  const entry = 4;
  if (stop === null) f.for(0, entry * steps, entry, turn);
  else
    f.for(0, entry * steps, entry * group, (start) => {
      const t = f.let(start);
      const end = f.let(i32.add(start, i32.const(entry * group)));
      f.loop((again) => {
        turn(t);
        f.set(t, i32.add(t, i32.const(entry)));
        const stops = f64.ne(f64.load(i32.const(0), layout.outputs[stop].offset), f64.const(0));
        again(i32.and(i32.lt(t, end), i32.eqz(stops)));
      });
    });
}

function ordinalHome(layout: Layout, ordinal: Value): Home {
  const home = layout.homes.get(ordinal);
  if (home === undefined || home.element !== "i32") throw new InternalError("an ordinal without a place");
  return home;
}

function emitWrite(
  f: FunctionBuilder,
  { mode, rows, at, value }: LoopWrite,
  layout: Layout,
  state: Operand,
  node: Node,
  ordinals: readonly Local<"i32">[],
): void {
  const { body } = node.attrs as LoopAttrs;
  const size = sizeOf(state.shape);
  const count = sizeOf(shapeOf(body.results[value]));
  if (count === 0) return;
  const from = layout.outputs[value].offset;
  const width = size / rows;
  let place: I32 = i32.const(0);
  if (at !== null) {
    const row =
      "ordinal" in at ? ordinals[at.ordinal] : f.let(i32.truncSat(f64.load(i32.const(0), layout.outputs[at.result].offset)));
    // Rows outside can have been made by nobody but us.
    f.if(i32.eqz(inside(row, rows - count / width)), () => f.unreachable());
    place = f.let(i32.mul(row, i32.const(word * width)));
  }
  if (mode === "set" && count > FEW) {
    f.copy(i32.add(place, i32.const(state.offset)), i32.const(from), i32.const(word * count));
    return;
  }
  const move = (to: I32, source: I32, k: number): void => {
    const own = f64.load(source, from + word * k);
    f.store(to, mode === "set" ? own : f64.add(f64.load(to, state.offset + word * k), own), state.offset + word * k);
  };
  if (count <= FEW) {
    for (let k = 0; k < count; k++) move(place, i32.const(0), k);
    return;
  }
  const pairs = count - (count % 2);
  f.for(0, word * pairs, 2 * word, (k) => {
    const to = f.let(i32.add(place, k));
    f.store(to, f64x2.add(v128.load(to, state.offset), v128.load(k, from)), state.offset);
  });
  if (count % 2 === 1) move(place, i32.const(0), count - 1);
}

/** 0 <= i <= most */
function inside(i: I32, most: number): I32 {
  return i32.and(i32.ge(i, i32.const(0)), i32.le(i, i32.const(most)));
}
