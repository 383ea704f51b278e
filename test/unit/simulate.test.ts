// Models read forwards: the law of joint draws, recurrences of ~ and of predict among them; data sets that come of it; what cannot be drawn.
import { describe, expect, test } from "vitest";
import { readJson } from "../../src/dsl/data/json.ts";
import { ppl } from "../../src/index.ts";
import type { Model } from "../../src/model.ts";
import { log } from "../../src/runtime/numeric/math.ts";
import { dataText, type Simulation } from "../../src/simulation.ts";
import { cdfOf, chiSquareScore, kolmogorovLimit, kolmogorovSmirnov, normalCdf } from "./goodness-of-fit.ts";

/** Of one comparison. */
const FALSE_ALARM = 1e-9;
/** Standard normal, two-sided. */
const Z = 6.11;

const sum = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0);
/** The mean of independent numbers, in standard errors from what it should be. */
function score(x: ArrayLike<number>, expected: number): number {
  const mean = sum(x) / x.length;
  const variance = sum(Array.from(x, (v) => (v - mean) * (v - mean))) / (x.length - 1);
  return (mean - expected) / Math.sqrt(variance / x.length);
}
/** Element i of a variable over the draws. */
function element({ draws }: Simulation, name: string, i = 0): Float64Array {
  const size = draws.values[name].length / draws.drawsPerChain;
  return Float64Array.from({ length: draws.drawsPerChain }, (_, d) => draws.values[name][d * size + i]);
}
const isLaw = (sample: Float64Array, cdf: (x: number) => number): void =>
  expect(kolmogorovSmirnov(sample, cdf)).toBeLessThan(kolmogorovLimit(FALSE_ALARM));

