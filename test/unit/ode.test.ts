// Differential equations: solutions and sensitivities against closed forms and numbers of high precision, orders of the methods, failures.
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Builder, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { methods, type OdeMethod } from "../../src/runtime/ir/ode/methods.ts";
import { makeOde, type OdeOptions, ode } from "../../src/runtime/ir/ode/ode.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { real } from "../../src/runtime/ir/type.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";

interface Problem {
  /** dy/dt of the components, of the parameters named below. */
  slope(b: Builder, t: Value, y: readonly Value[], x: readonly Value[]): readonly Value[];
  readonly y0: readonly number[];
  readonly t0?: number;
  readonly ts: readonly number[];
  readonly parameters: readonly number[];
}
const usual: OdeOptions = { method: "dopri5", rtol: 1e-10, atol: 1e-12, steps: 1_000_000 };

/** The solution [T][n], its derivatives [T][n] by each parameter, by y0, t0 and ts where asked for. */
function solved(problem: Problem, options: Partial<OdeOptions> = {}) {
  const b = createBuilder();
  const n = problem.y0.length;
  const [t, y] = [b.input("t", real([])), b.input("y", real([n]))];
  const x = b.input("x", real([problem.parameters.length]));
  const element = (v: Value, i: number): Value => b.gather(v, b.constant(i, "int"));
  const all = (v: Value): Value[] => Array.from({ length: shapeOf(v)[0] }, (_, i) => element(v, i));
  const slope = b.stack([...problem.slope(b, t, all(y), all(x))], 0);
  const inputs = [x, b.input("y0", real([n])), b.input("t0", real([])), b.input("ts", real([problem.ts.length]))];
  const [, y0, t0, ts] = inputs;
  const solution = makeOde(b, { t, y, slope, y0, t0, ts }, { ...usual, ...options });
  const given = { x: problem.parameters, y0: problem.y0, t0: [problem.t0 ?? 0], ts: problem.ts };
  const run = (outputs: readonly Value[]): Float64Array[] => {
    const executable = instantiate(compileWasm({ inputs, outputs: [...outputs], updates: [] }));
    for (const [name, values] of Object.entries(given)) executable.inputs[name].set(values);
    executable.run();
    return executable.outputs.map((o) => o.slice());
  };
  const rows = (flat: Float64Array): number[][] => problem.ts.map((_, k) => Array.from(flat.subarray(k * n, (k + 1) * n)));
  return {
    values: () => rows(run([solution])[0]),
    /** Of one element of the solution: by the parameters, y0, t0 and ts. */
    slopes: (row: number, component: number): number[][] =>
      run(gradient(b, element(element(solution, row), component), inputs)).map((g) => Array.from(g)),
  };
}

const decay: Problem = {
  slope: (b, _t, [y], [k]) => [b.neg(b.mul(k, y))],
  y0: [1.7],
  t0: 0.3,
  ts: [0.3, 0.8, 0.8, 2.9, 11],
  parameters: [0.9],
};
const oscillator: Problem = {
  slope: (b, _t, [p, v], [w]) => [v, b.neg(b.mul(b.square(w), p))],
  y0: [1.2, -0.5],
  ts: [0.7, 3.1, 9.4],
  parameters: [1.3],
};
/** y' = cos t + a y: y = C e^(a t) + (sin t - a cos t) / (1 + a²), C = y0 + a / (1 + a²) */
const forced: Problem = {
  slope: (b, t, [y], [a]) => [b.add(b.cos(t), b.mul(a, y))],
  y0: [0.4],
  ts: [0.5, 2.5],
  parameters: [-0.8],
};
const predators: Problem = {
  slope: (b, _t, [u, v], [α, β, γ, δ]) => [b.mul(b.sub(α, b.mul(β, v)), u), b.mul(b.sub(b.mul(δ, u), γ), v)],
  y0: [33.9, 5.9],
  ts: [1, 5, 12.5, 20],
  parameters: [0.545, 0.028, 0.803, 0.024],
};
const robertson: Problem = {
  slope(b, _t, [u, v, w], [k1, k2, k3]) {
    const [slow, fast, back] = [b.mul(k1, u), b.mul(k2, b.square(v)), b.mul(k3, b.mul(v, w))];
    return [b.sub(back, slow), b.sub(b.sub(slow, back), fast), fast];
  },
  y0: [1, 0, 0],
  ts: [0.4, 40],
  parameters: [0.04, 3e7, 1e4],
};
/** Scaled by its period (Hairer & Wanner 1996, IV.10). */
const vanDerPol: Problem = {
  slope: (b, _t, [y, v], [mu]) => [v, b.mul(b.square(mu), b.sub(b.mul(b.sub(b.constant(1), b.square(y)), v), y))],
  y0: [2, 0],
  ts: [0.5, 1, 2],
  parameters: [1000],
};

