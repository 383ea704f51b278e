// The gradient of a bound model against differences of its density, at points drawn at random.
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { loadModel } from "../../src/load.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { centralDifference, expectDerivative } from "../laws/finite-difference.ts";
import { readData } from "./reference.ts";

const POINTS = 5;
/** So many are drawn where samplers start, uniformly within ±2, and those of highest density taken: far out a model may be at the edge of what
 *  doubles hold, as where a difference of two solutions of an equation is nearly 0. */
const CANDIDATES = 40;
/** Derivatives are those of the equations' solutions, not of what a solver makes of them: it must be near. */
const solved = { rtol: 1e-12, atol: 1e-12, steps: 1_000_000 };

/** `coordinates`: so many are tried one by one at each point, all where there are no more; a direction at random then covers all at once. */
export async function expectGradient(path: string, set: string, coordinates: number): Promise<void> {
  const options = /^const .*\brtol = /m.test(readFileSync(path, "utf8")) ? { set: solved } : {};
  const { target } = await loadModel(path).bind(readData(set), options);
  const density = await target.density();
  const n = target.dimension;
  const rng = stream(1, set);
  const [gradient, unused] = [new Float64Array(n), new Float64Array(n)];
  const f = (x: Float64Array): number => density.evaluate(x, unused);
  const candidates = Array.from({ length: CANDIDATES }, () => {
    const q = Float64Array.from({ length: n }, () => 4 * rng.uniform() - 2);
    return { q, value: f(q) };
  });
  const points = candidates.filter(({ value }) => Number.isFinite(value)).sort((a, b) => b.value - a.value);
  expect(points.length, "points of finite density").toBeGreaterThanOrEqual(POINTS);
  for (const [k, { q, value }] of points.slice(0, POINTS).entries()) {
    expect(density.evaluate(q, gradient)).toBe(value);
    const some = n <= coordinates ? [...q.keys()] : Array.from({ length: coordinates }, () => Math.floor(n * rng.uniform()));
    for (const i of some)
      expectDerivative(gradient[i], centralDifference(f, q, i, Math.abs(value)), `point ${k + 1}, coordinate ${i}`);
    const direction = q.map(() => rng.normal() / Math.sqrt(n));
    const along = ([t]: Float64Array): number => f(q.map((x, i) => x + t * direction[i]));
    const slope = gradient.reduce((sum, g, i) => sum + g * direction[i], 0);
    expectDerivative(slope, centralDifference(along, Float64Array.of(0), 0, Math.abs(value)), `point ${k + 1}, a direction`);
  }
  density.dispose();
}
