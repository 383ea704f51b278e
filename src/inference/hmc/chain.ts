// One chain of a Hamiltonian sampler: start, warm-up, draws, and the record of them.
import type { RawChain } from "../../runtime/draws.ts";
import type { LogDensity } from "../../runtime/target.ts";
import type { Result, RunContext } from "../engine.ts";
import { createHamiltonian, type Hamiltonian } from "./hamiltonian.ts";
import { createMetric, type MetricKind } from "./metric.ts";
import { createPhaseSpace, type Point } from "./phase.ts";
import { findStart } from "./start.ts";
import type { Kernel, Transition } from "./tree.ts";
import { createWarmup, type Warmup, type WarmupOptions } from "./warmup.ts";

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

/** A matrix of 2 GB, of which a chain has three. */
const LARGEST_DENSE = 16_384;
const tooDense = (dimension: number): string =>
  `a dense metric has ${dimension} × ${dimension} numbers, more than a chain has room for; take --metric diag`;

export function* runHamiltonianChain(
  density: LogDensity,
  options: ChainOptions,
  context: RunContext,
  kernelSize: { readonly points: number; readonly vectors: number },
  createKernel: (hamiltonian: Hamiltonian, start: Point) => Kernel,
): Generator<undefined, Result, undefined> {
  if (options.metric === "dense" && density.dimension > LARGEST_DENSE)
    return { failure: { reason: tooDense(density.dimension) }, verdicts: [], traces: {} };
  const { rng } = context;
  // Beside those of the kernel: the start, one to seek the step size with, and the metric.
  const space = createPhaseSpace(density.dimension, {
    points: kernelSize.points + 2,
    vectors: kernelSize.vectors + 1,
    matrices: options.metric === "dense" ? 1 : 0,
  });
  const metric = createMetric(options.metric, space);
  const { inverseMetric } = context.start ?? {};
  if (inverseMetric && inverseMetric.length === metric.inverse().length) metric.update(inverseMetric);
  const hamiltonian = createHamiltonian(density, space, metric);
  const start = space.createPoint();
  const failure = findStart(hamiltonian, start, options.radius, rng.split("start"), context.start);
  if (failure !== undefined) return { failure, verdicts: [], traces: {} };

  const kernel = createKernel(hamiltonian, start);
  const began = context.now();
  const warmup = createWarmup(hamiltonian, start, options, rng);
  // No position: no term is to blame for a density that is finite.
  if (warmup.isFlat) return { failure: { reason: FLAT }, verdicts: [], traces: {} };
  const chain = new Chain(options, context, kernel, warmup, began);
  let interrupted = false;
  while (chain.iteration < chain.total) {
    if (context.stop()) {
      interrupted = true;
      break;
    }
    chain.advance();
    yield;
  }
  return { chain: chain.result(hamiltonian, interrupted), verdicts: [], traces: {} };
}

/** What the transitions of one chain leave behind. */
class Chain {
  readonly total: number;
  iteration = 0;
  private readonly options: ChainOptions;
  private readonly context: RunContext;
  private readonly kernel: Kernel;
  private readonly warmup: Warmup;
  private readonly warmupDraws: Recorder;
  private readonly draws: Recorder;
  private readonly divergedAt: Float64Array[];
  private divergences = 0;
  private readonly began: number;
  /** The end of the warm-up. */
  private ended: number;

  constructor(options: ChainOptions, context: RunContext, kernel: Kernel, warmup: Warmup, began: number) {
    this.total = options.warmup + options.draws;
    this.options = options;
    this.context = context;
    this.kernel = kernel;
    this.warmup = warmup;
    const recorder = (draws: number) => new Recorder(Math.ceil(draws / options.thin), kernel);
    this.warmupDraws = recorder(options.saveWarmup ? options.warmup : 0);
    this.draws = recorder(options.draws);
    // Those of the warm-up, which do not count, are written over: V8 throws optimised code away when a branch is first taken later than that.
    this.divergedAt = [kernel.transition.point.position.slice()];
    this.began = began;
    this.ended = began;
  }

