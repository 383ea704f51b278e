// What the Gaussian families share: a draw of the unconstrained vector, carried to the latents, and its density.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { log } from "../../../runtime/numeric/math.ts";
import type { Assignment, NoiseSource, Target } from "../../../runtime/target.ts";
import type { Family, FamilyParameter } from "../approximation.ts";

/** Where to begin, and how wide, by coordinate. */
export interface Start {
  readonly position: Float64Array;
  readonly scale?: Float64Array;
}
/** Far narrower than most posteriors, so that the first steps see where the mode is. */
export const INITIAL_SCALE = 0.1;

export interface VectorFamily {
  readonly parameters: readonly FamilyParameter[];
  prepare(b: Builder, p: Assignment): VectorLaw;
}
/** The family at its parameters. */
export interface VectorLaw {
  /** A draw of the unconstrained vector. */
  draw(noise: NoiseSource): Value;
  /** Log density of a vector: a scalar. */
  logDensity(u: Value): Value;
}

export function gaussian(target: Target, f: VectorFamily): Family {
  return {
    parameters: f.parameters,
    draw(b, noise, parameters, setting) {
      const u = f.prepare(b, parameters.family).draw(noise);
      const { values, jacobian } = target.constrain(b, u, { ...setting, parameters: parameters.target });
      return {
        values,
        jacobian,
        position: u,
        logQ: (p) => [
          {
            site: "q",
            role: "guide",
            axes: [],
            value: f.prepare(b, p.family).logDensity(u),
            reads: Object.keys(values),
            span: { file: 0, start: 0, end: 0 },
          },
        ],
      };
    },
  };
}

/** ½ Σ z² + n/2 log 2π: minus the log density of n standard normal numbers. */
export function halfSquares(b: Builder, z: Value, n: number): Value {
  return b.add(b.mul(b.constant(0.5), b.sum(b.square(z))), b.constant(0.5 * n * log(2 * Math.PI)));
}
