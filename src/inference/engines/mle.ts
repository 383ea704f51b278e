// The engine `mle`: the maximum of the likelihood.
import { defineEngine } from "../engine.ts";
import { optimumOf, optimumOptions } from "./optimum.ts";
import { refuseOptimum } from "./refuse.ts";

export const mle = defineEngine({
  name: "mle",
  doc: `The maximum of the likelihood: as map, without priors, penalties and Jacobians. A parameter that no observation depends on has
no maximum-likelihood estimate. Params are learnt with the latents, and so are those of a model without latents.`,
  options: optimumOptions,
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: refuseOptimum,
  async run(target, options, context) {
    return optimumOf(target, { jacobian: false, prior: false }, options, context);
  },
});
