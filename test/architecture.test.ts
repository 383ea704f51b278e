// What docs/architecture.md says of the parts and of who may know whom, as tests over the modules' imports and syntax.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { builtIns, functions } from "../src/dsl/check/functions/index.ts";
import { constraints } from "../src/dsl/constraints/index.ts";
import { distributions } from "../src/dsl/distributions/index.ts";
import { modifiers } from "../src/dsl/distributions/modifiers/index.ts";
import { engines } from "../src/inference/engines/index.ts";
import { primitives } from "../src/runtime/ir/primitives/index.ts";
import {
  cycles,
  eachNode,
  filesBelow,
  literalOf,
  type Module,
  moduleOf,
  reach,
  readSources,
  root,
  type Syntax,
} from "./modules.ts";

const sources = readSources();
const isTypeScript = (path: string): boolean => path.endsWith(".ts");
const inside = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
const edgesOf = (modules: readonly Module[], keep: (from: string, to: string) => boolean, name = (path: string) => path) => {
  const edges = new Map<string, Set<string>>();
  for (const m of modules) {
    const own = edges.get(name(m.path)) ?? new Set();
    edges.set(name(m.path), own);
    for (const i of m.imports)
      if (!i.typeOnly && !i.dynamic && i.target !== undefined && keep(m.path, i.target)) own.add(name(i.target));
  }
  return edges;
};

describe("who may import whom", () => {
  /** Imports between folders that must not know each other, types included. */
  function strangers(modules: readonly Module[]): string[] {
    return modules.flatMap((m) =>
      m.imports.flatMap(({ target }) => {
        if (target === undefined) return [];
        const meets = (a: string, b: string): boolean => inside(m.path, a) && inside(target, b);
        const wrong =
          meets("src/dsl", "src/inference") ||
          meets("src/inference", "src/dsl") ||
          (inside(m.path, "src/runtime") && !inside(target, "src/runtime")) ||
          ((inside(m.path, "src/dsl") || inside(m.path, "src/inference")) &&
            !["src/dsl", "src/inference", "src/runtime"].some((folder) => inside(target, folder))) ||
          (inside(target, "src/cli") && !inside(m.path, "src/cli") && m.path !== "src/cli.ts");
        return wrong ? [`${m.path} imports ${target}`] : [];
      }),
    );
  }
  test("dsl and inference do not know each other, runtime knows nothing above itself, nothing knows the command line", () => {
    expect(strangers(sources)).toEqual([]);
  });
  test("a planted import is caught", () => {
    const planted = [
      moduleOf("src/dsl/check/a.ts", 'import type { Engine } from "../../inference/engine.ts";'),
      moduleOf("src/inference/b.ts", 'const { checkModel } = await import("../dsl/check/check.ts");'),
      moduleOf("src/runtime/c.ts", 'export { bind } from "../dsl/compile/lower.ts";'),
      moduleOf("src/model.ts", 'import "./cli/main.ts";'),
      moduleOf("src/fit.ts", 'import { engines } from "./inference/engines/index.ts";'),
    ];
    expect(strangers(planted)).toHaveLength(4);
  });
  test("every import leads to a file", () => {
    const lost = sources.flatMap((m) =>
      m.imports.flatMap(({ target }) =>
        target !== undefined && !existsSync(`${root}${target}`) ? [`${m.path}: ${target}`] : [],
      ),
    );
    expect(lost).toEqual([]);
  });
});

describe("imports in circles", () => {
  const folderOf = (path: string): string => path.split("/").slice(0, -1).join("/");
  /** "src/dsl/check/functions/define.ts" belongs to dsl/check. */
  const areaOf = (path: string): string =>
    path
      .split("/")
      .slice(1, 3)
      .join("/")
      .replace(/\/.*\.ts$/, "");
  const acrossFolders = (modules: readonly Module[]): string[][] =>
    cycles(edgesOf(modules, () => true)).filter((group) => new Set(group.map(folderOf)).size > 1);

  test("modules that need each other, as an expression needs a call, lie in one folder", () => {
    expect(acrossFolders(sources)).toEqual([]);
  });
  test("a planted circle is caught", () => {
    const planted = [
      moduleOf("src/runtime/ir/a.ts", 'import { b } from "../wasm/b.ts";'),
      moduleOf("src/runtime/wasm/b.ts", 'import { a } from "../ir/a.ts";'),
    ];
    expect(acrossFolders(planted)).toEqual([["src/runtime/ir/a.ts", "src/runtime/wasm/b.ts"]]);
  });
  test("folders that need each other are those that must", () => {
    const around = (a: string, b: string): boolean => `${b}/`.startsWith(`${a}/`);
    const apart = (a: string, b: string): boolean => b !== "" && !around(a, b) && !around(b, a);
    const groups = cycles(edgesOf(sources, (from, to) => apart(areaOf(from), areaOf(to)), areaOf));
    // The mathematics library is written once, for wasm, and the host's functions and the primitives' records are made from it.
    expect(groups).toEqual([["runtime/ir", "runtime/numeric", "runtime/wasm"]]);
  });
});

