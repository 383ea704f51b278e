// Models from files: node only. Imports are read from the model's folder and below it, nowhere else.
import type { Outcome, Source } from "./dsl/diagnostics.ts";
import type { ModelFile } from "./dsl/language/ast.ts";
import { parseModel } from "./dsl/language/parser.ts";
import { decodeSource } from "./dsl/language/source.ts";
import { type ImportResolver, type Model, ModelError, modelOf } from "./model.ts";
import { readBytes } from "./runtime/platform/files.ts";
import { fileIdentity, modelNameOf, resolveInside } from "./runtime/platform/model-files.ts";

export function loadModel(path: string): Model {
  const sources: Source[] = [];
  const paths: string[] = [];
  const files = new Map<string, { readonly index: number; readonly parsed: Outcome<ModelFile> }>();
  const read = (file: string): Outcome<ModelFile> => {
    const index = sources.length;
    const source = readSource(file, index);
    sources.push(source);
    paths.push(file);
    const parsed = parseModel(source, index);
    files.set(fileIdentity(file), { index, parsed });
    return parsed;
  };
  const resolveImport: ImportResolver = (wanted, from) => {
    const file = resolveInside(path, paths[from] ?? path, wanted);
    if ("problem" in file) return file;
    // A file has one index however often it is imported: that is how a circle of imports is seen.
    const before = files.get(fileIdentity(file.path));
    const sourceIndex = before?.index ?? sources.length;
    const parsed = before?.parsed ?? read(file.path);
    const [error] = parsed.diagnostics.filter((d) => d.severity === "error");
    if (!parsed.value || error) return { problem: `${wanted} has errors of its own: ${error?.message ?? "it is empty"}` };
    return { file: parsed.value, sourceIndex };
  };
  return modelOf(modelNameOf(path), sources, read(path), resolveImport);
}

/** The text of a model; throws a ModelError when it is none. */
export function readSource(file: string, index = 0): Source {
  const decoded = decodeSource(file, readBytes(file), index);
  if (!decoded.value) throw new ModelError(decoded.diagnostics, [...new Array<Source>(index), { name: file, text: "" }]);
  return decoded.value;
}
