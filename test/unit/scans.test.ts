// Recurrences over latents: densities written out once more by plain loops, gradients against differences.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DataObject } from "../../src/model.ts";
import { bound, gradientError, model, normal, somewhere, total } from "./model-under-test.ts";

/** Central differences of step 1e-5: truncation 1e-10 f''' beside rounding 1e-11 |f|; densities here have derivatives of order 10 to 1000. */
const DIFFERENCES = 1e-6;
/** A density of some hundred operations on numbers of order 1 to 1000. */
const ROUNDING = 1e-11;

const y = [0.1, -0.3, 0.7, 1.2, -0.9, 0.4];

interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: DataObject;
  /** The density at unconstrained latents; these models have no bounds. */
  readonly density: (q: readonly number[]) => number;
}

const cases: readonly Case[] = [
  {
    name: "the largest of sums: which of them it is, is asked again for the derivative",
    text: `data z: real[T]
      a ~ Normal(0, 1)
      for t in 1..4 { let x[t] = a * t }
      for t in 5..T {
        let x[t] = max([0.3 * sum([x[t-k] * z[k] for k in 1..4]), 0.2 * sum([x[t-k] * z[k+1] for k in 1..4]) + a * z[t]])
      }
      z ~ Normal(x, 1)`,
    data: { z: [...y, ...y, ...y] },
    density: ([a]) => {
      const z = [...y, ...y, ...y];
      const x = [a, 2 * a, 3 * a, 4 * a];
      for (let t = 4; t < z.length; t++) {
        const weighted = (from: number): number => total([1, 2, 3, 4].map((k) => x[t - k] * z[from + k - 1]));
        x.push(Math.max(0.3 * weighted(0), 0.2 * weighted(1) + a * z[t]));
      }
      return normal(a, 0, 1) + total(z.map((v, t) => normal(v, x[t], 1)));
    },
  },
  {
    name: "one state, read one step back",
    text: `data y: real[T]
      a ~ Normal(0, 1)
      b ~ Normal(0, 1)
      let h[1] = 1.5
      for t in 2..T { let h[t] = exp(a) + 0.2 * (y[t-1] - b)^2 + 0.3 * h[t-1] }
      for t in 1..T { y[t] ~ Normal(b, sqrt(h[t])) }`,
    data: { y },
    density: ([a, b]) => {
      const h = [1.5];
      for (let t = 1; t < 6; t++) h.push(Math.exp(a) + 0.2 * (y[t - 1] - b) ** 2 + 0.3 * h[t - 1]);
      return normal(a, 0, 1) + normal(b, 0, 1) + total(y.map((v, t) => normal(v, b, Math.sqrt(h[t]))));
    },
  },
  {
    name: "a window of earlier elements, the first ones by if",
    text: `data y: real[T]
      a: real[3] ~ Normal(0, 0.3)
      for t in 1..T {
        if (t <= 3) { let m[t] = a[1] * t } else { let m[t] = 0.1 * t + sum([a[k] * m[t-k] for k in 1..3]) }
      }
      for t in 1..T { y[t] ~ Normal(m[t], 1) }`,
    data: { y },
    density: (a) => {
      const m: number[] = [];
      for (let t = 1; t <= 6; t++) m.push(t <= 3 ? a[0] * t : 0.1 * t + a[0] * m[t - 2] + a[1] * m[t - 3] + a[2] * m[t - 4]);
      return total(a.map((v) => normal(v, 0, 0.3))) + total(y.map((v, t) => normal(v, m[t], 1)));
    },
  },
  {
    name: "two states that read one another, this step and the last, by parity",
    text: `data y: real[T]
      a ~ Normal(0, 1)
      let u[1] = a
      let v[1] = a^2
      for t in 2..T {
        let w = sin(v[t-1]) + u[t-1]
        let u[t] = 0.5 * w + a
        if (mod(t, 2) == 0) { let v[t] = u[t] * v[t-1] } else { let v[t] = u[t] - u[t-1] }
      }
      for t in 1..T { y[t] ~ Normal(u[t] + v[t], 1) }`,
    data: { y },
    density: ([a]) => {
      const [u, v] = [[a], [a * a]];
      for (let t = 2; t <= 6; t++) {
        u.push(0.5 * (Math.sin(v[t - 2]) + u[t - 2]) + a);
        v.push(t % 2 === 0 ? u[t - 1] * v[t - 2] : u[t - 1] - u[t - 2]);
      }
      return normal(a, 0, 1) + total(y.map((x, t) => normal(x, u[t] + v[t], 1)));
    },
  },
  {
    name: "steps that give nothing",
    text: `data y: real[T], seen: int[T]
      a ~ Normal(0, 1)
      let s[1] = a
      for t in 2..T { if (seen[t] == 1) { let s[t] = tanh(s[t-1]) + a } }
      for t in 1..3 { y[t] ~ Normal(s[t], 1) }`,
    data: { y, seen: [1, 1, 1, 0, 0, 0] },
    density: ([a]) => {
      const s = [a, Math.tanh(a) + a];
      s.push(Math.tanh(s[1]) + a);
      return normal(a, 0, 1) + total(s.map((m, t) => normal(y[t], m, 1)));
    },
  },
  {
    name: "the whole history, in plates, the step in front",
    text: `data y: real[N, M], w: real[N]
      a: real[M] ~ Normal(0, 1)
      b ~ Normal(0, 1)
      for m in 1..M {
        for i in 1..2 { let p[i, m] = a[m] }
        for i in 3..N { let p[i, m] = b * sum([p[j, m] * w[i-j] for j in 1..i-1]) + 0.1 * sum(p[..i-1, m]) }
      }
      for m in 1..M, i in m..N { y[i, m] ~ Normal(p[i, m], 1) }`,
    data: { y: y.map((v) => [v, 1 - v]), w: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] },
    density: ([a1, a2, b]) => {
      const w = [0.1, 0.2, 0.3, 0.4, 0.5];
      const column = (a: number): number[] => {
        const p = [a, a];
        for (let i = 2; i < 6; i++) p.push(b * total(p.map((v, j) => v * w[i - j - 1])) + 0.1 * total(p));
        return p;
      };
      const [p1, p2] = [column(a1), column(a2)];
      const priors = normal(a1, 0, 1) + normal(a2, 0, 1) + normal(b, 0, 1);
      return priors + total(p1.map((m, i) => normal(y[i], m, 1))) + total(p2.slice(1).map((m, i) => normal(1 - y[i + 1], m, 1)));
    },
  },
  {
    name: "vectors, a forward recursion",
    text: `data y: real[T]
      mu: real[3] ~ Normal(0, 1)
      let A = [softmax(mu), softmax(2 * mu), [0.2, 0.3, 0.5]]
      let alpha[1] = [lpdf(Normal(mu[k], 1), y[1]) for k in 1..3]
      for t in 2..T {
        let alpha[t] = [logsumexp(alpha[t-1] + log(A[, k])) + lpdf(Normal(mu[k], 1), y[t]) for k in 1..3]
      }
      factor(logsumexp(alpha[T]))`,
    data: { y },
    density: (mu) => {
      const softmax = (v: readonly number[]): number[] => {
        const e = v.map(Math.exp);
        return e.map((x) => x / total(e));
      };
      const rows = [softmax(mu), softmax(mu.map((m) => 2 * m)), [0.2, 0.3, 0.5]];
      let p = mu.map((m) => Math.exp(normal(y[0], m, 1)));
      for (const v of y.slice(1)) p = mu.map((m, k) => total(p.map((w, j) => w * rows[j][k])) * Math.exp(normal(v, m, 1)));
      return total(mu.map((m) => normal(m, 0, 1))) + Math.log(total(p));
    },
  },
  {
    name: "a lattice",
    text: `data y: real[4, 5]
      a ~ Normal(0, 1)
      for k in 1..5 { let s[1, k] = a * k }
      for i in 2..4 {
        let s[i, 1] = a
        for k in 2..5 { let s[i, k] = 0.3 * s[i-1, k] + a * s[i, k-1] + 0.1 * s[i-1, k-1] }
      }
      y ~ Normal(s, 1)`,
    data: { y: [y.slice(1), y.slice(0, 5), y.slice(1), y.slice(0, 5)] },
    density: ([a]) => {
      const s = [[1, 2, 3, 4, 5].map((k) => a * k)];
      for (let i = 1; i < 4; i++) {
        s.push([a]);
        for (let k = 1; k < 5; k++) s[i].push(0.3 * s[i - 1][k] + a * s[i][k - 1] + 0.1 * s[i - 1][k - 1]);
      }
      const data = [y.slice(1), y.slice(0, 5), y.slice(1), y.slice(0, 5)];
      return normal(a, 0, 1) + total(s.flatMap((row, i) => row.map((m, k) => normal(data[i][k], m, 1))));
    },
  },
  {
    name: "an array of its own in each turn, counting down",
    text: `data y: real[M]
      a ~ Normal(0, 1)
      for m in 1..M {
        let g[4] = a * m
        for t in 3..1 by -1 { let g[t] = tanh(g[t+1]) + a }
        y[m] ~ Normal(g[1], 1)
      }`,
    data: { y: [1, 2, 3] },
    density: ([a]) => {
      const last = (m: number): number => {
        let g = a * m;
        for (let t = 0; t < 3; t++) g = Math.tanh(g) + a;
        return g;
      };
      return normal(a, 0, 1) + total([1, 2, 3].map((m) => normal(m, last(m), 1)));
    },
  },
  {
    name: "rows of different lengths",
    text: `data n: int[M], y: real[M]
      a ~ Normal(0, 1)
      for m in 1..M {
        let s[m, 1] = a
        for t in 2..n[m] { let s[m, t] = 0.5 * s[m, t-1] + a * m }
        y[m] ~ Normal(s[m, n[m]], 1)
      }`,
    data: { n: [3, 1, 5], y: [1, 2, 3] },
    density: ([a]) => {
      const last = (m: number, n: number): number => {
        let s = a;
        for (let t = 2; t <= n; t++) s = 0.5 * s + a * m;
        return s;
      };
      return normal(a, 0, 1) + normal(1, last(1, 3), 1) + normal(2, last(2, 1), 1) + normal(3, last(3, 5), 1);
    },
  },
  {
    name: "elements made of what the same turn has given",
    text: `data y: real[M, 3]
      a ~ Normal(0, 1)
      for m in 1..M {
        let x[m, 1] = a * m
        let x[m, 2] = sin(x[m, 1])
        let x[m, 3] = x[m, 1] * x[m, 2] + a
      }
      y ~ Normal(x, 1)`,
    data: { y: [y.slice(0, 3), y.slice(3)] },
    density: ([a]) => {
      const x = [1, 2].map((m) => [a * m, Math.sin(a * m), a * m * Math.sin(a * m) + a]);
      return normal(a, 0, 1) + total(x.flatMap((row, m) => row.map((v, k) => normal(y[3 * m + k], v, 1))));
    },
  },
  {
    name: "a function with a loop",
    text: `data y: real[T]
      a ~ Normal(0, 1)
      fn decay(x0, rate) { let x[1] = x0; for t in 2..T { let x[t] = x[t-1] * rate + 0.1 }; return x }
      y ~ Normal(decay(a, 0.7) - decay(1, a), 1)`,
    data: { y },
    density: ([a]) => {
      const decay = (x: number, rate: number): number[] => {
        const out = [x];
        while (out.length < 6) out.push(out[out.length - 1] * rate + 0.1);
        return out;
      };
      const [p, q] = [decay(a, 0.7), decay(1, a)];
      return normal(a, 0, 1) + total(y.map((v, t) => normal(v, p[t] - q[t], 1)));
    },
  },
];

