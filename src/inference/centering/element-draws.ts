// Affine latents at draws of a posterior, element by element: values, and location, scale and standard coordinate that their distributions give them.
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { Value } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import type { ElementDraws } from "./weights.ts";

/** By slot, in order of the elements, at most so many of each. */
export async function elementDraws(
  target: Target,
  draws: readonly Float64Array[],
  most = Number.POSITIVE_INFINITY,
): Promise<Map<number, ElementDraws[]>> {
  const b = createBuilder();
  const q = b.input("q", { shape: [target.dimension], dtype: "real" });
  const roots = target.standardised(b, q).flatMap((s): Value[] => [s.value, s.location, s.scale, s.standard]);
  const program = await wasmBackend.compile(simplify(b, { inputs: [q], outputs: roots, updates: [] }));
  const kept = roots
    .map((r) => sizeOf(r.node.results[r.index].shape))
    .map((size) => Array.from({ length: Math.min(size, most) }, () => new Float64Array(draws.length)));
  draws.forEach((position, d) => {
    Object.values(program.inputs)[0].set(position);
    program.run();
    kept.forEach((columns, r) => {
      const out = program.outputs[r];
      for (let i = 0; i < columns.length; i++) columns[i][d] = out[i];
    });
  });
  program.dispose();
  return new Map(
    target.affine.map(({ slot }, k) => {
      const [value, location, scale, standard] = kept.slice(4 * k);
      return [slot, value.map((_, i) => ({ value: value[i], location: location[i], scale: scale[i], standard: standard[i] }))];
    }),
  );
}
