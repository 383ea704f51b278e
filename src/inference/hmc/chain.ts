// One chain of a Hamiltonian sampler: start, warm-up, draws, and the record of them.
import type { RawChain } from "../../runtime/draws.ts";
import type { LogDensity } from "../../runtime/target.ts";
import type { Result, RunContext } from "../engine.ts";
import { createHamiltonian, type Hamiltonian } from "./hamiltonian.ts";
import { createMetric, type MetricKind } from "./metric.ts";
import { createPhaseSpace, type Point } from "./phase.ts";
import { findStart } from "./start.ts";
import type { Kernel } from "./tree.ts";
import { createWarmup, type WarmupOptions } from "./warmup.ts";

export interface ChainOptions extends WarmupOptions {
  readonly draws: number;
  readonly thin: number;
  readonly saveWarmup: boolean;
  readonly metric: MetricKind;
  /** Of the starting region, unconstrained. */
  readonly radius: number;
  /** Each step size is drawn from (1 ± jitter) times the adapted one. */
  readonly jitter: number;
}

/** How many divergences are kept for blame. */
const KEPT_DIVERGENCES = 10;
const FLAT = "the log density is flat: it stays the same however far one steps, so the posterior is improper";

export function* runHamiltonianChain(
  density: LogDensity,
  options: ChainOptions,
  context: RunContext,
  kernelSize: { readonly points: number; readonly vectors: number },
  createKernel: (hamiltonian: Hamiltonian, start: Point) => Kernel,
): Generator<undefined, Result, undefined> {
  const { rng } = context;
  const { dimension } = density;
  // Beside those of the kernel: the start, one to seek the step size with, and the metric.
  const space = createPhaseSpace(dimension, {
    points: kernelSize.points + 2,
    vectors: kernelSize.vectors + 1,
    matrices: options.metric === "dense" ? 1 : 0,
  });
  const hamiltonian = createHamiltonian(density, space, createMetric(options.metric, space));
  const start = space.createPoint();
  const failure = findStart(hamiltonian, start, options.radius, rng.split("start"), context.start);
  if (failure !== undefined) return { failure, verdicts: [], traces: {} };

  const kernel = createKernel(hamiltonian, start);
  const { transition } = kernel;
  const began = context.now();
  const warmup = createWarmup(hamiltonian, start, options, rng);
  if (warmup.isFlat) return { failure: { reason: FLAT, position: start.position.slice() }, verdicts: [], traces: {} };
  const recorder = (draws: number) => createRecorder(dimension, Math.ceil(draws / options.thin), kernel);
  const warmupDraws = recorder(options.saveWarmup ? options.warmup : 0);
  const draws = recorder(options.draws);
  // Those of the warm-up, which do not count, are written over: V8 throws optimised code away when a branch is first taken later than that.
  const divergedAt = [start.position.slice()];
  let divergences = 0;
  const total = options.warmup + options.draws;
  let ended = began;
  let interrupted = false;

  for (let iteration = 0; iteration < total; iteration++) {
    if (context.stop()) {
      interrupted = true;
      break;
    }
    const warming = iteration < options.warmup;
    const adapted = warmup.stepSize;
    const stepSize = options.jitter === 0 ? adapted : adapted * (1 + options.jitter * (2 * rng.uniform() - 1));
    kernel.step(stepSize, rng, adapted);
    const { point } = transition;
    if (transition.divergedAt !== null && divergences < KEPT_DIVERGENCES)
      divergedAt[divergences] = transition.divergedAt.position.slice();
    divergences += transition.divergent && !warming ? 1 : 0;
    const record = warming ? warmupDraws : draws;
    const index = warming ? iteration : iteration - options.warmup;
    if (index % options.thin === 0 && (!warming || options.saveWarmup)) record.add(stepSize);
    if (warming) {
      warmup.learn(iteration, point, transition.acceptance, transition.moved);
      if (iteration === options.warmup - 1) {
        warmup.finish();
        ended = context.now();
      }
    }
    context.progress({
      chain: context.chain,
      phase: warming ? "warmup" : "sampling",
      done: iteration + 1,
      total,
      divergences,
      stepSize,
    });
    yield;
  }
  const now = context.now();
  if (draws.count === 0) ended = now;
  const chain: RawChain = {
    chain: context.chain,
    dimension,
    draws: draws.count,
    positions: draws.positions(draws.count),
    stats: draws.stats(draws.count),
    warmup: options.saveWarmup
      ? {
          draws: warmupDraws.count,
          positions: warmupDraws.positions(warmupDraws.count),
          stats: warmupDraws.stats(warmupDraws.count),
        }
      : undefined,
    adaptation: { stepSize: warmup.stepSize, metric: options.metric, inverseMetric: hamiltonian.metric.inverse() },
    seconds: { warmup: (ended - began) / 1000, sampling: (now - ended) / 1000 },
    evaluations: hamiltonian.evaluations,
    interrupted,
    divergences: divergedAt.slice(0, divergences),
  };
  return { chain, verdicts: [], traces: {} };
}

/** Columns as in Stan's files: lp, accept_stat, stepsize, those of the kernel, divergent, energy. */
function createRecorder(dimension: number, capacity: number, kernel: Kernel) {
  const { transition, columns } = kernel;
  const positions = new Float64Array(capacity * dimension);
  const column = () => new Float64Array(capacity);
  const [lp, accept, step, divergent, energy] = [column(), column(), column(), column(), column()];
  const own = columns.map(column);
  const whole = (all: Float64Array, length: number) => (all.length === length ? all : all.slice(0, length));
  return {
    count: 0,
    add(stepSize: number) {
      const row = this.count++;
      const { point } = transition;
      positions.set(point.position, row * dimension);
      lp[row] = point.logDensity;
      accept[row] = transition.acceptance;
      step[row] = stepSize;
      for (let i = 0; i < own.length; i++) own[i][row] = columns[i].of(transition, stepSize);
      divergent[row] = transition.divergent ? 1 : 0;
      energy[row] = point.energy;
    },
    positions: (count: number) => whole(positions, count * dimension),
    stats: (count: number): Readonly<Record<string, Float64Array>> => ({
      lp: whole(lp, count),
      accept_stat: whole(accept, count),
      stepsize: whole(step, count),
      ...Object.fromEntries(columns.map(({ name }, i) => [name, whole(own[i], count)])),
      divergent: whole(divergent, count),
      energy: whole(energy, count),
    }),
  };
}
