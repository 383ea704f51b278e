// Random recurrences, written as text and run once more by an interpreter of their own.
import fc from "fast-check";
import { expect, test } from "vitest";
import { bound, gradientError, normal, total } from "./model-under-test.ts";

/** A number of a step. `of` is the state, `lag` how many steps back, `element` which of a row; this step's own rows have lag 0. */
type Term =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "latent"; readonly which: number }
  | { readonly kind: "data" }
  | { readonly kind: "read"; readonly of: number; readonly lag: number; readonly element: number }
  | { readonly kind: "window"; readonly of: number; readonly element: number }
  | { readonly kind: "history"; readonly of: number; readonly element: number; readonly weighted: boolean }
  | { readonly kind: "apply"; readonly f: keyof typeof functions; readonly x: Term }
  | { readonly kind: "combine"; readonly op: keyof typeof operations; readonly x: Term; readonly y: Term }
  | { readonly kind: "choose"; readonly modulus: number; readonly x: Term; readonly y: Term };

const functions = {
  sin: { text: (x: string) => `sin(${x})`, of: Math.sin },
  tanh: { text: (x: string) => `tanh(${x})`, of: Math.tanh },
  root: { text: (x: string) => `sqrt(0.5 + (${x})^2)`, of: (x: number) => Math.sqrt(0.5 + x * x) },
  bell: { text: (x: string) => `exp(-(${x})^2)`, of: (x: number) => Math.exp(-x * x) },
  minus: { text: (x: string) => `-(${x})`, of: (x: number) => -x },
  fraction: { text: (x: string) => `(${x}) / 3`, of: (x: number) => x / 3 },
  square: { text: (x: string) => `0.2 * (${x})^2`, of: (x: number) => 0.2 * x * x },
} as const;
const operations = {
  plus: { text: (x: string, y: string) => `(${x} + ${y})`, of: (x: number, y: number) => x + y },
  minus: { text: (x: string, y: string) => `(${x} - ${y})`, of: (x: number, y: number) => x - y },
  times: { text: (x: string, y: string) => `(${x}) * (${y})`, of: (x: number, y: number) => x * y },
  over: { text: (x: string, y: string) => `(${x}) / (1 + (${y})^2)`, of: (x: number, y: number) => x / (1 + y * y) },
} as const;

interface State {
  /** 0: a number; else a row of so many. */
  readonly width: number;
  readonly form: "plain" | "root" | "parity" | "mixed" | "matrix" | "turned" | "constant" | "bare";
  /** One for each element. */
  readonly terms: readonly Term[];
  readonly other: Term;
  readonly observed: boolean;
}
interface Recurrence {
  readonly states: readonly State[];
  /** Elements given before. */
  readonly first: number;
  readonly steps: number;
  readonly down: boolean;
  readonly beginning: "loop" | "branch";
  /** Turns of a loop around: 0 none. */
  readonly copies: number;
  /** Turns of a loop around that one: 0 none. */
  readonly groups: number;
  /** Where the outer loops' variables stand, that of the groups in front of that of the copies or behind it, or that they stand nowhere. */
  readonly subscripts: keyof typeof subscripts;
}
const subscripts = {
  front: ["g", "m", "t"],
  behind: ["t", "m", "g"],
  around: ["m", "t", "g"],
  between: ["g", "t", "m"],
  none: ["t"],
} as const;

// ---------------------------------------------------------------- text

