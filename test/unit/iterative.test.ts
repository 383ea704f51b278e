// The incomplete gamma and beta functions, their derivatives and inverses: errors against tables made with mpmath (scripts/iterative-table.py),
// and special values. The error of a value is stated in units of epsilon (|f| + Σ |x ∂f/∂x|): what rounding the arguments alone would do.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { iterativeFunction } from "../../src/runtime/numeric/iterative.ts";
import { lgamma, logNormalCdf } from "../../src/runtime/numeric/math.ts";
import type { IterativeFunction } from "../../src/runtime/wasm/vector-emitter.ts";

const EPSILON = 2 ** -52;
interface Table {
  /** a, x, log P, log Q, d log P/da, d² log P/da², d log Q/da, d² log Q/da² */
  readonly gamma: readonly (readonly number[])[];
  /** a, b, odds, log I, d/da, d/db, d²/da², d²/da db, d²/db² */
  readonly beta: readonly (readonly number[])[];
}
const table: Table = JSON.parse(readFileSync(new URL("./iterative-table.json", import.meta.url), "utf8"));
const at = (name: IterativeFunction, ...args: number[]): number => iterativeFunction(name)(...args);
/** The tables are right to 1e-30, absolutely: what is much smaller, the log of a probability that is nearly 1, is not held against them. */
const isKnown = (f: number): boolean => Math.abs(f) > 1e-20;

interface Found {
  readonly args: readonly number[];
  readonly found: number;
  readonly expected: number;
  /** In which the error is counted. */
  readonly unit: number;
}
/** Values, in the units of the head of this file; derivatives relatively. */
const values: Readonly<Record<string, readonly Found[]>> = {
  logGammaP: table.gamma.map(([a, x, p, , dp]) => {
    const unit = EPSILON * (Math.abs(p) + Math.exp(at("gammaKernel", a, x) - p) + Math.abs(a * dp));
    return { args: [a, x], found: at("logGammaP", a, x), expected: p, unit };
  }),
  logGammaQ: table.gamma.map(([a, x, , q, , , dq]) => {
    const unit = EPSILON * (Math.abs(q) + Math.exp(at("gammaKernel", a, x) - q) + Math.abs(a * dq));
    return { args: [a, x], found: at("logGammaQ", a, x), expected: q, unit };
  }),
  logBetaI: table.beta.map(([a, b, r, i, da, db]) => {
    const unit = EPSILON * (Math.abs(i) + Math.exp(at("betaKernel", a, b, r) - i) + Math.abs(a * da) + Math.abs(b * db));
    return { args: [a, b, r], found: at("logBetaI", a, b, r), expected: i, unit };
  }),
};
const relative = (args: readonly number[], found: number, expected: number): Found => ({
  args,
  found,
  expected,
  unit: Math.abs(expected),
});
const column = (name: IterativeFunction, k: number): readonly Found[] =>
  name.startsWith("logGamma")
    ? table.gamma.map(([a, x, ...rest]) => relative([a, x], at(name, a, x), rest[k]))
    : table.beta.map(([a, b, r, ...rest]) => relative([a, b, r], at(name, a, b, r), rest[k]));
const derivatives: Partial<Record<IterativeFunction, readonly Found[]>> = {
  logGammaPSlope: column("logGammaPSlope", 2),
  logGammaPBend: column("logGammaPBend", 3),
  logGammaQSlope: column("logGammaQSlope", 4),
  logGammaQBend: column("logGammaQBend", 5),
  logBetaISlopeA: column("logBetaISlopeA", 1),
  logBetaISlopeB: column("logBetaISlopeB", 2),
  logBetaIBendAA: column("logBetaIBendAA", 3),
  logBetaIBendAB: column("logBetaIBendAB", 4),
  logBetaIBendBB: column("logBetaIBendBB", 5),
};

function worstOf(rows: readonly Found[]): { readonly error: number; readonly where: string } {
  let [error, where] = [0, ""];
  for (const { args, found, expected, unit } of rows) {
    if (!isKnown(expected)) continue;
    const own = Math.abs(found - expected) / unit;
    if (!(own <= error)) [error, where] = [own, `(${args}): ${found}, not ${expected}`];
  }
  return { error, where };
}

describe("against mpmath", () => {
  test("the tables reach from 1e-3 to 1e6 and down to e^-690", () => {
    for (const rows of [table.gamma, table.beta]) {
      expect(Math.min(...rows.map(([a]) => a))).toBe(1e-3);
      expect(Math.max(...rows.map(([a]) => a))).toBe(1e6);
      expect(rows.filter((row) => row[3] < -690).length).toBeGreaterThan(5);
      expect(rows.length).toBeGreaterThan(200);
    }
  });
  test.each(Object.keys(values))("%s is within 8 units", (name) => {
    const { error, where } = worstOf(values[name]);
    expect(error, where).toBeLessThan(8);
  });
  test.each(Object.keys(derivatives) as IterativeFunction[])("%s", (name) => {
    const { error, where } = worstOf(derivatives[name] ?? []);
    expect(error, where).toBeLessThan(DERIVATIVES[name] ?? 0);
  });
});
/** Relative errors, found: 3e-14, 4e-11, 6e-15, 6e-15, 2e-13, 2e-13, 9e-8, 3e-13, 2e-7. The large ones are where the derivative itself is a
 *  difference of numbers that much larger. */
