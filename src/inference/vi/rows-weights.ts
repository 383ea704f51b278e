// Log weights log p(x_n, z_n) - log q(z_n) of single rows of a plate, draw by draw: what judges an amortised fit, and bounds log p(x_n).
import type { Backend, Executable } from "../../runtime/backend.ts";
import { InternalError } from "../../runtime/errors.ts";
import { vectorize } from "../../runtime/ir/batch.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, type InputAttrs, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Rowed, takeRows } from "../../runtime/ir/rows.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Assignment, Axis, Target, Term } from "../../runtime/target.ts";
import type { Family } from "./approximation.ts";
import { Noise } from "./noise.ts";

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
const ROWS_AT_ONCE = 100;
const DRAWS_AT_ONCE = 20;

/** Log weights of `draws` draws of each of the rows: rows x draws. What is drawn for no row, global latents, is drawn once for all of them:
 *  the weights of a row are conditional on it. */
export async function rowWeights(
  target: Target,
  family: Family,
  fitted: Fitted,
  plate: Axis,
  rows: Int32Array,
  draws: number,
  rng: Rng,
  context: { readonly backend: Backend; stop(): boolean; breathe(): Promise<void> },
): Promise<Float64Array> {
  const wide = Math.min(ROWS_AT_ONCE, rows.length);
  const deep = Math.min(DRAWS_AT_ONCE, draws);
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, family, fitted);
  const indices = b.input("rows", { shape: [wide], dtype: "int" });
  const setting = { parameters: inputs.target };
  const drawn = family.draw(b, noise, { target: inputs.target, family: inputs.family }, setting);
  const reverse = target.guide?.reverse(b, drawn.values, setting) ?? [];
  const p = [...target.terms(b, drawn.values, setting), ...drawn.jacobian, ...reverse];
  const q = drawn.logQ({ target: inputs.target, family: inputs.family });
  const own = noise.forRows(plate.name, wide);
  const one = b.sub(atRows(b, p, plate, indices, own), atRows(b, q, plate, indices, own));
  const { values, batched } = vectorize(b, [one], noise.forCopies(deep, [one], plate.name), deep);
  if (!batched[0]) throw new InternalError(`the rows of ${plate.name} have no draws of their own`);
  const outputs = values;
  const program = simplify(b, {
    inputs: [...inputs.residents, indices, ...noise.inputsOf(outputs)],
    residents: inputs.residents,
    outputs,
    updates: [],
  });
  const executable = await context.backend.compile(program);
  try {
    inputs.write(executable);
    const fill = noise.filler(executable, (axes) => axes.some((a) => a.name === plate.name));
    const shared = noise.filler(executable, (axes) => !axes.some((a) => a.name === plate.name));
    shared(rng.split("shared"));
    const stream = rng.split("rows");
    const at = executable.inputs.rows;
    const out = new Float64Array(rows.length * draws).fill(Number.NaN);
    for (let first = 0; first < rows.length; first += wide) {
      // The last slice goes back over rows that have been, so that all are of one size; likewise of draws.
      const from = Math.min(first, rows.length - wide);
      at.set(rows.subarray(from, from + wide));
      for (let d = 0; d < draws && !context.stop(); d += deep) {
        fill(stream);
        executable.run();
        await executable.finished();
        const [w] = executable.outputs;
        const begin = Math.min(d, draws - deep);
        for (let k = 0; k < deep; k++) for (let n = 0; n < wide; n++) out[(from + n) * draws + begin + k] = w[k * wide + n];
        await context.breathe();
      }
    }
    return out;
  } finally {
    executable.dispose();
  }
}
