// The version of this package, from its package.json.
import { readFileSync } from "node:fs";

let cached: string | undefined;
export const packageVersion = (): string => (cached ??= versionAbove(new URL(".", import.meta.url)));

/** The nearest package.json above: sources, modules and bundles lie at different depths below it. */
function versionAbove(folder: URL): string {
  for (let at = folder; ; at = new URL("..", at)) {
    try {
      return String((JSON.parse(readFileSync(new URL("package.json", at), "utf8")) as { version: unknown }).version);
    } catch (e) {
      if (at.pathname === "/" || at.pathname === new URL("..", at).pathname) throw e;
    }
  }
}
