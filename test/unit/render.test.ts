// The frame of a diagnostic, where its golden programs do not reach: widths, tabs, long lines, several lines and files.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../src/dsl/diagnostics.ts";
import { didYouMean, editDistance } from "../../src/dsl/did-you-mean.ts";
import { displayWidth, printable } from "../../src/dsl/display-width.ts";
import { renderDiagnostic } from "../../src/dsl/render-diagnostic.ts";

function show(text: string, from: number | string, to?: number, more: Partial<Diagnostic> = {}): string {
  const start = typeof from === "string" ? text.indexOf(from) : from;
  const end = to ?? (typeof from === "string" ? start + from.length : start + 1);
  const d: Diagnostic = { severity: "error", code: "PPL204", message: "m", span: { file: 0, start, end }, ...more };
  return renderDiagnostic(d, [{ name: "a.ppl", text }]);
}

test("the example of the design", () => {
  const text = "\n\n\n\n\n\ny[j] ~ Normal(theta[j], sigma)\n";
  const d: Diagnostic = {
    severity: "error",
    code: "PPL204",
    message: "sigma may be negative here",
    span: { file: 1, start: text.indexOf("sigma"), end: text.indexOf("sigma") + 5 },
    label: "Normal needs a positive sigma; sigma is declared real on line 3",
    notes: ["give it a positive prior: sigma ~ HalfNormal(5)"],
  };
  expect(
    renderDiagnostic(d, [
      { name: "main.ppl", text: "" },
      { name: "models/eight_schools.ppl", text },
    ]),
  ).toBe(
    `error[PPL204]: sigma may be negative here
  models/eight_schools.ppl:7:25
7 | y[j] ~ Normal(theta[j], sigma)
  |                         ^^^^^ Normal needs a positive sigma; sigma is declared real on line 3
  = give it a positive prior: sigma ~ HalfNormal(5)`,
  );
});

test("severities, missing sources, no label", () => {
  expect(show("x", 0, 1, { severity: "warning" })).toBe("warning[PPL204]: m\n  a.ppl:1:1\n1 | x\n  | ^");
  const d: Diagnostic = { severity: "note", code: "PPL401", message: "m", span: { file: 5, start: 0, end: 0 }, notes: ["n"] };
  expect(renderDiagnostic(d, [])).toBe("note[PPL401]: m\n  = n");
});

describe("carets stand under what they mean", () => {
  /** The display column at which the carets begin, and how many there are. */
  const carets = (frame: string) => {
    const row = frame.split("\n").find((l) => /^ *\| +\^/.test(l) || /^ *\| \^/.test(l))!;
    return [row.indexOf("^") - row.indexOf("|") - 2, row.lastIndexOf("^") - row.indexOf("^") + 1];
  };
  test.each([
    ["let 東京 = x", "x", [11, 1]],
    ["let 東京 = x", "東京", [4, 4]],
    ["let e\u0301 = x", "x", [8, 1]],
    ["\tσ ~ x", "σ", [4, 1]],
    ["a\tb", "b", [4, 1]],
    ["😀 x", "x", [3, 1]],
    ["\ufeffabc x", "x", [4, 1]],
  ])("%j", (text, what, expected) => {
    expect(carets(show(text, what))).toEqual(expected);
  });
  test("columns count characters", () => {
    expect(show("😀東é x", "x")).toContain("a.ppl:1:5");
    expect(show("\ufeffx", "x")).toContain("a.ppl:1:1");
  });
  test("at the end of a line, of the text, of nothing", () => {
    expect(show("abc\nd", 3, 3)).toBe("error[PPL204]: m\n  a.ppl:1:4\n1 | abc\n  |    ^");
    expect(show("abc", 99, 120)).toContain("a.ppl:1:4");
    expect(show("", 0, 0)).toBe("error[PPL204]: m\n  a.ppl:1:1\n1 |\n  | ^");
    expect(show("a\r\nb", "b")).toContain("2 | b\n  | ^");
  });
});

