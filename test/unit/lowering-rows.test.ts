// Lowering of names and arrays inside loops, against the same densities written out in TypeScript; and the laws of a target's parts.
import { describe, expect, test } from "vitest";
import type { DataObject } from "../../src/model.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { bound, exponential, normal, somewhere, total } from "./model-under-test.ts";

/** Relative error of sums of a few dozen terms: far below 1e-11 in float64. */
const close = (actual: number, expected: number): void =>
  expect(Math.abs(actual - expected)).toBeLessThan(1e-11 * (1 + Math.abs(expected)));
async function check(text: string, data: DataObject, expected: (q: Float64Array) => number): Promise<void> {
  const p = await bound(text, data);
  const q = somewhere(p.dimension);
  close(p.logDensity(q), expected(q));
}
const rejects = (text: string, data: DataObject, message: RegExp) =>
  expect((async () => bound(text, data))()).rejects.toThrow(message);

describe("names given by row", () => {
  test("a name for a slice whose width varies is one of each width in what follows", async () => {
    const data = { s: [1, 2, 1], e: [1, 3, 1], x: [1, 2, 4], y: [1, 2, 3] };
    await check(
      "data s: int[N], e: int[N], x: real[K], y: real[N]\nm ~ Normal(0, 1)\nfor n in 1..N { let v = x[s[n]..e[n]] * m; let w = sum(v); y[n] ~ Normal(w, 1) }",
      data,
      ([m]) => normal(m, 0, 1) + normal(1, m, 1) + normal(2, 6 * m, 1) + normal(3, m, 1),
    );
  });

  test("branches inside branches give names to their rows", async () => {
    await check(
      `data a: int[N], k: int[N], y: real[N]
       m ~ Normal(0, 1)
       for n in 1..N {
         if a[n] == 1 { if k[n] == 1 { let d = m } else { let d = 2 * m } } else { let d = 3 * m }
         y[n] ~ Normal(d, 1)
       }`,
      { a: [1, 1, 0], k: [1, 0, 0], y: [1, 2, 3] },
      ([m]) => normal(m, 0, 1) + normal(1, m, 1) + normal(2, 2 * m, 1) + normal(3, 3 * m, 1),
    );
  });

  test("a name that one branch gives has no value in the rows of the other", async () => {
    const head = "data a: int[N], y: real[N]\nm ~ Normal(0, 1)\nfor n in 1..N { if a[n] == 1 { let d = 2 * m }\n";
    const data = { a: [1, 0], y: [1, 2] };
    await rejects(`${head}y[n] ~ Normal(d, 1) }`, data, /d has no value in some iterations/);
    const inBoth = `${head}if a[n] == 1 { y[n] ~ Normal(d, 1) } else { y[n] ~ Normal(m, 1) } }`;
    await check(inBoth, data, ([m]) => normal(m, 0, 1) + normal(1, 2 * m, 1) + normal(2, m, 1));
  });
});

describe("arrays", () => {
  test("a range of one element, and a number for each of a range", async () => {
    await check(
      "data x: real[K], y: real\nm ~ Normal(0, 1)\nlet a[1..K] = x * m\nlet b[1..2] = m\ny ~ Normal(a[1] + b[2], 1)",
      { x: [2], y: 1 },
      ([m]) => normal(m, 0, 1) + normal(1, 3 * m, 1),
    );
  });

  test("index arrays left of ~", async () => {
    await check(
      "data i: int[2], j: int[1]\nmu[i] ~ Normal(0, 1)\nmu[j] ~ Normal(5, 2)",
      { i: [3, 1], j: [2] },
      (q) => normal(q[0], 0, 1) + normal(q[1], 0, 1) + normal(q[2], 5, 2),
    );
  });

  test("a sum of integers that varies in length is an index", async () => {
    await check(
      "data k: int[N], x: real[K], y: real[N]\nm ~ Normal(0, 1)\nfor n in 1..N { let start = sum([k[i] for i in 1..n-1]) + 1; y[n] ~ Normal(m * x[start], 1) }",
      { k: [2, 1], x: [1, 2, 4], y: [1, 2] },
      ([m]) => normal(m, 0, 1) + normal(1, m, 1) + normal(2, 4 * m, 1),
    );
  });
});

