// Loads chevrotain. Its package entry is 650 small modules (0.3 s cold); beside it the package ships the same code as one
// file (0.01 s), which its export map does not name. Where modules are files that one is taken; a browser's bundler takes the entry.

type Chevrotain = typeof import("chevrotain");

async function load(): Promise<Chevrotain> {
  try {
    const entry = import.meta.resolve("chevrotain");
    if (entry.startsWith("file:"))
      return (await import(/* @vite-ignore */ new URL("../chevrotain.min.mjs", entry).href)) as Chevrotain;
  } catch {
    // No resolver here, or another version of the package: the same code by its public name.
  }
  return import("chevrotain");
}

export const { createToken, EmbeddedActionsParser, EOF, isRecognitionException, Lexer } = await load();
