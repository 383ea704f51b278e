// What a variational engine fits: a family of distributions over the latents, drawn from as a program of noise.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Assignment, Axis, NoiseSource, Setting, Target, Term } from "../../runtime/target.ts";
import { restFamily } from "./rest.ts";

/** A tensor that a family trains beside the model's and the guide's own; unconstrained. */
export interface FamilyParameter {
  readonly name: string;
  readonly shape: Shape;
  /** The plate that the first axis counts, where there is a row a datapoint. */
  readonly plate?: Axis;
  initial(rng: Rng): Float64Array;
}
/** The parameters at which something is evaluated. */
export interface Parameters {
  /** Constrained values of the target's parameters. */
  readonly target: Assignment;
  /** Of the family's. */
  readonly family: Assignment;
}
/** One draw of all latents. */
export interface Drawn {
  /** Constrained values, auxiliary variables included. */
  readonly values: Assignment;
  /** The unconstrained vector of the draw, where it was made there. */
  readonly position?: Value;
  /** log |dx/du| of latents that were drawn on the unconstrained scale. */
  readonly jacobian: readonly Term[];
  /** log q of the draw; the parameters may be others than those it was made with (held constant: sticking the landing). */
  logQ(parameters: Parameters): readonly Term[];
}
export interface Family {
  readonly parameters: readonly FamilyParameter[];
  draw(b: Builder, noise: NoiseSource, parameters: Parameters, setting: Setting): Drawn;
}

/** The guide block of the model, with a family over what it leaves to one. */
export function guided(target: Target): Family | undefined {
  const { guide } = target;
  if (guide === undefined) return undefined;
  const rest = guide.rest && restFamily(target, guide.rest);
  return {
    parameters: rest?.parameters ?? [],
    draw(b, noise, parameters, setting) {
      const here = { ...setting, parameters: parameters.target };
      const { values } = guide.draw(b, noise, here);
      const logQ = (p: Parameters): readonly Term[] => guide.terms(b, values, { ...setting, parameters: p.target });
      if (rest === undefined) return { values, jacobian: [], logQ };
      const others = rest.draw(b, noise, parameters, { ...here, given: values });
      return {
        values: { ...others.values, ...values },
        jacobian: others.jacobian,
        logQ: (p) => [...logQ(p), ...others.logQ(p)],
      };
    },
  };
}
