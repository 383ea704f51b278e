import { defineConfig } from "vitest/config";
import ClosingLine from "./test/closing-line.ts";
import { referencesAreThere, whereReferencesAre } from "./test/posteriors/reference.ts";

if (!referencesAreThere) console.log(`${whereReferencesAre} is not there: no posterior is compared with its reference`);

export default defineConfig({
  test: {
    include: referencesAreThere ? ["test/posteriors/**/*.test.ts"] : [],
    passWithNoTests: true,
    testTimeout: 300_000,
    pool: "forks",
    expect: { requireAssertions: true },
    reporters: ["default", new ClosingLine()],
  },
});
