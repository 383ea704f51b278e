// The engine `meanfield`: independent normal distributions in unconstrained space.
import { defineEngine } from "../engine.ts";
import { meanField } from "../vi/families/mean-field.ts";
import { fitGaussian } from "./gaussian-vi.ts";
import { refuseWithoutLatents } from "./refuse.ts";
import { gaussianOptions } from "./training-options.ts";

export const meanfield = defineEngine({
  name: "meanfield",
  doc: `Mean-field variational inference: a normal distribution of each unconstrained coordinate, independent of the others, that
maximises the evidence lower bound (automatic differentiation variational inference, Kucukelbir et al. 2017), by Adam with gradients
along the draws. Deviations of correlated posteriors come out too small; the verdict, Pareto k-hat of the fit (Yao et al. 2018), says
when. Params of the model are learnt beside it (variational EM).`,
  options: gaussianOptions,
  unit: "run",
  discrete: "summed",
  precision: "any",
  resumes: true,
  refuse: refuseWithoutLatents,
  run: (target, options, context) => fitGaussian(target, options, context, meanField),
});