function textOf(r: Recurrence): string {
  const { first, steps, down, copies, groups } = r;
  const length = first + steps;
  const around = [...(groups > 0 ? ["g"] : []), ...(copies > 0 ? ["m"] : [])];
  const at = (t: string, element = -1, width = 0): string => {
    const own = subscripts[r.subscripts].filter((v) => v === "t" || around.includes(v)).map((v) => (v === "t" ? t : v));
    return `[${[...own, ...(element >= 0 && width > 0 ? [`${element + 1}`] : [])].join(", ")}]`;
  };
  const scaled = (x: string): string => [x, ...(copies > 0 ? ["u[m]"] : []), ...(groups > 0 ? ["w[g]"] : [])].join(" * ");
  const back = (lag: number): string => (lag === 0 ? "t" : down ? `t+${lag}` : `t-${lag}`);
  const term = (x: Term): string => {
    switch (x.kind) {
      case "constant":
        return `${x.value}`;
      case "latent":
        return scaled(`a[${x.which + 1}]`);
      case "data":
        return "y[t]";
      case "read": {
        const { width } = r.states[x.of];
        return `s${x.of}${at(back(x.lag), x.element % Math.max(width, 1), width)}`;
      }
      case "window": {
        const { width } = r.states[x.of];
        return `sum([s${x.of}${at(down ? "t+k" : "t-k", x.element % Math.max(width, 1), width)} * y[k] for k in 1..${first}])`;
      }
      case "history": {
        const { width } = r.states[x.of];
        const range = down ? `t+1..${length}` : "1..t-1";
        if (!x.weighted && width === 0) return `0.1 * sum(s${x.of}${at(range)})`;
        const read = `s${x.of}${at("j", x.element % Math.max(width, 1), width)}`;
        return `0.1 * sum([${read} * y[${down ? "j-t" : "t-j"}] for j in ${range}])`;
      }
      case "apply":
        return functions[x.f].text(term(x.x));
      case "combine":
        return operations[x.op].text(term(x.x), term(x.y));
      case "choose":
        return `(mod(t, ${x.modulus}) == 0 ? ${term(x.x)} : ${term(x.y)})`;
    }
  };
  const row = (s: State, terms: readonly string[]): string => (s.width === 0 ? terms[0] : `[${terms.join(", ")}]`);
  const beginning = (s: State, i: number): string =>
    `let s${i}${at("t")} = ${row(
      s,
      s.terms.map((_, k) => `0.3 * a[1] + ${0.1 * (k + 1)} * t + ${scaled("0.2")}`),
    )}`;
  const step = (s: State, i: number): string[] => {
    const give = (value: string): string => `let s${i}${at("t")} = ${value}`;
    const plain = row(
      s,
      s.terms.map((x) => `0.5 * ${operations.plus.text(term(x), "0.1")}`),
    );
    switch (s.form) {
      case "plain":
        return [give(plain)];
      case "bare":
        return [give(row(s, s.terms.map(term)))];
      case "root":
        return [
          give(
            row(
              s,
              s.terms.map((_, k) => `sqrt(0.3 + 0.4 * s${i}${at(back(1), k, s.width)}^2 + 0.1 * (${term(s.other)})^2)`),
            ),
          ),
        ];
      case "parity":
      case "mixed":
        return [
          `if mod(${s.form === "parity" ? "t" : ["t", ...(r.subscripts === "none" ? [] : around)].join(" + ")}, 2) == 0 { ${give(plain)} } else { ${give(
            row(
              s,
              s.terms.map((_, k) => `${0.1 * k} + ${term(s.other)}`),
            ),
          )} }`,
        ];
      case "matrix":
        return [
          s.width === 0
            ? give(`0.3 * s${i}${at(back(1))} + ${term(s.other)}`)
            : give(`0.3 * A[1..${s.width}, 1..${s.width}] @ s${i}${at(back(1))} + ${term(s.other)}`),
        ];
      case "turned":
        return [
          s.width === 0
            ? give(`0.3 * s${i}${at(back(1))} + ${term(s.other)}`)
            : give(`0.3 * reverse(s${i}${at(back(1))}) + ${term(s.other)}`),
        ];
      case "constant":
        return [
          give(
            row(
              s,
              s.terms.map((_, k) => `${0.25 * (k + 1)}`),
            ),
          ),
        ];
    }
  };
  const inside = r.states.flatMap(step);
  const begin = r.states.map(beginning);
  const range = (loop: string): string => (r.down ? `${loop} by -1` : loop);
  const [before, during, whole] = down
    ? [`${length}..${steps + 1}`, `${steps}..1`, `${length}..1`]
    : [`1..${first}`, `${first + 1}..${length}`, `1..${length}`];
  const isFirst = down ? `t > ${steps}` : `t <= ${first}`;
  const loops =
    r.beginning === "loop"
      ? [`for t in ${range(before)} { ${begin.join("\n")} }`, `for t in ${range(during)} {`, ...inside, "}"]
      : [`for t in ${range(whole)} {`, `if ${isFirst} { ${begin.join("\n")} } else {`, ...inside, "} }"];
  const observed = r.states.flatMap((s, i): string[] => {
    if (!s.observed) return [];
    const reads = s.width === 0 ? `s${i}${at("t")}` : s.terms.map((_, k) => `${k + 1} * s${i}${at("t", k, s.width)}`).join(" + ");
    return [`for t in 1..${length} { factor(lpdf(Normal(${reads}, 1), y[t])) }`];
  });
  const all = [...loops, ...observed];
  return [
    `data y: real[${length + first}], u: real[17], w: real[3], A: real[6, 6]`,
    "a: real[3] ~ Normal(0, 1)",
    ...(groups > 0 ? [`for g in 1..${groups} {`] : []),
    ...(copies > 0 ? [`for m in 1..${copies} {`] : []),
    ...all,
    ...around.map(() => "}"),
  ].join("\n");
}

