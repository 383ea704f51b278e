// Routines of linear algebra against the reference semantics of their primitives, over sizes around every block and lane boundary.
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Node } from "../../src/runtime/ir/graph.ts";
import type { Primitive } from "../../src/runtime/ir/primitive.ts";
import {
  cholesky,
  choleskyGradient,
  dot,
  logAbsDet,
  qr,
  solve,
  symmetricEigen,
  triangularSolve,
} from "../../src/runtime/ir/primitives/linalg.ts";
import { cumsum } from "../../src/runtime/ir/primitives/reduce.ts";
import { real, type Shape, sizeOf, type TensorType } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { ModuleBuilder } from "../../src/runtime/wasm/module.ts";
import { routines } from "../../src/runtime/wasm/routines/index.ts";
import { WebAssembly } from "../../src/runtime/wasm/webassembly.ts";

const rng = stream(20, "routines");
const random = (count: number): Float64Array => Float64Array.from({ length: count }, () => rng.normal());
/** What a routine must not read is NaN, what it must write is NaN too. */
const unread = Number.NaN;

function nodeOf(op: Primitive, types: readonly TensorType[], attrs: unknown): Node {
  const b = createBuilder();
  const inputs = types.map((t, i) => b.input(`x${i}`, t));
  return b.apply(op, inputs, attrs)[0].node;
}

interface Compiled {
  run(): Float64Array[];
}
function compile(op: Primitive, types: readonly TensorType[], attrs: unknown, values: readonly Float64Array[]): Compiled {
  const node = nodeOf(op, types, attrs);
  const routine = routines.get(op.name);
  if (!routine) throw new Error(`no routine ${op.name}`);
  let next = 64;
  const place = (shape: Shape) => {
    const operand = { offset: next, shape };
    next += Math.ceil(sizeOf(shape) / 2) * 16 + 16;
    return operand;
  };
  const inputs = types.map((t) => place(t.shape));
  const results = node.results.map((t) => place(t.shape));
  const scratch = next;
  const end = scratch + 8 * routine.scratch(node);
  const module = new ModuleBuilder();
  module.memory(Math.ceil((end + 64) / 65536));
  const f = module.function([], [], "run");
  routine.emit(f, { module, node, inputs, results, scratch });
  const { exports } = new WebAssembly.Instance(module.compile());
  const memory = new Float64Array((exports.memory as unknown as { readonly buffer: ArrayBuffer }).buffer).fill(unread);
  for (const [i, { offset }] of inputs.entries()) memory.set(values[i], offset / 8);
  const guard = memory.slice(0, results[0]?.offset / 8);
  return {
    run() {
      exports.run();
      expect([...memory.subarray(0, guard.length)], "operands are not written").toEqual([...guard]);
      for (const { offset, shape } of results) {
        const from = offset / 8 + sizeOf(shape);
        expect([...memory.subarray(from, from + 1)], "nothing is written behind a result").toEqual([unread]);
      }
      expect(memory[Math.ceil(end / 8)], "nor behind the scratch space").toBe(unread);
      return results.map(({ offset, shape }) => memory.slice(offset / 8, offset / 8 + sizeOf(shape)));
    },
  };
}

/** Largest difference over the largest absolute value; NaN and infinities must be the same. */
function distance(actual: Float64Array, expected: Float64Array): number {
  expect(actual.length).toBe(expected.length);
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(expected[i])) expect(actual[i]).toBe(expected[i]);
    else {
      scale = Math.max(scale, Math.abs(expected[i]));
      const d = Math.abs(actual[i] - expected[i]);
      worst = Math.max(worst, d);
    }
  }
  return worst === 0 ? 0 : worst / scale;
}

