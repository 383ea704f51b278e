// Commands, flags and files that pages name, in blocks, in the lines of models' pages and in running text: all of them are there.
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { commandLine } from "../src/cli/main.ts";
import { engines } from "../src/inference/engines/index.ts";
import { flagOf } from "../src/inference/options.ts";
import { pages, readDocument } from "./markdown.ts";
import { filesBelow, root } from "./modules.ts";

const program = commandLine(() => {});
const subcommands = new Map(program.commands.map((c) => [c.name(), c]));
const flagsOf = (options: readonly { readonly long?: string | null }[]): Set<string> =>
  new Set(["--help", "--version", ...options.flatMap((o) => (o.long ? [o.long] : []))]);
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { scripts: Record<string, string> };
/** Flags of a script of the repository: those that its text names. */
const flagsOfScript = (path: string): Set<string> =>
  new Set(existsSync(`${root}${path}`) ? readFileSync(`${root}${path}`, "utf8").match(/--[a-z][a-z-]*/g) : []);
const ofBenchmarks = flagsOfScript("bench/run.mjs");
const ofCollection = flagsOfScript("bench/collection.mjs");

test("a flag that engines share takes the same values in all of them, and its help says what it is in each", () => {
  const run = subcommands.get("run");
  for (const name of new Set([...engines.values()].flatMap((engine) => Object.keys(engine.options)))) {
    const users = [...engines.values()].filter((engine) => Object.hasOwn(engine.options, name));
    const kinds = new Set(users.map(({ options }) => JSON.stringify([options[name].type, options[name].choices])));
    expect([...kinds].length, name).toBe(1);
    const help = run?.options.find((o) => o.long === flagOf(name))?.description ?? "";
    for (const { options } of users) expect(help).toContain(options[name].doc);
  }
});

interface Shown {
  readonly page: string;
  readonly text: string;
}
/** Words of commands of shells: in blocks, in indented lines, between backticks. */
function commandsOf(page: string, text: string): Shown[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block]) => block.split("\n"));
  const rest = text.replaceAll(/^```[\s\S]*?^```$/gm, "");
  const lines = [...rest.matchAll(/^ {4}(.*)$/gm)].map(([, line]) => line);
  const spans = [...rest.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
  return [...blocks, ...lines, ...spans]
    .flatMap((line) => line.replace(/\s#.*$/, "").split("&&"))
    .map((command) => command.trim())
    .filter((command) => /^(npx|npm|node|ppl)\s/.test(command))
    .map((command) => ({ page, text: command }));
}

/** What is wrong with a command. */
function problems({ page, text }: Shown): string[] {
  const words = text.replace(/^npx /, "").split(/\s+/);
  const at = (what: string): string => `${page}: ${text}: ${what}`;
  const flags = words.filter((w) => w.startsWith("--") && w !== "--").map((w) => w.replace(/=.*/, ""));
  const strange = (known: ReadonlySet<string>): string[] =>
    flags.filter((flag) => !known.has(flag)).map((flag) => at(`${flag} is unknown`));
  // In capitals what the reader puts in; data beside the repository need not be there.
  const lost = words
    .filter((w) => /\.(ppl|mjs|py)$/.test(w) && w.includes("/") && !existsSync(`${root}${w}`))
    .map((w) => at(`there is no ${w}`));
  const [tool, name] = words;
  if (tool === "ppl") {
    const command = subcommands.get(name);
    return command ? [...strange(flagsOf(command.options)), ...lost] : [at(`there is no command ${name}`)];
  }
  if (tool === "node") return [...strange(flagsOfScript(name)), ...lost];
  if (["install", "ci", "test"].includes(name)) return [];
  if (name !== "run" || !Object.hasOwn(scripts, words[2])) return [at("there is no such script")];
  const ofScripts = new Map([
    ["bench", ofBenchmarks],
    ["test:collection", ofCollection],
  ]);
  return strange(ofScripts.get(words[2]) ?? new Set());
}

const shown = pages.flatMap((page) => commandsOf(page, readDocument(page)));

test("commands can be given as they stand", () => {
  expect(shown.length).toBeGreaterThan(30);
  // `ppl run model.ppl --engine NAME --flag value` shows how flags are written.
  expect(shown.filter(({ text }) => !text.includes(" --flag ")).flatMap(problems)).toEqual([]);
});
test("planted ones are caught", () => {
  const page =
    "```sh\nnpx ppl run models/eight_schools.ppl --sede 3 && npm test\nnpm run bensch # fast\n```\n" +
    "\n    npx ppl run models/nine_schools.ppl\n\nWith `ppl rum`, `npm run bench -- --fast` or `node scripts/nothing.mjs`.\n";
  expect(commandsOf("x.md", page).flatMap(problems)).toEqual([
    "x.md: npx ppl run models/eight_schools.ppl --sede 3: --sede is unknown",
    "x.md: npm run bensch: there is no such script",
    "x.md: npx ppl run models/nine_schools.ppl: there is no models/nine_schools.ppl",
    "x.md: ppl rum: there is no command rum",
    "x.md: npm run bench -- --fast: --fast is unknown",
    "x.md: node scripts/nothing.mjs: there is no scripts/nothing.mjs",
  ]);
});

/** Code between backticks, in running text. */
const spansOf = (page: string): string[] =>
  [
    ...readDocument(page)
      .replaceAll(/^```[\s\S]*?^```$/gm, "")
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, span]) => span);

test("flags in running text are flags of some command", () => {
  const known = new Set([...program.commands.flatMap((c) => [...flagsOf(c.options)]), ...ofBenchmarks, ...ofCollection]);
  const strange = pages.flatMap((page) =>
    spansOf(page)
      .filter((span) => span.startsWith("--"))
      .flatMap((span) => span.split(/\s+/).filter((word) => word.startsWith("--") && !known.has(word)))
      .map((word) => `${page}: ${word}`),
  );
  expect(strange).toEqual([]);
});
test("files named without their folders are there", () => {
  const names = new Set(["src", "test", "scripts", "bench"].flatMap(filesBelow).map((path) => basename(path)));
  const lost = pages.flatMap((page) =>
    spansOf(page)
      .filter((span) => /^[\w-]+\.(ts|mjs|py)$/.test(span) && !names.has(span))
      .map((span) => `${page}: ${span}`),
  );
  expect(lost).toEqual([]);
});
test("names of the source in camel case are in the source", () => {
  const source = filesBelow("src")
    .map((path) => readFileSync(`${root}${path}`, "utf8"))
    .join("\n");
  const words = new Set(source.match(/\w+/g));
  const lost = pages.flatMap((page) =>
    spansOf(page)
      .filter((span) => /^[a-z]\w*[A-Z]\w*(\.\w+)*$/.test(span))
      .flatMap((span) => span.split(".").filter((word) => !words.has(word)))
      .map((word) => `${page}: ${word}`),
  );
  expect(lost).toEqual([]);
});
