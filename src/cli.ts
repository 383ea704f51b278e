#!/usr/bin/env node
// The command `ppl`.
import { optimizeJavaScriptLater, optimizeWasmAtOnce } from "./runtime/platform/v8.ts";

// Before anything is compiled, the mathematics library included.
optimizeWasmAtOnce();
optimizeJavaScriptLater();
const { main } = await import("./cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