describe.each(cases)("$name", ({ text, data, density }) => {
  test("the density is that of plain loops, the gradient that of differences", async () => {
    const p = await bound(text, data);
    const q = somewhere(p.dimension);
    const expected = density([...q]);
    expect(Math.abs(p.logDensity(q) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
    expect(gradientError(p, q)).toBeLessThan(DIFFERENCES);
  });
});

test("random linear recurrences with random lags", async () => {
  const arbitrary = fc.record({
    lags: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    steps: fc.integer({ min: 5, max: 12 }),
    weights: fc.array(fc.double({ min: -0.9, max: 0.9, noNaN: true }), { minLength: 4, maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ lags, steps, weights }) => {
      const first = Math.max(...lags);
      const sum = lags.map((lag, i) => `c[${i + 1}] * x[t-${lag}]`).join(" + ");
      const text = `data y: real, c: real[4]
        a ~ Normal(0, 1)
        for t in 1..${first} { let x[t] = a + t }
        for t in ${first + 1}..${steps} { let x[t] = ${sum} + sin(a) }
        y ~ Normal(x[${steps}] + x[1], 1)`;
      const p = await bound(text, { y: 0.3, c: weights });
      const a = 0.37;
      const x = Array.from({ length: first }, (_, i) => a + i + 1);
      for (let t = first; t < steps; t++) x.push(total(lags.map((lag, i) => weights[i] * x[t - lag])) + Math.sin(a));
      const expected = normal(a, 0, 1) + normal(0.3, x[steps - 1] + x[0], 1);
      expect(Math.abs(p.logDensity(Float64Array.of(a)) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
      expect(gradientError(p, Float64Array.of(a))).toBeLessThan(DIFFERENCES);
    }),
    { seed: 20261, numRuns: 25 },
  );
});

test("a thousand steps are one loop: the program does not grow with them", async () => {
  const text = `data y: real[T]
    a ~ Normal(0, 1)
    let x[1] = a
    for t in 2..T { let x[t] = 0.9 * x[t-1] + 0.1 * sin(a * t) }
    y ~ Normal(x, 1)`;
  const size = async (T: number): Promise<number> => {
    const p = await bound(text, { y: Array.from({ length: T }, (_, t) => Math.sin(t)) });
    const image = await p.target.image();
    return image.density.memory.byteLength / T;
  };
  const [few, many] = [await size(1000), await size(4000)];
  expect(many).toBeLessThan(1.1 * few);
});

describe("mistakes", () => {
  test.each([
    [
      "an element that nothing gives",
      "let x[1] = a; for t in 3..T { let x[t] = x[t-1] + a }; y[1] ~ Normal(x[3], 1)",
      /x\[2\] is read before it is given/u,
    ],
    [
      "an element of the step itself",
      "let x[1] = a; for t in 2..T { let x[t] = x[t] + a }; y[1] ~ Normal(x[3], 1)",
      /x is read before it is given/u,
    ],
    [
      "an element of the step itself, before it is given",
      "for t in 1..T { let x[t, 1] = x[t, 2] + a; let x[t, 2] = a }; y[1] ~ Normal(x[1, 1], 1)",
      /x(\[1, 2\])? is read before/u,
    ],
    [
      "an element of a later step",
      "let x[1] = a; for t in 2..T-1 { let x[t] = x[t+1] + x[t-1] }; y[1] ~ Normal(x[3], 1)",
      /x\[\d\] is read before it is given|outside/u,
    ],
    ["no first element", "for t in 2..T { let x[t] = x[t-1] + a }; y[1] ~ Normal(x[3], 1)", /read before/u],
    [
      "an element twice",
      "let x[1] = a; for t in 1..T { let x[t] = (t > 1 ? x[t-1] : 0) + a }; y[1] ~ Normal(x[3], 1)",
      /given twice/u,
    ],
    [
      "a branch that is another one in each turn of a loop around",
      "for m in 1..2 { let x[1] = a * m; for t in 2..T { if mod(t + m, 2) == 0 { let x[t] = x[t-1] } else { let x[t] = a } }; y[m] ~ Normal(x[3], 1) }",
      /which elements of x are given varies with a loop around it/u,
    ],
    ["another shape", "let x[1] = a; for t in 2..T { let x[t] = [x[t-1], a] }; y[1] ~ Normal(x[3], 1)", /shape/u],
  ])("%s", async (_name, statements, message) => {
    const text = `data y: real[T]\na ~ Normal(0, 1)\n${statements.replaceAll("; ", "\n")}`;
    await expect((async () => model(text).bind({ y }))()).rejects.toThrow(message);
  });
});

describe("noncentered along a chain", () => {
  const data = { y };
  const chain = (prefix: string): string => `data y: real[T]
    rho ~ Normal(0, 1)
    x[1] ~ Normal(0, 1)
    for t in 2..T { x[t] ~ ${prefix} Normal(rho * x[t-1], exp(0.3 * x[t-1])) }
    y ~ Normal(x, 1)`;

  test("raw coordinates make the same density of x, and names of the model", async () => {
    const [raw, centred] = [await bound(chain("noncentered"), data), await bound(chain(""), data)];
    const q = somewhere(raw.dimension);
    const x = [q[1]];
    let stretch = 0;
    for (let t = 1; t < 6; t++) {
      stretch += 0.3 * x[t - 1];
      x.push(q[0] * x[t - 1] + Math.exp(0.3 * x[t - 1]) * q[t + 1]);
    }
    const expected = centred.logDensity(Float64Array.of(q[0], ...x)) + stretch;
    expect(Math.abs(raw.logDensity(q) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
    expect(gradientError(raw, q)).toBeLessThan(DIFFERENCES);
  });

  test("vectors with a Cholesky factor", async () => {
    const text = (prefix: string): string => `data y: real[T, 2]
      a ~ Normal(0, 1)
      let L = [[1.2, 0], [0.4, 0.9]]
      x[1]: real[2] ~ Normal(0, 1)
      for t in 2..T { x[t] ~ ${prefix} MultiNormalCholesky(a * x[t-1], L) }
      y ~ Normal(x, 1)`;
    const rows = {
      y: [
        [0.1, 0.2],
        [-0.3, 0.4],
        [0.5, -0.6],
      ],
    };
    const [raw, centred] = [await bound(text("noncentered"), rows), await bound(text(""), rows)];
    const q = somewhere(7);
    const x = [[q[1], q[2]]];
    for (let t = 1; t < 3; t++) {
      const [u, v] = [q[2 * t + 1], q[2 * t + 2]];
      x.push([q[0] * x[t - 1][0] + 1.2 * u, q[0] * x[t - 1][1] + 0.4 * u + 0.9 * v]);
    }
    const expected = centred.logDensity(Float64Array.of(q[0], ...x.flat())) + 2 * Math.log(1.2 * 0.9);
    expect(Math.abs(raw.logDensity(q) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
    expect(gradientError(raw, q)).toBeLessThan(DIFFERENCES);
  });
});

test("standard deviations of which the squares go from step to step", async () => {
  const text = `data y: real[T]
    a ~ Normal(0, 1)
    let s[1] = 0.7
    for t in 2..T { let s[t] = sqrt(exp(a) + 0.3 * (y[t-1] - a)^2 + 0.5 * s[t-1]^2) }
    y ~ Normal(a, s)`;
  const p = await bound(text, { y });
  const a = 0.37;
  const s = [0.7];
  for (let t = 1; t < 6; t++) s.push(Math.sqrt(Math.exp(a) + 0.3 * (y[t - 1] - a) ** 2 + 0.5 * s[t - 1] ** 2));
  const expected = normal(a, 0, 1) + total(y.map((v, t) => normal(v, a, s[t])));
  expect(Math.abs(p.logDensity(Float64Array.of(a)) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
  expect(gradientError(p, Float64Array.of(a))).toBeLessThan(DIFFERENCES);
});
