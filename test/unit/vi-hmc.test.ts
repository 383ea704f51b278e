// VI-initialised HMC where the answer is known.
import { describe, expect, test } from "vitest";
import { amortized } from "../../src/inference/engines/amortized.ts";
import { viHmc } from "../../src/inference/engines/vi-hmc.ts";
import { disagreements } from "../../src/inference/engines/vi-nuts.ts";
import type { SummaryRow } from "../../src/inference/report/summary.ts";
import { runEngine } from "../../src/inference/run.ts";
import { guided } from "../../src/inference/vi/approximation.ts";
import { hmc, stateAt } from "../../src/inference/vi/hmc-rows.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { refinedDraws } from "../../src/inference/vi/refined-draws.ts";
import { localLatents, rowDensity } from "../../src/inference/vi/rows-density.ts";
import { shearDraws, sheared, shearedAsFitted, shearName } from "../../src/inference/vi/shear.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Target } from "../../src/runtime/target.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { bound } from "./model-under-test.ts";

const numbers = (n: number, scale: number): number[] => {
  const rng = stream(7, "x");
  return Array.from({ length: n }, () => scale * rng.normal());
};
const run = async (text: string, data: Record<string, unknown>, options: Record<string, unknown>) => {
  const { target } = await bound(text, data as never);
  const outcome = await runEngine(target, viHmc, options, { seed: 1 });
  if (outcome.failure) throw new Error(outcome.failure.reason);
  return outcome.results[0];
};

describe("HMC-refined draws", () => {
  test("are closer to the posterior than q, and closer the more steps there are", async () => {
    // z given x_n is N(0.8 x_n, 0.2); q is N(0.8 x_n + 0.7, 0.1²): off by more than a deviation, and too narrow.
    const rows = 4000;
    const x = numbers(rows, 1);
    const { target } = await bound("data x: real[N]\nfor n in 1..N { z[n] ~ Normal(0, 1)\n x[n] ~ Normal(z[n], 0.5) }", { x });
    const klAfter = (transitions: number): number => {
      const b = createBuilder();
      const noise = new Noise(b);
      const density = rowDensity(b, target, {});
      if ("refusal" in density) throw new Error(density.refusal);
      const indices = b.input("rows", { shape: [rows], dtype: "int" });
      const start = b.input("start", { shape: [rows, 1], dtype: "real" });
      const at = { parts: (u: typeof start) => [density.at(indices, u)] };
      const end = hmc(b, at, stateAt(b, at, start), b.constant(1.5), b.constant(0.1), noise, {
        transitions,
        leapfrog: 2,
        jitter: 0,
      });
      const outputs = [end.position];
      const e = instantiate(
        compileWasm(simplify(b, { inputs: [indices, start, ...noise.inputsOf(outputs)], outputs, updates: [] })),
      );
      e.inputs.rows.set(x.map((_, n) => n));
      const q = stream(3, "q");
      e.inputs.start.set(x.map((v) => 0.8 * v + 0.7 + 0.1 * q.normal()));
      noise.filler(e)(stream(4, "hmc"));
      e.run();
      // Of the normal distribution with the moments of the standardised draws, from N(0, 1).
      const z = e.outputs[0].map((u, n) => (u - 0.8 * x[n]) / Math.sqrt(0.2));
      const mean = z.reduce((s, v) => s + v, 0) / rows;
      const variance = z.reduce((s, v) => s + (v - mean) ** 2, 0) / rows;
      return 0.5 * (variance + mean * mean - 1 - Math.log(variance));
    };
    const own = 0.5 * (0.05 + 0.49 / 0.2 - 1 - Math.log(0.05));
    const kls = [1, 2, 4, 8].map(klAfter);
    [own, ...kls].reduce((before, after) => {
      expect(after).toBeLessThan(0.7 * before);
      return after;
    });
  });
});