/** `growth`: bound on the accumulated rounding error in units of epsilon. */
function agrees(
  op: Primitive,
  types: readonly TensorType[],
  attrs: unknown,
  values: readonly Float64Array[],
  growth: number,
): void {
  const expected = op.interpret(values, nodeOf(op, types, attrs));
  const compiled = compile(op, types, attrs, values);
  const actual = compiled.run();
  expected.forEach((e, i) => {
    expect(distance(actual[i], e), `${op.name} ${types.map((t) => t.shape.join("x"))}`).toBeLessThanOrEqual(
      growth * Number.EPSILON,
    );
  });
  const again = compiled.run();
  again.forEach((a, i) => {
    expect([...a]).toEqual([...actual[i]]);
  });
}

/** Diagonally dominant, so that factorisations are stable and errors are of the order of n epsilon. */
function definite(n: number, batch = 1): Float64Array {
  const a = random(batch * n * n);
  for (let s = 0; s < batch; s++) {
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) a[(s * n + i) * n + j] = unread;
      a[(s * n + i) * n + i] = 2 * n + Math.abs(rng.normal());
    }
  }
  return a;
}
function lowerFactor(n: number, batch = 1): Float64Array {
  const l = definite(n, batch);
  for (let i = 0; i < batch * n; i++) l[i * n + (i % n)] = Math.sqrt(n) + rng.uniform();
  return l.map((x, i) => (Number.isNaN(x) || Math.floor(i / n) % n === i % n ? x : x / Math.sqrt(n)));
}
const sizes = [1, 2, 3, 4, 5, 11, 12, 13, 16, 31, 32, 33, 47, 70];

