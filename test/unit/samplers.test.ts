// Samplers against the exact distributions: Kolmogorov-Smirnov for densities, chi-square for probabilities; false alarms 1e-5 a case.
import { describe, expect, test } from "vitest";
import { exp, lgamma, log, log1p, softplus } from "../../src/runtime/numeric/math.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Rng } from "../../src/runtime/numeric/rng.ts";
import * as samplers from "../../src/runtime/numeric/samplers.ts";
import { cdfOf, chiSquareScore, kolmogorovLimit, kolmogorovSmirnov, logChoose } from "./goodness-of-fit.ts";

const count = 20_000;
/** Rejection's finer faults show in histograms of many draws. */
const discreteCount = 100_000;
const limit = kolmogorovLimit(1e-5);
const score = 4.42;

/** `transform` spreads the values over a line on which `logDensity` (of the transformed value) is smooth between low and high. */
function fits(
  label: string,
  draw: (rng: Rng) => number,
  transform: (x: number) => number,
  logDensity: (t: number) => number,
  low: number,
  high: number,
): void {
  const cdf = cdfOf(logDensity, low, high);
  expect(cdf(high - (high - low) * 1e-9), `${label}: the density integrates to 1`).toBeCloseTo(1, 4);
  const rng = stream(31, label);
  const sample = Float64Array.from({ length: count }, () => transform(draw(rng)));
  expect(kolmogorovSmirnov(sample, cdf), label).toBeLessThan(limit);
}
function fitsDiscrete(
  label: string,
  draw: (rng: Rng) => number,
  logMass: (k: number) => number,
  low: number,
  high: number,
): void {
  const rng = stream(32, label);
  const counts = new Float64Array(high - low + 1);
  for (let i = 0; i < discreteCount; i++) {
    const k = draw(rng);
    if (!Number.isInteger(k)) throw new Error(`${label}: ${k}`);
    counts[Math.min(high, Math.max(low, k)) - low]++;
  }
  const expected = counts.map((_, i) => discreteCount * exp(logMass(low + i)));
  expect(expected.reduce((s, e) => s + e, 0) / discreteCount, `${label}: the masses sum to 1`).toBeCloseTo(1, 5);
  expect(Math.abs(chiSquareScore(counts, expected)), label).toBeLessThan(score);
}

