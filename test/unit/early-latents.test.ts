// Latents that a recurrence of lets in their own loop reads: their density, its gradient, and their coordinates.
import { describe, expect, test } from "vitest";
import { ppl } from "../../src/index.ts";

const normal = (x: number, m: number, s: number): number =>
  -0.5 * ((x - m) / s) * ((x - m) / s) - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
const close = (a: number, b: number): void => expect(Math.abs(a - b)).toBeLessThan(1e-12 * Math.max(1, Math.abs(b)) * 20);

describe("a let-recurrence and a ~ that read one another", () => {
  const y = [0.3, -0.2, 0.8, 1.1, 0.4];
  const model = ppl`
    data y: real[T]
    a ~ Normal(0, 1)
    let h[1] = 0.5
    z[1] ~ Normal(h[1], 1)
    for t in 2..T {
      let h[t] = a * h[t-1] + 0.2 * z[t-1]
      z[t] ~ Normal(h[t], 0.7)
    }
    y ~ Normal(z, 1)
    quantity last = h[T]`;
  const density = ([a, ...z]: number[]): number => {
    let sum = normal(a, 0, 1);
    let h = 0.5;
    z.forEach((x, t) => {
      if (t > 0) h = a * h + 0.2 * z[t - 1];
      sum += normal(x, h, t === 0 ? 1 : 0.7) + normal(y[t], x, 1);
    });
    return sum;
  };

  test("has the density that the text says, and its gradient", async () => {
    const p = await model.bind({ y });
    expect(p.dimension).toBe(6);
    expect(p.target.layout.map((s) => s.name)).toEqual(["a", "z", "z"]);
    const q = [0.4, 0.1, -0.3, 0.9, 0.2, -0.6];
    const gradient = new Float64Array(6);
    close(p.gradient(Float64Array.from(q), gradient), density(q));
    q.forEach((_, i) => {
      const step = (by: number) => density(q.map((v, k) => (k === i ? v + by : v)));
      expect(Math.abs(gradient[i] - (step(1e-5) - step(-1e-5)) / 2e-5)).toBeLessThan(1e-8);
    });
  });

  test("is sampled, and its values are those of its coordinates", async () => {
    const p = await model.bind({ y });
    const fit = await p.run("nuts", { chains: 1, seed: 1, warmup: 100, draws: 50, threads: 1 });
    const [a, z, last] = ["a", "z", "last"].map((name) => fit.draws(name).values);
    a.forEach((slope, d) => {
      let h = 0.5;
      for (let t = 1; t < 5; t++) h = slope * h + 0.2 * z[d * 5 + t - 1];
      close(last[d], h);
    });
  });

  test("takes given values", async () => {
    const p = await model.bind({ y });
    const q = p.unconstrain({ a: 0.4, z: [0.1, -0.3, 0.9, 0.2, -0.6] });
    close(p.logDensity(q), density([0.4, 0.1, -0.3, 0.9, 0.2, -0.6]));
  });
});

test("positive latents in a plate of chains, read by a cumulated let, each with its own bounds", async () => {
  const p = await ppl`
    data J: int, T: int
    for j in 1..J {
      let total[j, 1] = 0.0
      x[j, 1] ~ Exponential(1)
      for t in 2..T {
        let total[j, t] = total[j, t-1] + x[j, t-1]
        x[j, t] ~ Exponential(1 + total[j, t])
      }
    }`.bind({ J: 2, T: 3 });
  const logs = [
    [0.1, -0.4, 0.3],
    [-0.2, 0.5, -1],
  ];
  const expected = logs.flat().reduce((sum, u) => sum + u, 0) + logs.reduce((sum, row) => sum + chain(row.map(Math.exp)), 0);
  const q = p.unconstrain({ x: logs.map((row) => row.map(Math.exp)) });
  close(p.logDensity(q), expected);

  function chain(x: number[]): number {
    let [sum, total] = [0, 0];
    x.forEach((v, t) => {
      if (t > 0) total += x[t - 1];
      sum += Math.log(1 + total) - (1 + total) * v;
    });
    return sum;
  }
});

