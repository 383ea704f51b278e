// Distribution functions that iterate, and what is found by them, against tables made with mpmath (scripts/tails-table.py); quantiles against their own
// distribution functions. The error of a logarithm is stated in units of epsilon (|log F| + Σ |x ∂ log F/∂x|): what rounding the arguments alone would do.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { apply } from "../../src/dsl/distributions/applied.ts";
import { distributions } from "../../src/dsl/distributions/index.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { iterativeFunction } from "../../src/runtime/numeric/iterative.ts";
import { logNormalCdf } from "../../src/runtime/numeric/math.ts";
import type { IterativeFunction } from "../../src/runtime/wasm/vector-emitter.ts";

const EPSILON = 2 ** -52;
interface Table {
  /** z, α, log F */
  readonly skewNormal: readonly (readonly number[])[];
  /** from, to, κ, log P, its derivative by κ */
  readonly vonMises: readonly (readonly number[])[];
  /** x, r, α, β, log P(X <= x), log P(X > x) */
  readonly betaNegBinomial: readonly (readonly number[])[];
  /** a, b, z, log odds */
  readonly betaDraw: readonly (readonly number[])[];
}
const table: Table = JSON.parse(readFileSync(new URL("./tails-table.json", import.meta.url), "utf8"));
const at = (name: IterativeFunction, ...args: number[]): number => iterativeFunction(name)(...args);

/** A function of a distribution at numbers. */
function ask(
  name: string,
  params: Readonly<Record<string, number>>,
  what: "logDensity" | "logCdf" | "logCcdf" | "quantile" | "upperQuantile",
  x: number,
): number {
  const record = distributions.get(name);
  if (!record) throw new Error(`no ${name}`);
  const b = createBuilder();
  const d = apply(b, record, Object.fromEntries(Object.entries(params).map(([n, v]) => [n, b.constant(v)])));
  const f = d[what];
  if (!f) throw new Error(`${name} has no ${what}`);
  return interpret([f(b, b.constant(x))], {})[0][0];
}

interface Found {
  readonly found: number;
  readonly expected: number;
  readonly unit: number;
  readonly where: string;
}
function expectWithin(rows: readonly Found[], units: number): void {
  expect(rows.length).toBeGreaterThan(30);
  for (const { found, expected, unit, where } of rows)
    expect(Math.abs(found - expected) / unit, `${where}: ${found}, not ${expected}`).toBeLessThan(units);
}

