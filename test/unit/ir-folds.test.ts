// What folding computes on the host: the same graph when results are shared between builders, views by strides, and sums.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { Folds } from "../../src/runtime/ir/folds.ts";
import { type Builder, constantOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { accurateSum } from "../../src/runtime/ir/primitives/reduce.ts";
import { printProgram } from "../../src/runtime/ir/print.ts";
import { readStrided, stridedPositions, writeStrided } from "../../src/runtime/ir/strided.ts";
import { real, sizeOf } from "../../src/runtime/ir/type.ts";

const rows = 3000;
const data = Float64Array.from({ length: rows * 30 }, (_, i) => ((i * 7919) % 1013) / 97);
/** Centred columns of data times coefficients, with the means by way of an index too large to be folded. */
function model(b: Builder): Value {
  const x = b.tensor(data, [rows, 30]);
  const at = b.add(b.mul(b.reshape(b.iota([rows], 0), [rows, 1]), b.constant(30, "int")), b.iota([29], 0));
  const chosen = b.gather(b.reshape(x, [rows * 30]), at);
  const means = b.div(b.sum(b.slice(x, 1, 0, 29), [0]), b.constant(rows));
  // An array of this call's own, with the elements that it has in every other.
  const weights = b.tensor(
    Float64Array.from({ length: rows }, (_, i) => 1 + (i % 5)),
    [rows, 1],
  );
  return b.sum(b.matmul(b.mul(weights, b.sub(chosen, means)), b.input("beta", real([29]))));
}
const printed = (b: Builder): string => {
  const root = model(b);
  return printProgram({ inputs: [b.input("beta", real([29]))], outputs: [root], updates: [] });
};

describe("results shared between builders", () => {
  test("leave the graph as it is without", () => {
    const folds = new Folds();
    const plain = printed(createBuilder());
    for (let i = 0; i < 3; i++) expect(printed(createBuilder({ folds }))).toBe(plain);
  });
  const centred = (b: Builder, values: Float64Array): Value => b.sub(b.tensor(values, [values.length]), b.constant(1.5));
  const array = (change?: readonly [at: number, to: number]): Float64Array => {
    const values = data.slice(0, 500);
    if (change) values[change[0]] = change[1];
    return values;
  };
  test("are the very arrays, of equal elements too, and of no others", () => {
    const folds = new Folds();
    const of = (values: Float64Array) => constantOf(centred(createBuilder({ folds }), values));
    const first = of(array());
    expect(of(array())).toBe(first);
    expect(of(array([499, 8]))).not.toBe(first);
    const zero = of(array([3, 0]));
    expect(of(array([3, -0]))).not.toBe(zero);
    expect(of(array([3, 0]))).toBe(zero);
  });
  test("stay two constants where two arrays are equal", () => {
    const of = (b: Builder) => [centred(b, array()), centred(b, array())];
    const folds = new Folds();
    for (const b of [createBuilder(), createBuilder({ folds }), createBuilder({ folds })]) {
      const [x, y] = of(b);
      expect(x).not.toBe(y);
      expect(interpret([x], {})).toEqual(interpret([y], {}));
    }
  });
});

describe("lines of strided views", () => {
  const axis = fc.record({ size: fc.integer({ min: 0, max: 4 }), stride: fc.integer({ min: -6, max: 6 }) });
  test("visit every index in order", () => {
    fc.assert(
      fc.property(fc.array(axis, { maxLength: 4 }), (axes) => {
        const shape = axes.map((a) => a.size);
        const strides = axes.map((a) => a.stride);
        const start = 100;
        const expected = Array.from({ length: sizeOf(shape) }, (_, flat) => {
          let at = start;
          for (let k = axes.length - 1, rest = flat; k >= 0; rest = Math.floor(rest / shape[k]), k--)
            at += (rest % shape[k]) * strides[k];
          return at;
        });
        expect([...stridedPositions(start, shape, strides)]).toEqual(expected);
        const source = Float64Array.from({ length: 200 }, (_, i) => i);
        expect([...readStrided(source, start, shape, strides)]).toEqual(expected);
        const out = new Float64Array(200);
        writeStrided(
          out,
          start,
          shape,
          strides,
          Float64Array.from(expected, (_, i) => i + 1),
        );
        const written = new Float64Array(200);
        expected.forEach((at, i) => {
          written[at] = i + 1;
        });
        expect(out).toEqual(written);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

test("sums lose what Neumaier's lose, to the bit", () => {
  const branching = (group: readonly number[]): number => {
    let [total, lost] = [0, 0];
    for (const x of group) {
      const next = total + x;
      lost += Math.abs(total) >= Math.abs(x) ? total - next + x : x - next + total;
      total = next;
    }
    return Number.isFinite(total) ? total + lost : total;
  };
  const any = fc.array(fc.oneof(fc.double(), fc.double({ min: -1, max: 1 }), fc.constantFrom(1e308, -1e308, 5e-324)), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(any, (group) => {
      expect(accurateSum(group)).toBe(branching(group));
    }),
    { numRuns: 1000, seed: 2 },
  );
});
