// Densities, their gradients and programs of draws say on wasm what the interpreter says: at every golden row, in loops of several elements.
import { describe, expect, it } from "vitest";
import { apply } from "../../src/dsl/distributions/applied.ts";
import { drawNoise } from "../../src/dsl/distributions/modifiers/host.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { compileWasm, instantiate, wasmBackend } from "../../src/runtime/wasm/backend.ts";
import { eventShapeOf, flat, paramShape, records, runningError } from "./distribution-cases.ts";

const COPIES = 5;

describe("golden rows on wasm", () => {
  it.each(records.map((d) => ({ d, name: d.name })))("$name", ({ d }) => {
    for (const row of d.golden.rows) {
      const b = createBuilder();
      const x = b.input("(x)", { shape: [COPIES, ...eventShapeOf(row)], dtype: "real" });
      const params = Object.fromEntries(
        Object.keys(row.params).map((n) => [n, b.input(n, { shape: paramShape(row, n), dtype: "real" as const })]),
      );
      const applied = apply(b, d, params);
      const log = b.sum(applied.logDensity(b, x));
      const names = ["(x)", ...Object.keys(params)].filter((n) => !(n === "(x)" ? d.support : d.params[n]).constraint.discrete);
      const wrt = names.map((n) => (n === "(x)" ? x : params[n]));
      const outputs = [log, ...gradient(b, log, wrt)];
      const given: Record<string, Float64Array> = Object.fromEntries(Object.entries(row.params).map(([n, v]) => [n, flat(v)]));
      given["(x)"] = Float64Array.from(Array.from({ length: COPIES }, () => [...flat(row.x)]).flat());
      const expected = interpret(outputs, given);
      const executable = instantiate(compileWasm(simplify(b, { inputs: [x, ...Object.values(params)], outputs, updates: [] })));
      for (const [n, v] of Object.entries(given)) executable.inputs[n]?.set(v);
      executable.run();
      const bound = 16 * runningError(b, log, given) + 16 * wasmBackend.epsilon;
      expected.forEach((values, k) => {
        const largest = Math.max(...Array.from(values, Math.abs));
        const smallest = Math.max(1e-12, Math.min(1, ...(k === 0 ? [] : Array.from(given[names[k - 1]], Math.abs))));
        values.forEach((v, i) => {
          const got = executable.outputs[k][i];
          // A slope is a sum of terms of the size of the value's over its argument, which may cancel.
          const tolerance = k === 0 ? bound : 1e-10 * largest + bound / smallest;
          const agree = Object.is(v, got) || Math.abs(got - v) <= tolerance;
          expect(agree, `${d.name}, output ${k}[${i}]: ${got}, interpreter ${v} ± ${tolerance}`).toBe(true);
        });
      });
    }
  });
});

describe("programs of draws on wasm", () => {
  it.each(records.filter((d) => d.draw).map((d) => ({ d, name: d.name })))("$name", ({ d }) => {
    const [row] = d.golden.rows;
    const b = createBuilder();
    const params = Object.fromEntries(
      Object.keys(row.params).map((n) => [n, b.input(n, { shape: paramShape(row, n), dtype: "real" as const })]),
    );
    const { draw } = apply(b, d, params);
    if (!draw) return;
    const shape = [COPIES, ...eventShapeOf(row)];
    const specs = draw.noise(shape);
    const noise = specs.map((s, i) => b.input(`noise ${i}`, { shape: s.shape, dtype: "real" }));
    const x = b.broadcastTo(b.cast(draw.build(b, noise, shape), "real"), shape);
    const rng = stream(1, d.name);
    const given: Record<string, Float64Array> = Object.fromEntries(Object.entries(row.params).map(([n, v]) => [n, flat(v)]));
    specs.forEach((s, i) => {
      given[`noise ${i}`] = drawNoise(rng, s);
    });
    const [expected] = interpret([x], given);
    const executable = instantiate(
      compileWasm(simplify(b, { inputs: [...Object.values(params), ...noise], outputs: [x], updates: [] })),
    );
    for (const [n, v] of Object.entries(given)) executable.inputs[n]?.set(v);
    executable.run();
    expected.forEach((v, i) => {
      expect(Math.abs(executable.outputs[0][i] - v)).toBeLessThanOrEqual(1e-12 * (1 + Math.abs(v)));
    });
  });
});