describe("routines", () => {
  const all = [
    cholesky,
    choleskyGradient,
    dot,
    logAbsDet,
    qr,
    solve,
    symmetricEigen,
    triangularSolve,
    cumsum,
  ] as readonly Primitive[];
  for (const op of all) {
    test(`${op.name}: probes of its primitive`, () => {
      for (const probe of op.probes) {
        agrees(
          op,
          probe.inputs.map((x) => x.type),
          probe.attrs,
          probe.inputs.map((x) => Float64Array.from(x.values)),
          64,
        );
      }
    });
  }

  test("dot: matrix products of any size and orientation", () => {
    for (const [n, k, m] of [
      [1, 1, 1],
      [3, 5, 2],
      [4, 4, 4],
      [9, 17, 10],
      [65, 20, 6],
      [7, 300, 9],
      [130, 258, 37],
      [3, 2, 520],
      [2, 0, 3],
      [1, 40, 1],
      [64, 1, 5],
      [0, 4, 3],
    ]) {
      for (const [left, right] of [
        [1, 0],
        [0, 0],
        [1, 1],
        [0, 1],
      ]) {
        const a = left === 1 ? [n, k] : [k, n];
        const b = right === 0 ? [k, m] : [m, k];
        agrees(dot, [real(a), real(b)], { batch: 0, left: [left], right: [right] }, [random(n * k), random(k * m)], 2 * k + 4);
      }
    }
  });
  test("dot: batches, several axes, axes that must be copied together", () => {
    agrees(dot, [real([3, 10, 12]), real([3, 12, 11])], { batch: 1, left: [2], right: [1] }, [random(360), random(396)], 32);
    agrees(dot, [real([4, 5, 6, 7]), real([7, 3, 5])], { batch: 0, left: [3, 1], right: [0, 2] }, [random(840), random(105)], 80);
    agrees(dot, [real([2, 5, 6, 4]), real([2, 4, 3, 6])], { batch: 1, left: [2], right: [3] }, [random(240), random(144)], 32);
    agrees(
      dot,
      [real([2, 3, 5, 2, 4]), real([2, 3, 4, 5])],
      { batch: 2, left: [4, 2], right: [2, 3] },
      [random(240), random(120)],
      64,
    );
    agrees(dot, [real([6, 5]), real([4, 3])], { batch: 0, left: [], right: [] }, [random(30), random(12)], 0);
  });
  test("cholesky and its cotangent", () => {
    for (const n of sizes) {
      agrees(cholesky, [real([n, n])], {}, [definite(n)], 4 * n);
      agrees(cholesky, [real([3, n, n])], {}, [definite(n, 3)], 4 * n);
      const types = [real([2, n, n]), real([2, n, n])];
      agrees(choleskyGradient, types, {}, [lowerFactor(n, 2), definite(n, 2)], 40 * n);
    }
  });
  test("cholesky: one bad matrix of a batch is NaN, the others are not", () => {
    for (const n of sizes) {
      for (const bad of [0, n >> 1, n - 1]) {
        const a = definite(n, 3);
        a[n * n + bad * n + bad] = bad === 0 ? Number.NaN : -1;
        agrees(cholesky, [real([3, n, n])], {}, [a], 4 * n);
      }
    }
  });
  test("triangularSolve: four kinds, any number of right sides; the other triangle is not read", () => {
    for (const n of sizes) {
      for (const m of [1, 2, 3, 7, 8, 9, 18]) {
        for (const lower of [true, false]) {
          for (const transpose of [true, false]) {
            const l = lowerFactor(n, 2);
            const t = lower ? l : l.map((_, i) => l[Math.floor(i / n / n) * n * n + (i % n) * n + (Math.floor(i / n) % n)]);
            agrees(triangularSolve, [real([2, n, n]), real([2, n, m])], { lower, transpose }, [t, random(2 * n * m)], 8 * n);
          }
        }
      }
    }
  });
  test("solve and logAbsDet, with pivoting; singular matrices", () => {
    for (const n of sizes) {
      // a permutation of rows of a diagonally dominant matrix: well conditioned, and every pivot must be looked for
      const a = Float64Array.from({ length: 2 * n * n }, (_, i) => {
        const [row, column] = [Math.floor(i / n) % n, i % n];
        return rng.normal() + ((row * 5 + 3) % n === column ? 3 * n : 0);
      });
      for (const m of [1, 2, 9]) agrees(solve, [real([2, n, n]), real([2, n, m])], {}, [a, random(2 * n * m)], 64 * n);
      agrees(logAbsDet, [real([2, n, n])], {}, [a], 16 * n);
    }
    const singular = Float64Array.of(1, 2, 0, 2, 4, 0, 3, 5, 0);
    agrees(logAbsDet, [real([3, 3])], {}, [singular], 4);
    agrees(solve, [real([3, 3]), real([3, 1])], {}, [singular, Float64Array.of(1, 2, 3)], 4);
    agrees(logAbsDet, [real([2, 2])], {}, [Float64Array.of(Number.NaN, 1, 2, 3)], 4);
  });
  test("symmetricEigen: eigenvalues far apart, one twice, none at all", () => {
    for (const n of sizes) {
      // eigenvalues near 3, 6, 9, …: vectors are then good to about n epsilon
      const a = random(2 * n * n).map((x, i) =>
        (i % (n * n)) % (n + 1) === 0 ? 3 * ((i % (n * n)) / (n + 1)) + 0.1 * x : (0.3 * x) / n,
      );
      agrees(symmetricEigen, [real([2, n, n])], {}, [a], 64 * n);
    }
    agrees(symmetricEigen, [real([2, 2])], {}, [Float64Array.of(2, 0, 0, 2)], 0);
    agrees(symmetricEigen, [real([2, 2, 2])], {}, [Float64Array.of(Number.NaN, 1, 1, 2, 2, 1, 1, 3)], 4);
    agrees(symmetricEigen, [real([2, 2])], {}, [Float64Array.of(Number.POSITIVE_INFINITY, 1, 1, 2)], 0);
  });
  test("qr and cumsum", () => {
    for (const n of sizes) {
      for (const k of [1, 2, 3, n].filter((c) => c <= n)) {
        const a = random(2 * n * k);
        for (let s = 0; s < 2; s++) for (let i = 0; i < k; i++) a[s * n * k + i * k + i] += 2 * n;
        agrees(qr, [real([2, n, k])], {}, [a], 16 * n);
      }
      for (const reverse of [true, false]) agrees(cumsum, [real([3, n])], { reverse }, [random(3 * n)], 0);
    }
  });
});
