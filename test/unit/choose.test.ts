// What `--engine auto` chooses, and why.
import { describe, expect, test } from "vitest";
import { chooseEngine } from "../../src/inference/engines/choose.ts";
import { bound } from "./model-under-test.ts";

const y = [1.2, 0.7, -0.4];
const chosen = async (text: string) => {
  const { engine, reason } = chooseEngine("auto", (await bound(text, { y })).target);
  return [engine.name, reason];
};

describe("auto", () => {
  test("is nuts where every latent is to be sampled", async () => {
    expect(await chosen("data y: real[N]\nm ~ Normal(0, 1)\ny ~ Normal(m, 1)")).toEqual(["nuts", undefined]);
  });
  test("is meanfield where something is to be learnt beside latents", async () => {
    expect(await chosen("data y: real[N]\nparam s: positive = 1\nm ~ Normal(0, s)\ny ~ Normal(m, 1)")).toEqual([
      "meanfield",
      "there is something to learn beside the latents, and no guide",
    ]);
  });
  test("is amortized where there is a guide too", async () => {
    const text = `
data y: real[N]
param s: positive = 1
param a: real = 0
m ~ Normal(0, s)
y ~ Normal(m, 1)
guide { m ~ Normal(a, 0.5) }
`;
    expect(await chosen(text)).toEqual(["amortized", "there is something to learn, and a guide"]);
  });
  test("is nuts where a guide stands beside latents alone", async () => {
    const text = "data y: real[N]\nparam a: real = 0\nm ~ Normal(0, 1)\ny ~ Normal(m, 1)\nguide { m ~ Normal(a, 0.5) }";
    expect(await chosen(text)).toEqual(["nuts", undefined]);
  });
  test("is mle where nothing is latent", async () => {
    expect(await chosen("data y: real[N]\nparam m: real\ny ~ Normal(m, 1)")).toEqual([
      "mle",
      "there is something to learn, and no latent to infer",
    ]);
  });
  test("a name that no engine has is refused with those there are", async () => {
    const { target } = await bound("m ~ Normal(0, 1)");
    expect(() => chooseEngine("nutz", target)).toThrow("there is no engine nutz; there are auto, nuts, hmc, meanfield");
    expect(chooseEngine("hmc", target).engine.name).toBe("hmc");
  });
});
