// ppl check, ppl format

import { formatModel } from "../dsl/language/format.ts";
import { renderDiagnostic } from "../dsl/render-diagnostic.ts";
import { loadModel, readSource } from "../load.ts";
import { ModelError } from "../model.ts";
import { writeAtomically } from "../runtime/platform/files.ts";
import { dataBeside } from "../runtime/platform/model-files.ts";
import type { Target } from "../runtime/target.ts";
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
  const { target } = posterior;
  if (target.discrete.length > 0) process.stdout.write(`${summationWords(target)}\n`);
  process.stdout.write(`${path} with ${paths.join(", ")}: no errors; ${posterior.dimension} unconstrained dimensions\n`);
  return 0;
}

/** What summing out costs, or why it cannot be done; a guide does instead. */
function summationWords(target: Target): string {
  const summation = target.summation();
  const names = target.discrete.map((s) => s.name).join(", ");
  if ("refusal" in summation) return `note: ${summation.refusal}`;
  const cost = summation.flops < 1000 ? String(summation.flops) : summation.flops.toExponential(1).replace("e+", "e");
  return `${names}: summed out, about ${cost} flops an evaluation${target.guide ? ", where the guide does not name it" : ""}`;
}

export async function formatCommand(path: string, { write }: { write?: boolean }): Promise<ExitCode> {
  const source = readSource(path);
  const { value: formatted, diagnostics } = formatModel(source);
  if (formatted === undefined) throw new ModelError(diagnostics, [source]);
  if (!write) process.stdout.write(formatted);
  else if (formatted !== source.text) writeAtomically(path, formatted);
  return 0;
}
