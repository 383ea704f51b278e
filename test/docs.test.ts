// What the documentation says is so: models compile, refused ones are refused with these words, links lead somewhere, generated pages are
// those that the records give. UPDATE=1 writes the words of messages and the generated pages anew.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pages as generatedPages, records } from "../scripts/docs.mjs";
import { builtIns } from "../src/dsl/check/functions/index.ts";
import { codes } from "../src/dsl/codes.ts";
import { type Block, blocksOf, documents, pages, readDocument, readModelBlock } from "./markdown.ts";
import { filesBelow, root } from "./modules.ts";

const typescript = join(root, "node_modules", "typescript", "bin", "tsc");
const updates = process.env.UPDATE === "1";
const byDocument = documents.map((file) => [file, blocksOf(file)] as const);
const models = byDocument.flatMap(([, page]) =>
  page.filter((b) => b.language === "ppl").map((block) => [`${block.file}:${block.line}`, block, page] as const),
);

/** What is printed stands in a text block below. `same`: what of it must agree. */
function expectWords(block: Block, words: string, same = (text: string): string => text): void {
  const shown = block.after.find((b) => b.language === "text");
  expect(shown, "what is printed stands in a text block below").toBeDefined();
  if (!shown || same(shown.text) === same(words)) return;
  if (!updates) return expect(same(shown.text)).toBe(same(words));
  const lines = readDocument(block.file).split("\n");
  const at = blocksOf(block.file)
    .find((b) => b.text === block.text)
    ?.after.find((b) => b.language === "text");
  if (!at) throw new Error(`${block.file} changed meanwhile`);
  lines.splice(at.line, lines.indexOf("```", at.line) - at.line, words.trimEnd());
  writeFileSync(`${root}${block.file}`, lines.join("\n"));
}

describe("models", () => {
  test.each(models)("%s", async (_place, block, page) => {
    const read = await readModelBlock(block, page);
    const kind = block.words.replace(/^file=.*/, "");
    if (kind === "wrong") {
      expect("problem" in read, "is accepted, though it is said to be wrong").toBe(true);
      if ("problem" in read) expectWords(block, `${read.problem}\n`);
    } else if (kind === "not yet") {
      expect("problem" in read, "is built by now").toBe(true);
      if ("problem" in read)
        expect(
          read.codes.filter((code) => !/^PPL6/.test(code)),
          read.problem,
        ).toEqual([]);
    } else {
      expect(kind, "words that mean nothing").toBe("");
      expect("problem" in read ? read.problem : "").toBe("");
      // What is written to be imported is used elsewhere.
      if ("warnings" in read && !block.words.startsWith("file=")) expect(read.warnings).toBe("");
      if ("posterior" in read && read.posterior) expectFinite(read.posterior);
    }
  });

  function expectFinite({
    dimension,
    gradient,
  }: {
    dimension: number;
    gradient(q: Float64Array, out: Float64Array): number;
  }): void;
  function expectFinite(p: { dimension: number; gradient(q: Float64Array, out: Float64Array): number }): void {
    const q = Float64Array.from({ length: p.dimension }, (_, i) => 0.1 + 0.05 * ((7 * i) % 5));
    const slope = new Float64Array(p.dimension);
    expect(p.gradient(q, slope)).toSatisfy(Number.isFinite);
    expect([...slope].filter((x) => !Number.isFinite(x))).toEqual([]);
  }

  test("a page with a wrong model that is right, or the reverse, is caught", async () => {
    const [right] = blocksOf("x.md", "```ppl wrong\na ~ Normal(0, 1)\n```\n");
    expect(await readModelBlock(right, [])).not.toHaveProperty("problem");
    const [wrong] = blocksOf("x.md", "```ppl\na ~ Normal(0, -1)\n```\n");
    expect(await readModelBlock(wrong, [])).toHaveProperty("problem");
  });
});

describe("generated pages", async () => {
  const all = generatedPages(
    await records((module) => import(new URL(`../src/${module}.ts`, import.meta.url).href)),
    readDocument,
  );
  test.each([...all])("%s", (path, text) => {
    if (updates) writeFileSync(`${root}${path}`, text);
    expect(existsSync(`${root}${path}`) ? readDocument(path) : "", "run npm run build && node scripts/docs.mjs").toBe(text);
  });
  test("they have every function and every message", () => {
    const lacks = (page: string, words: readonly string[]): string[] => words.filter((word) => !all.get(page)?.includes(word));
    expect(
      lacks(
        "docs/reference/functions.md",
        [...builtIns.keys()].map((name) => `\`${name}`),
      ),
    ).toEqual([]);
    expect(lacks("docs/reference/diagnostics.md", Object.keys(codes))).toEqual([]);
  });
  test("there are no others", () => {
    expect(filesBelow("docs/reference")).toEqual([...all.keys()].filter((path) => path.startsWith("docs/reference/")).sort());
  });
});

