// The command line: exit codes, what stands on stdout and stderr, what is written. Runs the built code, as users do.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";

const cli = join(import.meta.dirname, "..", "..", "dist", "cli.js");
const folder = mkdtempSync(join(tmpdir(), "tilde-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
function ppl(...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: "utf8" });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

const model = file(
  "schools.ppl",
  "data J: int\ndata y: real[J], sigma: positive[J]\nmu ~ Normal(0, 5)\ntau ~ HalfCauchy(5)\ntheta: real[J] ~ noncentered Normal(mu, tau)\ny ~ Normal(theta, sigma)\n",
);
const data = { J: 8, y: [28, 8, -3, 7, -1, 1, 18, 12], sigma: [15, 10, 16, 11, 9, 11, 10, 18] };
file("schools.data.json", JSON.stringify(data));
const quick = ["--chains", "2", "--warmup", "200", "--draws", "200", "--seed", "1", "--threads", "1", "--progress", "none"];

describe("ppl run", () => {
  test("takes the data beside the model, prints settings and summary, saves a folder", () => {
    const { code, out } = ppl("run", model, ...quick, "--out", "first");
    expect(code).toBe(0);
    expect(out).toContain("engine nuts, 2 chains, seed 1");
    expect(out).toMatch(/^theta\[8\]/m);
    expect(readdirSync(join(folder, "first")).sort()).toEqual(["chain-1.csv", "chain-2.csv", "run.json", "summary.json"]);
    const run = JSON.parse(readFileSync(join(folder, "first", "run.json"), "utf8"));
    expect(run).toMatchObject({ engine: "nuts", seed: 1, chains: 2, status: "done", options: { draws: 200 } });
    const csv = readFileSync(join(folder, "first", "chain-1.csv"), "utf8");
    expect(csv).toContain("lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,mu,tau,theta.1,");
    expect(csv.split("\n").filter((line) => /^-?\d/.test(line))).toHaveLength(200);
  });

  test("--json prints the object of summary.json and nothing else", () => {
    const { code, out } = ppl("run", model, ...quick, "--no-save", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ engine: "nuts", chains: 2, draws: 200, variables: { mu: {}, "theta[8]": {} } });
  });

  test("one seed, one result, byte for byte", () => {
    const draws = (name: string) => {
      expect(ppl("run", model, ...quick, "--quiet", "--out", name).code).toBe(0);
      return readFileSync(join(folder, name, "chain-2.csv"), "utf8")
        .split("\n")
        .filter((line) => !line.startsWith("#"))
        .join("\n");
    };
    expect(draws("a")).toBe(draws("b"));
  });

  test("Ctrl-C keeps what was drawn and exits with 130", async () => {
    const args = [
      cli,
      "run",
      model,
      "--draws",
      "2000000",
      "--seed",
      "1",
      "--threads",
      "1",
      "--chains",
      "1",
      "--progress",
      "json",
      "--out",
      "stopped",
    ];
    const child = spawn(process.execPath, args, { cwd: folder });
    let sent = false;
    child.stderr.on("data", (text: Buffer) => {
      if (sent || !text.toString().includes('"sampling"')) return;
      sent = true;
      child.kill("SIGINT");
    });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    expect(code).toBe(130);
    expect(JSON.parse(readFileSync(join(folder, "stopped", "run.json"), "utf8")).status).toBe("interrupted");
    expect(readFileSync(join(folder, "stopped", "chain-1.csv"), "utf8").split("\n").length).toBeGreaterThan(50);
  });

  test("starts from a file of values, and refuses one that does not fit", () => {
    file("init.json", '{"mu": 1, "tau": 2}');
    expect(ppl("run", model, ...quick, "--no-save", "--init", "init.json").code).toBe(0);
    file("bad-init.json", '{"nu": 1}');
    const { code, err } = ppl("run", model, ...quick, "--no-save", "--init", "bad-init.json");
    expect(code).toBe(1);
    expect(err).toContain("nu is no latent of the model");
    const matrix = file("matrix.ppl", "m: real[2, 3] ~ Normal(0, 1)\n");
    file("matrix-init.json", '{"m": [[1, 2, 3], [4, 5, 6]]}');
    expect(ppl("run", matrix, ...quick, "--no-save", "--init", "matrix-init.json").code).toBe(0);
    file("matrix-init.json", '{"m": [[1, 2], [3, 4], [5, 6]]}');
    const turned = ppl("run", matrix, ...quick, "--no-save", "--init", "matrix-init.json");
    expect(turned.err).toContain("the starting value of m has shape [3, 2], but m has shape [2, 3]");
  });

  test("an optimum is no chain: its settings, table and last line say so", () => {
    const { code, out } = ppl("run", model, "--engine", "map", "--seed", "1", "--no-save", "--jacobian");
    expect(code).toBe(0);
    expect(out).toContain("engine map, seed 1, --jacobian");
    expect(out).toMatch(/^ +value$/m);
    expect(out).toMatch(/^a point, in \d/m);
    expect(out).toContain("converged after");
    expect(out).not.toMatch(/R-hat|warm-up|chain/);
    // Draws without a sampler have nothing to be fine.
    expect(ppl("run", model, "--engine", "prior", "--seed", "1", "--no-save").out).not.toContain("no problems found");
  });

  test("a folder that cannot be written is refused before anything runs", () => {
    file("taken", "a file");
    const { code, out, err } = ppl("run", model, ...quick, "--out", join("taken", "run"));
    expect(code).toBe(1);
    expect(err).toContain("taken is a file");
    expect(out).toBe("");
  });

  test("the hashes are of what was run, whatever became of the files meanwhile", async () => {
    const text = JSON.stringify(data);
    const path = file("fleeting.json", text);
    const args = [cli, "run", model, "--data", path, ...quick, "--draws", "20000", "--progress", "json", "--out", "hashed"];
    const child = spawn(process.execPath, args, { cwd: folder });
    child.stderr.once("data", () => rmSync(path));
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(0);
    const run = JSON.parse(readFileSync(join(folder, "hashed", "run.json"), "utf8"));
    expect(run.files[1].sha256).toBe(createHash("sha256").update(text).digest("hex"));
  });

  test.each(["map", "prior"])("Ctrl-C stops engine %s too", async (engine) => {
    const many = engine === "map" ? "--starts" : "--draws";
    const args = [cli, "run", model, "--engine", engine, many, "10000000", "--no-save", "--progress", "json"];
    const child = spawn(process.execPath, args, { cwd: folder });
    child.stderr.once("data", () => child.kill("SIGINT"));
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(130);
  });

  test("a start where the density is not finite gets one message, with statement, element and values", () => {
    const path = file("bad-start.ppl", "data y: real[N]\nm ~ Normal(0, 1)\ny ~ Normal(m, m - 1000)\n");
    const values = file("bad-start.json", '{"y": [1, 2]}');
    const { code, err } = ppl("run", path, "--data", values, ...quick, "--no-save");
    expect(code).toBe(1);
    expect(err).toMatch(/the term of y at \[1\] is nan/i);
    expect(err).toContain("bad-start.ppl:3:1");
    expect(err).toMatch(/m - 1000 = -/);
    expect(err).not.toContain("    at ");
  });

  test("a result that is not to be trusted exits with 2", () => {
    const path = file("two-modes.ppl", "m ~ Normal(0, 1000)\nfactor(-0.5 * ((abs(m) - 500) / 1)^2)\n");
    const { code, err } = ppl("run", path, ...quick, "--chains", "6", "--no-save", "--init", "1000");
    expect(code).toBe(2);
    expect(err).toContain("not to be trusted");
  });
});

