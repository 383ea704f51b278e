// A library of TensorFlow.js that imports and does not compute: it does not load, in words.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

type Kernel = NonNullable<ReturnType<typeof tf.getKernel>>;
const replaced: Kernel[] = [];
const register = (kernel: Kernel): void => {
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel(kernel);
};
const replaceKernel = (kernelName: string, backendName: string, kernelFunc: tf.KernelFunc): void => {
  const kernel = tf.getKernel(kernelName, backendName);
  if (!kernel) throw new Error(`no ${kernelName} on ${backendName}`);
  replaced.push(kernel);
  register({ ...kernel, kernelFunc });
};

// The libraries may have been loaded, and found sound, by another file of this process.
beforeAll(() => {
  vi.resetModules();
});
afterAll(() => {
  for (const kernel of replaced) register(kernel);
  vi.resetModules();
});

test("a library whose kernels stop or compute something else does not load, and says why", async () => {
  const { loadTfjs } = await import("../../src/runtime/tfjs/load.ts");
  const { tfjsReport } = await import("../../src/runtime/tfjs/report.ts");
  replaceKernel("Square", "cpu", () => {
    throw new Error("illegal instruction\nat 0x0");
  });
  const identity = tf.getKernel("Identity", "wasm").kernelFunc;
  replaceKernel("Square", "wasm", identity);
  await expect(loadTfjs("tfjs-cpu")).rejects.toThrow("tfjs-cpu does not load: illegal instruction");
  await expect(loadTfjs("tfjs-cpu")).rejects.not.toThrow("0x0");
  await expect(loadTfjs("tfjs-wasm")).rejects.toThrow("tfjs-wasm does not load: the squares and the sum of 1 and 2 are 1,2; 3");
  const texts = (await tfjsReport()).filter(({ name }) => name !== "tensorflow").map(({ text }) => text);
  expect(texts.map((text) => text.split(":")[0])).toEqual(["does not load", "does not load"]);
});
