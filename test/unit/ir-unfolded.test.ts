// Constants from which nothing is computed ahead.
import { expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { constantOf } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { prepare } from "../../src/runtime/wasm/prepare.ts";

test("an unfolded constant stays in the program, folded ones do not", () => {
  const b = createBuilder();
  const x = b.tensor(Float64Array.of(1.5, -2, 3, 0.25), [2, 2]);
  const weights = Float64Array.of(0.5, 2.5);
  const folded = b.matmul(x, b.tensor(weights, [2]));
  const stays = b.matmul(x, b.unfolded(weights, [2]));
  expect(constantOf(folded)).not.toBeNull();
  expect(constantOf(stays)).toBeNull();
  expect(b.unfolded(weights, [2])).toBe(b.unfolded(weights, [2]));
  expect(b.unfolded(weights, [2])).not.toBe(b.tensor(weights, [2]));
  const program = simplify(b, { inputs: [], outputs: [b.add(stays, folded)], updates: [] });
  expect(constantOf(program.outputs[0])).toBeNull();
  // A program that is run many times computes once what it does not change.
  expect(constantOf(prepare(program).outputs[0])).not.toBeNull();
  const executable = instantiate(compileWasm(program));
  executable.run();
  expect([...executable.outputs[0]]).toEqual([...interpret([b.add(folded, folded)], {})[0]]);
});
