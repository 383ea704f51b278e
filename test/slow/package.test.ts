// The package as npm packs it: what is in it, and that it installs into an empty folder, runs there, and type-checks strict.
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blocksOf } from "../markdown.ts";
import { root } from "../modules.ts";

const folder = mkdtempSync(join(tmpdir(), "tilde-package-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const typescript = join(root, "node_modules", "typescript", "bin", "tsc");
const examples = ["README.md", "docs/embedding.md"].flatMap((file) =>
  blocksOf(file).filter((b) => b.language === "ts" && b.words === ""),
);
let files: readonly string[] = [];

/** npm, by its script where it says so: without a shell, which differs between systems. */
function npm(args: readonly string[], cwd: string): SpawnSyncReturns<string> {
  const script = process.env.npm_execpath;
  const env = { ...process.env, npm_config_audit: "false", npm_config_fund: "false" };
  return script
    ? spawnSync(process.execPath, [script, ...args], { cwd, env, encoding: "utf8" })
    : spawnSync("npm", [...args], { cwd, env, encoding: "utf8", shell: process.platform === "win32" });
}

beforeAll(() => {
  // dist has been built; another build here would take it from under the other tests.
  const packed = npm(["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root);
  expect(packed.status, packed.stderr).toBe(0);
  const [{ files: list }] = JSON.parse(packed.stdout) as [{ files: readonly { path: string }[] }];
  files = list.map((f) => f.path);
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  mkdirSync(join(folder, "empty"));
  writeFileSync(join(folder, "empty", "package.json"), '{ "private": true, "type": "module" }\n');
  const installed = npm(["install", join("..", tarball)], join(folder, "empty"));
  expect(installed.status, installed.stderr).toBe(0);
}, 300_000);

test("has the code, its types, the documentation, the models and the licence, and nothing else", () => {
  const needed = [
    "package.json",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/cli.js",
    "dist/chunks/worker.js",
    "dist/chunks/LICENSES.txt",
    "docs/language.md",
    "docs/reference/distributions.md",
    "models/eight_schools.ppl",
    "models/eight_schools.data.json",
  ];
  expect(needed.filter((path) => !files.includes(path))).toEqual([]);
  const kinds =
    /^(dist\/(cli|index|chunks\/.*)\.js|dist\/chunks\/LICENSES\.txt|dist\/.*\.d\.ts|docs\/.*\.(md|json|svg|png)|models\/.*\.(ppl|md|json|json\.gz|csv)|[^/]*)$/;
  expect(files.filter((path) => !kinds.test(path))).toEqual([]);
  expect(files.filter((path) => !path.includes("/")).sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
});

test("a sampling thread loads no parser, and what samples no TensorFlow", () => {
  const chunks = join(folder, "empty", "node_modules", "tilde-ppl", "dist", "chunks");
  /** The text of a file and of all that it imports at once. */
  const loaded = (name: string, seen = new Set<string>()): string => {
    if (seen.has(name)) return "";
    seen.add(name);
    const text = readFileSync(join(chunks, name), "utf8");
    return text + [...text.matchAll(/from\s?"\.\/([^"]+)"/g)].map(([, next]) => loaded(next, seen)).join("");
  };
  // The bundler names chunks by what is first in them: the command is the one that holds it.
  const command = readdirSync(chunks).filter((name) => readFileSync(join(chunks, name), "utf8").includes("function runCommand("));
  expect(command).toHaveLength(1);
  expect(loaded(command[0])).toContain("letStatement");
  expect(loaded("worker.js")).not.toContain("letStatement");
  expect(loaded("worker.js").length).toBeLessThan(150_000);
  expect(loaded(command[0])).not.toContain("@tensorflow/");
});

test("ppl runs where it is installed, on this thread and on others", () => {
  const home = join(folder, "empty");
  const model = "node_modules/tilde-ppl/models/eight_schools.ppl";
  const version = npm(["exec", "--no", "--", "ppl", "--version"], home);
  expect(version.stdout.trim(), version.stderr).toMatch(/^\d+\.\d+\.\d+$/);
  const run = npm(["exec", "--no", "--", "ppl", "run", model, "--seed", "1", "--out", "run"], home);
  expect(run.status, run.stderr).toBe(0);
  expect(run.stdout).toMatch(/^theta\[8\] /m);
  expect(readdirSync(join(home, "run")).sort()).toEqual([
    "chain-1.csv",
    "chain-2.csv",
    "chain-3.csv",
    "chain-4.csv",
    "run.json",
    "summary.json",
  ]);
  const long = npm(["exec", "--no", "--", "ppl", "run", model, "--seed", "1", "--draws", "20000", "--no-save", "--json"], home);
  expect(long.status, long.stderr).toBe(0);
  expect(JSON.parse(long.stdout)).toMatchObject({ chains: 4, draws: 20000 });
});

test.each([
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
])("examples compile strict against its types, libraries checked: module %s, resolution %s", (module, moduleResolution) => {
  const home = join(folder, "empty");
  examples.forEach((b, i) => {
    writeFileSync(join(home, `example-${i + 1}.ts`), b.text);
  });
  const options = { module, moduleResolution, strict: true, skipLibCheck: false, target: "es2022", lib: ["es2023", "dom"] };
  const compilerOptions = { ...options, types: [], noEmit: moduleResolution !== "nodenext" };
  writeFileSync(join(home, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["example-*.ts"] }));
  const { stdout } = spawnSync(process.execPath, [typescript, "-p", home], { encoding: "utf8" });
  expect(stdout).toBe("");
});

test("the example of the README runs", () => {
  const home = join(folder, "empty");
  expect(examples[0].file).toBe("README.md");
  expect(existsSync(join(home, "example-1.js"))).toBe(true);
  const { stdout, stderr, status } = spawnSync(process.execPath, ["example-1.js"], { cwd: home, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(/^theta\[8\] -?\d/m);
});
