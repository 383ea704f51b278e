// The models of models/ that carry data of their own, and what their pages say of the posterior.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DataObject } from "../src/model.ts";

const folder = new URL("../models/", import.meta.url);

const withData: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith(".ppl") && existsSync(new URL(file.replace(/\.ppl$/, ".data.json"), folder)))
  .map((file) => file.replace(/\.ppl$/, ""));
const learns = (name: string): boolean => /^(param|net) /m.test(readFileSync(new URL(`${name}.ppl`, folder), "utf8"));

/** Those that are sampled, and have a posterior to compare with. */
export const ownModels = withData.filter((name) => !learns(name));
/** Those with params or networks. */
export const learntModels = withData.filter(learns);

/** A row of the page's table: mean and sd with the errors of whatever they were computed by, 0 for quadrature and closed forms. */
export interface Expected {
  readonly name: string;
  readonly mean: number;
  readonly meanError: number;
  readonly sd: number;
  readonly sdError: number;
}

export function readOwn(name: string): {
  readonly path: string;
  readonly data: DataObject;
  readonly expected: readonly Expected[];
} {
  const text = (suffix: string) => readFileSync(new URL(`${name}${suffix}`, folder), "utf8");
  return {
    path: fileURLToPath(new URL(`${name}.ppl`, folder)),
    data: JSON.parse(text(".data.json")),
    expected: expectedOf(text(".md")),
  };
}

/** Rows `| name | mean | its error | sd | its error |`. */
function expectedOf(page: string): Expected[] {
  return [...page.matchAll(/^\| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$/gm)].flatMap(([, name, ...cells]) => {
    const [mean, meanError, sd, sdError] = cells.map(Number);
    return Number.isFinite(mean) ? [{ name, mean, meanError, sd, sdError }] : [];
  });
}
