// The page of posteriordb's posteriors is that of the last measurements, has all of them, and nothing failed without a reason.
import { expect, test } from "vitest";
import { listed } from "../bench/collection/listed.mjs";
import { coveragePage, measured, statusOf } from "../bench/collection/page.mjs";
import { index } from "../bench/collection/posteriors.mjs";
import { readDocument } from "./markdown.ts";
import { indexedModels, referencesAreThere, whereReferencesAre } from "./posteriors/reference.ts";

const results = measured();

test("docs/coverage.md is that of bench/collection: node bench/collection.mjs --page writes it", () => {
  expect(readDocument("docs/coverage.md")).toBe(coveragePage());
});
test("what is listed was measured, and does not pass", () => {
  expect(Object.keys(listed).filter((name) => !(name in results))).toEqual([]);
});
test("a posterior passes, or it is said why not, or it has not had its time", () => {
  expect(Object.values(results).flatMap((r) => (statusOf(r) === "failed" ? [r.posterior] : []))).toEqual([]);
});
if (!referencesAreThere) console.log(`${whereReferencesAre} is not there: nothing to hold the list of posteriors against`);
test.runIf(referencesAreThere)("every posterior of the index has its line", () => {
  expect(Object.keys(results).sort()).toEqual(
    index()
      .map(({ posterior }) => posterior)
      .sort(),
  );
  expect([...new Set(Object.values(results).map(({ model }) => model))].sort()).toEqual(indexedModels());
});