  /** One transition, recorded and learnt from. */
  advance(): void {
    const { options, context, kernel, warmup } = this;
    const { transition } = kernel;
    const iteration = this.iteration++;
    const warming = iteration < options.warmup;
    const adapted = warmup.stepSize;
    const stepSize = options.jitter === 0 ? adapted : adapted * (1 + options.jitter * (2 * context.rng.uniform() - 1));
    kernel.step(stepSize, context.rng, adapted);
    if (transition.divergedAt !== null && this.divergences < KEPT_DIVERGENCES)
      this.divergedAt[this.divergences] = transition.divergedAt.position.slice();
    this.divergences += transition.divergent && !warming ? 1 : 0;
    const index = warming ? iteration : iteration - options.warmup;
    if (index % options.thin === 0 && (!warming || options.saveWarmup))
      (warming ? this.warmupDraws : this.draws).add(transition, stepSize);
    if (warming) this.learn(iteration, transition);
    context.progress({
      chain: context.chain,
      phase: warming ? "warmup" : "sampling",
      done: iteration + 1,
      total: this.total,
      divergences: this.divergences,
      stepSize,
    });
  }

  private learn(iteration: number, { point, acceptance, moved }: Transition): void {
    this.warmup.learn(iteration, point, acceptance, moved);
    if (iteration < this.options.warmup - 1) return;
    this.warmup.finish();
    this.ended = this.context.now();
  }

  result({ metric, evaluations }: Hamiltonian, interrupted: boolean): RawChain {
    const { options, context, draws, warmupDraws } = this;
    const now = context.now();
    const ended = draws.count === 0 ? now : this.ended;
    return {
      chain: context.chain,
      dimension: this.kernel.transition.point.position.length,
      draws: draws.count,
      positions: draws.positions(),
      stats: draws.stats(),
      warmup: options.saveWarmup
        ? { draws: warmupDraws.count, positions: warmupDraws.positions(), stats: warmupDraws.stats() }
        : undefined,
      adaptation: { stepSize: this.warmup.stepSize, metric: options.metric, inverseMetric: metric.inverse() },
      seconds: { warmup: (ended - this.began) / 1000, sampling: (now - ended) / 1000 },
      evaluations,
      interrupted,
      divergences: this.divergedAt.slice(0, this.divergences),
    };
  }
}

/** Columns as in Stan's files: lp, accept_stat, stepsize, those of the kernel, divergent, energy. */
class Recorder {
  count = 0;
  private readonly dimension: number;
  private readonly all: Float64Array;
  private readonly columns: Kernel["columns"];
  private readonly own: readonly Float64Array[];
  private readonly lp: Float64Array;
  private readonly accept: Float64Array;
  private readonly step: Float64Array;
  private readonly divergent: Float64Array;
  private readonly energy: Float64Array;

  constructor(capacity: number, { transition, columns }: Kernel) {
    const column = () => new Float64Array(capacity);
    this.dimension = transition.point.position.length;
    this.all = new Float64Array(capacity * this.dimension);
    this.columns = columns;
    this.own = columns.map(column);
    this.lp = column();
    this.accept = column();
    this.step = column();
    this.divergent = column();
    this.energy = column();
  }

  add(transition: Transition, stepSize: number): void {
    const row = this.count++;
    const { point } = transition;
    this.all.set(point.position, row * this.dimension);
    this.lp[row] = point.logDensity;
    this.accept[row] = transition.acceptance;
    this.step[row] = stepSize;
    const { own, columns } = this;
    for (let i = 0; i < own.length; i++) own[i][row] = columns[i].of(transition, stepSize);
    this.divergent[row] = transition.divergent ? 1 : 0;
    this.energy[row] = point.energy;
  }

  positions(): Float64Array {
    return whole(this.all, this.count * this.dimension);
  }

  stats(): Readonly<Record<string, Float64Array>> {
    const { count, own } = this;
    return {
      lp: whole(this.lp, count),
      accept_stat: whole(this.accept, count),
      stepsize: whole(this.step, count),
      ...Object.fromEntries(this.columns.map(({ name }, i) => [name, whole(own[i], count)])),
      divergent: whole(this.divergent, count),
      energy: whole(this.energy, count),
    };
  }
}

const whole = (all: Float64Array, length: number): Float64Array => (all.length === length ? all : all.slice(0, length));
