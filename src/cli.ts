#!/usr/bin/env node
// The command `ppl`.
import { optimizeWasmAtOnce } from "./runtime/platform/v8.ts";

// Before anything is compiled, the mathematics library included.
optimizeWasmAtOnce();
const { main } = await import("./cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
