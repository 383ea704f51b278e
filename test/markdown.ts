// Fenced blocks of the documentation, and models among them as a reader would run them.
import { readFileSync } from "node:fs";
import { parseModel } from "../src/dsl/language/parser.ts";
import { renderDiagnostic } from "../src/dsl/render-diagnostic.ts";
import { type ImportResolver, ModelError, modelOf, type Posterior } from "../src/model.ts";
import { filesBelow, root } from "./modules.ts";

export interface Block {
  readonly file: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** First word after the fence. */
  readonly language: string;
  /** What follows it: "not yet", "wrong", "file=curves.ppl". */
  readonly words: string;
  readonly text: string;
  /** The blocks below it, with nothing between: its data, what is printed. */
  readonly after: Block[];
}

/** Written for readers, the generated pages included. */
export const documents: readonly string[] = ["README.md", ...filesBelow("docs").filter((path) => path.endsWith(".md"))];

/** Those, the changelog and the pages of models. */
export const pages: readonly string[] = [
  ...documents,
  "CHANGELOG.md",
  ...filesBelow("models").filter((path) => path.endsWith(".md")),
];

export const readDocument = (path: string): string => readFileSync(`${root}${path}`, "utf8").replaceAll("\r\n", "\n");

export function blocksOf(file: string, text = readDocument(file)): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  let before: { readonly block: Block; readonly end: number } | undefined;
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(\S*) ?(.*)$/.exec(lines[i]);
    if (!fence) continue;
    const end = lines.indexOf("```", i + 1);
    if (end < 0) throw new Error(`${file}:${i + 1}: a fence that is not closed`);
    const block = {
      file,
      line: i + 1,
      language: fence[1],
      words: fence[2],
      text: `${lines.slice(i + 1, end).join("\n")}\n`,
      after: [],
    };
    const follows = before?.end === i - 1 && (block.language === "json" || block.language === "text");
    if (follows) before?.block.after.push(block);
    else blocks.push(block);
    before = { block: follows && before ? before.block : block, end };
    i = end;
  }
  return blocks;
}

export type Reading =
  /** `warnings`: of the model and of its data, notes included. */
  | { readonly posterior: Posterior | undefined; readonly warnings: string }
  | { readonly problem: string; readonly codes: readonly string[] };

/** Checks a model, and binds it where data follow. Other blocks of the page may be imported by their names. */
export async function readModelBlock(block: Block, page: readonly Block[]): Promise<Reading> {
  const sources = [{ name: "model.ppl", text: block.text }];
  const resolveImport: ImportResolver = (path) => {
    const found = page.find((b) => b.words === `file=${path}`);
    if (!found) return { problem: `there is no file ${path}` };
    const sourceIndex = sources.push({ name: path, text: found.text }) - 1;
    const { value } = parseModel(sources[sourceIndex], sourceIndex);
    return value ? { file: value, sourceIndex } : { problem: `${path} has errors of its own` };
  };
  try {
    const model = modelOf("model", sources, parseModel(sources[0], 0), resolveImport);
    const data = block.after.find((b) => b.language === "json");
    const posterior = data ? await model.bind(JSON.parse(data.text)) : undefined;
    const warnings = model.diagnostics.map((d) => renderDiagnostic(d, sources));
    return { posterior, warnings: [...warnings, ...(posterior?.target.notes ?? [])].join("\n\n") };
  } catch (e) {
    if (!(e instanceof ModelError)) throw e;
    return { problem: e.message, codes: e.diagnostics.filter((d) => d.severity === "error").map((d) => d.code) };
  }
}
