// One seed, one file of draws: of two runs, of any number of threads, of every Node version that is at hand.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { engines } from "../../src/inference/engines/index.ts";
import { type RunSettings, runEngine } from "../../src/inference/run.ts";
import { loadModel } from "../../src/load.ts";
import { ownModels, readOwn } from "../models.ts";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "tilde-bits-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Files of a run by name, without the lines that tell the time. */
function filesOf(command: readonly string[], name: string, folder: string, flags: readonly string[]): Map<string, string> {
  const out = join(scratch, folder);
  const [program, ...first] = command;
  const args = [
    ...first,
    cli,
    "run",
    readOwn(name).path,
    "--seed",
    "20240229",
    "--out",
    out,
    "--quiet",
    "--save-warmup",
    ...flags,
  ];
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8", shell: process.platform === "win32" });
  if (status !== 0 && status !== 2) throw new Error(`${command.join(" ")} ended with ${status}\n${stderr}`);
  const clock = /^# *(?:start_datetime = .*|.*\d seconds \(.*\))\n/gm;
  const csv = readdirSync(out).filter((file) => file.endsWith(".csv"));
  expect(csv.length).toBe(4);
  return new Map(csv.sort().map((file) => [file, readFileSync(join(out, file), "utf8").replace(clock, "")]));
}
const here = (name: string, folder: string, ...flags: string[]) => filesOf([process.execPath], name, folder, flags);

for (const name of ownModels) {
  test(`${name}: two runs, and any number of threads, write the same bytes`, () => {
    const first = here(name, `${name}-first`);
    expect([...first.values()].every((text) => text.split("\n").length > 2000)).toBe(true);
    expect(here(name, `${name}-again`)).toEqual(first);
    for (const threads of ["1", "2"]) expect(here(name, `${name}-threads-${threads}`, "--threads", threads)).toEqual(first);
  });

  test(`${name}: this thread, one worker and two draw the same bits`, async () => {
    const { path, data } = readOwn(name);
    const { target } = await loadModel(path).bind(data);
    const nuts = engines.get("nuts");
    if (nuts === undefined) throw new Error("there is no engine nuts");
    const bits = async (settings: Partial<RunSettings>) => {
      const { chains, threads } = await runEngine(target, nuts, { draws: 500, warmup: 500 }, { seed: 3, ...settings });
      return { threads, bytes: chains.map(({ positions }) => Buffer.from(positions.buffer).toString("base64")) };
    };
    const main = await bits({ workers: "never" });
    const one = await bits({ workers: "always", threads: 1 });
    const two = await bits({ workers: "always", threads: 2 });
    expect([main.threads, one.threads, two.threads]).toEqual([0, 1, 2]);
    expect(one.bytes).toEqual(main.bytes);
    expect(two.bytes).toEqual(main.bytes);
  });
}

for (const version of ["20", "22", "24"]) {
  const command = ["npx", "--yes", "-p", `node@${version}`, "node"];
  test(`Node ${version} writes the same bytes`, (context) => {
    const said = spawnSync(command[0], [...command.slice(1), "--version"], {
      encoding: "utf8",
      timeout: 300_000,
      shell: process.platform === "win32",
    });
    if (said.status !== 0) {
      console.log(`Node ${version} is not at hand (the package registry does not answer): its bytes are not compared`);
      context.skip();
    }
    expect(said.stdout).toMatch(new RegExp(`^v${version}\\.`));
    for (const name of ownModels)
      expect(filesOf(command, name, `${name}-node-${version}`, [])).toEqual(here(name, `${name}-node-here-${version}`));
  });
}
