// Programs that are refused, with the exact words: this folder is the specification of the messages.
// What parses goes on to the checker: check-*.ppl are its programs.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Diagnostic, Source } from "../../src/dsl/diagnostics.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { renderDiagnostics } from "../../src/dsl/render-diagnostic.ts";
import { expectRecorded, programs, readProgram } from "./programs.ts";

const checker = new URL("../../src/dsl/check/check.ts", import.meta.url);

async function diagnose(name: string, source: Source): Promise<readonly Diagnostic[]> {
  const { value, diagnostics } = parseModel(source);
  if (!value || !existsSync(fileURLToPath(checker))) return diagnostics;
  const { checkModel } = await import(checker.href);
  return [...diagnostics, ...checkModel(name, [source], value, {}).diagnostics];
}

test.each(programs("bad"))("%s", async (name) => {
  const source = readProgram("bad", name);
  const diagnostics = await diagnose(name, source);
  if (!name.startsWith("check-")) expect(diagnostics.some((d) => d.severity === "error")).toBe(true);
  expectRecorded("bad", name, `${renderDiagnostics(diagnostics, [source])}\n`);
});
