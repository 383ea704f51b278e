// Lowering: log densities of small models against the same densities written out in TypeScript, at a point in general position.
import { describe, expect, test } from "vitest";
import { bound, exponential, gradientError, model, normal, somewhere, total } from "./model-under-test.ts";

/** Relative error of sums of a few dozen terms: far below 1e-12 in float64. */
const close = (actual: number, expected: number): void =>
  expect(Math.abs(actual - expected)).toBeLessThan(1e-12 * (1 + Math.abs(expected)) * 10);

async function check(
  text: string,
  data: Record<string, never> | Parameters<typeof bound>[1],
  expected: (q: Float64Array) => number,
): Promise<void> {
  const p = await bound(text, data);
  const q = somewhere(p.dimension);
  close(p.logDensity(q), expected(q));
  expect(gradientError(p, q)).toBeLessThan(1e-7);
}

describe("plates", () => {
  test("a loop is the vectorised statement", async () => {
    const data = { y: [1.5, -0.3, 2.2], s: [1, 2, 0.5] };
    const expected = ([m]: Float64Array) => normal(m, 0, 3) + total(data.y.map((y, i) => normal(y, m, data.s[i])));
    await check("data y: real[N], s: positive[N]\nm ~ Normal(0, 3)\ny ~ Normal(m, s)", data, expected);
    await check("data y: real[N], s: positive[N]\nm ~ Normal(0, 3)\nfor n in 1..N { y[n] ~ Normal(m, s[n]) }", data, expected);
  });

  test("nested loops, with lets that are arrays and lets that are local", async () => {
    const y = [
      [0.3, 1.2, -0.4],
      [2.1, 0.9, 0.2],
    ];
    await check(
      `data y: real[I, J]
       a: real[I] ~ Normal(0, 1)
       b: real[J] ~ Normal(0, 2)
       for i in 1..I, j in 1..J {
         let both = a[i] * b[j]
         let mu[i, j] = both + 0.5
         y[i, j] ~ Normal(mu[i, j], 1)
       }`,
      { y },
      (q) =>
        normal(q[0], 0, 1) +
        normal(q[1], 0, 1) +
        total([2, 3, 4].map((k) => normal(q[k], 0, 2))) +
        total(y.flatMap((row, i) => row.map((v, j) => normal(v, q[i] * q[2 + j] + 0.5, 1)))),
    );
  });

  test("widths that vary with the outer loop", async () => {
    const data = {
      m: [1, 3, 2],
      y: [
        [0.1, 0, 0],
        [0.5, -0.2, 0.8],
        [1.1, 0.4, 0],
      ],
    };
    await check(
      "data m: int[N], y: real[N, K]\na: real[N] ~ Normal(0, 1)\nfor n in 1..N { for k in 1..m[n] { y[n, k] ~ Normal(a[n] * k, 1) } }",
      data,
      (q) =>
        total([...q].map((a) => normal(a, 0, 1))) +
        total(data.y.flatMap((row, n) => row.slice(0, data.m[n]).map((v, k) => normal(v, q[n] * (k + 1), 1)))),
    );
  });

  test("a comprehension whose length varies with the row, under a sum", async () => {
    const data = { m: [0, 3, 1], x: [0.5, 1.5, -0.5], y: [1, 2, 3] };
    await check(
      "data m: int[N], x: real[K], y: real[N]\nb ~ Normal(0, 1)\nfor n in 1..N { y[n] ~ Normal(sum([b * x[k] for k in 1..m[n]]), 1) }",
      data,
      ([b]) => normal(b, 0, 1) + total(data.y.map((y, n) => normal(y, total(data.x.slice(0, data.m[n]).map((x) => b * x)), 1))),
    );
  });

  test("a slice whose length varies with the row, under a sum", async () => {
    const data = { from: [1, 2, 3], to: [2, 2, 2], y: [1, 2, 3] };
    await check(
      "data from: int[N], to: int[N], y: real[N]\nb: real[3] ~ Normal(0, 1)\nfor n in 1..N { y[n] ~ Normal(sum(b[from[n]..to[n]]), 1) }",
      data,
      (q) =>
        total([...q].map((b) => normal(b, 0, 1))) +
        total(data.y.map((y, n) => normal(y, total([...q].slice(data.from[n] - 1, data.to[n])), 1))),
    );
  });

  test("if on data chooses by row, and the other branch need not make sense", async () => {
    const y = [0.4, 1.1, -0.6, 0.2];
    await check(
      "data y: real[T]\na ~ Normal(0, 1)\nfor t in 1..T { if t == 1 { y[t] ~ Normal(0, 2) } else { y[t] ~ Normal(a * y[t-1], 1) } }",
      { y },
      ([a]) => normal(a, 0, 1) + normal(y[0], 0, 2) + total(y.slice(1).map((v, t) => normal(v, a * y[t], 1))),
    );
    await check(
      "data y: real[T]\na ~ Normal(0, 1)\nfor t in 1..T { y[t] ~ Normal(t == 1 ? 0.5 : a * y[t-1], 1) }",
      { y },
      ([a]) => normal(a, 0, 1) + normal(y[0], 0.5, 1) + total(y.slice(1).map((v, t) => normal(v, a * y[t], 1))),
    );
  });

  test("index arrays, pairs of indices, descending loops", async () => {
    const data = { g: [2, 1, 2, 3], h: [1, 1, 2, 2], y: [1, 2, 3, 4] };
    await check(
      "data g: int[N], h: int[N], y: real[N]\na: real[3, 2] ~ Normal(0, 1)\nfor n in N..1 by -1 { y[n] ~ Normal(a[g[n], h[n]], 1) }",
      data,
      (q) =>
        total([...q].map((v) => normal(v, 0, 1))) +
        total(data.y.map((v, n) => normal(v, q[(data.g[n] - 1) * 2 + data.h[n] - 1], 1))),
    );
  });
});

