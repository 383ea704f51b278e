// Laws of latents in other coordinates: what a model says does not depend on them. Of every affine distribution of the registry, in plates and chains,
// and of whole hierarchies: centred, noncentered, and anything between.
import { describe, expect, test } from "vitest";
import type { Distribution } from "../../src/dsl/distributions/define.ts";
import { distributions } from "../../src/dsl/distributions/index.ts";
import type { DataObject } from "../../src/model.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Value } from "../../src/runtime/ir/graph.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { sizeOf } from "../../src/runtime/ir/type.ts";
import type { Target, Term } from "../../src/runtime/target.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { bound, gradientError, model, somewhere } from "../unit/model-under-test.ts";
import { flat, paramShape } from "./distribution-cases.ts";

interface Case {
  readonly title: string;
  /** D stands for `noncentered `, or for nothing. */
  readonly text: string;
  readonly data?: DataObject;
}

const programs = new WeakMap<Target, (q: Float64Array) => ReturnType<typeof read>>();
/** Log density, its terms and Jacobian, and the constrained values, at an unconstrained point. */
function at(target: Target, q: Float64Array): ReturnType<typeof read> {
  const known = programs.get(target) ?? program(target);
  programs.set(target, known);
  return known(q);
}

function program(target: Target): (q: Float64Array) => ReturnType<typeof read> {
  const b = createBuilder();
  const u = b.input("u", { shape: [target.dimension], dtype: "real" });
  const { values, jacobian } = target.constrain(b, u);
  const names = Object.keys(values);
  const total = (terms: readonly Term[]) => terms.reduce((s, t) => b.add(s, b.sum(t.value)), b.constant(0));
  // Of slots whose inverse is a graph: how far it is from where it began.
  const off = target.coordinates(b, values).reduce<Value>((sum, back, i) => {
    const { offset, size } = target.layout[i];
    const d = back && b.sub(b.reshape(back, [size]), b.slice(u, 0, offset, size));
    return d ? b.add(sum, b.sum(b.square(d))) : sum;
  }, b.constant(0));
  const roots = [target.logDensity(b, u), total(target.terms(b, values)), total(jacobian), off, ...names.map((n) => values[n])];
  const compiled = instantiate(compileWasm(simplify(b, { inputs: [u], outputs: roots, updates: [] })));
  return (q) => {
    Object.values(compiled.inputs)[0].set(q);
    compiled.run();
    return read(names, compiled.outputs);
  };
}

function read(names: readonly string[], [density, terms, jacobian, off, ...numbers]: readonly ArrayLike<number>[]) {
  return {
    density: density[0],
    terms: terms[0],
    jacobian: jacobian[0],
    off: off[0],
    values: Object.fromEntries(names.map((n, i) => [n, Array.from(numbers[i])])),
  };
}

/** log |det dq'/dq| of the map between coordinates, by central differences: its error is about h² and ε/h. */
function logVolume(from: Target, to: Target, q: Float64Array): number {
  const n = q.length;
  const h = 1e-5;
  const base = new Float64Array(n);
  const map = (p: Float64Array) => to.unconstrain(at(from, p).values, base);
  const m = Array.from({ length: n }, () => new Float64Array(n));
  for (let j = 0; j < n; j++) {
    const moved = (d: number) => map(q.map((x, i) => (i === j ? x + d : x)));
    const [high, low] = [moved(h), moved(-h)];
    for (let i = 0; i < n; i++) m[i][j] = (high[i] - low[i]) / (2 * h);
  }
  return logDeterminant(m);
}

function logDeterminant(m: Float64Array[]): number {
  let log = 0;
  for (let k = 0; k < m.length; k++) {
    const pivot = m.reduce((best, row, i) => (i >= k && Math.abs(row[k]) > Math.abs(m[best][k]) ? i : best), k);
    [m[k], m[pivot]] = [m[pivot], m[k]];
    log += Math.log(Math.abs(m[k][k]));
    for (let i = k + 1; i < m.length; i++) {
      const f = m[i][k] / m[k][k];
      for (let j = k; j < m.length; j++) m[i][j] -= f * m[k][j];
    }
  }
  return log;
}

const DIFFERENCES = 1e-6;
const ROUNDING = 1e-11;
const close = (a: number, b: number, tolerance: number): void =>
  expect(Math.abs(a - b)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(a)));

/** Any number of weights, none of them alike. */
const weightsOf = (target: Target): Map<number, Float64Array> =>
  new Map(
    target.affine
      .filter((a) => !a.isNoncentered)
      .map((a) => [a.slot, Float64Array.from({ length: sizeOf(a.weights) }, (_, i) => (0.37 * (i + 1)) % 1)]),
  );

