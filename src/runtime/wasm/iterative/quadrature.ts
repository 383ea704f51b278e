// Integrals of exp(phi(u)) over u >= 0, phi concave and falling from phi(0) = 0, with moments of functions of u under that weight.
// Beyond the point where phi is -CUT nothing is left of them in float64; up to it Gauss and Legendre's rule converges like that of a normal
// density, since phi is analytic near the real axis.

import { unsigned } from "../instructions.ts";
import type { F64, Local } from "../module.ts";
import { type FunctionBuilder, f64x2, v128 } from "../module.ts";
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { points, weights } from "./gauss-legendre.ts";
import { abs, add, type Body, div, type Expression, gt, mul, sqrt, sub } from "./scalar.ts";

export const CUT = 38;

/** exp(phi(u)) and the functions of u whose moments are wanted; parameters are equal in both lanes. */
export interface Integrand {
  readonly name: string;
  readonly parameters: number;
  /** Expression of functions beside the constant 1: of them first moments, and where `order` is 2 all second ones. */
  readonly statistics: number;
  write(
    w: VectorEmitter,
    u: VectorValue,
    parameters: readonly VectorValue[],
  ): { readonly phi: VectorValue; readonly statistics: readonly VectorValue[] };
}

/** ∫ exp(phi), then E s_i for each statistic (order >= 1), then Cov(s_i, s_j) for i <= j (order 2), over 0 <= u <= end. */
export function integrate(
  b: Body,
  integrand: Integrand,
  order: 0 | 1 | 2,
  end: Expression,
  parameters: readonly Expression[],
): F64[] {
  const n = order === 0 ? 0 : integrand.statistics;
  const pairs = order === 2 ? pairsOf(n) : [];
  const sums = 1 + n + pairs.length;
  const arity = 3 + parameters.length + sums;
  // (point, weight, half of the end, parameters…, sums so far…) -> sums
  const node = b.functions.lanes(
    `${integrand.name} at two points, order ${order}`,
    arity,
    sums,
    (w, [t, weight, half, ...xs]) => {
      const u = w.add(half, w.mul(half, t));
      const { phi, statistics } = integrand.write(w, u, xs.slice(0, parameters.length));
      const e = w.mul(weight, w.call("exp", phi));
      const values = [
        e,
        ...statistics.slice(0, n).map((s) => w.mul(e, s)),
        ...pairs.map(([i, j]) => w.mul(w.mul(e, statistics[i]), statistics[j])),
      ];
      return values.map((v, i) => w.add(xs[parameters.length + i], v));
    },
  );
  const half = b.let(mul(end, 0.5));
  const spread = [half, ...parameters.map((p) => b.let(p))].map((x) => b.f.let(f64x2.splat(x)));
  const totals = Array.from({ length: sums }, () => b.f.let(v128.const(0)));
  points.forEach((point, i) => {
    const args = [v128.const(-point, point), v128.const(weights[i]), ...spread, ...totals];
    callInto(
      b.f,
      node,
      args.map((a) => a.code),
      totals,
    );
  });
  const [mass, ...moments] = totals.map((s) => b.let(add(f64x2.extract(s, 0), f64x2.extract(s, 1))));
  const means = moments.slice(0, n).map((m) => b.let(div(m, mass)));
  const covariances = pairs.map(([i, j], k) => b.let(sub(div(moments[n + k], mass), mul(means[i], means[j]))));
  return [b.let(mul(half, mass)), ...means, ...covariances];
}
export const pairsOf = (n: number): readonly (readonly [number, number])[] =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n - i }, (_, k) => [i, i + k] as const)).flat();

function callInto(
  f: FunctionBuilder,
  callee: FunctionBuilder,
  args: readonly (readonly number[])[],
  results: readonly Local[],
): void {
  f.append(...args, [0x10, ...unsigned(callee.index)]);
  for (const local of [...results].reverse()) f.append([0x21, ...unsigned(local.index)]);
}

/** Where phi is about -CUT: phi'(0) = -slope, phi''(0) = -curvature. Newton's steps from the parabola; past the end they come down
 *  monotonically, as phi is concave. `phi` and `slopeAt` (of -phi') are evaluated at a local. */
export function endOf(
  b: Body,
  slope: Expression,
  curvature: Expression,
  phi: (u: F64) => F64,
  slopeAt: (u: F64) => F64,
): Local<"f64"> {
  const u = b.let(div(2 * CUT, add(slope, sqrt(add(mul(slope, slope), mul(curvature, 2 * CUT))))));
  b.repeat(40, () => {
    const excess = b.let(add(phi(u), CUT));
    b.increase(u, div(excess, slopeAt(u)));
    return gt(abs(excess), 4);
  });
  return u;
}
