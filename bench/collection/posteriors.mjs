// The posteriors of posteriordb's index, with the settings that their models state.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const root = new URL("../../", import.meta.url);
const shared = new URL("../shared/data/posteriordb/", root);

export const dataAreThere = existsSync(new URL("index.json", shared));
/** `posterior`, `model`, `data`, and whether it has `reference` draws. */
export const index = () => JSON.parse(readFileSync(new URL("index.json", shared), "utf8"));
const entryOf = (name) => {
  const entry = index().find(({ posterior }) => posterior === name);
  if (!entry) throw new Error(`posteriordb has no posterior ${name}`);
  return entry;
};
export const modelPath = (name) => fileURLToPath(new URL(`models/posteriordb/${entryOf(name).model}.ppl`, root));
export const readData = (name) =>
  JSON.parse(gunzipSync(readFileSync(new URL(`data/${entryOf(name).data}.json.gz`, shared))).toString("utf8"));

/** Options of a model's comment line `// run: --target-accept 0.99`, as engines name them. */
export function runOptions(name) {
  const line = /^\/\/ run:(.*)$/m.exec(readFileSync(modelPath(name), "utf8"))?.[1] ?? "";
  const camel = (flag) => flag.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries([...line.matchAll(/--([a-z0-9-]+)\s+(\S+)/g)].map(([, flag, value]) => [camel(flag), value]));
}