describe("recurrences on data", () => {
  const y = [1, 2, 3];
  const given = (s: readonly number[]) => (q: Float64Array) =>
    normal(q[0], 0, 1) + total(s.map((v, t) => normal(y[t], q[0] * v, 1)));

  test("read arrays that the same loop gives", async () => {
    await check(
      `data y: real[T]
       m ~ Normal(0, 1)
       let s[1] = 0.0
       let a[1] = y[1]
       for t in 2..T { let a[t] = y[t]; let s[t] = s[t-1] + a[t-1] }
       y ~ Normal(m * s, 1)
       factor(m * a[3])`,
      { y },
      (q) => given([0, 1, 3])(q) + 3 * q[0],
    );
  });

  test("where conditions alone read earlier elements", async () => {
    await check(
      "data y: real[T]\nm ~ Normal(0, 1)\nlet s[1] = 0.0\nfor t in 2..T { if s[t-1] > 1 { let s[t] = 0.0 } else { let s[t] = y[t] } }\ny ~ Normal(m * s, 1)",
      { y },
      given([0, 2, 0]),
    );
  });

  test("call functions with loops of their own", async () => {
    await check(
      "data y: real[T]\nfn f(a) { for i in 1..3 { let p[i] = a * i }; return sum(p) }\nm ~ Normal(0, 1)\nlet s[1] = 0.0\nfor t in 2..T { let s[t] = s[t-1] + f(y[t]) }\ny ~ Normal(m * s, 1)",
      { y },
      given([0, 12, 30]),
    );
  });
});

describe("messages", () => {
  test("elements that no statement gives cannot be read; those beside them can", async () => {
    const head = "data g: int[N], y: real[N]\nm ~ Normal(0, 1)\n";
    const tail = "\nfor n in 1..N { y[n] ~ Normal(a[g[n]], 1) }";
    for (const a of ["let a[1] = m\nlet a[3] = 2 * m", "a[1] ~ Normal(0, 1)\na[3] ~ Normal(0, 1)"]) {
      await rejects(head + a + tail, { g: [1, 2], y: [1, 2] }, /elements of a that no statement gives/);
      await rejects(`${head + a}\nfactor(sum(a))`, { g: [1, 2], y: [1, 2] }, /elements of a that no statement gives/);
      const p = await bound(head + a + tail, { g: [1, 3], y: [1, 2] });
      expect(Number.isFinite(p.logDensity(somewhere(p.dimension)))).toBe(true);
    }
  });

  test("an element is named by its place in the data, not by its row", async () => {
    const y = [
      [1, -6, 2],
      [1, 1, -7],
    ];
    await rejects(
      "data y: int[N]\nl ~ Exponential(1)\nfor n in 2..N { y[n] ~ Poisson(l) }",
      { y: [1, -6] },
      /y\[2\] = -6 is outside/,
    );
    const text = (place: string) => `data y: int[N, K]\nl ~ Exponential(1)\nfor n in 2..N { ${place} ~ Poisson(l) }`;
    await rejects(text("y[n, 2..K]"), { y }, /y\[2,3\] = -7 is outside/);
    await rejects(text("y[n]"), { y }, /y\[2,3\] = -7 is outside/);
    await rejects(
      "data y: real[N]\nl ~ Exponential(1)\nfor n in 2..N { y[n] ~ Uniform(0, 3) }",
      { y: [1, 2, 5] },
      /y\[3\] = 5 is outside/,
    );
  });

  test("what cannot be held is refused before it is made", async () => {
    const huge = { N: 1e12, y: 1 };
    const text = (middle: string) => `data N: int, y: real\nm ~ Normal(0, 1)\n${middle}\ny ~ Normal(m, 1)`;
    await rejects(text("for n in 1..N { factor(m) }"), huge, /a loop of 1000000000000 iterations/);
    await rejects(text("for n in 1..N, k in 1..N { factor(m) }"), { N: 1e5, y: 1 }, /a loop of 10000000000 iterations/);
    await rejects(text("factor(sum([m for n in 1..N]))"), huge, /a loop of 1000000000000 iterations/);
    await rejects(text("let a[N] = m\nfactor(a[N])"), huge, /a has shape \[1000000000000\]/);
    await rejects(text("x: real[N] ~ Normal(0, 1)"), huge, /x has shape \[1000000000000\]/);
  });

  test("counts must add up to the number of trials", async () => {
    const y = [
      [1, 1, 1],
      [1, 2, 3],
    ];
    const text = "data y: int[N, 3], n: int[N]\np ~ Dirichlet([1, 1, 1])\n";
    for (const statement of ["y ~ Multinomial(n, p)", "for i in 1..N { y[i] ~ Multinomial(n[i], p) }"]) {
      await rejects(text + statement, { y, n: [3, 7] }, /adds up to 6\s[\s\S]*given 7 trials/);
      expect((await bound(text + statement, { y, n: [3, 6] })).dimension).toBe(2);
    }
    const mixed = "data y: int[3]\np: simplex[2, 3] ~ Dirichlet([1, 1, 1])\ny ~ mixture([0.5, 0.5], Multinomial(3, p))";
    expect((await bound(mixed, { y: [1, 1, 1] })).dimension).toBe(4);
  });
});

