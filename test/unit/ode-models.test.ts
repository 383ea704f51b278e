// Differential equations in models: densities written out with closed forms, gradients against differences, plates, failures.
import { describe, expect, test } from "vitest";
import type { DataObject } from "../../src/model.ts";
import { bound, gradientError, model, normal, somewhere, total } from "./model-under-test.ts";

/** Solutions are good to 1e-10, and no slope of these densities is above 1000. */
const SOLVED = 1e-7;
/** Central differences of step 1e-5 (scans.test.ts), and 1e-10 / 1e-5 of the solver. */
const DIFFERENCES = 1e-4;
const tight = "rtol = 1e-11, atol = 1e-11";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: DataObject;
  readonly density: (q: readonly number[]) => number;
}
const ts = [0.5, 1.1, 2.7];
const y = [0.8, 0.6, 0.1];
const decay = `fn decay(t, u, k) = [-k * u[1]]`;
/** u' = -k u + c, from u0 at 0 */
const relaxed = (t: number, u0: number, k: number, c: number): number => c / k + (u0 - c / k) * Math.exp(-k * t);

const cases: readonly Case[] = [
  {
    name: "a rate and a start",
    text: `data y: real[T], ts: real[T]
      ${decay}
      k ~ Normal(1, 1)
      start ~ Normal(1, 1)
      let u = ode(decay, [start], 0.1, ts, k, ${tight})
      y ~ Normal(u[, 1], 1)`,
    data: { y, ts },
    density: ([k, start]) =>
      normal(k, 1, 1) + normal(start, 1, 1) + total(ts.map((t, i) => normal(y[i], start * Math.exp(-k * (t - 0.1)), 1))),
  },
  {
    name: "a plate: rates, starts and inflows by row, times of all",
    text: `data y: real[N, T], ts: real[T], inflow: real[N]
      fn relax(t, u, k, c) = [c - k * u[1]]
      k: real[N] ~ Normal(1, 0.5)
      for n in 1..N { let u[n] = ode(relax, [inflow[n] + k[n]], 0, ts, k[n], inflow[n], ${tight}) }
      for n in 1..N { y[n] ~ Normal(u[n][, 1], 1) }`,
    data: { y: [y, y, y, y], ts, inflow: [0.3, 1.2, -0.4, 0] },
    density: (k) => {
      const inflow = [0.3, 1.2, -0.4, 0];
      const row = (n: number): number => total(ts.map((t, i) => normal(y[i], relaxed(t, inflow[n] + k[n], k[n], inflow[n]), 1)));
      return total(k.map((v) => normal(v, 1, 0.5))) + total([0, 1, 2, 3].map(row));
    },
  },
  {
    name: "a plate in a plate, times by row, what all share in the equation",
    text: `data y: real[N, M], ts: real[N, M]
      k ~ Normal(1, 1)
      let shared = k^2
      fn relax(t, u, c) = [c - shared * u[1]]
      c: real[M] ~ Normal(0, 1)
      for n in 1..N, m in 1..M { y[n, m] ~ Normal(ode(relax, [1], 0, [ts[n, m]], c[m], ${tight})[1, 1], 1) }`,
    data: {
      y: [
        [0.3, 0.1],
        [0.9, 0.4],
        [0.2, 0.5],
      ],
      ts: [
        [0.5, 1.5],
        [2, 0],
        [0.7, 0.2],
      ],
    },
    density: ([k, c1, c2]) => {
      const [at, seen] = [
        [0.5, 1.5, 2, 0, 0.7, 0.2],
        [0.3, 0.1, 0.9, 0.4, 0.2, 0.5],
      ];
      const terms = at.map((t, i) => normal(seen[i], relaxed(t, 1, k * k, i % 2 === 0 ? c1 : c2), 1));
      return normal(k, 1, 1) + normal(c1, 0, 1) + normal(c2, 0, 1) + total(terms);
    },
  },
  {
    name: "times that are latent, the first one too",
    text: `data y: real
      ${decay}
      t0 ~ Normal(0, 0.1)
      t1 ~ Normal(2, 0.1)
      k ~ Normal(1, 1)
      y ~ Normal(ode(decay, [1], t0, [1, 1 + exp(t1)], k, ${tight})[2, 1], 1)`,
    data: { y: 0.3 },
    density: ([t0, t1, k]) =>
      normal(t0, 0, 0.1) + normal(t1, 2, 0.1) + normal(k, 1, 1) + normal(0.3, Math.exp(-k * (1 + Math.exp(t1) - t0)), 1),
  },
  {
    name: "a choice by the time, a function with lets and a loop, a network of rates",
    text: `data y: real[T], ts: real[T], A: real[2, 2]
      a ~ Normal(1, 1)
      fn flow(t, u, a) {
        let moved = A @ u
        for i in 1..2 { let v[i] = moved[i] * a }
        return t < 100 ? v : 0 * v
      }
      let u = ode(flow, [1, 0], 0, ts, a, ${tight}, method = "rosenbrock")
      y ~ Normal(u[, 2], 1)`,
    data: {
      y,
      ts,
      A: [
        [-1, 0],
        [1, -2],
      ],
    },
    density: ([a]) => normal(a, 1, 1) + total(ts.map((t, i) => normal(y[i], Math.exp(-a * t) - Math.exp(-2 * a * t), 1))),
  },
  {
    name: "doses: each turn of a recurrence solves on from the turn before",
    text: `data y: real[T]
      ${decay}
      k ~ Normal(1, 1)
      dose ~ Normal(1, 1)
      let u[1] = dose
      for t in 2..T { let u[t] = ode(decay, [u[t-1]], 0, [1], k, ${tight})[1, 1] + dose }
      y ~ Normal(u, 1)`,
    data: { y },
    density: ([k, dose]) => {
      const u = [dose];
      for (let t = 1; t < 3; t++) u.push(u[t - 1] * Math.exp(-k) + dose);
      return normal(k, 1, 1) + normal(dose, 1, 1) + total(u.map((m, t) => normal(y[t], m, 1)));
    },
  },
];

