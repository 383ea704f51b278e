// EM over latents in which the log joint is quadratic: its evidence is that of the marginal model, exactly, and never falls.
import { describe, expect, test } from "vitest";
import { type Gradient, shapeOf } from "../../src/inference/em/blocks.ts";
import { finiteStep } from "../../src/inference/em/finite.ts";
import { compileJoint } from "../../src/inference/em/joint.ts";
import { expectationAt, quadraticStep, structureOf } from "../../src/inference/em/latents.ts";
import { lengthOf, placesOf } from "../../src/inference/em/params.ts";
import { em } from "../../src/inference/engines/em.ts";
import { mle } from "../../src/inference/engines/mle.ts";
import { runEngine } from "../../src/inference/run.ts";
import { constrainedParameters } from "../../src/inference/vi/parameters.ts";
import type { DataObject } from "../../src/model.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { bound } from "./model-under-test.ts";

const rng = stream(7, "em data");
const normals = (n: number): number[] => Array.from({ length: n }, () => rng.normal());

/** Rows of a factor model with one factor, D = 3. */
const factorRows = normals(40).map((z) => [z + 0.3 * rng.normal(), 0.5 - z + 0.5 * rng.normal(), 0.6 * z + 0.4 * rng.normal()]);
const deviations = factorRows.map((_, n) => 0.2 + (n % 5) / 5);
const groups = Array.from({ length: 40 }, (_, n) => 1 + (n % 6));
const effects = normals(6);
const y = groups.map((g) => 1 + effects[g - 1] + 0.5 * rng.normal());
const clusters = normals(60).map((e, n) => (n % 3 === 0 ? 3 + 0.4 * e : 0.8 * e));
let position = 0;
const walk = normals(30).map((step) => {
  position += 0.5 * step;
  return position + 0.3 * rng.normal();
});

