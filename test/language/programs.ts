// The programs of good/ and bad/, and what is expected of each; UPDATE=1 writes the expectations anew.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Source } from "../../src/dsl/diagnostics.ts";
import type { ModelFile } from "../../src/dsl/language/ast.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";

const root = fileURLToPath(new URL(".", import.meta.url));

/** Names of the programs in a folder, without .ppl; throws where an expectation is left of a program that is not there. */
export function programs(folder: "good" | "bad"): string[] {
  const files = readdirSync(`${root}${folder}`);
  const named = (ending: string): string[] => files.filter((f) => f.endsWith(ending)).map((f) => f.slice(0, -ending.length));
  const names = named(".ppl").sort();
  const orphans = named(".expected").filter((name) => !names.includes(name));
  if (orphans.length > 0) throw new Error(`${folder} has no programs ${orphans.join(", ")}`);
  return names;
}

export function readProgram(folder: "good" | "bad", name: string): Source {
  return { name: `${name}.ppl`, text: readFileSync(`${root}${folder}/${name}.ppl`, "utf8") };
}

/** Compares with the file beside the program. */
export function expectRecorded(folder: "good" | "bad", name: string, actual: string): void {
  const path = `${root}${folder}/${name}.expected`;
  if (process.env.UPDATE === "1") writeFileSync(path, actual);
  expect(existsSync(path), `${folder}/${name}.expected is missing: UPDATE=1 writes it`).toBe(true);
  expect(actual).toBe(readFileSync(path, "utf8"));
}

export function mustParse(source: Source): ModelFile {
  const { value, diagnostics } = parseModel(source);
  if (!value) throw new Error(`${source.name}: ${diagnostics.map((d) => d.message).join("; ")}`);
  return value;
}
