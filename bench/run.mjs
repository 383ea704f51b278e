// npm run bench [-- --stan] [--only NAME] [--repetitions 3] [--json]: speed on real posteriors, beside Stan when asked for.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { dataAreThere, modelSource, posteriors, readData } from "./posteriors.mjs";
import { startStan } from "./stan.mjs";
import { compile, gradientTime, leastEss, median, rowsOfCsv, sample } from "./tilde.mjs";

const { values: flags } = parseArgs({
  options: {
    stan: { type: "boolean" },
    json: { type: "boolean" },
    only: { type: "string", multiple: true },
    repetitions: { type: "string", default: "3" },
  },
});
const repetitions = Number(flags.repetitions);
const talk = (text) => process.stderr.write(`${text}\n`);
if (!Number.isInteger(repetitions) || repetitions < 1) {
  talk(`--repetitions takes a number of chains, not ${flags.repetitions}`);
  process.exit(1);
}
if (!dataAreThere) {
  talk("../shared/data/posteriordb is not there: nothing to measure");
  process.exit(1);
}

/** Chains are made long enough to be timed: this many seconds of sampling, within these numbers of draws. Ours may be longer: the
 *  JavaScript around the kernel takes some 10^5 steps to be optimised, which a rate should not count, as it does not count the minute
 *  that a C++ compiler takes. */
const LONG_ENOUGH = 0.5;
const FEWEST = 1000;
const MOST = { ours: 100_000, theirs: 20_000 };
const MOST_NUMBERS = 5e6;
function drawsFor({ seconds, draws }, most, dimension) {
  const wanted = Math.ceil((draws * LONG_ENOUGH) / seconds / 1000) * 1000;
  return Math.max(FEWEST, Math.min(wanted, most, Math.floor(MOST_NUMBERS / dimension / 1000) * 1000));
}
const perLeapfrog = ({ seconds, leapfrogs }) => (1e6 * seconds) / leapfrogs;

async function measure(posterior) {
  const script = fileURLToPath(new URL("compile.mjs", import.meta.url));
  const compiled = JSON.parse(execFileSync(process.execPath, [script, posterior.name], { encoding: "utf8" }));
  const bound = await compile(modelSource(posterior), readData(posterior));
  const stan = flags.stan ? await startStan(posterior) : undefined;
  try {
    // The first chains warm caches and compilers, and tell how long the others must be.
    const pilot = await sample(bound, { seed: 100, draws: FEWEST });
    const ours = { draws: drawsFor(pilot, MOST.ours, bound.dimension), runs: [] };
    await sample(bound, { seed: 101, draws: ours.draws });
    const stanPilot = await stan?.sample({ seed: 100, draws: FEWEST });
    const withRows = (run) => ({ ...run, rows: rowsOfCsv(posterior.name, run.csv) });
    const theirs = stanPilot && { draws: drawsFor(stanPilot, MOST.theirs, bound.dimension), runs: [] };
    // C++ needs no warming: a first chain that was long enough is one of the measured.
    if (theirs && theirs.draws === FEWEST) theirs.runs.push(withRows(stanPilot));
    for (let i = 1; i <= repetitions; i++) {
      ours.runs.push(await sample(bound, { seed: i, draws: ours.draws }));
      if (theirs && theirs.runs.length < repetitions)
        theirs.runs.push(withRows(await stan.sample({ seed: i, draws: theirs.draws })));
    }
    const gradient = gradientTime(bound, pilot.last);
    const names = theirs?.runs[0].rows;
    return {
      ...posterior,
      dimension: bound.dimension,
      compile: compiled,
      gradient,
      ...side(ours, names),
      ...(theirs ? { stan: { version: stan.version, flags: stan.flags, ...side(theirs, ours.runs[0].rows) } } : {}),
    };
  } finally {
    await stan?.stop();
  }
}

/** Medians of the repetitions of one side. */
function side({ draws, runs }, names) {
  return {
    draws,
    leapfrog: median(runs.map(perLeapfrog)),
    leapfrogsPerDraw: median(runs.map((run) => run.leapfrogs / run.draws)),
    essPerSecond: median(runs.map((run) => leastEss(run.rows, names) / run.seconds)),
  };
}

