// Linear algebra where it has no ordinary answer: singular and indefinite matrices, NaN; interpreted and compiled.
import { expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { real } from "../../src/runtime/ir/type.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";

const { NaN: none, POSITIVE_INFINITY: inf } = Number;

function bothOf(f: (b: Builder, a: Value) => Value, a: readonly number[], n: number): number[][] {
  const b = createBuilder();
  const input = b.input("a", real([n, n]));
  const outputs = [f(b, input)];
  const compiled = instantiate(compileWasm({ inputs: [input], outputs, updates: [] }));
  compiled.inputs.a.set(a);
  compiled.run();
  return [[...interpret(outputs, { a: Float64Array.from(a) })[0]], [...compiled.outputs[0]]];
}
const solved = (b: Builder, a: Value): Value => b.solve(a, b.tensor(Float64Array.of(1, 3), [2, 1]));

test("NaN is not passed over for a pivot of 0", () => {
  for (const a of [
    [none, 1, 2, 3],
    [0, none, 2, 3],
    [0, 1, none, 3],
    [0, 1, 2, none],
    [none, 1, 0, 3],
    [5, 1, none, 3],
  ]) {
    for (const [x] of bothOf((b, v) => b.logAbsDet(v), a, 2)) expect(x, String(a)).toBeNaN();
    for (const x of bothOf(solved, a, 2)) expect(x.some(Number.isNaN), String(a)).toBe(true);
  }
});

test("determinants of singular matrices are 0", () => {
  for (const a of [
    [1, 2, 2, 4],
    [0, 0, 0, 0],
    [0, 1, 0, 3],
  ])
    expect(bothOf((b, v) => b.logAbsDet(v), a, 2)).toEqual([[-inf], [-inf]]);
});

test("matrices that are not positive definite have no factor, whatever stands above the diagonal", () => {
  for (const a of [
    [1, 2, 2, 4],
    [-1, 0, 0, 1],
    [none, 0, 0, 1],
    [1, 0, none, 1],
  ])
    for (const l of bothOf((b, v) => b.cholesky(v), a, 2)) expect(l.every(Number.isNaN), String(a)).toBe(true);
  expect(bothOf((b, v) => b.cholesky(v), [4, none, 2, 10], 2)).toEqual([
    [2, 0, 1, 3],
    [2, 0, 1, 3],
  ]);
});
