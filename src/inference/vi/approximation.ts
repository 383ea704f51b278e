// What a variational engine fits: a family of distributions over the latents, drawn from as a program of noise.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Assignment, Axis, Guide, NoiseSource, Setting, Target, Term } from "../../runtime/target.ts";
import { besideDiscrete } from "./families/discrete.ts";
import { restFamily } from "./rest.ts";

/** A tensor that a family trains beside the model's and the guide's own; unconstrained. */
export interface FamilyParameter {
  /** No identifier: params of a model, beside which it is trained and saved, have such names. */
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
  /** The draw as the target numbers it, where it was made so: unconstrained coordinates, then discrete values. */
  readonly position?: Value;
  /** log |dx/du| of latents that were drawn on the unconstrained scale. */
  readonly jacobian: readonly Term[];
  /** log q of the draw; the parameters may be others than those it was made with (held constant: sticking the landing). */
  logQ(parameters: Parameters): readonly Term[];
  /** Names whose draws have no path to the parameters; `values` has them, and a term of `logQ` of that site each. */
  readonly scored?: readonly string[];
  /** log r of auxiliary variables of the family's own given the draw. */
  readonly reverse?: readonly Term[];
}
export interface Family {
  readonly parameters: readonly FamilyParameter[];
  draw(b: Builder, noise: NoiseSource, parameters: Parameters, setting: Setting): Drawn;
}

/** The guide block of the model, with a family over what it leaves to one. */
export function guided(target: Target): Family | undefined {
  const { guide } = target;
  if (guide === undefined) return undefined;
  const rest = guide.rest && restWithDiscrete(target, guide.rest);
  return {
    parameters: rest?.parameters ?? [],
    draw(b, noise, parameters, setting) {
      const here = { ...setting, parameters: parameters.target };
      const { values, terms } = guide.draw(b, noise, here);
      // At the parameters of the draw its own density is at hand, which may take less than that of given values.
      const logQ = (p: Parameters): readonly Term[] =>
        p.target === parameters.target ? terms : guide.terms(b, values, { ...setting, parameters: p.target });
      const scored = guide.sites.filter((s) => s.gradient === "score").map((s) => s.name);
      if (rest === undefined) return { values, jacobian: [], logQ, scored };
      const others = rest.draw(b, noise, parameters, { ...here, given: values });
      return {
        values: { ...others.values, ...values },
        jacobian: others.jacobian,
        logQ: (p) => [...logQ(p), ...others.logQ(p)],
        scored: [...scored, ...(others.scored ?? [])],
      };
    },
  };
}

function restWithDiscrete(target: Target, rest: NonNullable<Guide["rest"]>): Family {
  const discrete = target.discrete.filter((s) => rest.names.includes(s.name));
  const inner = restFamily(target, rest);
  return discrete.length > 0 ? besideDiscrete(discrete, inner) : inner;
}
