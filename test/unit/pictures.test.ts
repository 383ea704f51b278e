// Pictures: PNG that others read, grids of images, plots, and what a model expects of rows.
import { inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fittedTarget, pictures } from "../../src/evaluation.ts";
import { ppl } from "../../src/index.ts";
import { base64 } from "../../src/inference/pictures/base64.ts";
import { mosaic } from "../../src/inference/pictures/mosaic.ts";
import { curve, scatter } from "../../src/inference/pictures/plots.ts";
import { encodePng } from "../../src/inference/pictures/png.ts";
import { tickLabels, ticksOf } from "../../src/inference/pictures/ticks.ts";
import { rowsAt, rowsByGuide } from "../../src/inference/vi/observed-rows.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { wasmBackend } from "../../src/runtime/wasm/backend.ts";

const context = { backend: wasmBackend, breathe: async () => {} };

test("PNG: signature, chunks, rows as they were given, the check sum of an empty end", () => {
  const pixels = Uint8Array.from({ length: 15 }, (_, i) => 17 * i);
  const png = Buffer.from(encodePng(pixels, 3, 5));
  expect(png.subarray(0, 8)).toEqual(Buffer.from("89504e470d0a1a0a", "hex"));
  const chunks: [string, Buffer][] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push([png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, at + 8 + length)]);
    at += 12 + length;
  }
  expect(chunks.map(([name]) => name)).toEqual(["IHDR", "IDAT", "IEND"]);
  expect(chunks[0][1]).toEqual(Buffer.from([0, 0, 0, 5, 0, 0, 0, 3, 8, 0, 0, 0, 0]));
  const rows = inflateSync(chunks[1][1]);
  for (let y = 0; y < 3; y++) {
    expect(rows[6 * y]).toBe(0);
    expect([...rows.subarray(6 * y + 1, 6 * y + 6)]).toEqual([...pixels.subarray(5 * y, 5 * y + 5)]);
  }
  // ISO/IEC 15948: the CRC of the chunk IEND is ae426082.
  expect(png.subarray(-4).toString("hex")).toBe("ae426082");
});

test("base64 is that of others", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (b) => {
      expect(base64(b)).toBe(Buffer.from(b).toString("base64"));
    }),
  );
});

test("a grid: lines of the first list, below each line those of the second; black and white are as asked, the rest is paper", () => {
  const images = (values: number[]) => ({ height: 1, width: 2, values });
  const { pixels, height, width } = mosaic([images([0, 1, 0.5, Number.NaN, 7, -3]), images([1, 1, 0, 0, 0.25, 1])], 2, [0, 1]);
  // Pixels of 28 x 28, gaps of 2, groups of two lines 8 apart; 2 images across, 3 in two groups.
  expect([height, width]).toEqual([2 * (2 * 30 + 8) - 8 + 2, 2 * 58 + 2]);
  const at = (group: number, layer: number, column: number, x: number) =>
    pixels[(group * 68 + layer * 30 + 2 + 14) * width + column * 58 + 2 + 28 * x + 14];
  expect([at(0, 0, 0, 0), at(0, 0, 0, 1), at(0, 0, 1, 0), at(0, 0, 1, 1)]).toEqual([0, 255, 128, 128]);
  expect([at(1, 0, 0, 0), at(1, 0, 0, 1)]).toEqual([255, 0]);
  expect([at(0, 1, 0, 0), at(0, 1, 1, 1), at(1, 1, 0, 0)]).toEqual([255, 0, 64]);
  expect(at(1, 0, 1, 0)).toBe(255);
  expect(pixels[0]).toBe(255);
});

describe("plots", () => {
  test("ticks are round, few, inside, and told apart", () => {
    const size = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(size, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (low, span) => {
        const high = low + span;
        fc.pre(high > low + 1e-9 * Math.abs(low));
        const ticks = ticksOf(low, high);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(7);
        const slack = 1e-9 * (Math.abs(low) + span);
        for (const t of ticks) expect(t >= low - slack && t <= high + slack).toBe(true);
        expect(new Set(tickLabels(ticks)).size).toBe(ticks.length);
      }),
    );
    expect(tickLabels(ticksOf(0, 1))).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    expect(tickLabels(ticksOf(-130, -96))).toEqual(["-130", "-120", "-110", "-100"]);
  });
  test("points lie in their frame, names are escaped, what is no number is left out", () => {
    const x = [0, 1, 2, Number.NaN];
    const svg = scatter(x, [3, -1, Number.POSITIVE_INFINITY, 0], { title: "<&>", x: "z[1]", y: "z[2]" }, [0, 1, 1, 2]);
    const points = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="2"/g)].map(([, a, b]) => [Number(a), Number(b)]);
    expect(points).toEqual([
      [64, 28],
      [304, 376],
    ]);
    expect(scatter([1, 2], [1, 2], { title: "<&>", x: "", y: "" })).toContain("&lt;&amp;&gt;");
  });
  test("a curve that begins far below shows where it goes", () => {
    const steps = Array.from({ length: 100 }, (_, i) => i + 1);
    const svg = curve(
      steps,
      steps.map((s) => -1e6 / s ** 3 - 100),
      { title: "", x: "step", y: "bound" },
    );
    const ys = /points="([^"]+)"/
      .exec(svg)![1]
      .split(" ")
      .map((p) => Number(p.split(",")[1]));
    expect(Math.max(...ys)).toBeLessThanOrEqual(376);
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(28);
    expect(ys[99]).toBe(28);
  });
});

