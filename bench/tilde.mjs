// Our side of the benchmark: compile time, time of a gradient, and one chain of NUTS at a time. Needs the build.
import { modelSource, readData } from "./posteriors.mjs";

const dist = new URL("../dist/", import.meta.url);
const built = (path) => import(new URL(path, dist));
// As the command line does, before anything is compiled.
const v8 = await built("runtime/platform/v8.js");
v8.optimizeWasmAtOnce();
v8.optimizeJavaScriptLater();
const { parseModel } = await built("dsl/language/parser.js");
const { modelOf } = await built("model.js");
const { engines } = await built("inference/engines/index.js");
const { chainContext } = await built("inference/chain-protocol.js");
const { resolveOptions } = await built("inference/options.js");
const { finishDraws } = await built("inference/report/finish.js");
const { summarize } = await built("inference/report/summary.js");
const { drawsOfTables, readChainCsv } = await built("inference/report/read-csv.js");

const nuts = engines.get("nuts");

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export async function compile(source, data) {
  return modelOf(source.name, [source], parseModel(source, 0)).bind(data);
}

/** Milliseconds from source text to a kernel that runs; modules are loaded, the parser is built, the data are in memory. */
export async function compileTimes(posterior, repetitions) {
  const source = modelSource(posterior);
  const data = readData(posterior);
  parseModel({ name: "first", text: "mu ~ Normal(0, 1)" }, 0);
  const times = [];
  for (let i = 0; i <= repetitions; i++) {
    const began = performance.now();
    await compile(source, data);
    times.push(performance.now() - began);
  }
  const [first, ...later] = times;
  return { first, median: median(later) };
}

/** Milliseconds of processor time of this process, all its threads: the clock of Stan's own report, and it does not count other programs. */
function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Microseconds of one log density with its gradient in a tight loop: the median of batches of some 20 ms. */
export function gradientTime(bound, position) {
  const gradient = new Float64Array(bound.dimension);
  const batch = (count) => {
    const began = processorTime();
    for (let i = 0; i < count; i++) bound.gradient(position, gradient);
    return (1000 * (processorTime() - began)) / count;
  };
  let count = 1;
  while (batch(count) * count < 20_000) count *= 2;
  return median(Array.from({ length: 7 }, () => batch(count)));
}

/** One chain of NUTS at its defaults on this thread. Seconds are of sampling alone. */
export async function sample(bound, { seed, draws }) {
  const density = await bound.target.density();
  const context = {
    ...chainContext(
      seed,
      { chain: 1 },
      () => false,
      () => {},
    ),
    now: processorTime,
  };
  const run = nuts.run(density, resolveOptions(nuts, { draws }), context);
  let step = run.next();
  while (!step.done) step = run.next();
  density.dispose();
  const { chain, failure } = step.value;
  if (failure) throw new Error(failure.reason);
  const leapfrogs = chain.stats.n_leapfrog.reduce((a, b) => a + b, 0);
  const finished = await finishDraws(bound.target, [chain], { seed });
  const last = chain.positions.slice(-chain.dimension);
  return { seconds: chain.seconds.sampling, warmup: chain.seconds.warmup, leapfrogs, draws, rows: summarize(finished), last };
}

/** The same rows of draws that another sampler left in a file. */
export const rowsOfCsv = (name, text) => summarize(drawsOfTables([{ name, table: readChainCsv(name, text) }]));

/** Smallest bulk effective sample size over the names that both sides have. */
export function leastEss(rows, others = rows) {
  const common = new Set(others.map(({ name }) => name));
  return Math.min(...rows.filter(({ name }) => common.has(name)).map(({ essBulk }) => essBulk));
}
