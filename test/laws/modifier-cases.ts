// What the laws of modifiers are quantified over: records of numbers at typical parameters, and what is made of them.
import { expect } from "vitest";
import type { Applied } from "../../src/dsl/distributions/applied.ts";
import { apply } from "../../src/dsl/distributions/applied.ts";
import type { Distribution, GoldenRow } from "../../src/dsl/distributions/define.ts";
import { modifiers } from "../../src/dsl/distributions/modifiers/index.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { type Case, caseOf, drawMany, flat, paramShape, records } from "./distribution-cases.ts";
import { massOf } from "./distribution-mass.ts";

export const at = (b: Builder, d: Distribution, row: GoldenRow): Applied =>
  apply(b, d, Object.fromEntries(Object.entries(row.params).map(([n, v]) => [n, b.tensor(flat(v), paramShape(row, n))])));
export const use = (name: string, b: Builder, bases: readonly Applied[], values: Readonly<Record<string, Value>>): Applied => {
  const m = modifiers.get(name);
  if (!m) throw new Error(`no modifier ${name}`);
  return m.apply(b, bases, values);
};
/** Records of numbers, each at its first row: typical parameters. */
export const scalars = records.filter((d) => d.event === 0 && d.normalised && d.golden.rows[0].x !== undefined);
export const first = (d: Distribution): GoldenRow => d.golden.rows[0];

/** Two points with some mass below, between and above: quantiles of draws. */
export function cuts(d: Distribution): readonly [number, number] {
  const draws = drawMany(caseOf(d, first(d), d.name), 801, stream(3, d.name));
  if (!draws) throw new Error(`${d.name} cannot be drawn`);
  const sorted = draws.sort();
  return [sorted[200], sorted[640]];
}
export const wrap = (title: string, make: (b: Builder) => Applied, x: number): Case => ({
  title,
  shape: [],
  at: Float64Array.of(x),
  make,
});

/** `agreed`: how far two rules that agree may both be wrong. */
export function expectMass(c: Case, agreed = 1e-8): void {
  const m = massOf(c);
  expect(m, `${c.title}: no mass`).not.toBeNull();
  if (!m) return;
  expect(Math.abs(m.mass - 1), `${c.title}: ${m.mass} ± ${m.error}`).toBeLessThanOrEqual(agreed + m.error);
  expect(m.error).toBeLessThan(1e-8);
}
