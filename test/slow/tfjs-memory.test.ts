// A hundred thousand training steps leave the memory of TensorFlow.js, and of the process, as it was.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { Executable, Program } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { int, real } from "../../src/runtime/ir/type.ts";
import { tfjsBackends, whatLoads } from "../laws/backends.ts";

const STEPS = 1e5;
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** A small regression by a network of one hidden layer, trained by gradient descent on minibatches with noise. */
function programs(): { readonly training: Program; readonly evaluation: Program } {
  const b = createBuilder();
  const [w1, w2] = [b.input("w1", real([5, 8])), b.input("w2", real([8]))];
  const data = b.input("data", real([40, 5]));
  const [rows, noise] = [b.input("rows", int([4])), b.input("noise", real([4]))];
  const hidden = b.tanh(b.matmul(b.gather(data, rows), w1));
  const loss = b.add(b.sum(b.square(b.sub(b.matmul(hidden, w2), noise))), b.sum(b.square(w2)));
  const [g1, g2] = gradient(b, loss, [w1, w2]);
  const descend = (w: typeof w1, g: typeof w1) => [w, b.sub(w, b.mul(b.constant(1e-3), g))] as const;
  // lgamma of a table by gather, log1p: steps on the host where the library has none that is good enough.
  const score = b.sum(b.lgamma(b.add(b.constant(1.5), b.log1p(b.square(hidden)))));
  return {
    training: { inputs: [rows, noise], residents: [data], outputs: [loss], updates: [descend(w1, g1), descend(w2, g2)] },
    evaluation: { inputs: [rows], residents: [data, w1], outputs: [score, b.scatterAdd(hidden, rows, 40)], updates: [] },
  };
}

it(`backends here: ${whatLoads}`, () => expect(tfjsBackends.length).toBeGreaterThanOrEqual(2));

// A library may be used in several ways; what is alive in it is counted once.
const ways = tfjsBackends.flatMap((b) => [[b.name, b, b] as const, ...b.variants.map((v) => [v.name, v, b] as const)]);
describe.each(ways)("%s", (_name, backend, library) => {
  it.each(["training", "evaluation"] as const)("memory after 10^5 steps of %s", async (which) => {
    const e: Executable = await backend.compile(programs()[which]);
    e.write(
      "w1",
      Float64Array.from({ length: 40 }, (_, i) => ((i * 37) % 11) / 20 - 0.25),
    );
    e.write(
      "data",
      Float64Array.from({ length: 200 }, (_, i) => ((i * 53) % 17) / 8 - 1),
    );
    const run = (times: number) => {
      for (let i = 0; i < times; i++) {
        for (let k = 0; k < 4; k++) e.inputs.rows[k] = (7 * i + 11 * k) % 40;
        e.inputs.noise?.fill(0.1 * (i % 5));
        e.run();
      }
    };
    // The addon lends the memory of arrays, which the collector takes in a turn of its own.
    const settle = async () => {
      for (let i = 0; i < 3; i++) {
        collectGarbage();
        await new Promise((done) => setImmediate(done));
      }
    };
    run(STEPS / 2);
    await settle();
    const tensors = library.tensors();
    const before = process.memoryUsage();
    run(STEPS);
    await settle();
    const after = process.memoryUsage();
    expect(library.tensors()).toBe(tensors);
    // The smallest object takes 16 bytes: one kept by each step would be 1.6 MB.
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(8 * STEPS);
    // A tensor of the library takes some hundred bytes with its handle: one kept by each step would be tens of MB. Heaps grow by less.
    expect(after.rss - before.rss).toBeLessThan(200 * STEPS);
    expect(e.outputs[0].every(Number.isFinite)).toBe(true);
    e.dispose();
  });
});
