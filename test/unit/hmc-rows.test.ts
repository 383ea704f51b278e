// The density of rows, and Hamiltonian dynamics of many rows side by side, where the posterior is known.
import { describe, expect, test } from "vitest";
import { hmc, pathScale, stateAt } from "../../src/inference/vi/hmc-rows.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { localLatents, rowDensity } from "../../src/inference/vi/rows-density.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { bound, somewhere } from "./model-under-test.ts";

const data = { x: [0.3, -1.2, 2.1, 0.8, -0.4], y: [1.1, 0.2, 3.4, 0.7, 2.5] };
/** Latents of several shapes and supports in a row: one and three real numbers, a positive one, noncentered ones. */
const text = `
data x: real[N], y: positive[N]
for n in 1..N {
  s[n] ~ LogNormal(0, 0.5)
  z[n]: real[3] ~ Normal(0, s[n])
  r[n] ~ noncentered Normal(z[n][1], 2)
  x[n] ~ Normal(z[n] @ [0.5, -1, 2] + r[n], 1)
  y[n] ~ Exponential(s[n])
}`;

describe("the density of rows", () => {
  test("adds up to the density of the whole, and its gradient too", async () => {
    const { target } = await bound(text, data);
    const b = createBuilder();
    const density = rowDensity(b, target, {});
    if ("refusal" in density) throw new Error(density.refusal);
    const { width, slots } = density.local;
    expect(width).toBe(5);
    const rows = Int32Array.of(3, 0, 4, 1, 2);
    const indices = b.input("rows", { shape: [5], dtype: "int" });
    const u = b.input("u", { shape: [5, width], dtype: "real" });
    const each = density.at(indices, u);
    const [slope] = gradient(b, b.sum(each), [u]);
    const whole = somewhere(target.dimension);
    const own = new Float64Array(5 * width);
    rows.forEach((n, i) => {
      for (const { slot, offset, size } of slots)
        for (let k = 0; k < size; k++) own[i * width + offset + k] = whole[slot.offset + n * size + k];
    });
    const [logs, slopes] = interpret([each, slope], { rows, u: own });
    const expected = new Float64Array(target.dimension);
    const value = (await target.density()).evaluate(whole, expected);
    expect(logs.reduce((p, q) => p + q, 0)).toBeCloseTo(value, 10);
    rows.forEach((n, i) => {
      for (const { slot, offset, size } of slots)
        for (let k = 0; k < size; k++)
          expect(slopes[i * width + offset + k]).toBeCloseTo(expected[slot.offset + n * size + k], 9);
    });
  });

  test("coordinates of constrained values are those that they were made from", async () => {
    const { target } = await bound(text, data);
    const b = createBuilder();
    const u = somewhere(target.dimension);
    const { values } = target.constrain(b, b.tensor(u, [target.dimension]));
    const back = target.coordinates(b, values).map((v) => v ?? b.constant(Number.NaN));
    const numbers = interpret(back, {});
    target.layout.forEach(({ offset, size, unconstrained }, i) => {
      expect(shapeOf(back[i])).toEqual(unconstrained);
      numbers[i].forEach((v, k) => {
        expect(v).toBeCloseTo(u[offset + k], 12);
      });
      expect(numbers[i].length).toBe(size);
    });
  });

  test("refuses latents that are not of one row each, in words", async () => {
    const refusalOf = async (model: string): Promise<string> => {
      const { target } = await bound(model, { x: data.x });
      const found = rowDensity(createBuilder(), target, {});
      return "refusal" in found ? found.refusal : "none";
    };
    expect(await refusalOf("data x: real[N]\nm ~ Normal(0, 1)\nx ~ Normal(m, 1)")).toMatch(/m is a latent of no row/);
    expect(
      await refusalOf(
        "data x: real[N]\nfor n in 1..N { z[n] ~ Normal(0, 1)\n x[n] ~ Normal(sum(z[n..n]), 1) }\nfactor(sum(1.0))",
      ),
    ).toBe("none");
    expect(await refusalOf("data x: real[N]\nz: real[N] ~ Normal(0, 1)\nx ~ Normal(z, 1)\nfactor(-sum(z)^2)")).toMatch(
      /factor.*depends on latents of all rows of N together/,
    );
    expect(await refusalOf("data x: real[N]\nz: real[N] ~ Normal(0, 1)\nx ~ Normal(cumsum(z), 1)")).toMatch(
      /rows of N depend on latents of other rows/,
    );
    const { target } = await bound("data x: real[N]\nz: real[N] ~ Normal(0, 1)\nm ~ Normal(0, 1)\nx ~ Normal(z + m, 1)", {
      x: data.x,
    });
    expect(localLatents(target)).toMatchObject({ refusal: expect.stringContaining("m is not a latent of each row") });
  });
});

