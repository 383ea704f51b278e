// Discrete latents that are summed out: what it costs, what is refused, hard zeros, and what is done with them afterwards.
import { expect, test } from "vitest";
import { engines } from "../../src/inference/engines/index.ts";
import { runEngine } from "../../src/inference/run.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { shapeOf } from "../../src/runtime/ir/graph.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Target } from "../../src/runtime/target.ts";
import { bound, gradientError, normal, somewhere } from "./model-under-test.ts";

const logSumExp = (...xs: number[]): number => {
  const top = Math.max(...xs);
  return Number.isFinite(top) ? top + Math.log(xs.reduce((s, x) => s + Math.exp(x - top), 0)) : top;
};
const flops = (target: Target): number => {
  const summation = target.summation();
  if ("refusal" in summation) throw new Error(summation.refusal);
  return summation.flops;
};
const chain = `data y: real[T]
const K = 3
for i in 1..K { P[i] ~ Dirichlet(ones(K)) }
mu: ordered[K] ~ Normal(0, 5)
s[1] ~ Categorical(ones(K) / K)
for t in 2..T { s[t] ~ Categorical(P[s[t-1]]) }
for t in 1..T { y[t] ~ Normal(mu[s[t]], 1) }`;
const series = (n: number): number[] => Array.from({ length: n }, (_, t) => 2 * Math.sin(t) + 0.1 * (t % 7));

test("a mixture is the mixture that is written as one", async () => {
  const data = { y: [0.3, -1.2, 2.4, 0.1, 1.9] };
  const head =
    "data y: real[N]\nconst K = 3\nw ~ Dirichlet(ones(K))\nmu: ordered[K] ~ Normal(0, 5)\ns: positive[K] ~ HalfNormal(2)\n";
  const latent = await bound(`${head}for n in 1..N {\n  k[n] ~ Categorical(w)\n  y[n] ~ Normal(mu[k[n]], s[k[n]])\n}`, data);
  const written = await bound(`${head}y ~ mixture(w, Normal(mu, s))`, data);
  const q = somewhere(latent.dimension);
  const [slope, expected] = [new Float64Array(q.length), new Float64Array(q.length)];
  const value = written.gradient(q, expected);
  expect(Math.abs(latent.gradient(q, slope) - value)).toBeLessThan(1e-13 * Math.abs(value));
  slope.forEach((g, i) => {
    expect(Math.abs(g - expected[i])).toBeLessThan(1e-12 * (1 + Math.abs(expected[i])));
  });
});

test("a chain costs in proportion to its length, in flops and in the size of the graph", async () => {
  const [short, long] = await Promise.all([bound(chain, { y: series(50) }), bound(chain, { y: series(500) })]);
  expect(flops(long.target) / flops(short.target)).toBeCloseTo(10, 6);
  const sizeOfGraph = (target: Target): { nodes: number; largest: number } => {
    const b = createBuilder();
    const root = target.logDensity(b, b.input("q", { shape: [target.dimension], dtype: "real" }));
    const nodes = nodesOf([root]);
    return {
      nodes: nodes.length,
      largest: Math.max(...nodes.filter((n) => n.op !== "constant").map((n) => sizeOf(n.results[0].shape))),
    };
  };
  const [few, many] = [sizeOfGraph(short.target), sizeOfGraph(long.target)];
  expect(many.nodes).toBe(few.nodes);
  expect(many.largest).toBeLessThanOrEqual(10 * few.largest);
  expect(many.largest).toBeLessThanOrEqual(500 * 3);
  expect(gradientError(short, somewhere(short.dimension))).toBeLessThan(1e-6);
});

