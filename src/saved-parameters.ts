// What was learnt, as files: guide.json tells of it, guide.npz has the numbers, training.npz what the optimiser stopped with. Node only.

import type { JsonObject } from "./dsl/data/json-object.ts";
import { readJsonObject } from "./dsl/data/json-object.ts";
import type { Source } from "./dsl/diagnostics.ts";
import type { Fit, LearntTensor, Unfinished } from "./fit.ts";
import { jsonText } from "./inference/report/json.ts";
import { UsageError } from "./runtime/errors.ts";
import { type FolderEntry, readBytes, readText } from "./runtime/platform/files.ts";
import { sha256 } from "./runtime/platform/hash.ts";

export interface SavedParameters {
  /** For messages. */
  readonly folder: string;
  readonly model: string;
  readonly modelSha256: string;
  readonly engine: string;
  /** Of the optimiser, those of runs that it went on from included. */
  readonly steps: number;
  readonly tensors: readonly LearntTensor[];
  /** For another run to go on from; absent of what versions before this saved. */
  readonly unfinished?: Unfinished;
}

const FORMAT = 1;
const FILE = "guide.npz";
const TRAINING = "training.npz";
const LARGEST_SHOWN = 1000;

/** By which parameters know their model: its text, imports included. */
export const modelHash = (sources: readonly Pick<Source, "text">[]): string => sha256(...sources.map((s) => `${s.text}\0`));

/** None where nothing was learnt. */
export async function parameterFiles(fit: Fit): Promise<FolderEntry[]> {
  const { learnt, provenance, unfinished } = fit;
  if (learnt.length === 0) return [];
  // Zip archives are loaded when there is one.
  const { writeNpz } = await import("./dsl/data/write-npz.ts");
  const binary = writeNpz(learnt);
  const state = Object.entries(unfinished.training).map(([name, values]) => ({ name, shape: [values.length], values }));
  const training = state.length > 0 ? writeNpz(state) : undefined;
  const about = {
    format: FORMAT,
    model: fit.model,
    modelSha256: modelHash(provenance.sources ?? []),
    engine: provenance.engine,
    seed: provenance.seed,
    set: provenance.set ?? {},
    steps: fit.steps,
    binary: told(FILE, binary),
    latents: unfinished.latents,
    ...(training ? { training: told(TRAINING, training) } : {}),
    tensors: learnt.map(({ name, owner, shape, values }) => ({
      name,
      owner,
      shape,
      ...(values.length <= LARGEST_SHOWN ? { values: shape.length === 0 ? values[0] : values } : {}),
    })),
  };
  return [
    { name: "guide.json", content: `${jsonText(about)}\n` },
    { name: FILE, content: binary },
    ...(training ? [{ name: TRAINING, content: training }] : []),
  ];
}

const told = (file: string, bytes: Uint8Array) => ({ file, bytes: bytes.length, sha256: sha256(bytes) });

export const isParameterFile = (name: string): boolean => name === "guide.json" || name === FILE || name === TRAINING;

/** Every field is held against the binary; what disagrees is a sentence. */
export async function readParameters(folder: string): Promise<SavedParameters> {
  const file = `${folder}/guide.json`;
  let text: string;
  try {
    text = readText(file);
  } catch (e) {
    if (e instanceof UsageError)
      throw new UsageError(`${folder} has no parameters of a fit (${e.message}): give the folder of a run that learnt some`);
    throw e;
  }
  const about = readJsonObject(file, text);
  if (about.number("format") !== FORMAT)
    throw new UsageError(`${file} has format ${about.number("format")}, and this version of ppl reads format ${FORMAT}`);
  const path = `${folder}/${FILE}`;
  const arrays = await arraysOf(path, about.object("binary"));
  const tensors = about.objects("tensors").map((t): LearntTensor => {
    const [name, owner, shape] = [t.text("name"), t.text("owner"), t.numbers("shape")];
    const array = arrays.get(name.normalize("NFKC"));
    if (!isOwner(owner)) throw new UsageError(`${file}: ${name} belongs to ${owner}, which is nothing that is known`);
    if (!array) throw new UsageError(`${path} has no ${name}, of which guide.json tells`);
    if (array.shape.join() !== shape.join())
      throw new UsageError(`${name} has shape [${array.shape.join(", ")}] in ${FILE} and [${shape.join(", ")}] in guide.json`);
    return { name, owner, shape, values: Float64Array.from(array.values) };
  });
  return {
    folder,
    model: about.text("model"),
    modelSha256: about.text("modelSha256"),
    engine: about.text("engine"),
    steps: about.number("steps"),
    tensors,
    ...(about.has("latents")
      ? { unfinished: { latents: about.texts("latents"), training: await trainingOf(folder, about) } }
      : {}),
  };
}
const OWNERS: readonly string[] = [
  "model",
  "guide",
  "both",
  "family",
  "origin",
  "start",
] satisfies readonly LearntTensor["owner"][];
const isOwner = (x: string): x is LearntTensor["owner"] => OWNERS.includes(x);

/** Of a file that guide.json tells of. */
async function arraysOf(path: string, about: JsonObject) {
  const bytes = readBytes(path);
  if (bytes.length !== about.number("bytes"))
    throw new UsageError(
      `${path} has ${bytes.length} bytes where guide.json tells of ${about.number("bytes")}: it is cut off, or belongs to another run`,
    );
  if (sha256(bytes) !== about.text("sha256"))
    throw new UsageError(`${path} is not the file that was saved with guide.json: it is damaged, or belongs to another run`);
  const { readNpz } = await import("./dsl/data/npz.ts");
  return readNpz(path, bytes);
}

async function trainingOf(folder: string, about: JsonObject): Promise<Unfinished["training"]> {
  if (!about.has("training")) return {};
  const arrays = await arraysOf(`${folder}/${TRAINING}`, about.object("training"));
  return Object.fromEntries([...arrays].map(([name, { values }]) => [name, Float64Array.from(values)]));
}