describe("continuous samplers", () => {
  test("gamma: shapes from 0.001 to a million, in logarithms", () => {
    for (const shape of [0.001, 0.05, 0.5, 0.99, 1, 1.5, 8, 300, 1e6]) {
      const spread = 14 / Math.sqrt(shape);
      const top = log(shape + 40) + Math.min(spread, 6);
      fits(
        `log gamma ${shape}`,
        (r) => samplers.logGamma(r, shape),
        (t) => t,
        (t) => shape * t - exp(t) - lgamma(shape),
        log(shape) - Math.max(spread * spread * 0.16, spread),
        top,
      );
      if (shape >= 0.05)
        fits(
          `gamma ${shape}`,
          (r) => samplers.gamma(r, shape),
          log,
          (t) => shape * t - exp(t) - lgamma(shape),
          log(shape) - Math.max(spread * spread * 0.16, spread),
          top,
        );
    }
    const rng = stream(1, "tiny");
    for (let i = 0; i < 1000; i++) expect(samplers.gamma(rng, 1e-4)).toBeGreaterThan(0);
  });
  test("chi-square", () => {
    for (const nu of [1, 3, 40]) {
      fits(
        `chi-square ${nu}`,
        (r) => samplers.chiSquare(r, nu),
        log,
        (t) => (nu / 2) * (t - Math.LN2) - exp(t) / 2 - lgamma(nu / 2),
        -40 / nu - 10,
        6,
      );
    }
  });
  test("beta: logits, parameters small, large and unequal", () => {
    for (const [a, b] of [
      [0.1, 0.1],
      [0.5, 3],
      [1, 1],
      [2.5, 0.7],
      [40, 90],
      [1e4, 3],
    ]) {
      const constant = lgamma(a + b) - lgamma(a) - lgamma(b);
      const density = (t: number): number => constant - a * softplus(-t) - b * softplus(t);
      fits(
        `beta ${a} ${b}`,
        (r) => samplers.beta(r, a, b),
        (x) => log(x) - log1p(-x),
        density,
        -300,
        300,
      );
    }
    const rng = stream(1, "edges");
    for (let i = 0; i < 1000; i++) {
      const x = samplers.beta(rng, 1e-3, 1e-3);
      expect(x > 0 && x < 1).toBe(true);
    }
  });
  test("dirichlet: marginals are betas, sums are 1, tiny alphas are no trouble", () => {
    const alpha = [0.3, 2, 5];
    const out = new Float64Array(3);
    alpha.forEach((a, i) => {
      const b = 7.3 - a;
      const constant = lgamma(a + b) - lgamma(a) - lgamma(b);
      const draw = (r: Rng): number => {
        samplers.dirichlet(r, alpha, out);
        if (Math.abs(out[0] + out[1] + out[2] - 1) > 4 * Number.EPSILON) throw new Error(`not a simplex: ${out}`);
        return out[i];
      };
      fits(
        `dirichlet ${i}`,
        draw,
        (x) => log(x) - log1p(-x),
        (t) => constant - a * softplus(-t) - b * softplus(t),
        -150,
        60,
      );
    });
    const rng = stream(1, "sparse");
    const largest = new Float64Array(4);
    for (let i = 0; i < 4000; i++) {
      const x = new Float64Array(4);
      samplers.dirichlet(rng, [1e-5, 1e-5, 1e-5, 1e-5], x);
      expect(x.every((v) => v > 0)).toBe(true);
      largest[x.indexOf(Math.max(...x))]++;
    }
    expect(Math.abs(chiSquareScore(largest, new Float64Array(4).fill(1000)))).toBeLessThan(score);
  });
  test("inverse Gaussian", () => {
    for (const [mean, shape] of [
      [1, 1],
      [3, 0.02],
      [0.5, 40],
      [1e6, 1],
    ]) {
      const density = (t: number): number => {
        const d = exp(t) / mean - 1;
        return 0.5 * (log(shape) - log(2 * Math.PI) - t) - (shape * d * d) / (2 * exp(t));
      };
      fits(
        `inverse Gaussian ${mean} ${shape}`,
        (r) => samplers.inverseGaussian(r, mean, shape),
        log,
        density,
        log(shape) - 8,
        log(mean) + 20,
      );
    }
  });
  test("von Mises: from nearly uniform to nearly normal", () => {
    for (const concentration of [1e-20, 1e-5, 0.3, 2, 50, 1e8, 1e20, 1e40]) {
      const range = Math.min(Math.PI, 14 / Math.sqrt(concentration));
      // 1 - cos t = 2 sin^2(t / 2): the constant is integrated here, on the scaled line u = t / range
      const raw = (u: number): number => {
        const half = (u * range) / 2;
        const s = Math.abs(half) < 1e-3 ? half : Math.sqrt((1 - cosine(2 * half)) / 2);
        return -2 * concentration * s * s;
      };
      let total = 0;
      for (let i = 0; i <= 20000; i++) total += exp(raw(-1 + i / 10000)) / (i % 20000 === 0 ? 20000 : 10000);
      const draw = (r: Rng): number => samplers.vonMises(r, 0, concentration);
      fits(
        `von Mises ${concentration}`,
        draw,
        (t) => t / range,
        (u) => raw(u) - log(total),
        -1,
        1,
      );
    }
  });
});
const cosine = (x: number): number => {
  let [term, sum] = [1, 1];
  for (let k = 1; k < 40; k++) sum += term *= (-x * x) / (2 * k * (2 * k - 1));
  return sum;
};

