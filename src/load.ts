// Models from files: node only. Imports are read from the model's folder and below it, nowhere else.

import type { Source } from "./dsl/diagnostics.ts";
import type { ModelFile } from "./dsl/language/ast.ts";
import { parseModel } from "./dsl/language/parser.ts";
import { type ImportResolver, type Model, modelOf } from "./model.ts";
import { modelNameOf, readModelText, resolveInside } from "./runtime/platform/model-files.ts";

export function loadModel(path: string): Model {
  const sources: Source[] = [];
  const paths: string[] = [];
  const read = (
    file: string,
  ): { readonly file: ModelFile | undefined; readonly index: number; readonly parsed: ReturnType<typeof parseModel> } => {
    const index = sources.length;
    sources.push({ name: file, text: readModelText(file) });
    paths.push(file);
    const parsed = parseModel(sources[index], index);
    return { file: parsed.value, index, parsed };
  };
  const resolveImport: ImportResolver = (wanted, from) => {
    const file = resolveInside(path, paths[from] ?? path, wanted);
    if ("problem" in file) return file;
    const { file: tree, index, parsed } = read(file.path);
    const [error] = parsed.diagnostics.filter((d) => d.severity === "error");
    if (!tree || error) return { problem: `${wanted} has errors of its own: ${error?.message ?? "it is empty"}` };
    return { file: tree, sourceIndex: index };
  };
  const { parsed } = read(path);
  return modelOf(modelNameOf(path), sources, parsed, resolveImport);
}
