// Adam as a program against Adam as the paper writes it, on wasm in float64; and the small parts of training around it.
import { describe, expect, test } from "vitest";
import { AdamClock, type AdamOptions, adamStep, type Trained } from "../../src/inference/vi/adam.ts";
import { Plateau } from "../../src/inference/vi/plateau.ts";
import { rateAt, type Schedule, schedules } from "../../src/inference/vi/schedule.ts";
import { Shuffle } from "../../src/inference/vi/shuffle.ts";
import type { Executable } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Builder, InputAttrs, Value } from "../../src/runtime/ir/graph.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { wasmBackend } from "../../src/runtime/wasm/backend.ts";

const usual: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 0 };

/** Algorithm 1 of Kingma and Ba 2015, element by element. */
class Reference {
  readonly m: Float64Array;
  readonly v: Float64Array;
  /** Steps of each element: rows that are not read make none. */
  readonly t: Float64Array;
  readonly o: AdamOptions;
  constructor(size: number, o: AdamOptions) {
    this.m = new Float64Array(size);
    this.v = new Float64Array(size);
    this.t = new Float64Array(size);
    this.o = o;
  }
  /** `touched`: the elements whose rows were read. */
  step(x: Float64Array, gradient: Float64Array, rate: number, touched: (i: number) => boolean = () => true): void {
    const { beta1, beta2, epsilon, clip } = this.o;
    const norm = Math.sqrt(gradient.reduce((s, g) => s + g * g, 0));
    const shrink = clip > 0 && norm > clip ? clip / norm : 1;
    for (let i = 0; i < x.length; i++) {
      if (!touched(i)) continue;
      this.t[i]++;
      const g = gradient[i] * shrink;
      this.m[i] = beta1 * this.m[i] + (1 - beta1) * g;
      this.v[i] = beta2 * this.v[i] + (1 - beta2) * g * g;
      const mean = this.m[i] / (1 - beta1 ** this.t[i]);
      const square = this.v[i] / (1 - beta2 ** this.t[i]);
      x[i] -= (rate * mean) / (Math.sqrt(square) + epsilon);
    }
  }
}

const nameOf = (v: Value): string => (v.node.attrs as InputAttrs).name;
const size = 3;
const centre = Float64Array.of(1, -2, 0.5);
const curvature = Float64Array.of(1, 10, 0.3);
/** ½ Σ c (x - a)² + s sin-free coupling: (x_0 + s)². */
const gradientAt = (x: Float64Array, s: number): { readonly x: Float64Array; readonly s: number } => ({
  x: x.map((v, i) => curvature[i] * (v - centre[i]) + (i === 0 ? 2 * (x[0] + s) : 0)),
  s: 2 * (x[0] + s),
});

async function quadratic(options: AdamOptions): Promise<{ executable: Executable; rate: string; epsilon: string }> {
  const b = createBuilder();
  const x = b.input("x", { shape: [size], dtype: "real" });
  const s = b.input("s", { shape: [], dtype: "real" });
  const bowl = b.sum(b.mul(b.tensor(curvature, [size]), b.square(b.sub(x, b.tensor(centre, [size])))));
  const loss = b.add(b.mul(b.constant(0.5), bowl), b.square(b.add(b.reshape(b.slice(x, 0, 0, 1), []), s)));
  return compiled(
    b,
    loss,
    [
      { name: "x", resident: x },
      { name: "s", resident: s },
    ],
    options,
  );
}

async function compiled(b: Builder, loss: Value, trained: readonly Trained[], options: AdamOptions, perCall: Value[] = []) {
  const step = adamStep(b, loss, trained, options);
  const residents = step.updates.map(([r]) => r);
  const program = simplify(b, {
    inputs: [...residents, step.rate, step.epsilon, ...(step.plainRate ? [step.plainRate] : []), ...perCall],
    outputs: [loss, step.gradientNorm],
    updates: step.updates,
    residents,
  });
  const executable = await wasmBackend.compile(program);
  for (const r of residents) executable.write(nameOf(r), new Float64Array(r.node.results[0].shape.reduce((a, n) => a * n, 1)));
  const { plainRate } = step;
  return { executable, rate: nameOf(step.rate), epsilon: nameOf(step.epsilon), plain: plainRate && nameOf(plainRate) };
}

