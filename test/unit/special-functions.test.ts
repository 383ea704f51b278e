// Built-in functions of special.ts and distances, in models: values from mpmath 1.3, and derivatives against differences.
import { expect, test } from "vitest";
import { builtIns } from "../../src/dsl/check/functions/index.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { centralDifference, expectDerivative } from "../laws/finite-difference.ts";

const rows: readonly (readonly [name: string, args: readonly number[], value: number])[] = [
  ["asinh", [0.3], 0.29567304756342244],
  ["asinh", [-2.5], -1.6472311463710958],
  ["asinh", [1e-12], 1e-12],
  ["asinh", [1e200], 461.2101657793691],
  ["acosh", [1.3], 0.7564329108569596],
  ["acosh", [1.0009765625], 0.044190578083110096],
  ["acosh", [40], 4.381870348040067],
  ["atanh", [0.3], 0.3095196042031117],
  ["atanh", [-0.97], -2.092295720034939],
  ["atanh", [1e-12], 1e-12],
  ["cbrt", [0.3], 0.6694329500821695],
  ["cbrt", [-20], -2.7144176165949068],
  ["inv_square", [0.3], 11.111111111111112],
  ["inv_square", [-20], 0.0025],
  ["inv_erfc", [0.3], 0.7328690779592169],
  ["inv_erfc", [1.7], -0.7328690779592167],
  ["inv_erfc", [1e-30], 8.148616223169865],
  ["fdim", [3.5, 1.25], 2.25],
  ["fdim", [1.25, 3.5], 0.0],
  ["log_inv_logit_diff", [0.4, -1.3], -0.9557526019003901],
  ["log_inv_logit_diff", [-40, -41], -40.45867514538708],
  ["log_inv_logit_diff", [30, 29.5], -30.432752129567437],
  ["log_rising_factorial", [2.5, 3.25], 4.082033166149367],
  ["log_rising_factorial", [100000000.0, 7.5], 138.15510582339274],
  ["rising_factorial", [2.5, 3], 39.375],
  ["rising_factorial", [0.3, 1.6], 0.321492111953871],
  ["log_falling_factorial", [7.5, 3.25], 5.987891346914301],
  ["log_falling_factorial", [100000000.0, 7.5], 138.15510533589273],
  ["falling_factorial", [7, 3], 210.0],
  ["falling_factorial", [4.3, 1.6], 9.12998217638046],
  ["log_modified_bessel_first_kind", [0, 2.5], 1.190838671196028],
  ["log_modified_bessel_first_kind", [0.7, 0.3], -1.2189732834947273],
  ["log_modified_bessel_first_kind", [12.3, 60], 55.76912493356611],
  ["log_modified_bessel_first_kind", [-0.4, 1.7], 0.5840769838438354],
  ["log_modified_bessel_first_kind", [0, 0], 0.0],
  ["log_modified_bessel_first_kind", [150.5, 2000], 1989.6193653667635],
  ["log_modified_bessel_first_kind", [30, 0.001], -302.6853101270281],
  ["modified_bessel_first_kind", [0, 2.5], 3.289839144050123],
  ["modified_bessel_first_kind", [1, 0.3], 0.15169384000359276],
  ["modified_bessel_first_kind", [2.5, 0], 0.0],
];

test.each(rows)("%s(%j)", (name, args, value) => {
  const [f] = builtIns.get(name) ?? [];
  const b = createBuilder();
  const inputs = args.map((_, i) => b.input(`x${i}`, { shape: [], dtype: "real" }));
  const given = Object.fromEntries(args.map((x, i) => [`x${i}`, Float64Array.of(x)]));
  const y = f.lower(b, inputs);
  const [[found], ...slopes] = interpret([y, ...gradient(b, y, inputs)], given);
  // Terms of the size of the arguments and of their logarithms.
  const scale = 1 + Math.abs(value) + args.reduce((s, x, i) => s + Math.abs(x) * Math.min(1e3, Math.abs(slopes[i][0])), 0);
  expect(Math.abs(found - value) / scale).toBeLessThan(64 * 2 ** -52);
  args.forEach((x, i) => {
    // On the edge of the domain there is one side only.
    if (x === 0 && name.includes("bessel")) return;
    const at = (v: Float64Array): number => interpret([y], { ...given, [`x${i}`]: v })[0][0];
    if (Number.isFinite(slopes[i][0]) && Math.abs(x) < 1e100)
      expectDerivative(slopes[i][0], centralDifference(at, Float64Array.of(x), 0, scale), `by argument ${i}`);
  });
});

test("odd functions have their slope at 0", () => {
  const b = createBuilder();
  const x = b.input("x", { shape: [2], dtype: "real" });
  for (const name of ["asinh", "atanh"]) {
    const y = builtIns.get(name)?.[0].lower(b, [x]) ?? x;
    const [value, slope] = interpret([y, gradient(b, b.sum(y), [x])[0]], { x: Float64Array.of(0, 1e-20) });
    expect([...value]).toEqual([0, 1e-20]);
    expect([...slope]).toEqual([1, 1]);
  }
});

test("distances", () => {
  const b = createBuilder();
  const [u, v] = [b.tensor(Float64Array.of(1, 2, 3), [3]), b.tensor(Float64Array.of(3, -1, 9), [3])];
  const of = (name: string) => interpret([builtIns.get(name)?.[0].lower(b, [u, v]) ?? u], {})[0][0];
  expect([of("squared_distance"), of("distance")]).toEqual([49, 7]);
});
