// Alternative parameters mean what their names say: densities held against SciPy's, whose parameters are converted there
// (scripts/golden-alternatives.py). Every alternative of every record has a row.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { apply } from "../../src/dsl/distributions/applied.ts";
import { distributions } from "../../src/dsl/distributions/index.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";

interface Row {
  readonly name: string;
  readonly given: Readonly<Record<string, number | readonly number[]>>;
  readonly x: number;
  readonly logDensity: number;
}
const rows = JSON.parse(readFileSync(join(import.meta.dirname, "alternatives-golden.json"), "utf8")) as Row[];
const titleOf = (name: string, params: readonly string[]): string => `${name}(${params.join(", ")})`;

test("every alternative has a row", () => {
  const known = new Set(rows.map((r) => titleOf(r.name, Object.keys(r.given))));
  const all = [...new Set(distributions.values())].flatMap((d) =>
    (d.alternatives ?? []).map((a) => titleOf(d.name, Object.keys(a.params))),
  );
  expect(all.filter((title) => !known.has(title))).toEqual([]);
});

test.each(rows.map((r) => [titleOf(r.name, Object.keys(r.given)), r] as const))(
  "%s",
  (_title, { name, given, x, logDensity }) => {
    const b = createBuilder();
    const d = distributions.get(name);
    if (!d) throw new Error(`no distribution ${name}`);
    const value = (v: number | readonly number[]) =>
      typeof v === "number" ? b.constant(v) : b.tensor(Float64Array.from(v), [v.length]);
    const applied = apply(b, d, Object.fromEntries(Object.entries(given).map(([n, v]) => [n, value(v)])));
    const [[found]] = interpret(
      [applied.logDensity(b, b.constant(x, Number.isInteger(x) && d.support.constraint.discrete ? "int" : "real"))],
      {},
    );
    // Both sides lose a few units in the last place of the largest term, which lgamma keeps below 100 here.
    expect(Math.abs(found - logDensity)).toBeLessThan(1e-12);
  },
);
