// The gradient of a bound model against differences of its density, at points drawn at random.
import { expect } from "vitest";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Target } from "../../src/runtime/target.ts";
import { centralDifference, expectDerivative } from "../laws/finite-difference.ts";

const POINTS = 5;

/** `coordinates`: so many are tried one by one at each point, all where there are no more; a direction at random then covers all at once. */
export async function expectGradient(target: Target, label: string, coordinates: number): Promise<void> {
  const density = await target.density();
  const n = target.dimension;
  const rng = stream(1, label);
  const [gradient, unused] = [new Float64Array(n), new Float64Array(n)];
  for (let point = 1; point <= POINTS; point++) {
    const q = Float64Array.from({ length: n }, () => 2 * rng.uniform() - 1);
    const value = density.evaluate(q, gradient);
    const where = `point ${point}`;
    expect(Number.isFinite(value), `${where}: ${value}`).toBe(true);
    const f = (x: Float64Array): number => density.evaluate(x, unused);
    const some = n <= coordinates ? [...q.keys()] : Array.from({ length: coordinates }, () => Math.floor(n * rng.uniform()));
    for (const i of some) expectDerivative(gradient[i], centralDifference(f, q, i, Math.abs(value)), `${where}, coordinate ${i}`);
    const direction = q.map(() => rng.normal() / Math.sqrt(n));
    const along = ([t]: Float64Array): number => f(q.map((x, i) => x + t * direction[i]));
    const slope = gradient.reduce((sum, g, i) => sum + g * direction[i], 0);
    expectDerivative(slope, centralDifference(along, Float64Array.of(0), 0, Math.abs(value)), `${where}, a direction`);
  }
  density.dispose();
}