test("several lines: the first and the last", () => {
  const text = "for n in 1..N {\n  a\n  b\n}\n";
  expect(show(text, 0, text.length - 1, { label: "here" })).toBe(
    "error[PPL204]: m\n  a.ppl:1:1\n1 | for n in 1..N {\n  | ^^^^^^^^^^^^^^^\n  | …\n4 | }\n  | ^ here",
  );
  expect(show("f(\n  1)", 0, 7)).toBe("error[PPL204]: m\n  a.ppl:1:1\n1 | f(\n  | ^^\n2 |   1)\n  |   ^^");
});

test("a long line is cut around the carets", () => {
  const text = `${"x".repeat(5000)}HERE${"y".repeat(5000)}`;
  const [, , line, under] = show(text, "HERE").split("\n");
  expect(line.length).toBeLessThan(125);
  expect(line.startsWith("1 | …x")).toBe(true);
  expect(line.endsWith("y…")).toBe(true);
  expect(line.slice(under.indexOf("^"), under.lastIndexOf("^") + 1)).toBe("HERE");
});

test("a line of a megabyte takes no time, and is cut between characters", () => {
  const text = `${"😀".repeat(250_000)}HERE${"東".repeat(250_000)}`;
  const begin = performance.now();
  for (let i = 0; i < 40; i++) expect(show(text, "HERE")).toContain("a.ppl:1:250001");
  // Some milliseconds each; cells for the whole line took 300.
  expect(performance.now() - begin).toBeLessThan(6000);
  const [, , line, under] = show(text, "HERE").split("\n");
  expect(line).toMatch(/^1 \| …😀+HERE東+…$/u);
  expect(displayWidth(line.slice(0, line.indexOf("HERE")))).toBe(under.indexOf("^"));
});

test("nothing from a stranger moves the cursor", () => {
  const frame = show("a\u001b[31mb\u202e x", "x", undefined, { message: "\u001b]0;t\u0007", notes: ["\u2066"] });
  expect(frame.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e\u2066]/u);
  expect(printable("\u0000\u007f\u009b")).toBe("␀\ufffd\ufffd");
});

test("colours only when asked for, and none of the text changes", () => {
  const d: Diagnostic = {
    severity: "error",
    code: "PPL204",
    message: "m",
    span: { file: 0, start: 0, end: 1 },
    label: "l",
    notes: ["n"],
  };
  const sources = [{ name: "a", text: "x" }];
  const coloured = renderDiagnostic(d, sources, { colours: true });
  expect(coloured).toContain("\u001b[");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are control sequences
  expect(coloured.replace(/\u001b\[[0-9;]*m/g, "")).toBe(renderDiagnostic(d, sources));
});

test("widths", () => {
  expect([
    displayWidth("abc"),
    displayWidth("東京"),
    displayWidth("e\u0301"),
    displayWidth("한"),
    displayWidth("😀"),
    displayWidth("Ａ"),
  ]).toEqual([3, 4, 1, 2, 2, 2]);
});

describe("did you mean", () => {
  const names = ["Normal", "LogNormal", "StudentT", "sigma", "theta", "mu", "N", "K"];
  test.each([
    ["normal", "Normal"],
    ["log_normal", "LogNormal"],
    ["Nromal", "Normal"],
    ["sgima", "sigma"],
    ["thetas", "theta"],
    ["student_t", "StudentT"],
    ["Norml", "Normal"],
    ["n", "N"],
    ["M", undefined],
    ["Gamma", undefined],
    ["x", undefined],
    ["", undefined],
  ])("%s: %s", (name, expected) => {
    expect(didYouMean(name, names)).toBe(expected);
  });
  test("long names are no slips", () => {
    const long = "a".repeat(300_000);
    expect(didYouMean(`${long}b`, [long])).toBeUndefined();
    expect(didYouMean("sgima", [long, "sigma"])).toBe("sigma");
  });
  test("a limit changes no distance below it", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "😀"), maxLength: 8 });
    fc.assert(
      fc.property(word, word, fc.nat(9), (a, b, limit) => {
        const whole = editDistance(a, b);
        const limited = editDistance(a, b, limit);
        if (whole < limit) expect(limited).toBe(whole);
        else expect(limited).toBeGreaterThanOrEqual(limit);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
  test("distances", () => {
    expect([
      editDistance("", "ab"),
      editDistance("ab", "ba"),
      editDistance("kitten", "sitting"),
      editDistance("a", "abcdef", 3),
    ]).toEqual([2, 1, 3, 3]);
  });
});
