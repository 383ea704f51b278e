// The verifier finds what is broken; the printer shows what is there.
import { describe, expect, test } from "vitest";
import type { Program } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Node, Value } from "../../src/runtime/ir/graph.ts";
import { printProgram } from "../../src/runtime/ir/print.ts";
import { real } from "../../src/runtime/ir/type.ts";
import { verify } from "../../src/runtime/ir/verify.ts";

const program = (inputs: readonly Value[], outputs: readonly Value[], updates: Program["updates"] = []): Program => ({
  inputs,
  outputs,
  updates,
});
/** The node with something wrong in it. */
const forged = (v: Value, changes: Partial<Node>): Value => ({ node: { ...v.node, ...changes }, index: v.index });

describe("verify", () => {
  const b = createBuilder();
  const x = b.input("x", real([3]));
  const s = b.input("s", real());
  const y = b.sum(b.mul(s, b.exp(x)));
  test("accepts what the builder makes", () => {
    expect(() => verify(program([x, s], [y, ...gradient(b, y, [x, s])], [[s, y]]))).not.toThrow();
  });
  test.each<readonly [string, Program, RegExp]>([
    ["an input that is not declared", program([x], [y]), /input s is not declared/],
    ["an input declared twice", program([x, x, s], [y]), /declared twice/],
    ["a declared input that is none", program([x, s, y], [y]), /is none/],
    ["a wrong type", program([x, s], [forged(y, { results: [real([2])] })]), /real\[2\], its rule says real/],
    ["a node before what it reads", program([x, s], [forged(y, { id: 0 })]), /comes after it|two builders/],
    ["two builders", program([x, createBuilder().input("s", real())], [x]), /two builders/],
    ["a result that does not exist", program([x, s], [{ node: y.node, index: 1 }]), /no result 1/],
    ["an update of another type", program([x, s], [y], [[x, y]]), /real\[3\] and is updated with real/],
    ["an update of what is no input", program([x, s], [y], [[y, y]]), /updated and no input/],
    [
      "two updates of one input",
      program(
        [x, s],
        [y],
        [
          [s, y],
          [s, s],
        ],
      ),
      /updated twice/,
    ],
    [
      "a primitive that is not listed",
      program([x, s], [forged(y, { op: { ...(y.node.op as object) } as Node["op"] })]),
      /table does not list/,
    ],
  ])("refuses %s", (_name, broken, message) => expect(() => verify(broken)).toThrow(message));
});

test("printProgram", () => {
  const b = createBuilder();
  const x = b.input("x", real([8]));
  const rate = b.input("rate", real());
  const data = b.tensor(Float64Array.of(1.5, -0, 2, 3, 4, 5, 6, 7), [8]);
  const y = b.sum(b.mul(b.slice(b.concat([x, data], 0), 0, 4, 8), b.mul(rate, b.constant(-0.5))));
  expect(printProgram(program([x, rate], [y], [[rate, b.exp(rate)]]))).toBe(`%0: real[8] = input x
%1: real = input rate
%2: real[8] = constant [1.5, -0, 2, 3, 4, 5, … 8 in all]
%3: real[16] = assemble %0, %2 {axis: 0, offsets: [0, 8], size: 16}
%4: real[8] = slice %3 {axis: 0, start: 4, size: 8, step: 1}
%6: real = mul %1, -0.5
%7: real[8] = mul %4, %6
%8: real = sum %7 {axes: [0]}
%9: real = exp %1
output %8
update %1 with %9
`);
});
