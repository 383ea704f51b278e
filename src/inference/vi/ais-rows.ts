// Annealed importance sampling (Neal 2001) of many rows side by side: log p(x_n) by chains from q, or the prior, to the posterior of each row.
import { log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Axis, Target } from "../../runtime/target.ts";
import { temperatures as spaced } from "../annealing/temperatures.ts";
import { type MoveOptions, priorScales, type Runner, startProgram, stepProgram } from "./ais-programs.ts";
import type { Family } from "./approximation.ts";
import { evidenceFrom } from "./evidence.ts";
import type { Fitted, RowContext } from "./rows-weights.ts";

export interface AisOptions extends MoveOptions {
  /** Chains of each row. */
  readonly chains: number;
  /** Temperatures after the first. */
  readonly temperatures: number;
  readonly targetAccept: number;
}
export interface AisResult {
  /** Log weights: rows x chains; NaN of rows that were not reached. */
  readonly weights: Float64Array;
  /** Mean probability of acceptance of each row, over temperatures and chains; NaN of rows that were not reached, and where nothing moved. */
  readonly acceptance: Float64Array;
}

/** Chains of one program at a time. */
const CHAINS_AT_ONCE = 400;
/** Transitions at the first temperature that find its step. */
const FIRST_TRANSITIONS = 20;
const FIRST_STEP = 0.5;

/** Steps are found, for each row at each temperature, by a chain that is then forgotten: adapted in the same run they would bias the weights. */
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
  // A chain each: the first row several times, then the next one, …
  const places = Int32Array.from({ length: rows.length * chains }, (_, i) => Math.floor(i / chains));
  const pilots = Int32Array.from(rows.keys());
  const wide = Math.min(CHAINS_AT_ONCE, places.length);
  const scales = await priorScales(target, fitted, rng.split("scales"));
  const start = await startProgram(target, family, fitted, plate, wide, options, context.backend);
  const step = await stepProgram(target, fitted, wide, options, scales, context.backend).catch((e) => {
    start.dispose();
    throw e;
  });
  const beta = spaced(temperatures, "sigmoidal");
  /** rows x temperatures */
  const logSteps = new Float64Array(rows.length * temperatures);
  const acceptance = new Float64Array(rows.length);
  /** Transitions of each row that count in it. */
  const moves = new Float64Array(rows.length);
  const weights = new Float64Array(places.length).fill(Number.NaN);
  let done = 0;
  const total = (places.length + pilots.length) * temperatures;
  /** `at`: place in `rows` of each chain of the batch; `mine`: which of its chains are not those of the batch before. */
  const anneal = async (at: Int32Array, mine: number, isPilot: boolean, stream: Rng): Promise<Float64Array> => {
    const indices = at.map((place) => rows[place]);
    let difference = await start(indices, stream.split("start"), step);
    const run = step.runner(indices, stream.split("moves"));
    const logStep = isPilot ? await firstSteps(run, wide, options.targetAccept) : new Float64Array(wide);
    const sum = new Float64Array(wide);
    for (let t = 1; t <= temperatures && !context.stop(); t++) {
      // A chain where a density is no number has no weight.
      for (let i = 0; i < wide; i++)
        sum[i] += Number.isNaN(difference[i]) ? Number.NEGATIVE_INFINITY : (beta[t] - beta[t - 1]) * difference[i];
      // At the last temperature nothing is left to weigh; a move there would be for nothing.
      if (t < temperatures) {
        if (!isPilot) for (let i = 0; i < wide; i++) logStep[i] = logSteps[at[i] * temperatures + t];
        const accepted = await run.move(beta[t], logStep);
        difference = run.difference();
        for (let i = 0; i < wide; i++) {
          if (isPilot) {
            logStep[i] += PILOT_GAIN * (accepted[i] - options.targetAccept);
            logSteps[at[i] * temperatures + t] = logStep[i];
          } else if (i >= wide - mine) {
            acceptance[at[i]] += accepted[i];
            moves[at[i]]++;
          }
        }
      }
      done += mine;
      context.progress?.(done, total);
      await context.breathe();
    }
    return sum;
  };
  /** All chains, so many at once; the last batch goes back over chains that have been, so that all are of one size. */
  const batches = async (all: Int32Array, isPilot: boolean, stream: Rng): Promise<void> => {
    for (let first = 0; first < all.length && !context.stop(); first += wide) {
      const from = Math.max(0, Math.min(first, all.length - wide));
      const at = Int32Array.from({ length: wide }, (_, i) => all[(from + i) % all.length]);
      const mine = Math.min(wide, all.length - first);
      const sum = await anneal(at, mine, isPilot, stream.split(`${first}`));
      if (!isPilot && !context.stop()) weights.set(sum.subarray(0, Math.min(wide, all.length)), from);
    }
  };
  try {
    await batches(pilots, true, rng.split("pilots"));
    await batches(places, false, rng.split("chains"));
    // Chains that were stopped on their way tell nothing.
    const isReached = (row: number): boolean => !weights.subarray(row * chains, (row + 1) * chains).some(Number.isNaN);
    return { weights, acceptance: acceptance.map((sum, row) => (isReached(row) ? sum / moves[row] : Number.NaN)) };
  } finally {
    start.dispose();
    step.dispose();
  }
}
/** Of one chain's acceptances: slow enough to see their mean, fast enough to follow the temperatures. */
const PILOT_GAIN = 0.15;

/** Estimates of log p(x_n) from below, and their relative errors, of log weights rows x draws. */
export function logMeans(
  weights: Float64Array,
  rows: number,
): { readonly estimates: Float64Array; readonly errors: Float64Array } {
  const draws = weights.length / rows;
  const each = Array.from({ length: rows }, (_, n) => evidenceFrom(weights.subarray(n * draws, (n + 1) * draws)));
  return { estimates: Float64Array.from(each, ({ mean }) => mean), errors: Float64Array.from(each, ({ se }) => se) };
}

async function firstSteps(run: Runner, wide: number, wanted: number): Promise<Float64Array> {
  const logStep = new Float64Array(wide).fill(log(FIRST_STEP));
  for (let t = 0; t < FIRST_TRANSITIONS; t++) {
    const accepted = await run.move(0, logStep);
    for (let i = 0; i < wide; i++) logStep[i] += (1.5 / (1 + t / 3)) * (accepted[i] - wanted);
  }
  return logStep;
}
