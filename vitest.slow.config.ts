import { defineConfig } from "vitest/config";
import ClosingLine from "./test/closing-line.ts";

export default defineConfig({
  test: {
    include: ["test/slow/**/*.test.ts"],
    testTimeout: 600_000,
    // A process a file: what one test does to memory is no other's business.
    pool: "forks",
    expect: { requireAssertions: true },
    fileParallelism: false,
    reporters: ["default", new ClosingLine()],
  },
});
