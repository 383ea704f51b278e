// The engine `lowrank`: a normal distribution whose covariance, or precision, is diagonal but for a few directions.
import { defineEngine } from "../engine.ts";
import { lowRank, rankOnePrecision } from "../vi/families/low-rank.ts";
import { fitGaussian } from "./gaussian-vi.ts";
import { refuseWithoutLatents } from "./refuse.ts";
import { gaussianOptions } from "./training-options.ts";

export const lowrank = defineEngine({
  name: "lowrank",
  doc: `Variational inference with a normal distribution of the unconstrained coordinates whose covariance is D² + V V', V of --rank columns
(Ong, Nott and Smith 2018), or, with --form precision, whose precision is D + v v' (Rezende, Mohamed and Wierstra 2014). Trained and
judged as meanfield is.`,
  options: {
    ...gaussianOptions,
    rank: { type: "integer", default: 5, min: 1, doc: "directions in which coordinates may vary together" },
    form: {
      type: "choice",
      default: "covariance",
      choices: ["covariance", "precision"],
      doc: "what is diagonal but for these directions; of a precision, one",
    },
  },
  unit: "run",
  discrete: "summed",
  precision: "any",
  resumes: true,
  refuse: refuseWithoutLatents,
  run: (target, options, context) =>
    fitGaussian(
      target,
      options,
      context,
      (t, start) =>
        options.form === "precision" ? rankOnePrecision(t, start) : lowRank(t, start, Math.min(options.rank, t.dimension)),
      true,
    ),
});