describe("the law of draws", () => {
  test("a chain of latents: each element given the one before it", async () => {
    const made = await ppl`
      data T: int
      x[1] ~ Normal(0, 1)
      for t in 2..T { x[t] ~ Normal(0.5 * x[t-1], 2) }`.simulate({ T: 12 }, { draws: 500, seed: 1 });
    const noise = Float64Array.from({ length: 500 * 11 }, (_, k) => {
      const [d, t] = [Math.floor(k / 11), (k % 11) + 1];
      const x = made.draws.values.x.subarray(d * 12, (d + 1) * 12);
      return (x[t] - 0.5 * x[t - 1]) / 2;
    });
    isLaw(noise, normalCdf);
    isLaw(element(made, "x", 0), normalCdf);
  });

  test("integers that only the host draws, each with the mean that the one before gives it", async () => {
    const made = await ppl`
      data k: int<0,>[T]
      a ~ Gamma(3, 1)
      k[1] ~ Poisson(a)
      for t in 2..T { k[t] ~ Poisson(1 + 0.5 * k[t-1]) }`.simulate({ T: 8 }, { draws: 1500, seed: 2 });
    for (let t = 1; t < 8; t++) {
      const [before, now] = [element(made, "k", t - 1), element(made, "k", t)];
      const excess = now.map((k, d) => (k - 1 - 0.5 * before[d]) / Math.sqrt(1 + 0.5 * before[d]));
      expect(Math.abs(score(excess, 0))).toBeLessThan(Z);
      const squares = excess.map((x) => x * x);
      expect(Math.abs(score(squares, 1))).toBeLessThan(Z);
    }
  });

  test("a hidden chain: states as indices, transitions as often as their probabilities say", async () => {
    const made = await ppl`
      data y: real[T]
      let P = [[0.9, 0.1], [0.4, 0.6]]
      s[1] ~ Categorical([0.5, 0.5])
      for t in 2..T { s[t] ~ Categorical(P[s[t-1]]) }
      for t in 1..T { y[t] ~ Normal(10 * s[t], 1) }`.simulate({ T: 20 }, { draws: 400, seed: 3 });
    const counts = [0, 0, 0, 0];
    for (let d = 0; d < 400; d++) {
      const s = made.draws.values.s.subarray(d * 20, (d + 1) * 20);
      for (let t = 1; t < 20; t++) counts[2 * (s[t - 1] - 1) + (s[t] - 1)]++;
    }
    const [from1, from2] = [counts[0] + counts[1], counts[2] + counts[3]];
    expect(Math.abs(chiSquareScore(counts, [0.9 * from1, 0.1 * from1, 0.4 * from2, 0.6 * from2], 2))).toBeLessThan(Z);
    isLaw(
      made.draws.values.y.map((y, i) => y - 10 * made.draws.values.s[i]),
      normalCdf,
    );
  });

  test("observations that a recurrence of lets above them reads (GARCH)", async () => {
    const made = await ppl`
      data y: real[T], sigma1: positive
      mu ~ Normal(0, 1)
      a ~ Uniform(0, 0.5)
      let s[1] = sigma1
      for t in 2..T { let s[t] = sqrt(0.1 + a * (y[t-1] - mu)^2 + 0.4 * s[t-1]^2) }
      y ~ Normal(mu, s)
      quantity last = s[T]`.simulate({ T: 10, sigma1: 2 }, { draws: 600, seed: 4 });
    const noise: number[] = [];
    for (let d = 0; d < 600; d++) {
      const [mu, a] = [element(made, "mu")[d], element(made, "a")[d]];
      const y = made.draws.values.y.subarray(d * 10, (d + 1) * 10);
      let s = 2;
      noise.push((y[0] - mu) / s);
      for (let t = 1; t < 10; t++) {
        s = Math.sqrt(0.1 + a * (y[t - 1] - mu) * (y[t - 1] - mu) + 0.4 * s * s);
        noise.push((y[t] - mu) / s);
      }
      expect(Math.abs(element(made, "last")[d] - s)).toBeLessThan(1e-12 * s * 20);
    }
    isLaw(Float64Array.from(noise), normalCdf);
  });

  test("a declared order, elements of which have statements of their own, is the product restricted", async () => {
    const made = await ppl`
      mu: ordered[2]
      mu[1] ~ Normal(0, 1)
      mu[2] ~ Normal(0.5, 1)`.simulate({}, { draws: 4000, seed: 5 });
    // The difference is normal with mean 0.5 and variance 2, cut off below 0; the sum is independent of it.
    const [low, high] = [element(made, "mu", 0), element(made, "mu", 1)];
    const mass = normalCdf(0.5 / Math.sqrt(2));
    isLaw(
      high.map((x, d) => x - low[d]),
      (t) => (t <= 0 ? 0 : 1 - (1 - normalCdf((t - 0.5) / Math.sqrt(2))) / mass),
    );
    isLaw(
      high.map((x, d) => x + low[d]),
      (t) => normalCdf((t - 0.5) / Math.sqrt(2)),
    );
  });

  test("what is unnormalized draws its parameters, too", async () => {
    const made = await ppl`
      m ~ Normal(0, 1)
      x: positive ~ unnormalized Normal(m, 1)`.simulate({}, { draws: 4000, seed: 6 });
    // m has density N(m) Phi(m) / (1/2).
    isLaw(
      element(made, "m"),
      cdfOf((m) => -0.5 * m * m - 0.9189385332046727 + log(2 * normalCdf(m)), -9, 9),
    );
    expect(element(made, "x").every((x) => x > 0)).toBe(true);
  });

  test("an unnormalized law whose bounds are drawn draws these, too", async () => {
    const made = await ppl`
      data N: int
      m ~ Exponential(1)
      x: real<0, m> ~ unnormalized Uniform(0, 30)`.simulate({ N: 1 }, { draws: 2000, seed: 6 });
    // x lies below m with probability m / 30, so m has density m exp(-m): mean 2, and variance 2.
    const m = element(made, "m");
    expect(Math.abs(score(m, 2))).toBeLessThan(Z);
    const squares = m.map((v) => (v - 2) * (v - 2));
    expect(Math.abs(score(squares, 2))).toBeLessThan(Z);
  });

  test("what has a square root is no negative number's square", async () => {
    const made = await ppl`
      data y: positive
      sqrt(y) ~ Normal(0.5, 1)`.simulate({}, { draws: 3000, seed: 7 });
    const inside = normalCdf(0.5);
    isLaw(element(made, "y"), (y) => (y <= 0 ? 0 : 1 - (1 - normalCdf(Math.sqrt(y) - 0.5)) / inside));
    expect(made.again).toBeGreaterThan(0);
  });

  test("a branch that a discrete latent does not take leaves its latents at their least values", async () => {
    const made = await ppl`
      z ~ Bernoulli(0.3)
      if z == 1 { k ~ Categorical([0.2, 0.3, 0.5]) }`.simulate({}, { draws: 3000, seed: 7 });
    const counts = [0, 0, 0, 0];
    const [z, k] = [element(made, "z"), element(made, "k")];
    z.forEach((on, d) => {
      counts[on === 1 ? k[d] : 0]++;
      if (on === 0) expect(k[d]).toBe(1);
    });
    expect(Math.abs(chiSquareScore(counts, [2100, 180, 270, 450]))).toBeLessThan(Z);
  });

  test("a loop whose lets read what it draws", async () => {
    const made = await ppl`
      data T: int
      let h[1] = 0.5
      z[1] ~ Normal(h[1], 1)
      for t in 2..T {
        let h[t] = 0.5 * h[t-1] + 0.2 * z[t-1]
        z[t] ~ Normal(h[t], 1)
      }`.simulate({ T: 9 }, { draws: 500, seed: 8 });
    const noise: number[] = [];
    for (let d = 0; d < 500; d++) {
      const z = made.draws.values.z.subarray(d * 9, (d + 1) * 9);
      let h = 0.5;
      z.forEach((x, t) => {
        if (t > 0) h = 0.5 * h + 0.2 * z[t - 1];
        noise.push(x - h);
      });
    }
    isLaw(Float64Array.from(noise), normalCdf);
  });

  test("forecasts of an autoregression from the posterior: each step from the one before, in its own draw", async () => {
    const posterior = await ppl`
      data y: real[T], H: int
      a ~ Uniform(-1, 1)
      for t in 2..T { y[t] ~ Normal(a * y[t-1], 1) }
      predict f[1] ~ Normal(a * y[T], 1)
      for h in 2..H { predict f[h] ~ Normal(a * f[h-1], 1) }
      predict total = sum(f)`.bind({ y: [0.5, 1, 0.2, -0.4, 0.9, 1.4], H: 6 });
    const fit = await posterior.run("nuts", { chains: 1, seed: 3, warmup: 200, draws: 800, threads: 1 });
    const [a, f, total] = ["a", "f", "total"].map((name) => fit.draws(name).values);
    const noise: number[] = [];
    a.forEach((slope, d) => {
      const own = f.subarray(6 * d, 6 * d + 6);
      noise.push(own[0] - slope * 1.4);
      for (let h = 1; h < 6; h++) noise.push(own[h] - slope * own[h - 1]);
      expect(Math.abs(total[d] - sum(own))).toBeLessThan(1e-12);
    });
    isLaw(Float64Array.from(noise), normalCdf);
  });

  test("a recurrence that begins with a prediction, and is read by others", async () => {
    const posterior = await ppl`
      data y: real[M, T], H: int
      a ~ Normal(0, 1)
      y ~ Normal(a, 1)
      for m in 1..M {
        predict f[m, 1] ~ Normal(a * y[m, T], 1)
        let level[m, 1] = f[m, 1]
        for h in 2..H {
          let level[m, h] = 0.5 * level[m, h-1] + f[m, h-1]
          predict f[m, h] ~ Normal(level[m, h], 1)
        }
      }`.bind({
      y: [
        [1, -2],
        [0.5, 3],
      ],
      H: 5,
    });
    const fit = await posterior.run("nuts", { chains: 1, seed: 3, warmup: 200, draws: 500, threads: 1 });
    const [a, f] = ["a", "f"].map((name) => fit.draws(name).values);
    const noise: number[] = [];
    a.forEach((slope, d) => {
      for (const [m, last] of [-2, 3].entries()) {
        const own = f.subarray(10 * d + 5 * m, 10 * d + 5 * m + 5);
        noise.push(own[0] - slope * last);
        let level = own[0];
        for (let h = 1; h < 5; h++) {
          level = 0.5 * level + own[h - 1];
          noise.push(own[h] - level);
        }
      }
    });
    isLaw(Float64Array.from(noise), normalCdf);
  });

  test("predictions that count earlier ones: dogs learn from shocks", async () => {
    const posterior = await ppl`
      data J: int, T: int
      a ~ Beta(20, 5)
      for j in 1..J {
        let shocks[j, 1] = 0
        predict y[j, 1] ~ Bernoulli(0.5)
        for t in 2..T {
          let shocks[j, t] = shocks[j, t-1] + y[j, t-1]
          predict y[j, t] ~ Bernoulli(a^shocks[j, t])
        }
      }
      predict last[1] = y[1, T]`.bind({ J: 4, T: 8 });
    const fit = await posterior.run("prior", { draws: 1000, seed: 1 });
    const [a, y] = ["a", "y"].map((name) => fit.draws(name).values);
    const excess: number[] = [];
    a.forEach((p, d) => {
      for (let j = 0; j < 4; j++) {
        let [chance, shocks] = [1, 0];
        for (let t = 1; t < 8; t++) {
          const before = y[d * 32 + j * 8 + t - 1];
          shocks += before;
          chance *= before === 1 ? p : 1;
          if (shocks > 0) excess.push((y[d * 32 + j * 8 + t] - chance) / Math.sqrt(chance * (1 - chance)));
          else expect(y[d * 32 + j * 8 + t]).toBe(1);
        }
      }
    });
    expect(Math.abs(score(excess, 0))).toBeLessThan(Z);
  });
});