describe("where the code can run", () => {
  const mayUseNode = (path: string): boolean =>
    path === "src/cli.ts" || inside(path, "src/cli") || inside(path, "src/runtime/platform");
  const usesNode = (modules: readonly Module[]): string[] =>
    modules
      .filter((m) => !mayUseNode(m.path))
      .flatMap((m) => m.imports.filter((i) => i.specifier.startsWith("node:")).map((i) => `${m.path} imports ${i.specifier}`));

  test("only the command line and runtime/platform import Node", () => {
    expect(usesNode(sources)).toEqual([]);
    const platform = usesNode([moduleOf("src/model.ts", 'const fs = await import("node:fs");')]);
    expect(platform).toEqual(["src/model.ts imports node:fs"]);
  });
  /** Names that hosts give and the language does not, where shared code may use them. */
  const hosts = /^(process|Buffer|require|__dirname|__filename|setImmediate|performance|Date|Intl)$/;
  const withReason: Readonly<Record<string, string>> = {
    "src/inference/run.ts: process": "asked whether it is there",
    "src/inference/run.ts: setImmediate": "asked whether it is there",
    "src/inference/run.ts: performance": "times that are reported, and when chains move to threads",
    "src/inference/chain-protocol.ts: performance": "times that are reported",
    "src/model.ts: performance": "times that are reported",
    "src/save.ts: Date": "when a run began, for its record",
    "src/save.ts: process": "the version of Node, for the record; saving needs Node",
  };
  function usesHost(modules: readonly Module[]): string[] {
    const found = new Set<string>();
    for (const m of modules.filter(({ path }) => !mayUseNode(path)))
      eachNode(m.tree, (node, parent) => {
        const name = node.type === "Identifier" ? String(node.name) : "";
        const isMember = (parent?.property === node || parent?.key === node) && parent.computed !== true;
        if (hosts.test(name) && !isMember) found.add(`${m.path}: ${name}`);
        if (isMember && /^(toLocale\w*|localeCompare)$/.test(name)) found.add(`${m.path}: ${name}`);
      });
    return [...found];
  }
  test("shared code asks hosts for nothing but the time of its reports, and for nothing of a locale", () => {
    expect(usesHost(sources).sort()).toEqual(Object.keys(withReason).sort());
    const planted =
      'const a = process.cwd(); const b = new Date(); const c = { Date: 1 }; c.Date.toLocaleString(); "x".localeCompare("y");';
    expect(usesHost([moduleOf("src/model.ts", planted)])).toEqual(
      ["process", "Date", "toLocaleString", "localeCompare"].map((name) => `src/model.ts: ${name}`),
    );
  });

  /** Packages or folders that come with a module and should not. */
  function burden(modules: readonly Module[], from: string, dynamic: boolean, unwanted: RegExp): string[] {
    const { paths, packages } = reach(modules, from, { dynamic });
    return [...paths, ...packages.keys()].filter((x) => unwanted.test(x));
  }
  test("a sampling thread loads neither the language nor TensorFlow", () => {
    const unwanted = /chevrotain|tfjs|tensorflow|^src\/dsl\/|^src\/cli/;
    expect(burden(sources, "src/inference/worker.ts", true, unwanted)).toEqual([]);
    const planted = moduleOf("src/runtime/wasm/density.ts", 'import { parseModel } from "../../dsl/language/parser.ts";');
    const faulty = sources.map((m) => (m.path === planted.path ? planted : m));
    expect(burden(faulty, "src/inference/worker.ts", true, unwanted)).toContain("src/dsl/language/parser.ts");
  });
  test("the public interface loads where Node is not", () => {
    expect(burden(sources, "src/index.ts", false, /^node:|runtime\/platform/)).toEqual([]);
  });
  test("what only samples does not load TensorFlow", () => {
    // Those who can choose a backend import it when one is chosen.
    for (const start of ["src/cli/run.ts", "src/index.ts"])
      expect(burden(sources, start, false, /tfjs|tensorflow/), start).toEqual([]);
    expect(burden(sources, "src/cli.ts", false, /tfjs|tensorflow|chevrotain|papaparse|cli-progress/)).toEqual([]);
    // In words too: load.ts imports by variable names, which no walk over imports sees.
    const mentions = sources.filter((m) => {
      let found = false;
      eachNode(m.tree, (node) => {
        found ||= literalOf(node)?.startsWith("@tensorflow/") ?? false;
      });
      return found;
    });
    // The other two for their types.
    const files = ["core-loops.ts", "core-target.ts", "load.ts"].map((file) => `src/runtime/tfjs/${file}`);
    expect(mentions.map((m) => m.path).sort()).toEqual(files);
  });
});

