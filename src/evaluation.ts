// A fitted model looked at on data, which may be others than those it was fitted to: log-likelihoods of rows, and pictures.
import { backendNamed } from "./backends.ts";
import { type GivenParameters, parameterValues, tensorsOf } from "./given-parameters.ts";
import { localPlate } from "./inference/engines/guide-training.ts";
import { breather, LARGEST_SEED } from "./inference/run.ts";
import { type Family, guided } from "./inference/vi/approximation.ts";
import { evaluateRows, type RowEvaluation, type RowEvaluationOptions } from "./inference/vi/evaluate-rows.ts";
import type { Fitted } from "./inference/vi/rows-weights.ts";
import { shearedAsFitted } from "./inference/vi/shear.ts";
import { outermostPlate } from "./inference/vi/train.ts";
import { type PictureOptions, type Pictures, picturesOf } from "./pictures.ts";
import { UsageError } from "./runtime/errors.ts";
import { sizeOf } from "./runtime/ir/type.ts";
import { stream } from "./runtime/numeric/random.ts";
import type { Axis, Target } from "./runtime/target.ts";
import { wasmBackend } from "./runtime/wasm/backend.ts";

/** A target with what was learnt for it. */
export interface FittedTarget {
  readonly target: Target;
  readonly fitted: Fitted;
  /** q of the latents; absent without a guide. */
  readonly family?: Family;
  /** Whose rows are looked at. */
  readonly plate: Axis;
}

/** `given`: absent of a model that learns nothing. Throws a UsageError where names or shapes disagree, or there are no rows. */
export async function fittedTarget(target: Target, given: GivenParameters | undefined): Promise<FittedTarget> {
  const plate = localPlate(target) ?? target.layout.find((s) => s.plates.length > 0)?.plates[0] ?? outermostPlate(target);
  if (plate === undefined) throw new UsageError(`${target.name} has no plate: there are no rows to look at one by one`);
  if (given === undefined && target.parameters.some((p) => p.readBy !== "guide"))
    throw new UsageError(`${target.name} has params or networks to learn: give the folder of a run that has, --params DIR`);
  const tensors = given === undefined ? { tensors: [], from: "" } : await tensorsOf(given);
  // What an engine fitted to the latents, or the guide's rest ~, needs no params.
  const any = tensors.tensors.some(({ owner }) => owner === "model" || owner === "guide" || owner === "both");
  const parameters =
    given === undefined || (target.parameters.length === 0 && !any) ? {} : parameterValues(target, tensors.tensors, tensors.from);
  // A guide whose tensors were not learnt gives nothing.
  const isWhole = target.parameters.every((p) => parameters[p.name]);
  const family = isWhole ? guided(target) : undefined;
  const own = new Map(tensors.tensors.filter((t) => t.owner === "family").map((t) => [t.name, t.values]));
  const wrong = family?.parameters.find((p) => own.get(p.name)?.length !== sizeOf(p.shape));
  if (wrong && given === undefined)
    throw new UsageError(
      `the guide of ${target.name} has rest ~, which is to be learnt: give the folder of a run that has, --params DIR`,
    );
  if (wrong)
    throw new UsageError(
      `${tensors.from}: ${wrong.name}, of what rest ~ stands for, ${own.has(wrong.name) ? "was learnt on data of another size" : "is not among what was learnt"}`,
    );
  const values = Object.fromEntries((family?.parameters ?? []).map((p) => [p.name, own.get(p.name) as Float64Array]));
  const rest = isWhole
    ? {}
    : Object.fromEntries(
        target.parameters.filter((p) => !parameters[p.name]).map((p) => [p.name, new Float64Array(sizeOf(p.shape))]),
      );
  return {
    target: shearedAsFitted(target, Object.fromEntries(own)),
    fitted: { parameters: { ...rest, ...parameters }, family: values },
    ...(family ? { family } : {}),
    plate,
  };
}

export interface EvaluateOptions extends Partial<Omit<RowEvaluationOptions, "rows">> {
  readonly seed: number;
  /** Default: float64 WebAssembly. */
  readonly backend?: string;
  /** What was evaluated so far is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** log p(x_n) of each row, and their mean. */
export async function evaluateFitted(model: FittedTarget, options: EvaluateOptions): Promise<RowEvaluation> {
  const { seed, backend, signal, onProgress, ...given } = options;
  checkInteger("seed", seed, 0, LARGEST_SEED);
  for (const name of ["samples", "chains", "temperatures", "leapfrog"] as const)
    if (given[name] !== undefined) checkInteger(name, given[name], 1, MOST);
  const estimator = given.estimator ?? (model.family ? "iwae" : "ais");
  if (estimator !== "iwae" && estimator !== "ais")
    throw new UsageError(`there is no estimator ${String(estimator)}; there are iwae and ais`);
  if (given.from !== undefined && given.from !== "guide" && given.from !== "prior")
    throw new UsageError(`annealing begins at the guide or at the prior, not at ${String(given.from)}`);
  const { backend: chosen } = await backendNamed(backend ?? "auto");
  const context = {
    backend: chosen,
    stop: () => signal?.aborted === true,
    breathe: breather(),
    ...(onProgress ? { progress: onProgress } : {}),
  };
  return evaluateRows(model, { ...given, estimator }, stream(seed, "evaluation"), context);
}

function checkInteger(name: string, value: number, low: number, high: number): void {
  if (!(Number.isInteger(value) && value >= low && value <= high))
    throw new UsageError(`${name} must be an integer from ${low} to ${high}, not ${value}`);
}
const MOST = 10_000_000;

export async function pictures(
  { target, family, fitted, plate }: FittedTarget,
  options: PictureOptions,
  seed: number,
): Promise<Pictures> {
  checkInteger("seed", seed, 0, LARGEST_SEED);
  return picturesOf(target, family, fitted, plate, options, stream(seed, "pictures"), {
    backend: wasmBackend,
    breathe: breather(),
  });
}