describe("types and supports", () => {
  test("bounds that depend on latents never reach beyond the support", async () => {
    const p = await bound("lo ~ Normal(0, 1)\nc: real<lo,> ~ HalfNormal(1)");
    // Where lo is negative, c is a HalfNormal above 0.
    close(p.logDensity(Float64Array.of(-1, -0.7)), normal(-1, 0, 1) + Math.LN2 + normal(Math.exp(-0.7), 0, 1) - 0.7);
  });

  test("an ordered type keeps the support of its elements, and a positive one is renormalised", async () => {
    const p = await bound("c: ordered[2] ~ HalfNormal(1)");
    expect(p.logDensity(Float64Array.of(-1, 0))).toBe(Number.NEGATIVE_INFINITY);
    close(p.logDensity(Float64Array.of(0.5, 0.25)), 3 * Math.LN2 + normal(0.5, 0, 1) + normal(0.5 + Math.exp(0.25), 0, 1) + 0.25);
    await check("c: positive_ordered[2] ~ Normal(0, 1)", {}, ([a, b]) => {
      const first = Math.exp(a);
      return 3 * Math.LN2 + normal(first, 0, 1) + normal(first + Math.exp(b), 0, 1) + a + b;
    });
  });

  test("lpdf and its kin are constant outside the support", async () => {
    const at = async (query: string, m: number) =>
      (await bound(`m ~ Normal(0, 1)\nfactor(${query})`)).logDensity(Float64Array.of(m)) - normal(m, 0, 1);
    const { NEGATIVE_INFINITY: never } = Number;
    expect(await at("lpdf(Uniform(0, 1), m)", 5)).toBe(never);
    expect(await at("lpdf(HalfNormal(1), m)", -5)).toBe(never);
    expect(await at("lcdf(Exponential(1), m)", -5)).toBe(never);
    expect(await at("lccdf(Uniform(0, 1), m)", 5)).toBe(never);
    close(await at("lccdf(Uniform(0, 1), m)", -5), 0);
    close(await at("cdf(Uniform(0, 1), m)", 5), 1);
    close(await at("cdf(Uniform(0, 1), m)", 0.25), 0.25);
    close(await at("lpdf(Exponential(2), m)", 0.25), exponential(0.25, 2));
  });

  test("of integers they are asked between integers too", async () => {
    const at = async (query: string, m: number) =>
      (await bound(`m ~ Normal(0, 1)\nfactor(${query})`)).logDensity(Float64Array.of(m)) - normal(m, 0, 1);
    // P(X > n) = 0.7^(n + 1)
    close(await at("lccdf(Geometric(0.3), m)", 2.75), 3 * Math.log(0.7));
    close(await at("cdf(Geometric(0.3), m)", 2.75), 1 - 0.7 ** 3);
    close(await at("cdf(Geometric(0.3), m)", 3), 1 - 0.7 ** 4);
    expect(await at("cdf(Geometric(0.3), m)", -0.25)).toBe(0);
    expect(await at("lpmf(Geometric(0.3), m)", 2.75)).toBe(Number.NEGATIVE_INFINITY);
    close(await at("lpmf(Geometric(0.3), m)", 2), Math.log(0.3) + 2 * Math.log(0.7));
    // Bounds that lie between integers: 2, 3 and 4 are left.
    const between = Math.log(0.3) - Math.log(1 - 0.7 ** 3);
    close(await at("0 * m + lpmf(truncated(Geometric(0.3), lower = 1.5, upper = 4.5), 2)", 1), between);
    close(await at("lpmf(truncated(Geometric(0.3), lower = m, upper = m + 3), 2)", 1.5), between);
  });

  test("a plain matrix is an elementwise scale, a Cholesky factor is not", async () => {
    const y = [
      [1, 2],
      [3, 4],
    ];
    const s = [
      [1, 2],
      [3, 0.5],
    ];
    await check(
      "data y: real[2, 2], S: positive[2, 2]\nm ~ Normal(0, 1)\ny ~ Normal(m, S)",
      { y, S: s },
      ([m]) => normal(m, 0, 1) + total(y.flatMap((row, i) => row.map((v, j) => normal(v, m, s[i][j])))),
    );
    await check(
      "data v: positive[2]\nx ~ Normal(0, diag_matrix(v))",
      { v: [2, 3] },
      (q) => normal(q[0], 0, 2) + normal(q[1], 0, 3),
    );
  });
});