describe("discrete samplers", () => {
  test("poisson: inversion and rejection", () => {
    for (const mean of [0.001, 0.7, 9.99, 10, 25.5, 400, 1e5]) {
      const spread = 8 * Math.sqrt(mean) + 12;
      const low = Math.max(0, Math.floor(mean - spread));
      fitsDiscrete(
        `poisson ${mean}`,
        (r) => samplers.poisson(r, mean),
        (k) => k * log(mean) - mean - lgamma(k + 1),
        low,
        Math.ceil(mean + spread),
      );
    }
    const rng = stream(1, "large");
    const huge = Float64Array.from({ length: count }, () => (samplers.poisson(rng, 1e14) - 1e14) / 1e7);
    expect(
      kolmogorovSmirnov(
        huge,
        cdfOf((t) => -0.5 * t * t - 0.5 * log(2 * Math.PI), -9, 9),
      ),
    ).toBeLessThan(limit);
    expect(samplers.poisson(rng, 0)).toBe(0);
    expect(samplers.poisson(rng, Infinity)).toBe(Number.NaN);
  });
  test("binomial: inversion and rejection, either side of one half", () => {
    for (const [n, p] of [
      [1, 0.3],
      [7, 0.5],
      [30, 0.1],
      [30, 0.95],
      [40, 0.4],
      [1000, 0.02],
      [1000, 0.6],
      [100000, 0.3],
      [1e6, 1e-5],
    ]) {
      const spread = 8 * Math.sqrt(n * p * (1 - p)) + 12;
      const low = Math.max(0, Math.floor(n * p - spread));
      const high = Math.min(n, Math.ceil(n * p + spread));
      fitsDiscrete(
        `binomial ${n} ${p}`,
        (r) => samplers.binomial(r, n, p),
        (k) => logChoose(n, k) + k * log(p) + (n - k) * log1p(-p),
        low,
        high,
      );
    }
    const rng = stream(1, "sure");
    expect([samplers.binomial(rng, 9, 0), samplers.binomial(rng, 9, 1), samplers.binomial(rng, 0, 0.5)]).toEqual([0, 9, 0]);
  });
  test("negative binomial", () => {
    for (const [shape, mean] of [
      [0.4, 3],
      [5, 20],
    ]) {
      const logMass = (k: number): number =>
        lgamma(k + shape) - lgamma(shape) - lgamma(k + 1) + shape * log(shape / (shape + mean)) + k * log(mean / (shape + mean));
      fitsDiscrete(`negative binomial ${shape} ${mean}`, (r) => samplers.negativeBinomial(r, shape, mean), logMass, 0, 300);
    }
  });
  test("hypergeometric", () => {
    for (const [a, b, n] of [
      [5, 7, 4],
      [50, 3, 20],
      [400, 300, 250],
      [3, 3, 6],
      [1, 9, 9],
    ]) {
      const logMass = (k: number): number => logChoose(a, k) + logChoose(b, n - k) - logChoose(a + b, n);
      const [low, high] = [Math.max(0, n - b), Math.min(a, n)];
      if (low === high) expect(samplers.hypergeometric(stream(1, "one"), a, b, n)).toBe(low);
      else fitsDiscrete(`hypergeometric ${a} ${b} ${n}`, (r) => samplers.hypergeometric(r, a, b, n), logMass, low, high);
    }
  });
  test("categorical and multinomial", () => {
    const weights = [0.5, 0, 3, 1.5, 0];
    fitsDiscrete(
      "categorical",
      (r) => samplers.categorical(r, weights),
      (k) => log(weights[k] / 5),
      0,
      4,
    );
    const out = new Float64Array(5);
    weights.forEach((w, i) => {
      const draw = (r: Rng): number => {
        samplers.multinomial(r, 50, weights, out);
        if (out.reduce((s, c) => s + c, 0) !== 50) throw new Error(`not 50 draws: ${out}`);
        return out[i];
      };
      const p = w / 5;
      if (p === 0) expect(draw(stream(1, "zero"))).toBe(0);
      else fitsDiscrete(`multinomial ${i}`, draw, (k) => logChoose(50, k) + k * log(p) + (50 - k) * log1p(-p), 0, 50);
    });
    // the covariance of two counts is -n p q; the standard error of its estimate from independent pairs is below n sqrt(2 p q)
    const rng = stream(1, "covariance");
    let product = 0;
    for (let i = 0; i < count; i++) {
      samplers.multinomial(rng, 50, weights, out);
      product += (out[2] - 30) * (out[3] - 15);
    }
    expect(Math.abs(product / count + 9)).toBeLessThan((score * 50 * Math.sqrt(2 * 0.6 * 0.3)) / Math.sqrt(count));
  });
});

test("parameters outside their domain give NaN, and an end", () => {
  const rng = stream(1, "outside");
  const none = Number.NaN;
  const out = new Float64Array(2);
  const all = (fill: (out: Float64Array) => void): number => {
    fill(out.fill(1));
    return out.every(Number.isNaN) ? none : 0;
  };
  const draws: readonly (readonly [string, () => number])[] = [
    ["gamma", () => samplers.gamma(rng, none)],
    ["gamma of a negative shape", () => samplers.gamma(rng, -0.5)],
    ["beta", () => samplers.beta(rng, none, 2)],
    ["inverse Gaussian", () => samplers.inverseGaussian(rng, none, 2)],
    ["von Mises", () => samplers.vonMises(rng, 0, none)],
    ["von Mises of a negative concentration", () => samplers.vonMises(rng, 0, -5)],
    ["Dirichlet", () => all((o) => samplers.dirichlet(rng, [none, 1], o))],
    ["Poisson", () => samplers.poisson(rng, none)],
    ["Poisson of a negative mean", () => samplers.poisson(rng, -4)],
    ["negative binomial", () => samplers.negativeBinomial(rng, none, 2)],
    ["binomial of no probability", () => samplers.binomial(rng, 100, none)],
    ["binomial of no number", () => samplers.binomial(rng, none, 0.4)],
    ["binomial of infinitely many", () => samplers.binomial(rng, Infinity, 0.4)],
    ["hypergeometric", () => samplers.hypergeometric(rng, none, 3, 2)],
    ["hypergeometric of more draws than there are", () => samplers.hypergeometric(rng, 3, 3, 9)],
    ["categorical", () => samplers.categorical(rng, [none, 1, 2])],
    ["categorical of nothing", () => samplers.categorical(rng, [0, 0])],
    ["multinomial", () => all((o) => samplers.multinomial(rng, 5, [none, 1], o))],
    ["multinomial of nothing", () => all((o) => samplers.multinomial(rng, 5, [0, 0], o))],
  ];
  for (const [name, draw] of draws) expect(draw(), name).toBeNaN();
  expect(samplers.binomial(rng, 9, 1 + Number.EPSILON)).toBe(9);
  expect(() => rng.below(0)).toThrow(/below 0/);
});