describe("latents", () => {
  test("elements by several statements, one of which reads its own array", async () => {
    await check(
      "x[1] ~ Normal(0, 2)\nfor t in 2..4 { x[t] ~ Normal(0.9 * x[t-1], 0.5) }",
      {},
      (q) => normal(q[0], 0, 2) + total([1, 2, 3].map((t) => normal(q[t], 0.9 * q[t - 1], 0.5))),
    );
  });

  test("positive, two-sided and latent-dependent bounds carry their Jacobians", async () => {
    const sigmoid = (u: number) => 1 / (1 + Math.exp(-u));
    await check("a: unit ~ Uniform(0, 1)\nb: real<0, 1 - a> ~ Flat()", {}, ([u, v]) => {
      const a = sigmoid(u);
      const slope = (t: number) => Math.log(sigmoid(t)) + Math.log(1 - sigmoid(t));
      return slope(u) + Math.log(1 - a) + slope(v);
    });
    await check("s ~ Exponential(2)", {}, ([u]) => exponential(Math.exp(u), 2) + u);
  });

  test("a type narrower than the support truncates and renormalises", async () => {
    await check("s: positive ~ Normal(0, 3)", {}, ([u]) => normal(Math.exp(u), 0, 3) + Math.log(2) + u);
    await check("s: positive ~ unnormalized Normal(0, 3)", {}, ([u]) => normal(Math.exp(u), 0, 3) + u);
  });

  test("an ordered type under one law gains log K!", async () => {
    await check("m: ordered[3] ~ Normal(0, 2)", {}, ([a, b, c]) => {
      const m = [a, a + Math.exp(b), a + Math.exp(b) + Math.exp(c)];
      return total(m.map((v) => normal(v, 0, 2))) + b + c + Math.log(6);
    });
  });

  test("noncentered is the same prior in other coordinates", async () => {
    await check(
      "m ~ Normal(0, 1)\nt ~ Exponential(1)\nx: real[2] ~ noncentered Normal(m, t)\n",
      {},
      (q) => normal(q[0], 0, 1) + exponential(Math.exp(q[1]), 1) + q[1] + normal(q[2], 0, 1) + normal(q[3], 0, 1),
    );
    const p = await bound("m ~ Normal(0, 1)\nt ~ Exponential(1)\nx: real[2] ~ noncentered Normal(m, t)\n");
    const fit = await p.run("nuts", { seed: 1, chains: 1, warmup: 50, draws: 3, threads: 1 });
    const [raw] = fit.chains;
    const tau = Math.exp(raw.positions[1]);
    close(fit.draws("x").values[0], raw.positions[0] + tau * raw.positions[2]);
  });

  test("a declaration, and its elements' priors apart", async () => {
    await check(
      "mu: ordered[2]\nmu[1] ~ Normal(0, 1)\nmu[2] ~ Normal(1, 2)",
      {},
      ([a, b]) => normal(a, 0, 1) + normal(a + Math.exp(b), 1, 2) + b,
    );
  });

  test("missing data are latents beside the observed", async () => {
    await check(
      "data y: real?[N]\nm ~ Normal(0, 1)\ny ~ Normal(m, 2)",
      { y: [1.5, null, -0.5, null] },
      ([m, a, b]) => normal(m, 0, 1) + total([1.5, a, -0.5, b].map((v) => normal(v, m, 2))),
    );
    await check(
      "data y: real?[T]\na ~ Normal(0, 1)\ny[1] ~ Normal(0, 1)\nfor t in 2..T { y[t] ~ Normal(a * y[t-1], 1) }",
      { y: [0.3, null, 1.2] },
      ([a, v]) => normal(a, 0, 1) + normal(0.3, 0, 1) + normal(v, a * 0.3, 1) + normal(1.2, a * v, 1),
    );
  });

  test("a Cholesky scale makes Normal multivariate, I(K) keeps it elementwise", async () => {
    await check("for n in 1..2 { z[n] ~ Normal(0, I(3)) }", {}, (q) => total([...q].map((v) => normal(v, 0, 1))));
    const l = [
      [2, 0],
      [0.5, 1.5],
    ];
    const data = { L: l };
    await check("data L: cholesky_cov[2, 2]\nz ~ Normal(zeros(2), L)", data, ([a, b]) => {
      const z0 = a / 2;
      const z1 = (b - 0.5 * z0) / 1.5;
      return normal(z0, 0, 1) + normal(z1, 0, 1) - Math.log(2 * 1.5);
    });
  });
});

