// Flags of the JavaScript engine that matter to compiled models.
import { setFlagsFromString } from "node:v8";

/** WebAssembly modules compiled from now on are optimised at once, not first by the baseline compiler: a kernel that runs for
 *  long in one call would otherwise never tier up. Call before anything is compiled, the mathematics library included. */
export function optimizeWasmAtOnce(): void {
  setFlagsFromString("--no-liftoff");
}
