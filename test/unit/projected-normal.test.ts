// The density of the projected normal in many dimensions, ahead of its mean and behind, against high precision
// (scripts/projected-normal-table.py); its slope against the next dimension's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectedNormal } from "../../src/dsl/distributions/projected-normal.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";

const rows = JSON.parse(readFileSync(join(import.meta.dirname, "projected-normal-table.json"), "utf8")) as [
  number,
  number,
  number,
][];

function at(d: number, t: number): { readonly log: number; readonly slope: number } {
  const b = createBuilder();
  const mu = b.input("mu", { shape: [d], dtype: "real" });
  const first = Float64Array.from({ length: d }, (_, i) => (i === 0 ? 1 : 0));
  const log = projectedNormal.logDensity(b, b.tensor(first, [d]), { mu });
  const away = d > 1 ? 0.75 : 0;
  const given = Float64Array.from(first, (_, i) => (i === 0 ? t : i === 1 ? away : 0));
  const [[value], [slope]] = interpret([log, ...gradient(b, log, [mu])], { mu: given });
  return { log: value, slope };
}

test.each(rows)("in %i dimensions at mu'x = %d", (d, t, expected) => {
  const { log } = at(d, t);
  // In one dimension there is no room for a component at right angles.
  const logDensity = d === 1 ? expected + 0.75 ** 2 / 2 : expected;
  expect(Math.abs(log - logDensity)).toBeLessThanOrEqual(4e-14 * (1 + Math.abs(logDensity)));
});

// ∂ log I_d / ∂t = I_(d+1) / I_d, and the density's other factors are known.
test.each(rows.filter(([d]) => d === 2 || d === 3))("its slope in %i dimensions at %d", (d, t) => {
  const next = rows.find(([e, s]) => e === d + 1 && s === t);
  const own = rows.find(([e, s]) => e === d && s === t);
  if (!next || !own) throw new Error("no row");
  const ratio = Math.exp(next[2] - own[2] + 0.5 * Math.log(2 * Math.PI));
  const scale = 1 + Math.abs(t) + ratio;
  expect(Math.abs(at(d, t).slope - (ratio - t))).toBeLessThanOrEqual(1e-9 * scale);
});
