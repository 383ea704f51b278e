// Progress in lines: chains are named where there are several, and what is no chain is not.
import { afterEach, expect, test, vi } from "vitest";
import { startProgress } from "../../src/cli/progress.ts";

afterEach(() => vi.restoreAllMocks());

function linesOf(chains: number, phases: readonly (readonly [chain: number, phase: string])[]): string {
  let out = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  // A run of less than a second says nothing.
  const now = vi.spyOn(performance, "now").mockReturnValue(0);
  const view = startProgress("plain", chains);
  now.mockReturnValue(2000);
  phases.forEach(([chain, phase], i) => {
    view.update({ chain, phase, done: i + 1, total: 10, divergences: 0 });
  });
  view.stop();
  return out;
}

test("one chain, a training or an evaluation has no number", () => {
  expect(linesOf(1, [[1, "training"]])).toBe("training 1/10\n");
  expect(linesOf(1, [[1, "iwae"]])).toBe("iwae 1/10\n");
});
test("several chains have theirs, and the fit that they start from none", () => {
  const seen = [
    [1, "training"],
    [1, "sampling"],
    [2, "sampling"],
  ] as const;
  expect(linesOf(4, seen)).toBe("training 1/10\nchain 1: sampling 2/10\nchain 2: sampling 3/10\n");
});
