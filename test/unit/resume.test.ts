// Training that is gone on from: two halves are the whole, bit by bit; and what cannot be gone on from is a sentence.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fit } from "../../src/fit.ts";
import { loadParameters } from "../../src/index.ts";
import { Shuffle } from "../../src/inference/vi/shuffle.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { bound } from "./model-under-test.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "resumed-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const x = Array.from({ length: 12 }, (_, n) => Math.sin(2 * n) + 0.1 * n);
const xs = x.map((v, n) => [v, Math.cos(n) - v]);
const line = `data y: real[N]
param s: positive = 1, mean: real, w: unit = 0.3
a ~ Normal(0, 2)
b ~ LogNormal(0, 1)
for n in 1..N { y[n] ~ Normal(mean + a + b * n * w, s) }`;
const rows = `data y: real[N]
param c: real = 0.1, d: positive[N]
m ~ Normal(0, 1)
for n in 1..N { z[n] ~ Normal(m, 1)
  y[n] ~ Normal(z[n], 0.5) }
guide { for n in 1..N { z[n] ~ Normal(c * y[n], d[n]) }
  rest ~ meanfield() }`;
const vectors = `data x: real[N, 2]
param V: real[2, 2], t: positive[2]
for n in 1..N { z[n]: real[2] ~ Normal(0, 1)
  x[n] ~ Normal(z[n] @ V, 0.5) }
guide { for n in 1..N { z[n] ~ Normal(x[n], t) } }`;
const bits = `data y: real[N]
param mu: real = 1
for n in 1..N { k[n] ~ Bernoulli(0.3)
  y[n] ~ Normal(k[n] * mu, 1) }
u ~ Normal(0, 1)`;

interface Case {
  readonly engine: string;
  readonly text: string;
  readonly data: Record<string, unknown>;
  readonly options?: Record<string, unknown>;
  /** By files and what is read of them too; else by the fit alone. */
  readonly files?: boolean;
}
const cases: readonly Case[] = [
  { engine: "meanfield", text: line, data: { y: x }, files: true },
  { engine: "meanfield", text: line, data: { y: x }, options: { clip: 1, beta1: 0.7 } },
  {
    engine: "meanfield",
    text: rows.slice(0, rows.indexOf("guide")).replace("d: positive[N]", "d: real"),
    data: { y: x },
    options: { batch: 5 },
  },
  { engine: "meanfield", text: bits, data: { y: x } },
  { engine: "fullrank", text: line, data: { y: x } },
  { engine: "lowrank", text: line, data: { y: x }, options: { rank: 1 } },
  { engine: "lowrank", text: line, data: { y: x }, options: { form: "precision" } },
  { engine: "hierarchical", text: line, data: { y: x }, options: { prior: "coupling", depth: 1, samples: 2 } },
  { engine: "hierarchical", text: bits, data: { y: x }, options: { prior: "mixture", reverse: "network", samples: 4 } },
  { engine: "amortized", text: rows, data: { y: x }, files: true, options: { batch: 5, klWarmup: 90 } },
  { engine: "vi-hmc", text: vectors, data: { x: xs }, options: { batch: 5, shear: true, transitions: 1, leapfrog: 1 } },
];
const usual = { seed: 3, schedule: "constant", averaged: 0, draws: 50, judged: 0, rate: 0.02, patience: 0 };
const of = ({ engine, options = {} }: Case): Record<string, unknown> => {
  const all = { ...usual, ...options };
  // Engines that build a family judge no rows.
  const builds = !["amortized", "vi-hmc"].includes(engine) && !(engine === "hierarchical");
  return builds ? Object.fromEntries(Object.entries(all).filter(([name]) => name !== "judged")) : all;
};
const HALF = 40;
/** Of vi-hmc, whose programs grow with them. */
const short = { judged: 0, transitions: 1, leapfrog: 1 };

describe("two halves are the whole", () => {
  test.each(cases)("$engine $options", async (c) => {
    const p = await bound(c.text, c.data as never);
    const options = of(c);
    const whole = await p.run(c.engine, { ...options, steps: 2 * HALF });
    const first = await p.run(c.engine, { ...options, steps: HALF });
    expect(first.learnt).not.toEqual(whole.learnt);
    await first.save(join(folder, "first"));
    for (const resume of [first, ...(c.files ? [join(folder, "first"), await loadParameters(join(folder, "first"))] : [])]) {
      const second = await p.run(c.engine, { ...options, steps: HALF, resume });
      expect([...first.traces.elbo, ...second.traces.elbo]).toEqual([...whole.traces.elbo]);
      expect(second.learnt).toEqual(whole.learnt);
      expect(second.unfinished).toEqual(whole.unfinished);
      expect(second.steps).toBe(2 * HALF);
      expect(second.allDraws.values).toEqual(whole.allDraws.values);
    }
    // Another seed has other noise, and the same moments.
    if (!c.files) return;
    const other = await p.run(c.engine, { ...options, seed: 4, steps: HALF, resume: first });
    expect(other.learnt).not.toEqual(whole.learnt);
    expect(other.unfinished.training.steps).toEqual(Float64Array.of(2 * HALF));
    expect(other.notes.join()).not.toContain("begins anew");
  });
});

