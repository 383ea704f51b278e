// The math library: errors against a table made with mpmath (scripts/mathlib-table.py), special values, and that lanes do not mix.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as math from "../../src/runtime/numeric/math.ts";
import { straightLine } from "../../src/runtime/wasm/emitter.ts";
import { mathlib } from "../../src/runtime/wasm/mathlib/index.ts";
import { i32, ModuleBuilder, v128 } from "../../src/runtime/wasm/module.ts";
import type { MathFunction } from "../../src/runtime/wasm/vector-emitter.ts";
import { WebAssembly } from "../../src/runtime/wasm/webassembly.ts";

type Name = MathFunction | "sinh" | "cosh";
type Row = readonly number[];
const table: Readonly<Record<Name, readonly Row[]>> = JSON.parse(
  readFileSync(new URL("./mathlib-table.json", import.meta.url), "utf8"),
);
const host: Readonly<Record<Name, (x: number, y: number) => number>> = math;
const { Infinity: inf, NaN: nan } = globalThis;

const folder = new URL("../../src/runtime/wasm/mathlib/", import.meta.url);
const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), "utf8"));
/** Largest error in units in the last place, as the function's docstring states it. */
function boundOf(name: Name): number {
  const declaration = new RegExp(`export (function|const) ${name}\\b`);
  const before = sources.flatMap((text) => {
    const at = text.search(declaration);
    return at < 0 ? [] : [text.slice(text.lastIndexOf("/**", at), at)];
  });
  return Number(before[0]?.match(/below ([\d.]+) ulp/)?.[1]);
}
/** For negative arguments, in units of the larger of the value and 1. Reflection subtracts numbers that grow with the argument. */
const reflected: Partial<Record<Name, number>> = { lgamma: 8, digamma: 12, trigamma: 8, tetragamma: 120 };

function unit(x: number): number {
  const a = Math.abs(x);
  if (a < 2.2250738585072014e-308) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, a);
  view.setBigUint64(0, view.getBigUint64(0) & 0x7ff0000000000000n);
  return view.getFloat64(0) * Number.EPSILON;
}

const names: readonly Name[] = [...(Object.keys(mathlib) as MathFunction[]), "sinh", "cosh"];