// ---------------------------------------------------------------- meaning

interface World {
  readonly y: readonly number[];
  readonly u: readonly number[];
  readonly w: readonly number[];
  readonly A: readonly (readonly number[])[];
}

function densityOf(r: Recurrence, { y, u, w, A }: World, a: readonly number[]): number {
  const { first, steps, down, copies, groups } = r;
  const length = first + steps;
  let sum = total(a.map((v) => normal(v, 0, 1)));
  for (let turn = 0; turn < Math.max(copies, 1) * Math.max(groups, 1); turn++) {
    const [g, m] = [Math.floor(turn / Math.max(copies, 1)), turn % Math.max(copies, 1)];
    const scale = (copies > 0 ? u[m] : 1) * (groups > 0 ? w[g] : 1);
    const arrays = r.states.map((): number[][] => []);
    const element = (of: number, t: number, k: number): number => {
      const v = arrays[of][t]?.[k % Math.max(r.states[of].width, 1)];
      if (v === undefined) throw new Error(`s${of}[${t}] is not there`);
      return v;
    };
    const order = Array.from({ length }, (_, i) => (down ? length - i : i + 1));
    const term = (x: Term, t: number): number => {
      switch (x.kind) {
        case "constant":
          return x.value;
        case "latent":
          return a[x.which] * scale;
        case "data":
          return y[t - 1];
        case "read":
          return element(x.of, down ? t + x.lag : t - x.lag, x.element);
        case "window":
          return total(Array.from({ length: first }, (_, k) => element(x.of, down ? t + k + 1 : t - k - 1, x.element) * y[k]));
        case "history": {
          const earlier = order.slice(0, order.indexOf(t));
          const plain = !x.weighted && r.states[x.of].width === 0;
          return 0.1 * total(earlier.map((j) => element(x.of, j, x.element) * (plain ? 1 : y[Math.abs(t - j) - 1])));
        }
        case "apply":
          return functions[x.f].of(term(x.x, t));
        case "combine":
          return operations[x.op].of(term(x.x, t), term(x.y, t));
        case "choose":
          return t % x.modulus === 0 ? term(x.x, t) : term(x.y, t);
      }
    };
    const previous = (t: number): number => (down ? t + 1 : t - 1);
    const stepOf = (s: State, i: number, t: number): number[] => {
      const plain = (): number[] => s.terms.map((x) => 0.5 * (term(x, t) + 0.1));
      switch (s.form) {
        case "plain":
          return plain();
        case "bare":
          return s.terms.map((x) => term(x, t));
        case "root":
          return s.terms.map((_, k) => Math.sqrt(0.3 + 0.4 * element(i, previous(t), k) ** 2 + 0.1 * term(s.other, t) ** 2));
        case "parity":
          return t % 2 === 0 ? plain() : s.terms.map((_, k) => 0.1 * k + term(s.other, t));
        case "mixed": {
          // Where the turns have arrays of their own, these have the same elements.
          const own = r.subscripts === "none" ? 0 : (copies > 0 ? m + 1 : 0) + (groups > 0 ? g + 1 : 0);
          return (t + own) % 2 === 0 ? plain() : s.terms.map((_, k) => 0.1 * k + term(s.other, t));
        }
        case "matrix":
          if (s.width === 0) return [0.3 * element(i, previous(t), 0) + term(s.other, t)];
          return s.terms.map(
            (_, k) => 0.3 * total(s.terms.map((_, l) => A[k][l] * element(i, previous(t), l))) + term(s.other, t),
          );
        case "turned":
          return s.terms.map((_, k) => 0.3 * element(i, previous(t), Math.max(s.width, 1) - 1 - k) + term(s.other, t));
        case "constant":
          return s.terms.map((_, k) => 0.25 * (k + 1));
      }
    };
    for (const [n, t] of order.entries()) {
      for (const [i, s] of r.states.entries()) {
        arrays[i][t] = n < first ? s.terms.map((_, k) => 0.3 * a[0] + 0.1 * (k + 1) * t + 0.2 * scale) : stepOf(s, i, t);
      }
    }
    for (const [i, s] of r.states.entries()) {
      if (!s.observed) continue;
      for (let t = 1; t <= length; t++) {
        const mean = s.width === 0 ? arrays[i][t][0] : total(arrays[i][t].map((v, k) => (k + 1) * v));
        sum += normal(y[t - 1], mean, 1);
      }
    }
  }
  return sum;
}