const linear = ppl`
  data x: real[N, D]
  const K = 2
  param W: real[D, K], b: real[D]
  param m: real[2, 2]
  for n in 1..N {
    z[n]: real[K] ~ Normal(0, 1)
    x[n] ~ Normal(W @ z[n] + b, 0.1)
  }
  guide { for n in 1..N { z[n] ~ Normal(m @ x[n, 1..2], 0.01) } }`;
const N = 130;
const data = Array.from({ length: N }, (_, n) => [n, -n, 0.5 * n, 1]);
const given = {
  W: [
    [1, 0],
    [0, 2],
    [1, 1],
    [3, -1],
  ],
  b: [0.5, 0, -1, 2],
  m: [
    [0.1, 0],
    [0, 0.2],
  ],
};

describe("what a model expects of rows", () => {
  const expected = (z: ArrayLike<number>): number[] => given.W.map(([v, w], d) => v * z[0] + w * z[1] + given.b[d]);
  test("at draws of the guide: each row its own data, latents and mean", async () => {
    const f = await fittedTarget((await linear.bind({ x: data })).target, given);
    const rows = Int32Array.from({ length: N }, (_, i) => (i * 37) % N);
    const seen = await rowsByGuide(f.target, f.family!, f.fitted, f.plate, rows, stream(1, "rows"), context);
    const [x, mean, z] = [seen.data[0], seen.means[0], seen.latents[0]];
    expect([x.name, mean.name, z.name, x.shape, z.shape]).toEqual(["x", "x", "z", [4], [2]]);
    rows.forEach((row, i) => {
      expect([...x.values.subarray(4 * i, 4 * i + 4)]).toEqual(data[row]);
      const own = z.values.subarray(2 * i, 2 * i + 2);
      // Five standard deviations of the guide.
      expect(Math.abs(own[0] - 0.1 * row)).toBeLessThan(0.05);
      expect(Math.abs(own[1] + 0.2 * row)).toBeLessThan(0.05);
      expected(own).forEach((m, d) => expect(mean.values[4 * i + d]).toBeCloseTo(m, 9));
    });
  });
  test("at given latents", async () => {
    const f = await fittedTarget((await linear.bind({ x: data })).target, given);
    const z = Float64Array.from({ length: 2 * N }, (_, i) => Math.sin(i));
    const rows = Int32Array.of(5, 0, 129);
    const seen = await rowsAt(f.target, f.fitted, { z }, f.plate, rows, context);
    rows.forEach((row, i) =>
      expected(z.subarray(2 * row)).forEach((m, d) => expect(seen.means[0].values[4 * i + d]).toBeCloseTo(m, 12)),
    );
  });
  test("as files, the same bytes from the same seed; what cannot be shown is a note", async () => {
    const f = await fittedTarget((await linear.bind({ x: data })).target, given);
    const options = { bound: { steps: [1, 2, 3], values: [-3, -2, -1] } };
    const made = await pictures(f, options, 1);
    expect(made.notes).toEqual([]);
    expect(made.files.map((file) => file.name)).toEqual([
      "reconstructions.png",
      "latents.svg",
      "prior-samples.png",
      "training.svg",
      "pictures.html",
    ]);
    expect(await pictures(f, options, 1)).toEqual(made);
    const page = String(made.files[4].content);
    expect(page.match(/data:image\/png;base64,/g)).toHaveLength(2);
    expect(page.match(/<svg /g)).toHaveLength(2);
    expect(page).not.toMatch(/https?:\/\/(?!www.w3.org)/);
  });
  test("of another shape than asked for, or of no image: a sentence", async () => {
    const f = await fittedTarget((await linear.bind({ x: data })).target, given);
    await expect(pictures(f, { image: [3, 5] }, 1)).rejects.toThrow(
      "an image of 3 x 5 pixels takes 15 numbers, and a row of x has 4",
    );
    await expect(pictures(f, { labels: [0, 1] }, 1)).rejects.toThrow(
      `there are 2 labels for the ${N} rows of N: give one for each`,
    );
    await expect(pictures(f, {}, 1.5)).rejects.toThrow("seed must be an integer from 0 to 4294967295, not 1.5");
    await expect(pictures(f, { site: "y" }, 1)).rejects.toThrow("y is observed in no row; x is");
    const scalar = ppl`
      data y: real[N]
      m ~ Flat()
      for n in 1..N { z[n] ~ Normal(m, 1); y[n] ~ Cauchy(z[n], 1) }`;
    const none = await fittedTarget((await scalar.bind({ y: [1, 2] })).target, undefined);
    const { notes } = await pictures(none, {}, 1);
    expect(notes[0]).toBe("no reconstructions and no scatter: the model has no guide that gives latents to rows");
    expect(notes[1]).toMatch(/^no samples of the prior: /);
    await expect(fittedTarget((await linear.bind({ x: data })).target, undefined)).rejects.toThrow(
      "embedded has params or networks to learn: give the folder of a run that has, --params DIR",
    );
  });
});