describe("densities and gradients", () => {
  test.each(cases)("$name", async ({ text, data, density }) => {
    const p = await bound(text, data);
    const q = somewhere(p.dimension);
    const expected = density([...q]);
    expect(Math.abs(p.logDensity(q) - expected)).toBeLessThan(SOLVED * (1 + Math.abs(expected)));
    expect(gradientError(p, q)).toBeLessThan(DIFFERENCES);
  });
});

test("of data alone it is data", async () => {
  const p = await bound(
    `data ts: real[T]
      ${decay}
      let seen = ode(decay, [2], 0, ts, 0.7, ${tight})
      mu ~ Normal(0, 1)
      seen[, 1] ~ Normal(mu, 1)`,
    { ts },
  );
  const expected = normal(0.4, 0, 1) + total(ts.map((t) => normal(2 * Math.exp(-0.7 * t), 0.4, 1)));
  expect(Math.abs(p.logDensity(Float64Array.of(0.4)) - expected)).toBeLessThan(SOLVED);
});

test("quantities and predictions", async () => {
  const p = await bound(
    `data ts: real[T]
      ${decay}
      k: positive ~ Gamma(2, 2)
      quantity u = ode(decay, [1.5], 0, ts, k, ${tight})[, 1]
      predict later ~ Normal(ode(decay, [1.5], 0, [5], k)[1, 1], 1e-9)`,
    { ts },
  );
  const fit = await p.run("prior", { draws: 20, seed: 3 });
  const [k, u, later] = ["k", "u", "later"].map((name) => fit.draws(name).values);
  for (let i = 0; i < 20; i++) {
    ts.forEach((t, j) => {
      expect(Math.abs(u[3 * i + j] - 1.5 * Math.exp(-k[i] * t))).toBeLessThan(SOLVED);
    });
    // Defaults of the tolerances, and a prediction that varies by 1e-9.
    expect(Math.abs(later[i] - 1.5 * Math.exp(-5 * k[i]))).toBeLessThan(1e-4);
  }
});

