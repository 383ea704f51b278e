// Every model of models/posteriordb with all of its data: the gradient against differences, in more coordinates than `npm test` has time for.
import { basename } from "node:path";
import { expect, test } from "vitest";
import { filesBelow, root } from "../modules.ts";
import { expectGradient } from "../posteriors/gradient.ts";
import { dataOf, referencesAreThere, whereReferencesAre } from "../posteriors/reference.ts";

const paths = filesBelow("models/posteriordb").filter((path) => path.endsWith(".ppl"));
const pairs = paths.flatMap((path) => dataOf(basename(path, ".ppl")).map((set) => [path, set] as const));

test.runIf(referencesAreThere).each(pairs)("%s with %s", async (path, set) => {
  await expectGradient(`${root}${path}`, set, 20);
});
test(`there are models${referencesAreThere ? "" : `, and ${whereReferencesAre} is not there`}`, () => {
  expect(paths.length).toBeGreaterThan(80);
});
