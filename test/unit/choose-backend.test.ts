// Which backend trains: what is asked for, what fits the engine, what loads.
import { expect, test } from "vitest";
import { chooseBackend } from "../../src/backends.ts";
import { engines } from "../../src/inference/engines/index.ts";
import { loadTfjs } from "../../src/runtime/tfjs/load.ts";
import { bound } from "./model-under-test.ts";

const small = await bound("data x: real[N]\nparam m: real\nz ~ Normal(m, 1)\nx ~ Normal(z, 1)", { x: [1, 2] });
const large = await bound(
  "data x: real[N, 100]\nparam W: real[100, 120]\nfor n in 1..N { z[n]: real[120] ~ Normal(0, 1)\n x[n] ~ Normal(W @ z[n], 1) }",
  { x: [new Array(100).fill(0.5), new Array(100).fill(1.5)] },
);
const chosen = async (name: string, engine: string, { target } = small) => {
  const { backend, words } = await chooseBackend(name, engines.get(engine)!, target);
  return `${backend.name}: ${words}`;
};

test("auto is wasm for engines that accept and reject, and where little is to learn", async () => {
  expect(await chosen("auto", "nuts", large)).toBe("wasm: float64 WebAssembly");
  expect(await chosen("auto", "meanfield")).toBe("wasm: float64 WebAssembly");
  expect(await chosen("wasm", "meanfield", large)).toBe("wasm: float64 WebAssembly");
});

test("auto is the fastest that loads where much is to learn, with the reason", async () => {
  const loads = await loadTfjs("tensorflow").then(
    () => true,
    () => false,
  );
  const words = await chosen("auto", "meanfield", large);
  expect(words).toMatch(/12000 numbers to learn/);
  expect(words).toMatch(loads ? /^tensorflow: tensorflow .*the fastest that loads/ : /^wasm: .*since tensorflow does not load/);
});

test("what is asked for is taken, or refused in words", async () => {
  expect(await chosen("tfjs-cpu", "meanfield")).toMatch(/^tfjs-cpu: tfjs-cpu .*as asked$/);
  await expect(chosen("tfjs-cpu", "nuts")).rejects.toThrow("nuts runs on wasm: nothing is accepted or rejected in float32");
  await expect(chosen("tensorflw", "meanfield")).rejects.toThrow("there is no backend tensorflw; there are auto, wasm");
  await expect(chosen("tensorflw", "nuts")).rejects.toThrow("there is no backend tensorflw");
});
