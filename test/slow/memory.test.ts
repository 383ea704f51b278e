// A million gradients leave memory as it was.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { loadModel } from "../../src/load.ts";
import { instantiate } from "../../src/runtime/wasm/instantiate.ts";
import { ownModels, readOwn } from "../models.ts";

const EVALUATIONS = 1e6;
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes that are alive after a collection. */
function alive(): number {
  collectGarbage();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

for (const name of ownModels)
  test(`${name}: memory after a million gradients`, async () => {
    const { path, data } = readOwn(name);
    const { target } = await loadModel(path).bind(data);
    const image = await target.image();
    const executable = instantiate(image.density);
    const q = executable.inputs.q;
    const position = Float64Array.from(q, (_, i) => 0.1 * (1 + (i % 7)));
    const evaluate = (times: number) => {
      for (let i = 0; i < times; i++) {
        q.set(position);
        executable.run();
      }
    };
    evaluate(1000);
    const pages = q.buffer.byteLength;
    const value = executable.outputs[0][0];
    const before = alive();
    const residentBefore = process.memoryUsage().rss;
    evaluate(EVALUATIONS);
    // The smallest object takes 16 bytes: one kept by each evaluation would be 16 MB.
    expect(alive() - before).toBeLessThan(EVALUATIONS);
    expect(process.memoryUsage().rss - residentBefore).toBeLessThan(16 * EVALUATIONS);
    // Memory that had grown would have detached the old buffer, whose length is then 0.
    expect(q.buffer.byteLength).toBe(pages);
    expect(executable.inputs.q.buffer).toBe(q.buffer);
    expect(executable.outputs[0][0]).toBe(value);
    executable.dispose();
  });