async function expectSame(centred: Target, other: Target): Promise<void> {
  expect(other.dimension).toBe(centred.dimension);
  const q = somewhere(centred.dimension);
  const here = at(other, q);
  const there = centred.unconstrain(here.values, new Float64Array(q.length));
  const original = at(centred, there);
  // The model says the same of the same values.
  close(here.terms, original.terms, ROUNDING);
  close(here.density, here.terms + here.jacobian, ROUNDING);
  close(here.density - original.density, logVolume(other, centred, q), DIFFERENCES);
  // There and back, by the graph and by numbers.
  expect(here.off).toBeLessThan(1e-18 * q.length);
  const back = other.unconstrain(here.values, new Float64Array(q.length));
  back.forEach((x, i) => close(q[i], x, 1e-9));
  const compiled = await other.density();
  const gradient = new Float64Array(q.length);
  close(here.density, compiled.evaluate(q, gradient), ROUNDING);
}

const recordText = (d: Distribution, scaleOf: (name: string) => string): { text: string; head: string } | undefined => {
  const [row] = d.golden.rows;
  if (!d.affine) return undefined;
  const size = d.event === 0 ? 0 : paramShape(row, d.affine.location ?? d.affine.scale)[0];
  const args = Object.keys(d.params).map((name) => {
    if (name === d.affine?.location) return `${name} = m`;
    if (name === d.affine?.scale) return `${name} = ${scaleOf(name)}`;
    const values = [...flat(row.params[name])];
    return `${name} = ${paramShape(row, name).length === 0 ? values[0] : `[${values.join(", ")}]`}`;
  });
  const head = [
    d.event === 0 || d.affine.kind === "elementwise" ? "m ~ Normal(0, 1)" : `m: real[${size}] ~ Normal(0, 1)`,
    "s ~ LogNormal(0, 0.5)",
    ...(d.affine.kind === "cholesky" ? [`F: cholesky_corr[${size}, ${size}] ~ LkjCholesky(2)`] : []),
    ...(d.affine.kind === "covariance" ? [`S: cov[${size}, ${size}] ~ InvWishart(${size + 3}, diag(ones(${size})))`] : []),
  ].join("\n");
  return { head, text: `${d.name}(${args.join(", ")})` };
};

const affine = [...new Set(distributions.values())].filter((d) => d.affine);
const records = affine.flatMap((d): Case[] => {
  const isMatrix = d.affine?.kind !== "elementwise";
  const scale = d.affine?.kind === "cholesky" ? "F" : d.affine?.kind === "covariance" ? "S" : "s";
  const plain = recordText(d, () => scale);
  const own = recordText(d, () => (isMatrix ? scale : `s * k[n]`));
  if (!plain || !own) return [];
  const size = d.event === 0 || isMatrix ? "" : `: real[${flat(d.golden.rows[0].x).length}]`;
  return [
    { title: `${d.name}, once`, text: `${plain.head}\nx${size} ~ D${plain.text}` },
    {
      title: `${d.name}, in a plate`,
      text: `data k: positive[N]\n${own.head}\nfor n in 1..N { x[n]${size} ~ D${own.text} }`,
      data: { k: [0.5, 2] },
    },
  ];
});

