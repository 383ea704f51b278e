// The parser beyond its golden programs: what any text, broken or hostile, must not do to it.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codes } from "../../src/dsl/codes.ts";
import { MAX_DEPTH } from "../../src/dsl/language/depth.ts";
import { MAX_NESTING } from "../../src/dsl/language/layout.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { scan } from "../../src/dsl/language/scan.ts";
import { showTree } from "../../src/dsl/language/show-tree.ts";
import { decodeSource, MAX_SOURCE_LENGTH } from "../../src/dsl/language/source.ts";
import { StatementParser } from "../../src/dsl/language/statement-parser.ts";
import { renderDiagnostics } from "../../src/dsl/render-diagnostic.ts";
import { programs, readProgram } from "../language/programs.ts";

const parse = (text: string) => parseModel({ name: "m.ppl", text });
const codesOf = (text: string) => parse(text).diagnostics.map((d) => d.code);
const tree = (text: string) => showTree(parse(text).value!);

/** Either a tree and no error, or errors inside the text, each of which can be shown. */
function expectSound(text: string): void {
  const { value, diagnostics } = parse(text);
  expect(value === undefined).toBe(diagnostics.some((d) => d.severity === "error"));
  for (const d of diagnostics) {
    expect(d.span.start).toBeGreaterThanOrEqual(0);
    expect(d.span.end).toBeGreaterThanOrEqual(d.span.start);
    expect(d.span.end).toBeLessThanOrEqual(text.length);
    expect(codes[d.code]).toBeDefined();
  }
  expect(renderDiagnostics(diagnostics, [{ name: "m.ppl", text }])).not.toContain("undefined");
}

test("the grammar is one that chevrotain accepts, with one token of lookahead", () => {
  expect(() => new StatementParser({ validate: true })).not.toThrow();
});

test("every code in the sources is in the list", () => {
  const root = fileURLToPath(new URL("../../src/dsl/", import.meta.url));
  for (const path of readdirSync(root, { recursive: true }) as string[]) {
    if (!path.endsWith(".ts")) continue;
    for (const [code] of readFileSync(root + path, "utf8").matchAll(/PPL\d{3}/g))
      expect(codes[code], `${code} in ${path}`).toBeDefined();
  }
});

describe("texts", () => {
  test("line ends, tabs, byte order mark", () => {
    const lines = ["data x: real", "", "x ~ Normal(", "  0, 1)", "\tmu ~ Flat() // c", "/* a", "b */ y ~ Flat()"];
    const expected = tree(lines.join("\n"));
    for (const end of ["\r\n", "\r"]) expect(tree(`\ufeff${lines.join(end)}${end}`)).toBe(expected);
  });
  test("decoding", () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    expect(decodeSource("m", bytes("\ufeffμ ~ Flat()")).value?.text).toBe("\ufeffμ ~ Flat()");
    expect(decodeSource("m", Uint8Array.of(0xff, 0xfe, 0x61, 0)).diagnostics[0].message).toContain("UTF-16");
    expect(decodeSource("m", Uint8Array.of(0x61, 0xc3)).diagnostics[0].code).toBe("PPL101");
    expect(decodeSource("m", Uint8Array.of(0x50, 0x4b, 3, 4, 0)).diagnostics[0].code).toBe("PPL101");
    expect(decodeSource("m", new Uint8Array(4 * MAX_SOURCE_LENGTH + 1)).diagnostics[0].code).toBe("PPL102");
  });
  test("size is bounded", () => {
    expect(codesOf(`// ${" ".repeat(MAX_SOURCE_LENGTH)}`)).toEqual(["PPL102"]);
  });
});

