// Latents and what is learnt beside them as one vector, for optimisers: [unconstrained latents, unconstrained parameters].
import { createBuilder } from "../../runtime/ir/builder.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { LogDensity, Target } from "../../runtime/target.ts";
import { compiledDensity } from "../vi/compiled-density.ts";
import { constrainedParameters, learntByModel } from "../vi/parameters.ts";

export interface Joint {
  readonly density: LogDensity;
  /** Where the parameters begin. */
  begin(rng: Rng): Float64Array;
  /** The two parts of a vector: latents, and constrained values of the parameters. */
  split(q: Float64Array): { readonly position: Float64Array; readonly fitted: Readonly<Record<string, Float64Array>> };
}

export async function jointDensity(
  target: Target,
  options: { readonly jacobian?: boolean; readonly prior?: boolean },
): Promise<Joint> {
  const learnt = learntByModel(target);
  const sizes = learnt.map((p) => sizeOf(p.unconstrained));
  const total = sizes.reduce((sum, n) => sum + n, target.dimension);
  if (learnt.length === 0)
    return {
      density: await target.density(options),
      begin: () => new Float64Array(0),
      split: (position) => ({ position, fitted: {} }),
    };
  const offsets = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, n) => sum + n, target.dimension));
  const b = createBuilder();
  const q = b.input("q", { shape: [total], dtype: "real" });
  const u = target.dimension === 0 ? b.tensor(new Float64Array(0), [0]) : b.slice(q, 0, 0, target.dimension);
  const given = Object.fromEntries(
    learnt.map((p, i) => [p.name, b.reshape(b.slice(q, 0, offsets[i], sizes[i]), p.unconstrained)]),
  );
  // The model does not read those of the guide.
  const unread = target.parameters.filter((p) => p.readBy === "guide");
  const zeros = Object.fromEntries(
    unread.map((p) => [p.name, b.tensor(new Float64Array(sizeOf(p.unconstrained)), p.unconstrained)]),
  );
  const parameters = target.constrainParameters(b, { ...given, ...zeros });
  const value = target.logDensity(b, u, options, { parameters });
  return {
    density: await compiledDensity(b, q, shapeOf(value).length === 0 ? value : b.sum(value)),
    begin(rng) {
      const out = new Float64Array(total - target.dimension);
      learnt.forEach((p, i) => {
        out.set(p.initial(rng.split(p.name)), offsets[i] - target.dimension);
      });
      return out;
    },
    split(whole) {
      const parts = Object.fromEntries(learnt.map((p, i) => [p.name, whole.slice(offsets[i], offsets[i] + sizes[i])]));
      return { position: whole.slice(0, target.dimension), fitted: constrainedParameters(target, parts) };
    },
  };
}
