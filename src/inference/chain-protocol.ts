// What the thread that runs a sampler and its workers say to each other.

import { stream } from "../runtime/numeric/random.ts";
import type { TargetImage } from "../runtime/target.ts";
import type { OptionValues, Progress, Result, RunContext, Start } from "./engine.ts";

/** Given to a worker when it starts. */
export interface WorkerData {
  readonly image: TargetImage;
  readonly engine: string;
  /** Resolved against the engine's schema. */
  readonly options: OptionValues;
  readonly seed: number;
  /** One number over shared memory: not zero means stop. */
  readonly stop: Int32Array;
}
/** Run this chain. */
export interface ChainOrder {
  readonly chain: number;
  readonly start?: Start;
}
export type WorkerMessage =
  | { readonly type: "ready" }
  | { readonly type: "progress"; readonly at: Progress }
  | { readonly type: "done"; readonly chain: number; readonly result: Result };

/** Milliseconds between two reports of the same chain. */
const REPORT_INTERVAL = 100;
/** The clock costs more than a small transition: after small ones it is looked at once in so many calls. */
const UNSEEN_CALLS = 16;

/** The context of one chain: its stream depends on seed and number alone, wherever it runs. */
export function chainContext(
  seed: number,
  { chain, start }: ChainOrder,
  stop: () => boolean,
  report: (at: Progress) => void,
): RunContext {
  const now = () => performance.now();
  let last = Number.NEGATIVE_INFINITY;
  let looked = Number.NEGATIVE_INFINITY;
  let unseen = 0;
  return {
    rng: stream(seed, `chain ${chain}`),
    chain,
    start,
    stop,
    now,
    progress(at) {
      if (at.done !== at.total && --unseen > 0) return;
      const time = now();
      unseen = time - looked < REPORT_INTERVAL / 10 ? UNSEEN_CALLS : 1;
      looked = time;
      if (at.done !== at.total && time - last < REPORT_INTERVAL) return;
      last = time;
      report(at);
    },
  };
}