interface Case {
  readonly text: string;
  /** The same with the latents integrated out. */
  readonly marginal: string;
  readonly data: DataObject;
}
const cases: Readonly<Record<string, Case>> = {
  "probabilistic PCA: rows alike": {
    text: `data x: real[N, D]
const K = 2
param W: real[D, K], mu: real[D], s: positive
for n in 1..N {
  z[n] ~ Normal(0, I(K))
  x[n] ~ Normal(W @ z[n] + mu, s)
}`,
    marginal: `data x: real[N, D]
const K = 2
param W: real[D, K], mu: real[D], s: positive
let S = W @ W' + diag(s^2 * ones(D))
for n in 1..N { x[n] ~ MultiNormal(mu, S) }`,
    data: { x: factorRows },
  },
  "known deviations: rows differ": {
    text: `data x: real[N, D], sd: positive[N]
param w: real[D] = 1, mu: real[D]
for n in 1..N {
  z[n] ~ Normal(0, 1)
  x[n] ~ Normal(w * z[n] + mu, sd[n])
}`,
    marginal: `data x: real[N, D], sd: positive[N]
param w: real[D] = 1, mu: real[D]
for n in 1..N { x[n] ~ MultiNormal(mu, outer(w, w) + diag(sd[n]^2 * ones(D))) }`,
    data: { x: factorRows, sd: deviations },
  },
  "random intercepts, non-centred": {
    text: `data y: real[N], g: int<1, G>[N], G: int
param mu: real, tau: positive, s: positive
a: real[G] ~ noncentered Normal(mu, tau)
y ~ Normal(a[g], s)`,
    marginal: `data y: real[N], g: int<1, G>[N], G: int
param mu: real, tau: positive, s: positive
let S = [[(g[i] == g[j] ? tau^2 : 0) + (i == j ? s^2 : 0) for j in 1..N] for i in 1..N]
y ~ MultiNormal(mu * ones(N), S)`,
    data: { y, g: groups, G: 6 },
  },
  "intercepts with a common mean that is latent too: all go together": {
    text: `data y: real[N], g: int<1, G>[N], G: int
param tau: positive, s: positive
mu ~ Normal(0, 2)
a: real[G] ~ Normal(mu, tau)
y ~ Normal(a[g], s)`,
    marginal: `data y: real[N], g: int<1, G>[N], G: int
param tau: positive, s: positive
let S = [[4 + (g[i] == g[j] ? tau^2 : 0) + (i == j ? s^2 : 0) for j in 1..N] for i in 1..N]
y ~ MultiNormal(zeros(N), S)`,
    data: { y, g: groups, G: 6 },
  },
  "a random walk seen through noise, with a penalty": {
    text: `data y: real[T]
param q: positive, r: positive
q ~ Gamma(2, 2)
x[1] ~ Normal(0, 1)
for t in 2..T { x[t] ~ Normal(x[t-1], q) }
for t in 1..T { y[t] ~ Normal(x[t], r) }`,
    marginal: `data y: real[T]
param q: positive, r: positive
let S = [[1 + q^2 * (min(i, j) - 1) + (i == j ? r^2 : 0) for j in 1..T] for i in 1..T]
y ~ MultiNormal(zeros(T), S)`,
    data: { y: walk },
  },
  "a mixture: a discrete latent a row": {
    text: `data y: real[N]
param w: simplex[2], mu: real[2], s: positive[2]
for n in 1..N {
  k[n] ~ Categorical(w)
  y[n] ~ Normal(mu[k[n]], s[k[n]])
}`,
    marginal: `data y: real[N]
param w: simplex[2], mu: real[2], s: positive[2]
for n in 1..N { y[n] ~ mixture(w, Normal(mu, s)) }`,
    data: { y: clusters },
  },
  "a mixture with a penalty": {
    text: `data y: real[N]
param w: simplex[2], mu: real[2], s: positive[2]
mu ~ Normal(0, 1)
for n in 1..N {
  k[n] ~ Categorical(w)
  y[n] ~ Normal(mu[k[n]], s[k[n]])
}`,
    marginal: `data y: real[N]
param w: simplex[2], mu: real[2], s: positive[2]
for n in 1..N { y[n] ~ mixture(w, Normal(mu, s)) }`,
    data: { y: clusters },
  },
  "a mixture of factor analysers: discrete and continuous latents of a row": {
    text: `data x: real[N, D]
param p: unit, w: real[2, D] = 0.7, mu: real[2, D], s: positive
for n in 1..N {
  k[n] ~ Bernoulli(p)
  z[n] ~ Normal(0, 1)
  x[n] ~ Normal(mu[k[n] + 1] + z[n] * w[k[n] + 1], s)
}`,
    marginal: `data x: real[N, D]
param p: unit, w: real[2, D] = 0.7, mu: real[2, D], s: positive
for n in 1..N {
  let a = lpdf(MultiNormal(mu[1], outer(w[1], w[1]) + diag(s^2 * ones(D))), x[n])
  let b = lpdf(MultiNormal(mu[2], outer(w[2], w[2]) + diag(s^2 * ones(D))), x[n])
  observe(logsumexp([log(1 - p) + a, log(p) + b]))
}`,
    data: { x: factorRows.map(([a, b, c], n) => (n % 3 === 0 ? [a + 3, b, c - 2] : [a, b, c])) },
  },
  "a label that is given in some rows: a value of no probability": {
    text: `data x: real[N, D], p: unit[N]
param w: real[2, D] = 0.7, mu: real[2, D], s: positive
for n in 1..N {
  k[n] ~ Bernoulli(p[n])
  z[n] ~ Normal(0, 1)
  x[n] ~ Normal(mu[k[n] + 1] + z[n] * w[k[n] + 1], s)
}`,
    marginal: `data x: real[N, D], p: unit[N]
param w: real[2, D] = 0.7, mu: real[2, D], s: positive
for n in 1..N {
  let a = lpdf(MultiNormal(mu[1], outer(w[1], w[1]) + diag(s^2 * ones(D))), x[n])
  let b = lpdf(MultiNormal(mu[2], outer(w[2], w[2]) + diag(s^2 * ones(D))), x[n])
  observe(logsumexp([log(1 - p[n]) + a, log(p[n]) + b]))
}`,
    data: {
      x: factorRows.map(([a, b, c], n) => (n % 3 === 0 ? [a + 3, b, c - 2] : [a, b, c])),
      p: factorRows.map((_, n) => (n % 5 === 0 ? (n % 3 === 0 ? 1 : 0) : 0.4)),
    },
  },
  "one switch for all, and a count of the rest": {
    text: `data y: real[N]
param mu: real, s: positive
a ~ Bernoulli(0.3)
c ~ Binomial(2, 0.4)
y ~ Normal(mu + a + c, s)
y ~ Normal(0, 1 + a)`,
    marginal: `data y: real[N]
param mu: real, s: positive
fn at(a, c) = sum(lpdf(Normal(mu + a + c, s), y)) + sum(lpdf(Normal(0, 1 + a), y)) + lpdf(Binomial(2, 0.4), c) + lpdf(Bernoulli(0.3), a)
observe(logsumexp([at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2)]))`,
    data: { y: clusters },
  },
  "two plates that do not meet": {
    text: `data x: real[N], y: real[M]
param m: real, s: positive
u: real[N] ~ Normal(m, 1)
v: real[M] ~ Normal(2 * m, s)
x ~ Normal(u, 0.5)
y ~ Normal(v, 0.5)`,
    marginal: `data x: real[N], y: real[M]
param m: real, s: positive
x ~ Normal(m, sqrt(1.25))
y ~ Normal(2 * m, sqrt(s^2 + 0.25))`,
    data: { x: normals(9).map((v) => 1 + v), y: normals(12).map((v) => 2 + 2 * v) },
  },
};

