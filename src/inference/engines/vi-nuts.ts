// From a variational fit to NUTS: chains that start at its draws with its covariance as their metric, and where the two disagree.
import type { Target } from "../../runtime/target.ts";
import type { Progress, Result, RunEngineContext, Start, Verdict } from "../engine.ts";
import { finishDraws } from "../report/finish.ts";
import { type SummaryRow, summarize, summarizeIndependent } from "../report/summary.ts";
import { DEFAULT_CHAINS, LARGEST_SEED, runEngine } from "../run.ts";
import { boundName } from "../vi/bound-name.ts";
import { evaluateFamily, fitVerdict } from "../vi/evaluate.ts";
import { fullRank } from "../vi/families/full-rank.ts";
import type { Start as FamilyStart, GaussianFamily } from "../vi/families/gaussian.ts";
import { lowRank } from "../vi/families/low-rank.ts";
import { meanField } from "../vi/families/mean-field.ts";
import { type GaussianOptions, trainGaussian } from "./gaussian-vi.ts";
import { nuts } from "./nuts.ts";

export interface NutsFromFitOptions {
  readonly family: string;
  readonly rank: number;
  /** Of the fit. */
  readonly training: GaussianOptions;
  /** Of each chain. */
  readonly warmup: number;
  readonly draws: number;
  readonly targetAccept: number;
}

type MakeFamily = (target: Target, start: FamilyStart) => GaussianFamily;
/** By name: the family, and whether its covariance is more than a diagonal. */
const familiesOf = (rank: number): Readonly<Record<string, { readonly make: MakeFamily; readonly factored: boolean }>> => ({
  meanfield: { make: meanField, factored: false },
  fullrank: { make: fullRank, factored: true },
  lowrank: { make: (target, start) => lowRank(target, start, Math.min(rank, target.dimension)), factored: true },
});
export const familyNames: readonly string[] = Object.keys(familiesOf(1));

/** Draws that tell of the fit. */
const FIT_DRAWS = 4000;
/** Beyond it a metric is diagonal: a matrix learnt from the draws would be as noisy as they are few. */
const LARGEST_DENSE = 200;

export async function nutsFromFit(target: Target, options: NutsFromFitOptions, context: RunEngineContext): Promise<Result> {
  const { rng, now } = context;
  const { dimension } = target;
  const { make, factored } = familiesOf(options.rank)[options.family];
  const began = now();
  const fit = await trainGaussian(target, options.training, context, make, factored);
  if ("reason" in fit) return { failure: fit, verdicts: [], traces: {} };
  const evaluated = await evaluateFamily(fit.target, fit.family, fit.training.family, FIT_DRAWS, rng.split("draws"), context);
  const positions = evaluated.positions ?? new Float64Array(0);
  const trained = now();
  // The chains.
  const chains = context.chains ?? DEFAULT_CHAINS;
  const dense = factored && dimension <= LARGEST_DENSE;
  const inverseMetric = dense ? covariance(positions, dimension) : variances(positions, dimension);
  // A draw outside the posterior is no start.
  const inside = [...evaluated.logP.keys()].filter((d) => Number.isFinite(evaluated.logP[d]));
  const starts = Array.from({ length: chains }, (_, c): Start => {
    const draw = inside[c % Math.max(1, inside.length)] ?? c;
    return { position: positions.slice(draw * dimension, (draw + 1) * dimension), inverseMetric };
  });
  const controller = new AbortController();
  const onProgress = (at: Progress): void => {
    if (context.stop()) controller.abort();
    context.progress(at);
  };
  const { warmup, draws, targetAccept } = options;
  const seed = rng.split("nuts").below(LARGEST_SEED + 1);
  const outcome = await runEngine(
    target,
    nuts,
    { warmup, draws, targetAccept, metric: dense ? "dense" : "diag" },
    { chains, seed, starts, onProgress, signal: controller.signal, ...(context.threads ? { threads: context.threads } : {}) },
  );
  if (outcome.failure) return { failure: outcome.failure, verdicts: [], traces: {} };
  const verdict = fitVerdict(evaluated);
  const sampled = outcome.chains.map((chain) => ({
    ...chain,
    seconds: { ...chain.seconds, warmup: chain.seconds.warmup + (trained - began) / 1000 },
  }));
  const shared = { chains: sampled, traces: { [boundName(options.training)]: fit.training.bounds } };
  if (outcome.interrupted || sampled.some((c) => c.draws < 4)) return { ...shared, verdicts: [] };
  const made = evaluated.logP.length;
  const asChain = { ...sampled[0], chain: 1, draws: made, positions, stats: {} };
  const ofFit = summarizeIndependent(await finishDraws(target, [asChain], { seed }), made);
  const ofNuts = summarize(await finishDraws(target, sampled, { seed }));
  const found = disagreements(ofFit, ofNuts);
  return {
    ...shared,
    figures: { k_hat: verdict.value, disagreements: found.length },
    notes: [disagreementNote(found, ofFit.length)],
    verdicts: [diverging(verdict)],
  };
}