describe("against mpmath", () => {
  test("the skew normal", () => {
    const rows = table.skewNormal.map(([z, alpha, log]) => {
      // The derivatives of log F by z and α are of logarithms: log 2 φ(z) Φ(α z) - log F, and log -∂F/∂α - log F.
      const byZ = Math.exp(Math.LN2 - 0.9189385332046728 - (z * z) / 2 + logNormalCdf(alpha * z) - log);
      const byAlpha = Math.exp((-z * z * (1 + alpha ** 2)) / 2 - log) / (Math.PI * (1 + alpha ** 2));
      const unit = EPSILON * (Math.abs(log) + Math.abs(z) * byZ + Math.abs(alpha) * byAlpha);
      return { found: at("logSkewNormalCdf", z, alpha), expected: log, unit, where: `F(${z}; ${alpha})` };
    });
    expectWithin(rows, 16);
    expect(Math.min(...table.skewNormal.map((row) => row[2]))).toBeLessThan(-1e5);
  });
  test("arcs of the von Mises, and their derivatives by the concentration", () => {
    const rows = table.vonMises.map(([from, to, kappa, log, slope]) => {
      const rate = (t: number): number => Math.exp(-2 * kappa * Math.sin(t / 2) ** 2 - log) / Math.sqrt(6 / (1 + kappa));
      const ends = Math.PI * (rate(from) + rate(to));
      const unit = EPSILON * (Math.abs(log) + ends + Math.abs(kappa * slope));
      return { found: at("logVonMisesArc", from, to, kappa), expected: log, unit, where: `${from} … ${to}, ${kappa}` };
    });
    expectWithin(rows, 16);
    const slopes = table.vonMises.map(([from, to, kappa, , slope]) => ({
      found: at("logVonMisesArcSlope", from, to, kappa),
      expected: slope,
      unit: Math.abs(slope),
      where: `slope at ${from} … ${to}, ${kappa}`,
    }));
    expectWithin(slopes, 1e-11);
  });
  test("draws of betas whose shapes differ much", () => {
    // The logarithm of Φ is rounded, and divided by the slope of log I, which is a at most.
    const rows = table.betaDraw.map(([a, b, z, s]) => ({
      found: at("betaLogitDraw", a, b, z),
      expected: s,
      unit: EPSILON * (Math.abs(s) + (1 + Math.abs(logNormalCdf(z))) / Math.min(a, 1)),
      where: `(${a}, ${b}) at ${z}`,
    }));
    expectWithin(rows, 32);
  });
  test("both tails of the beta-negative-binomial, far out too", () => {
    const rows = table.betaNegBinomial.flatMap(([x, r, alpha, beta, below, above]) => {
      // By the parameters log P moves like log x, which is at most log of its size; below the middle it is a product of as many ratios as there are terms.
      const terms = (x + 0.5) * alpha < r * beta ? x : 0;
      const unit = (log: number): number =>
        EPSILON * (Math.abs(log) + terms + (1 + alpha + r + beta) * Math.min(1, Math.exp(above - log)));
      const of = (what: "logCdf" | "logCcdf", log: number): Found => ({
        found: ask("BetaNegBinomial", { r, alpha, beta }, what, x),
        expected: log,
        unit: unit(log),
        where: `${what} at ${x} of (${r}, ${alpha}, ${beta})`,
      });
      return [of("logCdf", below), of("logCcdf", above)];
    });
    expectWithin(rows, 16);
  });
  test("probabilities of the beta-negative-binomial, of whichever size", () => {
    for (const [x, r, alpha, beta, expected] of [
      [1e12, 2.5, 0.5, 7.5, -40.61963518244744],
      [1e15, 0.25, 0.125, 3, -41.18210587090897],
      [3, 1e5, 1e6, 2e4, -1867.5796698756722],
      [0, 0.5, 1.5, 1e4, -4.484450444603133],
    ]) {
      const found = ask("BetaNegBinomial", { r, alpha, beta }, "logDensity", x);
      // Two logarithms of the size of log x or of r / α, a few times each.
      expect(Math.abs(found - expected), `${x}: ${found}`).toBeLessThan(64 * EPSILON * (1 + Math.abs(expected)));
    }
  });
  test("tails that would cancel", () => {
    // mpmath at 60 digits
    const cases: readonly (readonly [string, Readonly<Record<string, number>>, "logCdf" | "logCcdf", number, number])[] = [
      ["InverseGaussian", { mu: 1, lambda: 1e10 }, "logCdf", 0.99999, -1.84102164507858],
      ["InverseGaussian", { mu: 1, lambda: 1e10 }, "logCdf", 0.9, -55555565.6862214],
      ["InverseGaussian", { mu: 1, lambda: 1e4 }, "logCdf", 0.9, -58.78683121356653],
      ["SkewDoubleExponential", { mu: 0, sigma: 1, tau: 1e-12 }, "logCdf", 0.001, -27.62902311326588],
    ];
    for (const [name, params, what, x, expected] of cases) {
      // Where x is rounded, (x - μ)² λ moves by λ |x - μ| times that.
      const unit = EPSILON * (Math.abs(expected) + (params.lambda ?? 1) * Math.abs(x - (params.mu ?? 0)));
      expect(Math.abs(ask(name, params, what, x) - expected) / unit, name).toBeLessThan(8);
    }
  });
});

