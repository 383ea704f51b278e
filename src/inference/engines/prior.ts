// The engine `prior`: draws from the prior by forward simulation.
import { defineEngine } from "../engine.ts";

export const prior = defineEngine({
  name: "prior",
  doc: "Independent draws of the latents from their priors, by forward simulation: no data are conditioned on.",
  options: { draws: { type: "integer", default: 1000, min: 1, doc: "number of draws" } },
  unit: "run",
  discrete: "either",
  precision: "float64",
  async run(target, { draws }, context) {
    const { width: dimension } = target;
    const positions = new Float64Array(draws * dimension);
    const began = context.now();
    let count = 0;
    for (; count < draws && !context.stop(); count++) {
      const drawn = await target.simulatePrior(context.rng);
      if ("refusal" in drawn) return { failure: { reason: drawn.refusal }, verdicts: [], traces: {} };
      positions.set(drawn.position, count * dimension);
      context.progress({ chain: 1, phase: "simulation", done: count + 1, total: draws, divergences: 0 });
      await context.breathe();
    }
    return {
      chain: {
        chain: 1,
        dimension,
        draws: count,
        positions: positions.slice(0, count * dimension),
        stats: {},
        seconds: { warmup: 0, sampling: (context.now() - began) / 1000 },
        evaluations: 0,
        interrupted: count < draws,
        divergences: [],
      },
      verdicts: [],
      traces: {},
    };
  },
});