test("missing entries of a series are no prior draws", async () => {
  const posterior = await ppl`
    data y: real?[T]
    a ~ Uniform(-1, 1)
    y[1] ~ Normal(0, 1)
    for t in 2..T { y[t] ~ Normal(a * y[t-1], 1) }`.bind({ y: [0.1, null, 0.3, null] });
  await expect(posterior.run("prior", { seed: 1, draws: 2 })).rejects.toThrow(
    "missing entries of y, which reads its own elements",
  );
});

describe("data sets", () => {
  const model = ppl`
    data N: int, x: real[N], y: real?[N], k: int<0,>[N]
    b ~ Normal(0, 1)
    y ~ Normal(b * x, 0.5)
    for n in 1..N { k[n] ~ Poisson(exp(0.1 * x[n])) }`;
  const given = { N: 4, x: [1, 2, 3, 4] };

  test("are read back, bound and fitted", async () => {
    const made = await model.simulate(given, { seed: 9 });
    const text = [...dataText(made.data())].join("");
    const posterior = await model.bindData(readJson("made.json", text));
    expect(posterior.dimension).toBe(1);
    const back = readJson("made.json", text);
    for (const [name, value] of made.data()) expect(Array.from(back.get(name)?.values ?? [])).toEqual(Array.from(value.values));
  });
  test("have null where the data given have it", async () => {
    const made = await model.simulate({ ...given, y: [0, null, 0, null] }, { seed: 9 });
    expect(Array.from(made.data().get("y")?.missing ?? [])).toEqual([0, 1, 0, 1]);
    expect([...dataText(made.data())].join("")).toMatch(/"y": \[-?\d[^,]*, null, -?\d[^,]*, null\]/);
    const whole = await model.simulate(given, { seed: 9 });
    expect(made.data().get("y")?.values[0]).toBe(whole.data().get("y")?.values[0]);
  });
  test("are the same for one draw and for many", async () => {
    const [one, many] = [await model.simulate(given, { seed: 9 }), await model.simulate(given, { seed: 9, draws: 5 })];
    expect([...dataText(one.data(0))]).toEqual([...dataText(many.data(0))]);
    expect([...dataText(many.data(1))]).not.toEqual([...dataText(many.data(0))]);
    expect(() => many.data(5)).toThrow("there is no draw 5");
  });
  test("keep what no ~ gives, and go on from it", async () => {
    const walk = ppl`
      data y: real[T]
      for t in 2..T { y[t] ~ Normal(y[t-1], 0.001) }`;
    const made = await walk.simulate({ y: [100, 0, 0, 0] }, { seed: 1 });
    const y = made.data().get("y")?.values ?? [];
    expect(y[0]).toBe(100);
    expect(Math.abs(y[3] - 100)).toBeLessThan(0.001 * Math.sqrt(3) * Z);
  });
  test("are made with the latents and params that are given", async () => {
    const scaled = ppl`
      data y: real[N]
      param s: positive
      m ~ Flat()
      y ~ Normal(m, s)`;
    const made = await scaled.simulate({ N: 400 }, { seed: 1, latents: { m: 7 }, params: { s: 2 } });
    const y = made.data().get("y")?.values ?? [];
    isLaw(
      Float64Array.from(y, (v) => (v - 7) / 2),
      normalCdf,
    );
    expect(made.latents().get("m")?.values[0]).toBe(7);
  });
  test("solve what is observed for the variable in it", async () => {
    const made = await ppl`
      data y: positive[N], k: int<0, 2>[N], x: positive[N], u: real[N], v: positive[N]
      m ~ Normal(2, 0.001)
      log10(y) - 1 ~ Normal(m, 0.001)
      for n in 1..N { k[n] + 1 ~ Categorical([0.2, 0.3, 0.5]) }
      for n in 1..N { -x[n] / (2 * n) ~ Normal(-m, 0.001) }
      3 * (5 - u) ~ Normal(m, 0.001)
      1 / sqrt(v) ~ Normal(m, 0.001)`.simulate({ N: 500 }, { seed: 2 });
    const [y, k, x, u, v] = ["y", "k", "x", "u", "v"].map((name) => made.data().get(name)?.values ?? new Float64Array(0));
    y.forEach((v) => expect(Math.abs(v / 1000 - 1)).toBeLessThan(0.05));
    u.forEach((w) => expect(Math.abs(w - (5 - 2 / 3))).toBeLessThan(0.01));
    v.forEach((w) => expect(Math.abs(w - 0.25)).toBeLessThan(0.01));
    x.forEach((v, i) => expect(Math.abs(v / (4 * (i + 1)) - 1)).toBeLessThan(0.01));
    const counts = [0, 1, 2].map((value) => Array.from(k).reduce((n, v) => n + (v === value ? 1 : 0), 0));
    expect(Math.abs(chiSquareScore(counts, [100, 150, 250]))).toBeLessThan(Z);
  });
  test("lie where their types say; draws that do not are made again, and that is told", async () => {
    const made = await ppl`
      data y: positive[N]
      m ~ Normal(0, 1)
      y ~ Normal(m, 1)`.simulate({ N: 2 }, { seed: 3, draws: 200 });
    expect(made.draws.values.y.every((y) => y > 0)).toBe(true);
    expect(made.again).toBeGreaterThan(0);
    expect(made.notes.join()).toContain(`${made.again} draws fell outside`);
  });
  test("have integers that are read back as integers, zero among them", async () => {
    const negative = ppl`data k: int<,0>[N]; l ~ Exponential(1); -k ~ Poisson(l)`;
    const made = await negative.simulate({ N: 8 }, { seed: 1, latents: { l: 0.5 } });
    const text = [...dataText(made.data())].join("");
    expect(text).toMatch(/\b0\b/);
    expect(text).not.toContain(".");
    expect((await negative.bindData(readJson("made.json", text))).dimension).toBe(1);
  });
  test("latents of some rows alone: what they were made with is given again", async () => {
    const some = ppl`
      data y: real[N], g: int[N]
      m ~ Normal(0, 1)
      for n in 1..N { if g[n] == 1 { t[n] ~ Normal(0, 1); y[n] ~ Normal(t[n], 0.001) } else { y[n] ~ Normal(m, 1) } }`;
    const made = await some.simulate({ g: [1, 0, 1] }, { seed: 1 });
    const text = [...dataText(made.latents())].join("");
    expect(text).toMatch(/"t": \[[^,]*, null, [^,]*\]/);
    const latents = JSON.parse(text) as Record<string, number[]>;
    const again = await some.simulate({ g: [1, 0, 1] }, { seed: 2, latents });
    expect([...dataText(again.latents())].join("")).toBe(text);
    await expect(some.simulate({ g: [1, 1, 1] }, { seed: 2, latents })).rejects.toThrow("t has entries that are missing");
  });
  test("names that every object of JavaScript has are names", async () => {
    const made = await ppl`data valueOf: real; constructor ~ Normal(0, 1); valueOf ~ Normal(constructor, 0.001)`.simulate(
      {},
      { seed: 1 },
    );
    expect(Math.abs(element(made, "valueOf")[0] - element(made, "constructor")[0])).toBeLessThan(0.001 * Z);
  });
  test("a chain of a thousand takes no longer than seconds", async () => {
    const chain = ppl`
      data y: real[T]
      x[1] ~ Normal(0, 1)
      for t in 2..T { x[t] ~ Normal(0.9 * x[t-1], 0.5) }
      y ~ Normal(x, 1)`;
    const began = process.cpuUsage();
    const made = await chain.simulate({ T: 1000 }, { seed: 1, draws: 5 });
    const { user, system } = process.cpuUsage(began);
    expect(made.draws.values.y.every(Number.isFinite)).toBe(true);
    expect((user + system) / 1e6).toBeLessThan(10);
  });
});

