// The engine `hmc`: Hamiltonian Monte Carlo with a fixed integration time and jittered steps.
import { defineEngine } from "../engine.ts";
import { runHamiltonianChain } from "../hmc/chain.ts";
import { createStaticKernel, SIZE_OF_STATIC } from "../hmc/static.ts";
import { refuseSampling } from "./refuse.ts";
import { chainOptions, prepareCentering, samplerOptions } from "./sampler-options.ts";

export const hmc = defineEngine({
  name: "hmc",
  doc: `Hamiltonian Monte Carlo with trajectories of a fixed integration time (Duane et al. 1987; Neal 2011). The step size is
jittered, so that no trajectory keeps closing on itself. The warm-up is that of nuts.`,
  options: {
    ...samplerOptions,
    stepSizeJitter: { ...samplerOptions.stepSizeJitter, default: 0.2 },
    integrationTime: {
      type: "number",
      default: 1.5,
      min: 0,
      exclusive: true,
      doc: "length of a trajectory: step size times steps",
    },
    maxSteps: { type: "integer", default: 1000, min: 1, doc: "a trajectory has at most this many steps" },
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
      SIZE_OF_STATIC,
      (hamiltonian, start) => createStaticKernel(hamiltonian, start, options.integrationTime, options.maxSteps),
    ),
});
