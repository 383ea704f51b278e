// Annealed importance sampling (Neal 2001) of many rows side by side: log p(x_n) by chains from q, or the prior, to the posterior of each row.
import type { Backend, Executable } from "../../runtime/backend.ts";
import { UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Rowed, takeRows } from "../../runtime/ir/rows.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { exp, log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Axis, Target } from "../../runtime/target.ts";
import { logSumExp } from "../diagnostics/psis.ts";
import type { Family } from "./approximation.ts";
import { hmc, pathScale, signs, stateAt } from "./hmc-rows.ts";
import { Noise } from "./noise.ts";
import { coordinatesAt, placeOf, type RowDensity, rowDensity, rowGuide, rowPrior } from "./rows-density.ts";
import { type Fitted, FittedInputs, type RowContext } from "./rows-weights.ts";

export interface AisOptions {
  readonly from: "guide" | "prior";
  /** Chains of each row. */
  readonly chains: number;
  /** Temperatures after the first. */
  readonly temperatures: number;
  /** Leapfrog steps of the transition at each. */
  readonly leapfrog: number;
  readonly jitter: number;
  readonly targetAccept: number;
}
export interface AisResult {
  /** Log weights: rows x chains; NaN of rows that were not reached. */
  readonly weights: Float64Array;
  /** Mean probability of acceptance at each temperature, and the step that was found for it. */
  readonly acceptance: Float64Array;
  readonly steps: Float64Array;
}

/** Chains of one program at a time. */
const CHAINS_AT_ONCE = 400;
/** Transitions at the first temperature that find its step. */
const FIRST_TRANSITIONS = 20;
const FIRST_STEP = 0.5;

/** Steps are found by a run over the first rows whose chains are then forgotten: adapted in the same run they would bias the weights. */
export async function annealRows(
  target: Target,
  family: Family | undefined,
  fitted: Fitted,
  plate: Axis,
  rows: Int32Array,
  options: AisOptions,
  rng: Rng,
  context: RowContext,
): Promise<AisResult> {
  const { chains, temperatures } = options;
  // A chain each: row 0 several times, then row 1, …
  const all = Int32Array.from({ length: rows.length * chains }, (_, i) => rows[Math.floor(i / chains)]);
  const wide = Math.min(CHAINS_AT_ONCE, all.length);
  const start = await startProgram(target, family, fitted, plate, wide, options, context.backend);
  const step = await stepProgram(target, fitted, wide, options, context.backend);
  const beta = temperaturesOf(temperatures);
  const logStep = new Float64Array(temperatures + 1);
  const acceptance = new Float64Array(temperatures);
  const weights = new Float64Array(all.length).fill(Number.NaN);
  try {
    const batches = Math.ceil(all.length / wide);
    for (let batch = -1; batch < batches && !context.stop(); batch++) {
      const isPilot = batch < 0;
      const stream = rng.split(isPilot ? "steps" : `rows ${batch}`);
      // The last one goes back over chains that have been, so that all are of one size.
      const from = Math.min(Math.max(0, batch) * wide, all.length - wide);
      const indices = all.subarray(from, from + wide);
      await start(indices, stream.split("start"), step);
      const run = step.runner(indices, stream.split("moves"));
      if (isPilot) await findFirstStep(run, logStep, options.targetAccept);
      let difference = run.difference();
      const sum = new Float64Array(wide);
      for (let t = 1; t <= temperatures && !context.stop(); t++) {
        for (let i = 0; i < wide; i++) sum[i] += (beta[t] - beta[t - 1]) * difference[i];
        // At the last temperature nothing is left to weigh; a move there would be for nothing.
        if (t < temperatures) {
          const accepted = await run.move(beta[t], exp(isPilot ? logStep[t - 1] : logStep[t]));
          if (isPilot) logStep[t] = logStep[t - 1] + PILOT_GAIN * (accepted - options.targetAccept);
          else acceptance[t - 1] += accepted / batches;
          difference = run.difference();
        }
        context.progress?.((batch + 1) * temperatures + t, (batches + 1) * temperatures);
        await context.breathe();
      }
      if (!isPilot && !context.stop()) weights.set(sum, from);
    }
    return { weights, acceptance: acceptance.subarray(0, temperatures - 1), steps: logStep.slice(1, temperatures).map(exp) };
  } finally {
    start.dispose();
    step.dispose();
  }
}
const PILOT_GAIN = 0.2;

/** Estimates of log p(x_n) from below, and their relative errors, of log weights rows x draws. */
export function logMeans(
  weights: Float64Array,
  rows: number,
): { readonly estimates: Float64Array; readonly errors: Float64Array } {
  const each = weights.length / rows;
  const estimates = new Float64Array(rows);
  const errors = new Float64Array(rows);
  for (let n = 0; n < rows; n++) {
    const w = weights.subarray(n * each, (n + 1) * each);
    const total = logSumExp(w);
    estimates[n] = total - log(each);
    let squares = 0;
    for (const x of w) squares += exp(2 * (x - total));
    errors[n] = Math.sqrt(Math.max(0, (each * squares - 1) / Math.max(1, each - 1)));
  }
  return { estimates, errors };
}

