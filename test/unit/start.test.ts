// Where chains start: not where the log density is so large that its differences are rounding, nor where the gradient is not its slope.
import { expect, test } from "vitest";
import { findStart, START_TRIES, type StartingPoint } from "../../src/inference/hmc/start.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

/** The log densities of successive tries; the position found, with the number of evaluations. */
function found(densities: readonly number[], given?: Float64Array) {
  const point = { position: new Float64Array(2), gradient: new Float64Array(2), logDensity: Number.NaN };
  let evaluations = 0;
  const evaluator = {
    // Flat, so that no slope is asked for.
    evaluate(at: StartingPoint & { logDensity: number }) {
      at.logDensity = densities[evaluations++ % densities.length];
    },
  };
  // The evaluator fills the point, as that of a sampler does.
  const failure = findStart(
    evaluator as { evaluate(at: StartingPoint): void },
    point,
    2,
    stream(1, "start"),
    given && { position: given },
  );
  return { failure, evaluations, ...point };
}

test("the first try at which the density is finite and resolved", () => {
  expect(found([-3])).toMatchObject({ evaluations: 1, logDensity: -3 });
  expect(found([Number.NaN, Number.NEGATIVE_INFINITY, -1e9])).toMatchObject({ evaluations: 3, logDensity: -1e9 });
  expect(found([-1e70, 1e40, -1e12, -3])).toMatchObject({ evaluations: 3, logDensity: -1e12 });
});
test("where none is resolved, the densest of those that are finite", () => {
  const densities = Array.from({ length: START_TRIES }, (_, i) => (i % 3 === 0 ? Number.NaN : -1e20 * (1 + Math.abs(i - 40))));
  const { failure, evaluations, position } = found([...densities, -1e20]);
  expect(failure).toBeUndefined();
  // It is evaluated once more, for its gradient.
  expect(evaluations).toBe(START_TRIES + 1);
  const rng = stream(1, "start");
  const tries = Array.from({ length: START_TRIES }, () => [2 * (2 * rng.uniform() - 1), 2 * (2 * rng.uniform() - 1)]);
  expect([...position]).toEqual(tries[40]);
});
test("a start that is given is taken as it is, if it is finite", () => {
  expect(found([-1e70], Float64Array.of(1, 2))).toMatchObject({ failure: undefined, evaluations: 1, logDensity: -1e70 });
  expect(found([Number.NaN], Float64Array.of(1, 2)).failure?.reason).toContain("at the given starting point");
  expect(found([Number.NaN]).failure?.reason).toContain(`at any of ${START_TRIES}`);
});

/** log p = -scale (x² + 3 y² + x y), its gradient times a factor where x is positive: the try that is taken, and the point there. */
function foundWhere(factor: number, scale = 1) {
  const point = { position: new Float64Array(2), gradient: new Float64Array(2), logDensity: Number.NaN };
  const density = ([x, y]: Float64Array): number => -scale * (x * x + 3 * y * y + x * y);
  const evaluate = (at: typeof point): void => {
    const [x, y] = at.position;
    at.logDensity = density(at.position);
    const by = x > 0 ? factor : 1;
    at.gradient.set([-scale * by * (2 * x + y), -scale * by * (6 * y + x)]);
  };
  const failure = findStart({ evaluate: evaluate as (at: StartingPoint) => void }, point, 2, stream(4, "start"));
  expect(failure).toBeUndefined();
  const rng = stream(4, "start");
  const tries = Array.from({ length: START_TRIES }, () =>
    Float64Array.of(2 * (2 * rng.uniform() - 1), 2 * (2 * rng.uniform() - 1)),
  );
  // The point is as if it had been evaluated there alone.
  const again = { ...point, gradient: new Float64Array(2) };
  evaluate(again);
  expect(point).toEqual(again);
  const at = (k: number): boolean => point.position.every((v, i) => v === tries[k][i]);
  return { take: tries.findIndex((_, k) => at(k)), tries, density };
}
test("the first try at which the gradient is the slope of the density", () => {
  const { tries } = foundWhere(1);
  const other = tries.findIndex(([x]) => x < 0);
  expect(other).toBeGreaterThan(0);
  for (const scale of [1e-12, 1e-3, 1, 1e6, 1e12]) expect(foundWhere(1, scale).take, `scale ${scale}`).toBe(0);
  for (const factor of [1.0005, 0.9995]) expect(foundWhere(factor).take, `factor ${factor}`).toBe(0);
  for (const factor of [1.002, 0.998, -1, 1e3]) expect(foundWhere(factor).take, `factor ${factor}`).toBe(other);
});
test("where it never is, the densest", () => {
  const point = { position: new Float64Array(1), gradient: new Float64Array(1), logDensity: Number.NaN };
  const evaluate = (at: typeof point): void => {
    at.logDensity = -Math.abs(at.position[0]);
    at.gradient[0] = 7;
  };
  expect(findStart({ evaluate: evaluate as (at: StartingPoint) => void }, point, 2, stream(4, "start"))).toBeUndefined();
  const rng = stream(4, "start");
  const tries = Array.from({ length: START_TRIES }, () => 2 * (2 * rng.uniform() - 1));
  expect(Math.abs(point.position[0])).toBe(Math.min(...tries.map(Math.abs)));
  expect(point.gradient[0]).toBe(7);
});
