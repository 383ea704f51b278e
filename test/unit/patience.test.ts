// Whether chains go to threads: by what is left of the work, not by how busy the machine is.
import { describe, expect, test } from "vitest";
import { Patience } from "../../src/inference/patience.ts";

/** Asked every 10 ms of work about chains that take `whole` of it; where a job does not end, after how much work they leave. */
function leaves(whole: number, threads: number, slowness = 1, warmUp = 0): number | undefined {
  let work = 0;
  const patience = new Patience(threads, { work: () => work, time: () => 17 + slowness * work });
  for (; work < whole; work += 10) if (patience.isOver(Math.max(0, work - warmUp) / whole)) return work;
  return undefined;
}

describe.each([1, 5])("a machine %i times slower than its processor", (slowness) => {
  test("short runs stay", () => {
    for (const whole of [100, 240, 400, 600]) expect(leaves(whole, 4, slowness), `${whole} ms`).toBeUndefined();
  });
  test("long ones leave, all at the same time", () => {
    for (const whole of [1500, 3000, 100_000]) expect(leaves(whole, 4, slowness), `${whole} ms`).toBe(250);
    expect(leaves(1500, 2, slowness)).toBe(250);
    expect(leaves(900, 2, slowness)).toBeUndefined();
  });
  test("a slow beginning, while code is compiled, does not count", () => {
    expect(leaves(700, 2, slowness, 100)).toBeUndefined();
  });
  test("chains that do not get on at all leave when threads could", () => {
    expect(leaves(1e9, 2, slowness)).toBe(250);
  });
});
