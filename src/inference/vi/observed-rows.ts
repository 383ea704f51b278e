// Rows of a plate as the model sees them: their data, what it expects there given latents, and the latents. What pictures are made of.
import type { Backend } from "../../runtime/backend.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, dtypeOf, type InputAttrs, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import { moveAxis } from "../../runtime/ir/primitives/axes.ts";
import { type Rowed, takeRows } from "../../runtime/ir/rows.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { type Numbers, type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Assignment, Axis, Observation, Target } from "../../runtime/target.ts";
import type { Family } from "./approximation.ts";
import { Noise } from "./noise.ts";
import { type Fitted, FittedInputs } from "./rows-weights.ts";

/** Values of rows, one after the other; `shape`: of one row. */
export interface RowValues {
  readonly name: string;
  readonly shape: Shape;
  readonly values: Float64Array;
}
export interface ObservedRows {
  readonly data: readonly RowValues[];
  /** By site, where the mean has a closed form. */
  readonly means: readonly RowValues[];
  readonly latents: readonly RowValues[];
}
export interface RowsContext {
  readonly backend: Backend;
  breathe(): Promise<void>;
}

/** Rows of one program. */
const ROWS_AT_ONCE = 100;

/** A program to be, with what was fitted as its residents. */
function programOf(target: Target, family: Family | undefined, fitted: Fitted): Pick<Parts, "b" | "inputs"> {
  const b = createBuilder();
  return { b, inputs: new FittedInputs(b, target, family, fitted) };
}

/** At one draw of the guide for each row: reconstructions. */
export async function rowsByGuide(
  target: Target,
  family: Family,
  fitted: Fitted,
  plate: Axis,
  rows: Int32Array,
  rng: Rng,
  context: RowsContext,
): Promise<ObservedRows> {
  const { b, inputs } = programOf(target, family, fitted);
  const noise = new Noise(b);
  const drawn = family.draw(b, noise, { target: inputs.target, family: inputs.family }, { parameters: inputs.target });
  const wide = Math.min(ROWS_AT_ONCE, rows.length);
  const seen = observed(b, target, inputs, drawn.values, plate);
  const own = noise.forRows(plate.name, wide);
  return run({ b, inputs, given: [], seen, drawn: { noise, rng }, own }, rows, wide, context);
}

/** At given constrained values of all latents, whole: images of the prior's draws. */
export async function rowsAt(
  target: Target,
  fitted: Fitted,
  latents: Readonly<Record<string, Float64Array>>,
  plate: Axis,
  rows: Int32Array,
  context: RowsContext,
): Promise<ObservedRows> {
  const { b, inputs } = programOf(target, undefined, fitted);
  // Inputs, not constants: what depends on constants alone would be computed for all rows.
  const given = target.sites
    .filter((s) => s.role === "latent")
    .map((s) => ({ name: s.name, input: b.input(`latent ${s.name}`, s.type) }));
  const seen = observed(b, target, inputs, Object.fromEntries(given.map((g) => [g.name, g.input])), plate);
  const filled = given.map(({ name, input }) => ({ input, values: latents[name] }));
  const parts = { b, inputs, given: filled, seen, own: new Map<Value, Rowed>() };
  return run(parts, rows, Math.min(ROWS_AT_ONCE, rows.length), context);
}

/** Constrained values of all latents at a draw of the prior, or why there is none. */
export async function priorValues(
  target: Target,
  rng: Rng,
): Promise<{ readonly values: Readonly<Record<string, Float64Array>> } | { readonly refusal: string }> {
  const drawn = await target.simulatePrior(rng);
  if ("refusal" in drawn) return drawn;
  const b = createBuilder();
  const { values } = target.constrain(b, b.tensor(drawn.position, [drawn.position.length]));
  const names = Object.keys(values);
  const numbers = interpret(
    names.map((name) => values[name]),
    {},
  );
  return { values: Object.fromEntries(names.map((name, i) => [name, numbers[i]])) };
}

