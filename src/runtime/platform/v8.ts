// Flags of the JavaScript engine that matter to compiled models.
import { setFlagsFromString } from "node:v8";

/** WebAssembly modules compiled from now on are optimised at once, not first by the baseline compiler: a kernel that runs for
 *  long in one call would otherwise never tier up. Call before anything is compiled, the mathematics library included. */
export function optimizeWasmAtOnce(): void {
  setFlagsFromString("--no-liftoff");
}

/** V8 11, that of Node 20, optimises a function when 66 kB of its bytecode have run, which for our compiler is too early: it is optimised
 *  for the first few shapes of arguments, given up and optimised again. With six times as much patience a model compiles in two thirds of
 *  the processor time, and sampling reaches the same speed some hundredths of a second later. Later versions count calls, and are patient. */
export function optimizeJavaScriptLater(): void {
  if (process.versions.v8.startsWith("11.")) setFlagsFromString("--interrupt-budget=400000");
}
