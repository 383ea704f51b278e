// The programs of annealing: one that puts chains where they begin, one that moves them at a temperature.
import type { Backend, Executable } from "../../runtime/backend.ts";
import { UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Rowed, takeRows } from "../../runtime/ir/rows.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { exp } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Axis, Target } from "../../runtime/target.ts";
import type { Family } from "./approximation.ts";
import { hmc, pathScale, signs, stateAt } from "./hmc-rows.ts";
import { Noise } from "./noise.ts";
import { coordinatesAt, localLatents, placeOf, type RowDensity, rowDensity, rowGuide, rowPrior } from "./rows-density.ts";
import { type Fitted, FittedInputs } from "./rows-weights.ts";

export interface MoveOptions {
  readonly from: "guide" | "prior";
  /** Leapfrog steps of the transition at each. */
  readonly leapfrog: number;
  readonly jitter: number;
}
export interface Runner {
  /** A transition at an inverse temperature; returns each chain's probability of acceptance. */
  move(beta: number, logStep: Float64Array): Promise<Float64Array>;
  /** log p - log q of each chain where it is. */
  difference(): Float64Array;
}
export interface StepProgram {
  readonly executable: Executable;
  runner(indices: Int32Array, rng: Rng): Runner;
  dispose(): void;
}
const KEPT = ["position", "log p", "log q", "gradient p", "gradient q"] as const;

/** One transition at a temperature. Everything of a chain is resident. */
export async function stepProgram(
  target: Target,
  fitted: Fitted,
  wide: number,
  { from, leapfrog, jitter }: MoveOptions,
  prior: Float64Array | undefined,
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
  const step = b.input("step", { shape: [wide, 1], dtype: "real" });
  const [position, logP, logQ, gradientP, gradientQ] = kept;
  const density = {
    parts: (u: Value) => [p.at(indices, u), q.at(indices, u)],
    weights: [beta, b.sub(b.constant(1), beta)],
  };
  const end = hmc(
    b,
    density,
    { position, parts: [logP, logQ], gradients: [gradientP, gradientQ] },
    step,
    scaleAt(b, beta, scale, prior && b.tensor(prior, [prior.length])),
    noise,
    { transitions: 1, leapfrog, jitter },
  );
  const next = [end.position, ...end.parts, ...end.gradients];
  const outputs = [end.acceptance, b.sub(end.parts[0], end.parts[1])];
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
  return {
    executable,
    runner(at, rng) {
      const fill = noise.filler(executable);
      executable.inputs.rows.set(at);
      const { beta: inverse, step: size } = executable.inputs;
      return {
        async move(to, logStep) {
          inverse[0] = to;
          for (let i = 0; i < wide; i++) size[i] = exp(logStep[i]);
          fill(rng);
          executable.run();
          await executable.finished();
          return executable.outputs[0];
        },
        difference: () => executable.outputs[1],
      };
    },
    dispose: () => executable.dispose(),
  };
}

/** Steps are in units of the scale of q, or of what a normal q and a normal prior have at this temperature, if that is less: a q that is far too
 *  wide is no measure of what the posterior is like. */
function scaleAt(b: Builder, beta: Value, q: Value, prior: Value | undefined): Value {
  if (!prior) return q;
  const one = b.constant(1);
  const precision = b.add(b.div(b.sub(one, beta), b.square(q)), b.div(beta, b.square(prior)));
  return b.min(q, b.div(one, b.sqrt(precision)));
}

/** Draws of the prior that find its scales. */
const PRIOR_DRAWS = 5;

/** Deviation of each coordinate of a row under the prior, over rows and draws; undefined where it cannot be drawn from. */
export async function priorScales(target: Target, fitted: Fitted, rng: Rng): Promise<Float64Array | undefined> {
  const local = localLatents(target);
  if ("refusal" in local) return undefined;
  const fixed = target.fix(fitted.parameters);
  const { width, plate, slots } = local;
  const sum = new Float64Array(width);
  const squares = new Float64Array(width);
  for (let d = 0; d < PRIOR_DRAWS; d++) {
    const drawn = await fixed.simulatePrior(rng);
    if ("refusal" in drawn) return undefined;
    slots.forEach(({ offset, size }, slot) => {
      for (let n = 0; n < plate.size; n++)
        for (let k = 0; k < size; k++) {
          const x = drawn.position[placeOf(local, slot, n, k)];
          sum[offset + k] += x;
          squares[offset + k] += x * x;
        }
    });
  }
  const count = PRIOR_DRAWS * plate.size;
  const scales = sum.map((s, i) => Math.sqrt(Math.max(0, squares[i] / count - (s / count) * (s / count))));
  return scales.every((s) => s > 0 && s < Number.POSITIVE_INFINITY) ? scales : undefined;
}

/** Returns log p - log q where the chains begin. */
export type Starter = ((indices: Int32Array, rng: Rng, step: StepProgram) => Promise<Float64Array>) & { dispose(): void };

/** Puts chains where they begin: draws of the guide, with its scales; or of the prior. */
export async function startProgram(
  target: Target,
  family: Family | undefined,
  fitted: Fitted,
  plate: Axis,
  wide: number,
  { from }: MoveOptions,
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
  const begin = async (at: Int32Array, rng: Rng, step: StepProgram): Promise<Float64Array> => {
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
    return logP.map((x, i) => x - logQ[i]);
  };
  return Object.assign(begin, { dispose: () => executable.dispose() });
}

/** log p(x, z) and log q(z), or the prior. */
function densitiesOf(
  b: Builder,
  target: Target,
  inputs: FittedInputs,
  from: MoveOptions["from"],
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
    // Which of its row's chains each is. Rows are independent under the prior, so that one draw of it serves a chain of every row.
    const seen = new Map<number, number>();
    const chains = rows.map((n) => {
      const own = seen.get(n) ?? 0;
      seen.set(n, own + 1);
      return own;
    });
    const most = Math.max(0, ...seen.values());
    for (let chain = 0; chain < most; chain++) {
      const drawn = await target.simulatePrior(rng.split(`${chain}`));
      if ("refusal" in drawn) throw new UsageError(drawn.refusal);
      for (const [i, n] of rows.entries())
        if (chains[i] === chain)
          local.slots.forEach(({ offset, size }, slot) => {
            for (let k = 0; k < size; k++) out[i * width + offset + k] = drawn.position[placeOf(local, slot, n, k)];
          });
    }
    return out;
  };
}
