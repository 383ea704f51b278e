// Joins the modules that tsc made into few files: a process that loads three hundred small modules spends 0.1 s on finding them.
// dist/cli.js and dist/index.js become the bundles that the package ships, dist/chunks holds what they share and load when asked.
// The single modules stay beside them for the benchmarks and for threads started from sources; the package leaves them out.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { esmExternalRequirePlugin } from "rolldown/plugins";

/** Loaded only when asked for, and seldom: they stay packages. */
const external = [/^@tensorflow\//, "cli-progress", "papaparse"];

export async function bundle(root) {
  const dist = join(root, "dist");
  const input = { cli: join(dist, "cli.js"), index: join(dist, "index.js"), "chunks/worker": join(dist, "inference/worker.js") };
  const build = await rolldown({
    input,
    platform: "neutral",
    resolve: { mainFields: ["module", "main"] },
    external,
    plugins: [chevrotainAtOnce(root), withLess(), esmExternalRequirePlugin({ external: [/^node:(?!child_process|process)/] })],
  });
  const { output } = await build.write({
    dir: dist,
    format: "esm",
    comments: false,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
  });
  await build.close();
  for (const name of output.flatMap((chunk) => [...(chunk.imports ?? []), ...(chunk.dynamicImports ?? [])]))
    if (!name.startsWith("chunks/") && !isBuiltin(name) && !external.some((e) => (e.test ? e.test(name) : e === name)))
      throw new Error(`the bundle imports ${name}, which it should contain`);
  const packages = packagesIn(output.flatMap((chunk) => Object.keys(chunk.modules ?? {})));
  writeFileSync(join(dist, "chunks", "LICENSES.txt"), licences(packages));
}

/** The loader of chevrotain finds its single file at run time; in a bundle it is there. */
function chevrotainAtOnce(root) {
  const file = join(homeOf("chevrotain", root), "lib", "chevrotain.min.mjs");
  const names = "createToken, EmbeddedActionsParser, EOF, isRecognitionException, Lexer";
  return {
    name: "chevrotain at once",
    load: (id) => (id.endsWith("dsl/language/chevrotain.js") ? `export { ${names} } from ${JSON.stringify(file)};` : null),
  };
}

/** What packages require that is better not loaded, and what they get: seedrandom's source for seeds of its own (its package says that it
 *  works without), commander's for subcommands that are programs of their own; and the global object `process` costs nothing. */
const instead = new Map([
  ["seedrandom crypto", "module.exports = {};"],
  ["commander node:child_process", "module.exports = {};"],
  ["commander node:process", "module.exports = globalThis.process;"],
]);
function withLess() {
  const mark = "\0instead ";
  return {
    name: "with less of node",
    resolveId(id, from) {
      const key = [...instead.keys()].find((k) => k.endsWith(` ${id}`) && from?.includes(k.split(" ")[0]));
      return key === undefined ? null : mark + key;
    },
    load: (id) => (id.startsWith(mark) ? { code: instead.get(id.slice(mark.length)), moduleType: "js" } : null),
  };
}

/** Folders of the packages of these modules, and of those that a package ships inside its own single file. */
function packagesIn(modules) {
  const found = new Map();
  const add = (folder) => {
    const { name, version, dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (found.has(name)) return;
    found.set(name, { name, version, folder });
    for (const dependency of Object.keys(dependencies)) add(homeOf(dependency, folder));
  };
  for (const id of modules) {
    const home = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0];
    if (home) add(home);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function homeOf(name, from) {
  for (const base of createRequire(join(from, "package.json")).resolve.paths(name)) {
    const folder = join(base, name);
    try {
      readFileSync(join(folder, "package.json"));
      return folder;
    } catch {
      // Not in this folder: in one further up.
    }
  }
  throw new Error(`${name}, which ${from} depends on, is not installed`);
}

function licences(packages) {
  const text = ({ name, version, folder }) => {
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const words = file ? readFileSync(join(folder, file), "utf8") : /^licen[cs]e[\s\S]*/im.exec(readme(folder))?.[0];
    if (!words) throw new Error(`${name} has no licence that the bundle could carry`);
    return `${name} ${version}\n\n${words.trim()}\n`;
  };
  return `The files in this folder contain code of these packages.\n\n${packages.map(text).join(`\n${"-".repeat(80)}\n\n`)}`;
}

const readme = (folder) =>
  readFileSync(
    join(
      folder,
      readdirSync(folder).find((entry) => /^readme/i.test(entry)),
    ),
    "utf8",
  );
