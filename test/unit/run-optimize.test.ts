// The optimiser: its line search keeps the strong Wolfe conditions, and it finds the optima of densities that are hard to climb.
import { describe, expect, test } from "vitest";
import { climb, type MaximizeOptions, type Optimum } from "../../src/inference/optimize/lbfgs.ts";
import { type Ray, strongWolfeStep } from "../../src/inference/optimize/line-search.ts";
import { cos, exp, log, sin } from "../../src/runtime/numeric/math.ts";
import type { LogDensity } from "../../src/runtime/target.ts";
import { autoregressive, density, multivariateNormal } from "../laws/engines-densities.ts";

/** f and its derivative, to be minimised from 0. */
const functions: Readonly<Record<string, (t: number) => readonly [number, number]>> = {
  "a parabola": (t) => [(t - 1) * (t - 1), 2 * (t - 1)],
  "a parabola far away": (t) => [(t - 1e3) * (t - 1e3), 2 * (t - 1e3)],
  "a narrow parabola": (t) => [(t - 1e-4) * (t - 1e-4), 2 * (t - 1e-4)],
  "a quartic": (t) => [(t - 3) * (t - 3) * (t - 3) * (t - 3), 4 * (t - 3) * (t - 3) * (t - 3)],
  // Moré and Thuente 1994, functions (5.1) and one with many local minima.
  "a rational function": (t) => [-t / (t * t + 2), (t * t - 2) / ((t * t + 2) * (t * t + 2))],
  "waves on a slope": (t) => [-t / 2 + sin(3 * t) / 9 + (t * t) / 100, -0.5 + cos(3 * t) / 3 + t / 50],
  "a wall": (t) => (t < 0.7 ? [-t - log(0.7 - t) * 0.01, -1 + 0.01 / (0.7 - t)] : [Number.NaN, Number.NaN]),
  "an exponential": (t) => [exp(2 * t) - 10 * t, 2 * exp(2 * t) - 10],
};

describe("the line search", () => {
  for (const [name, f] of Object.entries(functions)) {
    test(name, () => {
      const [value, slope] = f(0);
      expect(slope).toBeLessThan(0);
      for (const first of [1e-6, 1e-2, 1, 100]) {
        const ray: Ray = {
          value: Number.NaN,
          slope: Number.NaN,
          at(step) {
            [this.value, this.slope] = f(step);
          },
        };
        const step = strongWolfeStep(ray, value, slope, first);
        expect(step).toBeGreaterThan(0);
        expect(ray.value).toBe(f(step)[0]);
        expect(ray.value).toBeLessThanOrEqual(value + 1e-4 * step * slope);
        expect(Math.abs(ray.slope)).toBeLessThanOrEqual(0.9 * Math.abs(slope));
      }
    });
  }

  test("gives up where nothing decreases", () => {
    const ray: Ray = {
      value: 0,
      slope: 0,
      at(step) {
        [this.value, this.slope] = [step, 1];
      },
    };
    // The slope lies: the function rises.
    expect(strongWolfeStep(ray, 0, -1, 1)).toBe(0);
  });
});

function maximize(target: LogDensity, start: Float64Array, options: MaximizeOptions, goesOn = true): Optimum {
  const run = climb(target, start, options);
  let step = run.next();
  while (!step.done) step = run.next(goesOn);
  return step.value;
}

const options = { maxIterations: 500, history: 10, gradientTolerance: 1e-8, relativeTolerance: 0 };

describe("L-BFGS", () => {
  test("climbs a badly conditioned normal as fast as others do", () => {
    const n = 60;
    const target = multivariateNormal(
      autoregressive(n, 0.9, (i) => 1 + i),
      n,
    );
    const start = Float64Array.from({ length: n }, (_, i) => 1 + (i % 7));
    // SciPy's L-BFGS-B takes 1167 iterations from here, with a condition number of 2e5 and ten pairs.
    const optimum = maximize(target, start, { ...options, maxIterations: 2000, gradientTolerance: 1e-6 });
    expect(optimum.converged).toBe(true);
    expect(optimum.logDensity).toBeGreaterThan(-1e-8);
    expect(optimum.iterations).toBeLessThan(1500);
    expect(optimum.evaluations).toBeLessThan(1.2 * optimum.iterations);
    expect(start[0]).toBe(1);
  });

  test("follows Rosenbrock's valley", () => {
    const valley = density(2, (q, g) => {
      const [x, y] = q;
      const d = y - x * x;
      g[0] = 400 * d * x + 2 * (1 - x);
      g[1] = -200 * d;
      return -100 * d * d - (1 - x) * (1 - x);
    });
    const optimum = maximize(valley, Float64Array.of(-1.2, 1), options);
    for (const value of optimum.position) expect(Math.abs(value - 1)).toBeLessThan(1e-8);
    expect(optimum.iterations).toBeLessThan(60);
    expect(optimum.reason).toBe("the gradient vanished");
  });

  test("says why it stopped", () => {
    const linear = density(1, (q, g) => {
      g[0] = 1;
      return q[0];
    });
    expect(maximize(linear, Float64Array.of(0), { ...options, maxIterations: 7 })).toMatchObject({
      converged: false,
      iterations: 7,
      reason: "it did not converge in 7 iterations",
    });
    const parabola = density(1, (q, g) => {
      g[0] = -2 * q[0];
      return -q[0] * q[0];
    });
    expect(maximize(parabola, Float64Array.of(3), options, false)).toMatchObject({
      converged: false,
      reason: "it was interrupted",
    });
    const flat = density(1, (q, g) => {
      g[0] = -4 * q[0] * q[0] * q[0];
      return 1 - q[0] * q[0] * q[0] * q[0];
    });
    expect(maximize(flat, Float64Array.of(3), { ...options, gradientTolerance: 0, relativeTolerance: 1e-12 })).toMatchObject({
      converged: true,
      reason: "the log density no longer changes",
    });
  });
});
