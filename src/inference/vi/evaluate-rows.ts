// Marginal log-likelihoods log p(x_n) of single rows, of data that may be others than those of the fit, and how much of its latents a guide uses.
import { UsageError } from "../../runtime/errors.ts";
import { exp, log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Axis, Target } from "../../runtime/target.ts";
import { annealRows, logMeans } from "./ais-rows.ts";
import type { Family } from "./approximation.ts";
import { type Fitted, type RowContext, type RowVisit, visitRowWeights } from "./rows-weights.ts";

export interface RowEvaluationOptions {
  /** iwae: log of the mean of importance weights of draws of the guide. ais: annealing from the guide, or from the prior. */
  readonly estimator: "iwae" | "ais";
  /** iwae: draws of each row. */
  readonly samples: number;
  /** ais: chains of each row, temperatures, leapfrog steps at each. */
  readonly chains: number;
  readonly temperatures: number;
  readonly leapfrog: number;
  /** ais: absent, from the guide where there is one. */
  readonly from?: "guide" | "prior";
  /** 0-based; absent: all. */
  readonly rows?: Int32Array;
}
export const usualRowEvaluation: RowEvaluationOptions = {
  estimator: "iwae",
  samples: 5000,
  chains: 4,
  temperatures: 150,
  leapfrog: 5,
};

export interface RowEvaluation {
  readonly rows: Int32Array;
  /** Estimates of log p(x_n), in expectation not above it; NaN of rows that were not reached. */
  readonly logLikelihoods: Float64Array;
  /** Relative Monte Carlo error of each row's mean weight. */
  readonly errors: Float64Array;
  /** Over the rows that were reached, the standard error being that of a sample of rows; `monteCarlo` is the part of it that more draws remove. */
  readonly mean: number;
  readonly standardError: number;
  readonly monteCarlo: number;
  /** Of a model with a guide. */
  readonly activity?: Activity;
  /** ais: mean acceptance of each row; NaN of rows that were not reached. */
  readonly acceptance?: Float64Array;
}
/** A latent is active where the mean of its q varies over rows by more than 0.01 (Burda, Grosse and Salakhutdinov 2016, section 5.2). */
export interface Activity {
  readonly active: number;
  /** Cov_x(E_q z) of each number of a row's latents. */
  readonly variances: Float64Array;
}
const ACTIVE = 0.01;
/** Draws of q that find its mean where importance weights do not need more. */
const DRAWS_FOR_MEANS = 100;

/** Throws a UsageError for a model whose rows cannot be looked at one by one. */
export async function evaluateRows(
  model: { readonly target: Target; readonly fitted: Fitted; readonly family?: Family; readonly plate: Axis },
  given: Partial<RowEvaluationOptions>,
  rng: Rng,
  context: RowContext,
): Promise<RowEvaluation> {
  const { target, fitted, family, plate } = model;
  const options = { ...usualRowEvaluation, ...given };
  const rows = options.rows ?? Int32Array.from({ length: plate.size }, (_, n) => n);
  if (rows.length === 0) throw new UsageError(`there are no rows of ${plate.name} to evaluate`);
  if (options.estimator === "iwae") {
    if (!family)
      throw new UsageError(
        `${target.name} has no guide, whose draws importance weights are of: use --estimator ais, which then begins at the prior`,
      );
    const weights = new LogMeans(rows.length);
    const means = new Means(rows.length);
    const visit: RowVisit = (row, w, z, at, width) => {
      weights.add(row, w);
      means.add(row, z, at, width);
    };
    await visitRowWeights(target, family, fitted, plate, rows, options.samples, rng.split("weights"), context, visit);
    return { rows, ...summary(weights.estimates(), weights.errors()), activity: means.activity() };
  }
  const from = options.from ?? (family ? "guide" : "prior");
  const anneal = { ...options, from, jitter: JITTER, targetAccept: TARGET_ACCEPT };
  const { weights, acceptance } = await annealRows(target, family, fitted, plate, rows, anneal, rng.split("annealing"), context);
  const { estimates, errors } = logMeans(weights, rows.length);
  const activity =
    family && !context.stop() ? await activityOf({ ...model, family }, rows, rng.split("means"), context) : undefined;
  return { rows, ...summary(estimates, errors), ...(activity ? { activity } : {}), acceptance };
}
const JITTER = 0.25;
const TARGET_ACCEPT = 0.65;

