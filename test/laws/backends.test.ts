// Laws of the backends: whatever the interpreter says, compiled code says too.
import { describe, expect, it } from "vitest";
import type { Program } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type Builder, shapeOf, typeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { primitives } from "../../src/runtime/ir/primitives/index.ts";
import type { Numbers } from "../../src/runtime/ir/type.ts";
import { compileWasm, generateWasm, instantiate, wasmBackend } from "../../src/runtime/wasm/backend.ts";

const { epsilon } = wasmBackend;

/** Runs a program on wasm with these inputs; the outputs as arrays. */
function runWasm(program: Program, inputs: Readonly<Record<string, ArrayLike<number>>>): Float64Array[] {
  const e = instantiate(compileWasm(program));
  for (const [name, values] of Object.entries(inputs)) e.inputs[name].set(values);
  e.run();
  return e.outputs.map((o) => o.slice());
}

function agree(actual: Float64Array, expected: Float64Array, tolerance: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [x, y] = [actual[i], expected[i]];
    if (Object.is(x, y) || x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    // Relative to the largest element: sums of elements of both signs may cancel.
    const scale = Math.max(Math.abs(y), expected.reduce((m, e) => (Number.isFinite(e) ? Math.max(m, Math.abs(e)) : m), 0) * 1e-3);
    expect(Math.abs(x - y) <= tolerance * scale, `${what}, element ${i}: ${x}, the interpreter says ${y}`).toBe(true);
  }
}

describe("interpreter = wasm at every probe", () => {
  for (const p of primitives) {
    it(p.name, () => {
      p.probes.forEach((probe, k) => {
        // As inputs of the program, so that nothing is folded; and as a map of loops of another size: five copies side by side.
        const b = createBuilder();
        const inputs = probe.inputs.map(({ type }, i) => b.input(`x${i}`, type));
        const outputs = b.apply(p, inputs, probe.attrs);
        const given = Object.fromEntries(probe.inputs.map(({ values }, i) => [`x${i}`, Float64Array.from(values) as Numbers]));
        const expected = interpret(outputs, given);
        const actual = runWasm({ inputs, outputs, updates: [] }, given);
        outputs.forEach((_, i) => agree(actual[i], expected[i], 64 * epsilon, `probe ${k} result ${i}`));
      });
    });
  }
});
