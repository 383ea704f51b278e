// Recurrences in plates: densities written out once more by plain loops, whether the plates can go side by side or not; and that they do.
import { describe, expect, test } from "vitest";
import type { DataObject, Posterior } from "../../src/model.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type LoopAttrs, loop } from "../../src/runtime/ir/loop/loop.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { bound, gradientError, normal, somewhere, total } from "./model-under-test.ts";

/** Central differences of step 1e-5: truncation 1e-10 f''' beside rounding 1e-11 |f|; densities here have derivatives of order 10 to 1000. */
const DIFFERENCES = 1e-6;
/** A density of some hundred operations on numbers of order 1 to 1000. */
const ROUNDING = 1e-11;

const wave = (n: number, frequency = 1): number[] => Array.from({ length: n }, (_, i) => Math.sin(frequency * (i + 1)));
const table = (rows: number, columns: number): number[][] => Array.from({ length: rows }, (_, i) => wave(columns, i + 0.7));

function longestLoop({ target }: Posterior): number {
  const b = createBuilder();
  const density = target.logDensity(b, b.input("q", { shape: [target.dimension], dtype: "real" }));
  return Math.max(...nodesOf([density]).flatMap((node) => (node.op === loop ? [(node.attrs as LoopAttrs).steps] : [])));
}

interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: DataObject;
  readonly density: (q: readonly number[]) => number;
  /** Of the longest loop, where plates go side by side. */
  readonly steps: number;
}

const leaky = (a: number, y: readonly number[]): number => {
  let x = a;
  let sum = normal(y[0], x, 1);
  for (const v of y.slice(1)) {
    x = 0.5 * x + Math.sin(a * v);
    sum += normal(v, x, 1);
  }
  return sum;
};
const each = (a: readonly number[], y: readonly (readonly number[])[]): number =>
  total(a.map((v) => normal(v, 0, 1))) + total(y.map((row, m) => leaky(a[m], row)));

const byPlate: Case[] = [1, 2, 3, 9, 16, 17].map((M) => ({
  name: `${M} plates in front`,
  text: `data y: real[M, T]
    a: real[M] ~ Normal(0, 1)
    for m in 1..M {
      let x[m, 1] = a[m]
      for t in 2..T { let x[m, t] = 0.5 * x[m, t-1] + sin(a[m] * y[m, t]) }
      for t in 1..T { y[m, t] ~ Normal(x[m, t], 1) }
    }`,
  data: { y: table(M, 6) },
  density: (a) => each(a, table(M, 6)),
  steps: 5,
}));