describe("failures", () => {
  /** Ends at 1 / (a u0). */
  const text = `data y: real[2]
    fn burst(t, u, a) = [a * u[1]^2]
    a ~ Normal(0.3, 0.5)
    y ~ Normal(ode(burst, [1], 0, [1, 2], a)[, 1], 100)`;

  test("a density that is no number, where there is no solution", async () => {
    const p = await bound(text, { y: [1.5, 3] });
    expect(p.logDensity(Float64Array.of(0.4))).toBeLessThan(0);
    expect(p.logDensity(Float64Array.of(0.9))).toBeNaN();
    expect(p.logDensity(Float64Array.of(1e300))).toBeNaN();
  });

  test("what is not read of a solution that ends does not matter, to the gradient neither", async () => {
    const p = await bound(text.replace("a)[, 1]", "a)[1, 1]").replace("y: real[2]", "y: real"), { y: 3 });
    for (const a of [0.3, 0.7]) {
      const g = new Float64Array(1);
      const expected = normal(a, 0.3, 0.5) + normal(3, 1 / (1 - a), 100);
      expect(Math.abs(p.gradient(Float64Array.of(a), g) - expected)).toBeLessThan(1e-5);
      const slope = -(a - 0.3) / 0.25 + (3 - 1 / (1 - a)) / 1e4 / (1 - a) ** 2;
      expect(Math.abs(g[0] - slope)).toBeLessThan(1e-4);
    }
  });

  test("proposals without a solution are rejected and counted; the others go on", async () => {
    const p = await bound(text, { y: [1.5, 3] });
    const fit = await p.run("nuts", { draws: 300, warmup: 300, chains: 2, seed: 5, init: 0.2 });
    const { shape, values } = fit.draws("a");
    expect(shape).toEqual([2, 300]);
    expect(values.every((a) => a < 0.5)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(300);
    expect(fit.sampler.divergences).toBeGreaterThan(0);
  });

  test("a solution that takes a million steps before it fails is blamed at once", async () => {
    const p = await bound(
      `data y: real
        ${decay}
        a ~ Normal(1, 1)
        y ~ Normal(ode(decay, [1], 0, [1], exp(a), steps = 1000000)[1, 1], 1)`,
      { y: 0.3 },
    );
    // The interpreter of programs would take minutes.
    const began = process.cpuUsage();
    expect(p.target.blame(Float64Array.of(40)).culprits.map((c) => c.site)).toEqual(["y"]);
    expect(process.cpuUsage(began).user).toBeLessThan(20e6);
    expect(p.target.blame(Float64Array.of(0.4)).culprits).toEqual([]);
  });

  test("one row's is its own", async () => {
    const p = await bound(
      `data k: real[N]
        ${decay}
        a ~ Normal(1, 1)
        for n in 1..N { quantity u[n] = ode(decay, [1], 0, [1, 2], a * k[n], steps = 40)[2, 1] }`,
      { k: [1, 1e6, 0.5] },
    );
    const fit = await p.run("prior", { draws: 5, seed: 1 });
    const [a, u] = ["a", "u"].map((name) => fit.draws(name).values);
    for (let i = 0; i < 5; i++) {
      expect(Math.abs(u[3 * i] - Math.exp(-2 * a[i]))).toBeLessThan(1e-3 * Math.exp(-2 * a[i]) + 1e-5);
      if (a[i] > 0.01) expect(u[3 * i + 1]).toBeNaN();
      expect(Math.abs(u[3 * i + 2] - Math.exp(-a[i]))).toBeLessThan(1e-3 * Math.exp(-a[i]) + 1e-5);
    }
  });

  test("times of the data that go back, and options that are none, are refused with a place", async () => {
    const refused = async (times: readonly number[], call: string): Promise<string> => {
      const source = `data ts: real[T]\n${decay}\nk ~ Normal(0, 1)\nquantity u = ode(decay, [1], 0, ts, k${call})`;
      return model(source)
        .bind({ ts: [...times] })
        .then(
          () => "accepted",
          (e: Error) => e.message,
        );
    };
    expect(await refused([1, 2, 2, 3], "")).toBe("accepted");
    expect(await refused([0, 1], "")).toBe("accepted");
    expect(await refused([1, 3, 2], "")).toMatch(/time 3 is 2, behind time 2, which is 3/);
    expect(await refused([-1, 2], "")).toMatch(/time 1 is -1, behind t0, which is 0/);
    expect(await refused([1], ", rtol = ts[1] - 1")).toMatch(/rtol is 0/);
  });
});
