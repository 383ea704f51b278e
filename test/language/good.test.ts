// Programs that parse, with their trees; formatting keeps the tree and the comments, and a second time changes nothing.
import { describe, expect, test } from "vitest";
import { showTree } from "../../src/dsl/language/show-tree.ts";
import { expectRecorded, mustParse, programs, readProgram } from "./programs.ts";

describe.each(programs("good"))("%s", (name) => {
  const source = readProgram("good", name);

  test("has the recorded tree", () => {
    const file = mustParse(source);
    expectRecorded("good", name, showTree(file));
  });

  test("has spans inside the text, each part inside its whole", () => {
    const visit = (node: unknown, low: number, high: number): void => {
      if (Array.isArray(node)) for (const part of node) visit(part, low, high);
      else if (typeof node === "object" && node !== null) {
        const { span, ...parts } = node as { span?: { start: number; end: number } };
        if (span) {
          expect(span.start).toBeGreaterThanOrEqual(low);
          expect(span.end).toBeLessThanOrEqual(high);
          expect(span.end).toBeGreaterThanOrEqual(span.start);
        }
        for (const part of Object.values(parts)) visit(part, span?.start ?? low, span?.end ?? high);
      }
    };
    visit(mustParse(source), 0, source.text.length);
  });
});
