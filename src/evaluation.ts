// A fitted model looked at on data, which may be others than those it was fitted to: pictures of it.
import { type GivenParameters, parameterValues, tensorsOf } from "./given-parameters.ts";
import { localPlate } from "./inference/engines/guide-training.ts";
import { type Family, guided } from "./inference/vi/approximation.ts";
import type { Fitted } from "./inference/vi/rows-weights.ts";
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
  const parameters =
    given === undefined || target.parameters.length === 0 ? {} : parameterValues(target, tensors.tensors, tensors.from);
  // A guide whose tensors were not learnt gives nothing.
  const isWhole = target.parameters.every((p) => parameters[p.name]);
  const family = isWhole ? guided(target) : undefined;
  const own = new Map(tensors.tensors.filter((t) => t.owner === "family").map((t) => [t.name, t.values]));
  const wrong = family?.parameters.find((p) => own.get(p.name)?.length !== sizeOf(p.shape));
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
  return { target, fitted: { parameters: { ...rest, ...parameters }, family: values }, ...(family ? { family } : {}), plate };
}

const SLICE = 15;
/** Lets signals and output through, once a slice. */
function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < SLICE) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}

export function pictures(
  { target, family, fitted, plate }: FittedTarget,
  options: PictureOptions,
  seed: number,
): Promise<Pictures> {
  return picturesOf(target, family, fitted, plate, options, stream(seed, "pictures"), {
    backend: wasmBackend,
    breathe: breather(),
  });
}
