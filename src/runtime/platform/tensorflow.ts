// What the addon of tfjs-node needs of the process it is loaded into.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** tfjs-node calls a function that Node 23 took out of util (tensorflow/tfjs#8609); and TensorFlow greets on stderr unless told not to. */
export async function beforeTensorflow(): Promise<void> {
  const util = (await import("node:util")).default as { isNullOrUndefined?: (x: unknown) => boolean };
  util.isNullOrUndefined ??= (x) => x === null || x === undefined;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
}

/** Gives `use` a folder that holds one file, and takes it away again. */
export function inFolder<T>(file: string, bytes: Uint8Array, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "tilde-graph-"));
  try {
    writeFileSync(join(folder, file), bytes);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
