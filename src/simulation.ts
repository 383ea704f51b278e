// A model read forwards: joint draws of latents, observed variables, quantities and predictions, and the data sets that they are.
import { type Simulator, simulator } from "./dsl/compile/simulation.ts";
import { dataFromValues } from "./dsl/data/from-javascript.ts";
import type { DataSet, DataValue } from "./dsl/data/value.ts";
import { type GivenParameters, parameterValues, tensorsOf } from "./given-parameters.ts";
import { type SummaryRow, summarizeIndependent } from "./inference/report/summary.ts";
import { summaryTable } from "./inference/report/text.ts";
import { breather, LARGEST_SEED } from "./inference/run.ts";
import { type Model, ModelError, type StartValues } from "./model.ts";
import type { Draws } from "./runtime/draws.ts";
import { UsageError } from "./runtime/errors.ts";
import { type Shape, sizeOf } from "./runtime/ir/type.ts";
import { stream } from "./runtime/numeric/random.ts";
import type { Column } from "./runtime/target.ts";

export interface SimulateOptions {
  /** Number of joint draws; default 1. */
  readonly draws?: number;
  /** Determines every bit: draw i is the same however many there are. Default: drawn, and kept in the simulation. */
  readonly seed?: number;
  /** Values of the model's consts. */
  readonly set?: Readonly<Record<string, number>>;
  /** Constrained values of latents that are not drawn from their priors. */
  readonly latents?: StartValues;
  /** Params and networks as a run has learnt them: a fit, the folder of one, or values by name. */
  readonly params?: GivenParameters;
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops at the next draw; those that were made are kept. */
  readonly signal?: AbortSignal;
}

/** Joint draws, as many as were asked for. */
export class Simulation {
  /** Name of the model. */
  readonly model: string;
  readonly seed: number;
  /** Latents, quantities and predictions, then the observed variables. */
  readonly draws: Draws;
  /** Draws that fell outside of what a type allows, and were made again. */
  readonly again: number;
  readonly notes: readonly string[];
  readonly #from: Pick<Simulator, "data" | "sizes" | "missing">;
  #rows: SummaryRow[] | undefined;

  constructor(
    model: string,
    seed: number,
    draws: Draws,
    again: number,
    from: Pick<Simulator, "data" | "sizes" | "missing" | "notes">,
  ) {
    this.model = model;
    this.seed = seed;
    this.draws = draws;
    this.again = again;
    this.#from = from;
    const retried =
      again > 0
        ? [
            `${again} draws fell outside of what the types of the model allow, and were made again: its distributions reach beyond them`,
          ]
        : [];
    this.notes = [...from.notes, ...retried];
  }

  /** A complete data set, as `bind` takes it: what was given, and the drawn variables of one draw, with null where the data given had it. */
  data(draw = 0): Map<string, DataValue> {
    const { data, sizes, missing } = this.#from;
    const out = new Map<string, DataValue>();
    for (const [name, n] of sizes) out.set(name, { shape: [], values: Float64Array.of(n) });
    for (const [name, value] of data) out.set(name, value);
    for (const [name, value] of this.#values(draw, "observed")) {
      const absent = missing.get(name);
      out.set(
        name,
        absent ? { ...value, missing: absent, values: value.values.map((x, i) => (absent[i] ? Number.NaN : x)) } : value,
      );
    }
    return out;
  }

  /** The latents that the data of a draw were made with. */
  latents(draw = 0): Map<string, DataValue> {
    return this.#values(draw, "latent");
  }

  #values(draw: number, role: Column["role"]): Map<string, DataValue> {
    const { drawsPerChain, columns, values } = this.draws;
    if (!Number.isInteger(draw) || draw < 0 || draw >= drawsPerChain)
      throw new UsageError(`there is no draw ${draw}: they are numbered from 0 to ${drawsPerChain - 1}`);
    return new Map(
      columns
        .filter((c) => c.role === role)
        .map(({ name, shape, integer, defined }): [string, DataValue] => {
          const size = sizeOf(shape);
          const own = values[name].slice(draw * size, (draw + 1) * size);
          const there = defined && new Set(defined);
          const missing = there && Uint8Array.from(own, (_, i) => (there.has(i) ? 0 : 1));
          return [name, { shape, values: own, ...(integer ? {} : { firstReal: 0 }), ...(missing ? { missing } : {}) }];
        }),
    );
  }

  /** Statistics of every variable over the draws. */
  summary(): readonly SummaryRow[] {
    this.#rows ??= summarizeIndependent(this.draws, this.draws.drawsPerChain);
    return this.#rows;
  }

  /** The same as a table, of so many rows. */
  table(rows?: number): string {
    return summaryTable(this.summary(), rows, false);
  }
}

