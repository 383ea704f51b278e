// The engine `map`: the mode of the posterior.
import { defineEngine } from "../engine.ts";
import { optimumOf, optimumOptions } from "./optimum.ts";
import { refuseOptimum } from "./refuse.ts";

export const map = defineEngine({
  name: "map",
  doc: `The mode of the posterior by L-BFGS with a strong Wolfe line search, from several starts. As Stan's optimizer, it maximises the
density of the constrained parameters; with --jacobian that of the unconstrained ones, whose mode is the centre of a Laplace
approximation. Params of the model are learnt with the latents, by their unconstrained coordinates and without a Jacobian; a model may have
params alone.`,
  options: {
    ...optimumOptions,
    jacobian: { type: "boolean", default: false, doc: "maximise the density on the unconstrained scale" },
  },
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: refuseOptimum,
  async run(target, options, context) {
    return optimumOf(target, { jacobian: options.jacobian }, options, context);
  },
});
