// A library of TensorFlow.js that imports and does not compute: it does not load, in words.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { expect, test } from "vitest";
import { loadTfjs } from "../../src/runtime/tfjs/load.ts";
import { tfjsReport } from "../../src/runtime/tfjs/report.ts";

const replaceKernel = (kernelName: string, backendName: string, kernelFunc: tf.KernelFunc): void => {
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ kernelName, backendName, kernelFunc });
};

test("a library whose kernels stop or compute something else does not load, and says why", async () => {
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