describe("Hamiltonian dynamics of rows", () => {
  /** Rows of N(mean_n, sd_n^2) in two coordinates. */
  const [mean, sd] = [
    [0.5, -1, 2],
    [1, 0.3, 3],
  ];
  function program(rows: number, step: number, transitions: number, leapfrog: number) {
    const b = createBuilder();
    const noise = new Noise(b);
    const m = b.tensor(
      Float64Array.from({ length: rows }, (_, i) => mean[i % 3]),
      [rows, 1],
    );
    const s = b.tensor(
      Float64Array.from({ length: rows }, (_, i) => sd[i % 3]),
      [rows, 1],
    );
    const density = {
      parts: (u: Value) => [b.mul(b.constant(-0.5), b.sum(b.square(b.div(b.sub(u, m), s)), [1]))],
    };
    const start = b.input("start", { shape: [rows, 2], dtype: "real" });
    const run = hmc(b, density, stateAt(b, density, start), b.constant(step), s, noise, { transitions, leapfrog, jitter: 0 });
    const outputs = [run.position, run.acceptance, run.rise];
    const executable = instantiate(
      compileWasm(simplify(b, { inputs: [start, ...noise.inputsOf(outputs)], outputs, updates: [] })),
    );
    return { executable, fill: noise.filler(executable) };
  }

  test("leaves the posterior of each row as it is", () => {
    const rows = 3000;
    const { executable, fill } = program(rows, 0.9, 3, 4);
    const rng = stream(1, "rows");
    // Far from it at first; nothing of that is left after ten runs.
    executable.inputs.start.fill(4);
    const sums = [0, 0, 0];
    const squares = [0, 0, 0];
    let count = 0;
    for (let t = 0; t < 30; t++) {
      fill(rng);
      executable.run();
      const [u, accepted] = executable.outputs;
      executable.inputs.start.set(u);
      if (t < 10) continue;
      count++;
      for (let i = 0; i < rows; i++) {
        const z = [0, 1].map((k) => (u[2 * i + k] - mean[i % 3]) / sd[i % 3]);
        sums[i % 3] += z[0] + z[1];
        squares[i % 3] += z[0] ** 2 + z[1] ** 2;
      }
      expect(accepted.reduce((a, x) => a + x, 0) / rows).toBeGreaterThan(0.6);
    }
    // 2 x 1000 numbers at each of 20 times, of which neighbours are correlated: at worst as if they were 1/5 of them.
    const n = (count * rows * 2) / 3;
    for (const k of [0, 1, 2]) {
      expect(Math.abs(sums[k] / n)).toBeLessThan(4 / Math.sqrt(n / 5));
      expect(Math.abs(squares[k] / n - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(n / 5));
    }
  });

  test("the energy error falls with the square of the step", () => {
    const errorAt = (step: number): number => {
      const { executable, fill } = program(300, step, 1, Math.round(1.2 / step));
      executable.inputs.start.fill(1);
      fill(stream(2, "momentum"));
      executable.run();
      return Math.sqrt(executable.outputs[2].reduce((s, x) => s + x * x, 0) / 300);
    };
    const ratio = errorAt(0.2) / errorAt(0.1);
    expect(ratio).toBeGreaterThan(3.5);
    expect(ratio).toBeLessThan(4.5);
  });

  test("the scale of a path is its standard deviation", () => {
    const b = createBuilder();
    const e = b.input("e", { shape: [2], dtype: "real" });
    const v = b.input("v", { shape: [2], dtype: "real" });
    const x = b.add(b.tensor(Float64Array.of(5, -3), [2]), b.mul(b.tensor(Float64Array.of(0.3, 7), [2]), e));
    const [scale] = interpret([pathScale(b, x, [e], [v])], { e: Float64Array.of(0.1, -2), v: Float64Array.of(1, -1) });
    expect(scale[0]).toBeCloseTo(0.3, 12);
    expect(scale[1]).toBeCloseTo(7, 12);
    // Correlated: the mean square over all signs is the variance.
    const factor = Float64Array.of(2, 0, -1.5, 0.5);
    const y = b.matmul(b.tensor(factor, [2, 2]), e);
    const path = pathScale(b, y, [e], [v]);
    const squares = [0, 0];
    for (const v0 of [1, -1])
      for (const v1 of [1, -1])
        interpret([path], { e: Float64Array.of(0.1, -2), v: Float64Array.of(v0, v1) })[0].forEach((t, i) => {
          squares[i] += (t * t) / 4;
        });
    expect(squares[0]).toBeCloseTo(4, 12);
    expect(squares[1]).toBeCloseTo(2.5, 12);
  });
});