/** Global errors of these problems are a few times the error that each step may have: their solutions do not grow. */
const near = (actual: number, expected: number, tolerance: number, where: string): void =>
  expect(Math.abs(actual - expected), `${where}: ${actual}, expected ${expected}`).toBeLessThanOrEqual(tolerance);
const STEPS_ADD_UP = 100;

describe.each(methods)("%s", (method) => {
  test.each([1e-4, 1e-7, 1e-10])("closed forms, to a tolerance of %s", (tolerance) => {
    const options = { method, rtol: tolerance, atol: tolerance };
    const allowed = STEPS_ADD_UP * tolerance;
    const [k] = decay.parameters;
    const [w] = oscillator.parameters;
    const [a] = forced.parameters;
    solved(decay, options)
      .values()
      .forEach(([y], i) => {
        near(y, 1.7 * Math.exp(-k * (decay.ts[i] - 0.3)), allowed, "decay");
      });
    solved(oscillator, options)
      .values()
      .forEach(([p, v], i) => {
        const [c, s] = [Math.cos(w * oscillator.ts[i]), Math.sin(w * oscillator.ts[i])];
        near(p, 1.2 * c - (0.5 / w) * s, allowed, "position");
        near(v, -1.2 * w * s - 0.5 * c, allowed, "velocity");
      });
    solved(forced, options)
      .values()
      .forEach(([y], i) => {
        const t = forced.ts[i];
        const c = 0.4 + a / (1 + a * a);
        near(y, c * Math.exp(a * t) + (Math.sin(t) - a * Math.cos(t)) / (1 + a * a), allowed, "forced");
      });
  });

  test("the invariant of Lotka and Volterra", () => {
    const [α, β, γ, δ] = predators.parameters;
    const invariant = ([u, v]: readonly number[]): number => δ * u - γ * Math.log(u) + β * v - α * Math.log(v);
    const begin = invariant(predators.y0);
    for (const y of solved(predators, { method }).values()) near(invariant(y), begin, 1e-8, "invariant");
  });

  test("halved steps err as the order says", () => {
    // Tolerances that accept all: steps end at the times and nowhere else, but for a first few that are shorter.
    const options = { method, rtol: 1, atol: 1e30 };
    const errorOf = (count: number): number => {
      const ts = Array.from({ length: count }, (_, i) => (4 * (i + 1)) / count);
      const [y] = solved({ ...oscillator, ts }, options).values()[count - 1];
      const [w] = oscillator.parameters;
      return Math.abs(y - 1.2 * Math.cos(4 * w) + (0.5 / w) * Math.sin(4 * w));
    };
    const order = { dopri5: 5, rosenbrock: 4 }[method];
    const measured = Math.log2(errorOf(40) / errorOf(80));
    expect(Math.abs(measured - order), `order ${measured}`).toBeLessThan(0.35);
  });

  test("sensitivities of closed forms", () => {
    const options = { method, rtol: 1e-10, atol: 1e-10 };
    const allowed = 1e-7;
    const [k] = decay.parameters;
    const t = decay.ts[3] - 0.3;
    const [byK, byY0, byT0, byTs] = solved(decay, options).slopes(3, 0);
    near(byK[0], -t * 1.7 * Math.exp(-k * t), allowed, "by k");
    near(byY0[0], Math.exp(-k * t), allowed, "by y0");
    near(byT0[0], k * 1.7 * Math.exp(-k * t), allowed, "by t0");
    byTs.forEach((d, i) => {
      near(d, i === 3 ? -k * 1.7 * Math.exp(-k * t) : 0, allowed, `by time ${i}`);
    });
    const [w] = oscillator.parameters;
    const [c, s, at] = [Math.cos(w * 3.1), Math.sin(w * 3.1), 3.1];
    const [byW, byStart] = solved(oscillator, options).slopes(1, 0);
    near(byW[0], -1.2 * at * s + (0.5 / (w * w)) * s - (0.5 / w) * at * c, allowed, "by w");
    near(byStart[0], c, allowed, "by the position");
    near(byStart[1], s / w, allowed, "by the velocity");
  });

  test("a solution that ends is NaN from there on, and not before", () => {
    // y' = a y², y = 1 / (1 / y0 - a t), which ends at 1
    const blown: Problem = {
      slope: (b, _t, [y], [a]) => [b.mul(a, b.square(y))],
      y0: [2],
      ts: [0.5, 0.9, 1.1, 2],
      parameters: [0.5],
    };
    const values = solved(blown, { method, rtol: 1e-8, atol: 1e-8 })
      .values()
      .map(([y]) => y);
    near(values[0], 4, 1e-5, "before");
    near(values[1], 20, 1e-3, "before");
    expect(values.slice(2)).toEqual([Number.NaN, Number.NaN]);
  });

  test("too few steps, times that go back, and what is no number give NaN", () => {
    const ends = (problem: Problem, options: Partial<OdeOptions> = {}): number[] =>
      solved(problem, { method, ...options })
        .values()
        .map((y) => y[y.length - 1]);
    const limited = ends(oscillator, { steps: 20 });
    expect(limited[limited.length - 1]).toBeNaN();
    expect(ends({ ...decay, ts: [0.5, 0.4, 1] }).map(Number.isNaN)).toEqual([false, true, true]);
    expect(ends({ ...decay, ts: [0.5, 0.5 - 1e-9, 1] }).map(Number.isNaN)).toEqual([false, true, true]);
    expect(ends({ ...decay, ts: [0.2, 0.4] })).toEqual([Number.NaN, Number.NaN]);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(
        ends({ ...decay, parameters: [bad] })
          .slice(1)
          .every(Number.isNaN),
        `k = ${bad}`,
      ).toBe(true);
      expect(
        ends({ ...decay, y0: [bad] })
          .slice(1)
          .every(Number.isNaN),
        `y0 = ${bad}`,
      ).toBe(true);
      expect(ends({ ...decay, t0: bad }).every(Number.isNaN), `t0 = ${bad}`).toBe(true);
      expect(ends({ ...decay, ts: [0.5, bad] }).map(Number.isNaN), `ts = ${bad}`).toEqual([false, true]);
    }
  });

  test("a component whose slope is a number, beside one that is not: sensitivities too", () => {
    const beside: Problem = {
      slope: (b, _t, [u, v], [k]) => [b.constant(1.5), b.neg(b.mul(k, b.mul(u, v)))],
      y0: [0.2, 1.1],
      ts: [0.5, 1.3],
      parameters: [0.8],
    };
    // v = 1.1 exp(-k (0.2 t + 0.75 t²))
    const area = 0.2 * 1.3 + 0.75 * 1.3 ** 2;
    const v = 1.1 * Math.exp(-0.8 * area);
    const equations = solved(beside, { method });
    near(equations.values()[1][1], v, 1e-8, "value");
    const [[byK], [byU0, byV0]] = equations.slopes(1, 1);
    near(byK, -area * v, 1e-8, "by k");
    near(byU0, -0.8 * 1.3 * v, 1e-8, "by u0");
    near(byV0, v / 1.1, 1e-8, "by v0");
  });

  test("slopes that the guess of a first step would not find: behind the last time, of a small component", () => {
    const until: Problem = {
      slope: (b, t, [y], [k]) => [b.mul(b.mul(k, y), b.sqrt(b.sub(b.constant(1), t)))],
      y0: [1],
      ts: [0.5, 1],
      parameters: [1e-4],
    };
    near(solved(until, { method, rtol: 1e-6, atol: 1e-6 }).values()[1][0], Math.exp(2e-4 / 3), 1e-6, "until 1");
    // v' = -k sqrt(v): v = (sqrt(v0) - k t / 2)², beside a component that is a thousand times the tolerance
    const small: Problem = {
      slope: (b, _t, [, v], [k]) => [b.constant(0), b.neg(b.mul(k, b.sqrt(v)))],
      y0: [1, 1e-8],
      ts: [1e-5, 1e-4],
      parameters: [0.3],
    };
    const values = solved(small, { method, rtol: 1e-6, atol: 1e-6 }).values();
    small.ts.forEach((t, k) => {
      near(values[k][1], (1e-4 - 0.15 * t) ** 2, 1e-12, `at ${t}`);
    });
  });

  test("times that are large numbers, and a start of zeros", () => {
    const rise: Problem = { slope: (b, _t, _y, [k]) => [b.mul(k, b.constant(1))], y0: [0], ts: [], parameters: [1e-9] };
    // Milliseconds since 1970, and from 0.
    for (const t0 of [1.7e12, -1.7e12, 0]) {
      const ts = [t0 + 1e9, t0 + 1e13];
      const values = solved({ ...rise, t0, ts }, { method, rtol: 1e-6, atol: 1e-6 }).values();
      near(values[0][0], 1, 1e-5, `from ${t0}`);
      near(values[1][0], 1e4, 0.1, `from ${t0}`);
    }
  });

  test("what does not move needs no steps to speak of", () => {
    const still: Problem = { slope: (b) => [b.constant(0)], y0: [1.5], ts: [1, 1e6], parameters: [1] };
    expect(solved(still, { method, steps: 40 }).values()).toEqual([[1.5], [1.5]]);
  });
});

