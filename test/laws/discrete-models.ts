// Random models with discrete latents of every structure that is summed out, few enough values to go through.
import fc from "fast-check";
import type { DataObject } from "../../src/model.ts";

interface Case {
  readonly text: string;
  readonly data: DataObject;
}
interface Family {
  readonly name: string;
  readonly arbitrary: fc.Arbitrary<Case>;
}

const number = fc.integer({ min: -20, max: 20 }).map((x) => x / 7 + 0.013);
const numbers = (n: number): fc.Arbitrary<number[]> => fc.array(number, { minLength: n, maxLength: n });
const matrix = (n: number, m: number): fc.Arbitrary<number[][]> => fc.array(numbers(m), { minLength: n, maxLength: n });
const indices = (n: number, below: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: below }), { minLength: n, maxLength: n });
/** A table of probabilities, some of which are exactly 0. */
const simplexes = (n: number, k: number): fc.Arbitrary<number[][]> =>
  fc.array(
    fc
      .array(fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 9 }) }, { weight: 1, arbitrary: fc.constant(0) }), {
        minLength: k,
        maxLength: k,
      })
      .map((w) => {
        const own = w.every((x) => x === 0) ? w.map(() => 1) : w;
        const sum = own.reduce((s, x) => s + x, 0);
        return own.map((x) => x / sum);
      }),
    { minLength: n, maxLength: n },
  );
const sizes = (...ranges: readonly (readonly [number, number])[]): fc.Arbitrary<number[]> =>
  fc.tuple(...ranges.map(([min, max]) => fc.integer({ min, max })));

const head = "const K = 2\nmu: ordered[K] ~ Normal(0, 2)\n";

