// What the Gaussian families share: a draw of the unconstrained vector, carried to the latents, and its density.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import type { Assignment, NoiseSource, Target, Term } from "../../../runtime/target.ts";
import type { Family, FamilyParameter } from "../approximation.ts";

/** Where to begin, and how wide, by coordinate. */
export interface Start {
  readonly position: Float64Array;
  readonly scale?: Float64Array;
}
export interface VectorFamily {
  readonly parameters: readonly FamilyParameter[];
  /** A draw of the unconstrained vector. */
  draw(b: Builder, noise: NoiseSource, p: Assignment): Value;
  /** Log density of a vector: a scalar. */
  logDensity(b: Builder, u: Value, p: Assignment): Value;
}

export function gaussian(target: Target, f: VectorFamily): Family {
  return {
    parameters: f.parameters,
    draw(b, noise, parameters, setting) {
      const u = f.draw(b, noise, parameters.family);
      const { values, jacobian } = target.constrain(b, u, { ...setting, parameters: parameters.target });
      return {
        values,
        jacobian,
        position: u,
        logQ: (p): readonly Term[] => [
          {
            site: "q",
            role: "guide",
            axes: [],
            value: f.logDensity(b, u, p.family),
            reads: Object.keys(values),
            span: { file: 0, start: 0, end: 0 },
          },
        ],
      };
    },
  };
}
