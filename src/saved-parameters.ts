// What was learnt, as files: guide.json tells of it, guide.npz has the numbers. Node only.
import { readJsonObject } from "./dsl/data/json-object.ts";
import type { Source } from "./dsl/diagnostics.ts";
import type { Fit, LearntTensor } from "./fit.ts";
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
}

const FORMAT = 1;
const FILE = "guide.npz";
const LARGEST_SHOWN = 1000;

/** By which parameters know their model: its text, imports included. */
export const modelHash = (sources: readonly Pick<Source, "text">[]): string => sha256(...sources.map((s) => `${s.text}\0`));

/** None where nothing was learnt. */
export async function parameterFiles(fit: Fit): Promise<FolderEntry[]> {
  const { learnt, provenance } = fit;
  if (learnt.length === 0) return [];
  // Zip archives are loaded when there is one.
  const { writeNpz } = await import("./dsl/data/write-npz.ts");
  const binary = writeNpz(learnt);
  const about = {
    format: FORMAT,
    model: fit.model,
    modelSha256: modelHash(provenance.sources ?? []),
    engine: provenance.engine,
    seed: provenance.seed,
    set: provenance.set ?? {},
    steps: fit.steps,
    binary: { file: FILE, bytes: binary.length, sha256: sha256(binary) },
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
  ];
}

export const isParameterFile = (name: string): boolean => name === "guide.json" || name === FILE;

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
  const binary = about.object("binary");
  const path = `${folder}/${FILE}`;
  const bytes = readBytes(path);
  if (bytes.length !== binary.number("bytes"))
    throw new UsageError(
      `${path} has ${bytes.length} bytes where guide.json tells of ${binary.number("bytes")}: it is cut off, or belongs to another run`,
    );
  if (sha256(bytes) !== binary.text("sha256"))
    throw new UsageError(`${path} is not the file that was saved with guide.json: it is damaged, or belongs to another run`);
  const { readNpz } = await import("./dsl/data/npz.ts");
  const arrays = readNpz(path, bytes);
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
  };
}
const isOwner = (x: string): x is LearntTensor["owner"] => ["model", "guide", "both", "family", "start"].includes(x);