describe("links", () => {
  const anchorsOf = (text: string): Set<string> =>
    new Set(
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
        title
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
          .replaceAll(" ", "-"),
      ),
    );
  test.each(pages)("%s", (file) => {
    const prose = readDocument(file).replaceAll(/^```[\s\S]*?^```$/gm, "");
    const broken = [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target)
      .filter((target) => {
        if (/^https?:/.test(target)) return false;
        const [path, anchor] = target.split("#");
        const full = path === "" ? file : new URL(path, `file:///${file}`).pathname.slice(1);
        if (!existsSync(`${root}${full}`)) return true;
        return anchor !== undefined && !anchorsOf(readFileSync(`${root}${full}`, "utf8")).has(anchor);
      });
    expect(broken).toEqual([]);
  });
  test("paths of the source that pages name are there", () => {
    const lost = documents.flatMap((file) =>
      [...readDocument(file).matchAll(/`((?:src|test|scripts|models|bench|docs)\/[\w./-]+)`/g)]
        .map(([, path]) => path)
        .filter((path) => !existsSync(`${root}${path}`))
        .map((path) => `${file}: ${path}`),
    );
    expect(lost).toEqual([]);
  });
});

describe("commands", () => {
  const commands = byDocument.flatMap(([, page]) =>
    page.filter((b) => b.language === "sh" && b.after.length > 0).map((block) => [`${block.file}:${block.line}`, block] as const),
  );
  /** Times differ from run to run; nothing else does. */
  const timeless = (text: string): string => text.replaceAll(/\d+(\.\d+)? (ms|s)\b/g, "… $2").replaceAll(/\d{4}-[\dT-]+/g, "…");

  test.each(commands)("%s prints what is shown", (_place, block) => {
    const folder = mkdtempSync(join(tmpdir(), "tilde-command-"));
    cpSync(`${root}models`, join(folder, "models"), { recursive: true });
    const [npx, ppl, ...args] = block.text.trim().split(" ");
    expect([npx, ppl]).toEqual(["npx", "ppl"]);
    // Both streams into one file, as a terminal shows them; what progress there was depends on the machine.
    const screen = join(folder, "screen.txt");
    const file = openSync(screen, "w");
    const run = spawnSync(process.execPath, [`${root}dist/cli.js`, ...args], { cwd: folder, stdio: ["ignore", file, file] });
    closeSync(file);
    const shown = readFileSync(screen, "utf8")
      .replaceAll("\\", "/")
      .replaceAll(/^chain \d+: .*\n/gm, "");
    rmSync(folder, { recursive: true });
    expect(run.status, shown).toBe(0);
    expectWords(block, shown, timeless);
  });
});

/** The built package as others see it. `npm test` builds it first. */
describe("TypeScript", () => {
  const examples = byDocument.flatMap(([, page]) => page.filter((b) => b.language === "ts" && b.words === ""));
  const folder = mkdtempSync(join(tmpdir(), "tilde-docs-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const nameOf = (b: Block): string => `${b.file.replaceAll(/\W/g, "-")}-${b.line}`;

  beforeAll(() => {
    expect(existsSync(`${root}dist/index.d.ts`), "npm run build makes the package that the examples use").toBe(true);
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules", "tilde-ppl"), "junction");
    cpSync(`${root}models/eight_schools.ppl`, join(folder, "models", "eight_schools.ppl"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
    for (const b of examples) writeFileSync(join(folder, `${nameOf(b)}.ts`), b.text);
  });
  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("compiles strict: module %s, resolution %s", (module, moduleResolution) => {
    const options = {
      module,
      moduleResolution,
      strict: true,
      target: "es2022",
      lib: ["es2023", "dom"],
      types: [],
      outDir: moduleResolution,
    };
    const project = join(folder, `${moduleResolution}.json`);
    writeFileSync(project, JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
    const { stdout } = spawnSync(process.execPath, [typescript, "-p", project], { encoding: "utf8" });
    expect(stdout).toBe("");
  });
  test("runs", () => {
    const all = examples.map((b) => `await import(${JSON.stringify(`./nodenext/${nameOf(b)}.js`)});`).join("\n");
    writeFileSync(join(folder, "all.mjs"), all);
    const { status, stderr } = spawnSync(process.execPath, ["all.mjs"], { cwd: folder, encoding: "utf8" });
    // The example of a mistake prints it.
    expect(stderr).toMatch(/^error\[PPL201\]: sigma is not defined/);
    expect(status, stderr).toBe(0);
    expect(existsSync(join(folder, "runs", "eight_schools", "chain-4.csv"))).toBe(true);
  });
});
