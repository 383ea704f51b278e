// Files, read whole and written so that nothing is ever seen half.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UsageError } from "../errors.ts";

/** Loaded for the first file that is packed: three milliseconds of every other start. */
const zlib = () => process.getBuiltinModule("node:zlib");

/** Text of a UTF-8 file; of NAME.gz, what is in it. A byte-order mark is left out. */
export function readText(path: string): string {
  const bytes = readBytes(path);
  const text = new TextDecoder().decode(bytes);
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** A small file from a stranger may unpack to any size: no further than this. */
const MAX_UNPACKED = 4_000_000_000;

/** Bytes of a file; of NAME.gz, those in it. */
export function readBytes(path: string): Uint8Array {
  const bytes = attempt(path, "read", () => readFileSync(path));
  if (!path.endsWith(".gz")) return bytes;
  try {
    return zlib().gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${path} unpacks to more than ${MAX_UNPACKED / 1e9} GB`);
    throw new UsageError(`${path} is not a gzip file, though its name says so`);
  }
}

/** A temporary file beside the place, flushed and renamed: a reader sees the old content or the new. */
export function writeAtomically(path: string, content: string | Uint8Array | Iterable<string>): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  attempt(path, "write", () => {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(temporary, "w");
    try {
      if (typeof content === "string") writeSync(file, content);
      else if (content instanceof Uint8Array) writeAll(file, path.endsWith(".gz") ? zlib().gzipSync(content) : content);
      else for (const piece of content) writeSync(file, piece);
      fsyncSync(file);
      closeSync(file);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/** One file of a folder; the name is relative to it. */
export interface FolderEntry {
  readonly name: string;
  readonly content: string | Uint8Array | Iterable<string>;
}

/** Writes all files into a folder that gets its name only when they are complete. An existing folder keeps its other files, and
 *  each of ours replaces the old one whole. */
export function writeFolder(folder: string, entries: readonly FolderEntry[]): void {
  if (existsSync(folder)) {
    for (const { name, content } of entries) writeAtomically(join(folder, name), content);
    return;
  }
  const temporary = join(dirname(folder), `.${basename(folder)}.${process.pid}.part`);
  try {
    for (const { name, content } of entries) writeAtomically(join(temporary, name), content);
    attempt(folder, "write", () => renameSync(temporary, folder));
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** What the file system refuses is the user's to mend: say what, in their words. */
function attempt<T>(path: string, what: "read" | "write", action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    const reason = code === undefined ? undefined : REASONS[code];
    if (code === undefined) throw error;
    throw new UsageError(`cannot ${what} ${path}: ${reason ?? code}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  ENOSPC: "no space left",
  EROFS: "the file system is read-only",
  ENOTEMPTY: "the folder is not empty",
};
