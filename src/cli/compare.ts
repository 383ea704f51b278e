// ppl compare: models fitted to the same observations, by how well they would predict each from the others.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { readJsonObject } from "../dsl/data/json-object.ts";
import { type Compared, compareLoo, type Loo, loo } from "../inference/diagnostics/loo.ts";
import { jsonText } from "../inference/report/json.ts";
import { drawsOfTables } from "../inference/report/read-csv.ts";
import { alignTable } from "../inference/report/text.ts";
import { loadModel } from "../load.ts";
import { type Pointwise, pointwiseLikelihood } from "../pointwise.ts";
import { UsageError } from "../runtime/errors.ts";
import { readText } from "../runtime/platform/files.ts";
import { modelHash } from "../saved-parameters.ts";
import { type DataFlags, readAssignments, readData } from "./inputs.ts";
import type { ExitCode } from "./main.ts";
import { readTables } from "./summary.ts";

interface CompareFlags extends DataFlags {
  readonly json?: boolean;
}
interface Model {
  readonly name: string;
  readonly loo: Loo;
  readonly sites: Pointwise["sites"];
}

export async function compareCommand(folders: readonly string[], given: Record<string, unknown>): Promise<ExitCode> {
  // commander gives what the flags of main.ts declare.
  const flags = given as unknown as CompareFlags;
  if (new Set(folders).size < folders.length) throw new UsageError("a run is compared with others: each folder is given once");
  const models: Model[] = [];
  for (const folder of folders) models.push(await fitted(folder, flags));
  refuseOthers(models);
  const compared = compareLoo(models);
  const bad = models.map(({ name, loo: { k, largestK } }) => ({
    name,
    limit: largestK,
    count: k.filter((x) => !(x <= largestK)).length,
  }));
  if (flags.json) process.stdout.write(`${jsonText(summaryOf(compared))}\n`);
  else process.stdout.write(`${tableOf(compared)}\n`);
  const n = models[0].loo.pointwise.length;
  for (const { name, count, limit } of bad.filter((b) => b.count > 0))
    process.stderr.write(
      `${name}: Pareto k-hat of ${count} of ${n} observations is above ${Number(limit.toFixed(2))}: leaving these out changes the posterior more than importance weights can follow, and elpd is likely too high. Fit without them, or make the model robust to them\n`,
    );
  return bad.some((b) => b.count > 0) ? 2 : 0;
}

/** What run.json tells of a run, its model bound again, and its draws. */
async function fitted(folder: string, flags: CompareFlags): Promise<Model> {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new UsageError(`${folder} is no folder of a run`);
  const file = join(folder, "run.json");
  if (!existsSync(file)) throw new UsageError(`${folder} is no folder of a run: it has no run.json`);
  const about = readJsonObject(file, readText(file));
  const path = about.text("modelPath");
  if (!existsSync(path)) throw new UsageError(`the model of the run in ${folder} was ${path}, which is not there`);
  const model = loadModel(path);
  if (about.text("modelSha256") !== modelHash(model.sources))
    throw new UsageError(`${path} is another text than that which the run in ${folder} fitted: run it again`);
  if (about.has("rows") && !flags.data)
    throw new UsageError(
      `the run in ${folder} took rows of its data (${about.text("rows")}): give the data with the flags that it had, --data FILE --rows or --subset`,
    );
  const paths = about.has("dataPaths") ? about.texts("dataPaths") : undefined;
  const { data } = await readData(path, model, flags.data || paths === undefined ? flags : { ...flags, data: paths });
  const set = new Map([...about.object("set").allNumbers(), ...readAssignments(flags.set)]);
  const draws = drawsOfTables(readTables([folder]));
  const bound = await model.bindData(data, set);
  const params = bound.target.parameters;
  const isSampled = params.length > 0 && params.every((p) => draws.values[p.name]);
  const posterior = isSampled ? await model.withSampledParams().bindData(data, set) : bound;
  const { target } = params.length > 0 && !isSampled ? await posterior.fix(folder) : posterior;
  const { sites, values } = pointwiseLikelihood(target, draws);
  return { name: folder, loo: loo(values), sites };
}

function refuseOthers([first, ...others]: readonly Model[]): void {
  const words = (m: Model) => m.sites.map((s) => `${s.count} of ${s.name}`).join(", ");
  for (const m of others)
    if (words(m) !== words(first))
      throw new UsageError(
        `${first.name} observes ${words(first)}, and ${m.name} ${words(m)}: only models of the same observations are compared`,
      );
}

function tableOf(compared: readonly Compared[]): string {
  const number = (x: number) => x.toFixed(Math.abs(x) < 1000 ? 2 : 1);
  return alignTable([
    ["", "elpd", "se", "p_loo", "difference", "se", "weight"],
    ...compared.map((m) => [
      m.name,
      number(m.loo.elpd),
      number(m.loo.se),
      number(m.loo.pLoo),
      number(m.difference),
      number(m.differenceSe),
      m.weight.toFixed(3),
    ]),
  ]);
}

const summaryOf = (compared: readonly Compared[]) => ({
  models: compared.map(({ name, loo: own, difference, differenceSe, weight }) => ({
    name,
    elpd_loo: own.elpd,
    se: own.se,
    p_loo: own.pLoo,
    difference,
    difference_se: differenceSe,
    weight,
    worst_k: own.k.reduce((m, k) => Math.max(m, k), Number.NEGATIVE_INFINITY),
  })),
});