test("the chain is the forward recursion, written out", async () => {
  const y = series(60);
  const p = await bound(chain, { y });
  const names = await columnsAt(p.target, somewhere(p.dimension));
  const [P, mu] = [names.get("P")!, names.get("mu")!];
  let alpha = [0, 1, 2].map((k) => -Math.log(3) + normal(y[0], mu[k], 1));
  for (const x of y.slice(1))
    alpha = [0, 1, 2].map((j) => logSumExp(...alpha.map((a, i) => a + Math.log(P[3 * i + j]))) + normal(x, mu[j], 1));
  const logLikelihood = logSumExp(...alpha);
  const empty = await bound(chain.replace(/\nfor t in 1..T .*/u, ""), { y });
  const q = somewhere(p.dimension);
  expect(Math.abs(p.logDensity(q) - empty.logDensity(q) - logLikelihood)).toBeLessThan(1e-10);
});

test.each([
  [
    "transitions that are all possible",
    [
      [0.9, 0.1],
      [0.2, 0.8],
    ],
  ],
  [
    "transitions that are not",
    [
      [0.9, 0.1],
      [0, 1],
    ],
  ],
])("a chain whose observations are thousands of nats apart, with %s", async (_what, P) => {
  // The first steps look like the second state, which the last ones exclude, or the other way round.
  for (const y of [
    [1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0],
    [0, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1],
  ]) {
    const p = await bound(
      `data y: real[T], P: simplex[2, 2]
sigma ~ Exponential(1)
s[1] ~ Categorical([0.5, 0.5])
for t in 2..T { s[t] ~ Categorical(P[s[t-1]]) }
for t in 1..T { y[t] ~ Normal(s[t] - 1, sigma) }`,
      { y, P },
    );
    const sigma = 0.015;
    let alpha = [0, 1].map((k) => Math.log(0.5) + normal(y[0], k, sigma));
    for (const x of y.slice(1))
      alpha = [0, 1].map((j) => logSumExp(...alpha.map((a, i) => a + Math.log(P[i][j]))) + normal(x, j, sigma));
    const expected = logSumExp(...alpha) - sigma + Math.log(sigma);
    const q = Float64Array.of(Math.log(sigma));
    expect(Math.abs(p.logDensity(q) - expected)).toBeLessThan(1e-12 * Math.abs(expected));
    // Derivatives of thousands, by differences of steps of 1e-5.
    expect(gradientError(p, q)).toBeLessThan(1e-4);
  }
});

test("series of two classes, of different lengths, are chains beside their class", async () => {
  const series2 = (known: boolean) => `data y: real[I, T], L: int[I]${known ? ", class: int[I]" : ""}
P: simplex[2, 2, 2] ~ Dirichlet(ones(2))
mu: ordered[2] ~ Normal(0, 5)
for i in 1..I {
  class[i] ~ Categorical([0.3, 0.7])
  s[i, 1] ~ Categorical([0.5, 0.5])
  for t in 2..L[i] { s[i, t] ~ Categorical(P[class[i], s[i, t-1]]) }
  for t in 1..L[i] { y[i, t] ~ Normal(mu[s[i, t]] - class[i], 1) }
}`;
  const data = { y: [series(14), series(14).reverse(), series(14)], L: [14, 9, 12] };
  const p = await bound(series2(false), data);
  const q = somewhere(p.dimension);
  const logs: number[] = [];
  for (const class1 of [1, 2])
    for (const class2 of [1, 2])
      for (const class3 of [1, 2])
        logs.push((await bound(series2(true), { ...data, class: [class1, class2, class3] })).logDensity(q));
  expect(Math.abs(p.logDensity(q) - logSumExp(...logs))).toBeLessThan(1e-11 * Math.abs(logs[0]));
  expect(gradientError(p, q)).toBeLessThan(1e-6);
  // Steps, series, classes and pairs of states, then the classes alone.
  expect(flops(p.target)).toBe(14 * 3 * 2 * 4 * 20 + 3 * 2 * 21);
});