describe("what cannot be drawn is said", () => {
  const cases: readonly (readonly [string, Model, Parameters<Model["simulate"]>[0], RegExp])[] = [
    ["a size that nothing has", ppl`data y: real[T]; y ~ Normal(0, 1)`, {}, /the size T is not known[\s\S]*"T": 100/],
    ["a covariate that is not there", ppl`data x: real, y: real; y ~ Normal(x, 1)`, {}, /the data have no x/],
    ["first elements", ppl`data y: real[T]; for t in 2..T { y[t] ~ Normal(y[t-1], 1) }`, { T: 5 }, /y\[1\] is given by no ~/],
    [
      "an expression without inverse",
      ppl`data y: real[N]; y^2 ~ Exponential(1)`,
      { N: 2 },
      /what is observed here cannot be drawn/,
    ],
    [
      "an expression of two variables",
      ppl`data y: real[N], k: real[N]; y + k ~ Normal(0, 1)`,
      { N: 2 },
      /what is observed here cannot be drawn/,
    ],
    ["integers that are no integers", ppl`data y: int[N]; 0.5 * y ~ Normal(0, 1)`, { N: 2 }, /y has integers/],
    ["observe", ppl`data N: int; m ~ Normal(0, 1); observe(lpdf(Normal(m, 1), 2))`, { N: 2 }, /observe adds a log density/],
    ["an improper prior", ppl`data y: real; m ~ Flat(); y ~ Normal(m, 1)`, {}, /Flat cannot be drawn from/],
    [
      "networks",
      ppl`data x: real[N, 2], y: real[N]; net f = mlp([2, 3, 1]); for n in 1..N { y[n] ~ Normal(f(x[n])[1], 1) }`,
      { x: [[1, 2]] },
      /f\.1\.weight, .* of embedded are to be learnt.*--params DIR$/,
    ],
    ["params", ppl`data y: real; param m: real; y ~ Normal(m, 1)`, {}, /m of embedded is to be learnt[\s\S]*--params DIR/],
    [
      "a set without volume",
      ppl`data y: real; w: simplex[2]; w[1] ~ Normal(0, 1); w[2] ~ Normal(0, 1); y ~ Normal(w[1], 1)`,
      {},
      /w cannot be drawn/,
    ],
    [
      "elements without ~",
      ppl`data y: real; m: ordered[2]; m[1] ~ Normal(0, 1); y ~ Normal(m[1], 1)`,
      {},
      /elements of m have no ~/,
    ],
    [
      "a circle of numbers",
      ppl`data y: real; x[1] ~ Normal(x[2], 1); x[2] ~ Normal(x[1], 1); y ~ Normal(x[1], 1)`,
      {},
      /in a circle/,
    ],
    [
      "a circle of integers",
      ppl`data y: real; x[1] ~ Bernoulli(0.01 + 0.98 * x[2]); x[2] ~ Bernoulli(0.01 + 0.98 * x[1]); y ~ Normal(x[1], 1)`,
      {},
      /in a circle/,
    ],
    ["a type that is never met", ppl`data y: real<0, 1>[N]; y ~ Normal(50, 1)`, { N: 2 }, /none of \d+ draws had y/],
    [
      "a branch that the data decide on",
      ppl`data y: real[N]; for n in 1..N { y[n] ~ Normal(0, 1)
        if y[n] > 0 { z[n] ~ Normal(0, 1) } else { z[n] ~ Normal(0, 2) } }`,
      { N: 2 },
      /in a branch/,
    ],
  ];
  test.each(cases)("%s", async (_, model, data, message) => {
    await expect(model.simulate(data, { seed: 1, draws: 10 })).rejects.toThrow(message);
  });
  test("more draws than can be held", async () => {
    await expect(ppl`data y: real[N]; y ~ Normal(0, 1)`.simulate({ N: 100_000 }, { draws: 10_000 })).rejects.toThrow(
      "10000 draws of 100000 numbers are more than can be held",
    );
  });
  test("latents that are none, or have another shape or set", async () => {
    const model = ppl`data y: real[N]; theta: positive[N] ~ Exponential(1); y ~ Normal(theta, 1)`;
    const simulate = (latents: Record<string, number | number[]>) => model.simulate({ N: 3 }, { seed: 1, latents });
    await expect(simulate({ thetta: 1 })).rejects.toThrow("thetta is no latent of embedded: did you mean theta?");
    await expect(simulate({ theta: [1, 2] })).rejects.toThrow(/shape \[2\]/);
    await expect(simulate({ theta: [1, 2, -1] })).rejects.toThrow("the value given for theta is outside its support");
    const rows = ppl`
      data y: real[N], lo: real[N]
      for n in 1..N { a[n]: real<lo[n],> ~ Normal(0, 1); k[n] ~ Bernoulli(0.5); P[n]: simplex[2] ~ Dirichlet([1, 1]) }
      y ~ Normal(a + k, 1)`;
    const given = (latents: Record<string, number[] | number[][]>) => rows.simulate({ lo: [0, 2] }, { seed: 1, latents });
    await expect(given({ a: [1, 1] })).rejects.toThrow("the value given for a is outside its support");
    await expect(given({ k: [1, 0.5] })).rejects.toThrow("the value given for k is outside its support");
    await expect(
      given({
        P: [
          [0.5, 0.5],
          [0.5, 0.6],
        ],
      }),
    ).rejects.toThrow("the value given for P is outside its support");
    expect(
      (
        await given({
          a: [1, 3],
          k: [1, 0],
          P: [
            [0.5, 0.5],
            [0.1, 0.9],
          ],
        })
      ).draws.drawsPerChain,
    ).toBe(1);
  });
});

