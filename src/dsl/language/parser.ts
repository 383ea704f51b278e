// A model's text to its syntax tree: scan, layout, grammar. Either the tree, or every syntax error of the text.
import type { Outcome, Source } from "../diagnostics.ts";
import type { Expression, ModelFile } from "./ast.ts";
import { tooDeep } from "./depth.ts";
import { layout } from "./layout.ts";
import { type EmbeddedValue, scan } from "./scan.ts";
import { refuseText } from "./source.ts";
import { StatementParser } from "./statement-parser.ts";
import { NewLine } from "./tokens.ts";

/** `file` is the source's index among those of the model; `embedded` the values that an embedding program put into the text. */
export function parseModel(source: Source, file = 0, embedded: readonly EmbeddedValue[] = []): Outcome<ModelFile> {
  const refused = refuseText(source, file);
  if (refused) return { diagnostics: [refused] };
  const scanned = scan(source.text, file, embedded);
  // Of a text that is read in part only nobody knows what is missing.
  if (!scanned.whole) return { diagnostics: scanned.diagnostics };
  const laid = layout(scanned.tokens, file);
  const { statements, diagnostics } = theParser().model(laid.tokens, source.text, file, [
    ...scanned.diagnostics,
    ...laid.diagnostics,
  ]);
  if (diagnostics.length > 0) return { diagnostics: [...diagnostics].sort((a, b) => a.span.start - b.span.start) };
  const deep = tooDeep(statements);
  if (deep) return { diagnostics: [deep] };
  return {
    value: { statements, comments: scanned.comments, span: { file, start: 0, end: source.text.length } },
    diagnostics: [],
  };
}

/** The expression that a text is, or undefined if it is none: an embedding program's fragment may be one. */
export function parseExpression(text: string, embedded: readonly EmbeddedValue[] = []): Expression | undefined {
  const scanned = scan(text, 0, embedded);
  const tokens = scanned.tokens.slice(
    scanned.tokens.findIndex((k) => k.tokenType !== NewLine),
    scanned.tokens.findLastIndex((k) => k.tokenType !== NewLine) + 1,
  );
  const laid = layout(tokens, 0);
  return scanned.diagnostics.length + laid.diagnostics.length > 0 ? undefined : theParser().expressionAlone(laid.tokens, 0);
}

let parser: StatementParser | undefined;

/** Built at the first use: it takes some hundredths of a second. */
function theParser(): StatementParser {
  return (parser ??= new StatementParser({ validate: false }));
}