/** Inverse temperatures 0 … 1, closer together at both ends: a sigmoid over ± 4 (Wu, Burda, Salakhutdinov and Grosse 2017). */
export function temperaturesOf(count: number): Float64Array {
  const sigmoid = (t: number): number => 1 / (1 + exp(-4 * ((2 * t) / count - 1)));
  const [low, high] = [sigmoid(0), sigmoid(count)];
  return Float64Array.from({ length: count + 1 }, (_, t) => (sigmoid(t) - low) / (high - low));
}

async function findFirstStep(run: Runner, logStep: Float64Array, wanted: number): Promise<void> {
  logStep[0] = log(FIRST_STEP);
  for (let t = 0; t < FIRST_TRANSITIONS; t++) logStep[0] += (2 / (1 + t / 4)) * ((await run.move(0, exp(logStep[0]))) - wanted);
}

interface Runner {
  /** A transition at an inverse temperature; returns the mean acceptance. */
  move(beta: number, step: number): Promise<number>;
  /** log p - log q of each chain where it is. */
  difference(): Float64Array;
}
interface StepProgram {
  readonly executable: Executable;
  runner(indices: Int32Array, rng: Rng): Runner;
  /** log p - log q where the chains begin. */
  begin(difference: Float64Array): void;
  dispose(): void;
}
const KEPT = ["position", "log p", "log q", "gradient p", "gradient q"] as const;

/** One transition at a temperature. Everything of a chain is resident. */
async function stepProgram(
  target: Target,
  fitted: Fitted,
  wide: number,
  { from, leapfrog, jitter }: AisOptions,
  backend: Backend,
): Promise<StepProgram> {
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, undefined, fitted);
  const [p, q] = densitiesOf(b, target, inputs, from);
  const indices = b.input("rows", { shape: [wide], dtype: "int" });
  const matrix = { shape: [wide, p.local.width], dtype: "real" } as const;
  const vector = { shape: [wide], dtype: "real" } as const;
  const kept = KEPT.map((name) => b.input(name, name.startsWith("log") ? vector : matrix));
  const scale = b.input("scale", matrix);
  const beta = b.input("beta", { shape: [], dtype: "real" });
  const step = b.input("step", { shape: [], dtype: "real" });
  const [position, logP, logQ, gradientP, gradientQ] = kept;
  const density = {
    parts: (u: Value) => [p.at(indices, u), q.at(indices, u)],
    weights: [beta, b.sub(b.constant(1), beta)],
  };
  const end = hmc(b, density, { position, parts: [logP, logQ], gradients: [gradientP, gradientQ] }, step, scale, noise, {
    transitions: 1,
    leapfrog,
    jitter,
  });
  const next = [end.position, ...end.parts, ...end.gradients];
  const outputs = [b.div(b.sum(end.acceptance), b.constant(wide)), b.sub(end.parts[0], end.parts[1])];
  const updates = kept.map((k, i): [Value, Value] => [k, next[i]]);
  const residents = [...inputs.residents, ...kept, scale];
  const roots = [...outputs, ...next];
  const program = simplify(b, {
    inputs: [...residents, indices, beta, step, ...noise.inputsOf(roots)],
    residents,
    outputs,
    updates,
  });
  const executable = await backend.compile(program);
  inputs.write(executable);
  let difference: Float64Array = new Float64Array(wide);
  return {
    executable,
    begin(first) {
      difference = first;
    },
    runner(at, rng) {
      const fill = noise.filler(executable);
      executable.inputs.rows.set(at);
      return {
        async move(inverse, size) {
          executable.inputs.beta[0] = inverse;
          executable.inputs.step[0] = size;
          fill(rng);
          executable.run();
          await executable.finished();
          difference = executable.outputs[1].slice();
          return executable.outputs[0][0];
        },
        difference: () => difference,
      };
    },
    dispose: () => executable.dispose(),
  };
}

type Starter = ((indices: Int32Array, rng: Rng, step: StepProgram) => Promise<void>) & { dispose(): void };

