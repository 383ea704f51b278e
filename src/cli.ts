#!/usr/bin/env node
// The command `ppl`.
import { optimizeJavaScriptLater, optimizeWasmAtOnce } from "./runtime/platform/v8.ts";

// Whoever reads may have seen enough (ppl summary DIR | head): that ends neither a run nor in a stack trace.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

// Before anything is compiled, the mathematics library included.
optimizeWasmAtOnce();
optimizeJavaScriptLater();
const { main } = await import("./cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