export const families: readonly Family[] = [
  {
    name: "a mixture",
    arbitrary: sizes([1, 5], [1, 3]).chain(([n, k]) =>
      fc.record({ y: numbers(n), w: simplexes(1, k) }).map(({ y, w }) => ({
        data: { y, w: w[0] },
        text: `data y: real[N], w: simplex[K]
const c = 0.3
mu: real[K] ~ Normal(0, 2)
s: positive ~ Exponential(1)
for n in 1..N {
  z[n] ~ Categorical(w)
  y[n] ~ Normal(mu[z[n]], s + c * z[n])
}`,
      })),
    ),
  },
  {
    name: "a mixture as a whole, with learnt weights",
    arbitrary: sizes([1, 5], [2, 3]).chain(([n, k]) =>
      numbers(n).map((y) => ({
        data: { y },
        text: `data y: real[N]
const K = ${k}
w ~ Dirichlet(ones(K))
mu: real[K] ~ Normal(0, 2)
z: int[N] ~ Categorical(w)
let m = mu[z]
y ~ Normal(m, 1 + 0.1 * z)`,
      })),
    ),
  },
  {
    name: "a chain",
    arbitrary: sizes([1, 8], [2, 3]).chain(([t, k]) =>
      fc.record({ y: numbers(t), P: simplexes(k, k), p: simplexes(1, k) }).map(({ y, P, p }) => ({
        data: { y, P, p: p[0] },
        text: `data y: real[T], P: simplex[K, K], p: simplex[K]
mu: ordered[K] ~ Normal(0, 2)
s[1] ~ Categorical(p)
for t in 2..T { s[t] ~ Categorical(P[s[t-1]]) }
for t in 1..T { y[t] ~ Normal(mu[s[t]], 1) }`,
      })),
    ),
  },
  {
    name: "chains of different lengths",
    arbitrary: fc.constantFrom([1, 3, 2], [2, 2], [6, 1], [8, 3], [6, 6], [7, 6], [10]).chain((lengths) =>
      matrix(lengths.length, Math.max(...lengths)).map((y) => ({
        data: { y, L: lengths },
        text: `data y: real[I, T], L: int[I]
const K = 2
for i in 1..K { P[i] ~ Dirichlet([1, 2]) }
mu: ordered[K] ~ Normal(0, 2)
for i in 1..I {
  s[i, 1] ~ Categorical([0.4, 0.6])
  for t in 2..L[i] { s[i, t] ~ Categorical(P[s[i, t-1]]) }
  for t in 1..L[i] { y[i, t] ~ Normal(mu[s[i, t]], 1) }
}`,
      })),
    ),
  },
  {
    name: "a chain of second order",
    arbitrary: sizes([3, 11]).chain(([t]) =>
      fc.record({ y: numbers(t), P: simplexes(4, 2) }).map(({ y, P }) => ({
        data: { y, P },
        text: `data y: real[T], P: simplex[4, 2]
${head}s[1] ~ Categorical([0.5, 0.5])
s[2] ~ Categorical([0.3, 0.7])
for t in 3..T { s[t] ~ Categorical(P[2 * s[t-1] + s[t-2] - 2]) }
y ~ Normal(mu[s], 1)`,
      })),
    ),
  },
  {
    name: "a tree",
    arbitrary: sizes([2, 7]).chain(([n]) =>
      fc
        .record({
          y: numbers(n),
          P: simplexes(2, 2),
          up: fc.tuple(...Array.from({ length: n }, (_, i) => fc.integer({ min: 1, max: Math.max(1, i) }))),
        })
        .map(({ y, P, up }) => ({
          data: { y, P, up: [...up] },
          text: `data y: real[N], P: simplex[2, 2], up: int[N]
${head}z[1] ~ Categorical([0.5, 0.5])
for n in 2..N { z[n] ~ Categorical(P[z[up[n]]]) }
for n in 1..N { y[n] ~ Normal(mu[z[n]], 1) }`,
        })),
    ),
  },
  {
    name: "locals under groups under one",
    arbitrary: sizes([1, 6], [1, 3]).chain(([n, g]) =>
      fc.record({ y: numbers(n), group: indices(n, g), P: simplexes(2, 2) }).map(({ y, group, P }) => ({
        data: { y, group, P, G: g },
        text: `data y: real[N], group: int[N], G: int, P: simplex[2, 2]
${head}top ~ Bernoulli(0.3)
for g in 1..G { a[g] ~ Categorical(P[top + 1]) }
for n in 1..N {
  z[n] ~ Bernoulli(0.1 + 0.3 * a[group[n]])
  y[n] ~ Normal(z[n] == 1 ? mu[a[group[n]]] : mu[1] - 1, 1)
}`,
      })),
    ),
  },
  {
    name: "crossed effects",
    arbitrary: sizes([1, 3], [1, 3]).chain(([n, m]) =>
      matrix(n, m).map((y) => ({
        data: { y },
        text: `data y: real[N, M]
${head}for i in 1..N { a[i] ~ Categorical([0.2, 0.8]) }
for j in 1..M { b[j] ~ Categorical([0.2, 0.5, 0.3]) }
for i in 1..N, j in 1..M { y[i, j] ~ Normal(mu[a[i]] + b[j] * a[i], 1) }`,
      })),
    ),
  },
  {
    name: "any graph",
    arbitrary: sizes([1, 6], [1, 8]).chain(([n, m]) =>
      fc.record({ from: indices(m, n), to: indices(m, n), y: numbers(n) }).map(({ from, to, y }) => ({
        data: { from, to, y },
        text: `data from: int[M], to: int[M], y: real[N]
beta ~ Normal(0, 1)
for n in 1..N { z[n] ~ Bernoulli(0.4) }
for m in 1..M { factor(beta * (z[from[m]] == z[to[m]]) + 0.3 * z[from[m]]) }
for n in 1..N { y[n] ~ Normal(z[n], 1.3) }`,
      })),
    ),
  },
  {
    name: "counts",
    arbitrary: sizes([1, 3], [1, 4]).chain(([n, top]) =>
      fc
        .record({ y: numbers(n), m: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: n, maxLength: n }) })
        .map(({ y, m }) => ({
          data: { y, m },
          text: `data y: real[N], m: int[N]
p ~ Beta(2, 2)
j: int<0, ${top}> ~ Poisson(2)
for n in 1..N {
  c[n] ~ Binomial(m[n], p)
  y[n] ~ Normal(c[n] + 0.5 * j, 1.5)
  // no number where c[n] is more than it can be
  factor(0.1 * sqrt(m[n] - c[n]))
}
factor(j == 2 ? 0.25 : 0)`,
        })),
    ),
  },
  {
    name: "a count of a count, and sums",
    arbitrary: sizes([1, 3]).chain(([n]) =>
      fc.record({ y: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: n, maxLength: n }), x: number }).map(({ y, x }) => ({
        data: { y, x },
        text: `data y: int[N], x: real
p ~ Beta(2, 2)
for n in 1..N {
  c[n]: int<0, 4> ~ Poisson(2)
  d[n] ~ Binomial(c[n], p)
  y[n] ~ Binomial(4, p * d[n] / 4)
}
x ~ Normal(sum(d), 2)`,
      })),
    ),
  },
  {
    name: "tables of functions of them, read at data",
    arbitrary: sizes([1, 4], [1, 6]).chain(([n, m]) =>
      fc.record({ y: numbers(m), g: indices(m, n) }).map(({ y, g }) => ({
        data: { y, g, N: n },
        text: `data y: real[M], g: int[M], N: int
${head}for n in 1..N {
  z[n] ~ Categorical([0.3, 0.7])
  let m[n] = mu[z[n]] + 0.1 * n
}
for i in 1..M { y[i] ~ Normal(m[g[i]], 1) }`,
      })),
    ),
  },
  {
    name: "occupancy: hard zeros everywhere",
    arbitrary: sizes([1, 4], [1, 3]).chain(([n, t]) =>
      fc
        .array(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: t, maxLength: t }), { minLength: n, maxLength: n })
        .map((y) => ({
          data: { y },
          text: `data y: int<0, 1>[N, T]
psi ~ Uniform(0, 1)
p ~ Uniform(0, 1)
for i in 1..N {
  z[i] ~ Bernoulli(psi)
  for t in 1..T { y[i, t] ~ Bernoulli(z[i] * p) }
}`,
        })),
    ),
  },
  {
    name: "branches",
    arbitrary: sizes([1, 4]).chain(([n]) =>
      fc.record({ y: numbers(n), x: numbers(n) }).map(({ y, x }) => ({
        data: { y, x },
        text: `data y: real[N], x: real[N]
a ~ Normal(0, 1)
s: positive ~ Exponential(1)
for n in 1..N {
  z[n] ~ Bernoulli(0.3)
  if z[n] == 1 {
    k[n] ~ Categorical([0.2, 0.5, 0.3])
    let shift = a * k[n]
    y[n] ~ Normal(shift, s)
    if x[n] > 0 { factor(-0.1 * k[n]) }
  } else {
    y[n] ~ Normal(a, 2 * s)
    if x[n] > 0 { x[n] ~ Exponential(1) }
  }
}`,
      })),
    ),
  },
  {
    name: "a chain that is read backwards, with leaves and a switch",
    arbitrary: sizes([6, 7]).chain(([t]) =>
      fc.record({ y: numbers(t), P: simplexes(2, 2), Q: simplexes(2, 2) }).map(({ y, P, Q }) => ({
        data: { y, P, Q },
        text: `data y: real[T], P: simplex[2, 2], Q: simplex[2, 2]
${head}s[T] ~ Categorical([0.5, 0.5])
for i in 1..T-1 { s[T - i] ~ Categorical(P[s[T - i + 1]]) }
for t in 2..T { factor(0.3 * (s[t] == s[t-1]) * t) }
c[1] ~ Categorical(Q[s[1]])
c[2] ~ Categorical(Q[s[4]])
for t in 1..T { y[t] ~ Normal(mu[s[t]], 1) }
factor(0.2 * c[1] + 0.5 * c[2])`,
      })),
    ),
  },
  {
    name: "missing integers that are read elsewhere",
    arbitrary: sizes([1, 6]).chain(([n]) =>
      fc
        .record({
          x: numbers(n),
          y: fc.array(fc.constantFrom(null, 0, 1), { minLength: n, maxLength: n }),
          c: fc.array(fc.constantFrom(null, 0, 2), { minLength: n, maxLength: n }),
        })
        .map(({ x, y, c }) => ({
          data: { x, y, c: c.slice(0, 3) },
          text: `data x: real[N], y: int?[N], c: int?[M]
a ~ Normal(0, 1)
p ~ Beta(2, 2)
y[1] ~ Bernoulli(p)
for n in 2..N { y[n] ~ Bernoulli(y[n-1] == 1 ? 0.7 : p) }
x ~ Normal(a * y, 1)
c ~ Binomial(2, p)
factor(0.1 * a * sum(c))`,
        })),
    ),
  },
  {
    name: "a chain of a class that is not known",
    arbitrary: sizes([9, 10]).chain(([t]) =>
      fc.record({ y: numbers(t), P: fc.array(simplexes(2, 2), { minLength: 2, maxLength: 2 }) }).map(({ y, P }) => ({
        data: { y, P },
        text: `data y: real[T], P: simplex[2, 2, 2]
${head}class ~ Categorical([0.3, 0.7])
s[1] ~ Categorical([0.5, 0.5])
for t in 2..T { s[t] ~ Categorical(P[class, s[t-1]]) }
for t in 1..T { y[t] ~ Normal(mu[s[t]] + 0.2 * class, 1) }`,
      })),
    ),
  },
  {
    name: "two chains that are seen together, and a ring",
    arbitrary: sizes([4, 6], [3, 11]).chain(([t, n]) =>
      fc.boolean().chain((isRing) =>
        fc.record({ y: numbers(isRing ? n : t), P: simplexes(2, 2), Q: simplexes(3, 3) }).map(({ y, P, Q }) => ({
          data: { y, P, Q },
          text: isRing
            ? `data y: real[T], P: simplex[2, 2], Q: simplex[3, 3]
${head}for t in 1..T { s[t] ~ Categorical([0.3, 0.7]) }
for t in 1..T { factor(mu[1] * (s[t] == s[t == T ? 1 : t + 1]) * t / T) }
y ~ Normal(mu[s], 1)
factor(sum(P[1]) + sum(Q[1]))`
            : `data y: real[T], P: simplex[2, 2], Q: simplex[3, 3]
${head}a[1] ~ Categorical([0.3, 0.7])
b[1] ~ Categorical([0.2, 0.3, 0.5])
for t in 2..T {
  a[t] ~ Categorical(P[a[t-1]])
  b[t] ~ Categorical(Q[b[t-1]])
}
for t in 1..T { y[t] ~ Normal(mu[a[t]] * b[t], 1) }`,
        })),
      ),
    ),
  },
  {
    name: "tables of which they are entries, and integers that they look up",
    arbitrary: sizes([1, 3]).chain(([n]) =>
      fc.record({ y: numbers(n), g: indices(4, 2) }).map(({ y, g }) => ({
        data: { y, g },
        text: `data y: real[N], g: int[4]
${head}top ~ Bernoulli(0.4)
a ~ Categorical([0.7 - 0.2 * top, 0.3 + 0.2 * top])
for i in 1..2 { d[i] ~ Categorical([[0.6, 0.4], [0.2 * top + 0.1, 0.9 - 0.2 * top]][a]) }
for n in 1..N {
  z[n] ~ Categorical([0.1, 0.2, 0.3, 0.4])
  let place[n] = g[z[n]]
  y[n] ~ Normal(mu[place[n]] + mu[d[a]] + mu[d[g[n]]], 1)
}`,
      })),
    ),
  },
  {
    name: "bounds that are their own elements",
    arbitrary: sizes([1, 7]).chain(([t]) =>
      numbers(t).map((y) => ({
        data: { y },
        text: `data y: real[T]
p ~ Beta(2, 2)
s[1]: int<0, 2> ~ Poisson(1)
for t in 2..T { s[t]: int<, 2> ~ Binomial(s[t-1] + 1, p) }
y ~ Normal(s, 1)`,
      })),
    ),
  },
];