describe("quantiles", () => {
  test("of integers at extreme parameters", () => {
    // scipy 1.17 ppf and isf, where it is not itself at a loss
    expect(ask("Poisson", { lambda: 1e8 }, "quantile", 0.5)).toBe(100000000);
    expect(ask("Poisson", { lambda: 1e8 }, "upperQuantile", 1e-12)).toBe(100070353);
    expect(ask("Poisson", { lambda: 1e-9 }, "quantile", 0.999)).toBe(0);
    expect(ask("Binomial", { N: 1e9, theta: 1e-7 }, "quantile", 0.975)).toBe(120);
    expect(ask("Binomial", { N: 12, theta: 1 }, "quantile", 1e-9)).toBe(12);
    expect(ask("NegBinomial2", { mu: 1e6, phi: 0.01 }, "quantile", 0.97)).toBe(2766049);
    expect(ask("Geometric", { theta: 1e-12 }, "quantile", 0.5)).toBe(693147180559);
    expect(ask("DiscreteRange", { l: -3, u: 6 }, "quantile", 0.3)).toBe(-1);
    expect(ask("ZeroInflatedPoisson", { pi: 0.3, lambda: 4 }, "quantile", 0.3)).toBe(0);
    expect(ask("ZeroInflatedPoisson", { pi: 0.3, lambda: 4 }, "quantile", 0.35)).toBe(1);
    // A probability of the integer below it more than the last one.
    expect(ask("DiscreteRange", { l: -3, u: 6 }, "quantile", 0.30000000000001)).toBe(0);
  });
  test("at both ends, and beyond them", () => {
    for (const [name, params, most] of [
      ["Poisson", { lambda: 2.5 }, Number.POSITIVE_INFINITY],
      ["BetaBinomial", { N: 5, alpha: 2, beta: 3 }, 5],
      ["BetaNegBinomial", { r: 2, alpha: 2, beta: 3 }, Number.POSITIVE_INFINITY],
      ["InverseGaussian", { mu: 2, lambda: 3 }, Number.POSITIVE_INFINITY],
      ["VonMises", { mu: 0, kappa: 3 }, Math.PI],
    ] as const) {
      expect(ask(name, params, "quantile", 1)).toBe(most);
      expect(ask(name, params, "upperQuantile", 0)).toBe(most);
      for (const p of [-0.25, 1.25, Number.NaN]) expect(ask(name, params, "quantile", p), `${name} at ${p}`).toBeNaN();
    }
  });
  test("of logarithms of probabilities invert the tails", () => {
    for (const alpha of [-1e4, -40, -3, -0.3, 0, 0.1, 1, 5, 60, 1e4])
      for (const l of [-0.7, -1, -3, -30, -600, -5000]) {
        const z = at("skewNormalQuantile", alpha, l);
        const slope = Math.abs(z) * (1 + alpha ** 2) + 1;
        const back = at("logSkewNormalCdf", z, alpha);
        expect(Math.abs(back - l) / (EPSILON * (1 + Math.abs(l) + Math.abs(z) * slope)), `${alpha}, ${l}: ${z}`).toBeLessThan(8);
      }
    for (const kappa of [0, 0.5, 18.9, 60, 1e3, 1e6])
      for (const l of [-0.7, -1, -5, -20]) {
        const t = at("vonMisesQuantile", kappa, l);
        // t is rounded at π: log P moves by the spacing of doubles there over what is left.
        const unit = EPSILON * (1 + Math.abs(l) + Math.PI * (Math.exp(-l) + kappa * Math.abs(Math.sin(t))));
        expect(Math.abs(at("logVonMisesArc", -Math.PI, t, kappa) - l) / unit, `${kappa}, ${l}: ${t}`).toBeLessThan(8);
      }
    for (const lambda of [1e-3, 0.3, 50, 1e4])
      for (const p of [1e-200, 1e-6, 0.3, 0.5]) {
        for (const [quantile, tail] of [
          ["quantile", "logCdf"],
          ["upperQuantile", "logCcdf"],
        ] as const) {
          const x = ask("InverseGaussian", { mu: 1, lambda }, quantile, p);
          const slope = lambda * Math.abs(x - 1 / x) + 1;
          // The upper tail is a difference, of numbers that are x times as large where x is large.
          const unit = EPSILON * (1 + Math.abs(Math.log(p)) + slope + x);
          const back = ask("InverseGaussian", { mu: 1, lambda }, tail, x);
          expect(Math.abs(back - Math.log(p)) / unit, `${quantile}(${p}), ${lambda}: ${x}`).toBeLessThan(16);
        }
      }
  });
  test("of angles about any direction lie between -π and π and invert the distribution function", () => {
    for (const mu of [-9, -2.5, 0, 0.4, 3.1, 50])
      for (const kappa of [0.2, 3, 80]) {
        expect(ask("VonMises", { mu, kappa }, "logCdf", Math.PI)).toBeCloseTo(0, 12);
        for (const p of [0.001, 0.3, 0.5, 0.9]) {
          const x = ask("VonMises", { mu, kappa }, "quantile", p);
          expect(Math.abs(x)).toBeLessThanOrEqual(Math.PI);
          expect(ask("VonMises", { mu, kappa }, "logCdf", x)).toBeCloseTo(Math.log(p), 9);
          expect(ask("VonMises", { mu, kappa }, "logCcdf", ask("VonMises", { mu, kappa }, "upperQuantile", p))).toBeCloseTo(
            Math.log(p),
            9,
          );
        }
      }
  });
});

test("draws of gammas of small shapes far out", () => {
  // mpmath: log of x with Q(0.1, x) = Φ(-20)
  expect(at("logGammaDraw", 0.1, 20)).toBeCloseTo(5.282723683943447, 12);
});

test("sums that take too long are not known", () => {
  expect(at("betaNegBinomialBelow", 1e12, 2, 3, 1e13)).toBeNaN();
});