const message = (p: Promise<unknown>): Promise<string> =>
  p.then(
    () => "nothing was refused",
    (e: Error) => `${e.name}: ${e.message}`,
  );

describe("what cannot be gone on from is said", () => {
  const run = async (text: string, data: object, engine: string, options: object): Promise<Fit> =>
    (await bound(text, data as never)).run(engine, { seed: 1, steps: 5, draws: 50, ...options });

  test("another engine, another family, another model, other data", async () => {
    const fit = await run(line, { y: x }, "meanfield", {});
    expect(await message(run(line, { y: x }, "fullrank", { resume: fit }))).toMatch(
      /^UsageError: the approximation of the fit to be gone on from is another than that of this run: it has learnt log scale, which is not learnt here; it has no log diagonal, which is\. Take the engine and the options/,
    );
    const low = await run(line, { y: x }, "lowrank", { rank: 1 });
    expect(await message(run(line, { y: x }, "lowrank", { rank: 2, resume: low }))).toContain(
      "factor of q has shape [2, 1] there and shape [2, 2] here",
    );
    const other = line.replaceAll("a ~", "e ~").replace("+ a +", "+ e +");
    await fit.save(join(folder, "fit"));
    expect(await message(run(other, { y: x }, "meanfield", { resume: join(folder, "fit") }))).toBe(
      `UsageError: ${join(folder, "fit")}: the approximation there is of a [], b [], and test has e [], b []: go on with the model and the data that it was fitted to, or run without --resume`,
    );
    const guide = await run(rows, { y: x }, "amortized", {});
    expect(
      await message(
        run(rows.replace("d: positive[N]", "d: positive").replace("d[n]", "d"), { y: x }, "amortized", { resume: guide }),
      ),
    ).toContain("d has shape [12] there and a single value here");
    expect(await message(run(rows, { y: x }, "meanfield", { resume: guide }))).toMatch(
      /none over the 13 unconstrained coordinates/,
    );
  });

  test("a shear matrix that would be lost; one that is new begins as the identity", async () => {
    const plain = await run(vectors, { x: xs }, "vi-hmc", short);
    const on = await run(vectors, { x: xs }, "vi-hmc", { ...short, shear: true, resume: plain });
    expect(on.notes.join()).toContain("the optimiser begins anew");
    expect(await message(run(vectors, { x: xs }, "vi-hmc", { ...short, resume: on }))).toContain(
      "it has learnt shear of z, which is not learnt here",
    );
    expect(await message((await bound(vectors, { x: xs })).fix(on))).toContain("ppl evaluate takes it into account");
  });

  test("values of params alone begin a new approximation; moments without the rest are not taken", async () => {
    const fit = await run(line, { y: x }, "meanfield", {});
    const on = await run(line, { y: x }, "fullrank", { resume: fit.parameters, rate: 1e-9 });
    expect(on.parameters.s.values[0]).toBeCloseTo(fit.parameters.s.values[0], 6);
    expect(on.steps).toBe(5);
    const { steps, ...rest } = fit.unfinished.training;
    const half = { learnt: fit.learnt, steps: 5, unfinished: { ...fit.unfinished, training: rest } };
    const anew = await run(line, { y: x }, "meanfield", { resume: half });
    expect([steps[0], anew.unfinished.training.steps[0]]).toEqual([5, 5]);
    expect(anew.notes.join()).toContain("the optimiser begins anew");
  });

  test("files that are damaged, or of an earlier version", async () => {
    const fit = await run(line, { y: x }, "meanfield", {});
    const at = join(folder, "damaged");
    await fit.save(at);
    expect(readdirSync(at)).toContain("training.npz");
    const text = readFileSync(join(at, "guide.json"), "utf8");
    writeFileSync(join(at, "guide.json"), text.replace('"latents"', '"was"'));
    expect(await message(run(line, { y: x }, "meanfield", { resume: at }))).toContain("saved by an earlier version of ppl");
    writeFileSync(join(at, "guide.json"), text);
    const binary = readFileSync(join(at, "training.npz"));
    binary[200] ^= 1;
    writeFileSync(join(at, "training.npz"), binary);
    expect(await message(run(line, { y: x }, "meanfield", { resume: at }))).toMatch(
      /training.npz is not the file that was saved/,
    );
  });
});

test("a pass over rows goes on where it was, over as many rows", () => {
  const [one, two] = [new Shuffle(stream(1, "rows"), 7), stream(1, "rows")];
  const out = new Int32Array(2);
  for (let k = 0; k < 5; k++) one.next(out);
  const state = one.state();
  two.restore(stream(1, "rows").state());
  const rng = stream(1, "rows");
  const again = new Shuffle(rng, 7);
  for (let k = 0; k < 5; k++) again.next(out);
  const later = new Shuffle(rng, 7, state);
  const twin = new Int32Array(2);
  // The stream is shared, so they are asked in turn, within a pass that needs none of it.
  one.next(out);
  later.next(twin);
  expect(twin).toEqual(out);
  expect([...new Shuffle(stream(1, "rows"), 8, state).state().subarray(1)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