for (const [name, { text, marginal, data }] of Object.entries(cases))
  describe(name, () => {
    test("the evidence is that of the marginal model, at its maximum, and never fell", async () => {
      const { target } = await bound(text, data);
      const { results, failure } = await runEngine(target, em, { tolerance: 1e-7 }, { seed: 3 });
      expect(failure).toBeUndefined();
      const [{ fitted = {}, evidence, traces, verdicts }] = results;
      expect(verdicts[0]).toMatchObject({ what: "convergence", level: "pass" });
      // Of a mixture, some starts may well end lower.
      expect(verdicts.slice(1).map((v) => v.what)).toEqual(
        target.discrete.length > 0 ? verdicts.slice(1).map(() => "optima") : [],
      );
      const trace = traces.logEvidence;
      for (let i = 1; i < trace.length; i++) expect(trace[i]).toBeGreaterThanOrEqual(trace[i - 1]);
      const exact = (await bound(marginal, data)).target;
      const at = async (values: Readonly<Record<string, Float64Array>>): Promise<number> => {
        const density = await exact.fix(values).density();
        return density.evaluate(new Float64Array(0), new Float64Array(0));
      };
      const top = await at(fitted);
      expect(Math.abs((evidence?.mean ?? Number.NaN) - top)).toBeLessThan(1e-9 * (1 + Math.abs(top)));
      // Nothing near is higher, but for what was still to be gained; penalties, which the marginal model lacks, apart.
      if (name.includes("penalty")) return;
      const free = target.unconstrainParameters(fitted);
      for (const parameter of target.parameters)
        for (const h of [-1e-3, 1e-3]) {
          const moved = { ...free, [parameter.name]: free[parameter.name].map((v) => v + h) };
          expect(await at(constrainedParameters(target, moved)), `${parameter.name} moved by ${h}`).toBeLessThan(top + 1e-6);
        }
    });

    test("at its own params, the expectation has the gradient of the log evidence (Fisher)", async () => {
      const { target } = await bound(text, data);
      const theta = Float64Array.from({ length: lengthOf(placesOf(target)) }, (_, i) => 0.3 * Math.sin(2 * i + 1));
      const make = target.discrete.length > 0 ? finiteStep : quadraticStep;
      const step = await make(target, theta, stream(1, "structure"));
      if ("reason" in step) throw new Error(step.reason);
      const at = (x: Float64Array) => {
        const e = step.at(x);
        if (!e) throw new Error("no posterior");
        return e;
      };
      const gradient = new Float64Array(theta.length);
      at(theta).expect(theta, gradient);
      const h = 1e-5;
      theta.forEach((_, i) => {
        const moved = (d: number) => at(theta.map((v, j) => (j === i ? v + d : v))).objective;
        const slope = (moved(h) - moved(-h)) / (2 * h);
        expect(Math.abs(slope - gradient[i])).toBeLessThan(1e-6 * (10 + Math.abs(slope)));
      });
      step.dispose();
    });
  });