describe("vi-hmc", () => {
  test("learns the model where a guide that cannot fit spoils its bound", async () => {
    // x_n is N(0, w² + 1/4), and z given x_n is N(w x_n / (w² + 1/4), 1 / (1 + 4 w²)). The guide's slope is 0.8 of that and its draws are too
    // narrow, so the w that suits them, E x z / E z², is a quarter too large.
    const x = numbers(500, 2);
    const text = `
data x: real[N]
param w: positive = 1
for n in 1..N { z[n] ~ Normal(0, 1)
  x[n] ~ Normal(w * z[n], 0.5) }
guide { for n in 1..N { z[n] ~ Normal(0.4 * x[n], 0.15) } }
`;
    const best = Math.sqrt(x.reduce((s, v) => s + v * v, 0) / 500 - 0.25);
    const options = { steps: 1500, batch: 100, rate: 0.01, schedule: "cosine", judged: 0 };
    const r = await run(text, { x }, { ...options, transitions: 8, leapfrog: 5 });
    const { target } = await bound(text, { x });
    const [byBound] = (await runEngine(target, amortized, options, { seed: 1 })).results;
    const errorOf = (fitted: typeof r.fitted): number => Math.abs((fitted?.w[0] ?? 0) / best - 1);
    expect(errorOf(byBound.fitted)).toBeGreaterThan(0.2);
    expect(errorOf(r.fitted)).toBeLessThan(0.05);
    expect(r.figures?.acceptance).toBeCloseTo(0.67, 1);
    expect(r.verdicts.at(-1)).toMatchObject({ what: "acceptance", level: "pass" });
  });

  test("chains that start at draws of the posterior end at such", async () => {
    // One latent, and two of them: what the builder makes of coordinates differs.
    const x = numbers(40, 1);
    const one = `
data x: real[N]
for n in 1..N { z[n] ~ Normal(0, 1)
  x[n] ~ Normal(z[n], 0.5) }
guide { for n in 1..N { z[n] ~ Normal(0.8 * x[n], sqrt(0.2)) } }
`;
    const two = one
      .replace("x[n] ~", "y[n] ~ Normal(0, 2)\n  x[n] ~")
      .replace("guide { for n in 1..N {", "guide { for n in 1..N { y[n] ~ Normal(0, 2)\n ");
    for (const text of [one, two]) {
      const { target } = await bound(text, { x });
      const family = guided(target);
      if (!family) throw new Error("no guide");
      const moves = { transitions: 2, leapfrog: 5, jitter: 0.25, step: 1.5 };
      const context = { stop: () => false, breathe: async () => {} };
      const { positions } = await refinedDraws(
        target,
        family,
        { parameters: {}, family: {} },
        500,
        moves,
        stream(1, "d"),
        context,
      );
      const from = target.layout.find((s) => s.name === "z")?.offset ?? 0;
      const z = positions.filter((_, i) => i % target.dimension >= from && i % target.dimension < from + 40);
      expect(z.length).toBe(20_000);
      const e = z.map((v, i) => (v - 0.8 * x[i % 40]) / Math.sqrt(0.2));
      expect(Math.abs(e.reduce((s, v) => s + v, 0) / e.length)).toBeLessThan(4 / Math.sqrt(e.length));
      expect(Math.abs(e.reduce((s, v) => s + v * v, 0) / e.length - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(e.length));
    }
  });

  test("keeps draws of chains, which are those of the posterior where the guide's are not", async () => {
    // z given x is N(0.8 x, 0.2).
    const x = numbers(40, 1);
    const text = `
data x: real[N]
param a: real = 0.7
for n in 1..N { z[n] ~ Normal(0, 1)
  x[n] ~ Normal(z[n], 0.5) }
guide { for n in 1..N { z[n] ~ Normal(a * x[n] + 0.3, 0.25) } }
`;
    const { chain } = await run(text, { x }, { steps: 100, rate: 1e-9, judged: 0, draws: 400 });
    const z = Float64Array.from(chain?.positions ?? [], (v, i) => (v - 0.8 * x[i % 40]) / Math.sqrt(0.2));
    expect(z.length).toBe(40 * 400);
    const mean = z.reduce((s, v) => s + v, 0) / z.length;
    const variance = z.reduce((s, v) => s + (v - mean) ** 2, 0) / z.length;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(z.length));
    expect(Math.abs(variance - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(z.length));
  });

  test("starts at draws of latents with bounds", async () => {
    // l_n ~ Exponential(1 / m), x_n ~ Poisson(l_n): x is geometric with mean m, whose best value is the mean of x.
    const rng = stream(9, "counts");
    const x = Array.from({ length: 300 }, () => Math.floor(rng.exponential() / Math.log(4 / 3)));
    const text = `
data x: int<0,>[N]
param m: positive = 1
param a: real, s: positive = 0.5
for n in 1..N { l[n] ~ Exponential(1 / m)
  x[n] ~ Poisson(l[n]) }
guide { for n in 1..N { l[n] ~ LogNormal(log(x[n] + 0.5) + a, s) } }
`;
    const r = await run(
      text,
      { x },
      { steps: 1500, batch: 100, rate: 0.02, schedule: "cosine", judged: 0, draws: 100, transitions: 12 },
    );
    const mean = x.reduce((s, v) => s + v, 0) / x.length;
    expect(Math.abs((r.fitted?.m[0] ?? 0) / mean - 1)).toBeLessThan(0.05);
    expect(r.figures?.acceptance).toBeCloseTo(0.67, 1);
  });

  test("refuses in words", async () => {
    const refusal = async (text: string): Promise<string> => {
      const { target } = await bound(text, { x: [1, 2] });
      return (await runEngine(target, viHmc, {}, { seed: 1 })).failure?.reason ?? "none";
    };
    expect(await refusal("data x: real[N]\nm ~ Normal(0, 1)\nx ~ Normal(m, 1)\nguide { m ~ Normal(0, 1) }")).toMatch(
      /m is a latent of no row/,
    );
  });
});

/** Mean over rows of log N(x; 0, V' A A' V + I / 4). */
function evidence(rows: readonly (readonly number[])[], a: readonly number[]): number {
  // Rows of V' A; V is symmetric.
  const [p, q] = [1, 0.9];
  const w = [p * a[0] + q * a[2], p * a[1] + q * a[3], q * a[0] + p * a[2], q * a[1] + p * a[3]];
  const c = [w[0] ** 2 + w[1] ** 2 + 0.25, w[0] * w[2] + w[1] * w[3], w[2] ** 2 + w[3] ** 2 + 0.25];
  const det = c[0] * c[2] - c[1] ** 2;
  const sum = rows.reduce((s, [x, y]) => s + (c[2] * x * x - 2 * c[1] * x * y + c[0] * y * y) / det, 0);
  return -0.5 * (sum / rows.length + Math.log(det)) - Math.log(2 * Math.PI);
}

describe("the shear matrix", () => {
  const text = `
data x: real[N, D]
param V: real[3, D]
for n in 1..N { z[n]: real[3] ~ Normal(0, 1)
  x[n] ~ Normal(z[n] @ V, 0.5) }
guide { for n in 1..N { z[n] ~ Normal(zeros(3), 1) } }
`;
  const data = { x: Array.from({ length: 4 }, (_, n) => [0.3 * n - 1, 1.2 - 0.7 * n, 0.4 + 0.1 * n * n]) };
  const v = Float64Array.of(0.7, -0.2, 1.1, 0.4, 0.9, -0.5, -0.3, 0.6, 0.8);
  const a = Float64Array.of(1, 0, 0, 0.6, 1, 0, -0.4, 1.3, 1);
  const identity = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  const z = Float64Array.from({ length: 12 }, (_, i) => Math.sin(1.7 * i + 0.3));
  const logJoint = (target: Target, parameters: Record<string, Float64Array>): number => {
    const b = createBuilder();
    const given = Object.fromEntries(Object.entries(parameters).map(([name, x]) => [name, b.tensor(x, [3, 3])]));
    const terms = target.terms(b, { z: b.tensor(z, [4, 3]) }, { parameters: given });
    return interpret(
      terms.map((t) => b.sum(t.value)),
      {},
    ).reduce((s, [x]) => s + x, 0);
  };
  const shearedTarget = async () => {
    const { target } = await bound(text, data);
    const local = localLatents(target);
    const other = "refusal" in local ? undefined : sheared(target, local);
    if (!other) throw new Error("not sheared");
    return { target, other };
  };

  test("with A = I the model is the plain one; (V, A) is (A'V, I) but for the prior, which stays that of z", async () => {
    const { target, other } = await shearedTarget();
    expect(logJoint(other, { V: v, [shearName("z")]: identity })).toBeCloseTo(logJoint(target, { V: v }), 12);
    // Rows of z are z'; (A z)' V = z' (A' V).
    const absorbed = new Float64Array(9);
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) absorbed[3 * i + j] += a[3 * k + i] * v[3 * k + j];
    expect(logJoint(other, { V: v, [shearName("z")]: a })).toBeCloseTo(logJoint(target, { V: absorbed }), 11);
    expect(logJoint(other.fix({ [shearName("z")]: a, V: v }), {})).toBeCloseTo(logJoint(target, { V: absorbed }), 11);
  });

  test("is taken up by what looks at a fit, and draws are those that the model reads", async () => {
    const { target, other } = await shearedTarget();
    const learnt = { [shearName("z")]: a };
    const again = shearedAsFitted(target, learnt);
    expect(logJoint(again, { V: v })).toBeCloseTo(logJoint(other, { V: v, ...learnt }), 12);
    expect(again.parameters.map((p) => p.name)).toEqual(["V"]);
    expect(shearedAsFitted(target, {})).toBe(target);
    const positions = Float64Array.from([...z, ...z]);
    shearDraws(target, learnt, positions);
    for (const draw of [0, 1])
      for (let n = 0; n < 4; n++)
        for (let i = 0; i < 3; i++) {
          const moved = [0, 1, 2].reduce((s, j) => s + a[3 * i + j] * z[3 * n + j], 0);
          expect(positions[12 * draw + 3 * n + i]).toBeCloseTo(moved, 12);
        }
  });

  test("is refused where no latent is a vector of unbounded numbers", async () => {
    for (const latent of [
      "z[n]: positive[3] ~ Exponential(1)",
      "z[n]: real[3] ~ noncentered Normal(0, 2)",
      "z[n] ~ Normal(0, 1)",
    ]) {
      const { target } = await bound(`data x: real[N]\nfor n in 1..N { ${latent}\n x[n] ~ Normal(sum([z[n]]), 1) }`, {
        x: [1, 2],
      });
      const local = localLatents(target);
      expect("refusal" in local ? local.refusal : sheared(target, local)).toBeUndefined();
    }
  });

  test("its coordinates are what stands below the diagonal", async () => {
    const { other } = await shearedTarget();
    const back = other.unconstrainParameters({ [shearName("z")]: a });
    expect([...back[shearName("z")]]).toEqual([0.6, -0.4, 1.3]);
    const b = createBuilder();
    const u = { V: b.tensor(v, [3, 3]), [shearName("z")]: b.tensor(back[shearName("z")], [3]) };
    expect([...interpret([other.constrainParameters(b, u)[shearName("z")]], {})[0]]).toEqual([...a]);
  });

  test("closes the gap that mean field leaves on a correlated posterior", async () => {
    // V fixed but for the shear: x = s + e with s = V'z, V of columns that are far from orthogonal, so that the posterior of z is correlated. With
    // z' = A z, and V to be learnt beside A, a diagonal q can be exact.
    const rng = stream(5, "gap");
    const rows = Array.from({ length: 400 }, () => {
      const [p, q] = [rng.normal(), rng.normal()];
      return [p + 0.9 * q, 0.9 * p + q].map((s) => s + 0.5 * rng.normal());
    });
    const model = `
data x: real[N, 2]
const V = [[1, 0.9], [0.9, 1]]
param M: real[2, 2], m: real[2]
param s: positive[2]
for n in 1..N { z[n]: real[2] ~ Normal(0, 1)
  x[n] ~ Normal(z[n] @ V, 0.5) }
guide { for n in 1..N { z[n] ~ Normal(x[n] @ M + m, s) } }
`;
    const options = { epochs: 500, rate: 0.02, schedule: "cosine", judged: 0, transitions: 1, leapfrog: 1 };
    const plain = await run(model, { x: rows }, options);
    const better = await run(model, { x: rows }, { ...options, shear: true });
    const shear = better.fitted?.[shearName("z")] ?? new Float64Array(0);
    expect([shear[0], shear[1], shear[3]]).toEqual([1, 0, 1]);
    // Posterior precision I + V V' / s²: mean field loses ½ (Σ log P_ii - log |P|) a row.
    const [d, o] = [1 + 1.81 / 0.25, 1.8 / 0.25];
    const gap = 0.5 * (2 * Math.log(d) - Math.log(d * d - o * o));
    expect(evidence(rows, [1, 0, 0, 1]) - (plain.figures?.elbo ?? 0) / 400).toBeCloseTo(gap, 1);
    const left = evidence(rows, [...shear]) - (better.figures?.elbo ?? 0) / 400;
    expect(left).toBeLessThan(0.03 * gap);
    expect(better.figures?.elbo).toBeGreaterThan((plain.figures?.elbo ?? 0) + 0.5 * gap * 400);
  });
});