test("topics: nothing has the size of tokens by words", async () => {
  const [n, v] = [400, 97];
  const w = Array.from({ length: n }, (_, i) => ((i * i * 31) % v) + 1);
  const doc = Array.from({ length: n }, (_, i) => (i % 12) + 1);
  const { target } = await bound(
    `data w: int<1, V>[N], doc: int<1, M>[N], V: int, M: int
theta: simplex[M, 3] ~ Dirichlet(ones(3))
phi: simplex[3, V] ~ Dirichlet(ones(V))
for n in 1..N {
  z[n] ~ Categorical(theta[doc[n]])
  w[n] ~ Categorical(phi[z[n]])
}`,
    { w, doc, V: v, M: 12 },
  );
  const b = createBuilder();
  const root = target.logDensity(b, b.input("q", { shape: [target.dimension], dtype: "real" }));
  for (const node of nodesOf([root])) expect(sizeOf(node.results[0].shape)).toBeLessThanOrEqual(3 * n);
});

test("terms keep the rows of the observations, which pointwise likelihoods and minibatches need", async () => {
  const { target } = await bound(
    "data y: real[N], x: real[N, D]\nmu: real[2] ~ Normal(0, 1)\nfor n in 1..N {\n  k[n] ~ Categorical([0.4, 0.6])\n  y[n] ~ Normal(mu[k[n]], 1)\n  for d in 1..D { x[n, d] ~ Normal(k[n], 1) }\n}",
    {
      y: [1, 2, 3],
      x: [
        [1, 2],
        [0, 1],
        [2, 2],
      ],
    },
  );
  const b = createBuilder();
  const terms = target.terms(b, { mu: b.input("mu", { shape: [2], dtype: "real" }) });
  expect(terms.map((t) => [t.site, t.role, t.axes.map((a) => `${a.name} ${a.size}`), shapeOf(t.value)])).toEqual([
    ["mu", "prior", ["2 2"], [2]],
    ["y", "likelihood", ["N 3"], [3]],
  ]);
});

test("what is too large is refused by its statement, with the cost and a way out", async () => {
  const grid = (n: number) => `data y: real[N, N]
const N = ${n}
beta ~ Normal(0, 1)
for i in 1..N, j in 1..N { z[i, j] ~ Bernoulli(0.4) }
for i in 2..N, j in 1..N { factor(beta * (z[i, j] == z[i-1, j])) }
for i in 1..N, j in 2..N { factor(beta * (z[i, j] == z[i, j-1])) }
for i in 1..N, j in 1..N { y[i, j] ~ Normal(z[i, j], 1) }`;
  const field = (n: number): number[][] => Array.from({ length: n }, (_, i) => series(n).map((x) => x + i));
  const small = await bound(grid(5), { y: field(5) });
  expect(flops(small.target)).toBeLessThan(1e6);
  const large = await bound(grid(40), { y: field(40) });
  const { failure } = await runEngine(large.target, engines.get("nuts")!, {}, { seed: 1 });
  expect(failure?.reason).toMatch(
    /^nuts needs discrete latent variables summed out: z cannot be summed out \(z\[i, j\] ~ Bernoulli\(0\.4\)\): it takes \S+ flops or more an evaluation.*--engine meanfield, or a guide/u,
  );
  expect(() => large.logDensity(new Float64Array(1))).toThrow("z cannot be summed out");
});

test("values without bounds, and rows that read everything at once, are refused", async () => {
  const open = await bound("data y: real\nk ~ Poisson(3)\nx ~ Normal(0, 1)\ny ~ Normal(k, 1)", { y: 2 });
  expect(open.target.summation()).toEqual({
    refusal: expect.stringMatching(/k cannot be summed out \(k ~ Poisson\(3\)\).*declare it between bounds: k: int<0, 50> ~ …/u),
  });
  const all = await bound("data y: real\nx ~ Normal(0, 1)\nfor n in 1..60 { k[n] ~ Bernoulli(0.5) }\ny ~ Normal(sum(k), 1)", {
    y: 2,
  });
  expect(all.target.summation()).toEqual({ refusal: expect.stringContaining("a statement reads 60 elements of k at once") });
});

