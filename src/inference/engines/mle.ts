// The engine `mle`: the maximum of the likelihood.
import { defineEngine } from "../engine.ts";
import { findOptimum, optimumOptions } from "./optimum.ts";
import { refuseOptimum } from "./refuse.ts";

export const mle = defineEngine({
  name: "mle",
  doc: `The maximum of the likelihood: as map, without priors, penalties and Jacobians. A parameter that no observation depends on has
no maximum-likelihood estimate.`,
  options: optimumOptions,
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: refuseOptimum,
  async run(target, options, context) {
    const density = await target.density({ jacobian: false, prior: false });
    try {
      return await findOptimum(density, options, context);
    } finally {
      density.dispose();
    }
  },
});
