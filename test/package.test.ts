// package.json and its lock file agree, and say what they must; scripts and benchmarks import what is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { expect, test } from "vitest";
import { eachNode, filesBelow, literalOf, type Module, moduleOf, root } from "./modules.ts";

type Versions = Readonly<Record<string, string>>;
interface Manifest {
  readonly version: string;
  readonly bin: Versions;
  readonly engines: Versions;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
}
interface Lock {
  readonly version: string;
  readonly packages: Readonly<Record<string, Manifest & { readonly resolved?: string; readonly integrity?: string }>>;
}
const read = <T>(name: string): T => JSON.parse(readFileSync(`${root}${name}`, "utf8")) as T;
const manifest = read<Manifest>("package.json");
const lock = read<Lock>("package-lock.json");
const own = lock.packages[""];

test("the lock file is that of package.json", () => {
  expect(own).toMatchObject({ version: manifest.version, engines: manifest.engines, bin: manifest.bin });
  expect(own.dependencies).toEqual(manifest.dependencies);
  expect(own.devDependencies).toEqual(manifest.devDependencies);
  expect(own.optionalDependencies).toEqual(manifest.optionalDependencies);
});
test("versions are exact", () => {
  const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = manifest;
  const loose = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
  expect(loose.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
test("the lock file names no host, and has a hash of everything", () => {
  const others = Object.entries(lock.packages).filter(([path]) => path !== "");
  expect(others.filter(([, p]) => p.resolved !== undefined || p.integrity === undefined).map(([path]) => path)).toEqual([]);
});
test("the lock file has all that its packages need, on every platform", () => {
  /** Where Node looks from a package's folder: its own node_modules, and those of the folders above. */
  const has = (from: string, name: string): boolean => {
    const path = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
    return (
      Object.hasOwn(lock.packages, path) ||
      (from !== "" && has(from.slice(0, from.lastIndexOf("node_modules/")).replace(/\/$/, ""), name))
    );
  };
  const missing = Object.entries(lock.packages).flatMap(([from, { dependencies, devDependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...(from === "" ? devDependencies : {}), ...optionalDependencies })
      .filter((name) => !has(from, name))
      .map((name) => `${from} needs ${name}`),
  );
  expect(missing).toEqual([]);
});

const modulesOf = (paths: readonly string[]): Module[] =>
  paths.filter((path) => /\.m?ts$|\.mjs$/.test(path)).map((path) => moduleOf(path, readFileSync(`${root}${path}`, "utf8")));
const literalsOf = (module: Module): string[] => {
  const found: string[] = [];
  eachNode(module.tree, (node) => {
    const text = literalOf(node);
    if (text !== undefined) found.push(text);
  });
  return found;
};
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
const packagesOf = (modules: readonly Module[]): Set<string> =>
  new Set(
    modules.flatMap((m) =>
      m.imports.filter((i) => i.target === undefined && !isBuiltin(i.specifier)).map((i) => packageOf(i.specifier)),
    ),
  );

test("the dependencies are the packages that the code imports", () => {
  const sources = modulesOf(filesBelow("src"));
  // Packages of TensorFlow are imported by variables: what they hold are literals.
  const tensorflow = sources.flatMap(literalsOf).filter((text) => /^@tensorflow\/[\w-]+$/.test(text));
  const declared = { ...manifest.dependencies, ...manifest.optionalDependencies };
  expect([...new Set([...packagesOf(sources), ...tensorflow])].sort()).toEqual(Object.keys(declared).sort());
});
test("what tests, scripts and benchmarks import is declared too", () => {
  const others = modulesOf([...["test", "scripts", "bench"].flatMap(filesBelow), ...readdirSync(root)]);
  const declared = { ...manifest.dependencies, ...manifest.devDependencies };
  expect([...packagesOf(others)].filter((name) => !Object.hasOwn(declared, name))).toEqual([]);
});
test("what scripts and benchmarks import of the built code has a source", () => {
  const built = modulesOf(["scripts", "bench"].flatMap(filesBelow)).flatMap((m) => {
    const names = [...literalsOf(m), ...m.imports.map((i) => i.specifier)].map((text) =>
      text.replace("../dist/", "").replace(/^dist\//, ""),
    );
    return names
      .filter((name) => /^[\w-]+(\/[\w-]+)*\.js$/.test(name) && name !== "cli.js" && name !== "index.js")
      .map((name) => `${m.path}: ${name}`);
  });
  expect(built.length).toBeGreaterThan(20);
  expect(built.filter((line) => !existsSync(`${root}src/${line.replace(/.*: /, "").replace(/\.js$/, ".ts")}`))).toEqual([]);
});
test("the changelog has this version", () => {
  expect(readFileSync(`${root}CHANGELOG.md`, "utf8")).toMatch(new RegExp(`^## ${manifest.version.replaceAll(".", "\\.")}`, "m"));
});
