// Speed of the math library (ns an element, in a loop of two lanes), of random numbers, and of the routines of linear algebra.
// After `npm run build`: node bench/numeric.mjs
import { createBuilder } from "../dist/runtime/ir/builder.js";
import { cholesky, choleskyGradient, dot, qr, solve, triangularSolve } from "../dist/runtime/ir/primitives/linalg.js";
import { real, sizeOf } from "../dist/runtime/ir/type.js";
import { stream } from "../dist/runtime/numeric/random.js";
import * as samplers from "../dist/runtime/numeric/samplers.js";
import { straightLine } from "../dist/runtime/wasm/emitter.js";
import { mathlib } from "../dist/runtime/wasm/mathlib/index.js";
import { ModuleBuilder, v128 } from "../dist/runtime/wasm/module.js";
import { routines } from "../dist/runtime/wasm/routines/index.js";

const rng = stream(1, "bench");
/** Milliseconds of one call, the best of several rounds. */
function best(call, times, rounds = 15) {
  let least = Number.POSITIVE_INFINITY;
  for (let r = 0; r < rounds; r++) {
    const start = performance.now();
    for (let i = 0; i < times; i++) call();
    least = Math.min(least, (performance.now() - start) / times);
  }
  return least;
}

const ranges = {
  exp: [-20, 20],
  log: [0, 50],
  log1p: [-0.9, 10],
  atan: [-5, 5],
  asin: [-1, 1],
  acos: [-1, 1],
  sigmoid: [-8, 8],
  lgamma: [0, 20],
  digamma: [0, 20],
  trigamma: [0, 20],
  tetragamma: [0, 20],
  normalQuantile: [0, 1],
  pow: [0, 5],
};
const elements = 1000;
for (const [name, emit] of Object.entries(mathlib)) {
  const module = new ModuleBuilder();
  module.memory(1);
  const f = module.function([], [], "run");
  const arity = emit.length - 1;
  f.for(0, elements * 8, 16, (i) => {
    const args = Array.from({ length: Math.max(1, arity) }, (_, k) => v128.load(i, k * elements * 8));
    f.store(i, straightLine(f, mathlib, args, emit), 2 * elements * 8);
  });
  const { exports } = new WebAssembly.Instance(module.compile());
  const memory = new Float64Array(exports.memory.buffer);
  const [low, high] = ranges[name] ?? [-3, 3];
  for (let i = 0; i < 2 * elements; i++) memory[i] = low + (high - low) * rng.uniform();
  console.log(`${name.padEnd(16)} ${((best(exports.run, 100) * 1e6) / elements).toFixed(2)} ns`);
}

const draws = {
  uniform: () => rng.uniform(),
  normal: () => rng.normal(),
  exponential: () => rng.exponential(),
  below: () => rng.below(100),
};
const samples = {
  gamma: () => samplers.gamma(rng, 2.5),
  beta: () => samplers.beta(rng, 2, 3),
  poisson: () => samplers.poisson(rng, 30),
  binomial: () => samplers.binomial(rng, 100, 0.3),
  vonMises: () => samplers.vonMises(rng, 0, 2),
};
for (const [name, draw] of Object.entries({ ...draws, ...samples })) {
  let kept = 0;
  const many = () => {
    for (let i = 0; i < 10_000; i++) kept += draw();
  };
  const time = best(many, 10) * 100;
  console.log(`${name.padEnd(16)} ${time.toFixed(2)} ns${Number.isNaN(kept) ? " (NaN)" : ""}`);
}

/** A routine on random matrices, diagonals raised. */
function routine(label, op, shapes, attrs, flops) {
  const b = createBuilder();
  const node = b.apply(
    op,
    shapes.map((s, i) => b.input(`x${i}`, real(s))),
    attrs,
  )[0].node;
  const r = routines.get(op.name);
  let next = 64;
  const place = (shape) => {
    const offset = next;
    next += Math.ceil(sizeOf(shape) / 2) * 16;
    return { offset, shape };
  };
  const [inputs, results] = [shapes.map(place), node.results.map((t) => place(t.shape))];
  const module = new ModuleBuilder();
  module.memory(Math.ceil((next + 8 * r.scratch(node)) / 65536) + 1);
  const f = module.function([], [], "run");
  r.emit(f, { module, node, inputs, results, scratch: next });
  const { exports } = new WebAssembly.Instance(module.compile());
  const memory = new Float64Array(exports.memory.buffer);
  for (const { offset, shape } of inputs) {
    for (let i = 0; i < sizeOf(shape); i++) memory[offset / 8 + i] = rng.normal() / shape[0] + (i % (shape[1] + 1) === 0 ? 2 : 0);
  }
  const ms = best(exports.run, Math.max(1, Math.floor(2e6 / flops)));
  console.log(`${label.padEnd(24)} ${(ms * 1000).toFixed(2)} µs  ${(flops / ms / 1e6).toFixed(1)} GFLOP/s`);
}
for (const n of [16, 64, 256, 512])
  routine(
    `matrix product ${n}`,
    dot,
    [
      [n, n],
      [n, n],
    ],
    { batch: 0, left: [1], right: [0] },
    2 * n * n * n,
  );
for (const n of [2, 11, 50, 200]) {
  routine(`cholesky ${n}`, cholesky, [[n, n]], {}, (n * n * n) / 3 + n);
  routine(
    `cholesky gradient ${n}`,
    choleskyGradient,
    [
      [n, n],
      [n, n],
    ],
    {},
    (2 * n * n * n) / 3 + n,
  );
  routine(
    `triangular solve ${n} x ${n}`,
    triangularSolve,
    [
      [n, n],
      [n, n],
    ],
    { lower: true, transpose: false },
    n * n * n,
  );
  routine(
    `solve ${n}`,
    solve,
    [
      [n, n],
      [n, 1],
    ],
    {},
    (2 * n * n * n) / 3 + n,
  );
  routine(`qr ${2 * n} x ${n}`, qr, [[2 * n, n]], {}, 8 * n * n * n);
}
