// Independent normal distributions of all unconstrained coordinates (Kucukelbir et al. 2017, section 2.4).
import type { Target } from "../../../runtime/target.ts";
import { type GaussianFamily, gaussian, halfSquares, initialLogScale, MEAN, type Start } from "./gaussian.ts";

/** Independent only where the start has no factor, which would mix the coordinates. */
export function meanField(target: Target, { position, scale }: Start): GaussianFamily {
  const n = target.dimension;
  const start = scale ? { position, scale } : { position };
  return gaussian(target, start, {
    parameters: [
      { name: MEAN, shape: [n], initial: () => new Float64Array(n) },
      { name: "log scale", shape: [n], initial: () => new Float64Array(n).fill(initialLogScale(start)) },
    ],
    prepare: (b, p) => ({
      draw: (noise) => b.add(p[MEAN], b.mul(b.exp(p["log scale"]), noise.noise("normal", [n], []))),
      logDensity(v) {
        const z = b.mul(b.sub(v, p[MEAN]), b.exp(b.neg(p["log scale"])));
        return b.neg(b.add(b.sum(p["log scale"]), halfSquares(b, z, n)));
      },
    }),
  });
}