// scipy 1.17.1, solve_ivp by Radau with its Jacobian, rtol 3e-14, atol 1e-20; DOP853 of the same tolerances agrees to 13 digits.
const robertsonAt = [
  [0.9851721138609894, 3.386395378974904e-5, 0.014794022185220383],
  [0.7158270687194059, 9.185534764557805e-6, 0.28416374574582975],
];
/** ∂/∂(k1, k2, k3) at t = 40: the equations with their sensitivities, Radau, rtol 1e-12, atol 1e-22. */
const robertsonSlopes = [
  [-4.247558771705719, -2.2883550889056644e-9, 1.3730807973446194e-5],
  [4.59119624925389e-5, -1.1380595093501306e-13, -2.3571921138463374e-10],
  [4.247512859743226, 2.2884688948565985e-9, -1.3730572254234825e-5],
];
// scipy 1.17.1, Radau, rtol 3e-14, atol 1e-16; the last row also Mazzia & Magherini (2008), test set for IVP solvers, problem VDPOL, to 11 digits.
const vanDerPolAt = [
  [1.5967689510526575, -1.0303911878393637],
  [-1.8636462548081236, 0.7535430865435478],
  [1.7061677321704494, -0.8928097010248334],
];
describe("stiff equations", () => {
  test("Robertson's reaction", () => {
    const values = solved(robertson, { method: "rosenbrock", rtol: 1e-8, atol: 1e-14 }).values();
    values.forEach((y, k) => {
      y.forEach((v, i) => {
        near(v, robertsonAt[k][i], 1e-6 * robertsonAt[k][i], `component ${i}`);
      });
    });
  });
  test("its sensitivities", () => {
    const equations = solved(robertson, { method: "rosenbrock", rtol: 1e-8, atol: 1e-14 });
    for (const i of [0, 1, 2]) {
      const [byRates] = equations.slopes(1, i);
      byRates.forEach((d, k) => {
        near(d, robertsonSlopes[i][k], 1e-5 * Math.abs(robertsonSlopes[i][k]), `component ${i}, rate ${k}`);
      });
    }
  });
  test("van der Pol's oscillator, mu = 1000, in steps that an explicit method does not have", () => {
    const options = { rtol: 1e-7, atol: 1e-7, steps: 2000 };
    const values = solved(vanDerPol, { method: "rosenbrock", ...options }).values();
    values.forEach((y, k) => {
      y.forEach((v, i) => {
        near(v, vanDerPolAt[k][i], 1e-4, `time ${k}, component ${i}`);
      });
    });
    expect(solved(vanDerPol, { method: "dopri5", ...options }).values()[0][0]).toBeNaN();
  });
});