/** Puts chains where they begin: draws of the guide, with its scales; or of the prior. */
async function startProgram(
  target: Target,
  family: Family | undefined,
  fitted: Fitted,
  plate: Axis,
  wide: number,
  { from }: AisOptions,
  backend: Backend,
): Promise<Starter> {
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, family, fitted);
  const [p, q] = densitiesOf(b, target, inputs, from);
  const indices = b.input("rows", { shape: [wide], dtype: "int" });
  const { position, scale } =
    from === "guide" ? guideStart(b, noise, target, family, inputs, p, plate, indices) : priorStart(b, p, wide);
  const parts = { parts: (u: Value) => [p.at(indices, u), q.at(indices, u)] };
  const state = stateAt(b, parts, position);
  const outputs = [state.position, ...state.parts, ...state.gradients, scale];
  const given = from === "prior" ? [position] : [];
  const executable = await backend.compile(
    simplify(b, {
      inputs: [...inputs.residents, indices, ...given, ...noise.inputsOf(outputs)],
      residents: inputs.residents,
      outputs,
      updates: [],
    }),
  );
  inputs.write(executable);
  const fill = noise.filler(executable);
  const prior = from === "prior" ? priorDraws(target.fix(fitted.parameters), p) : undefined;
  const begin = async (at: Int32Array, rng: Rng, step: StepProgram): Promise<void> => {
    executable.inputs.rows.set(at);
    fill(rng);
    if (prior) executable.inputs.position.set(await prior(at, rng));
    executable.run();
    await executable.finished();
    KEPT.forEach((name, i) => {
      step.executable.write(name, executable.outputs[i]);
    });
    step.executable.write("scale", executable.outputs[KEPT.length]);
    const [, logP, logQ] = executable.outputs;
    step.begin(logP.map((x, i) => x - logQ[i]));
  };
  return Object.assign(begin, { dispose: () => executable.dispose() });
}

/** log p(x, z) and log q(z), or the prior. */
function densitiesOf(
  b: Builder,
  target: Target,
  inputs: FittedInputs,
  from: AisOptions["from"],
): readonly [RowDensity, RowDensity] {
  const setting = { parameters: inputs.target };
  const p = rowDensity(b, target, setting);
  if ("refusal" in p) throw new UsageError(`annealing runs chains of single rows: ${p.refusal}`);
  const { guide } = target;
  if (from === "guide" && (!guide || guide.rest || guide.sites.some((s) => s.role === "aux")))
    throw new UsageError(
      `annealing from the guide needs one that names all latents and no auxiliaries, which ${target.name} has not: anneal from the prior`,
    );
  const q = from === "guide" ? rowGuide(b, target, setting) : rowPrior(b, target, setting);
  if ("refusal" in q) throw new UsageError(`annealing: ${q.refusal}`);
  return [p, q];
}

function guideStart(
  b: Builder,
  noise: Noise,
  target: Target,
  family: Family | undefined,
  inputs: FittedInputs,
  { local }: RowDensity,
  plate: Axis,
  indices: Value,
): { readonly position: Value; readonly scale: Value } {
  if (!family) throw new UsageError(`${target.name} has no guide to anneal from`);
  const setting = { parameters: inputs.target };
  const { values } = family.draw(b, noise, { target: inputs.target, family: inputs.family }, setting);
  const own = noise.forRows(plate.name, shapeOf(indices)[0]);
  const take = (all: readonly Rowed[]) => takeRows(b, all, indices, own);
  const position = coordinatesAt(b, target, local, values, take, setting);
  if ("refusal" in position) throw new UsageError(`${position.refusal}; or anneal from the prior`);
  const paths = noise.inputsOf([position]);
  const directions = paths.map((input) => signs(b, noise.noise("uniform", shapeOf(input), [])));
  const scale = paths.length === 0 ? b.broadcastTo(b.constant(1), shapeOf(position)) : pathScale(b, position, paths, directions);
  return { position, scale };
}

function priorStart(b: Builder, { local }: RowDensity, wide: number): { readonly position: Value; readonly scale: Value } {
  const shape = [wide, local.width];
  return { position: b.input("position", { shape, dtype: "real" }), scale: b.broadcastTo(b.constant(1), shape) };
}

/** Coordinates of rows out of draws of the whole prior. */
function priorDraws(target: Target, { local }: RowDensity): (rows: Int32Array, rng: Rng) => Promise<Float64Array> {
  const { width } = local;
  return async (rows, rng) => {
    const out = new Float64Array(rows.length * width);
    const seen = new Map<number, number>();
    let drawn: Float64Array = new Float64Array(0);
    let chain = -1;
    for (const [i, n] of rows.entries()) {
      // Another draw for each further chain of a row.
      const own = seen.get(n) ?? 0;
      seen.set(n, own + 1);
      if (own !== chain) {
        const made = await target.simulatePrior(rng.split(`${own} ${i}`));
        if ("refusal" in made) throw new UsageError(made.refusal);
        drawn = made.position;
        chain = own;
      }
      local.slots.forEach(({ offset, size }, slot) => {
        for (let k = 0; k < size; k++) out[i * width + offset + k] = drawn[placeOf(local, slot, n, k)];
      });
    }
    return out;
  };
}
