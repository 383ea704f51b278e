// ppl evaluate: a fitted model on data, those it was fitted to or others.
import { statSync } from "node:fs";
import { join } from "node:path";
import { readDataFile } from "../data-files.ts";
import { readJsonObject } from "../dsl/data/json-object.ts";
import { fittedTarget, pictures } from "../evaluation.ts";
import type { ThinnedTrace } from "../inference/report/trace.ts";
import { LARGEST_SEED } from "../inference/run.ts";
import { loadModel } from "../load.ts";
import { drawSeed } from "../model.ts";
import { UsageError } from "../runtime/errors.ts";
import { readText, refuseUnwritable, writeAtomically } from "../runtime/platform/files.ts";
import { modelHash, readParameters } from "../saved-parameters.ts";
import { type DataFlags, readAssignments, readData, readInteger } from "./inputs.ts";
import type { ExitCode } from "./main.ts";

interface EvaluateFlags extends DataFlags {
  readonly params?: string;
  readonly seed?: string;
  readonly pictures?: string;
  readonly image?: string;
  readonly labels?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export async function evaluateCommand(path: string, given: Record<string, unknown>): Promise<ExitCode> {
  // commander gives what the flags of main.ts declare.
  const flags = given as unknown as EvaluateFlags;
  const talk = (text: string) => {
    if (!flags.json && !flags.quiet) process.stdout.write(`${text}\n`);
  };
  const warn = (text: string) => {
    if (!flags.quiet) process.stderr.write(`${text}\n`);
  };
  const seed = readInteger("--seed", flags.seed, 0, LARGEST_SEED) ?? drawSeed();
  const run = isFolder(path) ? readRun(path) : undefined;
  const model = loadModel(run?.model ?? path);
  const { data, chosen } = await readData(run?.model ?? path, model, flags);
  const set = new Map([...(run?.set ?? []), ...readAssignments(flags.set)]);
  if (flags.pictures !== undefined) refuseUnwritable(flags.pictures);
  const { target } = await model.bindData(data, set);
  const folder = flags.params ?? run?.folder;
  const saved = folder === undefined || target.parameters.length === 0 ? undefined : await readParameters(folder);
  const fitted = await fittedTarget(target, saved);
  if (saved && saved.modelSha256 !== modelHash(model.sources))
    warn(`note: the text of ${model.name} is another than that whose parameters ${folder} has; their names and shapes agree`);
  const { plate } = fitted;
  talk(
    `${model.name}: ${plate.size} rows of ${plate.name}${saved ? `, parameters of ${saved.steps} steps of ${saved.engine}` : ""}, seed ${seed}`,
  );
  if (flags.pictures !== undefined) {
    const made = await pictures(
      fitted,
      {
        ...imageFlag(flags.image),
        ...(await labelsOf(flags.labels, chosen?.rows, plate.size)),
        ...(run?.bound ? { bound: run.bound } : {}),
      },
      seed,
    );
    for (const note of made.notes) warn(`note: ${note}`);
    for (const { name, content } of made.files) writeAtomically(join(flags.pictures, name), content);
    talk(`pictures in ${join(flags.pictures, "pictures.html")}`);
  }
  return 0;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

interface Run {
  readonly folder: string;
  readonly model: string;
  readonly set: ReadonlyMap<string, number>;
  readonly bound?: ThinnedTrace;
}

/** What run.json says of the model. */
function readRun(folder: string): Run {
  const file = join(folder, "run.json");
  const about = readJsonObject(file, readText(file));
  const model = about.text("modelPath");
  if (!statSync(model, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(
      `the model of the run in ${folder} was ${model}, which is not there: ppl evaluate MODEL --params ${folder}`,
    );
  const traces = about.object("traces");
  const bound = traces.has("elbo") ? traces.object("elbo") : undefined;
  return {
    folder,
    model,
    set: new Map(about.object("set").allNumbers()),
    ...(bound ? { bound: { steps: bound.numbers("steps"), values: bound.numbers("values") } } : {}),
  };
}

/** --image [NAME=]HEIGHTxWIDTH */
function imageFlag(text: string | undefined): { readonly site?: string; readonly image?: readonly [number, number] } {
  if (text === undefined) return {};
  const parts = /^(?:([^=]+)=)?(\d+)[x×](\d+)$/.exec(text.trim());
  if (!parts)
    throw new UsageError(`--image takes HEIGHTxWIDTH, or NAME=HEIGHTxWIDTH where several variables are observed, not ${text}`);
  const [, site, height, width] = parts;
  return { image: [Number(height), Number(width)], ...(site === undefined ? {} : { site: site.trim().normalize("NFKC") }) };
}

/** Of the rows that are taken. */
async function labelsOf(
  file: string | undefined,
  rows: Int32Array | undefined,
  count: number,
): Promise<{ readonly labels?: ArrayLike<number> }> {
  if (file === undefined) return {};
  const [labels, ...others] = (await readDataFile(file, { name: "labels" })).values();
  if (!labels || others.length > 0)
    throw new UsageError(`${file} has ${others.length + 1} variables where one is asked for: a number for each row`);
  const taken = rows ? Float64Array.from(rows, (row) => labels.values[row]) : labels.values;
  if (taken.length !== count || taken.some((x) => !Number.isInteger(x)))
    throw new UsageError(
      `${file} has ${labels.values.length} labels, which are not one integer for each of the ${rows ? "rows of the data" : `${count} rows`}`,
    );
  return { labels: taken };
}