const cases: readonly Case[] = [
  ...byPlate,
  {
    name: "plates and steps in one loop, plates behind",
    text: `data y: real[M, T]
      a: real[M] ~ Normal(0, 1)
      for m in 1..M { let x[1, m] = a[m] }
      for m in 1..M, t in 2..T { let x[t, m] = 0.5 * x[t-1, m] + sin(a[m] * y[m, t]) }
      for m in 1..M, t in 1..T { y[m, t] ~ Normal(x[t, m], 1) }`,
    data: { y: table(4, 5) },
    density: (a) => each(a, table(4, 5)),
    steps: 4,
  },
  {
    name: "plates of plates, the steps between them",
    text: `data y: real[J, T, K]
      a: real[J, K] ~ Normal(0, 1)
      for j in 1..J, k in 1..K {
        let x[j, 1, k] = a[j, k]
        for t in 2..T { let x[j, t, k] = 0.5 * x[j, t-1, k] + sin(a[j, k] * y[j, t, k]) }
      }
      y ~ Normal(x, 1)`,
    data: { y: table(2, 12).map((row) => [0, 1, 2, 3].map((t) => row.slice(3 * t, 3 * t + 3))) },
    density: (a) => {
      const y = table(2, 12);
      return each(
        a,
        a.map((_, i) => [0, 1, 2, 3].map((t) => y[Math.floor(i / 3)][3 * t + (i % 3)])),
      );
    },
    steps: 3,
  },
  {
    name: "windows as long as the history, odd plates",
    text: `data y: real[N, M], w: real[N]
      a: real[M] ~ Normal(0, 1)
      for m in 1..M {
        let p[1, m] = a[m]
        for i in 2..N { let p[i, m] = tanh(0.2 * sum([p[j, m] * w[i-j] for j in 1..i-1]) + 0.1 * sum(p[..i-1, m])) }
      }
      y ~ Normal(p, 1)`,
    data: { y: table(20, 11), w: wave(20, 0.3) },
    density: (a) => {
      const [y, w] = [table(20, 11), wave(20, 0.3)];
      return total(
        a.map((v, m) => {
          const p = [v];
          while (p.length < 20) p.push(Math.tanh(0.2 * total(p.map((x, j) => x * w[p.length - j - 1])) + 0.1 * total(p)));
          return normal(v, 0, 1) + total(p.map((x, i) => normal(y[i][m], x, 1)));
        }),
      );
    },
    steps: 19,
  },
  {
    name: "vectors in plates",
    text: `data y: real[M, T]
      a: real[M] ~ Normal(0, 1)
      let A = [[0.5, 0.2], [-0.3, 0.4]]
      for m in 1..M {
        let s[m, 1] = [a[m], 1]
        for t in 2..T { let s[m, t] = A @ s[m, t-1] + [sin(a[m]), s[m, t-1, 1]] }
        for t in 1..T { y[m, t] ~ Normal(s[m, t, 2], 1) }
      }`,
    data: { y: table(3, 5) },
    density: (a) =>
      total(
        a.map((v, m) => {
          let s = [v, 1];
          const y = table(3, 5)[m];
          let sum = normal(v, 0, 1) + normal(y[0], s[1], 1);
          for (const x of y.slice(1)) {
            s = [0.5 * s[0] + 0.2 * s[1] + Math.sin(v), -0.3 * s[0] + 0.4 * s[1] + s[0]];
            sum += normal(x, s[1], 1);
          }
          return sum;
        }),
      ),
    steps: 4,
  },
  {
    name: "functions with arrays and recurrences of their own, in plates and in steps",
    text: `data y: real[M, T]
      fn last(v, w) {
        let x[1] = v
        for t in 2..size(w) { let x[t] = 0.5 * x[t-1] + sin(v * w[t]) }
        return x[size(w)]
      }
      fn powers(v) {
        for k in 1..3 { let p[k] = 0.1 * v^k }
        return sum(p)
      }
      a: real[M] ~ Normal(0, 1)
      for m in 1..M {
        let s[m, 1] = last(a[m], y[m])
        for t in 2..T { let s[m, t] = 0.5 * s[m, t-1] + last(s[m, t-1], y[m, 1..3]) + powers(sin(s[m, t-1])) }
        for t in 1..T { y[m, t] ~ Normal(s[m, t], 1) }
      }`,
    data: { y: table(3, 5) },
    density: (a) => {
      const last = (v: number, w: readonly number[]): number => w.slice(1).reduce((x, u) => 0.5 * x + Math.sin(v * u), v);
      const powers = (v: number): number => 0.1 * (v + v ** 2 + v ** 3);
      return total(
        a.map((v, m) => {
          const y = table(3, 5)[m];
          let s = last(v, y);
          let sum = normal(v, 0, 1) + normal(y[0], s, 1);
          for (const x of y.slice(1)) {
            s = 0.5 * s + last(s, y.slice(0, 3)) + powers(Math.sin(s));
            sum += normal(x, s, 1);
          }
          return sum;
        }),
      );
    },
    // Those of the function: its array is one in each turn.
    steps: 12,
  },
  {
    name: "a branch by the step",
    text: `data y: real[M, T]
      a: real[M] ~ Normal(0, 1)
      for m in 1..M {
        for t in 1..T { if t == 1 { let x[m, t] = a[m] } else { let x[m, t] = 0.5 * x[m, t-1] + sin(a[m] * y[m, t]) } }
        for t in 1..T { y[m, t] ~ Normal(x[m, t], 1) }
      }`,
    data: { y: table(3, 5) },
    density: (a) => each(a, table(3, 5)),
    steps: 5,
  },
  {
    name: "a branch by the plate: one after the other",
    text: `data y: real[M, T]
      a: real[M] ~ Normal(0, 1)
      for m in 1..M {
        let x[m, 1] = a[m]
        for t in 2..T {
          if mod(t + m, 2) == 0 { let x[m, t] = 0.5 * x[m, t-1] + sin(a[m] * y[m, t]) }
          else { let x[m, t] = x[m, t-1] }
        }
        for t in 1..T { y[m, t] ~ Normal(x[m, t], 1) }
      }`,
    data: { y: table(3, 5) },
    density: (a) =>
      total(
        a.map((v, m) => {
          let x = v;
          const y = table(3, 5)[m];
          let sum = normal(v, 0, 1) + normal(y[0], x, 1);
          for (let t = 1; t < 5; t++) {
            if ((t + m + 2) % 2 === 0) x = 0.5 * x + Math.sin(v * y[t]);
            sum += normal(y[t], x, 1);
          }
          return sum;
        }),
      ),
    steps: 12,
  },
  {
    name: "a turn reads the turn before: one after the other",
    text: `data y: real[M, T]
      a ~ Normal(0, 1)
      for t in 1..T { let x[1, t] = a * t }
      for m in 2..M {
        let x[m, 1] = a
        for t in 2..T { let x[m, t] = 0.5 * x[m, t-1] + 0.2 * x[m-1, t] }
      }
      y ~ Normal(x, 1)`,
    data: { y: table(3, 4) },
    density: ([a]) => {
      const x = [[1, 2, 3, 4].map((t) => a * t)];
      for (let m = 1; m < 3; m++) {
        x.push([a]);
        for (let t = 1; t < 4; t++) x[m].push(0.5 * x[m][t - 1] + 0.2 * x[m - 1][t]);
      }
      return normal(a, 0, 1) + total(x.flatMap((row, m) => row.map((v, t) => normal(table(3, 4)[m][t], v, 1))));
    },
    // Those of the outer loop: the inner one is written out.
    steps: 2,
  },
  {
    name: "plates of which some have begun already: one after the other",
    text: `data y: real[M, T]
      a: real[M] ~ Normal(0, 1)
      let x[1, 1] = a[1]
      let x[1, 2] = 0.5 * x[1, 1] + sin(a[1] * y[1, 2])
      for m in 2..M { let x[m, 1] = a[m] }
      for m in 1..M { for t in 2 + (m == 1 ? 1 : 0)..T { let x[m, t] = 0.5 * x[m, t-1] + sin(a[m] * y[m, t]) } }
      for m in 1..M, t in 1..T { y[m, t] ~ Normal(x[m, t], 1) }`,
    data: { y: table(3, 5) },
    density: (a) => each(a, table(3, 5)),
    steps: 11,
  },
];

