// Derivatives along a direction against differences, and elements of vectors against the vectors.
import { expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { Elements } from "../../src/runtime/ir/ode/elements.ts";
import { pushforward } from "../../src/runtime/ir/pushforward.ts";
import { real } from "../../src/runtime/ir/type.ts";

const N = 5;
/** Vectors of x [5] and a number s, by all that moves elements about. */
function vectors() {
  const b = createBuilder();
  const [x, s] = [b.input("x", real([N])), b.input("s", real([]))];
  const matrix = b.tensor(
    Float64Array.from({ length: 3 * N }, (_, k) => Math.sin(1.7 * k + 0.3)),
    [3, N],
  );
  const every = b.slice(x, 0, 0, 3, 2);
  const backwards = b.slice(b.exp(x), 0, 4, 3, -2);
  const values: Value[] = [
    every,
    b.mul(backwards, every),
    b.assemble([b.mul(s, every), b.reshape(s, [1])], 0, [1, 5], 7),
    b.matmul(matrix, b.square(x)),
    b.select(b.gt(x, s), b.exp(b.sub(x, s)), b.mul(s, x)),
    b.add(b.broadcastTo(s, [N]), b.slice(b.concat([x, b.reshape(s, [1])], 0), 0, 1, N)),
    b.gather(x, b.tensor(Int32Array.of(3, 3, 0, 4), [4], "int")),
    b.cumsum(b.reshape(b.reshape(x, [1, N]), [N])),
  ];
  return { b, x, s, values };
}
const at = { x: Float64Array.of(0.4, -0.7, 1.3, 0.9, -0.2), s: Float64Array.of(0.35) };

test("an element is that of the vector", () => {
  const { b, values } = vectors();
  for (const [k, v] of values.entries()) {
    const elements = new Elements(b).of(v);
    expect(elements.every((e) => shapeOf(e).length === 0)).toBe(true);
    const [whole, stacked] = interpret([v, b.stack(elements, 0)], at);
    stacked.forEach((e, i) => {
      expect(Math.abs(e - whole[i]), `vector ${k}, element ${i}`).toBeLessThan(1e-14);
    });
  }
});

test("a push-forward is the slope along the direction", () => {
  const { b, x, s, values } = vectors();
  const direction = { dx: Float64Array.of(0.3, -1.1, 0.6, 0.2, -0.9), ds: Float64Array.of(0.8) };
  const tangents = [b.input("dx", real([N])), b.input("ds", real([]))];
  const changes = pushforward(b, values, [x, s], tangents);
  const moved = (h: number): Float64Array[] =>
    interpret(values, { x: at.x.map((v, i) => v + h * direction.dx[i]), s: at.s.map((v) => v + h * direction.ds[0]) });
  // Central differences: h² f''' is 1e-10, rounding over h 1e-11.
  const h = 1e-5;
  const [above, below] = [moved(h), moved(-h)];
  changes.forEach((change, k) => {
    if (change === null) throw new Error("no change");
    interpret([change], { ...at, ...direction })[0].forEach((d, i) => {
      const slope = (above[k][i] - below[k][i]) / (2 * h);
      expect(Math.abs(d - slope), `vector ${k}, element ${i}: ${d}, by differences ${slope}`).toBeLessThan(1e-8);
    });
  });
});

test("what does not move does not change", () => {
  const { b, x, s } = vectors();
  const one = b.constant(1);
  expect(pushforward(b, [b.exp(x)], [s], [one])).toEqual([null]);
  expect(pushforward(b, [b.exp(x)], [x, s], [null, one])).toEqual([null]);
  const [change] = pushforward(b, [b.mul(s, x)], [x, s], [null, one]);
  expect(change && interpret([change], at)[0]).toEqual(at.x);
});
