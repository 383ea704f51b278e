// What is learnt: saved, read again, fixed, trained on, sampled; and every disagreement a sentence.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpz } from "../../src/dsl/data/npz.ts";
import { writeNpz } from "../../src/dsl/data/write-npz.ts";
import type { Fit } from "../../src/fit.ts";
import { loadParameters, type Model, ppl } from "../../src/index.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "parameters-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const line = (): Model => ppl`
  data x: real[N], y: real[N]
  param b: real[2]
  param s: positive = 1
  b ~ Normal(0, 5)
  for n in 1..N {
    u[n] ~ Normal(0, 1)
    y[n] ~ Normal(b[1] + b[2] * x[n] + 0.1 * u[n], s)
  }`;
const data = { x: [1, 2, 3, 4, 5, 6], y: [1.1, 2.3, 2.9, 4.6, 5.1, 5.5] };
const options = { seed: 1, steps: 400, draws: 100 };
const message = (p: Promise<unknown>): Promise<string> =>
  p.then(
    () => "nothing was refused",
    (e: Error) => `${e.name}: ${e.message}`,
  );

test("archives have what was put into them, the same bytes each time, aligned as NumPy asks", () => {
  const arrays = [
    { name: "dec.1.weight", shape: [2, 3], values: Float64Array.of(1, -0, 2.5, Number.POSITIVE_INFINITY, Number.NaN, 5e-324) },
    { name: "σ", shape: [], values: Float64Array.of(0.1) },
    { name: "none", shape: [0, 4], values: new Float64Array(0) },
  ];
  const bytes = writeNpz(arrays);
  const read = readNpz("a.npz", bytes);
  for (const { name, shape, values } of arrays) {
    expect(read.get(name)?.shape).toEqual(shape);
    expect(Object.is(read.get(name)?.values[1], values[1])).toBe(true);
    expect(read.get(name)?.values).toEqual(values);
  }
  expect(writeNpz(arrays)).toEqual(bytes);
  for (const file of Object.values(unzipSync(bytes))) expect((10 + file[8] + 256 * file[9]) % 64).toBe(0);
});

describe("a fit", () => {
  let fit: Fit;
  let saved = "";
  beforeAll(async () => {
    fit = await (await line().bind(data)).run("meanfield", options);
    saved = join(folder, "fit");
    await fit.save(saved);
  });

  test("is saved with names, shapes, owners and values", async () => {
    const about = JSON.parse(readFileSync(join(saved, "guide.json"), "utf8"));
    expect(about.steps).toBe(fit.steps);
    expect(about.engine).toBe("meanfield");
    const [b, s] = about.tensors;
    expect(b).toEqual({ name: "b", owner: "model", shape: [2], values: [...fit.parameters.b.values] });
    expect(s).toEqual({ name: "s", owner: "model", shape: [], values: fit.parameters.s.values[0] });
    const read = await loadParameters(saved);
    expect(read.tensors).toEqual(fit.learnt);
    expect(read.modelSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.parse(readFileSync(join(saved, "run.json"), "utf8")).modelSha256).toBe(read.modelSha256);
  });

  test("fixes params, from folder, fit or values: the density is that of the model with these numbers", async () => {
    const posterior = await line().bind(data);
    const [b1, b2] = fit.parameters.b.values;
    const [s] = fit.parameters.s.values;
    const plain = await ppl`
      data x: real[N], y: real[N]
      for n in 1..N {
        u[n] ~ Normal(0, 1)
        y[n] ~ Normal(${b1} + ${b2} * x[n] + 0.1 * u[n], ${s})
      }`.bind(data);
    const q = Float64Array.of(0.3, -1, 0.2, 0.8, -0.4, 1.7);
    // The penalty of b stays, a constant: Normal(0, 5) at b.
    const penalty = [b1, b2].reduce((sum, x) => sum - 0.5 * (x / 5) ** 2 - Math.log(5) - 0.5 * Math.log(2 * Math.PI), 0);
    for (const given of [saved, fit, fit.parameters, await loadParameters(saved)]) {
      const fixed = await posterior.fix(given);
      expect(fixed.logDensity(q)).toBeCloseTo(plain.logDensity(q) + penalty, 10);
    }
    const sampled = await (await posterior.fix(saved)).run("nuts", { seed: 1, chains: 1, warmup: 100, draws: 100 });
    expect(sampled.draws("u").shape).toEqual([1, 100, 6]);
  });

  test("is gone on from", async () => {
    const posterior = await line().bind(data);
    const on = await posterior.run("meanfield", { ...options, steps: 3, rate: 1e-9, resume: saved });
    expect(on.steps).toBe(fit.steps + 3);
    for (const name of ["b", "s"])
      on.parameters[name].values.forEach((x, i) => expect(x).toBeCloseTo(fit.parameters[name].values[i], 6));
    expect(await message(posterior.run("nuts", { resume: fit }))).toMatch(
      /^UsageError: nuts does not go on from an earlier fit; meanfield/,
    );
  });

  test("of another model is refused, with each disagreement", async () => {
    const other = await ppl`
      data x: real[N], y: real[N]
      param b: real[3], sd: positive
      for n in 1..N { u[n] ~ Normal(0, 1); y[n] ~ Normal(b[1] + b[3] * x[n] + u[n], sd) }`.bind(data);
    expect(await message(other.fix(saved))).toBe(
      `UsageError: ${saved}: these are not the parameters of embedded\n  b has shape [2] there and shape [3] here\n  sd is not among them\n  s is no parameter of embedded`,
    );
    const none = await ppl`data y: real
      mu ~ Normal(0, 1)
      y ~ Normal(mu, 1)`.bind({ y: 1 });
    expect(await message(none.fix(saved))).toMatch(/embedded has nothing to learn/);
    const posterior = await line().bind(data);
    expect(await message(posterior.fix({ b: [1, 2], s: -1 }))).toMatch(/s are not strictly inside a positive number/);
  });

  test("with a row a datapoint fits these data alone", async () => {
    const rows = ppl`
      data y: real[N]
      param m: real[N]
      for n in 1..N { z[n] ~ Normal(0, 1); y[n] ~ Normal(z[n] + m[n], 1) }`;
    const posterior = await rows.bind({ y: [1, 2] });
    expect(await message(posterior.fix({ m: [1, 2, 3] }))).toContain(
      "m has a row for each of the 3 rows of N that it was learnt on, and here are 2: what belongs to single rows fits no other data",
    );
  });

  test("that is damaged is a sentence", async () => {
    const posterior = await line().bind(data);
    expect(await message(posterior.fix(join(folder, "nowhere")))).toMatch(
      /nowhere has no parameters of a fit \(cannot read .*: no such file or folder\): give the folder of a run that learnt some/,
    );
    const broken = join(folder, "broken");
    await fit.save(broken);
    const binary = readFileSync(join(broken, "guide.npz"));
    writeFileSync(join(broken, "guide.npz"), binary.subarray(0, 200));
    expect(await message(posterior.fix(broken))).toMatch(/guide.npz has 200 bytes where guide.json tells of \d+: it is cut off/);
    const flipped = Uint8Array.from(binary);
    flipped[150] ^= 1;
    writeFileSync(join(broken, "guide.npz"), flipped);
    expect(await message(posterior.fix(broken))).toMatch(/is not the file that was saved with guide.json/);
    const text = readFileSync(join(broken, "guide.json"), "utf8");
    for (const [damage, wanted] of [
      [text.slice(0, 300), /is not JSON: it is cut off or damaged/],
      ['{"format": 7}', /has format 7, and this version of ppl reads format 1/],
      ["[]", /is not an object/],
      [text.replace('"steps"', '"paces"'), /has no steps that is a number/],
    ] as const) {
      writeFileSync(join(broken, "guide.npz"), binary);
      writeFileSync(join(broken, "guide.json"), damage);
      expect(await message(posterior.fix(broken))).toMatch(wanted);
    }
  });

  test("a run that learns nothing leaves no parameters of an earlier one", async () => {
    const again = join(folder, "again");
    await fit.save(again);
    const sampled = await (await (await line().bind(data)).fix(fit)).run("nuts", { seed: 1, chains: 1, warmup: 50, draws: 10 });
    await sampled.save(again);
    expect(await message(loadParameters(again))).toMatch(/has no parameters of a fit/);
  });
});