describe("Adam", () => {
  for (const options of [usual, { ...usual, beta1: 0.5, beta2: 0.9, epsilon: 1e-3 }, { ...usual, clip: 0.7 }])
    test(`as the paper has it: ${JSON.stringify(options)}`, async () => {
      const { executable, rate, epsilon } = await quadratic(options);
      const all = Float64Array.of(0.3, 0.1, -0.2, 0.9);
      executable.write("x", all.slice(0, size));
      executable.write("s", all.slice(size));
      const clock = new AdamClock(options);
      const reference = new Reference(size + 1, options);
      for (let t = 0; t < 300; t++) {
        const r = 0.05 / (1 + t / 100);
        const [now, e] = clock.next(r);
        executable.inputs[rate][0] = now;
        executable.inputs[epsilon][0] = e;
        executable.run();
        const g = gradientAt(all.slice(0, size), all[size]);
        reference.step(all, Float64Array.of(...g.x, g.s), r);
      }
      const x = await executable.read("x");
      const s = await executable.read("s");
      // Rounding of 300 steps; the folded bias corrections round differently.
      [...x, ...s].forEach((v, i) => {
        expect(Math.abs(v - all[i])).toBeLessThan(300 * 2 ** -50);
      });
      executable.dispose();
    });

  test("a clock that begins later goes on where the first would be", () => {
    const one = new AdamClock(usual);
    for (let t = 0; t < 7; t++) one.next(0.1);
    expect(new AdamClock(usual, 7).next(0.1)).toEqual(one.next(0.1));
  });

  test("rows of a table: those read are moved as alone, the others and their moments stay", async () => {
    const b = createBuilder();
    const table = b.input("table", { shape: [4, 2], dtype: "real" });
    const rows = b.input("rows", { shape: [2], dtype: "int" });
    const value = b.gather(table, rows);
    const loss = b.sum(b.mul(b.tensor(Float64Array.of(1, 2, 3, 4), [2, 2]), b.square(value)));
    const trained = [{ name: "table", resident: table, rows: { indices: rows, value } }];
    const { executable, plain } = await compiled(b, loss, trained, usual, [rows]);
    const all = Float64Array.of(1, -1, 2, 0.5, -0.7, 0.3, 1.5, -2);
    executable.write("table", all);
    const reference = new Reference(8, usual);
    for (const pair of [
      [0, 2],
      [2, 3],
      [0, 2],
      [3, 0],
    ]) {
      executable.inputs.rows.set(pair);
      executable.inputs[plain ?? ""][0] = 0.1;
      executable.run();
      const g = new Float64Array(8);
      pair.forEach((row, k) => {
        for (const j of [0, 1]) g[2 * row + j] = 2 * (2 * k + j + 1) * all[2 * row + j];
      });
      reference.step(all, g, 0.1, (i) => pair.includes(Math.floor(i / 2)));
    }
    (await executable.read("table")).forEach((v, i) => {
      expect(Math.abs(v - all[i])).toBeLessThan(1e-14);
    });
    executable.dispose();
  });
});

describe("schedules", () => {
  test("begin at the whole rate, never rise, and are as their names say", () => {
    for (const name of Object.keys(schedules) as Schedule[]) {
      expect(rateAt(name, 0)).toBe(1);
      let before = 1;
      for (let share = 0; share <= 1; share += 1 / 64) {
        const now = rateAt(name, share);
        expect(now).toBeLessThanOrEqual(before);
        expect(now).toBeGreaterThanOrEqual(0);
        before = now;
      }
    }
    expect(rateAt("cosine", 0.5)).toBeCloseTo(0.5, 15);
    expect(rateAt("cosine", 1)).toBeCloseTo(0, 15);
    expect(rateAt("linear", 0.25)).toBe(0.75);
    expect([rateAt("drop", 0.6), rateAt("drop", 0.7)]).toEqual([1, 0.3]);
  });
});

describe("a plateau", () => {
  const stopsAt = (patience: number, size: number, bound: (t: number) => number, most = 5000): number => {
    const plateau = new Plateau(patience, size);
    for (let t = 1; t <= most; t++) if (plateau.add(bound(t))) return t;
    return most;
  };
  test("is not seen while the bound rises", () => {
    const rng = stream(1, "rising");
    expect(stopsAt(3, 50, (t) => t / 20 + rng.normal())).toBe(5000);
  });
  test("is seen after some windows of noise, not before the patience is over", () => {
    const rng = stream(1, "flat");
    const t = stopsAt(3, 50, () => rng.normal());
    expect(t).toBeGreaterThanOrEqual(4 * 50);
    expect(t).toBeLessThan(20 * 50);
  });
  test("does not lose the digits of bounds that are large beside their noise", () => {
    const rng = stream(1, "large");
    const t = stopsAt(3, 50, (step) => -1e9 + Math.min(step, 1000) / 100 + 0.01 * rng.normal());
    expect(t).toBeGreaterThanOrEqual(1000);
    expect(t).toBeLessThan(2000);
  });
});

describe("shuffled rows", () => {
  test("every row once in each pass, in another order each time; leftovers wait", () => {
    const shuffle = new Shuffle(stream(3, "rows"), 10);
    const out = new Int32Array(3);
    const passes = Array.from({ length: 50 }, () => {
      const seen: number[] = [];
      for (let k = 0; k < 3; k++) {
        shuffle.next(out);
        seen.push(...out);
      }
      return seen;
    });
    for (const seen of passes) expect(new Set(seen).size).toBe(9);
    expect(new Set(passes.map(String)).size).toBeGreaterThan(45);
    // Each row is left out of a pass with probability 1/10: 5 of 50, and beyond 15 once in 10^5.
    for (let row = 0; row < 10; row++) expect(passes.filter((seen) => !seen.includes(row)).length).toBeLessThan(16);
  });
});