describe.each(cases)("$name", ({ text, data, density, steps }) => {
  test("the density is that of plain loops, the gradient that of differences", async () => {
    const p = await bound(text, data);
    const q = somewhere(p.dimension);
    const expected = density([...q]);
    expect(Math.abs(p.logDensity(q) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
    expect(gradientError(p, q)).toBeLessThan(DIFFERENCES);
  });
  test("as many steps as one plate has, where they go side by side", async () => {
    expect(longestLoop(await bound(text, data))).toBe(steps);
  });
});

describe("noncentered along chains in plates", () => {
  const text = (prefix: string): string => `data y: real[M, T]
    rho ~ Normal(0, 1)
    for m in 1..M {
      x[m, 1] ~ Normal(0, 1)
      for t in 2..T { x[m, t] ~ ${prefix} Normal(rho * x[m, t-1] + 0.1 * m, exp(0.3 * x[m, t-1])) }
    }
    y ~ Normal(x, 1)`;
  const data = { y: table(3, 4) };

  test("raw coordinates make the same density of x, in as many steps as a chain has", async () => {
    const [raw, centred] = [await bound(text("noncentered"), data), await bound(text(""), data)];
    const q = somewhere(raw.dimension);
    // Latents of a statement after one another: rho, all x[m, 1], then the others.
    const x = [0, 1, 2].map((m) => {
      const row = [q[1 + m]];
      for (let t = 1; t < 4; t++) row.push(q[0] * row[t - 1] + 0.1 * (m + 1) + Math.exp(0.3 * row[t - 1]) * q[4 + 3 * m + t - 1]);
      return row;
    });
    const stretch = total(x.map((row) => total(row.slice(0, 3).map((v) => 0.3 * v))));
    const own = Float64Array.of(q[0], ...x.map((row) => row[0]), ...x.flatMap((row) => row.slice(1)));
    const expected = centred.logDensity(own) + stretch;
    expect(Math.abs(raw.logDensity(q) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
    expect(gradientError(raw, q)).toBeLessThan(DIFFERENCES);
    expect(longestLoop(raw)).toBe(3);
  });

  test("elements that read what the same turn has given before", async () => {
    const text = (prefix: string): string => `data y: real[M, 2]
      s ~ HalfNormal(1)
      for m in 1..M {
        x[m, 1] ~ Normal(0, 1)
        x[m, 2] ~ ${prefix} Normal(0.5 * x[m, 1], s)
      }
      y ~ Normal(x, 1)`;
    const data = { y: table(3, 2) };
    const [raw, centred] = [await bound(text("noncentered"), data), await bound(text(""), data)];
    const q = somewhere(raw.dimension);
    const s = Math.exp(q[0]);
    const own = Float64Array.of(q[0], ...q.slice(1, 4), ...q.slice(4).map((z, m) => 0.5 * q[1 + m] + s * z));
    const expected = centred.logDensity(own) + 3 * q[0];
    expect(Math.abs(raw.logDensity(q) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
    expect(gradientError(raw, q)).toBeLessThan(DIFFERENCES);
  });
});
