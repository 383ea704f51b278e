// Increasing vectors.
import { ShapeError } from "../../runtime/errors.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { Constraint } from "./define.ts";

const lengthOf = ([k]: readonly number[]): number => {
  if (k === undefined) throw new ShapeError("an ordered type is a vector");
  return k;
};
/** log K!: a prior of K exchangeable numbers, restricted to one of their K! orders. */
const logOrders = (s: readonly number[]): number => {
  let sum = 0;
  for (let k = 2; k <= s[s.length - 1]; k++) sum += log(k);
  return sum;
};
const increasing = (x: ArrayLike<number>): boolean => {
  for (let i = 0; i < x.length; i++) if (Number.isNaN(x[i]) || (i > 0 && !(x[i] > x[i - 1]))) return false;
  return true;
};

export const ordered: Constraint = {
  name: "ordered",
  words: "an increasing vector",
  discrete: false,
  event: 1,
  measure: ([k]) => Array.from({ length: k }, (_, i) => i),
  unconstrainedShape: (s) => [lengthOf(s)],
  // x_1 = u_1, x_k = x_{k-1} + e^{u_k}; log|J| = u_2 + … + u_K.
  constrain: (b, u, _bounds, [k]) => {
    if (k < 2) return { x: u, logDetJacobian: b.constant(0) };
    const rest = b.slice(u, 0, 1, k - 1);
    return { x: b.cumsum(b.concat([b.slice(u, 0, 0, 1), b.exp(rest)], 0)), logDetJacobian: b.sum(rest) };
  },
  unconstrain: (x) => x.map((v, i) => (i === 0 ? v : log(v - x[i - 1]))),
  contains: increasing,
  logSymmetry: logOrders,
  probes: [
    { shape: [1], values: [0.75] },
    { shape: [2], values: [-1.5, 2.25] },
    { shape: [4], values: [-7, -6.875, 0.5, 11] },
  ],
};

export const positiveOrdered: Constraint = {
  name: "positive_ordered",
  words: "an increasing vector of positive numbers",
  discrete: false,
  event: 1,
  elements: { lower: 0 },
  measure: ordered.measure,
  unconstrainedShape: (s) => [lengthOf(s)],
  constrain: (b, u, _bounds, [k]) =>
    k === 0 ? { x: u, logDetJacobian: b.constant(0) } : { x: b.cumsum(b.exp(u)), logDetJacobian: b.sum(u) },
  unconstrain: (x) => x.map((v, i) => log(i === 0 ? v : v - x[i - 1])),
  contains: (x) => increasing(x) && (x.length === 0 || x[0] > 0),
  logSymmetry: logOrders,
  probes: [
    { shape: [1], values: [0.75] },
    { shape: [2], values: [0.0625, 2.25] },
    { shape: [4], values: [1e-4, 0.5, 3, 11] },
  ],
};
