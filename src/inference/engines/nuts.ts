// The engine `nuts`: the no-U-turn sampler with multinomial weights and Stan's warm-up.
import { defineEngine } from "../engine.ts";
import { runHamiltonianChain } from "../hmc/chain.ts";
import { createNoUTurn, sizeOfNoUTurn } from "../hmc/tree.ts";
import { refuseSampling } from "./refuse.ts";
import { chainOptions, prepareCentering, samplerOptions } from "./sampler-options.ts";

export const nuts = defineEngine({
  name: "nuts",
  doc: `The no-U-turn sampler: Hamiltonian trajectories that double until they turn, a draw from each by multinomial weights
(Hoffman and Gelman 2014; Betancourt 2017), with the generalised U-turn criterion and Stan's checks across subtrees. Warm-up
tunes the step size by dual averaging and learns the metric, from draws in Stan's doubling windows, from draws and
gradients (Seyboldt, Carlson and Carpenter 2025), or, by default, from gradients once the chain has arrived and from the draws of
the last window: of the three the one that was never far behind on 35 posteriors (the changelog has the figures).`,
  options: {
    ...samplerOptions,
    maxDepth: { type: "integer", default: 10, min: 1, max: 20, doc: "a trajectory has at most 2^this steps" },
  },
  unit: "chain",
  discrete: "summed",
  precision: "float64",
  refuse: refuseSampling,
  prepare: prepareCentering,
  run: (density, options, context) =>
    runHamiltonianChain(
      density,
      chainOptions(options, context.start !== undefined),
      context,
      sizeOfNoUTurn(options.maxDepth),
      (hamiltonian, start) => createNoUTurn(hamiltonian, start, options.maxDepth),
    ),
});
