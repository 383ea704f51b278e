// The engine `map`: the mode of the posterior.
import { defineEngine } from "../engine.ts";
import { findOptimum, optimumOptions } from "./optimum.ts";
import { refuseOptimum } from "./refuse.ts";

export const map = defineEngine({
  name: "map",
  doc: `The mode of the posterior by L-BFGS with a strong Wolfe line search, from several starts. As Stan's optimizer, it maximises the
density of the constrained parameters; with --jacobian that of the unconstrained ones, whose mode is the centre of a Laplace
approximation.`,
  options: {
    ...optimumOptions,
    jacobian: { type: "boolean", default: false, doc: "maximise the density on the unconstrained scale" },
  },
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: refuseOptimum,
  async run(target, options, context) {
    const density = await target.density({ jacobian: options.jacobian });
    try {
      return await findOptimum(density, options, context);
    } finally {
      density.dispose();
    }
  },
});