describe("params as latents", () => {
  test("have their ~, or Flat over their type; what only the guide reads is gone", async () => {
    const model = ppl`
      data y: real[N]
      param m: real, s: positive = 2, unread: real
      param shift: real[N]
      m ~ Normal(1, 3)
      for n in 1..N { z[n] ~ Normal(m, s); y[n] ~ Normal(z[n], 1) }
      guide { for n in 1..N { z[n] ~ Normal(shift[n], 1) } }`;
    const sampled = await model.withSampledParams().bind({ y: [1, 2] });
    expect(sampled.target.layout.map((l) => l.name)).toEqual(["m", "s", "z"]);
    expect(sampled.target.parameters).toEqual([]);
    const plain = await ppl`
      data y: real[N]
      m ~ Normal(1, 3)
      s: positive ~ Flat()
      for n in 1..N { z[n] ~ Normal(m, s); y[n] ~ Normal(z[n], 1) }`.bind({ y: [1, 2] });
    const values = { m: 0.7, s: 1.3, z: [0.2, 1.1] };
    expect(sampled.logDensity(sampled.unconstrain(values))).toBeCloseTo(plain.logDensity(plain.unconstrain(values)), 12);
  });
  test("reach functions that read them, by way of others too", async () => {
    const model = ppl`
      data y: real[N]
      param a: real[2], b: real
      a ~ Normal(0, 2)
      fn inner(x) = a[1] * x + a[2]
      fn outer(x, b) = inner(x) + b
      fn shift(x) = outer(x, 1) * b
      for n in 1..N { z[n] ~ Normal(0, 1); y[n] ~ Normal(shift(z[n]), 1) }`;
    const sampled = await model.withSampledParams().bind({ y: [1, 2] });
    const plain = await ppl`
      data y: real[N]
      a: real[2] ~ Normal(0, 2)
      b: real ~ Flat()
      for n in 1..N { z[n] ~ Normal(0, 1); y[n] ~ Normal((a[1] * z[n] + a[2] + 1) * b, 1) }`.bind({ y: [1, 2] });
    const values = { a: [0.3, -0.6], b: 1.7, z: [0.2, 1.1] };
    expect(sampled.logDensity(sampled.unconstrain(values))).toBeCloseTo(plain.logDensity(plain.unconstrain(values)), 12);
  });
  test("of a model without any is a sentence", () => {
    const none = ppl`data y: real
      mu ~ Normal(0, 1)
      y ~ Normal(mu, 1)`;
    expect(() => none.withSampledParams()).toThrow("embedded has no params to sample");
  });
});
