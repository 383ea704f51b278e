// Effects of areas that resemble their neighbours: autoregressions on a map, given by its edges.
import { ShapeError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { constantOf, shapeOf } from "../../runtime/ir/graph.ts";
import type { Numbers } from "../../runtime/ir/type.ts";
import { type AreaMap, areaMap, logPseudoDeterminant } from "../../runtime/numeric/area-map.ts";
import { symmetricEigenvalues } from "../../runtime/numeric/eigenvalues.ts";
import { log } from "../../runtime/numeric/math.ts";
import { category, real } from "../constraints/interval.ts";
import { sumToZero } from "../constraints/simplex.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { meanVector } from "./multi-normal.ts";
import { oneNoise, positiveNumber, scale } from "./params.ts";
import { HALF_LOG_TAU, halve, total } from "./standardise.ts";

const ends = (doc: string): Param => ({ constraint: category, rank: 1, doc });
const edges = {
  node1: ends("the area at one end of each edge"),
  node2: ends("the area at its other end; each pair of neighbours stands once"),
};

/** From 0. */
const indices = (b: Builder, node: Value): Value => b.sub(b.cast(node, "int"), b.constant(1, "int"));
/** Neighbours of each of n areas. */
function degrees(b: Builder, node1: Value, node2: Value, n: number): Value {
  const ones = b.broadcastTo(b.constant(1), [shapeOf(node1)[0]]);
  return b.add(b.scatterAdd(ones, indices(b, node1), n), b.scatterAdd(ones, indices(b, node2), n));
}
/** D - α W, D the diagonal of the numbers of neighbours and W 1 between neighbours; α 1: the Laplacian. */
function precision(b: Builder, node1: Value, node2: Value, n: number, alpha: Value): Value {
  const [i, j] = [indices(b, node1), indices(b, node2)];
  const size = b.constant(n, "int");
  const ones = b.broadcastTo(b.constant(1), shapeOf(i));
  const place = (row: Value, column: Value): Value => b.scatterAdd(ones, b.add(b.mul(row, size), column), n * n);
  const between = b.add(place(i, j), place(j, i));
  const own = b.add(place(i, i), place(j, j));
  return b.reshape(b.sub(own, b.mul(alpha, between)), [n, n]);
}
/** The Laplacian, and 1/n everywhere, which makes its eigenvalue 0 a 1. */
const completed = (b: Builder, node1: Value, node2: Value, n: number): Value =>
  b.add(precision(b, node1, node2, n, b.constant(1)), b.constant(1 / n));

/** What a map is asked for, found once: programs are made of a model several times, from the same data. */
interface KnownMap {
  readonly areas: number;
  readonly to: Numbers;
  readonly map: AreaMap;
  logPseudoDeterminant?: number;
  eigenvalues?: Float64Array;
}
const known = new WeakMap<Numbers, KnownMap>();

/** The edges, where they are data. */
function knownMap(node1: Value, node2: Value, areas: number): KnownMap | undefined {
  const [from, to] = [constantOf(node1), constantOf(node2)];
  if (!from || !to) return undefined;
  const earlier = known.get(from);
  if (earlier && earlier.to === to && earlier.areas === areas) return earlier;
  const made = { areas, to, map: areaMap(from, to, areas) };
  known.set(from, made);
  return made;
}
/** Of D^(-½) W D^(-½). */
function eigenvaluesOf({ areas: n, map: { neighbours } }: KnownMap): Float64Array {
  const w = new Float64Array(n * n);
  neighbours.forEach((near, i) => {
    for (const j of near) w[i * n + j] = 1 / Math.sqrt(near.length * neighbours[j].length);
  });
  return symmetricEigenvalues(w, n);
}
/** L'⁻¹ z of the lower factor of a precision: a draw. */
const drawByPrecision = (b: Builder, q: Value, z: Value, n: number): Value =>
  b.reshape(b.triangularSolve(b.cholesky(q), b.reshape(z, [n, 1]), { lower: true, transpose: true }), [n]);

export const icar = defineDistribution({
  name: "ICAR",
  doc: "The intrinsic conditional autoregression (Besag 1974) of sum 0: exp(-sum over edges (x[node1] - x[node2])^2 / (2 sigma^2)), normalised on the hyperplane; all areas hang together by edges.",
  params: { ...edges, sigma: scale("scale of the difference between neighbours") },
  support: { constraint: sumToZero },
  event: 1,
  logDensity: (b, x, { node1, node2, sigma }) => {
    const n = shapeOf(x)[0];
    const map = knownMap(node1, node2, n);
    if (map) map.logPseudoDeterminant ??= logPseudoDeterminant(map.map);
    const logDet = map?.logPseudoDeterminant;
    const halfLogDet = halve(b, logDet === undefined ? b.logAbsDet(completed(b, node1, node2, n)) : b.constant(logDet));
    const difference = b.sub(b.gather(x, indices(b, node1)), b.gather(x, indices(b, node2)));
    return total(
      b,
      b.neg(halve(b, b.sum(b.square(b.mul(difference, b.reciprocal(sigma)))))),
      b.neg(b.mul(b.constant(n - 1), b.log(sigma))),
      halfLogDet,
      b.constant(-(n - 1) * HALF_LOG_TAU),
    );
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    // Of the completed Laplacian, less the mean, which is what completed it.
    build: (b, [z], { node1, node2, sigma }, [n]) => {
      const x = drawByPrecision(b, completed(b, node1, node2, n), z, n);
      return b.mul(sigma, b.sub(x, b.mul(b.constant(1 / n), b.sum(x))));
    },
  },
  affine: { scale: "sigma", kind: "elementwise" },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [0.5, 1.25, -1.75], params: { node1: [1, 2], node2: [2, 3], sigma: 0.75 }, logDensity: -9.21320677717173 },
      { x: [1.75, -1.75], params: { node1: [1], node2: [2], sigma: 2 }, logDensity: -2.7967621234846454 },
      { x: [0.5, 2.25, -2.75], params: { node1: [1, 2, 1], node2: [2, 3, 3], sigma: 1.5 }, logDensity: -10.133528327290898 },
      {
        x: [-3, 0.125, 7, -5.5, 1.375],
        params: { node1: [1, 2, 3, 4, 2], node2: [2, 3, 4, 5, 5], sigma: 4 },
        logDensity: -15.913983409271259,
      },
      { x: [-1, 0.25, 0.75], params: { node1: [1, 3], node2: [2, 2], sigma: 0.375 }, logDensity: -5.771356860496283 },
    ],
  },
});