describe("mathlib", () => {
  test.each(names)("%s is within its bound of the true value", (name) => {
    const bound = boundOf(name);
    expect(bound, "a docstring that states the error").toBeGreaterThan(0.5);
    expect(table[name].length).toBeGreaterThan(90);
    for (const row of table[name]) {
      const args = row.slice(0, -2);
      const [value, rest] = row.slice(-2);
      const limit = args[0] < 0 ? (reflected[name] ?? bound) : bound;
      const u = args[0] < 0 && name in reflected ? Math.max(unit(value), Number.EPSILON) : unit(value);
      const error = Math.abs((host[name](args[0], args[1]) - value) / u - rest);
      expect(error, `${name}(${args}) in units in the last place`).toBeLessThan(limit);
    }
  });

  test("special values", () => {
    const cases: readonly (readonly [Name, number, number])[] = [
      ["exp", -0, 1],
      ["exp", inf, inf],
      ["exp", -inf, 0],
      ["exp", 709.8, inf],
      ["exp", 709.78, 1.7928227943945155e308],
      ["exp", -745.13, 5e-324],
      ["exp", -745.14, 0],
      ["expm1", 0, 0],
      ["expm1", -0, -0],
      ["expm1", inf, inf],
      ["expm1", -inf, -1],
      ["expm1", 5e-324, 5e-324],
      ["expm1", 709.8, inf],
      ["log", 0, -inf],
      ["log", -0, -inf],
      ["log", -1, nan],
      ["log", 1, 0],
      ["log", inf, inf],
      ["log", -inf, nan],
      ["log", 5e-324, -744.4400719213812],
      ["log1p", -1, -inf],
      ["log1p", -1.5, nan],
      ["log1p", 0, 0],
      ["log1p", -0, -0],
      ["log1p", inf, inf],
      ["log1p", 5e-324, 5e-324],
      ["log1p", -inf, nan],
      ["tanh", inf, 1],
      ["tanh", -inf, -1],
      ["tanh", -0, -0],
      ["tanh", 5e-324, 5e-324],
      ["sinh", -inf, -inf],
      ["sinh", -0, -0],
      ["sinh", 711, inf],
      ["cosh", -inf, inf],
      ["cosh", 0, 1],
      ["cosh", 711, inf],
      ["sigmoid", inf, 1],
      ["sigmoid", -inf, 0],
      ["sigmoid", 0, 0.5],
      ["softplus", inf, inf],
      ["softplus", -inf, 0],
      ["softplus", 800, 800],
      ["sin", -0, -0],
      ["sin", inf, nan],
      ["sin", -inf, nan],
      ["sin", 5e-324, 5e-324],
      ["cos", 0, 1],
      ["cos", -inf, nan],
      ["tan", -0, -0],
      ["tan", inf, nan],
      ["atan", inf, Math.PI / 2],
      ["atan", -inf, -Math.PI / 2],
      ["atan", -0, -0],
      ["asin", 1, Math.PI / 2],
      ["asin", -1, -Math.PI / 2],
      ["asin", -0, -0],
      ["asin", 1.0000000000000002, nan],
      ["acos", 1, 0],
      ["acos", -1, Math.PI],
      ["acos", -1.5, nan],
      ["acos", 0, Math.PI / 2],
      ["erf", inf, 1],
      ["erf", -inf, -1],
      ["erf", -0, -0],
      ["erfc", inf, 0],
      ["erfc", -inf, 2],
      ["erfc", 0, 1],
      ["erfcx", inf, 0],
      ["erfcx", -inf, inf],
      ["erfcx", -0, 1],
      ["lgamma", 1, 0],
      ["lgamma", 2, 0],
      ["lgamma", 0, inf],
      ["lgamma", -0, inf],
      ["lgamma", inf, inf],
      ["lgamma", -inf, inf],
      ["lgamma", -3, inf],
      ["lgamma", -1e300, inf],
      ["lgamma", 1e306, inf],
      ["digamma", 0, -inf],
      ["digamma", -0, inf],
      ["digamma", inf, inf],
      ["digamma", -2, nan],
      ["digamma", -inf, nan],
      ["trigamma", 0, inf],
      ["trigamma", inf, 0],
      ["trigamma", -4, nan],
      ["tetragamma", 0, -inf],
      ["tetragamma", inf, -0],
      ["tetragamma", -4, nan],
      ["logNormalCdf", inf, 0],
      ["logNormalCdf", -inf, -inf],
      ["logNormalCdf", 0, -Math.LN2],
      ["logNormalCdf", -1e200, -inf],
      ["normalQuantile", 0, -inf],
      ["normalQuantile", 1, inf],
      ["normalQuantile", 0.5, 0],
      ["normalQuantile", -0.1, nan],
      ["normalQuantile", 1.1, nan],
    ];
    for (const [name, x, y] of cases) {
      const got = host[name](x, nan);
      // the sign of a zero matters where the argument is one
      if (x === 0 || y !== 0) expect(got, `${name}(${x})`).toBe(y);
      else expect(got + 0, `${name}(${x})`).toBe(0);
    }
    for (const name of names) expect(host[name](nan, 2), `${name}(NaN)`).toBe(nan);
    for (const name of ["pow", "atan2"] as const) expect(host[name](2, nan), name).toBe(nan);
  });

  test("special values of pow and atan2 (C99, Annex F.9.1.4 and F.9.4.4)", () => {
    const powers = [
      [0, -3, inf],
      [-0, -3, -inf],
      [0, -2.5, inf],
      [-0, -2, inf],
      [0, 3, 0],
      [-0, 3, -0],
      [-0, 2, 0],
      [-0, 2.5, 0],
      [-1, inf, 1],
      [-1, -inf, 1],
      [1, nan, 1],
      [nan, 0, 1],
      [-2, 0.5, nan],
      [0.5, -inf, inf],
      [2, -inf, 0],
      [0.5, inf, 0],
      [-2, inf, inf],
      [-inf, -3, -0],
      [-inf, -2, 0],
      [-inf, 3, -inf],
      [-inf, 2, inf],
      [-inf, 0.5, inf],
      [inf, -1, 0],
      [inf, 0.5, inf],
      [2, 10, 1024],
      [-2, 3, -8],
      [-2, 4, 16],
      [4, 0.5, 2],
      [2, -1074, 5e-324],
      [2, 1024, inf],
      [2, -1080, 0],
      [-3, 3, -27],
      [10, 15, 1e15],
      [0.1, 0, 1],
      [1 + Number.EPSILON, 1e300, inf],
      [1 - Number.EPSILON, 1e300, 0],
      [-2, 9007199254740991, -inf],
      [5e-324, 1, 5e-324],
      [1.5, 1, 1.5],
    ];
    for (const [x, y, z] of powers) expect(math.pow(x, y), `pow(${x}, ${y})`).toBe(z);
    const angles = [
      [0, 1, 0],
      [-0, 1, -0],
      [0, -1, Math.PI],
      [-0, -1, -Math.PI],
      [0, 0, 0],
      [0, -0, Math.PI],
      [-0, -0, -Math.PI],
      [-0, 0, -0],
      [1, 0, Math.PI / 2],
      [-1, -0, -Math.PI / 2],
      [1, inf, 0],
      [1, -inf, Math.PI],
      [-1, -inf, -Math.PI],
      [inf, 3, Math.PI / 2],
      [-inf, 3, -Math.PI / 2],
      [inf, inf, Math.PI / 4],
      [inf, -inf, (3 * Math.PI) / 4],
      [-inf, inf, -Math.PI / 4],
      [1e308, 1e308, Math.PI / 4],
      [5e-324, 5e-324, Math.PI / 4],
      [5e-324, 1e308, 0],
      [1, -1, (3 * Math.PI) / 4],
    ];
    for (const [y, x, angle] of angles) expect(math.atan2(y, x), `atan2(${y}, ${x})`).toBe(angle);
  });

  test("compound functions of the host", () => {
    expect(math.logAddExp(-inf, -inf)).toBe(-inf);
    expect(math.logAddExp(inf, inf)).toBe(inf);
    expect(math.logAddExp(inf, -inf)).toBe(inf);
    expect(math.logAddExp(1000, -inf)).toBe(1000);
    expect(math.logAddExp(nan, 1)).toBe(nan);
    expect(math.logAddExp(-1000, -1000)).toBe(-1000 + Math.LN2);
    expect(math.logSumExp([])).toBe(-inf);
    expect(math.logSumExp([-inf, 3, -inf])).toBe(3);
    expect(math.logSumExp([1e300, inf])).toBe(inf);
    expect(math.logSumExp([0, nan])).toBe(nan);
    expect(math.logSumExp([-1e5, -1e5, -1e5, -1e5])).toBe(-1e5 + 2 * Math.LN2);
    expect(math.log1mExp(0)).toBe(-inf);
    expect(math.log1mExp(-inf) + 0).toBe(0);
    expect(math.log1mExp(-1e-20)).toBe(math.log(1e-20));
    expect(math.log1mExp(-50)).toBe(-math.exp(-50));
  });

  const inLanes = Object.keys(mathlib) as MathFunction[];
  test.each(inLanes)("%s: each lane depends on its own arguments alone, to the bit", (name) => {
    const rows = table[name];
    const arity = rows[0].length - 2;
    const module = new ModuleBuilder();
    module.memory(1);
    const f = module.function([], [], "run");
    const args = Array.from({ length: arity }, (_, i) => v128.load(i32.const(0), 16 * i));
    f.store(i32.const(0), straightLine(f, mathlib, args, mathlib[name]), 32);
    const { exports } = new WebAssembly.Instance(module.compile());
    const memory = new Float64Array((exports.memory as unknown as { readonly buffer: ArrayBuffer }).buffer);
    // neighbours far apart in the table come from different kinds of arguments, so one lane often takes a rare branch alone
    const shift = (rows.length >> 1) + 1;
    rows.forEach((row, i) => {
      const other = rows[(i + shift) % rows.length];
      for (let k = 0; k < arity; k++) memory.set([row[k], other[k]], 2 * k);
      exports.run();
      expect(memory[4]).toBe(host[name](row[0], row[1]));
      expect(memory[5]).toBe(host[name](other[0], other[1]));
    });
  });
});