test("rows that are alike are seen to be, and expectations over two points are those over all", async () => {
  const { target } = await bound(cases["probabilistic PCA: rows alike"].text, cases["probabilistic PCA: rows alike"].data);
  const joint = await compileJoint(target);
  const theta = Float64Array.from({ length: joint.parameters }, (_, i) => 0.4 * Math.sin(3 * i + 1));
  const structure = structureOf(joint, theta, stream(1, "structure"));
  if ("reason" in structure) throw new Error(structure.reason);
  expect(structure.alike).toBe(true);
  const start = new Float64Array(joint.latents);
  const [two, all] = [true, false].map((alike) => expectationAt(joint, { ...structure, alike }, theta, start));
  expect(two?.posterior.points.length).toBe(2);
  expect(all?.posterior.points.length).toBe(3);
  const elsewhere = theta.map((v) => v + 0.2);
  const [g, h] = [new Float64Array(theta.length), new Float64Array(theta.length)];
  const difference = (two?.expect(elsewhere, g) ?? Number.NaN) - (all?.expect(elsewhere, h) ?? Number.NaN);
  expect(Math.abs(difference)).toBeLessThan(1e-9);
  g.forEach((v, i) => {
    expect(Math.abs(v - h[i])).toBeLessThan(1e-9 * (1 + Math.abs(v)));
  });
  joint.dispose();
});

test("two blocks of many that depend on each other are seen, whatever the seed", () => {
  // -½ Σ u² - ½ (u_3 - u_7)²
  const n = 10;
  const blocks = [{ plate: "N", rows: n, width: 1, places: Int32Array.from({ length: n }, (_, i) => i) }];
  const together: Gradient = (u, out) => {
    out.set(u.map((x) => -x));
    out[3] -= u[3] - u[7];
    out[7] -= u[7] - u[3];
    return Number.NaN;
  };
  const apart: Gradient = (u, out) => {
    out.set(u.map((x) => -x));
    return Number.NaN;
  };
  for (let seed = 0; seed < 50; seed++) {
    expect(shapeOf(n, blocks, together, stream(seed, "shape")).separate, `seed ${seed}`).toBe(false);
    expect(shapeOf(n, blocks, apart, stream(seed, "shape")).separate).toBe(true);
  }
});

const reasonOf = async (text: string, data: DataObject): Promise<string | undefined> =>
  (await runEngine((await bound(text, data)).target, em, {}, { seed: 1 })).failure?.reason;