export async function simulate(
  model: Model,
  data: DataSet,
  { draws = 1, seed = 0, set = {}, latents = {}, params, onProgress, signal }: SimulateOptions,
): Promise<Simulation> {
  if (!Number.isInteger(draws) || draws < 1) throw new UsageError(`draws is a whole number from 1, not ${draws}`);
  if (!Number.isInteger(seed) || seed < 0 || seed > LARGEST_SEED)
    throw new UsageError(`seed is an integer from 0 to ${LARGEST_SEED}, not ${seed}`);
  const tensors = params === undefined ? undefined : await tensorsOf(params);
  const made = simulator(model.checked, data, {
    overrides: new Map(Object.entries(set)),
    latents: dataFromValues(latents),
    ...(tensors
      ? {
          parameters: (own, check) =>
            parameterValues(
              { name: model.name, parameters: own, unconstrainParameters: check },
              tensors.tensors.filter((t) => t.owner !== "guide"),
              tensors.from,
            ),
        }
      : {}),
  });
  if (!made.value) throw new ModelError(made.diagnostics, model.sources);
  return drawAll(model.name, made.value, { draws, seed, ...(onProgress ? { onProgress } : {}), ...(signal ? { signal } : {}) });
}

/** Numbers that are held at once: 4 GB. */
const MOST_NUMBERS = 1 << 29;

async function drawAll(
  model: string,
  from: Simulator,
  {
    draws,
    seed,
    onProgress,
    signal,
  }: Pick<SimulateOptions, "onProgress" | "signal"> & { readonly draws: number; readonly seed: number },
): Promise<Simulation> {
  const { columns } = from;
  if (columns.length === 0) throw new UsageError(`${model} has nothing to draw: no latent, no observed variable, no prediction`);
  const sizes = columns.map((c) => sizeOf(c.shape));
  const each = sizes.reduce((n, size) => n + size, 0);
  if (draws * each > MOST_NUMBERS)
    throw new UsageError(`${draws} draws of ${each} numbers are more than can be held: ask for fewer draws`);
  const kept = sizes.map((size) => new Float64Array(draws * size));
  const breathe = breather();
  let [done, again] = [0, 0];
  for (; done < draws && !signal?.aborted; done++) {
    const one = from.draw(stream(seed, `simulation ${done + 1}`));
    again += one.again;
    one.values.forEach((v, i) => {
      kept[i].set(v, done * sizes[i]);
    });
    onProgress?.(done + 1, draws);
    await breathe();
  }
  const values = Object.fromEntries(columns.map((c, i) => [c.name, kept[i].subarray(0, done * sizes[i])]));
  return new Simulation(model, seed, { chains: 1, drawsPerChain: done, columns, values, stats: {} }, again, from);
}

/** A data file: JSON as `ppl run --data` reads it. */
export function* dataText(data: ReadonlyMap<string, DataValue>): Generator<string, void, undefined> {
  let before = "{\n";
  for (const [name, { shape, values, missing, firstReal }] of data) {
    // "-0.0" would be read back as a real number, and no integer is.
    const number = (x: number): string => (firstReal === undefined ? String(x === 0 ? 0 : x) : numberText(x));
    const entry = (i: number): string => (missing?.[i] ? "null" : number(values[i]));
    yield `${before}  ${JSON.stringify(name)}: ${nestedText(entry, shape, 0)}`;
    before = ",\n";
  }
  yield before === "{\n" ? "{}\n" : "\n}\n";
}

function nestedText(entry: (i: number) => string, [length, ...rest]: Shape, from: number): string {
  if (length === undefined) return entry(from);
  const size = sizeOf(rest);
  return `[${Array.from({ length }, (_, i) => nestedText(entry, rest, from + i * size)).join(", ")}]`;
}

/** The shortest text that is read back as the same number. */
const numberText = (x: number): string => (Object.is(x, -0) ? "-0.0" : String(x));
