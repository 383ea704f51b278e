// Files, read whole and written so that nothing is ever seen half.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../errors.ts";

/** Loaded for the first file that is packed: three milliseconds of every other start. */
const zlib = () => process.getBuiltinModule("node:zlib");

/** Text of a UTF-8 file; of NAME.gz, what is in it. A byte-order mark is left out. */
export function readText(path: string): string {
  const bytes = readBytes(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${path} is not text in UTF-8, or too long for one string`);
  }
}

/** A small file from a stranger may unpack to any size: no further than this. */
const MAX_UNPACKED = 4_000_000_000;

/** Bytes of a file; of NAME.gz, those in it. */
export function readBytes(path: string): Uint8Array {
  const bytes = attempt(path, "read", () => readFileSync(path));
  if (!isPacked(path)) return bytes;
  try {
    return zlib().gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${path} unpacks to more than ${MAX_UNPACKED / 1e9} GB`);
    throw new UsageError(`${path} is not a gzip file, though its name says so`);
  }
}

const isPacked = (path: string): boolean => /\.gz$/i.test(path);

/** A temporary file beside the place, flushed and renamed: a reader sees the old content or the new. */
export function writeAtomically(path: string, content: FolderEntry["content"]): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  attempt(path, "write", () => {
    makeFolder(dirname(path));
    try {
      const file = openSync(temporary, "w");
      try {
        // Each piece whole: a single write may stop short, as on a full disk.
        for (const piece of typeof content === "string" || content instanceof Uint8Array ? [content] : content)
          writeFileSync(file, piece);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/** With those above it. Not by Node's recursion, which never ends where a folder that exists says that it does not (/proc). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(path)) throw error;
  }
}

/** One file of a folder; the name is relative to it. */
export interface FolderEntry {
  readonly name: string;
  readonly content: string | Uint8Array | Iterable<string>;
}

/** A folder that could not be written, found out before there is something to write. */
export function refuseUnwritable(folder: string): void {
  if (folder.trim() === "") throw new UsageError("a folder to write to needs a name");
  let nearest = resolve(folder);
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  attempt(folder, "write", () => {
    accessSync(nearest, constants.W_OK);
    if (!statSync(nearest).isDirectory()) throw new UsageError(`cannot write ${folder}: ${nearest} is a file`);
  });
}

/** The same of a file. */
export function refuseUnwritableFile(path: string): void {
  if (path.trim() === "") throw new UsageError("a file to write to needs a name");
  if (existsSync(path) && statSync(path).isDirectory()) throw new UsageError(`cannot write ${path}: it is a folder`);
  refuseUnwritable(dirname(resolve(path)));
}

/** Writes all files into a folder that gets its name only when they are complete. In an existing folder each of ours replaces the old one
 *  whole; other files stay there, but for those that `isStale` tells by their names. */
export function writeFolder(
  folder: string,
  entries: readonly FolderEntry[],
  isStale: (name: string) => boolean = () => false,
): void {
  if (existsSync(folder)) {
    const stale = attempt(folder, "write", () => readdirSync(folder)).filter(
      (file) => isStale(file) && !entries.some(({ name }) => name === file),
    );
    for (const file of stale) attempt(join(folder, file), "write", () => rmSync(join(folder, file)));
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
  EFBIG: "the file would be larger than the system allows",
  EROFS: "the file system is read-only",
  ENOTEMPTY: "the folder is not empty",
};
