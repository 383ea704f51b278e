// npm run test:collection [-- --only NAME] [--seed 1] [--chains 4] [--seconds 600] [--references] [--impatient] [--engine nuts] [--set draws=5000]
// [--record] [--page]: every posterior of posteriordb's index that has no reference draws, run until its chains agree or the time is up.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { agrees } from "./collection/judge.mjs";
import { coveragePage, measured, statusOf as recordedStatus, writeMeasured } from "./collection/page.mjs";
import { dataAreThere, index } from "./collection/posteriors.mjs";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    seed: { type: "string", default: "1" },
    chains: { type: "string", default: "4" },
    seconds: { type: "string", default: "600" },
    references: { type: "boolean" },
    impatient: { type: "boolean" },
    engine: { type: "string", default: "nuts" },
    threads: { type: "string" },
    set: { type: "string", multiple: true, default: [] },
    record: { type: "boolean" },
    page: { type: "boolean" },
  },
});
const page = new URL("../docs/coverage.md", import.meta.url);
if (flags.page) {
  writeFileSync(page, coveragePage());
  process.exit(0);
}
if (!dataAreThere) {
  console.log("../shared/data/posteriordb is not there: nothing to run\n0 passed, 0 failed");
  process.exit(0);
}
const wholeNumber = (name) => {
  const n = Number(flags[name]);
  if (!Number.isInteger(n) || n < 0) throw new Error(`--${name} takes a whole number, not ${flags[name]}`);
  return n;
};
const common = {
  seed: wholeNumber("seed"),
  chains: wholeNumber("chains"),
  seconds: wholeNumber("seconds"),
  ...(flags.threads ? { threads: wholeNumber("threads") } : {}),
  engine: flags.engine,
  set: Object.fromEntries(flags.set.map((text) => text.split("="))),
  patient: !flags.impatient,
};
const all = index().filter(({ reference }) => flags.references || !reference);
/** The one of that name, or those whose names contain it. */
function called(part) {
  const exactly = all.filter(({ posterior }) => posterior === part);
  return exactly.length > 0 ? exactly : all.filter(({ posterior }) => posterior.includes(part));
}
const unknown = (flags.only ?? []).filter((part) => called(part).length === 0);
if (unknown.length > 0)
  throw new Error(`no posterior is called ${unknown.join(", ")}; there are ${all.map((e) => e.posterior).join(", ")}`);
const chosen = flags.only ? [...new Set(flags.only.flatMap((part) => called(part)))] : all;

const script = fileURLToPath(new URL("collection/one.mjs", import.meta.url));

/** A process each: its processor time is its own, and so is its memory. */
function runOne(order) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, JSON.stringify(order)], { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (err += text));
    child.on("close", (code) => {
      if (code === 0) return resolve(JSON.parse(out));
      const reason = err
        .trim()
        .split("\n")
        .filter((line) => !line.startsWith(" "))
        .at(-1);
      resolve({ posterior: order.posterior, ...order, reason: reason ?? `ended with ${code}` });
    });
  });
}

/** Worst R-hat and least ESS are of all numbers that are saved. */
const columns = [
  ["posterior", (r) => r.posterior, -58],
  ["dim", (r) => r.dimension ?? "", 6],
  ["draws", (r) => r.draws ?? "", 7],
  ["s", (r) => r.seconds?.toFixed(1) ?? "", 7],
  ["R-hat", (r) => r.rhat?.toFixed(4) ?? "", 8],
  ["of", (r) => r.at ?? "", -18],
  ["ESS", (r) => r.ess?.toFixed(0) ?? "", 6],
  ["div", (r) => r.divergences ?? "", 5],
  ["", (r) => verdictOf(r), -30],
  [
    "",
    (r) =>
      Object.entries(r.options ?? {})
        .map((pair) => pair.join(" "))
        .join(", "),
    -1,
  ],
];
const row = (cells) =>
  cells
    .map((cell, i) => (columns[i][2] < 0 ? String(cell).padEnd(-columns[i][2]) : String(cell).padStart(columns[i][2])))
    .join(" ")
    .trimEnd();

/** A posterior whose failure is known is neither passed nor failed; where it passes after all, that is said. */
const outcomeOf = (r) => {
  const status = recordedStatus(r);
  return status === "listed" && r.reason === undefined && agrees(r) ? "listed, but passes" : status;
};
const verdictOf = (r) => `${outcomeOf(r)}${r.reason ? `: ${r.reason}` : ""}`;

function record(result) {
  writeMeasured({ ...measured(), [result.posterior]: result });
  writeFileSync(page, coveragePage());
}

console.log(row(columns.map(([title]) => title)));
const counts = { passed: 0, failed: 0, open: 0, listed: 0, "listed, but passes": 0 };
for (const { posterior, model, reference } of chosen) {
  const result = await runOne({ posterior, ...common });
  counts[outcomeOf(result)]++;
  console.log(row(columns.map(([, cell]) => cell(result))));
  if (flags.record) record({ ...result, model, reference });
}
const known = counts.listed + counts["listed, but passes"];
if (known > 0)
  console.log(
    `\n${known} listed in bench/collection/listed.mjs, of which ${counts["listed, but passes"]} pass after all: take these out`,
  );
const failed = counts.failed + counts.open;
console.log(`${counts.passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
