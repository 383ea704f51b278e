// Symbolic indices: affine arithmetic and taking positions apart.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sizeOf, stridesOf } from "../../src/runtime/ir/type.ts";
import {
  type AxisVariable,
  boundsOf,
  constantIndex,
  flatten,
  type Index,
  keyOf,
  plus,
  scale,
  unflatten,
  variableIndex,
} from "../../src/runtime/wasm/indices.ts";

const axes: AxisVariable[] = [5, 7, 3].map((size, id) => ({ kind: "axis", id, size }));
const [i, j, k] = axes.map(variableIndex);
const value = (index: Index, at: readonly number[]): number =>
  index.terms.reduce((sum, t) => sum + t.coefficient * at[t.variable.id], index.constant);

describe("indices", () => {
  it("add and scale as numbers do, in one order of terms", () => {
    const sum = plus(plus(scale(j, 3), constantIndex(2)), plus(scale(i, -1), scale(j, -3)));
    expect(keyOf(sum)).toBe("2+-1v0");
    expect(keyOf(plus(k, i))).toBe(keyOf(plus(i, k)));
    expect(boundsOf(plus(scale(i, -2), j))).toEqual({ min: -8, max: 6 });
  });
  it("fall apart by axes exactly where every point does", () => {
    const shapes = [[5, 7, 3], [35, 3], [5, 21], [105], [7, 15], [1, 5, 7, 1, 3], [3, 35]];
    fc.assert(
      fc.property(fc.constantFrom(...shapes), (shape) => {
        const flat = flatten([i, j, k], [5, 7, 3]);
        const index = unflatten(flat, shape);
        if (index === null) return;
        const strides = stridesOf(shape);
        for (let n = 0; n < sizeOf(shape); n++) {
          const at = [Math.floor(n / 21), Math.floor(n / 3) % 7, n % 3];
          index.forEach((x, axis) => expect(value(x, at)).toBe(Math.floor(n / strides[axis]) % shape[axis]));
        }
      }),
      { seed: 1 },
    );
    expect(unflatten(flatten([i, j, k], [5, 7, 3]), [35, 3])).not.toBeNull();
    expect(unflatten(flatten([i, j, k], [5, 7, 3]), [7, 15])).toBeNull();
  });
});
