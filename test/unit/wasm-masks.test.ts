// Reductions, scatters and their derivatives over rows of which masks leave a part, in every order of axes, against the interpreter: their loops may
// end early, and what they give may not.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Program } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { reduceMax, reduceMin, sum, sumSoftplus } from "../../src/runtime/ir/primitives/reduce.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { real, type Shape, sizeOf, stridesOf } from "../../src/runtime/ir/type.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";

interface Mask {
  readonly along: number;
  /** The axis with which the ends vary; the same one: with none. */
  readonly by: number;
  readonly ends: readonly number[];
  /** Elements before the end, those behind it, or some of those before. */
  readonly form: "before" | "behind" | "some";
}
interface Output {
  readonly kind: "sum" | "max" | "min" | "softplus" | "scatter";
  readonly axes: readonly number[];
  readonly mask: number;
  readonly second: number | null;
}
interface Case {
  readonly shape: Shape;
  readonly masks: readonly Mask[];
  readonly outputs: readonly Output[];
  readonly simplified: boolean;
  readonly slopes: boolean;
}
const reductions = {
  sum: [sum, 0],
  max: [reduceMax, Number.NEGATIVE_INFINITY],
  min: [reduceMin, Number.POSITIVE_INFINITY],
  softplus: [sumSoftplus, 0],
} as const;

const axis = fc.nat(2);
const random: fc.Arbitrary<Case> = fc.record({
  shape: fc
    .array(fc.constantFrom(1, 2, 7, 8, 9, 12, 15, 16, 17, 33, 40), { minLength: 2, maxLength: 3 })
    .filter((s) => sizeOf(s) <= 6000),
  masks: fc.array(
    fc.record({
      along: axis,
      by: axis,
      ends: fc.array(fc.oneof(fc.constant(0), fc.nat(41)), { minLength: 4, maxLength: 4 }),
      form: fc.constantFrom("before", "before", "behind", "some"),
    }),
    { minLength: 2, maxLength: 2 },
  ),
  outputs: fc.array(
    fc.record({
      kind: fc.constantFrom("sum", "sum", "max", "min", "softplus", "scatter"),
      axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
      mask: fc.nat(1),
      second: fc.option(fc.nat(1)),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  simplified: fc.boolean(),
  slopes: fc.boolean(),
});

function maskOf(b: Builder, shape: Shape, { along, by, ends, form }: Mask): Value {
  const [own, other] = [along % shape.length, by % shape.length];
  const extents = shape.map((n, k) => (k === own || k === other ? n : 1));
  const strides = stridesOf(extents);
  const at = (i: number, k: number): number => Math.floor(i / strides[k]) % extents[k];
  const isBefore = (i: number): boolean =>
    at(i, own) < ends[own === other ? 0 : (7 * at(i, other)) % ends.length] % (extents[own] + 1);
  const holds = (i: number): boolean => (form === "behind" ? !isBefore(i) : isBefore(i) && (form === "before" || i % 3 !== 1));
  const values = Float64Array.from({ length: sizeOf(extents) }, (_, i) => Number(holds(i)));
  return b.tensor(values, extents, "bool");
}

/** Both add a few thousand numbers of order 1. */
const ROUNDING = 1e-11;

test("of random shapes, masks and axes", () => {
  fc.assert(
    fc.property(random, ({ shape, masks, outputs, simplified, slopes }) => {
      const b = createBuilder();
      const x = b.input("x", real(shape));
      const row = b.input("row", real([shape[shape.length - 1]]));
      const own = masks.map((m) => maskOf(b, shape, m));
      const made = outputs.map(({ kind, axes, mask, second }, i): Value => {
        const neutral = kind === "scatter" ? 0 : reductions[kind][1];
        const terms = [b.mul(x, row), b.add(b.exp(b.mul(b.constant(0.3), x)), row), b.log(b.add(b.constant(1.5), b.square(x)))];
        const kept = (v: Value, m: number): Value => b.select(own[m], v, b.constant(neutral));
        const first = kept(terms[i], mask);
        const operand = second === null || neutral !== 0 ? first : b.sub(first, kept(terms[(i + 1) % 3], second));
        if (kind === "scatter") {
          const places = Int32Array.from({ length: shape[0] }, (_, n) => (n * n) % 5);
          return b.scatterAdd(operand, b.tensor(places, [shape[0]], "int"), 5);
        }
        return b.apply(reductions[kind][0], [operand], { axes: [...new Set(axes.map((k) => k % shape.length))].sort() })[0];
      });
      const total = made.map((v) => b.sum(b.tanh(v))).reduce((s, v) => b.add(s, v));
      const ends = slopes && outputs.every(({ kind }) => kind !== "max" && kind !== "min") ? gradient(b, total, [x, row]) : [];
      const plain: Program = { inputs: [x, row], outputs: [...made, total, ...ends], updates: [] };
      const e = instantiate(compileWasm(simplified ? simplify(b, plain) : plain));
      // Again with other numbers: nothing is left from the first time.
      for (const rate of [1.3, 0.7]) {
        const wave = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.sin(rate * i + 0.2));
        const inputs = { x: wave(sizeOf(shape)), row: wave(shape[shape.length - 1]) };
        e.inputs.x.set(inputs.x);
        e.inputs.row.set(inputs.row);
        e.run();
        interpret(plain.outputs, inputs).forEach((expected, k) => {
          const scale = expected.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 1);
          const differs = (v: number, i: number): boolean =>
            !(v === e.outputs[k][i] || Math.abs(v - e.outputs[k][i]) <= ROUNDING * scale);
          expect([k, expected.findIndex(differs)]).toEqual([k, -1]);
        });
      }
    }),
    { seed: 6, numRuns: 150 },
  );
});
