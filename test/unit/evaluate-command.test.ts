// ppl run with files of bits and chosen rows, then ppl evaluate: what it prints and writes, and each mistake a sentence.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { stream } from "../../src/runtime/numeric/random.ts";
import { ppl } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "evaluate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());
const at = (name: string): string => join(folder, name);

const text = (hidden: number): string => `data x: int<0, 1>[N, 12]
const K = 2
net dec = mlp([K, ${hidden}, 12], tanh)
net enc = mlp([12, ${hidden}, 2 * K], tanh)
for n in 1..N {
  z[n]: real[K] ~ Normal(0, 1)
  x[n] ~ BernoulliLogit(dec(z[n]))
}
guide {
  for n in 1..N {
    let h = enc(x[n])
    z[n] ~ Normal(h[1..K], exp(h[K+1..2*K]))
  }
}
`;
const ROWS = 60;
/** Two patterns, with noise: 12 bits take two bytes. */
const bits = (): Uint8Array => {
  const rng = stream(1, "bits");
  const packed = new Uint8Array(2 * ROWS);
  for (let n = 0; n < ROWS; n++)
    for (let k = 0; k < 12; k++)
      if (((n % 2 === 0) === k < 6) !== rng.uniform() < 0.1) packed[2 * n + (k >> 3)] |= 128 >> (k & 7);
  return packed;
};
const quick = ["--seed", "1", "--progress", "none"];
const x = `x=${at("x.bits.gz")}`;

beforeAll(async () => {
  writeFileSync(at("vae.ppl"), text(6));
  writeFileSync(at("x.bits.gz"), gzipSync(bits()));
  const { code, err } = await ppl(
    "run",
    at("vae.ppl"),
    "--data",
    x,
    "--engine",
    "amortized",
    "--steps",
    "500",
    "--rate",
    "0.01",
    "--judged",
    "0",
    "--out",
    at("fit"),
    ...quick,
  );
  expect(err).toBe("");
  expect(code).toBe(0);
});

describe("ppl run", () => {
  test("reads bits with the row's length of the type, or of --columns; saves what was learnt", async () => {
    expect(readdirSync(at("fit")).sort()).toEqual([
      "chain-1.csv",
      "guide.json",
      "guide.npz",
      "run.json",
      "summary.json",
      "training.npz",
    ]);
    const run = JSON.parse(readFileSync(at("fit/run.json"), "utf8"));
    expect(run.modelPath).toBe(at("vae.ppl"));
    writeFileSync(at("open.ppl"), "data x: int<0, 1>[N, D]\np: unit[D] ~ Uniform(0, 1)\nfor n in 1..N { x[n] ~ Bernoulli(p) }\n");
    const without = await ppl("check", at("open.ppl"), "--data", x);
    expect(without.err).toBe(
      `error: ${at("x.bits.gz")} does not say how long its rows are: declare x with its number of columns (data x: int<0, 1>[N, 784]), or give --columns x=784\n`,
    );
    const given = await ppl("check", at("open.ppl"), "--data", x, "--columns", "x=12");
    expect(given.out).toContain("no errors; 12 unconstrained dimensions");
    expect((await ppl("check", at("open.ppl"), "--data", x, "--columns", "x=0")).err).toMatch(/--columns x= must be an integer/);
    expect((await ppl("check", at("open.ppl"), "--data", at("x.bits.gz"))).err).toContain(
      "holds one array without a name: say which variable of the model it is, x=",
    );
  });
  test("rows are taken as asked, or it says why not", async () => {
    const check = (...flags: string[]) => ppl("check", at("open.ppl"), "--data", x, "--columns", "x=12", ...flags);
    expect((await check("--rows", "N=3..90")).err).toBe("error: --rows N=3..90: the data have rows 1..60\n");
    expect((await check("--rows", "3")).err).toBe("error: --rows takes NAME=FIRST..LAST, not 3\n");
    expect((await check("--rows", "N=3")).err).toBe("error: --rows takes NAME=FIRST..LAST, as in N=1..2000, not N=3\n");
    expect((await check("--subset", "M=3")).err).toContain("no data are declared with the size M");
    expect((await check("--subset", "N=61")).err).toBe("error: --subset N=61: the data have 60 rows\n");
    expect((await check("--subset", "N=5", "--rows", "N=1..2")).err).toContain("give one of them");
  });
});

