// The public API of tilde-ppl.
import { embed, type Fragment, type Interpolation } from "./dsl/embed.ts";
import type { EvaluateOptions } from "./evaluation.ts";
import type { GivenParameters } from "./given-parameters.ts";
import type { RowEvaluation } from "./inference/vi/evaluate-rows.ts";
import { type Model, modelOf, type Posterior } from "./model.ts";
import type { PictureOptions, Pictures } from "./pictures.ts";
import type { SavedParameters } from "./saved-parameters.ts";

export type { DataInput, TypedData } from "./dsl/data/from-javascript.ts";
export type { Diagnostic, Source } from "./dsl/diagnostics.ts";
export type { Fragment, Interpolation } from "./dsl/embed.ts";
export type { EvaluateOptions } from "./evaluation.ts";
export { Fit, type LearntTensor, type NamedDraws, type Provenance } from "./fit.ts";
export type { GivenParameters } from "./given-parameters.ts";
export type { Progress, Verdict } from "./inference/engine.ts";
export type { SummaryRow } from "./inference/report/summary.ts";
export type { RowEvaluation } from "./inference/vi/evaluate-rows.ts";
export { type BindOptions, type DataObject, Model, ModelError, Posterior, type RunOptions, type StartValues } from "./model.ts";
export type { PictureOptions, Pictures } from "./pictures.ts";
export { InternalError, UsageError } from "./runtime/errors.ts";
export type { SavedParameters } from "./saved-parameters.ts";
export type { SimulateOptions, Simulation } from "./simulation.ts";

/** A model in a tagged template; numbers, arrays and other fragments may be interpolated. Throws a ModelError when it is wrong. */
export function ppl(strings: TemplateStringsArray, ...values: readonly Interpolation[]): Model {
  const { source, outcome } = embed(strings, values);
  return modelOf("embedded", [source], outcome);
}

/** What a run saved in a folder learnt; `posterior.fix` and the option `resume` take it, or the folder. Node only. */
export async function loadParameters(folder: string): Promise<SavedParameters> {
  const { readParameters } = await import("./saved-parameters.ts");
  return readParameters(folder);
}

/** log p(x_n) of each row of a plate, given what was learnt: of the data that are bound, which may be others than those of the fit. */
export async function evaluate(
  posterior: Posterior,
  options: EvaluateOptions & { readonly params?: GivenParameters },
): Promise<RowEvaluation> {
  const { evaluateFitted, fittedTarget } = await import("./evaluation.ts");
  const { params, ...rest } = options;
  return evaluateFitted(await fittedTarget(posterior.target, params), rest);
}

/** Reconstructions, samples of the prior, latents: PNG and SVG, and a page with all of them. */
export async function pictures(
  posterior: Posterior,
  options: PictureOptions & { readonly seed: number; readonly params?: GivenParameters },
): Promise<Pictures> {
  const { fittedTarget, pictures: draw } = await import("./evaluation.ts");
  const { params, seed, ...rest } = options;
  return draw(await fittedTarget(posterior.target, params), rest, seed);
}

/** Statements to be interpolated into models: ppl`… ${fragment`mu ~ Normal(0, 1)`} …`. */
export function fragment(strings: TemplateStringsArray, ...values: readonly Interpolation[]): Fragment {
  return embed(strings, values).fragment;
}

/** Reads and checks a model file; imports stay inside its folder. Node only. */
export async function load(path: string): Promise<Model> {
  const { loadModel } = await import("./load.ts");
  return loadModel(path);
}
