// What the built package loads: a browser's import of the library must reach no module of node, and neither may a thread's start load
// the compiler. Needs the build.
import { existsSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { moduleOf, root } from "./modules.ts";

/** Modules that loading this one loads, and the packages and modules of node among them; imports that wait are not followed. */
function loadedBy(entry: string): { readonly files: string[]; readonly others: string[] } {
  const files = new Set([entry]);
  const others = new Set<string>();
  for (const path of files) {
    for (const { specifier, target, dynamic } of moduleOf(path, readFileSync(`${root}${path}`, "utf8")).imports) {
      if (dynamic) continue;
      if (target === undefined) others.add(specifier);
      else files.add(target);
    }
  }
  return { files: [...files], others: [...others] };
}

beforeAll(() => {
  expect(existsSync(`${root}dist/chunks/worker.js`), "npm run build makes the package").toBe(true);
});

test("the library needs nothing of node, and no package beside it, until it is asked for files or threads", () => {
  expect(loadedBy("dist/index.js").others).toEqual([]);
});
test("a thread loads no parser, and of node only what it speaks to its parent by", () => {
  const { files, others } = loadedBy("dist/chunks/worker.js");
  expect(others.sort()).toEqual(["node:os", "node:worker_threads"]);
  const size = files.reduce((sum, path) => sum + readFileSync(`${root}${path}`).length, 0);
  const whole = loadedBy("dist/index.js").files.reduce((sum, path) => sum + readFileSync(`${root}${path}`).length, 0);
  expect(size).toBeLessThan(whole / 3);
});
test("the command loads few files", () => {
  expect(loadedBy("dist/cli.js").files).toHaveLength(1);
  expect(loadedBy("dist/chunks/run.js").files.length).toBeLessThan(30);
});
