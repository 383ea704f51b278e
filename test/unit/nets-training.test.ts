// Networks in training: dropout's masks, one a row and a site, and where weights begin.
import { describe, expect, test } from "vitest";
import { bindData } from "../../src/dsl/compile/bind-data.ts";
import { namedValue, walk } from "../../src/dsl/compile/walk.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type InputAttrs, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { takeRows } from "../../src/runtime/ir/rows.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { model } from "./model-under-test.ts";
import { checked, dataOf, expectClose, lowered, numbers } from "./network-under-test.ts";

// ---------------------------------------------------------------- dropout

describe("dropout", () => {
  const text = (call: string): string => `data x: real[N, 40]
    net f = linear(40, 40) |> dropout(0.25)
    net g = dropout(0.25)
    ${call}
    factor(sum(y))`;
  const loop = text("for n in 1..N { let y[n] = g(x[n]) }");
  function masked(model: string, seed: number): { readonly y: Float64Array; readonly x: Float64Array } {
    let source: Noise | undefined;
    const { b, value } = lowered(model, { x: [50, 40] }, (b) => (source = new Noise(b)));
    const inputs = (source as Noise).inputsOf([value("y")]);
    expect(inputs.map(shapeOf)).toEqual([[50, 40]]);
    const noise = new Float64Array(2000);
    stream(seed, "noise").fillUniform(noise);
    expect(b).toBeDefined();
    const [y] = interpret([value("y")], { [(inputs[0].node.attrs as InputAttrs).name]: noise });
    return { y, x: numbers([50, 40]) };
  }

  test("drops elements with probability p, each by itself, and divides the others by 1 - p", () => {
    const { y, x } = masked(loop, 1);
    const dropped = y.filter((v) => v === 0).length;
    // 4 standard deviations of a binomial count
    expect(Math.abs(dropped - 500)).toBeLessThan(4 * Math.sqrt(2000 * 0.25 * 0.75));
    for (let i = 0; i < y.length; i++) if (y[i] !== 0) expect(Math.abs(y[i] - x[i] / 0.75)).toBeLessThan(1e-15);
    const rows = Array.from({ length: 50 }, (_, n) =>
      y
        .slice(40 * n, 40 * n + 40)
        .map((v) => (v === 0 ? 0 : 1))
        .join(),
    );
    expect(new Set(rows).size).toBe(50);
  });
  test("over a whole array likewise", () => {
    const { y } = masked(text("let y = g(x)"), 2);
    expect(Math.abs(y.filter((v) => v === 0).length - 500)).toBeLessThan(4 * Math.sqrt(2000 * 0.25 * 0.75));
  });
  test("is nothing in evaluation", () => {
    expectClose(lowered(loop, { x: [50, 40] }).numbers("y"), numbers([50, 40]));
  });
  test.each([
    ["1..N", 50],
    ["[3, 1, 7]", 3],
    ["2..N by 3", 17],
  ])("has its own noise in each row of a loop over %s", (range, count) => {
    const model = text(`for n in ${range} { factor(sum(g(x[n]))) }\nlet y = g(x)`).replace("factor(sum(y))", "");
    const parsed = checked(model);
    const bound = bindData(parsed, dataOf({ x: [50, 40] }), new Map());
    if (!bound.data) throw new Error("the data do not fit");
    const b = createBuilder();
    const source = new Noise(b);
    const w = walk(b, parsed, bound.data, { kind: "values", values: {} }, { setting: { training: source } });
    const [input] = source.inputsOf([w.terms[0].value]);
    expect(shapeOf(input)).toEqual([count, 40]);
    // Uniform noise of 0 in one row alone drops that row alone.
    for (const row of [0, count - 1]) {
      const noise = new Float64Array(count * 40).fill(0.9).fill(0, 40 * row, 40 * row + 40);
      const [sums] = interpret([w.terms[0].value], { [(input.node.attrs as InputAttrs).name]: noise });
      expect([...sums].map((s) => s === 0)).toEqual(Array.from({ length: count }, (_, n) => n === row));
    }
  });
  test("a minibatch brings noise for its rows alone", () => {
    const parsed = checked(
      text("for n in 1..N { factor(sum(f(x[n]))) }").replace("factor(sum(y))", "").replace("net g = dropout(0.25)", ""),
    );
    const bound = bindData(parsed, dataOf({ x: [50, 40] }), new Map());
    if (!bound.data) throw new Error("the data do not fit");
    const b = createBuilder();
    const noise = new Noise(b);
    const w = walk(b, parsed, bound.data, { kind: "values", values: {} }, { setting: { training: noise } });
    const indices = b.input("rows", { shape: [5], dtype: "int" });
    const [rows] = takeRows(b, [{ value: w.terms[0].value, axis: 0 }], indices, noise.forRows("N", 5));
    expect(noise.inputsOf([rows]).map(shapeOf)).toEqual([[5, 40]]);
  });
  test("a site has one mask, another call another one", () => {
    const b = createBuilder();
    const noise = new Noise(b);
    const parsed = checked(text("fn twice(v) = g(v) + g(v)\nlet y = twice(x[1]) + twice(x[1])"));
    const bound = bindData(parsed, dataOf({ x: [50, 40] }), new Map());
    if (!bound.data) throw new Error("the data do not fit");
    const value = (): Value => {
      const w = walk(
        b,
        parsed,
        bound.data as NonNullable<typeof bound.data>,
        { kind: "values", values: {} },
        { setting: { training: noise } },
      );
      return namedValue(w, "y") as Value;
    };
    const [first, second] = [value(), value()];
    expect(second).toBe(first);
    expect(noise.inputsOf([first])).toHaveLength(4);
  });
});

