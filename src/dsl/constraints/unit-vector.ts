// Points of the sphere.
import { ShapeError } from "../../runtime/errors.ts";
import { lgamma, log } from "../../runtime/numeric/math.ts";
import type { Constraint } from "./define.ts";

/** With K degrees of freedom, which is Stan's, lengths come near to 0, where u has less room for a turn than elsewhere and steps diverge: 7 of 100 on
 *  a circle. And the mode, if any, is at 0, where no normal approximation is. */
const LIFT = 8;

export const unitVector: Constraint = {
  name: "unit_vector",
  words: "a unit vector (sum of squares 1)",
  discrete: false,
  event: 1,
  elements: { lower: -1, upper: 1 },
  measure: () => "surface",
  unconstrainedShape: ([k]) => {
    if (k === undefined || k < 1) throw new ShapeError("a unit vector has at least one element");
    return [k];
  },
  // x = u / ‖u‖, as Stan's. The K-th coordinate, the length r of u, is free: with n = K + LIFT it is given the chi distribution with n degrees
  // of freedom, ∫ r^{n-1} e^{-r²/2} dr = 2^{n/2-1} Γ(n/2) = 1 / c, so that a density on the sphere keeps its integral:
  // log c + LIFT log r - ½ u'u.
  constrain: (b, u, _bounds, [k]) => {
    const squared = b.sum(b.square(u));
    const n = k + LIFT;
    const length = b.sub(b.mul(b.constant(LIFT / 2), b.log(squared)), b.mul(b.constant(0.5), squared));
    return {
      x: b.mul(u, b.reciprocal(b.sqrt(squared))),
      logDetJacobian: b.add(b.constant((1 - n / 2) * log(2) - lgamma(n / 2)), length),
    };
  },
  unconstrain: (x) => Float64Array.from(x),
  // u'u is a chi-square with K + LIFT degrees of freedom, whatever the direction.
  redraw: (rng, u) => {
    let [old, squared] = [0, 0];
    for (let i = 0; i < u.length; i++) old += u[i] * u[i];
    for (let i = 0; i < u.length + LIFT; i++) {
      const z = rng.normal();
      squared += z * z;
    }
    for (let i = 0; i < u.length; i++) u[i] *= Math.sqrt(squared / old);
  },
  contains: (x) => {
    let squared = 0;
    for (let i = 0; i < x.length; i++) squared += x[i] * x[i];
    return Math.abs(squared - 1) <= 1e-8;
  },
  probes: [
    { shape: [2], values: [0.6, -0.8] },
    { shape: [3], values: [2 / 7, 3 / 7, -6 / 7] },
    { shape: [4], values: [0.1, -0.1, 0.7, -0.7] },
  ],
};
