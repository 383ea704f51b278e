// One quantity over all chains, as every diagnostic sees it, with its order sorted once.
import { sortedOrder } from "./order.ts";

/** Values of one scalar: chains x draws, row-major. */
export interface Chains {
  readonly chains: number;
  readonly draws: number;
  readonly values: Float64Array;
}

/** A scalar over all chains. What several statistics need of it is computed once, when first asked for. */
export class DrawnScalar implements Chains {
  readonly chains: number;
  readonly draws: number;
  readonly values: Float64Array;
  #hasNaN: boolean | undefined;
  #mean: number | undefined;
  #order: Int32Array | undefined;
  #sorted: Float64Array | undefined;
  #split: SplitChains | undefined;

  constructor(chains: number, draws: number, values: Float64Array) {
    this.chains = chains;
    this.draws = draws;
    this.values = values;
  }
  get hasNaN(): boolean {
    this.#hasNaN ??= containsNaN(this.values);
    return this.#hasNaN;
  }
  get mean(): number {
    this.#mean ??= meanOf(this.values);
    return this.#mean;
  }
  /** Indices of the values in ascending order. Not for values that contain NaN, as `sorted` and `split`. */
  get order(): Int32Array {
    this.#order ??= sortedOrder(this.values);
    return this.#order;
  }
  get sorted(): Float64Array {
    this.#sorted ??= take(this.values, this.order);
    return this.#sorted;
  }
  /** Each chain cut into halves, to see a drift within a chain. */
  get split(): SplitChains {
    this.#split ??= splitOrdered(this);
    return this.#split;
  }
}

/** Halves of chains, with their values' order. */
export interface SplitChains extends Chains {
  readonly order: Int32Array;
  readonly sorted: Float64Array;
}

function splitOrdered(x: DrawnScalar): SplitChains {
  const halves = splitChains(x);
  const { draws } = x;
  if (draws % 2 === 0) return { ...halves, order: x.order, sorted: x.sorted };
  const half = halves.draws;
  const order = new Int32Array(halves.values.length);
  let count = 0;
  for (const index of x.order) {
    const chain = Math.floor(index / draws);
    const draw = index - chain * draws;
    if (draw !== half) order[count++] = 2 * chain * half + (draw < half ? draw : draw - 1);
  }
  return { ...halves, order, sorted: take(halves.values, order) };
}

function take(values: Float64Array, order: Int32Array): Float64Array {
  const taken = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) taken[i] = values[order[i]];
  return taken;
}

function containsNaN(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}

/** Fewer draws a chain say nothing of autocorrelation (ArviZ's limit). */
export const FEWEST_DRAWS = 4;

/** Of an odd number of draws the middle one is left out. */
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
