// R-hat, effective sample sizes and Monte Carlo errors against ArviZ, on chains that are easy and on chains that are not.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { autocovariance } from "../../src/inference/diagnostics/autocovariance.ts";
import { betaQuantile } from "../../src/inference/diagnostics/beta-quantile.ts";
import { DrawnScalar, meanOf, squaresAround } from "../../src/inference/diagnostics/column.ts";
import { ebfmi } from "../../src/inference/diagnostics/energy.ts";
import { essBulk, essMean, essOf, essQuantile, essSd, essTail } from "../../src/inference/diagnostics/ess.ts";
import { indicatorAutocovariance } from "../../src/inference/diagnostics/indicator.ts";
import { mcseMean, mcseQuantile, mcseSd } from "../../src/inference/diagnostics/mcse.ts";
import { sortedOrder } from "../../src/inference/diagnostics/order.ts";
import { quantile } from "../../src/inference/diagnostics/quantile.ts";
import { rhat, rhatBulk, rhatFolded } from "../../src/inference/diagnostics/rhat.ts";
import { summarizeScalar } from "../../src/inference/report/summary.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

interface GoldenRow {
  readonly name: string;
  readonly chains: number;
  readonly draws: number;
  readonly values: readonly (number | string)[];
  readonly statistics: Readonly<Record<string, number | string | readonly (number | string)[]>>;
}
const golden: { readonly rows: readonly GoldenRow[] } = JSON.parse(
  readFileSync(new URL("./diagnostics-golden.json", import.meta.url), "utf8"),
);
const number = (value: unknown): number =>
  typeof value === "number"
    ? value
    : value === "inf"
      ? Number.POSITIVE_INFINITY
      : value === "-inf"
        ? Number.NEGATIVE_INFINITY
        : Number.NaN;