// ---------------------------------------------------------------- arbitraries

const weight = fc.integer({ min: -9, max: 9 }).map((n) => n / 10);

/** A term of state `own` of `count`: earlier steps of all, this step of those before it. */
function termOf(own: number, count: number, first: number, depth: number): fc.Arbitrary<Term> {
  const element = fc.integer({ min: 0, max: 5 });
  const leaves: fc.Arbitrary<Term>[] = [
    fc.record({ kind: fc.constant("constant" as const), value: weight }),
    fc.record({ kind: fc.constant("latent" as const), which: fc.integer({ min: 0, max: 2 }) }),
    fc.constant({ kind: "data" as const }),
    fc.record({
      kind: fc.constant("read" as const),
      of: fc.integer({ min: 0, max: count - 1 }),
      lag: fc.integer({ min: 1, max: first }),
      element,
    }),
    fc.record({ kind: fc.constant("window" as const), of: fc.integer({ min: 0, max: count - 1 }), element }),
    fc.record({
      kind: fc.constant("history" as const),
      of: fc.integer({ min: 0, max: count - 1 }),
      element,
      weighted: fc.boolean(),
    }),
    ...(own > 0
      ? [
          fc.record({
            kind: fc.constant("read" as const),
            of: fc.integer({ min: 0, max: own - 1 }),
            lag: fc.constant(0),
            element,
          }),
        ]
      : []),
  ];
  const leaf = fc.oneof(leaves[0], leaves[1], leaves[2], { arbitrary: leaves[3], weight: 6 }, ...leaves.slice(4));
  if (depth === 0) return leaf;
  const inner = termOf(own, count, first, depth - 1);
  return fc.oneof(
    leaf,
    fc.record({
      kind: fc.constant("apply" as const),
      f: fc.constantFrom(...(Object.keys(functions) as (keyof typeof functions)[])),
      x: inner,
    }),
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("combine" as const),
        op: fc.constantFrom(...(Object.keys(operations) as (keyof typeof operations)[])),
        x: inner,
        y: inner,
      }),
    },
    fc.record({ kind: fc.constant("choose" as const), modulus: fc.integer({ min: 2, max: 3 }), x: inner, y: inner }),
  );
}

const recurrence: fc.Arbitrary<Recurrence> = fc
  .record({ count: fc.integer({ min: 1, max: 3 }), first: fc.integer({ min: 1, max: 5 }) })
  .chain(({ count, first }) =>
    fc.record({
      states: fc.tuple(
        ...Array.from({ length: count }, (_, own) =>
          fc.oneof({ arbitrary: fc.constant(0), weight: 2 }, fc.integer({ min: 1, max: 6 })).chain((width) =>
            fc.record({
              width: fc.constant(width),
              form: fc.constantFrom("plain", "plain", "bare", "root", "parity", "mixed", "matrix", "turned", "constant"),
              terms: fc.array(termOf(own, count, first, width > 2 ? 1 : 3), {
                minLength: Math.max(width, 1),
                maxLength: Math.max(width, 1),
              }),
              other: termOf(own, count, first, 1),
              observed: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
            }),
          ),
        ),
      ),
      first: fc.constant(first),
      steps: fc.oneof(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 3, max: 9 })),
      down: fc.boolean(),
      beginning: fc.constantFrom("loop", "loop", "branch"),
      copies: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 }), fc.constantFrom(9, 15, 16, 17)),
      groups: fc.oneof({ arbitrary: fc.constant(0), weight: 2 }, fc.integer({ min: 1, max: 3 })),
      subscripts: fc.constantFrom("front", "behind", "around", "between", "none"),
    }),
  ) as fc.Arbitrary<Recurrence>;

// ---------------------------------------------------------------- laws

const y = Array.from({ length: 30 }, (_, i) => Math.round(90 * Math.sin(1.7 * i + 0.3)) / 100);
const world: World = {
  y,
  u: Array.from({ length: 17 }, (_, i) => [0.8, -0.5, 1.3][i % 3] + 0.01 * i),
  w: [1, -0.7, 0.4],
  A: Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, (_, j) => Math.round(100 * Math.cos(i + 2.3 * j)) / 100)),
};
/** Densities are a few hundred operations on numbers of order 1. */
const ROUNDING = 1e-11;
/** Richardson's differences of the interpreter: truncation h⁴ f⁗ beside rounding 1e-12 |f| of f up to 1e4. */
const DIFFERENCES = 1e-7;

