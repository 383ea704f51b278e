// Laws of the formatter: the tree stays, a second time changes nothing, comments stay in order, lines are not too long.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatModel, formatTree } from "../../src/dsl/language/format.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { scan } from "../../src/dsl/language/scan.ts";
import { showTree } from "../../src/dsl/language/show-tree.ts";
import { mustParse, programs, readProgram } from "../language/programs.ts";
import { model } from "./arbitrary-tree.ts";

function mustFormat(text: string): string {
  const { value, diagnostics } = formatModel({ name: "m.ppl", text });
  if (value === undefined) throw new Error(`${diagnostics.map((d) => d.message).join("; ")}\n${text}`);
  return value;
}

function expectSame(text: string): void {
  const once = mustFormat(text);
  const [before, after] = [mustParse({ name: "before", text }), mustParse({ name: "after", text: once })];
  expect(showTree(after)).toBe(showTree(before));
  expect(after.comments.map((c) => c.text)).toEqual(before.comments.map((c) => c.text));
  expect(mustFormat(once)).toBe(once);
}

describe.each(programs("good"))("%s", (name) => {
  const { text } = readProgram("good", name);
  test("keeps tree and comments, and is formatted once for all", () => expectSame(text));

  test("keeps comments wherever they stand", () => {
    const { tokens } = scan(text, 0);
    const comment = fc.constantFrom("/* c */", " // c\n", "\n// c\n", "\n/* c */\n", "/* c\n   d */");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(Math.max(0, tokens.length - 1)), comment), { minLength: 1, maxLength: 4 }),
        (insertions) => {
          let changed = text;
          for (const [i, c] of [...insertions].sort((a, b) => b[0] - a[0])) {
            const at = tokens[i]?.startOffset ?? 0;
            changed = changed.slice(0, at) + c + changed.slice(at);
          }
          // Some places take no line break.
          if (parseModel({ name: "m", text: changed }).value) expectSame(changed);
        },
      ),
      { numRuns: 20, seed: 1 },
    );
  });
});

test("a line of so many statements that their lines are too long a text", () => {
  const { value, diagnostics } = formatModel({ name: "m.ppl", text: "a~F();".repeat(160_000) });
  expect(value).toBeUndefined();
  expect(diagnostics.map((d) => d.code)).toEqual(["PPL102"]);
});

test("a random tree is read back from its text", () => {
  fc.assert(
    fc.property(model, (file) => {
      const text = formatTree(file);
      const { value, diagnostics } = parseModel({ name: "m", text });
      expect(diagnostics.map((d) => d.message)).toEqual([]);
      expect(showTree(value!)).toBe(showTree(file));
      expect(mustFormat(text)).toBe(formatTree(value!, text));
    }),
    { numRuns: 300, seed: 1 },
  );
});
