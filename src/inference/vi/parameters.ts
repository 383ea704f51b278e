// Parameters of a target as numbers: where training begins, and their values on the model's scale.

import { UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import { type Shape, sameShape, sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Parameter, Target } from "../../runtime/target.ts";
import type { Resume } from "../engine.ts";
import type { Family } from "./approximation.ts";
import type { Start as Origin } from "./families/gaussian.ts";
import type { Start } from "./train.ts";

type ByName = Readonly<Record<string, Float64Array>>;

/** What the model reads: a guide's own parameters have no part in its density. */
export const learntByModel = (target: Target): readonly Parameter[] => target.parameters.filter((p) => p.readBy !== "guide");

/** Unconstrained, each from a stream of its own name. */
export function initialParameters(target: Target, rng: Rng): ByName {
  return Object.fromEntries(target.parameters.map((p) => [p.name, p.initial(rng.split(p.name))]));
}

/** Where training begins: at initial values, or at those of an earlier fit where it has them. Both unconstrained, by name. */
export function startingValues(target: Target, family: Family, rng: Rng, resume?: Resume): Start {
  if (resume) refuseOtherFamily(target, family, resume);
  const own = family.parameters.map((p): [string, Float64Array] => [
    p.name,
    resume?.family[p.name]?.values ?? p.initial(rng.split(p.name)),
  ]);
  return {
    parameters: startingParameters(target, rng.split("parameters"), resume),
    family: Object.fromEntries(own),
    ...(resume?.training ? { state: resume.training } : {}),
  };
}

/** A family is gone on from as a whole. What an engine adds to a model's parameters (a shear matrix) may be new, and must not be lost. */
function refuseOtherFamily(target: Target, family: Family, { family: given, parameters }: Resume): void {
  const names = Object.keys(given);
  if (names.length === 0) return;
  const added = target.parameters.filter((p) => !parameters[p.name]);
  const own = [...family.parameters, ...added];
  const surplus = names.find((name) => !own.some((p) => p.name === name));
  const missing = family.parameters.find((p) => !given[p.name]);
  const other = own.find((p) => given[p.name] && !sameShape(given[p.name].shape, p.shape));
  if (surplus === undefined && !missing && !other) return;
  const words = (shape: Shape): string => `shape [${shape.join(", ")}]`;
  const what = other
    ? `${other.name} has ${words(given[other.name].shape)} there and ${words(other.shape)} here`
    : [
        ...(surplus === undefined ? [] : [`it has learnt ${surplus}, which is not learnt here`]),
        ...(missing ? [`it has no ${missing.name}, which is`] : []),
      ].join("; ");
  throw new UsageError(
    `the approximation of the fit to be gone on from is another than that of this run: ${what}. Take the engine and the options that it was made with (its run.json has them), or leave --resume out`,
  );
}

/** Of an earlier fit of this kind: of what its family of all latents is written in units. */
export function originOf(target: Target, resume?: Resume): Origin | undefined {
  if (!resume || Object.keys(resume.family).length === 0) return undefined;
  const { origin } = resume;
  if (origin?.position.length === target.dimension) return origin;
  throw new UsageError(
    `the approximation of the fit to be gone on from is none over the ${target.dimension} unconstrained coordinates of all latents, as this run's is. Take the engine and the options that it was made with (its run.json has them), or leave --resume out`,
  );
}

/** Those that an engine adds to a model's are learnt beside its family. */
export function startingParameters(target: Target, rng: Rng, resume?: Resume): ByName {
  if (!resume) return initialParameters(target, rng);
  const added = target.parameters.flatMap(({ name }): [string, Float64Array][] =>
    resume.family[name] ? [[name, resume.family[name].values]] : [],
  );
  return {
    ...initialParameters(target, rng),
    ...target.unconstrainParameters({ ...Object.fromEntries(added), ...resume.parameters }),
  };
}

/** Constrained values of unconstrained parameters: of all, or of those that are given. */
export function constrainedParameters(target: Target, unconstrained: ByName): ByName {
  const b = createBuilder();
  const own = target.parameters.filter((p) => unconstrained[p.name]);
  const given = Object.fromEntries(
    target.parameters.map((p) => [
      p.name,
      b.tensor(unconstrained[p.name] ?? new Float64Array(sizeOf(p.unconstrained)), p.unconstrained),
    ]),
  );
  const values = target.constrainParameters(b, given);
  const names = own.map((p) => p.name);
  const numbers = interpret(
    names.map((name) => values[name]),
    {},
  );
  return Object.fromEntries(names.map((name, i) => [name, numbers[i]]));
}
