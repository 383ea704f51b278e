// Central differences with a tolerance that follows from their own disagreement.
import { expect } from "vitest";

export const EPSILON = 2.220446049250313e-16;
const STEP = 2 ** -11;
/** Rounding of one evaluation, in epsilons of the magnitude given: a few operations of a few ulp each. */
const OPERATIONS = 64;

export interface Difference {
  readonly value: number;
  readonly tolerance: number;
}

/** df/dx_i at x by central differences with steps h, h/2 and h/4, h relative to x_i, extrapolated once (Richardson 1911). The error is
 *  below the spread of the three where truncation rules, and below rounding over the step where that does. Where the slopes to both sides
 *  do not approach each other there is a kink, and any slope between them is right. `magnitude`: of the terms that f sums. */
export function centralDifference(f: (x: Float64Array) => number, x: Float64Array, i: number, magnitude: number): Difference {
  const h = STEP * (x[i] === 0 ? 1 : Math.abs(x[i]));
  const here = f(x);
  const at = (step: number): { readonly slope: number; readonly bend: number } => {
    const [up, down] = [Float64Array.from(x), Float64Array.from(x)];
    up[i] += step;
    down[i] -= step;
    const [above, below] = [f(up), f(down)];
    return {
      slope: (above - below) / (up[i] - down[i]),
      bend: Math.abs((above - here) / (up[i] - x[i]) - (here - below) / (x[i] - down[i])),
    };
  };
  const [wide, middle, narrow] = [at(h), at(h / 2), at(h / 4)];
  const spread = Math.max(Math.abs(wide.slope - middle.slope), Math.abs(middle.slope - narrow.slope));
  const kink = narrow.bend > wide.bend / 2 ? narrow.bend : 0;
  const rounding = (OPERATIONS * EPSILON * magnitude) / (h / 4);
  return { value: (4 * narrow.slope - middle.slope) / 3, tolerance: 4 * spread + kink + rounding };
}

export function expectDerivative(derivative: number, difference: Difference, where: string): void {
  const error = Math.abs(derivative - difference.value);
  expect(
    error <= difference.tolerance,
    `${where}: ${derivative}, by differences ${difference.value} ± ${difference.tolerance}`,
  ).toBe(true);
}

/** Equal up to `ulps` roundings of the largest magnitude around; NaN equals NaN, infinities must be the same. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, ulps: number, where: string): void {
  expect(actual.length, where).toBe(expected.length);
  let scale = 0;
  for (let i = 0; i < expected.length; i++) if (Number.isFinite(expected[i])) scale = Math.max(scale, Math.abs(expected[i]));
  for (let i = 0; i < expected.length; i++) {
    const same = Object.is(actual[i], expected[i]) || Math.abs(actual[i] - expected[i]) <= ulps * EPSILON * scale;
    expect(same, `${where}, element ${i}: ${actual[i]}, expected ${expected[i]}`).toBe(true);
  }
}