describe("the same bits everywhere", () => {
  /** What IEEE 754 rounds one way only, and constants; the rest of Math differs between engines and versions. */
  const exact = new Set(
    "abs sqrt floor ceil round trunc min max sign fround imul clz32 PI E LN2 LN10 LOG2E LOG10E SQRT2 SQRT1_2".split(" "),
  );
  const allowed: Readonly<Record<string, string>> = {
    "src/runtime/wasm/backend.ts: **": "a power of two: the unit of the tests' tolerances",
    "src/runtime/wasm/dataflow.ts: **": "a power of two: two numbers in one",
    "src/inference/hmc/phase.ts: **": "a power of two: a limit on memory",
    "src/runtime/ir/primitives/elementwise.ts: Math[…]": "its type says: min or max",
  };
  function inexact(modules: readonly Module[]): string[] {
    const found: string[] = [];
    for (const m of modules) {
      eachNode(m.tree, (node, parent) => {
        const what = inexactPart(node, parent);
        if (what !== undefined) found.push(`${m.path}: ${what}`);
      });
    }
    return found;
  }
  function inexactPart(node: Syntax, parent: Syntax | undefined): string | undefined {
    if ((node.type === "BinaryExpression" && node.operator === "**") || node.operator === "**=") return "**";
    if (node.type !== "Identifier" || node.name !== "Math") return undefined;
    // The name of a property, not the object.
    if ((parent?.property === node || parent?.key === node) && parent.computed !== true) return undefined;
    const property = parent?.type === "MemberExpression" && parent.object === node ? (parent.property as Syntax) : undefined;
    if (!property) return "Math as a value";
    const name = parent?.computed === true ? literalOf(property) : String(property.name);
    return name !== undefined && exact.has(name) ? undefined : name === undefined ? "Math[…]" : `Math.${name}`;
  }
  test("no function of Math that implementations round differently, no Math.random", () => {
    expect(new Set(inexact(sources))).toEqual(new Set(Object.keys(allowed)));
  });
  test("planted ones are caught, in whatever form; comments, strings and exact functions are not", () => {
    const text = `
      // Math.exp(x), 2 ** 3
      export const f = (x: number): number => Math.exp(x) + 2 ** x + Math["log"](x) + Math.sqrt(x) * Math.PI;
      export const { pow } = Math;
      const g = "Math.sin(" + \`Math.cos(\${Math.tan(1)})\`;
      let y = 1; y **= 2;
      export const random = Math.random;
      export const h = (name: "sin") => Math[name](y);
      interface A { Math: number } const a = (o: A) => o.Math;`;
    const found = inexact([moduleOf("src/planted.ts", text)]).map((line) => line.replace("src/planted.ts: ", ""));
    expect(found.sort()).toEqual(
      ["Math.exp", "**", "Math.log", "Math as a value", "Math.tan", "**", "Math.random", "Math[…]"].sort(),
    );
  });
});

