// Programs that are refused, with the exact words: this folder is the specification of the messages.
// What parses goes on to the checker: check-*.ppl are its programs.
import { expect, test } from "vitest";
import { checkModel } from "../../src/dsl/check/check.ts";
import type { Diagnostic, Source } from "../../src/dsl/diagnostics.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { renderDiagnostics } from "../../src/dsl/render-diagnostic.ts";
import { expectRecorded, programs, readProgram } from "./programs.ts";

function diagnose(name: string, source: Source): readonly Diagnostic[] {
  const { value, diagnostics } = parseModel(source);
  return value ? [...diagnostics, ...checkModel(name, [source], value, {}).diagnostics] : diagnostics;
}

test.each(programs("bad"))("%s", (name) => {
  const source = readProgram("bad", name);
  const diagnostics = diagnose(name, source);
  // The checker's programs may be warned of alone.
  if (!name.startsWith("check-")) expect(diagnostics.some((d) => d.severity === "error")).toBe(true);
  expect(diagnostics).not.toEqual([]);
  expectRecorded("bad", name, `${renderDiagnostics(diagnostics, [source])}\n`);
});
