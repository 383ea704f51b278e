// ppl summary, ppl diagnose: runs that were saved, ours or Stan's.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { CENTERING } from "../centering-text.ts";
import { readJsonObject } from "../dsl/data/json-object.ts";
import { adviseOnDraws } from "../inference/diagnostics/advice.ts";
import { samplerReport } from "../inference/diagnostics/sampler.ts";
import type { Verdict } from "../inference/engine.ts";
import { diagnoseText } from "../inference/report/diagnose.ts";
import { jsonText, variablesJson } from "../inference/report/json.ts";
import { type ChainTable, drawsOfTables, readChainCsv } from "../inference/report/read-csv.ts";
import { stanLayout } from "../inference/report/stan-layout.ts";
import { summarize } from "../inference/report/summary.ts";
import { UsageError } from "../runtime/errors.ts";
import { readText } from "../runtime/platform/files.ts";
import { readInteger } from "./inputs.ts";
import type { ExitCode } from "./main.ts";

export function readTables(paths: readonly string[]): { readonly name: string; readonly table: ChainTable }[] {
  const files = paths.flatMap((path) => {
    if (!existsSync(path)) throw new UsageError(`cannot read ${path}: no such file or folder`);
    if (!statSync(path).isDirectory()) return [path];
    const inside = readdirSync(path).filter((f) => /\.csv(\.gz)?$/.test(f));
    if (inside.length === 0) throw new UsageError(`${path} holds no CSV files of draws`);
    return inside.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).map((f) => join(path, f));
  });
  return files.map((file) => ({ name: basename(file), table: readChainCsv(file, readText(file)) }));
}

/** The layout of Stan's stansummary, with the sampler's columns first; --json gives numbers in full. */
export async function summaryCommand(paths: readonly string[], options: { json?: boolean; sigFigs?: string }): Promise<ExitCode> {
  const tables = readTables(paths);
  const draws = drawsOfTables(tables);
  if (options.json) {
    const { chains, drawsPerChain } = draws;
    process.stdout.write(`${jsonText({ chains, draws: drawsPerChain, variables: variablesJson(summarize(draws)) })}\n`);
    return 0;
  }
  const { settings } = tables[0].table;
  const digits = readInteger("--sig-figs", options.sigFigs, 1, 18);
  const facts = {
    model: settings.model ?? tables[0].name,
    warmup: numberOf(settings.num_warmup),
    thin: numberOf(settings.thin) ?? 1,
    seconds: tables.map(({ table }) => table.seconds),
    ...(digits === undefined ? {} : { digits }),
  };
  process.stdout.write(`${stanLayout(draws, facts)}\n`);
  return 0;
}

/** CmdStan's checks, then what to try, in words. */
export async function diagnoseCommand(paths: readonly string[]): Promise<ExitCode> {
  const tables = readTables(paths);
  const draws = drawsOfTables(tables);
  if (draws.stats.energy === undefined) {
    const verdicts = storedVerdicts(paths);
    if (verdicts) return sayVerdicts(verdicts);
  }
  const rows = summarize(draws);
  const n = draws.drawsPerChain;
  const { settings } = tables[0].table;
  const maxDepth = numberOf(settings.max_depth);
  const targetAccept = numberOf(settings.delta);
  const stats = (c: number) =>
    Object.fromEntries(Object.entries(draws.stats).map(([name, all]) => [name, all.subarray(c * n, (c + 1) * n)]));
  const sampler = samplerReport(
    Array.from({ length: draws.chains }, (_, c) => ({ draws: n, stats: stats(c) })),
    maxDepth,
  );
  const { chains } = draws;
  const depth = maxDepth === undefined ? {} : { maxDepth };
  const { text } = diagnoseText({ sampler, rows, chains, ...depth });
  const verdicts = adviseOnDraws({
    chains,
    drawsPerChain: n,
    rows,
    sampler,
    ...depth,
    ...(targetAccept === undefined ? {} : { targetAccept }),
  });
  process.stdout.write(`${text}\n`);
  // What draws on the model's scale alone do not tell: it was found after the run.
  const stored = storedVerdicts(paths)?.filter((v) => v.what === CENTERING) ?? [];
  for (const v of [...verdicts, ...stored])
    process.stdout.write(`\n${v.level === "fail" ? "not to be trusted" : "warning"}: ${v.advice}\n`);
  return verdicts.some((v) => v.level === "fail") ? 2 : 0;
}

type Said = Pick<Verdict, "what" | "level" | "advice">;

/** Of a run whose draws are no chain, which the draws alone do not tell: what run.json has. */
function storedVerdicts(paths: readonly string[]): readonly Said[] | undefined {
  const file = join(paths[0], "run.json");
  if (paths.length !== 1 || !existsSync(file)) return undefined;
  const about = readJsonObject(file, readText(file));
  if (!about.has("verdicts")) return undefined;
  return about.objects("verdicts").map((v): Said => {
    const level = v.text("level");
    if (!isLevel(level)) throw new UsageError(`${file} has a verdict of the level ${level}, which is none: it is damaged`);
    return { what: v.text("what"), level, advice: v.text("advice") };
  });
}
const isLevel = (x: string): x is Verdict["level"] => x === "pass" || x === "warn" || x === "fail";

function sayVerdicts(verdicts: readonly Said[]): ExitCode {
  const words = { pass: "", warn: "warning: ", fail: "not to be trusted: " };
  for (const v of verdicts) process.stdout.write(`${words[v.level]}${v.advice}\n`);
  if (verdicts.length === 0) process.stdout.write("independent draws: there is nothing to diagnose\n");
  return verdicts.some((v) => v.level === "fail") ? 2 : 0;
}

const numberOf = (text: string | undefined): number | undefined =>
  text === undefined || !Number.isFinite(Number(text)) ? undefined : Number(text);