describe("files", () => {
  test("none of src has more than 400 lines", () => {
    const long = sources.map((m) => ({ path: m.path, lines: m.text.split("\n").length - 1 })).filter((f) => f.lines > 400);
    expect(long).toEqual([]);
  });
  test("each begins with what lives there", () => {
    expect(sources.filter((m) => !/^(#!.*\n)?(\/\/|\/\*\*) ?\S/.test(m.text)).map((m) => m.path)).toEqual([]);
  });
  test("names say what a file holds", () => {
    const vague = filesBelow("src").filter((path) => /\/(utils?|helpers?|common|misc|types)\.ts$/.test(path));
    expect(vague).toEqual([]);
  });
  test("what is tracked says nothing of the machine on which it was written", () => {
    const words = new RegExp(`(/(work|farm|root)/[a-z]|${["bash", "jobs"].join("_")})`);
    expect("cd /wor" + "k/shared").toMatch(words);
    expect(tracked().filter((path) => words.test(readText(path)))).toEqual([]);
  });
});

/** Files under version control; where that is not there, none. */
function tracked(): string[] {
  if (!existsSync(`${root}.git`)) return [];
  const list = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 24 });
  return list.split("\0").filter((path) => path !== "" && existsSync(`${root}${path}`));
}
function readText(path: string): string {
  const bytes = readFileSync(`${root}${path}`);
  return bytes.includes(0) ? "" : bytes.toString("utf8");
}

/** Registries: a record that a file of the folder exports must be found by its index. The message names the file. */
describe("every record is registered", () => {
  type Records = readonly (readonly [file: string, name: string, value: unknown])[];
  async function exported(folder: string): Promise<Records> {
    const files = filesBelow(folder).filter(
      (path) => isTypeScript(path) && path.split("/").length === folder.split("/").length + 1,
    );
    const modules = await Promise.all(
      files.map(async (path) => [path, await import(new URL(`../${path}`, import.meta.url).href)] as const),
    );
    return modules.flatMap(([path, m]) => Object.entries(m as object).map(([name, value]) => [path, name, value] as const));
  }
  const record = (value: unknown, ...keys: string[]): boolean =>
    typeof value === "object" && value !== null && keys.every((key) => key in value);
  /** Those that the registry does not know. */
  const forgotten = (all: Records, is: (value: unknown) => boolean, known: (value: never) => boolean): string[] =>
    all.filter(([, , value]) => is(value) && !known(value as never)).map(([file, name]) => `${file}: ${name} is not in index.ts`);

  const cases: readonly [folder: string, is: (v: unknown) => boolean, known: (v: never) => boolean][] = [
    [
      "src/dsl/distributions",
      (v) => record(v, "logDensity", "golden"),
      (d: { name: string }) => distributions.get(d.name) === (d as unknown),
    ],
    [
      "src/dsl/distributions/modifiers",
      (v) => record(v, "bases", "apply"),
      (m: { name: string }) => modifiers.get(m.name) === (m as unknown),
    ],
    // Several constraints may share a name: the integers with the bounds that supports have.
    ["src/dsl/constraints", (v) => record(v, "unconstrain", "contains"), (c: { name: string }) => constraints.has(c.name)],
    [
      "src/dsl/check/functions",
      (v) => Array.isArray(v) && v.some((f) => record(f, "lower", "result")),
      (list: { name: string }[]) => list.every((f) => (functions as readonly unknown[]).includes(f) && builtIns.has(f.name)),
    ],
    ["src/inference/engines", (v) => record(v, "run", "unit"), (e: { name: string }) => engines.get(e.name) === (e as unknown)],
    ["src/runtime/ir/primitives", (v) => record(v, "interpret", "probes"), (p) => primitives.includes(p)],
  ];
  test.each(cases)("%s", async (folder, is, known) => {
    const all = await exported(folder);
    expect(all.some(([, , value]) => is(value))).toBe(true);
    expect(forgotten(all, is, known)).toEqual([]);
  });
  test("a forgotten one is named", () => {
    const lonely = { name: "Lonely", logDensity: () => 0, golden: {} };
    const [, is, known] = cases[0];
    expect(forgotten([["src/dsl/distributions/lonely.ts", "lonely", lonely]], is, known)).toEqual([
      "src/dsl/distributions/lonely.ts: lonely is not in index.ts",
    ]);
  });
  test("no two records of a registry share a name", () => {
    const twice = (names: readonly string[]): string[] => names.filter((name, i) => names.indexOf(name) !== i);
    expect(twice([...new Set(distributions.values())].flatMap((d) => [d.name, ...(d.aliases ?? [])]))).toEqual([]);
    expect(twice(primitives.map((p) => p.name))).toEqual([]);
  });
});
