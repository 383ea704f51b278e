// Networks: what layers compute, what they are named, and that rows do not see each other.
import { describe, expect, test } from "vitest";
import { Rejection } from "../../src/dsl/compile/rejection.ts";
import { usageOf } from "../../src/dsl/nets/define.ts";
import { nets } from "../../src/dsl/nets/index.ts";
import { shapeOf } from "../../src/runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { checked, expectClose, lowered, numbers } from "./network-under-test.ts";

// ---------------------------------------------------------------- laws over the records

/** An example that the layers of a record's example take. */
const exampleShapes: Readonly<Record<string, Shape>> = {
  conv2d: [784],
  convTranspose2d: [40],
  reshape: [784],
  flatten: [28, 28, 1],
  mlp: [20],
  planar: [2],
  iaf: [40],
  coupling: [40],
  spline: [40],
};
const records = [...nets.values()].map((r) => [r.name, r] as const);

describe.each(records)("%s", (name, record) => {
  const example = exampleShapes[name] ?? [784];
  const dims = example.join(", ");

  const inLoop = (more = ""): string =>
    `data x: real[2, ${dims}]\nnet f = ${record.example}\nfor n in 1..2 { let y[n] = f(x[n])${more} }\nfactor(sum(y))`;

  test("its example is a network, and gives what the checker says", () => {
    const { value } = lowered(inLoop(), { x: [2, ...example] });
    const [, ...result] = shapeOf(value("y"));
    expect(result.length).toBeGreaterThan(0);
    // The checker says so too: another size is refused.
    expect(() => checked(inLoop(` + zeros(${result.join(", ")})`))).not.toThrow();
    const [first, ...others] = result;
    expect(() => checked(inLoop(` + zeros(${[first + 1, ...others].join(", ")})`))).toThrow(/error/);
  });

  test("rows do not see each other, whatever axes count them", () => {
    const text = (sizes: string, call: string): string =>
      `data x: real[${sizes}, ${dims}]\nnet f = ${record.example}\n${call}\nfactor(sum(y))`;
    const each = lowered(text("4", "for n in 1..4 { let y[n] = f(x[n]) }"), { x: [4, ...example] });
    const whole = lowered(text("4", "let y = f(x)"), { x: [4, ...example] });
    const twice = lowered(text("2, 2", "let y = f(x)"), { x: [2, 2, ...example] });
    // flatten at the head of a network takes all that it is given as one example
    if (name === "flatten") return expect([...each.pieces.keys()]).toEqual([...whole.pieces.keys()]);
    expectClose(whole.numbers("y"), each.numbers("y"));
    expectClose(twice.numbers("y"), each.numbers("y"));
  });

  test("its tensors are named in order, and begin at finite numbers of their shape", () => {
    const { pieces } = lowered(inLoop(), { x: [2, ...example] });
    let last = 0;
    for (const [key, { piece }] of pieces) {
      const [, number] = /^f\.(\d+)(?:\.\d+)?\.[a-zA-Z]+$/.exec(key) ?? [];
      expect(Number(number), key).toBeGreaterThanOrEqual(last);
      expect(Number(number), key).toBeLessThanOrEqual(last + 1);
      last = Number(number);
      const start = piece.initial(stream(3, key));
      expect(start.length).toBe(sizeOf(piece.shape));
      expect(start.every(Number.isFinite)).toBe(true);
      const again = piece.initial(stream(3, key));
      expect(start.every((x, i) => x === again[i])).toBe(true);
    }
  });

  test("its use names each parameter once", () => {
    const names = record.parameters.map((p) => p.name);
    expect(new Set(names).size).toBe(names.length);
    expect(usageOf(record)).toContain(record.name);
    const required = record.parameters.findLastIndex((p) => p.default === undefined);
    expect(record.parameters.slice(0, required + 1).every((p) => p.default === undefined)).toBe(true);
  });
});

// ---------------------------------------------------------------- layers

