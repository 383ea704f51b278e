// Where chains start: not where the log density is so large that its differences are rounding.
import { expect, test } from "vitest";
import { findStart, START_TRIES, type StartingPoint } from "../../src/inference/hmc/start.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

/** The log densities of successive tries; the position found, with the number of evaluations. */
function found(densities: readonly number[], given?: Float64Array) {
  const point = { position: new Float64Array(2), gradient: new Float64Array(2), logDensity: Number.NaN };
  let evaluations = 0;
  const evaluator = {
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
