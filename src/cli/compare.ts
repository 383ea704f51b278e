// ppl compare: models fitted to the same observations, by how well they would predict each from the others.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, readJsonObject } from "../dsl/data/json-object.ts";
import type { DataSet } from "../dsl/data/value.ts";
import { type Compared, compareLoo, LEAST_DRAWS, loo } from "../inference/diagnostics/loo.ts";
import { jsonText } from "../inference/report/json.ts";
import { drawsOfTables } from "../inference/report/read-csv.ts";
import { alignTable } from "../inference/report/text.ts";
import { loadModel } from "../load.ts";
import type { Model } from "../model.ts";
import { type ObservedSite, type Pointwise, pointwiseLikelihood } from "../pointwise.ts";
import { UsageError } from "../runtime/errors.ts";
import { readText } from "../runtime/platform/files.ts";
import { modelHash } from "../saved-parameters.ts";
import { type DataFlags, hashFile, readAssignments, readData, rowsAgain, rowsFlag } from "./inputs.ts";
import type { ExitCode } from "./main.ts";
import { readTables } from "./summary.ts";

interface CompareFlags extends DataFlags {
  readonly json?: boolean;
}
interface Fitted extends Pointwise {
  readonly name: string;
}

export async function compareCommand(folders: readonly string[], given: Record<string, unknown>): Promise<ExitCode> {
  // commander gives what the flags of main.ts declare.
  const flags = given as unknown as CompareFlags;
  if (new Set(folders).size < folders.length) throw new UsageError("a run is compared with others: each folder is given once");
  const fits: Fitted[] = [];
  for (const folder of folders) fits.push(await fitted(folder, flags));
  const models = fits.map((fit) => ({ name: fit.name, loo: loo(inOrderOf(fits[0], fit)) }));
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
async function fitted(folder: string, flags: CompareFlags): Promise<Fitted> {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new UsageError(`${folder} is no folder of a run`);
  const file = join(folder, "run.json");
  if (!existsSync(file)) throw new UsageError(`${folder} is no folder of a run: it has no run.json`);
  const about = readJsonObject(file, readText(file));
  const path = about.text("modelPath");
  if (!existsSync(path)) throw new UsageError(`the model of the run in ${folder} was ${path}, which is not there`);
  const model = loadModel(path);
  if (about.text("modelSha256") !== modelHash(model.sources))
    throw new UsageError(`${path} is another text than that which the run in ${folder} fitted: run it again`);
  const data = await dataOf(folder, about, path, model, flags);
  const set = new Map([...about.object("set").allNumbers(), ...readAssignments(flags.set)]);
  const draws = drawsOfTables(readTables([folder]));
  const total = draws.chains * draws.drawsPerChain;
  if (total < LEAST_DRAWS)
    throw new UsageError(
      `the run in ${folder} has ${total} ${total === 1 ? "draw" : "draws"}, and leaving observations out takes ${LEAST_DRAWS} at least: run an engine that draws from the posterior`,
    );
  const bound = await model.bindData(data, set);
  const params = bound.target.parameters;
  const isSampled = params.length > 0 && params.every((p) => draws.values[p.name]);
  const posterior = isSampled ? await model.withSampledParams().bindData(data, set) : bound;
  const { target } = params.length > 0 && !isSampled ? await posterior.fix(learntFor(folder, about)) : posterior;
  return { name: folder, ...pointwiseLikelihood(target, draws) };
}

/** Where the parameters are that a run has learnt, or was given. */
function learntFor(folder: string, about: JsonObject): string {
  if (!about.has("params")) return folder;
  const params = about.object("params");
  const given = params.text("folder");
  const file = join(given, "guide.json");
  if (!existsSync(file) || hashFile(file).sha256 !== params.text("sha256"))
    throw new UsageError(`the run in ${folder} was made with the parameters of ${given}, which are others by now: run it again`);
  return given;
}

/** What the run has read; a UsageError where that is no longer there. */
async function dataOf(folder: string, about: JsonObject, path: string, model: Model, flags: CompareFlags): Promise<DataSet> {
  const [was, given] = [about.has("rows") ? about.text("rows") : undefined, rowsFlag(flags)];
  if (given !== undefined && given !== was)
    throw new UsageError(
      `the run in ${folder} took ${was === undefined ? "all rows of its data" : `the rows ${was} of its data`}, not ${given}: leave --rows and --subset out`,
    );
  const rows = was === undefined ? {} : rowsAgain(was);
  const paths = flags.data ?? (about.has("dataPaths") ? about.texts("dataPaths") : undefined);
  const read = await readData(path, model, { ...flags, ...rows, ...(paths ? { data: paths } : {}) });
  const [, ...hashes] = about.has("files") ? about.objects("files").map((f) => f.text("sha256")) : [];
  for (const file of read.paths)
    if (about.has("files") && !hashes.includes(hashFile(file).sha256))
      throw new UsageError(
        `${file} is not as the run in ${folder} read it: run it again, or give the data that it had, --data FILE`,
      );
  return read.data;
}

const wordsOf = ({ sites }: Fitted): string => sites.map((s) => `${s.count} of ${s.name}`).join(", ");

/** Log-likelihoods by observation, in the order that those of the first have. */
function inOrderOf(first: Fitted, fit: Fitted): readonly Float64Array[] {
  if (wordsOf(fit) !== wordsOf(first))
    throw new UsageError(
      `${first.name} observes ${wordsOf(first)}, and ${fit.name} ${wordsOf(fit)}: only models of the same observations are compared`,
    );
  let at = 0;
  return fit.sites.flatMap((site, i) => {
    const own = fit.values.slice(at, at + site.count);
    at += site.count;
    const order = orderOf(first.sites[i], site);
    if (!order)
      throw new UsageError(
        `${first.name} and ${fit.name} observe other values of ${site.name}, or the same ones in another order: only models of the same observations are compared`,
      );
    return order.map((k) => own[k]);
  });
}

/** Where each observation of the first stands among the others': by its number, where all of them are different. */
function orderOf(first: ObservedSite, other: ObservedSite): readonly number[] | undefined {
  const places = Array.from({ length: other.count }, (_, i) => i);
  const [x, y] = [first.data, other.data];
  if (!x || !y) return x === y ? places : undefined;
  if (x.length === y.length && x.every((v, i) => v === y[i])) return places;
  const where = new Map(places.map((i) => [y[i], i]));
  if (y.length !== other.count || where.size < other.count) return undefined;
  const order = Array.from(x, (v) => where.get(v) ?? -1);
  return new Set(order).size === other.count && !order.includes(-1) ? order : undefined;
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