/** How much of its latents the guide uses. */
export async function activityOf(
  {
    target,
    fitted,
    family,
    plate,
  }: { readonly target: Target; readonly fitted: Fitted; readonly family: Family; readonly plate: Axis },
  rows: Int32Array,
  rng: Rng,
  context: RowContext,
): Promise<Activity> {
  const means = new Means(rows.length);
  const quiet = { backend: context.backend, stop: context.stop, breathe: context.breathe };
  const visit: RowVisit = (row, _w, z, at, width) => means.add(row, z, at, width);
  await visitRowWeights(target, family, fitted, plate, rows, DRAWS_FOR_MEANS, rng, quiet, visit);
  return means.activity();
}

function summary(
  logLikelihoods: Float64Array,
  errors: Float64Array,
): Pick<RowEvaluation, "logLikelihoods" | "errors" | "mean" | "standardError" | "monteCarlo"> {
  const reached = [...logLikelihoods.keys()].filter((n) => !Number.isNaN(logLikelihoods[n]));
  const count = reached.length;
  const mean = reached.reduce((s, n) => s + logLikelihoods[n], 0) / count;
  const squares = reached.reduce((s, n) => s + (logLikelihoods[n] - mean) * (logLikelihoods[n] - mean), 0);
  const standardError = Math.sqrt(squares / Math.max(1, count - 1) / count);
  const monteCarlo = Math.sqrt(reached.reduce((s, n) => s + errors[n] * errors[n], 0)) / count;
  return { logLikelihoods, errors, mean, standardError, monteCarlo };
}

/** log of the mean of weights that come one by one, with the error of that mean, row by row. */
class LogMeans {
  readonly #top: Float64Array;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #count: Float64Array;
  constructor(rows: number) {
    this.#top = new Float64Array(rows).fill(Number.NEGATIVE_INFINITY);
    this.#sum = new Float64Array(rows);
    this.#squares = new Float64Array(rows);
    this.#count = new Float64Array(rows);
  }
  add(row: number, w: number): void {
    this.#count[row]++;
    // A weight that is no number counts as 0.
    if (!(w > Number.NEGATIVE_INFINITY)) return;
    if (w > this.#top[row]) {
      const shrink = exp(this.#top[row] - w);
      this.#sum[row] *= shrink;
      this.#squares[row] *= shrink * shrink;
      this.#top[row] = w;
    }
    const e = exp(w - this.#top[row]);
    this.#sum[row] += e;
    this.#squares[row] += e * e;
  }
  estimates(): Float64Array {
    return this.#sum.map((s, n) => (this.#count[n] === 0 ? Number.NaN : this.#top[n] + log(s / this.#count[n])));
  }
  /** Relative: of the mean of k weights √((mean square / square of the mean - 1) / (k - 1)). */
  errors(): Float64Array {
    return this.#sum.map((s, n) => {
      const k = this.#count[n];
      if (s === 0) return Number.POSITIVE_INFINITY;
      return Math.sqrt(Math.max(0, (k * this.#squares[n]) / (s * s) - 1) / Math.max(1, k - 1));
    });
  }
}

/** Means of draws, row by row, and their variance over rows. */
class Means {
  readonly #rows: number;
  #width = 0;
  #sum = new Float64Array(0);
  #squares = new Float64Array(0);
  readonly #count: Float64Array;
  constructor(rows: number) {
    this.#rows = rows;
    this.#count = new Float64Array(rows);
  }
  add(row: number, z: Float64Array, at: number, width: number): void {
    if (this.#width !== width) {
      this.#width = width;
      this.#sum = new Float64Array(this.#rows * width);
      this.#squares = new Float64Array(this.#rows * width);
    }
    this.#count[row]++;
    for (let k = 0; k < width; k++) {
      const x = z[at + k];
      this.#sum[row * width + k] += x;
      this.#squares[row * width + k] += x * x;
    }
  }
  /** The variance over rows of a mean of k draws is too large by the mean of the rows' own variances over k, which is taken off. */
  activity(): Activity {
    const reached = [...this.#count.keys()].filter((n) => this.#count[n] > 1);
    const variances = Float64Array.from({ length: this.#width }, (_, k) => {
      const at = (n: number): number => n * this.#width + k;
      const means = reached.map((n) => this.#sum[at(n)] / this.#count[n]);
      const centre = means.reduce((s, m) => s + m, 0) / means.length;
      const between = means.reduce((s, m) => s + (m - centre) * (m - centre), 0) / Math.max(1, means.length - 1);
      const within = reached.map((n, i) => (this.#squares[at(n)] / this.#count[n] - means[i] * means[i]) / (this.#count[n] - 1));
      return between - within.reduce((s, v) => s + v, 0) / within.length;
    });
    return { active: variances.filter((v) => v > ACTIVE).length, variances };
  }
}
