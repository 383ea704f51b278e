// The engine `amortized`: model and guide trained together on minibatches, and judged row by row.
import type { Target } from "../../runtime/target.ts";
import { defineEngine, type Result, type RunEngineContext } from "../engine.ts";
import { type GuideOptions, guideOptions, judged, refuseWithoutGuide, trainGuide } from "./guide-training.ts";

export { guideOptions } from "./guide-training.ts";

export const amortized = defineEngine({
  name: "amortized",
  doc: `Amortised variational inference: the guide block gives q of the latents, its networks and params and those of the model are trained
together by Adam on minibatches of rows (Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014), on the evidence lower bound or on the
importance-weighted bound of K draws (Burda, Grosse and Salakhutdinov 2016). The verdict is Pareto k-hat of the guide, row by row.`,
  options: guideOptions,
  unit: "run",
  discrete: "either",
  precision: "any",
  resumes: true,
  refuse: refuseWithoutGuide,
  run: runAmortized,
});

export async function runAmortized(target: Target, options: GuideOptions, context: RunEngineContext): Promise<Result> {
  const trained = await trainGuide(target, options, context);
  return "reason" in trained ? { failure: trained, verdicts: [], traces: {} } : judged(target, trained, options, context);
}