const hierarchies: readonly Case[] = [
  {
    title: "three levels, ragged",
    text: `data district: int<1, D>[S], school: int<1, S>[N], y: real[N], D: int, S: int
      mu ~ Normal(0, 2)
      t1 ~ HalfNormal(1)
      t2 ~ HalfCauchy(1)
      a: real[D] ~ DNormal(mu, t1)
      for j in 1..S { b[j] ~ DStudentT(4, a[district[j]], t2) }
      y ~ Normal(b[school], 1)`,
    data: { D: 2, S: 3, district: [1, 1, 2], school: [1, 1, 2, 3], y: [0.1, 0.4, -1, 2] },
  },
  {
    title: "plates in plates with a scale for each",
    text: `data y: real[I, J]
      mu ~ Normal(0, 1)
      for i in 1..I { s[i] ~ HalfNormal(1) }
      for i in 1..I, j in 1..J { z[i, j] ~ DNormal(mu, s[i])
        y[i, j] ~ Normal(z[i, j], 1) }`,
    data: {
      y: [
        [0.3, -0.2, 1],
        [2, 0.1, 0.4],
      ],
    },
  },
  {
    title: "varying slopes with a factor of a correlation matrix",
    text: `data X: real[N, 2], g: int<1, J>[N], y: real[N], J: int
      mu: real[2] ~ Normal(0, 1)
      tau: positive[2] ~ HalfNormal(1)
      L: cholesky_corr[2, 2] ~ LkjCholesky(2)
      for j in 1..J { b[j] ~ DMultiNormalCholesky(mu, diag(tau) @ L) }
      for n in 1..N { y[n] ~ Normal(X[n] @ b[g[n]], 1) }`,
    data: {
      J: 2,
      X: [
        [1, 0.5],
        [1, -1],
        [1, 2],
      ],
      g: [1, 2, 2],
      y: [0.2, 1, -1],
    },
  },
  {
    title: "the same by a scale that is a factor, of all groups at once",
    text: `mu: real[2] ~ Normal(0, 1)
      tau: positive[2] ~ HalfNormal(1)
      L: cholesky_corr[2, 2] ~ LkjCholesky(2)
      b: real[3, 2] ~ DNormal(mu, diag(tau) @ L)`,
  },
  {
    title: "missing data",
    text: `data y: real?[N]
      mu ~ Normal(0, 1)
      tau ~ HalfNormal(1)
      a: real[N] ~ DNormal(mu, tau)
      y ~ Normal(a, 1)`,
    data: { y: [0.5, null, 1, null] } as unknown as DataObject,
  },
  {
    title: "a chain",
    text: `data y: real[T]
      phi ~ Normal(0, 0.5)
      s ~ HalfNormal(1)
      h[1] ~ Normal(0, 1)
      for t in 2..T { h[t] ~ DNormal(phi * h[t-1], s) }
      y ~ Normal(h, 1)`,
    data: { y: [0.1, 0.4, -0.5, 0.2] },
  },
  {
    title: "a chain of vectors",
    text: `phi ~ Normal(0, 0.5)
      L: cholesky_corr[2, 2] ~ LkjCholesky(2)
      h[1]: real[2] ~ Normal(0, 1)
      for t in 2..4 { h[t] ~ DMultiNormalCholesky(phi * h[t-1], L) }`,
  },
  {
    title: "elements that follow one another outside of a loop",
    text: `s ~ HalfNormal(1)
      x[1..2] ~ DNormal([0, 1], s)
      x[3] ~ DNormal(x[1], s)
      x[4] ~ DNormal(x[2] - x[3], exp(x[1]))`,
  },
  {
    title: "a chain of two pasts, with positive ones beside it",
    text: `s ~ HalfNormal(1)
      x[1..2]: real[2] ~ DNormal(0, s)
      v[1] ~ HalfNormal(1)
      for t in 2..3 { v[t] ~ DHalfNormal(1 + v[t-1]) }
      for t in 3..5 { x[t] ~ DNormal(x[t-1] - 0.3 * x[t-2], s) }`,
  },
  {
    title: "chains in plates, backwards, and by indices of data",
    text: `data p: int[4]
      s: positive[2] ~ HalfNormal(1)
      for j in 1..2 { x[j, 4] ~ DNormal(0, s[j])
        for t in 3..1 by -1 { x[j, t] ~ DNormal(0.5 * x[j, t+1], s[j]) } }
      z[1] ~ DNormal(0, s[1])
      for t in 2..4 { z[t] ~ DNormal(0.5 * z[p[t]], exp(z[p[t]])) }`,
    data: { p: [1, 1, 1, 2] },
  },
  {
    title: "a declared sum of zero, and vectors of it by rows",
    text: `s: positive[2] ~ HalfNormal(1)
      x: sum_to_zero[3] ~ DZeroSumNormal(s[1])
      for j in 1..2 { z[j]: sum_to_zero[3] ~ DZeroSumNormal(s[j]) }`,
  },
  {
    title: "elements chosen by data, in branches on data",
    text: `data g: int[4], h: int[4]
      s: positive[2] ~ HalfNormal(1)
      for n in 1..4 { x[g[n], h[n]] ~ DNormal(0, s[g[n]]) }
      for n in 1..4 { if g[n] == 1 { z[n] ~ DNormal(0, s[1]) } else { z[n] ~ DStudentT(4, 1, s[2]) } }`,
    data: { g: [1, 2, 2, 1], h: [1, 2, 1, 2] },
  },
  {
    title: "no elements, and one",
    text: `data N: int
      s ~ HalfNormal(1)
      for n in 1..N { x[n] ~ DNormal(0, s) }
      z: real[N] ~ DNormal(0, s)
      v: real[N + 1] ~ DNormal(0, s)`,
    data: { N: 0 },
  },
  {
    title: "a funnel of one",
    text: "v ~ Normal(0, 3)\nx: real[3] ~ DNormal(0, exp(v / 2))",
  },
];

