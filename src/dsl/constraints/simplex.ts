// The simplex and its tangent space: vectors that sum to one, vectors that sum to zero.
//
// Coordinates of the simplex are the isometric log ratios (Egozcue et al. 2003, "Isometric logratio transformations for compositional
// data analysis"; Stan's since 2.37), not stick breaking: x = softmax(z) with z = V u, V orthonormal onto the vectors of sum zero.
// They treat all components alike, u = 0 is the centre, a Dirichlet is nearer to a normal in them, and no component is a product
// of K - 1 factors that underflow.
import { ShapeError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { Constraint } from "./define.ts";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const vectorOf = (name: string, [k]: readonly number[]): number => {
  if (k === undefined || k < 1) throw new ShapeError(`a ${name} has at least one element`);
  return k;
};

/** z = V u for u of length K - 1, the columns of V being Helmert contrasts: with w_n = u_n / sqrt(n (n + 1)), n = 1 … K - 1,
 *  z_n = Σ_{m ≥ n} w_m - (n - 1) w_{n-1}. O(K), as Stan's sum_to_zero_vector (2.36). */
function ontoZeroSum(b: Builder, u: Value, k: number): Value {
  const n = range(k - 1).map((i) => i + 1);
  const w = b.mul(
    u,
    b.tensor(
      Float64Array.from(n, (i) => 1 / Math.sqrt(i * (i + 1))),
      [k - 1],
    ),
  );
  const later = b.assemble([b.cumsum(w, true)], 0, [0], k);
  const own = b.assemble([b.mul(w, b.tensor(Float64Array.from(n), [k - 1]))], 0, [1], k);
  return b.sub(later, own);
}
/** u = V' z, from the end: with s = Σ_{m > n} w_m, z_n = w_n + s - (n - 1) w_{n-1}; from z_{n+1} follow w_n and s. */
function fromZeroSum(z: Float64Array): Float64Array {
  const k = z.length;
  const u = new Float64Array(k - 1);
  let later = 0;
  for (let n = k - 1; n >= 1; n--) {
    const w = (later - z[n]) / n;
    later += w;
    u[n - 1] = w * Math.sqrt(n * (n + 1));
  }
  return u;
}

export const simplex: Constraint = {
  name: "simplex",
  words: "a simplex (nonnegative, sum 1)",
  discrete: false,
  event: 1,
  elements: { lower: 0, upper: 1 },
  measure: ([k]) => range(k - 1),
  unconstrainedShape: (s) => [vectorOf("simplex", s) - 1],
  // log|∂x_{1..K-1}/∂u| = ½ log K + Σ log x_i = ½ log K - K logΣexp(z), because Σ z = 0.
  constrain: (b, u, _bounds, [k]) => {
    if (k === 1) return { x: b.tensor(Float64Array.of(1), [1]), logDetJacobian: b.constant(0) };
    const z = ontoZeroSum(b, u, k);
    const size = b.logSumExp(z);
    return {
      x: b.exp(b.sub(z, size)),
      logDetJacobian: b.sub(b.constant(0.5 * log(k)), b.mul(b.constant(k), size)),
    };
  },
  unconstrain: (x) => {
    const z = Float64Array.from(x, log);
    const mean = z.reduce((s, v) => s + v, 0) / z.length;
    return fromZeroSum(z.map((v) => v - mean));
  },
  contains: (x) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      if (!(x[i] >= 0)) return false;
      sum += x[i];
    }
    return x.length > 0 && Math.abs(sum - 1) <= 1e-8;
  },
  probes: [
    { shape: [1], values: [1] },
    { shape: [2], values: [0.3125, 0.6875] },
    { shape: [3], values: [0.125, 0.25, 0.625] },
    { shape: [5], values: [0.05, 0.4, 1e-6, 0.25, 1 - 0.05 - 0.4 - 1e-6 - 0.25] },
  ],
};

export const sumToZero: Constraint = {
  name: "sum_to_zero",
  words: "a vector of sum 0",
  discrete: false,
  event: 1,
  // An isometry: volumes on the hyperplane are volumes of coordinates.
  measure: () => "surface",
  unconstrainedShape: (s) => [vectorOf("sum_to_zero vector", s) - 1],
  constrain: (b, u, _bounds, [k]) => ({
    x: k === 1 ? b.tensor(Float64Array.of(0), [1]) : ontoZeroSum(b, u, k),
    logDetJacobian: b.constant(0),
  }),
  unconstrain: (x) => fromZeroSum(x),
  contains: (x) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += x[i];
    return x.length > 0 && Math.abs(sum) <= 1e-8 * x.length;
  },
  probes: [
    { shape: [1], values: [0] },
    { shape: [2], values: [1.75, -1.75] },
    { shape: [3], values: [0.5, 2.25, -2.75] },
    { shape: [5], values: [-3, 0.125, 7, -5.5, 1.375] },
  ],
};
