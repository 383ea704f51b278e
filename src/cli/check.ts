// ppl check, ppl format

import { formatModel } from "../dsl/language/format.ts";
import { renderDiagnostic } from "../dsl/render-diagnostic.ts";
import { loadModel, readSource } from "../load.ts";
import { ModelError } from "../model.ts";
import { writeAtomically } from "../runtime/platform/files.ts";
import { dataBeside } from "../runtime/platform/model-files.ts";
import { type DataFlags, readAssignments, readData } from "./inputs.ts";
import type { ExitCode } from "./main.ts";

export async function checkCommand(path: string, given: Record<string, unknown>): Promise<ExitCode> {
  const flags = given as DataFlags;
  const model = loadModel(path);
  for (const d of model.diagnostics) process.stdout.write(`${renderDiagnostic(d, model.sources)}\n\n`);
  if (!flags.data && !dataBeside(path)) {
    process.stdout.write(
      `${path}: no errors${model.diagnostics.length > 0 ? `, ${model.diagnostics.length} warnings or notes` : ""}\n`,
    );
    return 0;
  }
  const { data, paths } = await readData(path, model, flags);
  const posterior = await model.bindData(data, readAssignments(flags.set));
  for (const note of posterior.target.notes) process.stdout.write(`note: ${note}\n`);
  process.stdout.write(`${path} with ${paths.join(", ")}: no errors; ${posterior.dimension} unconstrained dimensions\n`);
  return 0;
}

export async function formatCommand(path: string, { write }: { write?: boolean }): Promise<ExitCode> {
  const source = readSource(path);
  const { value: formatted, diagnostics } = formatModel(source);
  if (formatted === undefined) throw new ModelError(diagnostics, [source]);
  if (!write) process.stdout.write(formatted);
  else if (formatted !== source.text) writeAtomically(path, formatted);
  return 0;
}
