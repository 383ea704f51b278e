// The body of a loop as a program of its own, fused once: its size is asked for before its place is known.
import type { Program } from "../backend.ts";
import { createBuilder } from "../ir/builder.ts";
import { type Builder, type Node, typeOf, type Value } from "../ir/graph.ts";
import { instantiate } from "../ir/loop/body.ts";
import type { LoopAttrs } from "../ir/loop/loop.ts";
import { type Fusion, fuseResults, fuseStep, type StateWrite } from "./fuse.ts";
import type { AxisVariable } from "./indices.ts";
import { prepare } from "./prepare.ts";

/** `direct`: what a step gives goes into the states at once, and its ordinals are made from the number of the step. Else the results are
 *  kept until everything has been read, and ordinals are put where the body finds them. */
export type LoopBody =
  | {
      readonly kind: "direct";
      readonly program: Program;
      readonly fusion: Fusion;
      readonly given: Given;
      readonly step: AxisVariable;
    }
  | {
      readonly kind: "kept";
      readonly program: Program;
      readonly fusion: Fusion;
      readonly given: Given;
      readonly ordinals: readonly Value[];
    };
/** Inputs that lie where the states (the results of the loop) and its other operands do. */
type Given = readonly (readonly [input: Value, place: { readonly state: number } | { readonly operand: number }])[];

const bodies = new WeakMap<Node, LoopBody>();

/** null where the node is no loop. */
export function loopBody(node: Node): LoopBody | null {
  if (typeof node.op === "string" || node.op.wasm.kind !== "loop") return null;
  let made = bodies.get(node);
  if (made === undefined) {
    const attrs = node.attrs as LoopAttrs;
    bodies.set(node, (made = attrs.apart && attrs.stop === null ? direct(attrs) : kept(attrs)));
  }
  return made;
}

function kept({ body, states, tables }: LoopAttrs): LoopBody {
  const program = prepare({ inputs: body.params, outputs: body.results, updates: [] });
  const ordinals = program.inputs.slice(states, states + tables.length);
  const others = program.inputs.filter((_, i) => i < states || i >= states + tables.length);
  return { kind: "kept", program, fusion: fuseResults(program), ordinals, given: others.map((v, i) => [v, placeOf(i, states)]) };
}
const placeOf = (i: number, states: number): Given[number][1] => (i < states ? { state: i } : { operand: i });

function direct({ body, states, tables, writes, steps }: LoopAttrs): LoopBody {
  const b = createBuilder();
  const own = body.params.flatMap((p, i) => (i >= states && i < states + tables.length ? [] : [b.input(`p${i}`, typeOf(p))]));
  const step = b.input("step", { shape: [], dtype: "int" });
  const ordinals = tables.map(({ values }) => ordinalOf(b, step, values));
  const results = instantiate(b, body, [...own.slice(0, states), ...ordinals, ...own.slice(states)]);
  const places = writes.map(({ at }) => (at === null ? null : "ordinal" in at ? ordinals[at.ordinal] : results[at.result]));
  const outputs = [...writes.map((w) => results[w.value]), ...places.filter((p) => p !== null)];
  const program = prepare({ inputs: [...own, step], outputs, updates: [] });
  let next = writes.length;
  const stateWrites = writes.map(({ state, mode, rows }, i): StateWrite => {
    const place = places[i] === null ? null : program.outputs[next++];
    return { state: program.inputs[state], mode, rows, value: program.outputs[i], place };
  });
  const counter = program.inputs[own.length];
  const { step: around, ...fusion } = fuseStep(program, stateWrites, { value: counter, steps });
  const given = program.inputs.slice(0, own.length).map((v, i) => [v, placeOf(i, states)] as const);
  return {
    kind: "direct",
    program: { inputs: program.inputs.slice(0, own.length), outputs: [], updates: [] },
    fusion,
    given,
    step: around.variable,
  };
}

/** Numbers that rise or fall evenly are computed, others looked up. */
function ordinalOf(b: Builder, step: Value, values: Int32Array): Value {
  const slope = values.length > 1 ? values[1] - values[0] : 0;
  const even = values.every((v, i) => v === values[0] + slope * i);
  if (!even) return b.gather(b.tensor(values, [values.length], "int"), step);
  return b.add(b.mul(step, b.constant(slope, "int")), b.constant(values[0], "int"));
}
