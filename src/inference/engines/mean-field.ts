// The engine `meanfield`: independent normal distributions in unconstrained space.
import type { Target } from "../../runtime/target.ts";
import { defineEngine, type Result, type RunEngineContext } from "../engine.ts";
import { besideDiscrete, noCoordinates, refuseTables } from "../vi/families/discrete.ts";
import { meanField } from "../vi/families/mean-field.ts";
import { rowMeanField } from "../vi/families/row-mean-field.ts";
import { beginOf, fitFamily } from "./fit-family.ts";
import { fitGaussian, type GaussianOptions } from "./gaussian-vi.ts";
import { refuseWithoutLatents } from "./refuse.ts";
import { gaussianOptions } from "./training-options.ts";

export const meanfield = defineEngine({
  name: "meanfield",
  doc: `Mean-field variational inference: a normal distribution of each unconstrained coordinate, independent of the others, that
maximises the evidence lower bound (automatic differentiation variational inference, Kucukelbir et al. 2017), by Adam with gradients
along the draws. Deviations of correlated posteriors come out too small; the verdict, Pareto k-hat of the fit (Yao et al. 2018), says
when. Discrete latents have tables of probabilities, an element each, by score-function gradients. Params of the model are learnt beside it (variational EM).`,
  options: gaussianOptions,
  unit: "run",
  discrete: "either",
  precision: "any",
  resumes: true,
  refuse: (target) => (target.discrete.length > 0 ? refuseTables(target.discrete) : refuseWithoutLatents(target)),
  run: (target, options, context) =>
    target.discrete.length > 0
      ? fitMixed(target, options, context)
      : fitGaussian(target, options, context, options.batch > 0 ? rowMeanField : meanField),
});

/** Gradients of draws without a path are noisy: a step has so many draws where --samples says fewer. */
const FEWEST_DRAWS = 8;

async function fitMixed(target: Target, options: GaussianOptions, context: RunEngineContext): Promise<Result> {
  const begin = await beginOf(target, false, context);
  if ("reason" in begin) return { failure: begin, verdicts: [], traces: {} };
  const inner = target.dimension > 0 ? meanField(target, begin) : noCoordinates(target);
  const family = besideDiscrete(target.discrete, inner);
  const latents = target.sites.filter((s) => s.role === "latent" && s.type.dtype === "real").map((s) => s.name);
  return fitFamily(target, family, begin, { ...options, samples: Math.max(FEWEST_DRAWS, options.samples) }, context, latents);
}
