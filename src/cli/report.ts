// ppl report: one page of a run that needs no other file.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, readJsonObject } from "../dsl/data/json-object.ts";
import type { Source } from "../dsl/diagnostics.ts";
import { htmlPage } from "../inference/pictures/page.ts";
import { curve, curves, escaped, histogram } from "../inference/pictures/plots.ts";
import { drawsOfTables } from "../inference/report/read-csv.ts";
import { definedElements, elementCount, elementName } from "../inference/report/summary.ts";
import { loadModel } from "../load.ts";
import { ModelError } from "../model.ts";
import type { Draws } from "../runtime/draws.ts";
import { UsageError } from "../runtime/errors.ts";
import { readText, refuseUnwritableFile, writeAtomically } from "../runtime/platform/files.ts";
import { modelHash } from "../saved-parameters.ts";
import { readInteger } from "./inputs.ts";
import { type ExitCode, USUAL_PLOTS } from "./main.ts";
import { readTables } from "./summary.ts";

interface ReportFlags {
  readonly out?: string;
  readonly plots?: string;
}

export async function reportCommand(folder: string, given: Record<string, unknown>): Promise<ExitCode> {
  // commander gives what the flags of main.ts declare.
  const flags = given as ReportFlags;
  const plots = readInteger("--plots", flags.plots, 0, 10_000) ?? USUAL_PLOTS;
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new UsageError(`${folder} is no folder of a run`);
  const run = fileOf(folder, "run.json");
  const summary = fileOf(folder, "summary.json");
  const out = flags.out ?? join(folder, "report.html");
  refuseUnwritableFile(out);
  const isDrawn = readdirSync(folder).some((file) => /^chain-\d+\.csv$/.test(file));
  const draws = isDrawn ? drawsOfTables(readTables([folder])) : undefined;
  const parts = [
    factsOf(run),
    verdictsOf(run),
    tableOf(summary),
    ...trainingOf(run),
    ...(draws ? picturesOf(draws, plots) : []),
    ...modelOf(run),
  ];
  writeAtomically(out, htmlPage(run.text("model"), parts));
  process.stdout.write(`report in ${out}\n`);
  return 0;
}

function fileOf(folder: string, name: string): JsonObject {
  const file = join(folder, name);
  if (!existsSync(file)) throw new UsageError(`${folder} is no folder of a run: it has no ${name}`);
  return readJsonObject(file, readText(file));
}

function factsOf(run: JsonObject): string {
  const facts = [
    `engine ${run.text("engine")}, ${run.number("chains")} ${run.number("chains") === 1 ? "chain" : "chains"}, seed ${run.number("seed")}`,
    `status ${run.text("status")}${run.has("started") ? `, started ${run.text("started")}` : ""}`,
    `Tilde ${run.text("tilde")}, Node ${run.text("node")}, ${run.text("backend")}`,
    ...run.objects("files").map((file) => `${file.text("path")}, SHA-256 ${file.text("sha256")}`),
  ];
  return `<section>\n<ul>\n${facts.map((fact) => `<li>${escaped(fact)}</li>`).join("\n")}\n</ul>\n</section>`;
}

function verdictsOf(run: JsonObject): string {
  const words = { pass: "", warn: "warning: ", fail: "not to be trusted: " };
  const all = run.objects("verdicts").map((v) => `${words[v.text("level") as keyof typeof words] ?? ""}${v.text("advice")}`);
  const said = all.length > 0 ? all : ["no problems found"];
  return `<section>\n<h2>Diagnosis</h2>\n${said.map((text) => `<p>${escaped(text)}</p>`).join("\n")}\n</section>`;
}

const DIGITS = 4;
function tableOf(summary: JsonObject): string {
  const variables = summary.object("variables");
  const rows = variables.names().map((name) => ({ name, numbers: variables.object(name).allNumbers() }));
  if (rows.length === 0) return "";
  const header = ["", ...rows[0].numbers.map(([statistic]) => statistic)];
  const cells = (row: (typeof rows)[number]): string =>
    [
      `<th style="text-align: left">${escaped(row.name)}</th>`,
      ...header.slice(1).map((statistic) => {
        const value = row.numbers.find(([name]) => name === statistic)?.[1];
        return `<td>${value === undefined ? "" : Number(value.toPrecision(DIGITS))}</td>`;
      }),
    ].join("");
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join("\n");
  return `<section>\n<h2>Summary</h2>\n<table style="border-spacing: 1rem 0; text-align: right">\n<tr>${header.map((h) => `<th>${escaped(h)}</th>`).join("")}</tr>\n${body}\n</table>\n</section>`;
}

/** What training maximised. */
function trainingOf(run: JsonObject): string[] {
  const traces = run.object("traces");
  return traces.names().flatMap((name) => {
    const { steps, values } = {
      steps: traces.object(name).numbers("steps"),
      values: traces.object(name).numbersOrNone("values"),
    };
    if (values.length < 2) return [];
    return [`<section>\n<h2>${escaped(name)}</h2>\n${curve(steps, values, { title: "", x: "step", y: name })}\n</section>`];
  });
}

/** Points of one curve: more cannot be seen. */
const MOST_POINTS = 500;
function picturesOf(draws: Draws, most: number): string[] {
  const { chains, drawsPerChain: n } = draws;
  const all = draws.columns.flatMap((column) => definedElements(column).map((element) => ({ column, element })));
  const stride = Math.max(1, Math.ceil(n / MOST_POINTS));
  const steps = Array.from({ length: Math.ceil(n / stride) }, (_, i) => i * stride + 1);
  const shown = all.slice(0, most).map(({ column, element }) => {
    const size = elementCount(column);
    const name = elementName(column, element);
    const byChain = Array.from({ length: chains }, (_, c) =>
      Float64Array.from({ length: n }, (_, d) => draws.values[column.name][(c * n + d) * size + element]),
    );
    const some = byChain.map((own) => Float64Array.from(steps, (step) => own[step - 1]));
    const pictures = [
      histogram(byChain, { title: name, x: name, y: "share of draws" }),
      curves(steps, some, { title: "", x: "draw", y: name }),
    ];
    return `<div style="display: grid; grid-template-columns: 1fr 1fr">${pictures.join("")}</div>`;
  });
  if (shown.length === 0) return [];
  const rest = all.length - shown.length;
  const left = rest > 0 ? `\n<p>${rest} more: --plots ${all.length} draws all of them.</p>` : "";
  return [`<section>\n<h2>Draws</h2>\n<p>A colour for each chain.</p>\n${shown.join("\n")}${left}\n</section>`];
}

/** The text that was fitted, where it is still there. */
function modelOf(run: JsonObject): string[] {
  if (!run.has("modelPath")) return [];
  const path = run.text("modelPath");
  if (!existsSync(path)) return [];
  const sources = sourcesOf(path);
  if (!sources || modelHash(sources) !== run.text("modelSha256"))
    return [`<section>\n<h2>Model</h2>\n<p>${escaped(path)} is another text by now.</p>\n</section>`];
  return [`<section>\n<h2>Model</h2>\n${sources.map(({ text }) => `<pre>${escaped(text)}</pre>`).join("\n")}\n</section>`];
}

/** Undefined where the text is no model any more. */
function sourcesOf(path: string): readonly Source[] | undefined {
  try {
    return loadModel(path).sources;
  } catch (e) {
    if (e instanceof ModelError) return undefined;
    throw e;
  }
}
