import { defineConfig } from "vitest/config";

export default defineConfig({
  // Processes, not threads: Node 20 may abort when a thread ends while V8 still compiles for it in the background.
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/posteriors/**", "test/slow/**"],
    testTimeout: 60_000,
    pool: "forks",
    // A test that asserts nothing cannot fail.
    expect: { requireAssertions: true },
  },
});