const DERIVATIVES: Partial<Record<IterativeFunction, number>> = {
  logGammaPSlope: 1e-12,
  logGammaPBend: 1e-10,
  logGammaQSlope: 1e-13,
  logGammaQBend: 1e-13,
  logBetaISlopeA: 1e-12,
  logBetaISlopeB: 1e-12,
  logBetaIBendAA: 1e-6,
  logBetaIBendAB: 1e-12,
  logBetaIBendBB: 1e-6,
};

describe("quantiles", () => {
  // x moves by its rounding, log F by what it is worth, times the slope of log x by log F.
  const within = (found: number, x: number, log: number, slope: number, where: string): void => {
    const unit = EPSILON * (1 + (1 + Math.abs(log)) / slope);
    expect(Math.abs(found / x - 1) / unit, `${where}: ${found}, not ${x}`).toBeLessThan(8);
  };
  test("invert the tables", () => {
    for (const [a, x, p, q] of table.gamma) {
      const kernel = at("gammaKernel", a, x);
      if (p > -690 && p < -1e-3) within(at("gammaQuantile", a, Math.exp(p)), x, p, Math.exp(kernel - p), `P(${a}, x) = e^${p}`);
      if (q > -690 && q < -1e-3)
        within(at("gammaUpperQuantile", a, Math.exp(q)), x, q, Math.exp(kernel - q), `Q(${a}, x) = e^${q}`);
    }
    for (const [a, b, r, i] of table.beta)
      if (i > -690 && i < -1e-3)
        within(at("betaQuantile", a, b, Math.exp(i)), r, i, Math.exp(at("betaKernel", a, b, r) - i), `I(${a}, ${b}) = e^${i}`);
  });
  test("draws of normals have the normal's probabilities", () => {
    for (const z of [-8.5, -2.1, -0.3, 0, 0.4, 1.9, 8.2])
      for (const a of [1e-3, 0.4, 1, 6.5, 300, 1e6]) {
        const s = at("logGammaDraw", a, z);
        const [tail, side] = z <= 0 ? ([1, "logGammaP"] as const) : ([-1, "logGammaQ"] as const);
        if (s > -700) expect(at(side, a, Math.exp(s)) / logNormalCdf(tail * z)).toBeCloseTo(1, 9);
        // P = x^a / Γ(a + 1) below the doubles
        else expect((a * s - lgamma(a + 1)) / logNormalCdf(z)).toBeCloseTo(1, 12);
        for (const b of [1e-3, 0.7, 20, 1e5]) {
          const t = at("betaLogitDraw", a, b, z);
          if (Math.abs(t) > 700) continue;
          const found = z <= 0 ? at("logBetaI", a, b, Math.exp(t)) : at("logBetaI", b, a, Math.exp(-t));
          expect(found / logNormalCdf(tail * z), `${a}, ${b}, ${z}`).toBeCloseTo(1, 9);
        }
      }
  });
});

test("special values", () => {
  const { NaN: none, POSITIVE_INFINITY: inf } = Number;
  const cases: readonly (readonly [IterativeFunction, readonly number[], number])[] = [
    ["logGammaP", [2.5, 0], -inf],
    ["logGammaQ", [2.5, 0], 0],
    ["logGammaP", [2.5, inf], 0],
    ["logGammaQ", [2.5, inf], -inf],
    ["logGammaP", [0, 1], none],
    ["logGammaP", [-1, 1], none],
    ["logGammaQ", [1.5, -1], none],
    ["logGammaQ", [none, 1], none],
    ["logGammaQ", [1, none], none],
    ["gammaKernel", [2, 0], -inf],
    ["gammaQuantile", [2, 0], 0],
    ["gammaQuantile", [2, 1], inf],
    ["gammaUpperQuantile", [2, 0], inf],
    ["gammaUpperQuantile", [2, 1], 0],
    ["gammaQuantile", [2, 1.5], none],
    ["gammaQuantile", [1e-3, 1e-10], 0],
    ["logBetaI", [2, 3, 0], -inf],
    ["logBetaI", [2, 3, inf], 0],
    ["logBetaI", [2, -3, 1], none],
    ["logBetaI", [2, 3, none], none],
    ["betaKernel", [2, 3, inf], -inf],
    ["betaQuantile", [2, 3, 0], 0],
    ["betaQuantile", [2, 3, 1], inf],
    ["logGammaDraw", [2, inf], inf],
    ["logGammaDraw", [2, -inf], -inf],
    ["logGammaDraw", [2, none], none],
    ["betaLogitDraw", [2, 3, -inf], -inf],
    ["betaLogitDraw", [2, 0, 1], none],
  ];
  for (const [name, args, expected] of cases) expect(at(name, ...args), `${name}(${args})`).toBe(expected);
});
