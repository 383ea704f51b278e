// Values that a user gives for what a model would learn, held against the model: names, shapes, sets.
import { type DataInput, dataFromValues } from "./dsl/data/from-javascript.ts";
import { didYouMean } from "./dsl/did-you-mean.ts";
import { type Fit, isParameter, type LearntTensor, latentsOf, type Unfinished } from "./fit.ts";
import type { Resume, Start } from "./inference/engine.ts";
import { SHEAR } from "./inference/vi/shear.ts";
import { UsageError } from "./runtime/errors.ts";
import { type Shape, sameShape } from "./runtime/ir/type.ts";
import type { Parameter, Target } from "./runtime/target.ts";

/** A folder of a run, a fit, or values by name. */
export type GivenParameters = string | (Pick<Fit, "learnt" | "steps"> & Partial<Pick<Fit, "unfinished">>) | Listed | Values;
interface Listed {
  readonly tensors: readonly LearntTensor[];
  readonly steps?: number;
  readonly folder?: string;
  readonly unfinished?: Unfinished;
}
type Values = Readonly<Record<string, DataInput>>;

type Tensors = readonly Pick<LearntTensor, "name" | "owner" | "shape" | "values">[];

interface Given {
  readonly tensors: Tensors;
  /** For messages. */
  readonly from: string;
  /** Of the optimiser that made them. */
  readonly steps: number;
  readonly unfinished?: Unfinished;
}

export async function tensorsOf(given: GivenParameters): Promise<Given> {
  if (typeof given === "string") {
    const { readParameters } = await import("./saved-parameters.ts");
    return listed(await readParameters(given));
  }
  // What a program in JavaScript gives has no types.
  const something: unknown = given;
  if (typeof something !== "object" || something === null || Array.isArray(something) || ArrayBuffer.isView(something))
    throw new UsageError(
      `what was learnt is a fit, the folder of one, or an object of values by name, not ${Array.isArray(something) ? "an array" : String(something)}`,
    );
  if (isListed(given)) return listed(given);
  if (isFit(given)) return { ...listed({ ...given, tensors: given.learnt }), from: "the fit given" };
  const tensors = [...dataFromValues(given)].map(([name, { shape, values }]) => ({
    name,
    owner: "both" as const,
    shape,
    values: Float64Array.from(values),
  }));
  return { tensors, from: "the values given", steps: 0 };
}
const listed = ({ tensors, folder = "the parameters given", steps = 0, unfinished }: Listed): Given => ({
  tensors,
  from: folder,
  steps,
  ...(unfinished ? { unfinished } : {}),
});
const isListed = (x: object): x is Listed => "tensors" in x && Array.isArray(x.tensors);
const isFit = (x: object): x is Pick<Fit, "learnt" | "steps"> & Partial<Pick<Fit, "unfinished">> =>
  "learnt" in x && Array.isArray(x.learnt);

/** Constrained values by name. Throws a UsageError with a sentence for each disagreement. */
export function parameterValues(
  target: Pick<Target, "name" | "parameters" | "unconstrainParameters">,
  tensors: Tensors,
  from: string,
): Readonly<Record<string, Float64Array>> {
  const own = new Map(target.parameters.map((p) => [p.name, p]));
  if (own.size === 0)
    throw new UsageError(`${target.name} has nothing to learn: no param and no net, so no values can be given for them`);
  const given = new Map(tensors.filter(isParameter).map((t) => [t.name, t]));
  const problems = [
    ...target.parameters.flatMap((p) => {
      const there = given.get(p.name);
      // A guide is not needed where the model is sampled.
      if (!there) return p.readBy === "guide" ? [] : [`${p.name} is not among them`];
      return sameShape(there.shape, p.shape) ? [] : [disagreement(p, there.shape)];
    }),
    ...[...given.keys()].filter((name) => !own.has(name)).map((name) => surplus(name, target.name, own.keys())),
  ];
  if (problems.length > 0) {
    const more = problems.length > MOST_SHOWN ? [`and ${problems.length - MOST_SHOWN} more`] : [];
    throw new UsageError(
      `${from}: these are not the parameters of ${target.name}\n${[...problems.slice(0, MOST_SHOWN), ...more].map((s) => `  ${s}`).join("\n")}`,
    );
  }
  const values = Object.fromEntries([...given].map(([name, t]) => [name, t.values]));
  // Outside their sets they have no coordinates.
  target.unconstrainParameters(values);
  return values;
}
const MOST_SHOWN = 8;

function disagreement({ name, shape, plate }: Parameter, there: Shape): string {
  if (plate && sameShape(shape.slice(1), there.slice(1)))
    return `${name} has a row for each of the ${there[0]} rows of ${plate.name} that it was learnt on, and here are ${plate.size}: what belongs to single rows fits no other data`;
  return `${name} has ${words(there)} there and ${words(shape)} here`;
}
const words = (shape: Shape): string => (shape.length === 0 ? "a single value" : `shape [${shape.join(", ")}]`);

function surplus(name: string, model: string, own: Iterable<string>): string {
  const near = didYouMean(name, own);
  return `${name} is no parameter of ${model}${near === undefined ? "" : `: did you mean ${near}?`}`;
}

/** What an engine that trains goes on from. */
export function resumeFrom(
  target: Target,
  { tensors, from, unfinished }: Given,
): { readonly resume: Resume; readonly start?: Start } {
  const family = tensors.filter((t) => t.owner === "family").map(({ name, shape, values }) => [name, { shape, values }]);
  const parameters = target.parameters.length > 0 || family.length === 0 ? parameterValues(target, tensors, from) : {};
  if (family.length > 0) refuseOtherLatents(target, from, unfinished);
  const part = (owner: "start" | "origin", name: string) =>
    tensors.find((t) => t.owner === owner && t.name === `${owner} ${name}`)?.values;
  const place = (owner: "start" | "origin") => {
    const position = part(owner, "position");
    if (position?.length !== target.dimension) return undefined;
    const [scale, factor] = [part(owner, "scale"), part(owner, "factor")];
    return { position, ...(scale ? { scale } : {}), ...(factor ? { factor } : {}) };
  };
  const [start, origin] = [place("start"), place("origin")];
  const training = unfinished && Object.keys(unfinished.training).length > 0 ? unfinished.training : undefined;
  return {
    resume: { parameters, family: Object.fromEntries(family), ...(origin ? { origin } : {}), ...(training ? { training } : {}) },
    ...(start ? { start } : {}),
  };
}

/** An approximation is one of the latents that it was fitted to. */
function refuseOtherLatents(target: Target, from: string, unfinished: Unfinished | undefined): void {
  if (!unfinished)
    throw new UsageError(
      `${from}: it was saved by an earlier version of ppl, whose approximations cannot be gone on from: run without --resume`,
    );
  const here = latentsOf(target);
  if (unfinished.latents.join() === here.join()) return;
  throw new UsageError(
    `${from}: the approximation there is of ${unfinished.latents.join(", ")}, and ${target.name} has ${here.join(", ")}: go on with the model and the data that it was fitted to, or run without --resume`,
  );
}

/** Params that a shear matrix was learnt beside are those of another model without it. */
export function refuseSheared(tensors: Tensors, from: string): void {
  const shear = tensors.find((t) => t.owner === "family" && t.name.startsWith(SHEAR));
  if (shear)
    throw new UsageError(
      `${from}: the model was learnt with the ${shear.name} before what reads it, and means nothing without: ppl evaluate takes it into account, and so does vi-hmc --shear --resume`,
    );
}
