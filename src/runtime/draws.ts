// The third contract: what inference gives back. Columns, never objects per draw.
import type { Column } from "./target.ts";

/** Draws in unconstrained space as an engine leaves them, one entry a chain. */
export interface RawChain {
  readonly chain: number;
  readonly dimension: number;
  /** Draws kept (after thinning); rows of `positions`. */
  readonly draws: number;
  /** draws x dimension, row-major. */
  readonly positions: Float64Array;
  /** Sampler columns, one value a draw: lp, accept_stat, stepsize, treedepth, n_leapfrog, divergent, energy. */
  readonly stats: Readonly<Record<string, Float64Array>>;
  /** The same during warm-up, when it was asked for. */
  readonly warmup?: {
    readonly draws: number;
    readonly positions: Float64Array;
    readonly stats: Readonly<Record<string, Float64Array>>;
  };
  readonly adaptation?: Adaptation;
  readonly seconds: { readonly warmup: number; readonly sampling: number };
  readonly evaluations: number;
  /** Stopped before its draws were complete. */
  readonly interrupted: boolean;
  /** Up to a few positions where a divergence began, to be blamed. */
  readonly divergences: readonly Float64Array[];
}
export interface Adaptation {
  readonly stepSize: number;
  readonly metric: "unit" | "diag" | "dense";
  /** Diagonal, or the full matrix row-major; of the inverse metric. */
  readonly inverseMetric: Float64Array;
}
/** Draws on the constrained scale. */
export interface Draws {
  readonly chains: number;
  readonly drawsPerChain: number;
  readonly columns: readonly Column[];
  /** By column name: chains x draws x elements, row-major. */
  readonly values: Readonly<Record<string, Float64Array>>;
  /** By statistic: chains x draws. */
  readonly stats: Readonly<Record<string, Float64Array>>;
}
