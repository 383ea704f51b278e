// What the tests of the classics share: runs of models/classics, and the exact numbers that their pages state. UPDATE=1 writes these anew.
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { Fit } from "../../src/fit.ts";
import { loadModel } from "../../src/load.ts";
import { root } from "../modules.ts";

export const folder = "models/classics";
// biome-ignore lint/suspicious/noExplicitAny: data of different shapes
export const dataOf = (name: string): any => JSON.parse(readFileSync(`${root}${folder}/${name}.data.json`, "utf8"));
export const run = async (
  name: string,
  engine: string,
  options: Readonly<Record<string, unknown>> = {},
  set = {},
): Promise<Fit> =>
  (await loadModel(`${root}${folder}/${name}.ppl`).bind(dataOf(name), { set })).run(engine, { seed: 1, ...options });

/** Rows `| what | number |` of a page. */
const stated = (name: string): ReadonlyMap<string, string> =>
  new Map(
    [...readFileSync(`${root}${folder}/${name}.md`, "utf8").matchAll(/^\| ([^|]+) \| (-?\d[\d.]*) \|$/gm)].map(
      ([, what, value]) => [what, value],
    ),
  );
/** A page states numbers as they are, rounded to the digits that it gives. */
export function expectStated(name: string, exact: Readonly<Record<string, number>>): void {
  const page = stated(name);
  expect([...page.keys()].sort()).toEqual(Object.keys(exact).sort());
  for (const [what, value] of Object.entries(exact)) {
    const text = page.get(what) ?? "";
    const digits = text.split(".")[1]?.length ?? 0;
    if (process.env.UPDATE === "1") rewrite(name, what, value.toFixed(digits));
    else expect(text, what).toBe(value.toFixed(digits));
  }
}
function rewrite(name: string, what: string, value: string): void {
  const path = `${root}${folder}/${name}.md`;
  const lines = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, lines.map((line) => (line.startsWith(`| ${what} | `) ? `| ${what} | ${value} |` : line)).join("\n"));
}
export const values = (fit: Fit, name: string): Float64Array => fit.draws(name).values;
export const near = (ours: number, exact: number, within: number, what = ""): void =>
  expect(Math.abs(ours - exact), `${what} ${ours}, exactly ${exact}`).toBeLessThan(within);
export function row(fit: Fit, name: string) {
  const found = fit.summary().find((r) => r.name === name);
  if (!found) throw new Error(`the fit has no ${name}`);
  return found;
}
/** Means and deviations of draws, against exact ones: within four Monte Carlo errors. */
export function expectMoments(fit: Fit, name: string, mean: number, sd: number): void {
  const r = row(fit, name);
  near(r.mean, mean, 4 * r.mcseMean, name);
  near(r.sd, sd, 4 * r.mcseSd, `sd of ${name}`);
}
