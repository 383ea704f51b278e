// One posterior of the collection, in a process of its own: longer and longer runs until the chains agree or the time is up. Prints what came
// of it as JSON. node bench/collection/one.mjs '{"posterior": "…", "seed": 1, "chains": 4, "seconds": 600, …}'
import { agrees, worstOf } from "./judge.mjs";
import { modelPath, readData, runOptions } from "./posteriors.mjs";

const { posterior, seed, chains, seconds, threads, engine, set, patient } = JSON.parse(process.argv[2]);
const { optimizeJavaScriptLater, optimizeWasmAtOnce } = await import("../../dist/runtime/platform/v8.js");
optimizeWasmAtOnce();
optimizeJavaScriptLater();
const { loadModel } = await import("../../dist/load.js");

/** Processor time of all threads: what else the machine does is of no account. */
const used = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
/** So many numbers of draws are kept; a longer run is thinned. */
const MOST_NUMBERS = 2e7;

const bound = await loadModel(modelPath(posterior)).bind(readData(posterior));
const given = { ...runOptions(posterior), ...set };
const timeIsUp = new AbortController();
const watch = setInterval(() => used() > seconds && timeIsUp.abort(), 200);

/** At least twice as long: by R-hat, whose excess over 1 falls with the number of draws, and by the effective size. */
function next({ draws, rhat, ess }) {
  const wanted = draws * Math.max(400 / ess, (rhat - 1) / 0.006);
  return Math.ceil(Math.min(4 * draws, Math.max(2 * draws, wanted || 0)) / 1000) * 1000;
}

const runs = [];
let stuck = false;
let draws = Number(given.draws ?? 1000);
for (;;) {
  const before = used();
  const thin = Math.max(1, Math.ceil((draws * chains * bound.dimension) / MOST_NUMBERS));
  const options = { ...given, draws, ...(thin > 1 ? { thin } : {}) };
  const fit = await bound.run(engine, { ...options, seed, chains, threads, discrete: "none", signal: timeIsUp.signal });
  const run = { draws, interrupted: fit.interrupted, seconds: used(), ...worstOf(fit) };
  runs.push(run);
  process.stderr.write(`${posterior} ${JSON.stringify(run)}\n`);
  const took = used() - before;
  const longer = next(run);
  // What does not come nearer does not get there.
  const [a, b] = runs.slice(-2);
  const isStuck = !patient && runs.length > 1 && b.rhat > 1.1 && b.rhat - 1 > (a.rhat - 1) / 2;
  stuck = isStuck;
  if (agrees(run) || run.interrupted || isStuck || used() + 0.5 * took * (longer / draws) > seconds) break;
  draws = longer;
}
clearInterval(watch);
const last = runs.at(-1);
const what = { posterior, engine, dimension: bound.dimension, seed, chains, options: given, limit: seconds, stuck };
console.log(JSON.stringify({ ...what, ...last, runs: runs.length }));
process.exit(0);