/** The draws are those of NUTS, so a fit that does not cover the posterior spoils nothing: it may have cost warm-up. */
const diverging = (v: Verdict): Verdict => ({
  ...v,
  what: "k-hat of the fit",
  level: "pass",
  advice: `Pareto k-hat of the fit that the chains started from is ${v.value.toFixed(2)}`,
});

export interface Disagreement {
  readonly name: string;
  /** (mean of the fit - mean of NUTS) / deviation of NUTS, and deviation over deviation. */
  readonly shift: number;
  readonly ratio: number;
}
/** So many Monte Carlo errors, of both together; and so much beyond them that it matters. */
const ERRORS = 4;
const SMALLEST_SHIFT = 0.1;
const SMALLEST_RATIO = 0.1;

/** Scalars of which the fit has another mean, or another deviation, than the draws of NUTS, beyond what their Monte Carlo errors explain; those
 *  that are furthest off first. */
export function disagreements(ofFit: readonly SummaryRow[], ofNuts: readonly SummaryRow[]): Disagreement[] {
  const byName = new Map(ofFit.map((row) => [row.name, row]));
  const found = ofNuts.flatMap((theirs): Disagreement[] => {
    const ours = byName.get(theirs.name);
    if (!ours || !(theirs.sd > 0)) return [];
    // A fit may have no mean on the model's scale: of exp(u) it overflows.
    if (!Number.isFinite(ours.mean) || !Number.isFinite(ours.sd))
      return [{ name: theirs.name, shift: ours.mean, ratio: ours.sd }];
    const shift = (ours.mean - theirs.mean) / theirs.sd;
    const ratio = ours.sd / theirs.sd;
    const shiftError = Math.sqrt(ours.mcseMean * ours.mcseMean + theirs.mcseMean * theirs.mcseMean) / theirs.sd;
    const ratioError = Math.sqrt(ours.mcseSd * ours.mcseSd + ratio * ratio * theirs.mcseSd * theirs.mcseSd) / theirs.sd;
    const isShifted = Math.abs(shift) > Math.max(SMALLEST_SHIFT, ERRORS * shiftError);
    const isScaled = Math.abs(ratio - 1) > Math.max(SMALLEST_RATIO, ERRORS * ratioError);
    return isShifted || isScaled ? [{ name: theirs.name, shift, ratio }] : [];
  });
  const size = (d: Disagreement): number => {
    const most = Math.max(Math.abs(d.shift), Math.abs(d.ratio - 1));
    return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
  };
  return found.sort((a, b) => (size(a) === size(b) ? 0 : size(b) - size(a)));
}

/** Rows of a table that a note has room for. */
const SHOWN = 12;
export function disagreementNote(found: readonly Disagreement[], of: number): string {
  if (found.length === 0) return `the fit and NUTS agree on the means and deviations of all ${of} variables`;
  const width = Math.max(8, ...found.slice(0, SHOWN).map((d) => d.name.length));
  const line = (d: Disagreement): string => `  ${d.name.padEnd(width)}  ${signed(d.shift)}  ${d.ratio.toFixed(2).padStart(8)}`;
  const more = found.length > SHOWN ? [`  and ${found.length - SHOWN} more`] : [];
  return [
    `the fit and NUTS disagree, beyond Monte Carlo error, on ${found.length} of ${of} variables; the draws are those of NUTS`,
    `  ${"".padEnd(width)} mean shift  sd ratio`,
    ...found.slice(0, SHOWN).map(line),
    ...more,
  ].join("\n");
}
const signed = (x: number): string => `${x < 0 ? "-" : "+"}${Math.abs(x).toFixed(2)} sd`.padStart(9);

function means(positions: Float64Array, n: number): Float64Array {
  const draws = positions.length / n;
  const mean = new Float64Array(n);
  positions.forEach((x, i) => {
    mean[i % n] += x / draws;
  });
  return mean;
}
function variances(positions: Float64Array, n: number): Float64Array {
  const mean = means(positions, n);
  const out = new Float64Array(n);
  positions.forEach((x, i) => {
    out[i % n] += (x - mean[i % n]) * (x - mean[i % n]);
  });
  return out.map((s) => s / (positions.length / n - 1));
}
function covariance(positions: Float64Array, n: number): Float64Array {
  const draws = positions.length / n;
  const mean = means(positions, n);
  const out = new Float64Array(n * n);
  const centred = new Float64Array(n);
  for (let d = 0; d < draws; d++) {
    for (let i = 0; i < n; i++) centred[i] = positions[d * n + i] - mean[i];
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) out[i * n + j] += (centred[i] * centred[j]) / (draws - 1);
  }
  return out;
}
