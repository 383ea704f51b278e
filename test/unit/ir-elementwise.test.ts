// Values that elementwise primitives must have: conventions at the edges, and accuracy where a naive formula has none.
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Builder, constantOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { real } from "../../src/runtime/ir/type.ts";
import { EPSILON } from "../laws/finite-difference.ts";

const { POSITIVE_INFINITY: inf, NaN: none } = Number;
const b = createBuilder();
const c = (x: number): Value => b.constant(x);
const whole = (x: number): Value => b.constant(x, "int");

describe("conventions", () => {
  test.each<readonly [string, Value, number]>([
    ["0 log 0", b.xlogy(b.add(c(0), c(0)), c(0)), 0],
    ["0 log -1", b.xlogy(b.tensor(Float64Array.of(0, 1), [2]), c(-1)), 0],
    ["0 log(1 - 1)", b.xlog1py(b.tensor(Float64Array.of(0, 1), [2]), c(-1)), 0],
    ["log(0 + 0)", b.logAddExp(c(-inf), c(-inf)), -inf],
    ["log(∞ + ∞)", b.logAddExp(c(inf), c(inf)), inf],
    ["log(0 + ∞)", b.logAddExp(c(-inf), c(inf)), inf],
    ["log(0 + e^2)", b.logAddExp(c(-inf), c(2)), 2],
    ["-7 %/% 2", b.idiv(whole(-7), whole(2)), -3],
    ["-7 % 2", b.imod(whole(-7), whole(2)), -1],
    ["7 % -2", b.imod(whole(7), whole(-2)), 1],
    ["-7 mod 2.5", b.mod(c(-7), c(2.5)), 0.5],
    ["7 mod -2.5", b.mod(c(7), c(-2.5)), -0.5],
    ["a remainder whose quotient rounds up", b.lt(b.mod(c(3.4999999999999996), c(0.7)), c(0)), 0],
    ["round 2.5", b.round(c(2.5)), 3],
    ["round -2.5", b.round(c(-2.5)), -3],
    ["round of the number below a half", b.round(c(0.49999999999999994)), 0],
    ["round of a large odd number", b.round(c(4503599627370497)), 4503599627370497],
    ["min with NaN", b.min(c(1), c(none)), none],
    ["NaN is true", b.not(c(none)), 0],
    ["NaN is unequal to itself", b.ne(c(none), c(none)), 1],
    ["NaN is not less", b.lt(c(none), c(1)), 0],
    ["log1mExp at 0", b.log1mExp(c(0)), -inf],
    ["sinh before the overflow", b.div(b.sinh(c(710)), b.cosh(c(710))), 1],
  ])("%s", (_name, v, expected) => expect(constantOf(v)?.[0]).toEqual(expected));
});

/** Reference values: mpmath 1.3 at 40 digits. */
test.each<readonly [string, Value, number]>([
  ["log(1 - exp(-1e-10))", b.log1mExp(c(-1e-10)), -23.025850929990458],
  ["log(1 - exp(-50))", b.log1mExp(c(-50)), -1.928749847963918e-22],
  ["sinh(1e-8)", b.sinh(c(1e-8)), 1e-8],
  ["sinh(3)", b.sinh(c(3)), 10.017874927409903],
  ["cosh(3)", b.cosh(c(3)), 10.067661995777765],
  ["log(exp(-1000) + exp(-1001))", b.logAddExp(c(-1000), c(-1001)), -999.6867383124818],
])("%s", (_name, v, expected) => {
  expect(Math.abs(constantOf(v)![0] - expected)).toBeLessThanOrEqual(8 * EPSILON * Math.abs(expected));
});

const slope = (f: (b: Builder, x: Value) => Value, at: number, order = 1): number => {
  const own = createBuilder();
  const x = own.input("x", real());
  let y = f(own, x);
  for (let k = 0; k < order; k++) [y] = gradient(own, y, [x]);
  return interpret([y], { x: Float64Array.of(at) })[0][0];
};
const PI_4 = Math.PI ** 4;
/** ψ'''(1) = π⁴/15, ψ'''(1/2) = π⁴ (DLMF 5.15.1), of negatives by ψ'''(x + 1) = ψ'''(x) - 6/x⁴; the rest by mpmath. */
test.each<readonly [string, number, number]>([
  ["ψ'''(1)", slope((o, x) => o.tetragamma(x), 1), PI_4 / 15],
  ["ψ'''(1) as the fourth derivative of log Γ", slope((o, x) => o.lgamma(x), 1, 4), PI_4 / 15],
  ["ψ'''(1/2)", slope((o, x) => o.tetragamma(x), 0.5), PI_4],
  ["ψ'''(3/2)", slope((o, x) => o.tetragamma(x), 1.5), 1.4090910340024372],
  ["ψ'''(-1/2)", slope((o, x) => o.tetragamma(x), -0.5), PI_4 + 96],
  ["ψ'''(-5/2)", slope((o, x) => o.tetragamma(x), -2.5), PI_4 + 96 + 6 / 1.5 ** 4 + 6 / 2.5 ** 4],
  ["φ/Φ at -40", slope((o, x) => o.logNormalCdf(x), -40), 40.02496884720726],
  ["φ/Φ at -1000", slope((o, x) => o.logNormalCdf(x), -1000), 1000.000999998],
  ["tanh' at 20", slope((o, x) => o.tanh(x), 20), 1.6993417021166355e-17],
  ["σ' at 40", slope((o, x) => o.sigmoid(x), 40), 4.248354255291589e-18],
])("%s", (_name, value, expected) => {
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(64 * EPSILON * Math.abs(expected));
});
