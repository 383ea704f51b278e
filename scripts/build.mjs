// Compiles src to dist with tsc and joins the modules into few files (bundle.mjs); clears dist first, so that a deleted source leaves no stale module behind.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
// A package installed from the registry brings dist and no sources, and a lock file is made without any: nothing to build.
if (!existsSync(join(root, "src")) || process.env.npm_config_package_lock_only === "true") process.exit(0);
const tsc = compiler();
if (tsc === undefined) {
  console.error(
    "The TypeScript compiler is not installed: building needs the development dependencies and the optional package that brings the\n" +
      "compiler for this platform. Run npm install without --omit=dev and --omit=optional; TFJS_NODE_BASE_URI=http://127.0.0.1:9/ in the\n" +
      "environment leaves TensorFlow's native library out.",
  );
  process.exit(1);
}
rmSync(join(root, "dist"), { recursive: true, force: true });
const run = spawnSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit", cwd: root });
if (run.status !== 0) process.exit(run.status ?? 1);
const { bundle } = await import("./bundle.mjs");
await bundle(root);

function compiler() {
  const require = createRequire(import.meta.url);
  try {
    const home = dirname(require.resolve("typescript/package.json"));
    createRequire(join(home, "package.json")).resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`);
    return join(home, "bin", "tsc");
  } catch {
    return undefined;
  }
}
