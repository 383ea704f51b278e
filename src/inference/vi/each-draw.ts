// A program of draws from something fitted, run in float64 once a draw.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import type { Noise } from "./noise.ts";
import type { FittedInputs } from "./rows-weights.ts";

export interface DrawContext {
  stop(): boolean;
  breathe(): Promise<void>;
}

/** Calls `visit` with the outputs of each draw and its number, from 0, until there are enough or it is stopped. Returns how many there were. */
export async function eachDraw(
  b: Builder,
  { residents, noise, outputs }: { readonly residents?: FittedInputs; readonly noise: Noise; readonly outputs: readonly Value[] },
  draws: number,
  rng: Rng,
  context: DrawContext,
  visit: (outputs: readonly Float64Array[], draw: number) => void,
): Promise<number> {
  const own = residents?.residents ?? [];
  const inputs = [...own, ...noise.inputsOf(outputs)];
  const program = simplify(b, { inputs, residents: own, outputs, updates: [] });
  const executable = await wasmBackend.compile(program);
  try {
    residents?.write(executable);
    const fill = noise.filler(executable);
    let count = 0;
    for (; count < draws && !context.stop(); count++) {
      fill(rng);
      executable.run();
      visit(executable.outputs, count);
      await context.breathe();
    }
    return count;
  } finally {
    executable.dispose();
  }
}
