// Log weights log p(x_n, z_n) - log q(z_n) of single rows of a plate, draw by draw: what judges an amortised fit, and bounds log p(x_n).
import type { Backend, Executable } from "../../runtime/backend.ts";
import { UsageError } from "../../runtime/errors.ts";
import { vectorize } from "../../runtime/ir/batch.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, type InputAttrs, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { moveAxis } from "../../runtime/ir/primitives/axes.ts";
import { type Rowed, takeRows } from "../../runtime/ir/rows.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Assignment, Axis, Target, Term } from "../../runtime/target.ts";
import type { Family } from "./approximation.ts";
import { Noise } from "./noise.ts";
import { readsAny, reverseTerms } from "./weights.ts";

type ByName = Readonly<Record<string, Float64Array>>;
/** Values at which rows are looked at: constrained ones of the target's parameters, and those of the family. */
export interface Fitted {
  readonly parameters: ByName;
  readonly family: ByName;
}

/** Parameters as residents of a program, by their names in it, to be written once. */
export class FittedInputs {
  readonly target: Assignment;
  readonly family: Assignment;
  readonly #entries: readonly { readonly input: Value; readonly values: Float64Array }[];

  constructor(b: Builder, target: Target, family: Family | undefined, fitted: Fitted) {
    const input = (name: string, shape: readonly number[], values: Float64Array) => ({
      input: b.input(name, { shape, dtype: "real" }),
      values,
    });
    const own = target.parameters.map((p) => input(`parameter ${p.name}`, p.shape, fitted.parameters[p.name]));
    const others = (family?.parameters ?? []).map((p) => input(`family ${p.name}`, p.shape, fitted.family[p.name]));
    this.target = Object.fromEntries(target.parameters.map((p, i) => [p.name, own[i].input]));
    this.family = Object.fromEntries((family?.parameters ?? []).map((p, i) => [p.name, others[i].input]));
    this.#entries = [...own, ...others];
  }
  get residents(): Value[] {
    return this.#entries.map((e) => e.input);
  }
  write(executable: Executable): void {
    for (const { input, values } of this.#entries) executable.write((input.node.attrs as InputAttrs).name, values);
  }
}

/** Sum of the terms of a plate in each of the rows at `indices`; `own`: what is at hand for these rows. */
export function atRows(b: Builder, terms: readonly Term[], plate: Axis, indices: Value, own: ReadonlyMap<Value, Rowed>): Value {
  const rows = shapeOf(indices)[0];
  const roots = terms.flatMap((t) => {
    const axis = t.axes.findIndex((a) => a.name === plate.name);
    if (axis < 0) return [];
    const others = shapeOf(t.value).flatMap((_, k) => (k === axis ? [] : [k]));
    return [{ value: others.length === 0 ? t.value : b.sum(t.value, others), axis: 0 }];
  });
  const taken = takeRows(b, roots, indices, own);
  return taken.reduce((sum, v) => b.add(sum, v), b.broadcastTo(b.constant(0), [rows]));
}

/** Rows of one program at a time, and draws: as many as keep it small. */
const ROWS_AT_ONCE = 50;
const DRAWS_AT_ONCE = 10;

export interface RowContext {
  readonly backend: Backend;
  stop(): boolean;
  breathe(): Promise<void>;
  /** Of all log weights, how many there are. */
  progress?(done: number, total: number): void;
}
/** Of one draw of one row: its place among the rows asked for, its log weight, and its latents, the constrained values of the row one after the
 *  other: `width` numbers from `at` on. */
export type RowVisit = (row: number, logWeight: number, latents: Float64Array, at: number, width: number) => void;

/** Visits `draws` draws of each of the rows. What is drawn for no row, global latents, is
 *  drawn once for all of them: the weights of a row are conditional on it. */
export async function visitRowWeights(
  target: Target,
  family: Family,
  fitted: Fitted,
  plate: Axis,
  rows: Int32Array,
  draws: number,
  rng: Rng,
  context: RowContext,
  visit: RowVisit,
): Promise<void> {
  const wide = Math.min(ROWS_AT_ONCE, rows.length);
  const deep = Math.min(DRAWS_AT_ONCE, draws);
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, family, fitted);
  const indices = b.input("rows", { shape: [wide], dtype: "int" });
  const setting = { parameters: inputs.target };
  const parameters = { target: inputs.target, family: inputs.family };
  const drawn = family.draw(b, noise, parameters, setting);
  const reverse = reverseTerms(b, target, drawn, setting);
  const p = [...target.terms(b, drawn.values, setting), ...drawn.jacobian, ...reverse];
  const q = drawn.logQ(parameters);
  const own = noise.forRows(plate.name, wide);
  const weight = b.sub(atRows(b, p, plate, indices, own), atRows(b, q, plate, indices, own));
  const whole = new Set([...own.keys()].map((v) => v.node));
  const common = [...p, ...q].filter((t) => !t.axes.some((a) => a.name === plate.name));
  if (readsAny(weight, whole) || common.some((t) => readsAny(t.value, whole)))
    throw new UsageError(
      `rows of ${plate.name} depend on latents of other rows, so that none has a weight, or a likelihood, of its own: importance weights and annealing of the whole are those of --engine importance and ais`,
    );
  const latents = latentsOf(b, target, drawn.values, plate, indices, own);
  const roots = [weight, latents];
  const { values, batched } = vectorize(b, roots, noise.forCopies(deep, roots, plate.name), deep);
  if (!batched[0]) throw new UsageError(`the guide draws nothing for rows of ${plate.name}`);
  const [, width] = shapeOf(latents);
  const outputs = [values[0], batched[1] ? values[1] : b.broadcastTo(values[1], [deep, wide, width])];
  const program = simplify(b, {
    inputs: [...inputs.residents, indices, ...noise.inputsOf(outputs)],
    residents: inputs.residents,
    outputs,
    updates: [],
  });
  const executable = await context.backend.compile(program);
  try {
    inputs.write(executable);
    const ofRows = (axes: readonly Axis[]): boolean => axes.some((a) => a.name === plate.name);
    const fill = noise.filler(executable, ofRows);
    noise.filler(executable, (axes) => !ofRows(axes))(rng.split("shared"));
    const stream = rng.split("rows");
    for (let first = 0; first < rows.length; first += wide) {
      // The last slice goes back over rows that have been, so that all are of one size; likewise of draws.
      const from = Math.min(first, rows.length - wide);
      executable.inputs.rows.set(rows.subarray(from, from + wide));
      for (let d = 0; d < draws && !context.stop(); d += deep) {
        fill(stream);
        executable.run();
        await executable.finished();
        const [w, z] = executable.outputs;
        const some = Math.min(deep, draws - d);
        for (let k = 0; k < some; k++)
          for (let n = first - from; n < wide; n++) visit(from + n, w[k * wide + n], z, (k * wide + n) * width, width);
        context.progress?.((first + wide) * draws - (draws - d - some) * wide, rows.length * draws);
        await context.breathe();
      }
    }
  } finally {
    executable.dispose();
  }
}

