// Hashes of files, to tell one from another. Not imported at the top: its loading would delay every start.

/** SHA-256 in hexadecimal digits, of all parts one after the other. */
export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
