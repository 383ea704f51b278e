// What the Gaussian families share: a draw of the unconstrained vector, carried to the latents, and its density. They are written in
// coordinates that are standard where they begin, so that one learning rate fits posteriors of any scale.
import { InternalError } from "../../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { log } from "../../../runtime/numeric/math.ts";
import type { Assignment, NoiseSource, Target } from "../../../runtime/target.ts";
import type { Family, FamilyParameter } from "../approximation.ts";

/** Where to begin: u = position + F v, of which the families are laws of v. */
export interface Start {
  readonly position: Float64Array;
  /** Diagonal of F, by coordinate. */
  readonly scale?: Float64Array;
  /** F itself, lower triangular with a positive diagonal, row-major; `scale` is not read beside it. */
  readonly factor?: Float64Array;
}
/** Far narrower than most posteriors, so that the first steps see where the mode is. */
const INITIAL_SCALE = 0.1;
/** log of a deviation of v to begin with: where F knows the scales, all of them. */
export const initialLogScale = ({ scale, factor }: Start): number => (scale || factor ? 0 : log(INITIAL_SCALE));

/** Of the parameter that is the mean of v. */
export const MEAN = "mean of q";
/** Laws of v; without a parameter MEAN, of mean 0. */
export interface VectorFamily {
  readonly parameters: readonly FamilyParameter[];
  prepare(b: Builder, p: Assignment): VectorLaw;
}
/** The family at its parameters. */
export interface VectorLaw {
  /** A draw of v. */
  draw(noise: NoiseSource): Value;
  /** Log density of v: a scalar. */
  logDensity(v: Value): Value;
}
/** A family whose draws are unconstrained vectors. */
export interface GaussianFamily extends Family {
  /** Log density of an unconstrained vector: a scalar. */
  logDensity(b: Builder, parameters: Assignment, u: Value): Value;
  /** Mean of the unconstrained vector. */
  mean(fitted: Readonly<Record<string, Float64Array>>): Float64Array;
}

export function gaussian(target: Target, start: Start, f: VectorFamily): GaussianFamily {
  const n = target.dimension;
  const { position, scale, factor } = start;
  let logVolume = 0;
  if (factor) for (let i = 0; i < n; i++) logVolume += log(factor[i * n + i]);
  else if (scale) for (const s of scale) logVolume += log(s);
  const outward = (b: Builder, v: Value): Value => {
    const origin = b.tensor(position, [n]);
    if (factor) return b.add(origin, b.matmul(b.tensor(factor, [n, n]), v));
    return b.add(origin, scale ? b.mul(b.tensor(scale, [n]), v) : v);
  };
  const inward = (b: Builder, u: Value): Value => {
    const centred = b.sub(u, b.tensor(position, [n]));
    if (!factor) return scale ? b.div(centred, b.tensor(scale, [n])) : centred;
    const solved = b.triangularSolve(b.tensor(factor, [n, n]), b.reshape(centred, [n, 1]), { lower: true, transpose: false });
    return b.reshape(solved, [n]);
  };
  return {
    parameters: f.parameters,
    draw(b, noise, parameters, setting) {
      const v = f.prepare(b, parameters.family).draw(noise);
      const u = outward(b, v);
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
            value: b.sub(f.prepare(b, p.family).logDensity(v), b.constant(logVolume)),
            reads: Object.keys(values),
            span: { file: 0, start: 0, end: 0 },
          },
        ],
      };
    },
    logDensity(b, parameters, u) {
      if (shapeOf(u).join() !== `${n}`) throw new InternalError(`a vector of shape [${shapeOf(u)}] where [${n}] belongs`);
      return b.sub(f.prepare(b, parameters).logDensity(inward(b, u)), b.constant(logVolume));
    },
    mean({ [MEAN]: mean }) {
      if (mean === undefined) return position.slice();
      if (!factor) return position.map((x, i) => x + (scale ? scale[i] : 1) * mean[i]);
      return position.map((x, i) => {
        let sum = x;
        for (let j = 0; j <= i; j++) sum += factor[i * n + j] * mean[j];
        return sum;
      });
    },
  };
}

/** The normal distribution of the start itself: nothing to fit. */
export function standardNormal(target: Target, start: Start): GaussianFamily {
  const n = target.dimension;
  return gaussian(target, start, {
    parameters: [],
    prepare: (b) => ({
      draw: (noise) => noise.noise("normal", [n], []),
      logDensity: (v) => b.neg(halfSquares(b, v, n)),
    }),
  });
}

/** ½ Σ z² + n/2 log 2π: minus the log density of n standard normal numbers. */
export function halfSquares(b: Builder, z: Value, n: number): Value {
  return b.add(b.mul(b.constant(0.5), b.sum(b.square(z))), b.constant(0.5 * n * log(2 * Math.PI)));
}
