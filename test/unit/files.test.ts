// Files: text is UTF-8, packed files are unpacked, and what cannot be written whole leaves nothing behind.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { UsageError } from "../../src/runtime/errors.ts";
import { readText, refuseUnwritable, refuseUnwritableFile, writeAtomically } from "../../src/runtime/platform/files.ts";

const folder = mkdtempSync(join(tmpdir(), "tilde-files-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

test("text is read without its byte-order mark, packed or not", () => {
  expect(readText(file("marked.csv", "\ufeffä,β\n"))).toBe("ä,β\n");
  expect(readText(file("lower.csv.gz", gzipSync("1,2\n")))).toBe("1,2\n");
  expect(readText(file("UPPER.CSV.GZ", gzipSync("1,2\n")))).toBe("1,2\n");
});

test("what is no text is refused, not mended", () => {
  expect(() => readText(file("latin.csv", Uint8Array.of(0x61, 0xe4, 0x0a)))).toThrow(UsageError);
  expect(() => readText(file("plain.csv.gz", "1,2\n"))).toThrow(/not a gzip file/);
  expect(() => readText(join(folder, "nowhere.csv"))).toThrow(/no such file/);
});

test("a place that takes no files is known before there is something to write", () => {
  const taken = file("taken", "");
  expect(() => refuseUnwritable(join(taken, "run"))).toThrow(/taken is a file/);
  expect(() => refuseUnwritable("")).toThrow("a folder to write to needs a name");
  expect(() => refuseUnwritableFile(folder)).toThrow(/it is a folder/);
  expect(() => refuseUnwritableFile(" ")).toThrow("a file to write to needs a name");
  expect(() => refuseUnwritableFile(join(folder, "new", "rows.csv"))).not.toThrow();
  expect(existsSync(join(folder, "new"))).toBe(false);
  // A folder that exists and takes no others, where Node's own recursion never ends.
  if (existsSync("/proc/self")) expect(() => writeAtomically("/proc/nowhere/rows.csv", "")).toThrow(UsageError);
});

test("pieces are written one after the other, and a writer that fails leaves the old file and no other", () => {
  const own = join(folder, "own");
  mkdirSync(own);
  const path = join(own, "draws.csv");
  writeAtomically(path, ["a,b\n", "1,2\n"]);
  expect(readText(path)).toBe("a,b\n1,2\n");
  const failing = (function* () {
    yield "a,b\n";
    throw new Error("no more");
  })();
  expect(() => writeAtomically(path, failing)).toThrow("no more");
  expect(readText(path)).toBe("a,b\n1,2\n");
  expect(readdirSync(own)).toEqual(["draws.csv"]);
  expect(() => writeAtomically(own, "text")).toThrow(UsageError);
  expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
});
