// Laws of the passes of the IR over random programs: types verify, batches are stacks, gradients are what differences show.
import fc from "fast-check";
import { expect, test } from "vitest";
import { vectorize } from "../../src/runtime/ir/batch.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type InputAttrs, shapeOf, typeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { printProgram } from "../../src/runtime/ir/print.ts";
import { verify } from "../../src/runtime/ir/verify.ts";
import { centralDifference, expectClose, expectDerivative } from "./finite-difference.ts";
import { buildRandomProgram, randomSteps } from "./random-programs.ts";

const RUNS = { numRuns: 60, seed: 20 };
const nameOf = (v: Value): string => (v.node.attrs as InputAttrs).name;

test("verify and print; building again gives the same text", () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const { program } = buildRandomProgram(steps);
      verify(program);
      expect(printProgram(buildRandomProgram(steps).program)).toBe(printProgram(program));
    }),
    RUNS,
  );
});

test("simplified while they are built, they compute what they say", () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const { total, inputs } = buildRandomProgram(steps);
      const literal = buildRandomProgram(steps, createBuilder({ literal: true })).total;
      expectClose(interpret([total], inputs)[0], interpret([literal], inputs)[0], 2 ** 12, "total");
    }),
    RUNS,
  );
});

test("vectorized over any inputs, they are stacks of single runs", () => {
  fc.assert(
    fc.property(randomSteps, fc.nat(2 ** 12), (steps, subset) => {
      const { builder: b, program, inputs, wrt } = buildRandomProgram(steps);
      const copies = 2;
      const chosen = wrt.filter((_, i) => i === 0 || ((subset >> (i % 12)) & 1) === 1);
      const copy = (v: Value, k: number): Float64Array => inputs[nameOf(v)].map((x) => x * (1 + 0.003 * k));
      const replacements = new Map(
        chosen.map((v) => [v, b.input(`${nameOf(v)} copies`, { ...typeOf(v), shape: [copies, ...shapeOf(v)] })]),
      );
      const given: Record<string, Float64Array> = { ...inputs };
      for (const v of chosen) {
        given[`${nameOf(v)} copies`] = Float64Array.from(Array.from({ length: copies }, (_, k) => [...copy(v, k)]).flat());
      }
      const { values, batched } = vectorize(b, program.outputs, replacements, copies);
      verify({ inputs: [...program.inputs, ...replacements.values()], outputs: values, updates: [] });
      const all = interpret(values, given);
      for (let k = 0; k < copies; k++) {
        const single = interpret(program.outputs, {
          ...inputs,
          ...Object.fromEntries(chosen.map((v) => [nameOf(v), copy(v, k)])),
        });
        single.forEach((expected, i) => {
          expect(shapeOf(values[i])).toEqual(batched[i] ? [copies, ...shapeOf(program.outputs[i])] : shapeOf(program.outputs[i]));
          const own = batched[i] ? all[i].subarray(k * expected.length, (k + 1) * expected.length) : all[i];
          expectClose(own, expected, 2 ** 12, `output ${i}, copy ${k}`);
        });
      }
    }),
    RUNS,
  );
});

test("have the gradients that differences show", () => {
  fc.assert(
    fc.property(randomSteps, fc.nat(9999), (steps, which) => {
      const { program, inputs, total, wrt } = buildRandomProgram(steps);
      const x = wrt[which % wrt.length];
      const k = which % inputs[nameOf(x)].length;
      const [g] = interpret([program.outputs[program.outputs.length - wrt.length + (which % wrt.length)]], inputs);
      const f = (values: Float64Array): number => interpret([total], { ...inputs, [nameOf(x)]: values })[0][0];
      const magnitude = 2 ** 6; // the ends are bounded by their weights, what leads to them is rounded a few dozen times
      expectDerivative(g[k], centralDifference(f, inputs[nameOf(x)], k, magnitude), `${nameOf(x)}[${k}]`);
    }),
    RUNS,
  );
});
