// Values that a user gives for what a model would learn, held against the model: names, shapes, sets.
import { type DataInput, dataFromValues } from "./dsl/data/from-javascript.ts";
import { didYouMean } from "./dsl/did-you-mean.ts";
import type { Fit, LearntTensor } from "./fit.ts";
import type { Resume, Start } from "./inference/engine.ts";
import { UsageError } from "./runtime/errors.ts";
import { type Shape, sameShape } from "./runtime/ir/type.ts";
import type { Parameter, Target } from "./runtime/target.ts";

/** A folder of a run, a fit, or values by name. */
export type GivenParameters = string | Pick<Fit, "learnt" | "steps"> | Listed | Values;
interface Listed {
  readonly tensors: readonly LearntTensor[];
  readonly steps?: number;
  readonly folder?: string;
}
type Values = Readonly<Record<string, DataInput>>;

type Tensors = readonly Pick<LearntTensor, "name" | "owner" | "shape" | "values">[];

interface Given {
  readonly tensors: Tensors;
  /** For messages. */
  readonly from: string;
  /** Of the optimiser that made them. */
  readonly steps: number;
}

export async function tensorsOf(given: GivenParameters): Promise<Given> {
  if (typeof given === "string") {
    const { readParameters } = await import("./saved-parameters.ts");
    const { tensors, steps } = await readParameters(given);
    return { tensors, from: given, steps };
  }
  if (isListed(given)) return { tensors: given.tensors, from: given.folder ?? "the parameters given", steps: given.steps ?? 0 };
  if (isFit(given)) return { tensors: given.learnt, from: "the fit given", steps: given.steps };
  const tensors = [...dataFromValues(given)].map(([name, { shape, values }]) => ({
    name,
    owner: "both" as const,
    shape,
    values: Float64Array.from(values),
  }));
  return { tensors, from: "the values given", steps: 0 };
}
const isListed = (x: object): x is Listed => "tensors" in x && Array.isArray(x.tensors);
const isFit = (x: object): x is Pick<Fit, "learnt" | "steps"> => "learnt" in x && Array.isArray(x.learnt);

/** Constrained values by name. Throws a UsageError with a sentence for each disagreement. */
export function parameterValues(target: Target, tensors: Tensors, from: string): Readonly<Record<string, Float64Array>> {
  const own = new Map(target.parameters.map((p) => [p.name, p]));
  if (own.size === 0)
    throw new UsageError(`${target.name} has nothing to learn: no param and no net, so no values can be given for them`);
  const given = new Map(tensors.filter((t) => t.owner !== "family" && t.owner !== "start").map((t) => [t.name, t]));
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
export function resumeFrom(target: Target, tensors: Tensors, from: string): { readonly resume: Resume; readonly start?: Start } {
  const family = tensors.filter((t) => t.owner === "family").map((t) => [t.name, t.values]);
  const parameters = target.parameters.length > 0 || family.length === 0 ? parameterValues(target, tensors, from) : {};
  const startOf = (name: string) => tensors.find((t) => t.owner === "start" && t.name === name)?.values;
  const position = startOf("start position");
  const scale = startOf("start scale");
  return {
    resume: { parameters, family: Object.fromEntries(family) },
    ...(position?.length === target.dimension ? { start: { position, ...(scale ? { scale } : {}) } } : {}),
  };
}