test("hard zeros give no NaN", async () => {
  // Every power of 0, logarithms of 0, and states that lead nowhere.
  const text = `data y: int<0, 1>[N, T], n: int[N]
psi ~ Uniform(0, 1)
p ~ Uniform(0, 1)
for i in 1..N {
  z[i] ~ Bernoulli(psi)
  for t in 1..T { y[i, t] ~ Bernoulli(z[i] * p) }
  c[i] ~ Binomial(3, z[i] == 1 ? 0.5 : 0)
  n[i] ~ Binomial(c[i], p^z[i])
}
s[1] ~ Categorical([1, 0, 0])
for t in 2..9 { s[t] ~ Categorical([[0.5, 0.5, 0], [0, 0, 1], [0, 0, 1]][s[t-1]]) }
factor(s[9] == 2 ? log(p) : log(1 - p))`;
  const posterior = await bound(text, {
    y: [
      [0, 0],
      [1, 0],
      [1, 1],
    ],
    n: [0, 2, 3],
  });
  const slope = new Float64Array(2);
  for (const q of [
    [0.3, -0.4],
    [40, -40],
    [-40, 40],
    [750, -750],
  ]) {
    const value = posterior.gradient(Float64Array.from(q), slope);
    expect(value).not.toBeNaN();
    if (Math.abs(q[0]) < 50) for (const g of slope) expect(g).toSatisfy(Number.isFinite);
  }
  expect(gradientError(posterior, Float64Array.of(0.3, -0.4))).toBeLessThan(1e-6);
});

test("a latent in a branch that is not taken counts once", async () => {
  const p = await bound(`x ~ Normal(0, 1)
z ~ Bernoulli(0.3)
if z == 1 {
  k ~ Categorical([0.2, 0.5, 0.3])
  factor(x * k)
}`);
  const within = Math.log(0.7 + 0.3 * (0.2 * Math.exp(0.4) + 0.5 * Math.exp(0.8) + 0.3 * Math.exp(1.2)));
  expect(Math.abs(p.logDensity(Float64Array.of(0.4)) - normal(0.4, 0, 1) - within)).toBeLessThan(1e-14);
});

test("of no elements there is nothing to sum, and a sum over none of them is 0", async () => {
  for (const text of [
    "z ~ Bernoulli(0.3)\nk: int[N] ~ Bernoulli(0.3)\nfactor(x * sum(k) + z)",
    "k: int[N] ~ Bernoulli(0.3)\nfactor(x * (sum(k) + 1))",
    "k: int[3, N] ~ Categorical([0.3, 0.7])\nfor i in 1..3 { factor(x * sum(k[i]) + x / 3) }",
    "for i in 1..3 {\n  k[i]: int[N] ~ Categorical([0.3, 0.7])\n  factor(x * sum(k[i]) + x / 3)\n}",
  ]) {
    const p = await bound(`data N: int\nx ~ Normal(0, 1)\n${text}\nquantity total = sum(k)`, { N: 0 });
    const rest = text.startsWith("z") ? Math.log(0.7 + 0.3 * Math.E) : 0.4;
    expect(Math.abs(p.logDensity(Float64Array.of(0.4)) - normal(0.4, 0, 1) - rest)).toBeLessThan(1e-14);
    for (const output of ["map", "none"] as const)
      expect((await columnsAt(p.target, Float64Array.of(0.4), output)).get("total")).toEqual(Float64Array.of(0));
    expect((await columnsAt(p.target, Float64Array.of(0.4), "marginals")).get("k_probability")).toHaveLength(0);
  }
});

