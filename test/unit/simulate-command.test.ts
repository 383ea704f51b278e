// ppl simulate: what it prints and writes, and each mistake a sentence.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { ppl } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "simulate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());
const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};
const json = (name: string) => JSON.parse(readFileSync(at(name), "utf8")) as Record<string, unknown>;

const ar = write(
  "ar.ppl",
  `data y: real[T]
a ~ Uniform(-1, 1)
y[1] ~ Normal(0, 1)
for t in 2..T { y[t] ~ Normal(a * y[t-1], 1) }
predict next ~ Normal(a * y[T], 1)
`,
);

test("a data set, the latents beside it, and a fit of it", async () => {
  const made = await ppl("simulate", ar, "--size", "T=40", "--seed", "3", "--out", at("made.json"));
  expect(made).toMatchObject({ code: 0, err: "" });
  expect(made.out).toContain("1 draw of the model read forwards, seed 3");
  expect(made.out).toContain("made.latents.json");
  expect((json("made.json").y as number[]).length).toBe(40);
  expect(Object.keys(json("made.latents.json"))).toEqual(["a"]);
  const again = await ppl(
    "simulate",
    ar,
    "--size",
    "T=40",
    "--seed",
    "3",
    "--latents",
    at("made.latents.json"),
    "--out",
    at("b.json"),
  );
  expect(again.code).toBe(0);
  expect(json("b.latents.json")).toEqual(json("made.latents.json"));
  const run = await ppl(
    "run",
    ar,
    "--data",
    at("made.json"),
    "--draws",
    "100",
    "--warmup",
    "100",
    "--chains",
    "1",
    "--seed",
    "1",
    "--no-save",
  );
  expect(run.code).not.toBe(1);
});

test("prior predictive draws: a table, JSON, a folder of data sets and draws", async () => {
  const table = await ppl("simulate", ar, "--size", "T=3", "--draws", "50", "--seed", "1");
  expect(table.out).toMatch(/y\[3\]/);
  expect(table.out).toMatch(/next/);
  const summary = await ppl("simulate", ar, "--size", "T=3", "--draws", "50", "--seed", "1", "--json");
  const object = JSON.parse(summary.out) as { draws: number; seed: number; variables: Record<string, object> };
  expect([object.draws, object.seed]).toEqual([50, 1]);
  expect(Object.keys(object.variables)).toEqual(["a", "next", "y[1]", "y[2]", "y[3]"]);
  const all = await ppl("simulate", ar, "--size", "T=3", "--draws", "2", "--seed", "1", "--out", at("all"));
  expect(all.code).toBe(0);
  expect(readdirSync(at("all")).sort()).toEqual([
    "chain-1.csv",
    "data-1.json",
    "data-2.json",
    "latents-1.json",
    "latents-2.json",
  ]);
  const back = await ppl("summary", at("all"), "--json");
  expect(JSON.parse(back.out)).toMatchObject({ chains: 1, draws: 2 });
});

test("the folder of a run keeps its draws", async () => {
  writeFileSync(at("all/run.json"), "{}");
  const made = await ppl("simulate", ar, "--size", "T=3", "--draws", "3", "--seed", "1", "--out", at("all"));
  expect(made.code).toBe(1);
  expect(made.err).toContain("is the folder of a run");
  expect(readdirSync(at("all"))).not.toContain("data-3.json");
});

describe("mistakes are sentences, exit code 1, and nothing is written", () => {
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ["no size", [], "the size T is not known: what has it is drawn"],
    ["a size that is none", ["--size", "T=x"], "--size takes NAME=NUMBER, not T=x"],
    ["a size that is no integer", ["--size", "T=2.5"], "the size T is 2.5 in the data"],
    ["draws that are no number", ["--size", "T=3", "--draws", "many"], "--draws must be an integer from 1"],
    ["many draws in one file", ["--size", "T=3", "--draws", "2"], "takes one data set"],
    ["latents that are none", ["--size", "T=3", "--latents", write("c.json", '{"c": 1}')], "c is no latent of ar; it has a"],
    ["latents in no file", ["--size", "T=3", "--latents", at("nowhere.json")], "nowhere.json"],
    ["params of a model without", ["--size", "T=3", "--sample-params"], "ar has no params to sample"],
  ];
  test.each(cases)("%s", async (_, args, message) => {
    const { code, err } = await ppl("simulate", ar, ...args, "--out", at("never.json"));
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
    expect(existsSync(at("never.json"))).toBe(false);
  });
});