describe("code", () => {
  test("functions with bodies, densities, factors, observe", async () => {
    await check(
      `data x: real[N]
       fn f(a, b) { let c = a * b; for i in 1..3 { let d[i] = c + i }; return sum(d) }
       density Tilted(x: real; k: positive) = -abs(x) * k
       a ~ Normal(0, 1)
       x ~ Tilted(2)
       factor(f(a, 2))
       observe(lpdf(Normal(a, 1), x))`,
      { x: [0.5, -1.5] },
      ([a]) => normal(a, 0, 1) - 2 * 2 + (3 * 2 * a + 6) + normal(0.5, a, 1) + normal(-1.5, a, 1),
    );
  });

  test("recurrences on data run at bind", async () => {
    await check(
      "data y: real[T]\nlet s[1] = 1\nfor t in 2..T { let s[t] = 0.5 * s[t-1] + y[t-1] }\na ~ Normal(0, 1)\ny ~ Normal(a * s, 1)",
      { y: [1, 2, 3] },
      ([a]) => normal(a, 0, 1) + total([1, 1.5, 2.75].map((s, i) => normal(i + 1, a * s, 1))),
    );
  });

  test("recurrences on data under an outer loop, and in functions called by row", async () => {
    const data = {
      y: [
        [1, 2, 3],
        [0.5, -1, 2],
      ],
    };
    const sums = data.y.map((row) => row.map((_, t) => total(row.slice(0, t + 1))));
    const expected = ([a]: Float64Array) =>
      normal(a, 0, 1) + total(data.y.flatMap((row, j) => row.map((v, t) => normal(v, a * sums[j][t], 1))));
    await check(
      `data y: real[J, T]
       for j in 1..J { let s[j, 1] = y[j, 1]; for t in 2..T { let s[j, t] = s[j, t-1] + y[j, t] } }
       a ~ Normal(0, 1)
       for j in 1..J, t in 1..T { y[j, t] ~ Normal(a * s[j, t], 1) }`,
      data,
      expected,
    );
    await check(
      `data x: real[N]
       fn f(a) { let p[1] = a; for t in 2..3 { let p[t] = a * t }; return sum(p) }
       b ~ Normal(0, 1)
       let all = [f(x[n] * b) for n in 1..N]
       for n in 1..N { x[n] ~ Normal(f(b * x[n]) + all[n], 1) }`,
      { x: [0.5, -0.25] },
      ([b]) => normal(b, 0, 1) + total([0.5, -0.25].map((x) => normal(x, 2 * 6 * x * b, 1))),
    );
  });

  test("slices of varying length left of ~ and in its arguments", async () => {
    const data = { from: [1, 3, 4], to: [2, 3, 6], y: [0.1, 0.5, -0.3, 1.2, 0.4, 0.8] };
    await check(
      "data from: int[J], to: int[J], y: real[N]\na: real[J] ~ Normal(0, 1)\nm: real[6] ~ Normal(0, 1)\nfor j in 1..J { y[from[j]..to[j]] ~ Normal(a[j] + m[from[j]..to[j]], 1) }",
      data,
      (q) =>
        total([...q].map((v) => normal(v, 0, 1))) +
        total(data.y.map((v, i) => normal(v, q[data.to.findIndex((t) => i < t)] + q[3 + i], 1))),
    );
  });

  test("both branches of an if on data may give a name", async () => {
    await check(
      `data y: real[N], k: int
       a ~ Normal(0, 1)
       if k == 1 { let c = 2 * a } else { let c = a }
       for n in 1..N {
         if n == 1 { let d = c } else { let d = y[n-1] * c }
         y[n] ~ Normal(d, 1)
       }`,
      { y: [1, 2, 3], k: 1 },
      ([a]) => normal(a, 0, 1) + normal(1, 2 * a, 1) + normal(2, 2 * a, 1) + normal(3, 4 * a, 1),
    );
  });

  test("what reads predictions takes no part in the density", async () => {
    const p = await bound(
      "data y: real[N]\nm ~ Normal(0, 1)\ny ~ Normal(m, 1)\nfor n in 1..N { predict rep[n] ~ Normal(m, 1) }\nquantity average = mean(rep)",
      { y: [1, 2] },
    );
    const fit = await p.run("nuts", { seed: 1, chains: 1, warmup: 100, draws: 2, threads: 1 });
    close(fit.draws("average").values[1], (fit.draws("rep").values[2] + fit.draws("rep").values[3]) / 2);
  });

  test("a drawn integer is an index of what follows it", async () => {
    const p = await bound(
      "m ~ Normal(0, 1)\npredict c ~ Categorical([0.25, 0.75])\npredict w ~ Normal([1, 50][c], 0.001)\nfor n in 1..3 { predict k[n] ~ DiscreteUniform(1, 2) }\nfor n in 1..3 { predict v[n] = [10, 20][k[n]] }",
    );
    const fit = await p.run("nuts", { seed: 4, chains: 1, warmup: 100, draws: 50, threads: 1 });
    const [c, w, k, v] = ["c", "w", "k", "v"].map((name) => [...fit.draws(name).values]);
    expect(new Set(c)).toEqual(new Set([1, 2]));
    c.forEach((which, i) => expect(Math.abs(w[i] - [1, 50][which - 1])).toBeLessThan(0.01));
    expect(v).toEqual(k.map((which) => 10 * which));
  });

  test("a mistake in a prediction is found at bind", async () => {
    await expect(
      (async () =>
        bound("data g: int[N]\nm: real[2] ~ Normal(0, 1)\nfor n in 1..N { predict y[n] ~ Normal(m[g[n]], 1) }", { g: [1, 3] }))(),
    ).rejects.toThrow(/index 3 is outside 1\.\.2/);
  });
});