describe("programs", () => {
  const linear = (n: number, method: OdeMethod) => {
    const b = createBuilder();
    const matrix = Float64Array.from({ length: n * n }, (_, k) => 0.3 * Math.sin(1.3 * k) - (k % (n + 1) === 0 ? 1 : 0));
    const [a, y0, t, y] = [b.input("a", real([])), b.input("y0", real([n])), b.input("t", real([])), b.input("y", real([n]))];
    const slope = b.add(b.mul(a, b.matmul(b.tensor(matrix, [n, n]), y)), b.sin(t));
    const ts = b.tensor(Float64Array.of(0.5, 1.5), [2]);
    const solution = makeOde(b, { t, y, slope, y0, t0: b.constant(0), ts }, { method, rtol: 1e-9, atol: 1e-9, steps: 1e5 });
    const root = b.sum(b.square(solution));
    return { b, a, y0, root, gradient: gradient(b, root, [a, y0]) };
  };
  const given = (n: number) => ({ a: [0.7], y0: Array.from({ length: n }, (_, i) => Math.cos(i)) });

  test("many components, computed as vectors, have the sensitivities of both methods", () => {
    const n = 20;
    const results = methods.map((method) => {
      const { a, y0, root, gradient } = linear(n, method);
      const executable = instantiate(compileWasm({ inputs: [a, y0], outputs: [root, ...gradient], updates: [] }));
      for (const [name, values] of Object.entries(given(n))) executable.inputs[name].set(values);
      const at = (moved: number): number => {
        executable.inputs.a[0] = 0.7 + moved;
        executable.run();
        return executable.outputs[0][0];
      };
      const h = 1e-4;
      const difference = (at(h) - at(-h)) / (2 * h);
      at(0);
      near(executable.outputs[1][0], difference, 1e-5 * Math.abs(difference), method);
      return executable.outputs.flatMap((o) => Array.from(o));
    });
    results[0].forEach((v, i) => {
      near(v, results[1][i], 1e-6 * (1 + Math.abs(v)), `element ${i}`);
    });
  });

  test("a density with its gradient solves the equation once", () => {
    const { b, a, y0, root, gradient } = linear(3, "dopri5");
    const outputs = [root, ...gradient];
    const solutions = (values: readonly Value[]): number => nodesOf(values).filter((node) => node.op === ode).length;
    expect(solutions(outputs)).toBe(2);
    expect(solutions(simplify(b, { inputs: [a, y0], outputs, updates: [] }).outputs)).toBe(1);
    expect(solutions(simplify(b, { inputs: [a, y0], outputs: [root], updates: [] }).outputs)).toBe(1);
  });
});
