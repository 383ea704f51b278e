// Time of the whole command, in new processes of built code: eight schools, 4 chains of 1000 + 1000, from start to printed summary.
// node bench/startup.mjs [RUNS]: the median of so many runs (10), after one that warms the file cache.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const runs = Number(process.argv[2] ?? 10);
const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const once = (seed) => {
  const began = performance.now();
  const args = [
    path("dist/cli.js"),
    "run",
    path("models/eight_schools.ppl"),
    "--seed",
    String(seed),
    "--no-save",
    "--progress",
    "none",
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const milliseconds = performance.now() - began;
  if (status !== 0 || !stdout.includes("theta[8]")) throw new Error(`the run ended with ${status}\n${stdout}${stderr}`);
  return milliseconds;
};
once(0);
const times = Array.from({ length: runs }, (_, i) => once(i + 1)).sort((a, b) => a - b);
const median = (times[(runs - 1) >> 1] + times[runs >> 1]) / 2;
console.log(
  `eight schools, 4 x 2000 iterations, start to printed summary: median ${median.toFixed(0)} ms of ${runs} (${times[0].toFixed(0)} to ${times[runs - 1].toFixed(0)})`,
);
