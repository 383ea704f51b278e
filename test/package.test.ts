// package.json and its lock file agree, and say what they must.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { root } from "./modules.ts";

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
test("the lock file has the packages of every platform", () => {
  const has = (from: string, name: string): boolean =>
    [`node_modules/${name}`, `${from}/node_modules/${name}`].some((path) => Object.hasOwn(lock.packages, path));
  const missing = Object.entries(lock.packages).flatMap(([from, p]) =>
    Object.keys(p.optionalDependencies ?? {}).filter((name) => !has(from, name)),
  );
  expect(missing).toEqual([]);
});
test("the changelog has this version", () => {
  expect(readFileSync(`${root}CHANGELOG.md`, "utf8")).toMatch(new RegExp(`^## ${manifest.version.replaceAll(".", "\\.")}`, "m"));
});