/** [rows, numbers of a row] of all latents that have the plate. */
function latentsOf(
  b: Builder,
  target: Target,
  values: Assignment,
  plate: Axis,
  indices: Value,
  own: ReadonlyMap<Value, Rowed>,
): Value {
  const [rows] = shapeOf(indices);
  const local = target.sites.flatMap((s): Rowed[] => {
    const axis = s.plates.findIndex((a) => a.name === plate.name);
    return s.role === "latent" && axis >= 0 && values[s.name] ? [{ value: b.cast(values[s.name], "real"), axis }] : [];
  });
  const parts = takeRows(b, local, indices, own).map((v, i) => {
    const front = moveAxis(b, v, local[i].axis, 0);
    return b.reshape(front, [rows, sizeOf(shapeOf(front)) / rows]);
  });
  return parts.length === 0 ? b.tensor(new Float64Array(0), [rows, 0]) : b.concat(parts, 1);
}

/** Log weights of `draws` draws of each of the rows: rows x draws; NaN of those that were not made. */
export async function rowWeights(
  target: Target,
  family: Family,
  fitted: Fitted,
  plate: Axis,
  rows: Int32Array,
  draws: number,
  rng: Rng,
  context: RowContext,
): Promise<Float64Array> {
  const out = new Float64Array(rows.length * draws).fill(Number.NaN);
  const count = new Int32Array(rows.length);
  await visitRowWeights(target, family, fitted, plate, rows, draws, rng, context, (row, w) => {
    out[row * draws + count[row]++] = w;
  });
  return out;
}