describe("bind", () => {
  const rejects = (text: string, data: Parameters<typeof bound>[1], message: RegExp) =>
    expect((async () => bound(text, data))()).rejects.toThrow(message);

  test("sizes, types and values are compared, with the path", async () => {
    const text = "data J: int\ndata y: real[J], s: positive[J]\nm ~ Normal(0, 1)\ny ~ Normal(m, s)";
    await rejects(text, { J: 2, y: [1, 2], s: [1, 2, 3] }, /s has 3 values but J is 2/);
    await rejects(text, { J: 2, y: [1, 2], s: [1, -2] }, /s\[2\] = -2 is not a positive number/);
    await rejects(text, { J: 2, y: [1, Number.NaN], s: [1, 2] }, /y\[2\] is NaN/);
    await rejects(text, { J: 2, y: [1, null], s: [1, 2] }, /y\[2\] is missing/);
    await rejects(text, { J: 2.5, y: [1, 2], s: [1, 2] }, /J = 2.5 is not an integer/);
    await rejects(text, { J: 2, y: [1, 2] }, /the data have no s/);
    await rejects(text, { J: 0, y: [], s: [] }, /empty/);
  });

  test("values outside a distribution's support are found before a run", async () => {
    await rejects(
      "data y: int[N]\nl ~ Exponential(1)\ny ~ Poisson(l)",
      { y: [1, -6] },
      /y\[2\] = -6 is outside the support of Poisson/,
    );
    await rejects(
      "data y: real[N], g: int[N]\nm: real[2] ~ Normal(0, 1)\ny ~ Normal(m[g], 1)",
      { y: [1, 2], g: [1, 3] },
      /index 3 is outside 1\.\.2/,
    );
  });

  test("bounds that depend on latents give -inf outside", async () => {
    const p = await bound("data y: real[N]\nu ~ Exponential(1)\ny ~ Uniform(0, u)", { y: [0.5, 2.5] });
    expect(p.logDensity(Float64Array.of(0))).toBe(Number.NEGATIVE_INFINITY);
    expect(p.logDensity(Float64Array.of(1))).toBeGreaterThan(-10);
  });
});