test("two latents that wait for one another, element after element", async () => {
  const p = await ppl`
    data T: int
    v[1] ~ Normal(0, 1)
    x[1] ~ Normal(0, 1)
    for t in 2..T {
      x[t] ~ Normal(x[t-1] + v[t-1], 1)
      v[t] ~ Normal(v[t-1] - 0.1 * x[t], 1)
    }`.bind({ T: 4 });
  const [x, v] = [
    [0.3, 0.5, -0.2, 0.9],
    [-0.1, 0.4, 0.2, 0.7],
  ];
  const expected = x.reduce(
    (sum, _, t) =>
      sum + normal(x[t], t === 0 ? 0 : x[t - 1] + v[t - 1], 1) + normal(v[t], t === 0 ? 0 : v[t - 1] - 0.1 * x[t], 1),
    0,
  );
  close(p.logDensity(p.unconstrain({ x, v })), expected);
});

test("a chain whose steps are of two kinds, by data: each reads what the other one gives", async () => {
  const y = [0.3, -0.2, 0.8, 1.1, 0.4, 0.1];
  const fast = [0, 1, 0, 0, 1, 1];
  const p = await ppl`
    data y: real[T], fast: int[T]
    s ~ HalfNormal(1)
    x[1] ~ Normal(0, 1)
    for t in 2..T { if fast[t] == 1 { x[t] ~ Normal(x[t-1], s) } else { x[t] ~ Normal(0.5 * x[t-1], 1) } }
    y ~ Normal(x, 1)`.bind({ y, fast });
  const other = await ppl`
    data y: real[T], fast: int[T]
    s ~ HalfNormal(1)
    x[1] ~ Normal(0, 1)
    for t in 2..T { x[t] ~ Normal(fast[t] == 1 ? x[t-1] : 0.5 * x[t-1], fast[t] == 1 ? s : 1) }
    y ~ Normal(x, 1)`.bind({ y, fast });
  const at = { s: 0.7, x: [0.2, -0.4, 0.9, 0.3, -0.1, 0.5] };
  close(p.logDensity(p.unconstrain(at)), other.logDensity(other.unconstrain(at)));
  const [prior, otherPrior] = [
    await p.run("prior", { draws: 4000, seed: 3 }),
    await other.run("prior", { draws: 4000, seed: 4 }),
  ];
  // Second moments of both by their Monte Carlo errors; false alarms: 6 comparisons at 5 errors, 4e-6.
  const squares = (values: ArrayLike<number>, k: number): number[] =>
    Array.from({ length: 4000 }, (_, d) => Math.min(values[6 * d + k] ** 2, 9));
  for (let k = 0; k < 6; k++) {
    const [a, b] = [squares(prior.draws("x").values, k), squares(otherPrior.draws("x").values, k)];
    const mean = (v: number[]): number => v.reduce((sum, x) => sum + x, 0) / v.length;
    const variance = (v: number[]): number => mean(v.map((x) => (x - mean(v)) ** 2)) / v.length;
    expect(Math.abs(mean(a) - mean(b))).toBeLessThan(5 * Math.sqrt(variance(a) + variance(b)));
  }
});

test("bounds that wait for earlier elements, and noncentered, are refused in words", async () => {
  const bounded = ppl`
    data T: int
    let h[1] = 1.0
    z[1] ~ Uniform(0, 1)
    for t in 2..T {
      let h[t] = h[t-1] + z[t-1]
      z[t] ~ Uniform(0, h[t])
    }`;
  await expect(bounded.bind({ T: 3 })).rejects.toThrow("the bounds of z depend on what its own loop computes of it");
  const noncentered = ppl`
    data T: int
    let h[1] = 1.0
    z[1] ~ Normal(0, 1)
    for t in 2..T {
      let h[t] = h[t-1] + z[t-1]
      z[t] ~ noncentered Normal(h[t], 1)
    }`;
  await expect(noncentered.bind({ T: 3 })).rejects.toThrow("z is read by a recurrence of its loop and noncentered");
});
