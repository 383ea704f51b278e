// Eigenvalues and eigenvectors of symmetric matrices.
import { shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { type Numbers, real, sizeOf } from "../type.ts";
import { identityMatrix, leadingRows, range, squareMatrixShape, transposed } from "./axes.ts";
import { hosted } from "./tensor-rules.ts";

/** Sweeps until the squares off the diagonal sum to at most this share of all: (2⁻⁵⁵)². Convergence is quadratic; some 8 sweeps do. */
export const JACOBI_LIMIT = 7.703719777548943e-34;
export const JACOBI_SWEEPS = 40;
/** Eigenvalues nearer to each other than this times n times the greatest are not told apart: their vectors are any basis of a plane. */
const UNIT_ROUNDOFF = 1.1102230246251565e-16;

/** 2⁻⁴⁰⁰, 2⁴⁰⁰, 2⁶⁰⁰, 2⁻⁶⁰⁰: matrices whose greatest element is beyond the first two are scaled, for squares of squares would not be numbers of full
 *  precision. A power of two changes no other bit. */
export const EIGEN_SCALING = {
  least: 3.8725919148493183e-121,
  most: 2.5822498780869086e120,
  up: 4.149515568880993e180,
  down: 2.409919865102884e-181,
};

/** Cyclic Jacobi (Golub & Van Loan §8.5): rotations in the planes (p, q), row by row, each of which makes one element 0. `m` becomes
 *  diagonal, the rows of the result are the eigenvectors. False where it does not converge: the matrix has NaN or infinities. */
function diagonalise(m: Float64Array, v: Float64Array, n: number): boolean {
  const total = m.reduce((s, x) => s + x * x, 0);
  const off = (): number => range(0, n).reduce((s, i) => range(i + 1, n).reduce((t, j) => t + m[i * n + j] * m[i * n + j], s), 0);
  for (let sweep = 0; sweep < JACOBI_SWEEPS && off() > total * JACOBI_LIMIT; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const x = m[p * n + q];
        if (x === 0) continue;
        const theta = (m[q * n + q] - m[p * n + p]) / (2 * x);
        const size = 1 / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const t = theta < 0 ? -size : size;
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        const tau = s / (1 + c);
        const rotate = (rows: Float64Array): void => {
          for (let k = 0; k < n; k++) {
            const [g, h] = [rows[p * n + k], rows[q * n + k]];
            rows[p * n + k] = g - s * (h + tau * g);
            rows[q * n + k] = h + s * (g - tau * h);
          }
        };
        const [pp, qq] = [m[p * n + p] - t * x, m[q * n + q] + t * x];
        rotate(m);
        m[p * n + p] = pp;
        m[q * n + q] = qq;
        m[p * n + q] = m[q * n + p] = 0;
        for (const i of [p, q]) for (let k = 0; k < n; k++) m[k * n + i] = m[i * n + k];
        rotate(v);
      }
  return total < Number.POSITIVE_INFINITY && off() <= total * JACOBI_LIMIT;
}

/** Of A [lead…, n, n], taken as (A + Aᵀ) / 2: eigenvalues [lead…, n] in increasing order, and unit eigenvectors, the columns of [lead…, n, n], each
 *  with its element of greatest size positive. NaN everywhere where A has NaN. */
export const symmetricEigen: Primitive<Readonly<Record<string, never>>> = {
  name: "symmetricEigen",
  type([a]) {
    const { lead, n } = squareMatrixShape("symmetricEigen", a);
    return [real([...lead, n]), real([...lead, n, n])];
  },
  /** Giles 2008 (An extended collection of matrix derivative results), §3.1: Ā = V (diag(λ̄) + F ∘ (Vᵀ V̄)) Vᵀ with F_ij = 1 / (λ_j - λ_i), made
   *  symmetric. That is done before F is multiplied with: of a function that sees no basis of a plane, what a large F meets is then no larger
   *  than rounding, and stays in that plane. Where eigenvalues coincide, eigenvectors have no derivative, and F is 0. */
  gradient(b, [valuesCt, vectorsCt], node) {
    const values: Value = { node, index: 0 };
    const vectors: Value = { node, index: 1 };
    const [lead, n] = [shapeOf(values).slice(0, -1), shapeOf(values)[shapeOf(values).length - 1]];
    const asRow = (v: Value): Value => b.reshape(v, [...lead, 1, n]);
    const parts: Value[] = [];
    if (valuesCt) parts.push(b.mul(identityMatrix(b, n), asRow(valuesCt)));
    if (vectorsCt) {
      const gap = b.sub(asRow(values), b.reshape(values, [...lead, n, 1]));
      const greatest = b.reshape(b.reduceMax(b.abs(values), [lead.length]), [...lead, 1, 1]);
      const apart = b.gt(b.abs(gap), b.mul(b.constant(n * UNIT_ROUNDOFF), greatest));
      const inverse = b.select(apart, b.reciprocal(gap), b.constant(0));
      const turning = b.matmul(transposed(b, vectors), vectorsCt);
      parts.push(b.mul(inverse, b.mul(b.constant(0.5), b.sub(turning, transposed(b, turning)))));
    }
    if (parts.length === 0) return [null];
    return [b.matmul(b.matmul(vectors, parts.length === 2 ? b.add(parts[0], parts[1]) : parts[0]), transposed(b, vectors))];
  },
  batch: (b, [a]) => [...b.symmetricEigen(a)],
  rows: leadingRows,
  interpret([a], node) {
    const [n] = shapeOf(node.inputs[0]).slice(-1);
    const systems = sizeOf(shapeOf(node.inputs[0]).slice(0, -2));
    const values = new Float64Array(systems * n);
    const vectors = new Float64Array(systems * n * n);
    const { least, most } = EIGEN_SCALING;
    for (let system = 0; system < systems; system++) {
      const m = symmetricPart(a, system * n * n, n);
      const largest = m.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const [up, down] =
        largest < least
          ? [EIGEN_SCALING.up, EIGEN_SCALING.down]
          : largest > most
            ? [EIGEN_SCALING.down, EIGEN_SCALING.up]
            : [1, 1];
      m.forEach((x, i) => {
        m[i] = up * x;
      });
      const v = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
      const sound = diagonalise(m, v, n);
      const order = range(0, n).sort((i, j) => m[i * n + i] - m[j * n + j]);
      for (const [place, i] of order.entries()) {
        const own = v.subarray(i * n, (i + 1) * n);
        const greatest = own.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
        values[system * n + place] = sound ? down * m[i * n + i] : Number.NaN;
        for (let k = 0; k < n; k++)
          vectors[(system * n + k) * n + place] = sound ? (greatest < 0 ? -own[k] : own[k]) : Number.NaN;
      }
    }
    return [values, vectors];
  },
  wasm: { kind: "routine", routine: "symmetricEigen" },
  tfjs: hosted,
  probes: [
    { inputs: [{ type: real([3, 3]), values: [2.6, 0.7, -0.4, 0.5, -1.9, 0.55, -0.3, 0.65, 0.8] }], attrs: {} },
    { inputs: [{ type: real([2, 2, 2]), values: [1.7, 0.6, 0.8, -2.3, 0.4, -1.1, -1.3, 1.4] }], attrs: {} },
    { inputs: [{ type: real([1, 1]), values: [-2.25] }], attrs: {} },
    { inputs: [{ type: real([2, 2]), values: [1.5, 0, 0, 1.5] }], attrs: {}, singular: true },
  ],
};

const symmetricPart = (a: Numbers, start: number, n: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, i) => {
    const mirrored = (i % n) * n + Math.floor(i / n);
    return 0.5 * (a[start + i] + a[start + mirrored]);
  });