describe.each([...records, ...hierarchies])("$title", ({ text, data }) => {
  test("is the same in standard coordinates, and between", async () => {
    const centred = (await bound(text.replace(/(~ )D/g, "$1"), data)).target;
    const noncentered = await bound(text.replace(/(~ )D/g, "$1noncentered "), data);
    await expectSame(centred, noncentered.target);
    expect(gradientError(noncentered, somewhere(noncentered.dimension))).toBeLessThan(1e-5);
    // All that the prefix may stand before is offered, but what is noncentered already.
    expect(noncentered.target.affine.every((a) => a.isNoncentered || !text.includes("~ D"))).toBe(true);
    expect(centred.affine.length).toBe(noncentered.target.affine.length);
    await expectSame(centred, centred.recentered(weightsOf(centred)));
    const zero = centred.recentered(new Map(centred.affine.map((a) => [a.slot, Float64Array.of(0)])));
    const q = somewhere(centred.dimension);
    expect(at(zero, q).density).toBe(at(noncentered.target, q).density);
    const one = centred.recentered(new Map(centred.affine.map((a) => [a.slot, Float64Array.of(1)])));
    expect(at(one, q).density).toBe(at(centred, q).density);
  });
});

describe("where a discrete latent says what location or scale are", () => {
  const text = (prefix: string) => `data y: real
    k ~ Bernoulli(0.3)
    x ~ ${prefix}Normal(3 * k, 1 + k)
    y ~ Normal(x, 1)`;
  test("there are no coordinates to choose, and nothing to propose", async () => {
    const posterior = await bound(text(""), { y: 2 });
    expect(posterior.target.affine).toEqual([]);
    const normal = (x: number, variance: number): number => Math.exp((-x * x) / (2 * variance)) / Math.sqrt(variance);
    const [off, on] = [0.7 * normal(2, 2), 0.3 * normal(2 - 3, 5)];
    const share = on / (off + on);
    for (const centering of ["model", "auto"]) {
      const fit = await posterior.run("nuts", { seed: 1, threads: 1, draws: 2000, centering });
      const [k, x] = ["k", "x"].map((name) => fit.summary().find((r) => r.name === name));
      if (!k || !x) throw new Error("no summary");
      expect(Math.abs(k.mean - share) / k.mcseMean).toBeLessThan(4);
      // Of Normal(3k, 1 + k) and an observation of it with error 1: 1 without k, 3 / 5 + 2 · 4 / 5 with it.
      expect(Math.abs(x.mean - (1 - share) * 1 - share * 2.2) / x.mcseMean).toBeLessThan(4);
    }
  });
  test("noncentered is refused where it is summed out, and has values where it is given", async () => {
    const posterior = await bound(text("noncentered "), { y: 2 });
    await expect(posterior.run("nuts", { seed: 1 })).rejects.toThrow(/x is noncentered, and a discrete latent says where it is/u);
    expect(() => posterior.logDensity(Float64Array.of(0.3))).toThrow("Leave noncentered out");
    // A product of q(k) and q(raw) that is best: fixed points of the coordinate updates.
    const fit = await posterior.run("meanfield", { seed: 1, draws: 2000 });
    const k = fit.summary().find((r) => r.name === "k")?.mean ?? Number.NaN;
    const x = fit.summary().find((r) => r.name === "x")?.mean ?? Number.NaN;
    const variance = 1 / (1 + (1 - k) + 4 * k);
    const raw = (2 * (1 - k) - 2 * k) * variance;
    expect(Math.abs(x - (1 - k) * raw - k * (3 + 2 * raw))).toBeLessThan(0.15);
  });
  test("so are bounds that wait for it", async () => {
    const posterior = await bound("k ~ Bernoulli(0.3)\nx ~ Uniform(0, 1 + k)");
    await expect(posterior.run("nuts", { seed: 1 })).rejects.toThrow(/a discrete latent says where x may lie \(x ~ Uniform/u);
  });
});

test("entries of data that are missing have no other coordinates", () => {
  expect(() => model("data y: real?[N]\ns ~ HalfNormal(1)\ny ~ noncentered Normal(0, s)")).toThrow(
    "y is data, its missing entries included",
  );
});

test("elements of a range that may read one another are left as they are", async () => {
  const text = "s ~ HalfNormal(1)\nx[1] ~ Normal(0, 1)\nx[2..3] ~ Normal(x[1..2], s)";
  expect((await bound(text)).target.affine).toEqual([]);
  await expect(bound(text.replace("~ Normal(x", "~ noncentered Normal(x"))).rejects.toThrow("is outside 1..1");
});

test("what to write instead stands in the words of the statement", async () => {
  const statements = async (text: string) => (await bound(text)).target.affine.map((a) => a.other);
  const head = "s ~ HalfNormal(1)\nx ~ ";
  expect(await statements(`${head}Normal(0, s)`)).toEqual(["noncentered Normal(0, s)"]);
  expect(await statements(`${head}noncentered   Normal(0, s)`)).toEqual(["Normal(0, s)"]);
  expect(await statements(`${head}unnormalized noncentered Normal(0, s)`)).toEqual(["unnormalized Normal(0, s)"]);
});
