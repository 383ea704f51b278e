// What draws of any distribution must satisfy: they lie inside, they fall into cells as often as the density says, and the density's
// slopes average over them to what integration by parts gives.
import { expect } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { boundsOf, type Case, drawMany, unconstrained } from "./distribution-cases.ts";
import { massOf } from "./distribution-mass.ts";
import { chiSquare, standardError, Z } from "./goodness-of-fit.ts";

export function expectInside(c: Case, draws: Float64Array): void {
  const { constraint, declared } = c.make(createBuilder()).support;
  const bounds = declared ? {} : boundsOf(c);
  const size = sizeOf(c.shape);
  const outside: string[] = [];
  for (let i = 0; i < draws.length; i += size) {
    const x = draws.subarray(i, i + size);
    const event = constraint.event === 0 ? [] : c.shape;
    // A number may round onto the edge of an open set, or overflow where there is none.
    const edge =
      size === 1 &&
      (x[0] === bounds.lower ||
        x[0] === bounds.upper ||
        x[0] === constraint.ownBounds?.lower ||
        x[0] === constraint.ownBounds?.upper ||
        (x[0] === Number.POSITIVE_INFINITY && bounds.upper === undefined) ||
        (x[0] === Number.NEGATIVE_INFINITY && bounds.lower === undefined));
    if (!edge && !constraint.contains(x, event, bounds)) outside.push(`${x}`);
  }
  expect(outside, `${c.title}: not ${constraint.words}, ${JSON.stringify(bounds)}`).toEqual([]);
}

/** Chi-square over cells of known mass. false: draws that are not numbers, or no masses known. */
export function expectFrequencies(c: Case, draws: Float64Array): boolean {
  const cells = massOf(c)?.cells;
  if (!cells) return false;
  const { statistic, limit } = chiSquare(cells, draws);
  expect(statistic, `${c.title}: chi-square, limit ${limit}`).toBeLessThanOrEqual(limit);
  return true;
}

/** With ℓ the log density of the unconstrained coordinates u: E ∂_i ℓ = 0 and E u_j ∂_i ℓ = -δ_ij (integration by parts). */
export function expectSlopes(c: Case, draws: Float64Array): void {
  const target = unconstrained(c);
  const size = sizeOf(c.shape);
  const n = draws.length / size;
  const d = target.dimension;
  if (d === 0) return;
  const us = new Float64Array(n * d);
  const { redraw } = c.make(createBuilder()).support.constraint;
  const rng = stream(5, c.title);
  for (let i = 0; i < n; i++) {
    const u = target.unconstrain(draws.subarray(i * size, (i + 1) * size));
    redraw?.(rng, u);
    us.set(u, i * d);
  }
  const { gradient } = target.logAndGradient(us);
  // Centred, so that a location far from 0 does not drown the second identity: E (u_j - m_j) ∂_i ℓ is the same for any m.
  const centre = Float64Array.from({ length: d }, (_, j) => us.filter((_, k) => k % d === j).sort()[n >> 1]);
  for (let i = 0; i < d; i++) {
    const column = (f: (k: number) => number): Float64Array => Float64Array.from({ length: n }, (_, k) => f(k));
    const check = (values: Float64Array, expected: number, what: string): void => {
      const { mean, error } = standardError(values);
      expect(Math.abs(mean - expected), `${c.title}: ${what} = ${mean}, expected ${expected} ± ${error}`).toBeLessThanOrEqual(
        (Z + 1) * error + 1e-9,
      );
    };
    check(
      column((k) => gradient[k * d + i]),
      0,
      `E ∂${i}`,
    );
    for (let j = 0; j < d; j++)
      check(
        column((k) => (us[k * d + j] - centre[j]) * gradient[k * d + i]),
        i === j ? -1 : 0,
        `E u${j} ∂${i}`,
      );
  }
}

export function expectDraws(c: Case, n: number): void {
  const draws = drawMany(c, n, stream(20240229, c.title));
  expect(draws, `${c.title} can be drawn`).not.toBeNull();
  if (!draws) return;
  expectInside(c, draws);
  if (c.shape.length === 0) expect(expectFrequencies(c, draws), `${c.title}: no cells`).toBe(true);
  else if (!c.make(createBuilder()).support.constraint.discrete) expectSlopes(c, draws);
}