describe("targets", () => {
  const text =
    "data y: real[N]\nm ~ Normal(0, 1)\ns ~ HalfNormal(2)\nw ~ Dirichlet(ones(3))\nx: real[2] ~ noncentered Normal(m, s)\ny ~ Normal(x[1], s)";
  const data = { y: [0.2, 0.4] };

  test("unconstrain is the inverse of constrain", async () => {
    const p = await bound(text, data);
    const q = somewhere(p.dimension);
    const finisher = await p.target.finisher((await import("../../src/runtime/numeric/random.ts")).stream(1, "test"));
    const out = new Float64Array(finisher.width);
    finisher.finish(q, out);
    let at = 0;
    const values = Object.fromEntries(
      finisher.columns.map((c) => {
        const size = c.shape.reduce((a, b) => a * b, 1);
        at += size;
        return [c.name, [...out.subarray(at - size, at)]];
      }),
    );
    const back = p.target.unconstrain(values, new Float64Array(p.dimension));
    back.forEach((v, i) => expect(Math.abs(v - q[i])).toBeLessThan(1e-12));
  });

  test("terms at constrained values and Jacobians add up to the log density", async () => {
    const { createBuilder } = await import("../../src/runtime/ir/builder.ts");
    const { interpret } = await import("../../src/runtime/ir/interpret.ts");
    const p = await bound(text, data);
    const q = somewhere(p.dimension);
    const b = createBuilder();
    const u = b.input("u", { shape: [q.length], dtype: "real" });
    const { values, jacobian } = p.target.constrain(b, u);
    const terms = [...p.target.terms(b, values), ...jacobian];
    close(
      interpret(
        terms.map((t) => b.sum(t.value)),
        { u: q },
      ).reduce((sum, [v]) => sum + v, 0),
      p.logDensity(q),
    );
    expect(p.target.terms(b, values).find((t) => t.site === "y")?.reads).toEqual(expect.arrayContaining(["x", "s"]));
  });

  test("the log density of copies side by side is that of each", async () => {
    const { createBuilder } = await import("../../src/runtime/ir/builder.ts");
    const { interpret } = await import("../../src/runtime/ir/interpret.ts");
    const p = await bound(text, data);
    const n = p.dimension;
    const all = somewhere(3 * n);
    const b = createBuilder();
    const us = b.tensor(all, [3, n]);
    const [lp] = p.target.batched(b, 3, [us], (inner, [u]) => [p.target.logDensity(inner, u)]);
    const values = interpret([lp], {})[0];
    values.forEach((v, i) => close(v, p.logDensity(all.slice(i * n, (i + 1) * n))));
  });

  test("blame names the coordinate along which a finite density has no slope", async () => {
    const p = await bound("data x: real[N]\nmu: real[2] ~ Normal(0, 1)\nx ~ Normal(mu[2] ^ 0.4, 1)", { x: [0.3] });
    const { culprits, badGradient } = p.target.blame(Float64Array.of(0.5, 0));
    expect(culprits).toEqual([]);
    expect(badGradient.map((g) => g.name)).toEqual(["mu[2]"]);
    expect(Number.isFinite(badGradient[0].value)).toBe(false);
    expect(p.target.blame(Float64Array.of(0.5, 0.1)).badGradient).toEqual([]);
  });

  test("blame names statement, element and values", async () => {
    const p = await bound("data y: real[N], s: real[N]\nm ~ Normal(0, 1)\nlet t = s + m\ny ~ Normal(m, t)", {
      y: [1, 2, 3],
      s: [1, -5, 2],
    });
    const { culprits } = p.target.blame(Float64Array.of(0.5));
    expect(culprits).toHaveLength(1);
    expect(culprits[0]).toMatchObject({ site: "y", element: [2], count: 1, of: 3 });
    expect(culprits[0].inputs).toEqual([
      { name: "y", value: 2 },
      { name: "m", value: 0.5 },
      { name: "t", value: -4.5 },
    ]);
  });

  test("prior draws and predictions have the laws of the model", async () => {
    const p = await bound(
      "m ~ Normal(1, 2)\ng ~ Gamma(3, 2)\npredict y ~ Normal(m, 1)\npredict k ~ Poisson(g)\nquantity twice = 2 * m",
    );
    const fit = await p.run("prior", { seed: 3, draws: 4000 });
    const mean = (name: string) => total([...fit.draws(name).values]) / 4000;
    // Four standard errors: false alarms once in 16,000.
    expect(Math.abs(mean("m") - 1)).toBeLessThan((4 * 2) / Math.sqrt(4000));
    expect(Math.abs(mean("g") - 1.5)).toBeLessThan((4 * Math.sqrt(0.75)) / Math.sqrt(4000));
    expect(Math.abs(mean("y") - 1)).toBeLessThan((4 * Math.sqrt(5)) / Math.sqrt(4000));
    expect(Math.abs(mean("k") - 1.5)).toBeLessThan((4 * Math.sqrt(2.25)) / Math.sqrt(4000));
    close(fit.draws("twice").values[7], 2 * fit.draws("m").values[7]);
  });

  test("a const is set from outside, a size read off the data", async () => {
    const p = await bound("const K = 2\nz: real[K] ~ Normal(0, 1)", {}, { K: 5 });
    expect(p.dimension).toBe(5);
    expect(() => model("z ~ Normal(0, 1").name).toThrow(/PPL1\d\d/);
  });
});