describe("what it says", () => {
  test("where the integral is not exact", async () => {
    const reason = await reasonOf("data y: real[N]\nparam mu: real\ntau ~ HalfNormal(1)\ny ~ Normal(mu, tau)", { y: walk });
    expect(reason).toMatch(/not quadratic in tau/);
  });
  test("where a discrete latent cannot be gone through", async () => {
    const chain = `data y: real[T]
param a: unit, mu: real[2]
k[1] ~ Bernoulli(0.5)
for t in 2..T { k[t] ~ Bernoulli(k[t-1] == 1 ? a : 1 - a) }
for t in 1..T { y[t] ~ Normal(mu[k[t] + 1], 1) }`;
    expect(await reasonOf(chain, { y: walk })).toMatch(/k may take \d+ values together/);
    const pairs = `data y: real[N]
param a: unit, mu: real[2]
k: int[N] ~ Bernoulli(a)
for n in 1..N { y[n] ~ Normal(mu[k[n] + 1] + mu[k[max(n - 1, 1)] + 1], 1) }`;
    expect(await reasonOf(pairs, { y: walk })).toMatch(/of one row of N depends on those of another/);
    const endless = "data y: real[N]\nparam r: positive\nfor n in 1..N {\n  k[n] ~ Poisson(r)\n  y[n] ~ Normal(k[n], 1)\n}";
    expect(await reasonOf(endless, { y: walk })).toMatch(/has no last value/);
    const many = "data y: real\nparam r: unit\nk: int[20] ~ Bernoulli(r)\ny ~ Normal(sum(k), 1)";
    expect(await reasonOf(many, { y: 3 })).toMatch(/k may take 1048576 values together/);
    const outside =
      "data y: real[N]\nparam r: unit\nm ~ Normal(0, 1)\nfor n in 1..N {\n  k[n] ~ Bernoulli(r)\n  y[n] ~ Normal(m + k[n], 1)\n}";
    expect(await reasonOf(outside, { y: walk })).toMatch(/other latents do not/);
  });
  test("where few rows depend on each other, whatever the seed", async () => {
    for (const [one, other] of [
      [2, 3],
      [3, 2],
      [2, 1],
      [1, 5],
      [4, 3],
    ]) {
      const pair = `data y: real[N]
param a: unit, mu: real[2]
k: int[N] ~ Bernoulli(a)
for n in 1..N { y[n] ~ Normal(mu[k[n] + 1] + (n == ${one} ? k[${other}] : 0), 1) }`;
      const { target } = await bound(pair, { y: [0.1, 3, -1, 2, 0.5] });
      for (let seed = 1; seed <= 8; seed++) {
        const { failure } = await runEngine(target, em, { iterations: 1 }, { seed });
        expect(failure?.reason, `${one} on ${other}, seed ${seed}`).toMatch(/of one row of N depends on those/);
      }
    }
  });
  test("where a term of no row reads the latents of one", async () => {
    const text = `data y: real[N]
param m: real
for n in 1..N {
  k[n] ~ Bernoulli(0.3)
  z[n] ~ Normal(m, 1)
  y[n] ~ Normal(z[n] + k[n], 1)
}
factor(-z[2]^2)`;
    expect(await reasonOf(text, { y: [1, 2, 3] })).toMatch(/not quadratic in the continuous latents, row by row/);
  });
  test("where nothing is to be learnt", async () => {
    expect(await reasonOf("data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)", { y: walk })).toMatch(/has no param to learn/);
  });
  test("where the rows are too many to go together", async () => {
    const text = `data N: int
data y: real
param s: positive
x[1] ~ Normal(0, 1)
for t in 2..N { x[t] ~ Normal(x[t-1], s) }
y ~ Normal(x[N], 1)`;
    expect(await reasonOf(text, { N: 1500, y: 1 })).toMatch(/depend on each other.*1500 coordinates/);
  });
  test("where the likelihood has no maximum", async () => {
    const { results } = await runEngine(
      (await bound("data y: real[N]\nparam m: real, s: positive\nz: real[N] ~ Normal(m, s)\ny ~ Normal(z, s)", { y: [1, 1, 1] }))
        .target,
      em,
      { iterations: 300 },
      { seed: 1 },
    );
    expect(results[0].verdicts.find((v) => v.level === "fail")?.advice).toMatch(/of z shrank to a point/);
  });
});

test("without latents it is maximum likelihood, and with a flat one restricted maximum likelihood, whose evidence has no constant", async () => {
  const n = y.length;
  const mean = y.reduce((a, v) => a + v, 0) / n;
  const squares = y.reduce((a, v) => a + (v - mean) ** 2, 0);
  const run = async (text: string) =>
    (await runEngine((await bound(text, { y })).target, em, { tolerance: 1e-9 }, { seed: 1 })).results[0];
  const plain = await run("data y: real[N]\nparam m: real, s: positive\ny ~ Normal(m, s)");
  expect(plain.fitted?.m[0]).toBeCloseTo(mean, 5);
  expect(plain.fitted?.s[0]).toBeCloseTo(Math.sqrt(squares / n), 5);
  const restricted = await run("data y: real[N]\nparam s: positive\nm: real ~ Flat()\ny ~ Normal(m, s)");
  expect(restricted.fitted?.s[0]).toBeCloseTo(Math.sqrt(squares / (n - 1)), 5);
  expect(restricted.evidence).toBeUndefined();
});