describe("NUTS from a fit", () => {
  // With x = a + b + e, e of deviation 0.5, a and b have variance 5/9 and correlation -4/5 given x.
  const text = "data x: real\na ~ Normal(0, 1)\nb ~ Normal(0, 1)\nx ~ Normal(a + b, 0.5)";

  test("draws from the posterior, and says where mean field is too narrow", async () => {
    const { target } = await bound(text, { x: 1 });
    const outcome = await runEngine(target, viHmc, { draws: 2000 }, { seed: 1, chains: 3, threads: 1 });
    expect(outcome.chains.map((c) => [c.chain, c.draws])).toEqual([1, 2, 3].map((c) => [c, 2000]));
    const draws = outcome.chains.flatMap((c) => [...c.positions.filter((_, i) => i % 2 === 0)]);
    const mean = draws.reduce((s, v) => s + v, 0) / draws.length;
    const variance = draws.reduce((s, v) => s + (v - mean) ** 2, 0) / draws.length;
    // 6000 draws, worth at least 1000.
    expect(Math.abs(mean - 4 / 9)).toBeLessThan(4 * Math.sqrt(5 / 9 / 1000));
    expect(Math.abs(variance / (5 / 9) - 1)).toBeLessThan(4 * Math.sqrt(2 / 1000));
    const [r] = outcome.results;
    expect(r.figures?.disagreements).toBe(2);
    // Mean field has the deviation of a given b: 1/√(1 + 4), to √(5/9): 0.6.
    expect(r.notes?.[0]).toMatch(/disagree.*on 2 of 2 variables/);
    expect(r.notes?.[0]).toMatch(/a +[+-]0\.0\d sd +0\.(5[6-9]|6[0-3])/);
  });

  test("a fit without a finite mean disagrees, first of all", () => {
    const row = (name: string, mean: number, sd: number): SummaryRow => ({
      ...{ name, mean, sd, mcseMean: 0.01 * sd, mcseSd: 0.01 * sd, q5: 0, q50: 0, q95: 0, essBulk: 100, essTail: 100, rhat: 1 },
    });
    const theirs = ["a", "b", "c", "d"].map((name) => row(name, 0, 1));
    const ours = [row("a", 0.5, 1), row("b", Number.POSITIVE_INFINITY, Number.NaN), row("c", 0, 1), row("d", -2, 1)];
    expect(disagreements(ours, theirs).map((d) => d.name)).toEqual(["b", "d", "a"]);
  });

  test("options of training are those of the fit", async () => {
    const { target } = await bound("data x: real[N]\na ~ Normal(0, 1)\nx ~ Normal(a, 1)", { x: [1, 2, 3] });
    const elbos = async (options: object) =>
      (await runEngine(target, viHmc, { steps: 50, draws: 10, warmup: 10, ...options }, { seed: 1, chains: 1 })).results[0].traces
        .elbo;
    expect(await elbos({ beta: 0.5 })).not.toEqual(await elbos({}));
    expect(await elbos({ batch: 2 })).not.toEqual(await elbos({}));
    await expect(elbos({ over: "N" })).rejects.toThrow("--over names the plate of minibatches");
  });

  test("agrees with a family that holds the posterior, whose covariance is the metric", async () => {
    const { target } = await bound(text, { x: 1 });
    const { results } = await runEngine(
      target,
      viHmc,
      { family: "fullrank", warmup: 0, draws: 1000 },
      { seed: 1, chains: 2, threads: 1 },
    );
    const [r] = results;
    expect(r.figures?.disagreements).toBe(0);
    expect(r.notes?.[0]).toMatch(/agree on the means and deviations of all 2 variables/);
    const [metric] = (r.chains ?? []).map((c) => c.adaptation);
    expect(metric?.metric).toBe("dense");
    // Of 4000 draws.
    [5 / 9, -4 / 9, -4 / 9, 5 / 9].forEach((c, i) => {
      expect(Math.abs((metric?.inverseMetric[i] ?? 0) - c)).toBeLessThan(4 * Math.sqrt(2 / 4000));
    });
  });
});
