// ppl summary, ppl diagnose: runs that were saved, ours or Stan's.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { adviseOnDraws } from "../inference/diagnostics/advice.ts";
import { samplerReport } from "../inference/diagnostics/sampler.ts";
import { jsonText } from "../inference/report/json.ts";
import { type ChainTable, drawsOfTables, readChainCsv } from "../inference/report/read-csv.ts";
import { summarize } from "../inference/report/summary.ts";
import { summaryTable } from "../inference/report/text.ts";
import { UsageError } from "../runtime/errors.ts";
import { readText } from "../runtime/platform/files.ts";
import type { ExitCode } from "./main.ts";

function readTables(paths: readonly string[]): { readonly name: string; readonly table: ChainTable }[] {
  const files = paths.flatMap((path) => {
    if (!existsSync(path)) throw new UsageError(`cannot read ${path}: no such file or folder`);
    if (!statSync(path).isDirectory()) return [path];
    const inside = readdirSync(path).filter((f) => /\.csv(\.gz)?$/.test(f));
    if (inside.length === 0) throw new UsageError(`${path} holds no CSV files of draws`);
    return inside.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).map((f) => join(path, f));
  });
  return files.map((file) => ({ name: basename(file), table: readChainCsv(file, readText(file)) }));
}

export async function summaryCommand(paths: readonly string[], options: { all?: boolean; json?: boolean }): Promise<ExitCode> {
  const draws = drawsOfTables(readTables(paths));
  const rows = summarize(draws);
  const text = options.json
    ? jsonText({
        chains: draws.chains,
        draws: draws.drawsPerChain,
        variables: Object.fromEntries(rows.map(({ name, ...r }) => [name, r])),
      })
    : summaryTable(rows, options.all ? Number.POSITIVE_INFINITY : undefined);
  process.stdout.write(`${options.json ? "" : `${draws.chains} chains, ${draws.drawsPerChain} draws each\n\n`}${text}\n`);
  return 0;
}

export async function diagnoseCommand(paths: readonly string[]): Promise<ExitCode> {
  const tables = readTables(paths);
  const draws = drawsOfTables(tables);
  const rows = summarize(draws);
  const n = draws.drawsPerChain;
  const settings = tables[0].table.settings;
  const maxDepth = numberOf(settings.maxDepth ?? settings.max_depth);
  const targetAccept = numberOf(settings.targetAccept ?? settings.delta);
  const stats = (c: number) =>
    Object.fromEntries(Object.entries(draws.stats).map(([name, all]) => [name, all.subarray(c * n, (c + 1) * n)]));
  const sampler = samplerReport(
    Array.from({ length: draws.chains }, (_, c) => ({ draws: n, stats: stats(c) })),
    maxDepth,
  );
  const verdicts = adviseOnDraws({
    chains: draws.chains,
    rows,
    sampler,
    ...(maxDepth === undefined ? {} : { maxDepth }),
    ...(targetAccept === undefined ? {} : { targetAccept }),
  });
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  const said = (what: string) => verdicts.some((v) => v.what === what);
  if (!said("tree depth") && maxDepth !== undefined) print("Treedepth satisfactory for all transitions.");
  if (!said("divergences")) print("No divergent transitions found.");
  if (!said("E-BFMI")) print("E-BFMI satisfactory.");
  if (!said("ESS")) print("Rank-normalized split effective sample size satisfactory for all parameters.");
  if (!said("R-hat")) print("Rank-normalized split R-hat values satisfactory for all parameters.");
  for (const v of verdicts) print(`${v.level === "fail" ? "not to be trusted" : "warning"}: ${v.advice}`);
  print(verdicts.length === 0 ? "Processing complete, no problems detected." : "Processing complete.");
  return verdicts.some((v) => v.level === "fail") ? 2 : 0;
}

const numberOf = (text: string | undefined): number | undefined =>
  text === undefined || !Number.isFinite(Number(text)) ? undefined : Number(text);
