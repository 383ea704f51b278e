// The context in which a test runs an engine of unit "run" by itself.
import type { RunEngineContext } from "../../src/inference/engine.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

export const runContext = (seed: number, more: Partial<RunEngineContext> = {}): RunEngineContext => ({
  rng: stream(seed, "chain 1"),
  chain: 1,
  stop: () => false,
  progress: () => {},
  now: () => 0,
  breathe: async () => {},
  ...more,
});
