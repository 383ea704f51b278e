// Independent normal distributions of all unconstrained coordinates (Kucukelbir et al. 2017, section 2.4).
import { log } from "../../../runtime/numeric/math.ts";
import type { Target } from "../../../runtime/target.ts";
import type { Family } from "../approximation.ts";
import { gaussian, halfSquares, INITIAL_SCALE, type Start } from "./gaussian.ts";

export function meanField(target: Target, start: Start): Family {
  const n = target.dimension;
  return gaussian(target, {
    parameters: [
      { name: "mean", shape: [n], initial: () => start.position.slice() },
      { name: "log scale", shape: [n], initial: () => start.scale?.map(log) ?? new Float64Array(n).fill(log(INITIAL_SCALE)) },
    ],
    prepare: (b, p) => ({
      draw: (noise) => b.add(p.mean, b.mul(b.exp(p["log scale"]), noise.noise("normal", [n], []))),
      logDensity(u) {
        const z = b.mul(b.sub(u, p.mean), b.exp(b.neg(p["log scale"])));
        return b.neg(b.add(b.sum(p["log scale"]), halfSquares(b, z, n)));
      },
    }),
  });
}
