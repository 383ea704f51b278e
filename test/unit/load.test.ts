// Models from files: what imports of imports lead to.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadModel } from "../../src/load.ts";

describe("imports", () => {
  const folder = mkdtempSync(join(tmpdir(), "tilde-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return loadModel(join(folder, "model.ppl"));
  };
  test("in a circle are told, whichever file begins it", () => {
    const own = { "model.ppl": 'import "a.ppl"\nm ~ Normal(0, 1)', "a.ppl": 'import "model.ppl"\nfn f(x) = x' };
    expect(() => load(own)).toThrow("model.ppl imports itself");
    const further = { "model.ppl": 'import "a.ppl"', "a.ppl": 'import "b.ppl"', "b.ppl": 'import "a.ppl"' };
    expect(() => load(further)).toThrow("a.ppl imports itself");
  });
  test("of one file in two ways bring it once", () => {
    const model = load({
      "model.ppl": 'import "a.ppl"\nimport "b.ppl"\nm ~ Normal(f(g(0)), 1)',
      "a.ppl": 'import "c.ppl"\nfn f(x) = h(x)',
      "b.ppl": 'import "c.ppl"\nfn g(x) = h(x)',
      "c.ppl": "fn h(x) = x",
    });
    expect(model.diagnostics).toEqual([]);
  });
});
