// One quantity over all chains, as every diagnostic sees it, with its order sorted once.
import { sortedOrder } from "./order.ts";

/** Values of one scalar: chains x draws, row-major. */
export interface Chains {
  readonly chains: number;
  readonly draws: number;
  readonly values: Float64Array;
}

/** A scalar over all chains. What several statistics need of it is computed when first asked for. */
export class DrawnScalar implements Chains {
  readonly chains: number;
  readonly draws: number;
  readonly values: Float64Array;
  #order: Int32Array | undefined;
  #split: Chains | undefined;

  constructor(chains: number, draws: number, values: Float64Array) {
    this.chains = chains;
    this.draws = draws;
    this.values = values;
  }
  /** Indices of the values in ascending order. Not for values that contain NaN. */
  get order(): Int32Array {
    this.#order ??= sortedOrder(this.values);
    return this.#order;
  }
  /** Each chain cut into halves, to see a drift within a chain; of an odd number of draws the middle one is left out. */
  get split(): Chains {
    this.#split ??= splitChains(this);
    return this.#split;
  }
  get hasNaN(): boolean {
    const { values } = this;
    for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
    return false;
  }
}

/** Fewer draws a chain say nothing of autocorrelation (ArviZ's limit). */
export const FEWEST_DRAWS = 4;

export function splitChains({ chains, draws, values }: Chains): Chains {
  if (draws % 2 === 0) return { chains: 2 * chains, draws: draws / 2, values };
  const half = (draws - 1) / 2;
  const halves = new Float64Array(2 * chains * half);
  for (let c = 0; c < chains; c++) {
    halves.set(values.subarray(c * draws, c * draws + half), 2 * c * half);
    halves.set(values.subarray((c + 1) * draws - half, (c + 1) * draws), (2 * c + 1) * half);
  }
  return { chains: 2 * chains, draws: half, values: halves };
}

/** Mean by two passes: the second takes away the rounding of the first. */
export function meanOf(values: Float64Array, from = 0, to = values.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i];
  const mean = sum / (to - from);
  let rest = 0;
  for (let i = from; i < to; i++) rest += values[i] - mean;
  const correction = rest / (to - from);
  return Number.isFinite(correction) ? mean + correction : mean;
}

/** Σ (x - mean)². */
export function squaresAround(mean: number, values: Float64Array, from = 0, to = values.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const d = values[i] - mean;
    sum += d * d;
  }
  return sum;
}