test("engines that begin at the prior take latents that read their own elements: the evidence of a chain", async () => {
  const y = [0.5, -1.2, 0.8];
  const posterior = await ppl`
    data y: real[T]
    x[1] ~ Normal(0, 1)
    for t in 2..T { x[t] ~ Normal(0.9 * x[t-1], 0.5) }
    y ~ Normal(x, 1)`.bind({ y });
  // Kalman's recursion.
  let [mean, variance, evidence] = [0, 1, 0];
  for (const value of y) {
    const spread = variance + 1;
    evidence += (-0.5 * ((value - mean) * (value - mean))) / spread - 0.5 * log(2 * Math.PI * spread);
    const gain = variance / spread;
    [mean, variance] = [0.9 * (mean + gain * (value - mean)), 0.81 * variance * (1 - gain) + 0.25];
  }
  for (const [engine, options] of [
    ["importance", { proposal: "prior", draws: 20000 }],
    ["ais", { particles: 50 }],
  ] as const) {
    const fit = await posterior.run(engine, { seed: 1, threads: 1, ...options });
    const found = fit.evidence ?? { mean: Number.NaN, se: 0 };
    expect(found.se).toBeLessThan(0.2);
    expect(Math.abs(found.mean - evidence)).toBeLessThan(Z * found.se);
  }
});
