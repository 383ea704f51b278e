// Parameters of a target as numbers: where training begins, and their values on the model's scale.
import { createBuilder } from "../../runtime/ir/builder.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Parameter, Target } from "../../runtime/target.ts";

import type { Resume } from "../engine.ts";
import type { Family } from "./approximation.ts";

type ByName = Readonly<Record<string, Float64Array>>;

/** What the model reads: a guide's own parameters have no part in its density. */
export const learntByModel = (target: Target): readonly Parameter[] => target.parameters.filter((p) => p.readBy !== "guide");

/** Unconstrained, each from a stream of its own name. */
export function initialParameters(target: Target, rng: Rng): ByName {
  return Object.fromEntries(target.parameters.map((p) => [p.name, p.initial(rng.split(p.name))]));
}

/** Where training begins: at initial values, or at those of an earlier fit where it has them. Both unconstrained, by name. */
export function startingValues(
  target: Target,
  family: Family,
  rng: Rng,
  resume?: Resume,
): { readonly parameters: ByName; readonly family: ByName } {
  const own = family.parameters.map((p): [string, Float64Array] => {
    const before = resume?.family[p.name];
    return [p.name, before?.length === sizeOf(p.shape) ? before : p.initial(rng.split(p.name))];
  });
  return { parameters: startingParameters(target, rng.split("parameters"), resume), family: Object.fromEntries(own) };
}

export function startingParameters(target: Target, rng: Rng, resume?: Resume): ByName {
  return { ...initialParameters(target, rng), ...(resume ? target.unconstrainParameters(resume.parameters) : {}) };
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