describe("linear", () => {
  test("is x @ weight + bias, in loops, over whole arrays and through |>", () => {
    const text = `data x: real[N, 3]
      net f = linear(3, 2)
      for n in 1..N { let y[n] = f(x[n]) }
      let z = f(x)
      let w = x |> f |> tanh
      factor(sum(y) + sum(z) + sum(w))`;
    const { numbers: at, pieces } = lowered(text, { x: [4, 3] });
    expect([...pieces].map(([name, { piece }]) => [name, piece.shape])).toEqual([
      ["f.1.weight", [3, 2]],
      ["f.1.bias", [2]],
    ]);
    const [x, weight, bias] = [numbers([4, 3]), numbers([3, 2], 0), numbers([2], 1)];
    const expected = Float64Array.from({ length: 8 }, (_, i) => {
      const [n, o] = [Math.floor(i / 2), i % 2];
      return [0, 1, 2].reduce((s, k) => s + x[3 * n + k] * 0.5 * weight[2 * k + o], 0.5 * bias[o]);
    });
    expectClose(at("y"), expected);
    expectClose(at("z"), expected);
    expectClose(at("w"), expected.map(Math.tanh));
  });

  test("without a bias there is none", () => {
    const { pieces } = lowered("data x: real[3]\nnet f = linear(3, 2, bias = false)\nlet y = f(x)\nfactor(sum(y))", { x: [3] });
    expect([...pieces.keys()]).toEqual(["f.1.weight"]);
  });
});

test("mlp is its layers written out", () => {
  const shapes = { x: [2, 3] };
  const short = lowered("data x: real[2, 3]\nnet f = mlp([3, 5, 4, 2], silu)\nlet y = f(x)\nfactor(sum(y))", shapes);
  const long = lowered(
    "data x: real[2, 3]\nnet f = linear(3, 5) |> silu |> linear(5, 4) |> silu |> linear(4, 2)\nlet y = f(x)\nfactor(sum(y))",
    shapes,
  );
  expect([...short.pieces.keys()]).toEqual(["f.1", "f.2", "f.3"].flatMap((l) => [`${l}.weight`, `${l}.bias`]));
  expect([...long.pieces.keys()]).toEqual([...short.pieces.keys()]);
  expectClose(short.numbers("y"), long.numbers("y"));
});

test("sizes may be data, consts and lists of them", () => {
  const text = `data x: real[N, D]
    const H = 5, widths = [4, 3]
    net f = mlp([D, 2 * H, D], tanh)
    net g = mlp(widths)
    let y = f(x)
    let z = g(x)
    factor(sum(y) + sum(z))`;
  const { pieces } = lowered(text, { x: [2, 4] });
  expect(pieces.get("f.1.weight")?.piece.shape).toEqual([4, 10]);
  expect(pieces.get("g.1.weight")?.piece.shape).toEqual([4, 3]);
});

test("nets in nets share their parameters", () => {
  const text = `data x: real[2, 3]
    net body = linear(3, 3) |> tanh
    net f = body |> body |> linear(3, 1)
    let y = f(x)
    let z = body(x)
    factor(sum(y) + sum(z))`;
  const { pieces } = lowered(text, { x: [2, 3] });
  expect([...pieces.keys()]).toEqual(["body.1.weight", "body.1.bias", "f.1.weight", "f.1.bias"]);
});

test("a function of the user's is a layer of each example, also where it mixes its elements", () => {
  const text = (call: string): string => `data x: real[N, 3]
    fn share(v) = exp(v) / sum(exp(v))
    fn skip(v) = v + inner(v)
    net inner = linear(3, 3) |> tanh
    net f = linear(3, 3) |> skip |> share |> softmax
    ${call}
    factor(sum(y))`;
  const whole = lowered(text("let y = f(x)"), { x: [4, 3] });
  const each = lowered(text("for n in 1..N { let y[n] = f(x[n]) }"), { x: [4, 3] });
  expectClose(whole.numbers("y"), each.numbers("y"));
  const sums = Array.from({ length: 4 }, (_, n) =>
    whole
      .numbers("y")
      .slice(3 * n, 3 * n + 3)
      .reduce((s, v) => s + v, 0),
  );
  expectClose(sums, [1, 1, 1, 1]);
});

test("layernorm gives examples of mean 0 and variance 1", () => {
  const {
    numbers: at,
    pieces,
    value,
  } = lowered("data x: real[2, 50]\nnet f = linear(50, 50) |> layernorm(epsilon = 1e-12)\nlet y = f(x)\nfactor(sum(y))", {
    x: [2, 50],
  });
  expect(shapeOf(value("y"))).toEqual([2, 50]);
  const [scale, shift] = ["scale", "shift"].map((name) => [...pieces.keys()].indexOf(`f.2.${name}`));
  const [g, s] = [numbers([50], scale).map((v) => 0.5 * v), numbers([50], shift).map((v) => 0.5 * v)];
  for (const row of [0, 1]) {
    const standard = [...at("y").slice(50 * row, 50 * row + 50)].map((v, i) => (v - s[i]) / g[i]);
    const mean = standard.reduce((a, v) => a + v, 0) / 50;
    const variance = standard.reduce((a, v) => a + (v - mean) ** 2, 0) / 50;
    expect(Math.abs(mean)).toBeLessThan(1e-9);
    expect(Math.abs(variance - 1)).toBeLessThan(1e-9);
  }
});

