// Points of the sphere.
import { ShapeError } from "../../runtime/errors.ts";
import { lgamma, log } from "../../runtime/numeric/math.ts";
import type { Constraint } from "./define.ts";

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
  // Stan's: x = u / ‖u‖. The K-th coordinate, the length r of u, is free; it is given the chi distribution of a standard normal vector,
  // ∫ r^{K-1} e^{-r²/2} dr = 2^{K/2-1} Γ(K/2) = 1 / c, so that a density on the sphere keeps its integral: log c - ½ u'u.
  constrain: (b, u, _bounds, [k]) => {
    const squared = b.sum(b.square(u));
    const logC = (1 - k / 2) * log(2) - lgamma(k / 2);
    return {
      x: b.mul(u, b.reciprocal(b.sqrt(squared))),
      logDetJacobian: b.sub(b.constant(logC), b.mul(b.constant(0.5), squared)),
    };
  },
  unconstrain: (x) => Float64Array.from(x),
  // u'u is a chi-square with K degrees of freedom, whatever the direction.
  redraw: (rng, u) => {
    let [old, squared] = [0, 0];
    for (let i = 0; i < u.length; i++) {
      const z = rng.normal();
      old += u[i] * u[i];
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