test("bounds that leave an element nothing make all impossible, and no other element more than it may be", async () => {
  for (const m of [
    [1, 1],
    [1, 5],
    [5, 1],
  ]) {
    const p = await bound(
      "data m: int[N]\nx ~ Normal(0, 1)\nfor n in 1..N { c[n]: int<3,> ~ Binomial(m[n], 0.4) }\nfactor(x * sum(c))",
      {
        m,
      },
    );
    expect(p.logDensity(Float64Array.of(0.4))).toBe(Number.NEGATIVE_INFINITY);
  }
});

test("missing entries in a branch that a discrete latent chooses are refused", async () => {
  const branches = (type: string, law: string, other: string) =>
    bound(
      `data y: ${type}?[N]\np ~ Beta(2, 2)\nfor n in 1..N {\n  z[n] ~ Bernoulli(0.3)\n  if z[n] == 1 { y[n] ~ ${law} } else { y[n] ~ ${other} }\n}`,
      { y: [1, null, 0] },
    );
  for (const [type, law, other] of [
    ["int", "Bernoulli(p)", "Bernoulli(0.9)"],
    ["int", "Poisson(p)", "Poisson(9)"],
    ["real", "Normal(p, 1)", "Normal(0, 1)"],
  ])
    await expect(branches(type, law, other)).rejects.toThrow(
      "missing entries of y stand in a branch that a discrete latent chooses",
    );
});

test("where all latents are discrete evidence and draws are exact, and samplers say who gives them", async () => {
  const p = await bound(
    `data wet: int
cloudy ~ Bernoulli(0.5)
rain ~ Bernoulli(cloudy == 1 ? 0.8 : 0.2)
sprinkler ~ Bernoulli(cloudy == 1 ? 0.1 : 0.5)
wet ~ Bernoulli(rain == 1 && sprinkler == 1 ? 0.99 : rain == 1 || sprinkler == 1 ? 0.9 : 0)
quantity both = rain * sprinkler`,
    { wet: 1 },
  );
  let [evidence, rains, both] = [0, 0, 0];
  for (const cloudy of [0, 1])
    for (const rain of [0, 1])
      for (const sprinkler of [0, 1]) {
        const ofRain = cloudy ? 0.8 : 0.2;
        const ofSprinkler = cloudy ? 0.1 : 0.5;
        const ofWet = rain && sprinkler ? 0.99 : rain || sprinkler ? 0.9 : 0;
        const weight = 0.5 * (rain ? ofRain : 1 - ofRain) * (sprinkler ? ofSprinkler : 1 - ofSprinkler) * ofWet;
        evidence += weight;
        rains += weight * rain;
        both += weight * rain * sprinkler;
      }
  const fit = await p.run("auto", { seed: 1, draws: 4000 });
  expect(fit.provenance.engine).toBe("importance");
  expect(Math.abs(fit.evidence!.mean - Math.log(evidence))).toBeLessThan(1e-14);
  expect(fit.evidence!.se).toBe(0);
  for (const [name, expected] of [
    ["rain", rains / evidence],
    ["both", both / evidence],
  ] as const) {
    const mean = fit.draws(name).values.reduce((sum, x) => sum + x, 0) / 4000;
    expect(Math.abs(mean - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / 4000));
  }
  for (const engine of ["nuts", "ais", "fullrank"])
    await expect(p.run(engine)).rejects.toThrow(
      "all latent variables are discrete, and are summed out: --engine importance draws them exactly",
    );
  const impossible = await bound("data y: int\nk ~ Bernoulli(0)\ny ~ Bernoulli(k)", { y: 1 });
  await expect(impossible.run("auto")).rejects.toThrow("the data are impossible, whatever the latents are");
});

test("draws that look up what the same pass stores are compiled", async () => {
  const p = await bound(
    `data P: simplex[2, 2], y: real
mu: real[4] ~ Normal(0, 1)
one ~ Categorical([1])
s[1] ~ Categorical([0.4, 0.6])
for t in 2..9 { s[t] ~ Categorical(P[s[t-1]]) }
last ~ Categorical([[0, 1]][one])
y ~ Normal(mu[s[3]] + mu[one], 0.5)`,
    {
      P: [
        [1, 0],
        [0.45, 0.55],
      ],
      y: 0.103,
    },
  );
  for (const output of [undefined, "map", "marginals"] as const)
    expect([...(await columnsAt(p.target, new Float64Array(4), output)).values()].flatMap((x) => [...x])).toSatisfy(
      (all: number[]) => all.every(Number.isFinite),
    );
});