describe("convolutions", () => {
  const line = (text: string): string => `data x: real[N, 6, 5, 2]\nnet f = ${text}\nlet y = f(x)\nfactor(sum(y))`;
  test("conv2d, written out", () => {
    const { numbers: at, value } = lowered(line('conv2d(2, 3, 3, stride = 2, padding = "valid")'), { x: [2, 6, 5, 2] });
    expect(shapeOf(value("y"))).toEqual([2, 2, 2, 3]);
    const [x, w, c] = [numbers([2, 6, 5, 2]), numbers([3, 3, 2, 3], 0), numbers([3], 1)];
    const expected: number[] = [];
    for (let n = 0; n < 2; n++)
      for (let p = 0; p < 2; p++)
        for (let q = 0; q < 2; q++)
          for (let o = 0; o < 3; o++) {
            let sum = 0.5 * c[o];
            for (let i = 0; i < 3; i++)
              for (let j = 0; j < 3; j++)
                for (let k = 0; k < 2; k++)
                  sum += x[((n * 6 + 2 * p + i) * 5 + 2 * q + j) * 2 + k] * 0.5 * w[((i * 3 + j) * 2 + k) * 3 + o];
            expected.push(sum);
          }
    expectClose(at("y"), expected);
  });
  test("sizes: same keeps them, strides divide them, transposed ones multiply them", () => {
    const shape = (text: string): Shape => shapeOf(lowered(line(text), { x: [1, 6, 5, 2] }).value("y")).slice(1);
    expect(shape("conv2d(2, 3, 3)")).toEqual([6, 5, 3]);
    expect(shape("conv2d(2, 3, 3, stride = 2)")).toEqual([3, 3, 3]);
    expect(shape('conv2d(2, 3, 4, padding = "valid")')).toEqual([3, 2, 3]);
    expect(shape("convTranspose2d(2, 3, 3, stride = 2)")).toEqual([12, 10, 3]);
    expect(shape('convTranspose2d(2, 3, 3, stride = 2, padding = "valid")')).toEqual([13, 11, 3]);
  });
});

test("pools take squares of images, what is left over at the end is left out", () => {
  const { numbers: at } = lowered(
    "data x: real[5, 4, 1]\nnet f = maxpool\nnet g = avgpool(2)\nlet y = f(x)\nlet z = g(x)\nfactor(sum(y) + sum(z))",
    { x: [5, 4, 1] },
  );
  const x = numbers([5, 4, 1]);
  const squares = [0, 2, 8, 10].map((i) => [x[i], x[i + 1], x[i + 4], x[i + 5]]);
  expectClose(
    at("y"),
    squares.map((s) => Math.max(...s)),
  );
  expectClose(
    at("z"),
    squares.map((s) => s.reduce((a, v) => a + v, 0) / 4),
  );
});

// ---------------------------------------------------------------- mistakes that only the data show

describe("found when data are bound", () => {
  const message = (text: string, shapes: Readonly<Record<string, Shape>>): string => {
    try {
      lowered(text, shapes);
    } catch (e) {
      if (e instanceof Rejection) return e.message;
      throw e;
    }
    throw new Error("nothing is wrong");
  };
  test("vectors of another size", () => {
    expect(message("data x: real[D]\nnet f = linear(D - 4, 3)\nlet y = f(x[1..D - 4])\nfactor(sum(y))", { x: [4] })).toMatch(
      /size of a layer/,
    );
    const text = "data x: real[D]\nconst w = [40, 3]\nnet dec = mlp(w)\nlet y = dec(x)\nfactor(sum(y))";
    expect(message(text, { x: [50] })).toBe("dec takes vectors of 40 numbers, and x has 50");
  });
  test("layers that do not follow each other", () => {
    const text = "data x: real[D]\nconst w = [4, 3]\nnet f = mlp(w) |> linear(5, 2)\nlet y = f(x)\nfactor(sum(y))";
    expect(message(text, { x: [4] })).toBe("linear(5, 2) takes vectors of 5 numbers, and what comes before it has 3");
  });
  test("a window larger than the image", () => {
    const text = 'data x: real[H, H, 1]\nnet f = conv2d(1, 2, 5, padding = "valid")\nlet y = f(x)\nfactor(sum(y))';
    expect(message(text, { x: [4, 4, 1] })).toBe("a window 5 wide does not fit into 4 x 4");
  });
});