describe("depth is bounded, and up to the bound there is no overflow", () => {
  const nested: [string, (n: number) => string][] = [
    ["parentheses", (n) => `let a = ${"(".repeat(n)}1${")".repeat(n)}`],
    ["arrays", (n) => `let a = ${"[".repeat(n)}1${"]".repeat(n)}`],
    ["subscripts", (n) => `let a = ${"x[".repeat(n)}1${"]".repeat(n)}`],
    ["calls", (n) => `let a = ${"f(".repeat(n)}1${")".repeat(n)}`],
    ["blocks", (n) => `${"for i in 1..2 {".repeat(n)}${"}".repeat(n)}`],
    ["conditionals", (n) => `let a = ${"c ? ".repeat(n)}1${" : 2".repeat(n)}`],
    ["bounds", (n) => `a: ${"real<0, sum([x for i in b])> ~ Flat(); b: ".repeat(n)}real`],
  ];
  test.each(nested)("%s", (_, text) => {
    expect(parse(text(MAX_NESTING - 5)).diagnostics).toEqual([]);
    expectSound(text(5000));
  });
  const long: [string, (n: number) => string][] = [
    ["a sum", (n) => `let a = 1${" + 1".repeat(n)}`],
    ["powers", (n) => `let a = 1${"^1".repeat(n)}`],
    ["signs", (n) => `let a = ${"-".repeat(n)}1`],
    ["primes", (n) => `let a = x${"'".repeat(n)}`],
    ["pipes", (n) => `let a = x${" |> f".repeat(n)}`],
    ["subscripts", (n) => `let a = x${"[1]".repeat(n)}`],
    ["else if", (n) => `if a { }${" else if b { }".repeat(n)}`],
    ["conditionals", (n) => `let a = ${"c ? 1 : ".repeat(n)}2`],
  ];
  test.each(long)("%s", (_, text) => {
    expect(parse(text(MAX_DEPTH - 5)).diagnostics).toEqual([]);
    expect(codesOf(text(60_000))).toEqual(["PPL111"]);
  });
});

describe("robustness", () => {
  test("a text that is not read to its end is not blamed for what is missing there", () => {
    expect(new Set(codesOf(`let a = (${"$ ".repeat(25)})`))).toEqual(new Set(["PPL103"]));
  });
  test("a comma at the end of a statement is no comma of a list", () => {
    for (const text of ["data x: real,", "x ~ Normal(0, 1),\n", "for i in 1..2 { x[i] ~ Normal(0, 1), }", "let a = [1, 2,],"])
      expect(codesOf(text)).toEqual(["PPL110"]);
    expect(codesOf("let a = f([1, 2,], 3,\n)")).toEqual([]);
  });
  test("an operator may dangle over any number of lines", () => {
    expect(tree(`x ~${"\n".repeat(500_000)}Flat()`)).toBe("(~ x (call Flat))\n");
  });
  test("any text", () => {
    const words = [
      "data",
      "let",
      "for",
      "in",
      "if",
      "else",
      "~",
      "=",
      "(",
      ")",
      "[",
      "]",
      "{",
      "}",
      "<",
      ">",
      ",",
      ";",
      ":",
      "?",
      "..",
      "x",
      "1",
      "real",
      "\n",
      "'",
      '"',
      "/*",
      "*/",
      "//",
      "+",
      "-",
      "^",
      "|>",
      "by",
      "density",
      "simulate",
      "return",
      "objective",
      "maximise",
      "guide",
    ];
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((all) => all.join(" ")),
    );
    fc.assert(fc.property(text, expectSound), { numRuns: 500, seed: 1 });
  });
  test("programs with tokens lost, doubled or swapped", () => {
    const names = programs("good");
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.tuple(fc.nat(500), fc.nat(2)), { minLength: 1, maxLength: 3 }),
        (name, edits) => {
          let { text } = readProgram("good", name);
          for (const [where, kind] of edits) {
            const { tokens } = scan(text, 0);
            const k = tokens[where % Math.max(1, tokens.length)];
            if (!k) continue;
            const [start, end] = [k.startOffset, k.endOffset + 1];
            const replacement =
              kind === 0 ? "" : kind === 1 ? k.image + k.image : (tokens[(where * 7) % tokens.length]?.image ?? "");
            text = text.slice(0, start) + replacement + text.slice(end);
          }
          expectSound(text);
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });
  test("a long text of errors ends soon", () => {
    for (const unit of [
      "a)\n",
      "let = \n",
      "( [ {\n",
      "} ",
      "\u20ac ",
      "x ~ Normal(0, 1\n",
      '"a\n',
      "a <- 3\n",
      "for i in 1:N {\n",
    ]) {
      const text = unit.repeat(Math.floor(200_000 / unit.length));
      const begin = performance.now();
      expect(codesOf(text).length).toBeGreaterThan(0);
      // Linear in the text: a tenth of a second on an idle machine; a quadratic pass would take minutes.
      expect(performance.now() - begin).toBeLessThan(20_000);
    }
  });
});
