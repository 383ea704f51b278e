// Compiles src to dist with tsc and joins the modules into few files (bundle.mjs); clears dist first, so that a deleted source leaves no
// stale module behind. With --if-older only when a source is newer than what was built.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
// A package installed from the registry brings dist and no sources, and a lock file is made without any: nothing to build.
if (!existsSync(join(root, "src")) || process.env.npm_config_package_lock_only === "true") process.exit(0);
// npx prepares the package of the folder it is called in before it runs its command; that is no reason to build it again.
if (process.argv.includes("--if-older") && isBuilt()) process.exit(0);
const tsc = compiler();
if (tsc === undefined) {
  console.error(
    "The TypeScript compiler is not installed: building needs the development dependencies and the optional package that brings the\n" +
      "compiler for this platform. Run npm install without --omit=dev and --omit=optional; TFJS_NODE_BASE_URI=http://127.0.0.1:9/ in the\n" +
      "environment leaves TensorFlow's native library out.",
  );
  // Were npx called before npm install and this to fail, npx would remember the failure in its cache and never work again here.
  process.exit(process.env.npm_command === "exec" ? 0 : 1);
}
rmSync(join(root, "dist"), { recursive: true, force: true });
const run = spawnSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit", cwd: root });
if (run.status !== 0) process.exit(run.status ?? 1);
const { bundle } = await import("./bundle.mjs");
await bundle(root);
// npm makes commands executable when it links them, once; a file made anew is not.
chmodSync(join(root, "dist", "cli.js"), 0o755);

function isBuilt() {
  const last = join(root, "dist", "chunks", "LICENSES.txt");
  if (!existsSync(last)) return false;
  const built = statSync(last).mtimeMs;
  const below = (folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).map((entry) => join(entry.parentPath, entry.name));
  const files = readdirSync(root).filter((name) => /^(package(-lock)?|tsconfig.*)\.json$/.test(name));
  return [...files.map((name) => join(root, name)), ...below("src"), ...below("scripts")].every(
    (f) => statSync(f).mtimeMs <= built,
  );
}

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
