// Modified Bessel functions and first passages of a Brownian motion: errors against a table made with mpmath (scripts/bessel-table.py), and
// special values.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { iterativeFunction } from "../../src/runtime/numeric/iterative.ts";
import { log } from "../../src/runtime/numeric/math.ts";
import type { IterativeFunction } from "../../src/runtime/wasm/vector-emitter.ts";

const EPSILON = 2 ** -52;
interface Table {
  /** v, x, h, ∂h/∂v, I_{v+1}(x) / (x I_v(x)) */
  readonly bessel: readonly (readonly number[])[];
  /** u, w, log f, and the derivatives of f by w over f */
  readonly passage: readonly (readonly number[])[];
}
const table: Table = JSON.parse(readFileSync(new URL("./bessel-table.json", import.meta.url), "utf8"));
const at = (name: IterativeFunction, ...args: number[]): number => iterativeFunction(name)(...args);

interface Row {
  readonly args: readonly number[];
  readonly expected: number;
  /** What one rounding of it, of its arguments and of what it is the sum of is worth. */
  readonly unit: number;
}
const rows: Partial<Record<IterativeFunction, readonly Row[]>> = {
  logBesselI: table.bessel.map(([v, x, h, slope, q]) => ({
    args: [v, x],
    expected: h,
    unit: 1 + Math.abs(h) + Math.abs(v * slope) + x * Math.abs(x * q - 1),
  })),
  logBesselISlope: table.bessel.map(([v, x, , slope]) => ({ args: [v, x], expected: slope, unit: 1 + Math.abs(slope) })),
  besselIQuotient: table.bessel.map(([v, x, , , q]) => ({ args: [v, x], expected: q, unit: q })),
  logFirstPassage: table.passage.map(([u, w, l, d1, d2]) => ({
    args: [u, w],
    expected: l,
    unit: 1 + Math.abs(l) + w * Math.abs(d1) + (u * Math.abs(d2)) / 2,
  })),
};
// Derivatives of f by w are sums of terms (jπ)^k times the first, and vanish at the ends or in between: what counts is the scale of their terms,
// 1/u or π² for a second derivative, against the least of w and 1 - w that f itself is small by.
([1, 2, 3, 4] as const).forEach((k) => {
  rows[`firstPassage${k}`] = table.passage.map(([u, w, , ...d]) => ({
    args: [u, w],
    expected: d[k - 1],
    unit: Math.abs(d[k - 1]) + (Math.PI ** k + (1 / Math.min(u, 1)) ** (k / 2) + (w / u) ** k) / Math.min(w, 1 - w),
  }));
});

test.each(Object.keys(rows) as IterativeFunction[])("%s against mpmath, within 8 units", (name) => {
  const all = rows[name] ?? [];
  expect(all.length).toBeGreaterThan(100);
  for (const { args, expected, unit } of all)
    expect(
      Math.abs(at(name, ...args) - expected) / (EPSILON * unit),
      `(${args}): ${at(name, ...args)}, not ${expected}`,
    ).toBeLessThan(8);
});

test("half a step of the order is elementary", () => {
  for (const x of [0.01, 3, 39, 45, 700]) {
    // I_{-1/2} = √(2/πx) cosh x: Γ(½) (x/2)^½ e^-x I = (1 + e^-2x) / 2
    expect(at("logBesselI", -0.5, x)).toBeCloseTo(log((1 + Math.exp(-2 * x)) / 2), 13);
    expect(at("besselIQuotient", -0.5, x) * x).toBeCloseTo(Math.tanh(x), 14);
  }
});

test("a passage to either end has mass 1, and that to 0 has 1 - w", () => {
  // Exponential steps of u, the trapezoidal rule.
  for (const w of [0.05, 0.4, 0.83]) {
    let [lower, upper] = [0, 0];
    for (let s = -14; s < 4; s += 1 / 64) {
      const u = Math.exp(s);
      lower += (u * Math.exp(at("logFirstPassage", u, w))) / 64;
      upper += (u * Math.exp(at("logFirstPassage", u, 1 - w))) / 64;
    }
    expect(lower).toBeCloseTo(1 - w, 12);
    expect(upper).toBeCloseTo(w, 12);
  }
});

test("special values", () => {
  const { NaN: none, POSITIVE_INFINITY: inf } = Number;
  const cases: readonly (readonly [IterativeFunction, readonly number[], number])[] = [
    ["logBesselI", [2.5, 0], 0],
    ["logBesselI", [2.5, inf], -inf],
    ["logBesselI", [-1, 1], none],
    ["logBesselI", [2, -1], none],
    ["logBesselI", [none, 1], none],
    ["logBesselI", [1, none], none],
    ["besselIQuotient", [1.5, 0], 0.2],
    ["besselIQuotient", [1.5, inf], 0],
    ["logBesselISlope", [1.5, 0], -0],
    ["logFirstPassage", [0, 0.4], -inf],
    ["logFirstPassage", [-1, 0.4], -inf],
    ["logFirstPassage", [inf, 0.4], -inf],
    ["logFirstPassage", [0.3, 0], -inf],
    ["logFirstPassage", [0.3, 1], -inf],
    ["logFirstPassage", [0.3, 1.1], none],
    ["logFirstPassage", [none, 0.4], none],
    ["logFirstPassage", [0.3, none], none],
    ["firstPassage1", [0.3, 1], none],
    ["firstPassage2", [-0.3, 0.4], none],
  ];
  for (const [name, args, expected] of cases) expect(at(name, ...args), `${name}(${args})`).toBe(expected);
  // Far beyond what any model asks for: 0F1 is 1 for large orders.
  expect(at("logBesselI", 1e12, 1e3)).toBeCloseTo(-1e3, 6);
  expect(at("logBesselI", 0, 1e100) / (-0.5 * log(2 * Math.PI) - 50 * log(10))).toBeCloseTo(1, 14);
});
