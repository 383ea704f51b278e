// The encoder and the emitter: hand-written functions and straight-line code run as their statements say.
import { describe, expect, it } from "vitest";
import { type MathLibrary, straightLine } from "../../src/runtime/wasm/emitter.ts";
import { f64, f64x2, i32, ModuleBuilder } from "../../src/runtime/wasm/module.ts";
import type { VectorEmitter, VectorValue } from "../../src/runtime/wasm/vector-emitter.ts";
import { WebAssembly } from "../../src/runtime/wasm/webassembly.ts";

const noLibrary = {} as MathLibrary;
function scalar(build: (w: VectorEmitter, ...xs: VectorValue[]) => VectorValue, arity: number): (...xs: number[]) => number {
  const m = new ModuleBuilder();
  const f = m.function(new Array(arity).fill("f64"), ["f64"], "f");
  const args = Array.from({ length: arity }, (_, i) => f64x2.splat(f.argument(i, "f64")));
  f.result(f64x2.extract(straightLine(f, noLibrary, args, build), 1));
  return new WebAssembly.Instance(m.compile()).exports.f as (...xs: number[]) => number;
}

describe("module", () => {
  it("runs loops, memory and calls", () => {
    const m = new ModuleBuilder();
    m.memory(1);
    m.data(16, new Uint8Array(new Float64Array([1.5, 2.5, -4]).buffer));
    const square = m.function(["f64"], ["f64"]);
    square.result(f64.mul(square.argument(0, "f64"), square.argument(0, "f64")));
    const f = m.function(["i32"], ["f64"], "sumOfSquares");
    const total = f.local("f64");
    f.for(0, f.argument(0, "i32"), 1, (i) => {
      const x = f64.load(i32.shl(i, i32.const(3)), 16);
      f.set(total, f64.add(total, f.call(square, "f64", x)));
    });
    f.result(total);
    const { exports } = new WebAssembly.Instance(m.compile());
    expect(exports.sumOfSquares(3)).toBe(1.5 * 1.5 + 2.5 * 2.5 + 16);
    expect(exports.sumOfSquares(0)).toBe(0);
  });
  it("counts downwards", () => {
    const m = new ModuleBuilder();
    const f = m.function(["i32"], ["i32"], "f");
    const digits = f.local("i32");
    f.forDown(f.argument(0, "i32"), 1, 1, (i) => f.set(digits, i32.add(i32.mul(digits, i32.const(10)), i)));
    f.result(digits);
    expect(new WebAssembly.Instance(m.compile()).exports.f(4)).toBe(4321);
  });
});

describe("emitter", () => {
  it("shares what several places use and turns masks into numbers", () => {
    const f = scalar((w, x, y) => {
      const s = w.add(x, y);
      return w.add(w.mul(s, s), w.gt(s, w.constant(1)));
    }, 2);
    expect(f(0.25, 0.5)).toBe(0.5625);
    expect(f(1, 2)).toBe(10);
  });
  it("selects by number and by mask, and keeps masks", () => {
    const f = scalar(
      (w, x, y) => w.select(w.select(w.lt(x, y), w.ge(x, w.constant(0)), w.ne(x, y)), x, w.select(x, y, w.constant(7))),
      2,
    );
    expect([f(1, 2), f(-1, 2), f(3, 3), f(0, 0), f(Number.NaN, 5)]).toEqual([1, 2, 3, 7, Number.NaN]);
  });
  it("computes what is rare in a block, nested blocks included", () => {
    const f = scalar((w, x) => {
      const twice = w.add(x, x);
      const a = w.selectRare(
        w.gt(x, w.constant(10)),
        () =>
          w.selectRare(
            w.gt(x, w.constant(100)),
            () => w.mul(w.add(x, w.constant(1)), w.add(x, w.constant(1))),
            w.neg(w.add(x, w.constant(1))),
          ),
        twice,
      );
      return w.add(a, w.mul(w.constant(1000), w.add(x, w.constant(1))));
    }, 1);
    expect([f(1), f(11), f(101)]).toEqual([2002, 12000 - 12, 102000 + 102 * 102]);
  });
  it("survives deep chains", () => {
    const f = scalar((w, x) => {
      let y = x;
      for (let i = 0; i < 20000; i++) y = w.add(w.mul(y, w.constant(0.5)), w.constant(1));
      return y;
    }, 1);
    expect(f(0)).toBeCloseTo(2, 12);
  });
});
