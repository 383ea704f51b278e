// The engine `fullrank`: a normal distribution with a full covariance in unconstrained space.
import { defineEngine } from "../engine.ts";
import { fullRank } from "../vi/families/full-rank.ts";
import { fitGaussian } from "./gaussian-vi.ts";
import { refuseWithoutLatents } from "./refuse.ts";
import { gaussianOptions } from "./training-options.ts";

export const fullrank = defineEngine({
  name: "fullrank",
  doc: `Variational inference with a normal distribution of all unconstrained coordinates and a full covariance (Kucukelbir et al. 2017):
exact where the posterior is normal there. Trained and judged as meanfield is; n(n + 3)/2 numbers are learnt for n coordinates.`,
  options: gaussianOptions,
  unit: "run",
  discrete: "summed",
  precision: "any",
  resumes: true,
  refuse: (target) =>
    refuseWithoutLatents(target) ??
    (target.dimension > 2000
      ? `a full covariance of ${target.dimension} coordinates has ${(target.dimension * (target.dimension + 1)) / 2} numbers; use lowrank or meanfield`
      : undefined),
  run: (target, options, context) => fitGaussian(target, options, context, fullRank, true),
});