const L = [
  [
    [1, 0],
    [2, 3],
  ],
  [
    [2, 0],
    [1, 3],
  ],
  [
    [4, 0],
    [2, 1],
  ],
];
/** `prior`: whether the prior can be drawn from. */
const models: readonly { readonly name: string; readonly text: string; readonly data?: DataObject; readonly prior: boolean }[] = [
  { name: "a vector of sum zero", text: "s ~ Exponential(1)\nz: real[3] ~ noncentered ZeroSumNormal(s)", prior: true },
  {
    name: "rows of vectors of sum zero",
    text: "data k: positive[N]\ns ~ Exponential(1)\nfor n in 1..N { z[n]: real[3] ~ noncentered ZeroSumNormal(s * k[n]) }",
    data: { k: [1, 2, 5] },
    prior: true,
  },
  {
    name: "rows of batches of vectors",
    text: "data mu: real[2, 2], L: cholesky_cov[3, 2, 2]\nfor n in 1..2 { z[n]: real[4, 2] ~ noncentered MultiNormalCholesky(mu[n], L[n]) }",
    data: {
      mu: [
        [1, 2],
        [4, 5],
      ],
      L,
    },
    prior: true,
  },
  {
    name: "as many vectors as rows",
    text: "data mu: real[2, 2], L: cholesky_cov[3, 2, 2]\nfor n in 1..2 { z[n]: real[2, 2] ~ noncentered MultiNormalCholesky(mu[n], L[n]) }",
    data: {
      mu: [
        [1, 2],
        [4, 5],
      ],
      L,
    },
    prior: true,
  },
  {
    name: "matrices that vary with the inner loop alone",
    text: "data L: cholesky_cov[3, 2, 2]\ns ~ Exponential(1)\nfor n in 1..2, k in 1..3 { z[n, k]: real[2] ~ noncentered MultiNormalCholesky([s, 2.0 * n], L[k]) }",
    data: { L },
    prior: true,
  },
  { name: "positive and ordered", text: "m: positive_ordered[3] ~ Normal(0, 1)", prior: true },
  { name: "restricted, not renormalised", text: "x: positive ~ unnormalized Normal(0, 1)", prior: true },
  { name: "ordered, with means apart", text: "m: ordered[2] ~ Normal([5, 0], 1)", prior: true },
  {
    name: "cut without a distribution function, by row",
    text: "data nu: positive[N]\nfor n in 1..N { x[n]: real<1,> ~ StudentT(nu[n], 0, 1) }",
    data: { nu: [1, 2, 3] },
    prior: true,
  },
];

describe("laws of a target", () => {
  test.each(models)(
    "$name: terms and Jacobians add up, unconstrain inverts, prior draws are inside",
    async ({ text, data, prior }) => {
      const { target, ...p } = await bound(text, data).then((m) => ({
        target: m.target,
        logDensity: (q: Float64Array) => m.logDensity(q),
      }));
      const q = somewhere(target.dimension);
      const b = createBuilder();
      const { values, jacobian } = target.constrain(b, b.input("u", { shape: [q.length], dtype: "real" }));
      const parts = [...target.terms(b, values), ...jacobian].map((t) => b.sum(t.value));
      close(total(interpret(parts, { u: q }).map(([v]) => v)), p.logDensity(q));

      const names = Object.keys(values);
      const numbers = interpret(Object.values(values), { u: q });
      const back = target.unconstrain(Object.fromEntries(names.map((n, i) => [n, [...numbers[i]]])), new Float64Array(q.length));
      back.forEach((v, i) => expect(Math.abs(v - q[i])).toBeLessThan(1e-12));

      const drawn = await target.simulatePrior(stream(2, "prior"));
      if (prior) expect("position" in drawn && p.logDensity(drawn.position)).toSatisfy(Number.isFinite);
      else expect(drawn).toHaveProperty("refusal");
    },
  );
});

describe("draws", () => {
  const predicted = async (text: string, data: DataObject, name: string) => {
    const p = await bound(text, data);
    const fit = await p.run("nuts", { seed: 4, chains: 1, warmup: 50, draws: 40, threads: 1 });
    return [...fit.draws(name).values];
  };

  test("rows keep their own arguments when each draws several", async () => {
    const data = {
      p: [
        [1, 0],
        [0, 1],
      ],
    };
    const z = await predicted(
      "data p: simplex[2, 2]\nm ~ Normal(0, 1)\nfor n in 1..2 { predict z[n]: int[2] ~ Categorical(p[n]) }",
      data,
      "z",
    );
    expect(z).toEqual(Array.from({ length: 40 }, () => [1, 1, 2, 2]).flat());
  });
});