describe("mistakes", () => {
  const mistakes: [name: string, args: () => string[], message: RegExp][] = [
    ["a missing model", () => ["run", "nowhere.ppl"], /cannot read nowhere\.ppl: no such file/],
    ["a model that is not text", () => ["run", file("noise.ppl", Uint8Array.of(0, 1, 2, 255))], /noise\.ppl is not text/],
    ["an empty model", () => ["run", file("empty.ppl", "")], /nothing to infer/],
    [
      "several errors at once",
      () => ["check", file("errors.ppl", "x ~ Norml(0, 1)\ny ~ Normal(0, sigm)\n")],
      /PPL205[\s\S]*PPL201/,
    ],
    ["missing data", () => ["run", model, "--data", "nowhere.json"], /cannot read nowhere\.json/],
    [
      "truncated JSON",
      () => ["run", model, "--data", file("cut.json", '{"J": 8, "y": [1, 2')],
      /cut\.json, line 1, column \d+: the file ends/,
    ],
    [
      "ragged JSON",
      () => ["run", model, "--data", file("ragged.json", '{"J": 2, "y": [[1, 2], [3]], "sigma": [1, 1]}')],
      /y\[2\] has 1 element where y\[1\] has 2/,
    ],
    [
      "text for a number",
      () => ["run", model, "--data", file("text.json", '{"J": 2, "y": [1, "two"], "sigma": [1, 1]}')],
      /y\[2\] is the text "two"/,
    ],
    ["a broken gzip file", () => ["run", model, "--data", file("broken.json.gz", "not gzip")], /not a gzip file/],
    [
      "NaN in data",
      () => ["run", model, "--data", file("nan.json", '{"J": 2, "y": [1, NaN], "sigma": [1, 1]}')],
      /y\[2\] is NaN/,
    ],
    [
      "sizes that disagree",
      () => ["run", model, "--data", file("sizes.json", '{"J": 2, "y": [1, 2], "sigma": [1, 1, 1]}')],
      /sigma has 3 values but J is 2/,
    ],
    ["no rows", () => ["run", model, "--data", file("none.json", '{"J": 0, "y": [], "sigma": []}')], /y is empty/],
    [
      "a variable in two files",
      () => ["run", model, "--data", "schools.data.json", "--data", "schools.data.json"],
      /a variable comes from one file/,
    ],
    ["an unknown option", () => ["run", model, "--drawz", "5"], /--drawz[\s\S]*--draws/],
    [
      "an option out of range",
      () => ["run", model, "--target-accept", "1.5", "--no-save"],
      /--target-accept must be a number between 0 and 1/,
    ],
    ["an unknown engine", () => ["run", model, "--engine", "gibbs"], /there is no engine gibbs/],
    ["a --set that is no number", () => ["run", model, "--set", "K=many"], /--set takes NAME=NUMBER/],
    [
      "an import from outside",
      () => ["check", file("outside.ppl", 'import "../secret.ppl"\nx ~ Normal(0, 1)\n')],
      /outside the folder/,
    ],
    ["a folder without draws", () => ["summary", folder], /cannot|no CSV|columns|header/i],
  ];
  test.each(mistakes)("%s: a sentence, exit code 1, nothing written", (_name, args, message) => {
    const before = readdirSync(folder).length;
    const all = args();
    const made = readdirSync(folder).length;
    const { code, out, err } = ppl(...all);
    expect(err + out).toMatch(message);
    expect(err + out).not.toContain("    at ");
    expect(code).toBe(1);
    expect(readdirSync(folder).length).toBe(Math.max(before, made));
    expect(existsSync(join(folder, "ppl-runs"))).toBe(false);
  });
});