const geometricMean = (values) => Math.exp(values.reduce((sum, x) => sum + Math.log(x), 0) / values.length);
const chosen = posteriors.filter(({ name }) => !flags.only || flags.only.some((part) => name.includes(part)));
if (chosen.length === 0) {
  talk(`no posterior is called ${flags.only}; there are ${posteriors.map(({ name }) => name).join(", ")}`);
  process.exit(1);
}

const digits = (x) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x >= 1 ? x.toFixed(2) : x.toFixed(3));
const columns = [
  ["posterior", (r) => r.name, 55],
  ["dim", (r) => r.dimension, 4],
  ["compile ms", (r) => digits(r.compile.median), 10],
  ["first ms", (r) => digits(r.compile.first), 8],
  ["gradient µs", (r) => digits(r.gradient), 11],
  ["leapfrog µs", (r) => digits(r.leapfrog), 11],
  ["per draw", (r) => digits(r.leapfrogsPerDraw), 8],
  ["ESS/s", (r) => digits(r.essPerSecond), 8],
  ...(flags.stan
    ? [
        ["Stan leapfrog", (r) => digits(r.stan.leapfrog), 13],
        ["per draw", (r) => digits(r.stan.leapfrogsPerDraw), 8],
        ["ESS/s", (r) => digits(r.stan.essPerSecond), 7],
        ["leapfrogs ×", (r) => digits(r.stan.leapfrog / r.leapfrog), 11],
        ["ESS/s ×", (r) => digits(r.essPerSecond / r.stan.essPerSecond), 7],
      ]
    : []),
];
const row = (cells) =>
  cells.map((cell, i) => (i === 0 ? String(cell).padEnd(columns[i][2]) : String(cell).padStart(columns[i][2]))).join(" ");
if (!flags.json) console.log(row(columns.map(([title]) => title)));

const results = [];
for (const posterior of chosen) {
  const result = await measure(posterior);
  results.push(result);
  if (!flags.json) console.log(row(columns.map(([, cell]) => cell(result))));
}

const summary = flags.stan && {
  stan: results[0].stan.version,
  flags: results[0].stan.flags,
  leapfrogRatio: ratios(results),
  leapfrogRatioUncollapsed: ratios(results.filter(({ collapses, recursive }) => !collapses && !recursive)),
  leapfrogRatioRecursive: ratios(results.filter(({ recursive }) => recursive)),
  slowest: Math.min(...results.map((r) => r.stan.leapfrog / r.leapfrog)),
};
function ratios(of) {
  return {
    leapfrog: geometricMean(of.map((r) => r.stan.leapfrog / r.leapfrog)),
    ess: geometricMean(of.map((r) => r.essPerSecond / r.stan.essPerSecond)),
  };
}
if (flags.json)
  console.log(
    JSON.stringify({ node: process.version, repetitions, posteriors: results, ...(summary ? { summary } : {}) }, undefined, 1),
  );
else if (summary) {
  const line = (what, { leapfrog, ess }) =>
    console.log(`${what}: ${digits(leapfrog)} times Stan's leapfrog rate, ${digits(ess)} times its ESS a second`);
  console.log(
    `\nStan ${summary.stan} (${summary.flags}), Node ${process.version}; medians of ${repetitions} chains a side, alternating; geometric means:`,
  );
  line(`all ${results.length}`, summary.leapfrogRatio);
  const rest = results.filter(({ collapses, recursive }) => !collapses && !recursive).length;
  if (rest > 0) line(`the ${rest} whose likelihood does not collapse by QR`, summary.leapfrogRatioUncollapsed);
  const steps = results.filter(({ recursive }) => recursive).length;
  if (steps > 0) line(`the ${steps} recursions, mixtures and differential equations`, summary.leapfrogRatioRecursive);
  console.log(`slowest ratio: ${digits(summary.slowest)}`);
}