describe("ppl evaluate", () => {
  test("a run's folder: by importance weights, with active units", async () => {
    const { code, out, err } = await ppl("evaluate", at("fit"), "--data", x, "--samples", "200", ...quick);
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toMatch(/^vae: 60 rows of N, parameters of 500 steps of amortized, seed 1$/m);
    expect(out).toMatch(/^by importance weights of 200 draws of the guide, on float64 WebAssembly, in [\d.]+ s$/m);
    expect(out).toMatch(/^log p\(x\), mean of 60 rows: -\d+\.\d+ ± [\d.]+, of which Monte Carlo [\d.]+$/m);
    expect(out).toMatch(/^active units: [012] of 2$/m);
  });
  test("annealing agrees with it; rows are numbered as in the file", async () => {
    const json = async (...flags: string[]) => {
      const { out } = await ppl("evaluate", at("fit"), "--data", x, "--rows", "N=11..25", "--json", ...quick, ...flags);
      return JSON.parse(out);
    };
    const iwae = await json("--samples", "2000");
    const ais = await json("--estimator", "ais", "--temperatures", "15", "--out", at("rows.csv"));
    expect(iwae).toMatchObject({ estimator: "iwae", samples: 2000, rows: 15 });
    expect(ais).toMatchObject({ estimator: "ais", chains: 4, temperatures: 15, rows: 15 });
    const error = Math.sqrt(iwae.monte_carlo_error ** 2 + ais.monte_carlo_error ** 2);
    expect(Math.abs(iwae.mean - ais.mean)).toBeLessThan(4 * error);
    const lines = readFileSync(at("rows.csv"), "utf8").trim().split("\n");
    expect(lines[0]).toBe("row,log_likelihood,monte_carlo_error");
    expect(lines.slice(1).map((line) => Number(line.split(",")[0]))).toEqual(Array.from({ length: 15 }, (_, i) => 11 + i));
    const values = lines.slice(1).map((line) => Number(line.split(",")[1]));
    expect(values.reduce((a, b) => a + b, 0) / 15).toBeCloseTo(ais.mean, 10);
  });
  test("a subset is the same rows each time", async () => {
    const rows = async (...flags: string[]) => {
      await ppl(
        "evaluate",
        at("vae.ppl"),
        "--params",
        at("fit"),
        "--data",
        x,
        "--samples",
        "10",
        "--out",
        at("subset.csv"),
        ...quick,
        ...flags,
      );
      return readFileSync(at("subset.csv"), "utf8")
        .split("\n")
        .map((line) => line.split(",")[0])
        .join();
    };
    const once = await rows("--subset", "N=7");
    expect(once.split(",")).toHaveLength(9);
    expect(await rows("--subset", "N=7")).toBe(once);
    expect(await rows("--subset", "N=7", "--subset-seed", "2")).not.toBe(once);
  });
  test("pictures alone, where nothing else is asked for", async () => {
    writeFileSync(at("labels.json"), JSON.stringify({ labels: Array.from({ length: ROWS }, (_, n) => n % 2) }));
    const { code, out, err } = await ppl(
      "evaluate",
      at("fit"),
      "--data",
      x,
      "--pictures",
      at("pictures"),
      "--image",
      "3x4",
      "--labels",
      at("labels.json"),
      ...quick,
    );
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).not.toContain("log p(x)");
    expect(readdirSync(at("pictures")).sort()).toEqual([
      "latents.svg",
      "pictures.html",
      "prior-samples.png",
      "reconstructions.png",
      "training.svg",
    ]);
    const shown = ["--data", x, "--pictures", at("json"), "--image", "3x4", "--json", ...quick];
    const made = JSON.parse((await ppl("evaluate", at("fit"), ...shown)).out);
    expect(made).toMatchObject({ seed: 1, pictures: { folder: at("json"), notes: [] } });
    expect(made.pictures.files).toContain("pictures.html");
    const both = JSON.parse((await ppl("evaluate", at("fit"), ...shown, "--samples", "5")).out);
    expect(both).toMatchObject({ estimator: "iwae", samples: 5, pictures: made.pictures });
    const bad = async (...flags: string[]) =>
      (await ppl("evaluate", at("fit"), "--data", x, "--pictures", at("others"), ...quick, ...flags)).err;
    expect(await bad("--image", "4")).toContain("--image takes HEIGHTxWIDTH, or NAME=HEIGHTxWIDTH");
    expect(await bad("--image", "5x5")).toContain("an image of 5 x 5 pixels takes 25 numbers, and a row of x has 12");
    expect(await bad("--image", "3x4", "--labels", at("labels.json"), "--rows", "N=1..20")).toBe("");
    writeFileSync(at("labels.json"), '{"labels": [1, 2]}');
    expect(await bad("--image", "3x4", "--labels", at("labels.json"))).toContain(
      "has 2 labels, which are not one integer for each of the 60 rows",
    );
  });
  test("without what it needs: a sentence", async () => {
    const err = async (...args: string[]) => {
      const run = await ppl("evaluate", ...args, ...quick);
      expect(run.code).toBe(1);
      return run.err;
    };
    expect(await err(at("nowhere"), "--data", x)).toMatch(/^error: cannot read .*nowhere: no such file or folder/);
    expect(await err(at("vae.ppl"), "--data", x)).toMatch(
      /^error: vae has params or networks to learn: give the folder of a run that has, --params DIR/,
    );
    mkdirSync(at("empty"), { recursive: true });
    expect(await err(at("empty"), "--data", x)).toMatch(/empty is no folder of a run: it has no run.json/);
    expect(await err(at("vae.ppl"), "--params", at("empty"), "--data", x)).toMatch(/has no parameters of a fit/);
    writeFileSync(at("wide.ppl"), text(7));
    expect(await err(at("wide.ppl"), "--params", at("fit"), "--data", x)).toContain(
      "dec.1.weight has shape [2, 6] there and shape [2, 7] here",
    );
    const run = JSON.parse(readFileSync(at("fit/run.json"), "utf8"));
    mkdirSync(at("moved"), { recursive: true });
    writeFileSync(at("moved/run.json"), JSON.stringify({ ...run, modelPath: at("gone.ppl") }));
    expect(await err(at("moved"), "--data", x)).toBe(
      `error: the model of the run in ${at("moved")} was ${at("gone.ppl")}, which is not there: ppl evaluate MODEL --params ${at("moved")}\n`,
    );
    expect(await err(at("fit"), "--data", x, "--samples", "0")).toMatch(/--samples must be an integer/);
    expect(await err(at("fit"), "--data", x, "--backend", "abacus")).toMatch(/there is no backend abacus; there are auto, wasm/);
    expect(existsSync(at("others"))).toBe(true);
  });
  test("what rest ~ stands for is among what was learnt, without any param", async () => {
    writeFileSync(
      at("rest.ppl"),
      "data y: real[N]\nfor n in 1..N {\n  z[n] ~ Normal(0, 1)\n  y[n] ~ Normal(z[n], 1)\n}\nguide { rest ~ meanfield() }\n",
    );
    writeFileSync(at("rest.data.json"), '{"y": [1, 2, 0.5, -1]}');
    const train = ["--engine", "amortized", "--steps", "500", "--rate", "0.05", "--judged", "0", "--out", at("rest-fit")];
    expect((await ppl("run", at("rest.ppl"), ...train, ...quick)).code).not.toBe(1);
    const { code, out, err } = await ppl("evaluate", at("rest-fit"), "--samples", "500", ...quick);
    expect([code, err]).toEqual([0, ""]);
    // y ~ Normal(0, √2), the mean of its four values.
    const exact = -0.5 * Math.log(4 * Math.PI) - (1 + 4 + 0.25 + 1) / 16;
    expect(Math.abs(Number(/mean of 4 rows: (\S+)/.exec(out)?.[1]) - exact)).toBeLessThan(0.1);
    expect((await ppl("evaluate", at("rest.ppl"), ...quick)).err).toMatch(
      /has rest ~, which is to be learnt: give the folder of a run/,
    );
  });
  test("rows of another size than the plate's do not number it; a model that learns nothing takes no parameters", async () => {
    const two = "data y: real[N], w: real[D]\nfor n in 1..N {\n  z[n] ~ Normal(0, 1)\n  y[n] ~ Normal(z[n] + sum(w), 1)\n}\n";
    writeFileSync(at("two.ppl"), two);
    writeFileSync(at("two.data.json"), '{"y": [1, 2, 0.5], "w": [1, 2, 3, 4]}');
    const short = ["--temperatures", "5", "--chains", "2", "--out", at("two.csv"), ...quick];
    const numbers = async (...flags: string[]) => {
      expect((await ppl("evaluate", at("two.ppl"), ...short, ...flags)).code).toBe(0);
      const lines = readFileSync(at("two.csv"), "utf8").trim().split("\n");
      return lines.slice(1).map((line) => Number(line.split(",")[0]));
    };
    expect(await numbers("--rows", "D=2..3")).toEqual([1, 2, 3]);
    expect(await numbers("--rows", "y=2..3")).toEqual([2, 3]);
    const given = await ppl("evaluate", at("two.ppl"), "--params", at("fit"), ...short);
    expect([given.code, given.err]).toEqual([1, expect.stringContaining("two has nothing to learn")]);
  });
  test("what would be of no use is refused, before anything is estimated", async () => {
    const refused = async (...flags: string[]) => {
      const { code, out, err } = await ppl("evaluate", at("fit"), "--data", x, ...quick, ...flags);
      expect(code).toBe(1);
      expect(out).not.toContain("log p(x)");
      return err;
    };
    expect(await refused("--leapfrog", "3")).toBe("error: --leapfrog is of --estimator ais, and this is iwae\n");
    expect(await refused("--estimator", "ais", "--samples", "3")).toContain("--samples is of --estimator iwae");
    expect(await refused("--image", "3x4")).toContain("give --pictures FOLDER too");
    expect(await refused("--out", at("fit"))).toBe(`error: cannot write ${at("fit")}: it is a folder\n`);
    expect(await refused("--out", "")).toBe("error: a file to write to needs a name\n");
    expect(await refused("--pictures", " ")).toBe("error: a folder to write to needs a name\n");
    expect(await refused("--pictures", at("none"), "--image", "5x5", "--samples", "10")).toContain("an image of 5 x 5 pixels");
    expect(existsSync(at("none"))).toBe(false);
    expect(await refused("--set", "Q=3")).toBe("error: Q is no const of vae, and only consts are set: it has K\n");
    expect(await refused("--set", "N=3")).toContain("N is not a const of vae");
    expect(await refused("--columns", "y=3")).toBe("error: --columns y: there is no file of y, --data y=FILE\n");
    expect(await refused("--subset-seed", "3")).toContain("give --subset NAME=COUNT too");
    // Rows of 12 bits take two bytes, as rows of 9 do: but those would leave ones over.
    expect(await refused("--columns", "x=9")).toMatch(/row \d+ has more than 9 bits: its rows have another length/);
  });
  test("a damaged run, or one whose model nobody knows: a sentence", async () => {
    const run = JSON.parse(readFileSync(at("fit/run.json"), "utf8"));
    mkdirSync(at("damaged"), { recursive: true });
    writeFileSync(at("damaged/chain-1.csv"), readFileSync(at("fit/chain-1.csv")));
    const written = async (command: string, text: string) => {
      writeFileSync(at("damaged/run.json"), text);
      const { code, err } = await ppl(command, at("damaged"));
      expect(code).toBe(1);
      return err;
    };
    expect(await written("diagnose", '{"verdicts": [')).toBe(
      `error: ${at("damaged/run.json")} is not JSON: it is cut off or damaged\n`,
    );
    expect(await written("diagnose", '{"verdicts": [{"level": "odd", "advice": "none"}]}')).toContain(
      "a verdict of the level odd",
    );
    expect(await written("evaluate", JSON.stringify({ ...run, modelPath: undefined }))).toContain(
      "does not say where its model is: ppl evaluate MODEL --params",
    );
  });
  test("a model whose text has changed is noted", async () => {
    writeFileSync(at("noted.ppl"), `// Another text.\n${text(6)}`);
    const { code, err } = await ppl("evaluate", at("noted.ppl"), "--params", at("fit"), "--data", x, "--samples", "10", ...quick);
    expect(code).toBe(0);
    expect(err).toMatch(/^note: the text of noted is another than that whose parameters .* has; their names and shapes agree$/m);
  });
});