test("an earlier fit is gone on from: nothing is left to do", async () => {
  const { text, data } = cases["a mixture: a discrete latent a row"];
  const { target } = await bound(text, data);
  const [first] = (await runEngine(target, em, { tolerance: 1e-8 }, { seed: 1 })).results;
  const resume = { parameters: first.fitted ?? {}, family: {} };
  const [again] = (await runEngine(target, em, {}, { seed: 2, resume })).results;
  expect(again.traces.logEvidence.length).toBeLessThan(9);
  expect(Math.abs((again.evidence?.mean ?? 0) - (first.evidence?.mean ?? 1))).toBeLessThan(1e-6);
});

test("a guide's own params are none of its business", async () => {
  const { text, data } = cases["known deviations: rows differ"];
  const guide = "\nparam a: real\nguide { for n in 1..N { z[n] ~ Normal(a, 1) } }";
  const [plain] = (await runEngine((await bound(text, data)).target, em, {}, { seed: 1 })).results;
  const [guided] = (await runEngine((await bound(text + guide, data)).target, em, {}, { seed: 1 })).results;
  expect(Object.keys(guided.fitted ?? {})).toEqual(["w", "mu"]);
  expect(guided.evidence).toEqual(plain.evidence);
  expect(
    await reasonOf(
      `data y: real\nz ~ Normal(0, 1)\ny ~ Normal(z, 1)${guide.replace("for n in 1..N { z[n] ~ Normal(a, 1) }", "z ~ Normal(a, 1)")}`,
      { y: 1 },
    ),
  ).toMatch(/has no param to learn/);
});

describe("starts that are alike", () => {
  test("a saddle is climbed past: loadings that begin at zero, by EM", async () => {
    const text = `data x: real[N, D]
param w: real[D], mu: real[D], s: positive[D]
for n in 1..N {
  z[n] ~ Normal(0, 1)
  x[n] ~ Normal(w * z[n] + mu, s)
}`;
    const run = async (model: string) =>
      (await runEngine((await bound(model, { x: factorRows })).target, em, {}, { seed: 1 })).results[0];
    const [plain, told] = [await run(text), await run(text.replace("w: real[D]", "w: real[D] = 1"))];
    expect(plain.verdicts.map((v) => v.level)).toEqual(["pass"]);
    expect(Math.abs((plain.evidence?.mean ?? 0) - (told.evidence?.mean ?? 1))).toBeLessThan(1e-3);
    const trace = plain.traces.logEvidence;
    for (let i = 1; i < trace.length; i++) expect(trace[i]).toBeGreaterThanOrEqual(trace[i - 1]);
  });

  test("components that begin alike are told apart, by EM and by gradients", async () => {
    const text = `data y: real[N]
param w: simplex[2], mu: real[2], s: positive[2]
for n in 1..N { y[n] ~ mixture(w, Normal(mu, s)) }`;
    const { target } = await bound(text, { y: clusters });
    const told = (await bound(text.replace("mu: real[2]", "mu: real[2] = [0, 3]"), { y: clusters })).target;
    const exact = (await runEngine(told, em, {}, { seed: 1 })).results[0].evidence?.mean ?? Number.NaN;
    const byEm = (await runEngine(target, em, {}, { seed: 1 })).results[0].evidence?.mean ?? Number.NaN;
    const byGradients = (await runEngine(target, mle, {}, { seed: 1 })).results[0].point?.logDensity ?? Number.NaN;
    expect(Math.abs(byEm - exact)).toBeLessThan(1e-3);
    expect(Math.abs(byGradients - exact)).toBeLessThan(1e-3);
  });
});