/** log det(D - α W): Σ log d_i + Σ log(1 - α λ_i), λ the eigenvalues of D^(-½) W D^(-½), which are known when the edges are (Jin, Carlin and
 *  Banerjee 2005). */
function logDetCar(b: Builder, node1: Value, node2: Value, n: number, alpha: Value): Value {
  const known = knownMap(node1, node2, n);
  const alone = known ? known.map.neighbours.findIndex((near) => near.length === 0) : -1;
  if (alone >= 0)
    throw new ShapeError(
      `area ${alone + 1} has no neighbours, and no distribution given them; leave it out and give it an effect of its own`,
    );
  if (!known) return b.logAbsDet(precision(b, node1, node2, n, alpha));
  known.eigenvalues ??= eigenvaluesOf(known);
  const lambda = b.tensor(known.eigenvalues, [n]);
  const logDegrees = known.map.neighbours.reduce((s, near) => s + log(near.length), 0);
  return b.add(b.sum(b.log1p(b.neg(b.mul(alpha, lambda)))), b.constant(logDegrees));
}

export const car = defineDistribution({
  name: "CAR",
  doc: "The proper conditional autoregression: MultiNormalPrec(mu, tau (D - alpha W)), D the numbers of neighbours and W 1 between neighbours: each area, given the others, is normal about alpha times the mean of its neighbours.",
  params: {
    mu: meanVector,
    ...edges,
    alpha: { constraint: real, bounds: { lower: -1, upper: 1 }, rank: 0, doc: "dependence on neighbours, between -1 and 1" },
    tau: positiveNumber("precision, for each neighbour"),
  },
  support: { constraint: real },
  event: 1,
  eventShape: ({ mu }) => mu,
  logDensity: (b, x, { mu, node1, node2, alpha, tau }) => {
    const n = shapeOf(x)[0];
    const d = b.sub(x, mu);
    const own = b.sum(b.mul(degrees(b, node1, node2, n), b.square(d)));
    const between = b.sum(b.mul(b.gather(d, indices(b, node1)), b.gather(d, indices(b, node2))));
    const quadratic = b.sub(own, b.mul(b.mul(b.constant(2), alpha), between));
    return total(
      b,
      b.neg(halve(b, b.mul(tau, quadratic))),
      halve(b, logDetCar(b, node1, node2, n, alpha)),
      b.mul(b.constant(n / 2), b.log(tau)),
      b.constant(-n * HALF_LOG_TAU),
    );
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [z], { mu, node1, node2, alpha, tau }, [n]) => {
      const x = drawByPrecision(b, precision(b, node1, node2, n, alpha), z, n);
      return b.add(mu, b.div(x, b.sqrt(tau)));
    },
  },
  mean: (_b, { mu }) => mu,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [0.5, 1.25, -1.5],
        params: { mu: [0.25, 0, 0.5], node1: [1, 2], node2: [2, 3], alpha: 0.75, tau: 2 },
        logDensity: -12.25261052508636,
      },
      {
        x: [1.75, -1.5],
        params: { mu: [0, 1], node1: [1], node2: [2], alpha: -0.5, tau: 0.375 },
        logDensity: -3.8883286056469624,
      },
      {
        x: [0.5, 2.25, -2.5],
        params: { mu: [1, 1.5, 2], node1: [1, 2, 1], node2: [2, 3, 3], alpha: 0.96875, tau: 1.5 },
        logDensity: -36.220208809770845,
      },
      {
        x: [-3, 0.125, 7, -5.5, 1.5],
        params: { mu: [0.5, 0.25, 0, 1, 2], node1: [1, 2, 3, 4, 2], node2: [2, 3, 4, 5, 5], alpha: 0.25, tau: 4 },
        logDensity: -432.7961847585521,
      },
    ],
  },
});
