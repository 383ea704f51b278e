// Stan's side of the benchmark: an R process a posterior, which runs one chain when told to.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { readData } from "./posteriors.mjs";

const here = (path) => fileURLToPath(new URL(`stan/${path}`, import.meta.url));
/** Compiled models, kept from one benchmark to the next. */
export const stanCache = process.env.TILDE_STAN_CACHE ?? join(tmpdir(), "tilde-stan");

/** Starts R, compiles the model if the cache does not have it. */
export async function startStan(posterior) {
  mkdirSync(stanCache, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), "tilde-bench-"));
  const dataFile = join(folder, "data.R");
  writeFileSync(dataFile, rDump(readData(posterior)));
  const child = spawn("Rscript", [here("run.R"), stanCache, here(`${posterior.model}.stan`), dataFile], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (text) => (complaints += text));
  const lines = createInterface({ input: child.stdout });
  const waiting = [];
  lines.on("line", (line) => waiting.shift()?.resolve(JSON.parse(line)));
  let end;
  const failed = (why) => {
    end = why;
    for (const { reject } of waiting.splice(0)) reject(new Error(`Stan: ${why}\n${complaints}`));
  };
  child.stdin.on("error", () => {}); // R has ended: "exit" says so
  child.on("error", (e) => failed(e.message));
  child.on("exit", (code) => failed(`R ended with ${code}`));
  const answer = () =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      if (end !== undefined) failed(end);
    });
  const ready = await answer();
  return {
    version: ready.stan,
    flags: ready.flags,
    async sample({ seed, draws, warmup = 1000 }) {
      const file = join(folder, "draws.csv");
      child.stdin.write(`${warmup} ${draws} ${seed} ${file}\n`);
      const said = await answer();
      return {
        seconds: said.samplingSeconds,
        warmup: said.warmupSeconds,
        leapfrogs: said.leapfrogs,
        draws,
        csv: readFileSync(file, "utf8"),
      };
    },
    async stop() {
      child.stdin.end();
      await new Promise((resolve) => (end === undefined ? child.once("exit", resolve) : resolve()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** R's own notation: arrays with the first index running fastest. All numbers of a variable are integers, or none is. */
export function rDump(data) {
  const isInteger = (x) => Number.isInteger(x) && Math.abs(x) < 2 ** 31;
  return Object.entries(data)
    .map(([name, value]) => {
      const dimensions = [];
      for (let part = value; Array.isArray(part); part = part[0]) dimensions.push(part.length);
      const at = (i) => dimensions.reduce(([part, rest], n) => [part[rest % n], Math.floor(rest / n)], [value, i])[0];
      const numbers = Array.from({ length: dimensions.reduce((a, b) => a * b, 1) }, (_, i) => at(i));
      const flat = numbers.map(
        numbers.every(isInteger) ? (x) => `${x}L` : (x) => (Number.isInteger(x) ? x.toFixed(1) : String(x)),
      );
      const all = flat.length === 0 ? "integer(0)" : `c(${flat.join(", ")})`;
      if (dimensions.length < 2) return `${name} <- ${dimensions.length === 0 ? flat[0] : all}`;
      return `${name} <- structure(${all}, .Dim = c(${dimensions.map((n) => `${n}L`).join(", ")}))`;
    })
    .join("\n");
}