interface Seen {
  readonly kind: "data" | "mean" | "latent";
  readonly name: string;
  /** Rows first. */
  readonly root: Value;
}

function observed(b: Builder, target: Target, inputs: FittedInputs, values: Assignment, plate: Axis): Seen[] {
  const first = (v: Value, axis: number): Value => (axis === 0 ? v : moveAxis(b, v, axis, 0));
  const placed = (o: Observation): number => o.axes.findIndex((a) => a.name === plate.name);
  const rowed = target.observations(b, values, { parameters: inputs.target }).filter((o) => placed(o) >= 0);
  const latents = target.sites.flatMap((s): Seen[] => {
    const axis = s.plates.findIndex((a) => a.name === plate.name);
    if (s.role !== "latent" || axis < 0 || values[s.name] === undefined) return [];
    return [{ kind: "latent", name: s.name, root: first(b.cast(values[s.name], "real"), axis) }];
  });
  return [
    ...rowed.map((o): Seen => ({ kind: "data", name: o.site, root: first(o.value, placed(o)) })),
    ...rowed.flatMap((o): Seen[] => (o.mean ? [{ kind: "mean", name: o.site, root: first(o.mean, placed(o)) }] : [])),
    ...latents,
  ];
}

interface Parts {
  readonly b: Builder;
  readonly inputs: FittedInputs;
  /** Whole values that stay. */
  readonly given: readonly { readonly input: Value; readonly values: Float64Array }[];
  readonly seen: readonly Seen[];
  /** Noise that is filled anew for each slice of rows. */
  readonly drawn?: { readonly noise: Noise; readonly rng: Rng };
  readonly own: ReadonlyMap<Value, Rowed>;
}

async function run(
  { b, inputs, given, seen, drawn, own }: Parts,
  rows: Int32Array,
  wide: number,
  context: RowsContext,
): Promise<ObservedRows> {
  const indices = b.input("rows", { shape: [wide], dtype: "int" });
  const outputs = takeRows(
    b,
    seen.map(({ root }) => ({ value: root, axis: 0 })),
    indices,
    own,
  );
  const residents = [...inputs.residents, ...given.map((g) => g.input)];
  const program = simplify(b, {
    inputs: [...residents, indices, ...(drawn?.noise.inputsOf(outputs) ?? [])],
    residents,
    outputs,
    updates: [],
  });
  const executable = await context.backend.compile(program);
  try {
    inputs.write(executable);
    for (const { input, values } of given) executable.write((input.node.attrs as InputAttrs).name, narrowed(input, values));
    const fill = drawn?.noise.filler(executable);
    const at = executable.inputs[(indices.node.attrs as InputAttrs).name];
    const found = seen.map(({ root }) => {
      const shape = shapeOf(root).slice(1);
      return { shape, values: new Float64Array(rows.length * sizeOf(shape)) };
    });
    for (let begin = 0; begin < rows.length; begin += wide) {
      // The last slice goes back over rows that have been, so that all are of one size.
      const from = Math.min(begin, rows.length - wide);
      at.set(rows.subarray(from, from + wide));
      if (drawn) fill?.(drawn.rng);
      executable.run();
      await executable.finished();
      found.forEach(({ shape, values }, i) => {
        values.set(executable.outputs[i], from * sizeOf(shape));
      });
      await context.breathe();
    }
    const of = (kind: Seen["kind"]): RowValues[] =>
      seen.flatMap((s, i) => (s.kind === kind ? [{ name: s.name, ...found[i] }] : []));
    return { data: of("data"), means: of("mean"), latents: of("latent") };
  } finally {
    executable.dispose();
  }
}

/** As a resident of the type takes it. */
function narrowed(input: Value, values: Float64Array): Numbers {
  const dtype = dtypeOf(input);
  return dtype === "real" ? values : dtype === "int" ? Int32Array.from(values) : Uint8Array.from(values);
}