/** ArviZ's autocovariances come by FFT: rounding of a few ulp of the largest one, times the condition of what is made of it. */
const TOLERANCE = 1e-10;
function expectClose(actual: number, wanted: number, name: string, tolerance = TOLERANCE): void {
  if (Number.isNaN(wanted) || !Number.isFinite(wanted)) expect(actual, name).toBe(wanted);
  else
    expect(Math.abs(actual - wanted), `${name}: ${actual} for ${wanted}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(wanted)),
    );
}

describe("golden values", () => {
  for (const row of golden.rows) {
    test(row.name, () => {
      const x = new DrawnScalar(row.chains, row.draws, Float64Array.from(row.values, number));
      const computed: Record<string, () => number> = {
        rhat: () => rhat(x),
        rhat_bulk: () => rhatBulk(x),
        rhat_folded: () => rhatFolded(x),
        ess_bulk: () => essBulk(x),
        ess_tail: () => essTail(x),
        ess_mean: () => essMean(x),
        ess_sd: () => essSd(x),
        ess_q25: () => essQuantile(x, 0.25),
        mcse_mean: () => mcseMean(x),
        mcse_sd: () => mcseSd(x),
        mcse_q05: () => mcseQuantile(x, 0.05),
        mcse_q50: () => mcseQuantile(x, 0.5),
        mcse_q95: () => mcseQuantile(x, 0.95),
      };
      for (const [name, wanted] of Object.entries(row.statistics)) {
        if (Array.isArray(wanted)) {
          wanted.forEach((value, c) => {
            expectClose(ebfmi(x.values.subarray(c * row.draws, (c + 1) * row.draws)), number(value), `bfmi of chain ${c + 1}`);
          });
        } else expectClose(computed[name](), number(wanted), name);
      }
      // The summary shares work between the statistics, and must agree with each alone.
      if (row.name === "infinite") return;
      const all = summarizeScalar("x", x);
      expect([all.rhat, all.essBulk, all.essTail, all.mcseMean, all.mcseSd]).toEqual([
        rhat(x),
        essBulk(x),
        essTail(x),
        mcseMean(x),
        mcseSd(x),
      ]);
    });
  }
});

function ar1(seed: number, chains: number, draws: number, rho: number): DrawnScalar {
  const rng = stream(seed, "ar1");
  const values = new Float64Array(chains * draws);
  for (let c = 0; c < chains; c++) {
    let x = rng.normal();
    for (let t = 0; t < draws; t++) {
      values[c * draws + t] = x;
      x = rho * x + Math.sqrt(1 - rho * rho) * rng.normal();
    }
  }
  return new DrawnScalar(chains, draws, values);
}

test("the Fourier transform gives the autocovariances that sums give", () => {
  const draws = 300;
  const x = ar1(3, 3, draws, 0.7);
  const means = Float64Array.from([0, 1, 2], (c) => meanOf(x.values, c * draws, (c + 1) * draws));
  const covariance = autocovariance(x, means);
  // Lags from 128 come from the transform; the rounding of a sum of n products is n ulp at most.
  for (const lag of [0, 1, 2, 3, 4, 50, 126, 127, 128, 129, 200, 298, 299]) {
    let sum = 0;
    for (let c = 0; c < 3; c++) {
      const mean = means[c];
      for (let t = 0; t + lag < draws; t++) sum += (x.values[c * draws + t] - mean) * (x.values[c * draws + t + lag] - mean);
    }
    expect(Math.abs(covariance.at(lag) - sum / (3 * draws))).toBeLessThan(draws * 2.3e-16 * covariance.at(0));
  }
});

test("indicators have the autocovariances of their values", () => {
  const rng = stream(4, "bits");
  for (const share of [0.05, 0.5, 0.95]) {
    const bits = Uint8Array.from({ length: 240 }, () => (rng.uniform() < share ? 1 : 0));
    const ones = Int32Array.from([...bits.keys()].filter((i) => bits[i] === 1).reverse());
    const { means, covariance: counted } = indicatorAutocovariance(ones, 3, 80);
    const plain = autocovariance({ chains: 3, draws: 80, values: Float64Array.from(bits) }, means);
    for (let lag = 0; lag < 80; lag++) expect(Math.abs(plain.at(lag) - counted.at(lag))).toBeLessThan(80 * 2.3e-16);
  }
});

test("the effective sample size of an autoregression is what its correlation leaves", () => {
  for (const rho of [0.5, 0.9, -0.5]) {
    const x = ar1(5, 4, 10_000, rho);
    const wanted = (x.values.length * (1 - rho)) / (1 + rho);
    // The estimate of τ from N draws has a relative error of about sqrt(2 (2 M + 1) / N), M the window of some 6 times τ (Sokal 1997).
    const window = 6 * Math.max(1, (1 + rho) / (1 - rho));
    expect(Math.abs(essMean(x) / wanted - 1)).toBeLessThan(4 * Math.sqrt((2 * (2 * window + 1)) / x.values.length));
  }
});

test("sorting agrees with the comparison sort, whatever the values", () => {
  const rng = stream(6, "order");
  const cases: readonly ((i: number) => number)[] = [
    () => rng.normal(),
    () => 1 / rng.normal(),
    () => rng.below(5),
    () => 1e9 + 1e-3 * rng.normal(),
    () => (rng.uniform() < 0.01 ? 1e300 : 1e-300 * rng.normal()),
    () => (rng.uniform() < 0.1 ? Number.NEGATIVE_INFINITY : rng.normal()),
    () => (rng.uniform() < 0.5 ? -0 : 0),
    () => 7,
    (i) => -i,
  ];
  for (const make of cases) {
    const values = Float64Array.from({ length: 2000 }, (_, i) => make(i));
    const wanted = Array.from(values.keys()).sort((a, b) => (values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : a - b));
    expect(Array.from(sortedOrder(values))).toEqual(wanted);
  }
});

test("quantiles interpolate between order statistics", () => {
  const x = new DrawnScalar(1, 5, Float64Array.of(5, 1, 4, 2, 3));
  for (const [p, wanted] of [
    [0, 1],
    [0.05, 1.2],
    [0.5, 3],
    [0.95, 4.8],
    [1, 5],
  ])
    expect(Math.abs(quantile(x, p) - wanted)).toBeLessThan(1e-15 * wanted);
});

test("the Beta quantile inverts known distribution functions", () => {
  // Beta(1, b): 1 - (1 - x)^b; Beta(2, 2): 3x² - 2x³; Beta(a, a) has median 1/2.
  expect(Math.abs(betaQuantile(0.36, 1, 2) - 0.2)).toBeLessThan(1e-13);
  expect(Math.abs(betaQuantile(0.104, 2, 2) - 0.2)).toBeLessThan(1e-13);
  expect(Math.abs(betaQuantile(0.5, 400, 400) - 0.5)).toBeLessThan(1e-13);
});

test("E-BFMI is the share of the energy's variance that one step covers", () => {
  // For independent energies E(ΔE²) is twice the variance.
  const rng = stream(7, "energy");
  const energy = Float64Array.from({ length: 20_000 }, () => rng.normal());
  expect(Math.abs(ebfmi(energy) - 2)).toBeLessThan(4 * Math.sqrt(4 / 20_000));
});

test("a column of 4 x 1000 takes no time to speak of", () => {
  const columns = Array.from({ length: 100 }, (_, i) => ar1(100 + i, 4, 1000, 0.3));
  for (const x of columns.slice(0, 20)) summarizeScalar("warm", new DrawnScalar(4, 1000, x.values.slice()));
  // Of this process, whatever else the machine does.
  const began = process.cpuUsage();
  for (const x of columns) summarizeScalar("x", x);
  const milliseconds = process.cpuUsage(began).user / 1000;
  console.log(`${((1000 * milliseconds) / columns.length).toFixed(0)} µs a column of 4 x 1000`);
  // The aim is 200 µs; a slow machine takes many times that, a quadratic sort or all lags by sums far more.
  expect(milliseconds / columns.length).toBeLessThan(5);
});

test("draws that are infinite end, and have what can be had", () => {
  const infinity = Number.POSITIVE_INFINITY;
  const rng = stream(11, "infinite");
  const normal = Float64Array.from({ length: 400 }, () => rng.normal());
  const of = (f: (x: number) => number) => summarizeScalar("x", new DrawnScalar(4, 100, normal.map(f)));
  // Few of them: ranks and distances from the median are as good as any.
  const tail = of((x) => (x > 2 ? infinity : x));
  expect([tail.mean, tail.rhat < 1.1, tail.essBulk > 100, tail.essTail > 100]).toEqual([infinity, true, true, true]);
  // Most of them, all of them, and both signs with none in the middle: no distance from the median exists.
  for (const f of [(x: number) => (x > -1 ? infinity : x), () => infinity, (x: number) => (x > 0 ? infinity : -infinity)])
    for (const sign of [1, -1]) {
      const row = of((x) => sign * f(x));
      expect(Number.isFinite(row.mean)).toBe(false);
      expect(row.essTail).toBeGreaterThan(0);
    }
});

test("statistics of what cannot be diagnosed", () => {
  const tooShort = new DrawnScalar(4, 3, new Float64Array(12));
  expect(essBulk(tooShort)).toBeNaN();
  const row = summarizeScalar("x", tooShort);
  expect([row.mean, row.sd, row.q50]).toEqual([0, 0, 0]);
  expect(row.rhat).toBeNaN();
  expect(essOf({ chains: 2, draws: 4, values: new Float64Array(8).fill(1) })).toBe(8);
  expect(squaresAround(2, Float64Array.of(1, 3))).toBe(2);
});
