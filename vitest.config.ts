import { defineConfig } from "vitest/config";

export default defineConfig({
  // Processes, not threads: Node 20 may abort when a thread ends while V8 still compiles for it in the background.
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/posteriors/**", "test/slow/**"],
    testTimeout: 60_000,
    pool: "forks",
    // The files of a process share what they import: reading it anew for each takes longer than most of their tests. What a test changes of
    // a module or of the process it puts back.
    isolate: false,
    // A test that asserts nothing cannot fail.
    expect: { requireAssertions: true },
  },
});