// ---------------------------------------------------------------- batchnorm

describe("batchnorm", () => {
  const text = `data x: real[N, 3]
    net f = linear(3, 4) |> batchnorm |> tanh |> linear(4, 2) |> batchnorm(epsilon = 0.01)
    for n in 1..N { factor(sum(f(x[n]))) }`;
  /** Columns less their means over the rows, over their deviations. */
  function standardised(y: number[][], epsilon: number): number[][] {
    const means = y[0].map((_, k) => y.reduce((s, r) => s + r[k], 0) / y.length);
    const variances = means.map((m, k) => y.reduce((s, r) => s + (r[k] - m) ** 2, 0) / y.length);
    return y.map((r) => r.map((v, k) => (v - means[k]) / Math.sqrt(variances[k] + epsilon)));
  }

  test.each([
    ["all rows", [0, 1, 2, 3, 4, 5, 6]],
    ["a minibatch", [5, 1, 2]],
  ])("normalises by the statistics of %s at hand, layer by layer", (_what, rows) => {
    const parsed = checked(text);
    const { data } = bindData(parsed, dataOf({ x: [7, 3] }), new Map());
    if (!data) throw new Error("the data do not fit");
    const b = createBuilder();
    const noise = new Noise(b);
    const w = walk(b, parsed, data, { kind: "values", values: {} }, { setting: { training: noise } });
    const indices = b.tensor(Float64Array.from(rows), [rows.length], "int");
    const take = (value: Value): Value => takeRows(b, [{ value, axis: 0 }], indices)[0];
    const { values, statistics } = noise.resolve([take(w.terms[0].value)], (x, axes) => {
      expect(axes[0]).toMatchObject({ name: "N", size: 7 });
      return take(x);
    });
    expect(statistics.map((s) => s.name)).toEqual(["f.2.mean", "f.2.variance", "f.4.mean", "f.4.variance"]);
    const given: Record<string, Float64Array> = {};
    const parameter = new Map<string, Float64Array>();
    for (const [name, { piece, value }] of w.context.session.parameters.met) {
      const at = numbers(piece.shape, name.length + piece.shape[0]);
      parameter.set(name, at);
      given[(value.node.attrs as InputAttrs).name] = at;
    }
    const p = (name: string): Float64Array => parameter.get(`f.${name}`) as Float64Array;
    const affine = (y: number[][], layer: number, out: number): number[][] =>
      y.map((r) =>
        Array.from({ length: out }, (_, o) =>
          r.reduce((s, v, k) => s + v * p(`${layer}.weight`)[k * out + o], p(`${layer}.bias`)[o]),
        ),
      );
    const scaled = (y: number[][], layer: number): number[][] =>
      y.map((r) => r.map((v, k) => v * p(`${layer}.scale`)[k] + p(`${layer}.shift`)[k]));
    const x = numbers([7, 3]);
    const first = affine(
      rows.map((n) => [...x.slice(3 * n, 3 * n + 3)]),
      1,
      4,
    );
    const hidden = scaled(standardised(first, 1e-5), 2).map((r) => r.map(Math.tanh));
    const last = scaled(standardised(affine(hidden, 3, 2), 0.01), 4);
    // Differences of near numbers over small deviations: some digits more than those of sums are lost.
    const [sums, mean] = interpret([values[0], statistics[0].value], given);
    last.forEach((r, i) => expect(Math.abs(sums[i] - r[0] - r[1])).toBeLessThan(1e-9));
    expectClose(
      mean,
      first[0].map((_, k) => first.reduce((s, r) => s + r[k], 0) / first.length),
    );
  });

  test("is an affine map of running means in evaluation, and needs rows in any case", () => {
    const { pieces } = lowered(text, { x: [7, 3] });
    expect([...pieces.keys()].filter((name) => name.startsWith("f.2"))).toEqual(
      ["scale", "shift", "mean", "variance"].map((t) => `f.2.${t}`),
    );
    expect(pieces.get("f.2.variance")?.piece.constraint.words).toBe("a positive number");
    const alone = "data x: real[3]\nnet f = linear(3, 4) |> batchnorm\nlet y = f(x)\nfactor(sum(y))";
    expect(() => lowered(alone, { x: [3] })).toThrow(/one example alone/);
  });

  test("training keeps its running means, which come to those of all rows", async () => {
    const rng = stream(5, "data");
    const x = Array.from({ length: 200 }, () => [3 + 2 * rng.normal(), -1 + 0.5 * rng.normal()]);
    const posterior = await model(`data x: real[N, 2]
      net enc = batchnorm(momentum = 0.9) |> linear(2, 2)
      for n in 1..N {
        z[n] ~ Normal(0, 1)
        x[n] ~ Normal(z[n], 3)
      }
      guide { for n in 1..N {
        let h = enc(x[n])
        z[n] ~ Normal(h[1], exp(h[2]))
      } }`).bind({ x });
    const fit = await posterior.run("amortized", { steps: 300, batch: 100, seed: 3 });
    const learnt = (name: string): ArrayLike<number> => fit.learnt.find((t) => t.name === name)?.values ?? [];
    const [mean, variance] = [learnt("enc.1.mean"), learnt("enc.1.variance")];
    for (const k of [0, 1]) {
      const column = x.map((r) => r[k]);
      const m = column.reduce((s, v) => s + v, 0) / 200;
      const v = column.reduce((s, u) => s + (u - m) ** 2, 0) / 200;
      // A running mean of momentum 0.9 averages about 19 batches of half of the rows: its error is near √(v / 200 / 19).
      expect(Math.abs(mean[k] - m)).toBeLessThan(4 * Math.sqrt(v / 200 / 19));
      expect(Math.abs(variance[k] / v - 1)).toBeLessThan(4 * Math.sqrt(2 / 200 / 19) + 1 / 100);
    }
  });
});