test("draws that are looked up in tables of indices are compiled", async () => {
  const p = await bound(
    `data P: simplex[1, 2], Q: simplex[1, 2], y: real[4], x: real[5], f: int[4], g: int[5]
mu: real[4] ~ Normal(0, 1)
for i in 1..4 { a[i] ~ Categorical([1]) }
for i in 1..2, j in 1..2 { b[i, j] ~ Categorical(P[a[mod(i + j, 4) + 1]]) }
for i in 1..2, j in 1..1 { c[i, j] ~ Categorical(Q[a[mod(i + j, 4) + 1]]) }
for i in 1..4 { y[i] ~ Normal(mu[b[div(f[i] - 1, 2) + 1, mod(f[i] - 1, 2) + 1]], 0.5) }
for i in 1..5 { x[i] ~ Normal(mu[c[g[i], 1]], 0.5) }`,
    {
      P: [[0.6, 0.4]],
      Q: [[0.125, 0.875]],
      y: [-1.2, 1.2, -1, 0.4],
      x: [0.6, 1.7, -0.2, 0.4, -1.2],
      f: [1, 3, 2, 1],
      g: [1, 2, 2, 2, 1],
    },
  );
  for (const output of [undefined, "map", "marginals"] as const)
    expect([...(await columnsAt(p.target, new Float64Array(4), output)).values()].flatMap((v) => [...v])).toSatisfy(
      (all: number[]) => all.every(Number.isFinite),
    );
});

test("a guide that names none of them leaves them to the sum, in minibatches too", async () => {
  const p = await bound(
    `data y: real[N]
mu: real[2] ~ Normal(0, 3)
param a: real[N], s: positive
for n in 1..N {
  k[n] ~ Categorical([0.4, 0.6])
  x[n] ~ Normal(mu[k[n]], 1)
  y[n] ~ Normal(x[n], 0.5)
}
guide {
  mu ~ Normal([-2, 2], 0.5)
  for n in 1..N { x[n] ~ Normal(a[n], s) }
}`,
    { y: [-2.1, 2.3, 1.8, -1.7] },
  );
  for (const options of [{}, { over: "N", batch: 2 }]) {
    const fit = await p.run("amortized", { seed: 1, draws: 200, steps: 1500, rate: 0.03, ...options });
    const { values } = fit.draws("k");
    const share = (n: number): number => values.filter((k, i) => i % 4 === n && k === 2).length / 200;
    expect([share(0), share(3)].every((x) => x < 0.2)).toBe(true);
    expect([share(1), share(2)].every((x) => x > 0.8)).toBe(true);
  }
});

async function columnsAt(target: Target, q: Float64Array, output?: "map" | "marginals" | "none") {
  const finisher = await target.finisher(stream(1, "finish"), output);
  const out = new Float64Array(finisher.width);
  finisher.finish(q, out);
  let at = 0;
  return new Map(
    finisher.columns.map((c) => {
      at += sizeOf(c.shape);
      return [c.name, out.slice(at - sizeOf(c.shape), at)] as const;
    }),
  );
}

