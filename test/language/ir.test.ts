// Goldens of the IR: the simplified log density and gradient of the models of models/ that are sampled, at their data. A change of the simplifier or of a
// gradient rule is seen here as a diff. UPDATE=1 rewrites them.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readDataFile } from "../../src/data-files.ts";
import { gradientProgram } from "../../src/dsl/compile/target.ts";
import { loadModel } from "../../src/load.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { printProgram } from "../../src/runtime/ir/print.ts";
import { ownModels } from "../models.ts";

const models = join(import.meta.dirname, "..", "..", "models");
const goldens = join(import.meta.dirname, "ir");

test("each golden is of a model", () => {
  expect(readdirSync(goldens).sort()).toEqual(ownModels.map((name) => `${name}.expected`).sort());
});

test.each(ownModels)("%s", async (name) => {
  const data = await readDataFile(join(models, `${name}.data.json`));
  const { target } = await loadModel(join(models, `${name}.ppl`)).bindData(data);
  const b = createBuilder();
  const q = b.input("q", { shape: [target.dimension], dtype: "real" });
  const text = `${printProgram(gradientProgram(b, q, target.logDensity(b, q)))}\n`;
  const golden = join(goldens, `${name}.expected`);
  if (process.env.UPDATE === "1") {
    mkdirSync(goldens, { recursive: true });
    writeFileSync(golden, text);
  }
  expect(existsSync(golden)).toBe(true);
  expect(text).toBe(readFileSync(golden, "utf8"));
});