// ---------------------------------------------------------------- where training begins

describe("initial values", () => {
  const start = (text: string, name: string): Float64Array => {
    const { pieces } = lowered(`data x: real[200]\nnet f = ${text}\nlet y = f(x)\nfactor(sum(y))`, { x: [200] });
    const piece = pieces.get(name)?.piece;
    if (!piece) throw new Error(`there is no ${name}`);
    return piece.initial(stream(7, name));
  };
  const varianceOf = (xs: Float64Array): number => xs.reduce((s, x) => s + x * x, 0) / xs.length;
  /** Standard error of a mean of n squares: √(2 / n) of normals, less of uniforms. */
  const within = (xs: Float64Array, variance: number): void =>
    expect(Math.abs(varianceOf(xs) / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / xs.length));

  test("He's before a rectifier, also behind layers that change nothing", () => {
    within(start("linear(200, 100) |> relu |> linear(100, 5)", "f.1.weight"), 2 / 200);
    within(start("linear(200, 100) |> layernorm |> dropout(0.1) |> leaky_relu", "f.1.weight"), 2 / 200);
    within(start("mlp([200, 100, 5], gelu)", "f.1.weight"), 2 / 200);
  });
  test("Glorot's before all else, within their bounds", () => {
    for (const text of ["linear(200, 100)", "linear(200, 100) |> tanh", "linear(200, 100) |> linear(100, 3) |> relu"]) {
      const values = start(text, "f.1.weight");
      within(values, 2 / 300);
      expect(values.every((x) => Math.abs(x) <= Math.sqrt(6 / 300))).toBe(true);
    }
  });
  test("biases at 0", () => {
    expect([...start("linear(200, 100)", "f.1.bias")].every((x) => x === 0)).toBe(true);
  });
});