async function agrees(r: Recurrence): Promise<void> {
  const a = [0.37, -0.61, 0.22];
  const expected = densityOf(r, world, a);
  // Squares of squares: nothing to compare with.
  fc.pre(Math.abs(expected) < 1e4);
  const p = await bound(textOf(r), { ...world, y: y.slice(0, 2 * r.first + r.steps) });
  const near = (value: number): void => {
    expect(Math.abs(value - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
  };
  const g = new Float64Array(a.length);
  near(p.logDensity(Float64Array.from(a)));
  near(p.gradient(Float64Array.from(a), g));
  g.forEach((slope, i) => {
    const at = (d: number): number =>
      densityOf(
        r,
        world,
        a.map((x, k) => (k === i ? x + d : x)),
      );
    const difference = (h: number): number => (at(h) - at(-h)) / (2 * h);
    const [coarse, fine] = [difference(2e-4), difference(1e-4)];
    const best = (4 * fine - coarse) / 3;
    expect(Math.abs(slope - best)).toBeLessThan(DIFFERENCES * (1 + Math.abs(best)) + 0.01 * Math.abs(fine - coarse));
  });
}

test("densities and gradients of random recurrences", async () => {
  await fc.assert(
    fc.asyncProperty(
      recurrence.map((r) => ({ ...r, toString: () => textOf(r) })),
      agrees,
    ),
    { seed: 7, numRuns: 80 },
  );
}, 60_000);

// ---------------------------------------------------------------- what random ones do not reach

interface Case {
  readonly name: string;
  readonly text: string;
  readonly density: (a: number) => number;
}
const few = y.slice(0, 6);
const cases: readonly Case[] = [
  ...[2, 3, 4].map((width) => ({
    name: `${width} numbers from back to front, from step to step`,
    text: `let s[1] = [${["a", "2", "3 * a", "1"].slice(0, width)}]
      for t in 2..T { let s[t] = 0.5 * reverse(s[t-1]) + a * t }
      for t in 1..T { y[t] ~ Normal(s[t, 1] + 2 * s[t, ${width}], 1) }`,
    density: (a: number) => {
      const s = [[a, 2, 3 * a, 1].slice(0, width)];
      for (let t = 2; t <= 6; t++) s.push([...s[s.length - 1]].reverse().map((v) => 0.5 * v + a * t));
      return total(few.map((v, t) => normal(v, s[t][0] + 2 * s[t][width - 1], 1)));
    },
  })),
  {
    name: "parts of a row that this step has given, in another order",
    text: `let v[1] = [a, 2]
      let w[1] = [a, 3]
      for t in 2..T {
        let v[t] = [0.5 * w[t-1, 1], a]
        let w[t] = v[t, [2, 1]] + 0.1 * v[t, 2]
      }
      for t in 1..T { y[t] ~ Normal(w[t, 1] + w[t, 2], 1) }`,
    density: (a) => {
      const w = [[a, 3]];
      for (let t = 1; t < 6; t++) w.push([1.1 * a, 0.5 * w[t - 1][0] + 0.1 * a]);
      return total(few.map((v, t) => normal(v, w[t][0] + w[t][1], 1)));
    },
  },
  {
    name: "columns of a matrix that this step may have given",
    text: `for t in 1..T {
        if t == 1 { let m[t] = [[a, 1], [2, a]] } else { let m[t] = [m[t-1, , 2], 0.5 * m[t-1, 1]] }
      }
      for t in 1..T { y[t] ~ Normal(m[t, 1, 1] + m[t, 2, 2], 1) }`,
    density: (a) => {
      const m = [
        [
          [a, 1],
          [2, a],
        ],
      ];
      for (let t = 1; t < 6; t++) {
        const [[p, q], [, s]] = m[t - 1];
        m.push([
          [q, s],
          [0.5 * p, 0.5 * q],
        ]);
      }
      return total(few.map((v, t) => normal(v, m[t][0][0] + m[t][1][1], 1)));
    },
  },
  {
    name: "arrays that read one another, some of which steps do not give",
    text: `let u[1] = a
      let v[1] = 1
      for t in 2..T {
        if mod(t, 2) == 0 { let u[t] = 0.5 * v[t-1] + a }
        let v[t] = mod(t, 2) == 0 ? u[t]^2 : sin(u[t-1]) + v[t-1]
      }
      for t in 1..T { y[t] ~ Normal(v[t], 1) }`,
    density: (a) => {
      const [u, v] = [[a], [1]];
      for (let t = 1; t < 6; t++) {
        if (t % 2 === 1) u[t] = 0.5 * v[t - 1] + a;
        v.push(t % 2 === 1 ? u[t] ** 2 : Math.sin(u[t - 1]) + v[t - 1]);
      }
      return total(few.map((x, t) => normal(x, v[t], 1)));
    },
  },
  {
    name: "an array of earlier turns that stands further down, by way of a name",
    text: `let u[1] = a
      let v[1] = a
      for t in 2..T {
        let last = v[t-1]
        let u[t] = 2 * last
        let v[t] = a * t
      }
      for t in 1..T { y[t] ~ Normal(u[t], 1) }`,
    density: (a) => total(few.map((v, t) => normal(v, t === 0 ? a : 2 * a * t, 1))),
  },
  {
    name: "roots and logarithms of what steps do not give",
    text: `let s[1] = exp(a)
      for t in 2..T {
        if mod(t, 3) > 0 { let s[t] = sqrt(s[t - (mod(t, 3) == 1 ? 2 : 1)]) + log(s[t - (mod(t, 3) == 1 ? 2 : 1)]) + 1 }
      }
      for t in 1..T { if mod(t, 3) > 0 { y[t] ~ Normal(s[t], 1) } }`,
    density: (a) => {
      const s = [Math.exp(a)];
      for (const t of [2, 4, 5]) {
        const before = s[t === 4 ? 1 : t - 2];
        s[t - 1] = Math.sqrt(before) + Math.log(before) + 1;
      }
      return total([0, 1, 3, 4].map((t) => normal(few[t], s[t], 1)));
    },
  },
  {
    name: "an index that is summed out",
    text: `z ~ Categorical([0.3, 0.7])
      let x[1] = a
      let x[2] = 2 * a
      for t in 3..T { let x[t] = 0.5 * x[t-z] + a }
      for t in 1..T { y[t] ~ Normal(x[t], 1) }`,
    density: (a) => {
      const given = (z: number): number => {
        const x = [a, 2 * a];
        for (let t = 2; t < 6; t++) x.push(0.5 * x[t - z] + a);
        return total(few.map((v, t) => normal(v, x[t], 1)));
      };
      return Math.log(0.3 * Math.exp(given(1)) + 0.7 * Math.exp(given(2)));
    },
  },
  {
    name: "literal bounds without a turn",
    text: `for t in 2..1 by -1 { let h[t] = a }
      for t in 0..1 by -1 { let h[t] = 0.5 * h[t+1] }
      y[1] ~ Normal(h[1], 1)`,
    density: (a) => normal(few[0], a, 1),
  },
];

test.each(cases)("$name", async ({ text, density }) => {
  const p = await bound(`data y: real[T]\na ~ Normal(0, 1)\n${text}`, { y: few });
  const expected = density(0.37) + normal(0.37, 0, 1);
  expect(Math.abs(p.logDensity(Float64Array.of(0.37)) - expected)).toBeLessThan(ROUNDING * (1 + Math.abs(expected)));
  expect(gradientError(p, Float64Array.of(0.37))).toBeLessThan(1e-6);
});

test("what has no root is NaN for the steps behind it", async () => {
  const text = `data y: real[T]
    a ~ Normal(0, 1)
    let r[1] = exp(a)
    for t in 2..T { let r[t] = sqrt(y[t] + 0.5 * r[t-1]^2) }
    y[T] ~ Normal(a, r[T])`;
  expect((await bound(text, { y: [1, -5, 10, 1] })).logDensity(Float64Array.of(0.37))).toBeNaN();
  expect((await bound(text, { y: [1, 5, 10, 1] })).logDensity(Float64Array.of(0.37))).toBeLessThan(0);
});

test("an index that is summed out, and may name what is not there yet", async () => {
  const text = `data y: real[T]
    a ~ Normal(0, 1)
    z ~ Categorical([0.3, 0.7])
    let x[1] = a
    for t in 2..T { let x[t] = 0.5 * x[t-2+z] + a }
    y ~ Normal(x, 1)`;
  expect((await bound(text, { y: few })).logDensity(Float64Array.of(0.37))).toBeNaN();
});