test("a reader that has seen enough ends nothing in a stack trace", async () => {
  const names = Array.from({ length: 3000 }, (_, i) => `x.${i + 1}`).join();
  const wide = file("wide.csv", `${names}\n${`${"1,".repeat(2999)}1\n`.repeat(4)}`);
  const child = spawn(process.execPath, [cli, "summary", wide, "--json"], { cwd: folder });
  let err = "";
  child.stderr.on("data", (text: Buffer) => {
    err += text.toString();
  });
  child.stdout.once("data", () => child.stdout.destroy());
  expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(0);
  expect(err).toBe("");
});

test("format, dump, list, summary, diagnose, doctor", () => {
  const ugly = file("ugly.ppl", "mu~Normal( 0,1 )   // prior\n");
  expect(ppl("format", ugly).out).toBe("mu ~ Normal(0, 1)  // prior\n");
  for (const stage of ["ast", "model", "ir", "gradient", "wasm"]) {
    const { code, out } = ppl("dump", model, "--stage", stage);
    expect(code).toBe(0);
    expect(out.length).toBeGreaterThan(50);
  }
  expect(ppl("list", "distributions").out).toContain("Normal(mu, sigma)");
  file("schools.json.gz", gzipSync(JSON.stringify(data)));
  expect(ppl("run", model, "--data", "schools.json.gz", ...quick, "--quiet", "--out", "kept").code).toBe(0);
  expect(ppl("summary", "kept").out).toMatch(/^mu /m);
  const saved = JSON.parse(readFileSync(join(folder, "kept", "summary.json"), "utf8"));
  expect(JSON.parse(ppl("summary", "kept", "--json").out).variables).toEqual(saved.variables);
  expect(ppl("diagnose", "kept").out).toContain("Processing complete");
  expect(ppl("doctor").out).toContain("float64 SIMD kernels run");
});
