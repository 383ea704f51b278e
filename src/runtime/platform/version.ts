// The version of this package, from its package.json.
import { readFileSync } from "node:fs";

let cached: string | undefined;
export function packageVersion(): string {
  cached ??= String(
    (JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: unknown }).version,
  );
  return cached;
}