test("quantities and predictions read the draw, and the output may leave the latents out", async () => {
  const text = `data y: real[N]
a ~ Normal(0, 1)
for n in 1..N {
  k[n] ~ Categorical([0.5, 0.5])
  y[n] ~ Normal(4 * k[n] + 0.01 * a, 1)
}
quantity ones = sum(k == 1)
predict again ~ Normal(100 * k[1], 0.001)`;
  const p = await bound(text, { y: [4, 8.1, 3.9] });
  const q = Float64Array.of(0.2);
  const drawn = await columnsAt(p.target, q);
  expect([...drawn.keys()]).toEqual(["a", "k", "ones", "again"]);
  expect(drawn.get("ones")![0]).toBe(drawn.get("k")!.filter((k) => k === 1).length);
  expect(Math.abs(drawn.get("again")![0] - 100 * drawn.get("k")![0])).toBeLessThan(0.01);
  expect([...(await columnsAt(p.target, q, "none")).keys()]).toEqual(["a", "ones", "again"]);
  expect([...(await columnsAt(p.target, q, "map")).get("k")!]).toEqual([1, 2, 1]);
  const fit = await p.run("nuts", { seed: 1, chains: 1, warmup: 100, draws: 50, discrete: "marginals" });
  const { shape, values } = fit.draws("k_probability");
  expect(shape.slice(-2)).toEqual([3, 2]);
  for (let i = 0; i < values.length; i += 2) expect(Math.abs(values[i] + values[i + 1] - 1)).toBeLessThan(1e-12);
  await expect(p.run("nuts", { discrete: "all" as "none" })).rejects.toThrow("discrete is one of none, draw, map, marginals");
});

test("missing counts that nothing reads are predicted, and those that something reads need bounds", async () => {
  const p = await bound("data y: int?[N]\nlambda ~ Gamma(2, 1)\ny ~ Poisson(lambda)\nquantity total = sum(y)", {
    y: [3, null, 2],
  });
  const at = Math.exp(0.4);
  const expected = 0.4 - at + 0.4 + (3 * 0.4 - at - Math.log(6)) + (2 * 0.4 - at - Math.log(2));
  expect(p.logDensity(Float64Array.of(0.4))).toBeCloseTo(expected, 12);
  const columns = await columnsAt(p.target, Float64Array.of(0.4));
  expect(columns.get("total")![0]).toBe(5 + columns.get("y")![1]);
  const read = await bound("data y: int?[N], x: real\nlambda ~ Gamma(2, 1)\ny ~ Poisson(lambda)\nx ~ Normal(sum(y), 1)", {
    y: [3, null, 2],
    x: 7,
  });
  expect(read.target.summation()).toEqual({ refusal: expect.stringContaining("y cannot be summed out") });
});

test("engines that need a density run on it", async () => {
  const p = await bound(
    "data y: real[N]\nmu ~ Normal(0, 2)\nfor n in 1..N {\n  k[n] ~ Bernoulli(0.3)\n  y[n] ~ Normal(mu + 2 * k[n], 1)\n}",
    {
      y: [0.3, 1.8, -0.2, 2.6, 0.4],
    },
  );
  // Log evidence and mean by quadrature.
  const n = 4001;
  const grid = Array.from({ length: n }, (_, i) => -4 + (8 * i) / (n - 1));
  const logs = grid.map((x) => p.logDensity(Float64Array.of(x)));
  const evidence = logSumExp(...logs) + Math.log(8 / (n - 1));
  const mean = grid.reduce((s, x, i) => s + x * Math.exp(logs[i] - evidence), 0) * (8 / (n - 1));
  const nuts = await p.run("nuts", { seed: 3, chains: 2, draws: 1000 });
  const row = nuts.summary().find((r) => r.name === "mu")!;
  expect(Math.abs(row.mean - mean)).toBeLessThan(4 * row.mcseMean);
  for (const engine of ["importance", "ais"]) {
    const fit = await p.run(engine, { seed: 3 });
    expect(Math.abs(fit.evidence!.mean - evidence)).toBeLessThan(4 * fit.evidence!.se + 0.01);
  }
  for (const engine of ["map", "laplace", "pathfinder", "fullrank"])
    expect((await p.run(engine, { seed: 3 })).draws("mu").values.length).toBeGreaterThan(0);
});
