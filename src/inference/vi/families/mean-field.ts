// Independent normal distributions of all unconstrained coordinates (Kucukelbir et al. 2017, section 2.4).
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { log } from "../../../runtime/numeric/math.ts";
import type { Target } from "../../../runtime/target.ts";
import type { Family } from "../approximation.ts";
import { gaussian, type Start } from "./gaussian.ts";

/** log of the scale at the start: far narrower than most posteriors, so that the first steps see where the mode is. */
const INITIAL_LOG_SCALE = log(0.1);

export function meanField(target: Target, start: Start): Family {
  const n = target.dimension;
  return gaussian(target, {
    parameters: [
      { name: "mean", shape: [n], initial: () => start.position.slice() },
      {
        name: "log scale",
        shape: [n],
        initial: () => start.scale?.map((s) => log(s)) ?? new Float64Array(n).fill(INITIAL_LOG_SCALE),
      },
    ],
    draw(b, noise, p) {
      return b.add(p.mean, b.mul(b.exp(p["log scale"]), noise.noise("normal", [n], [])));
    },
    logDensity(b, u, p) {
      const z = b.mul(b.sub(u, p.mean), b.exp(b.neg(p["log scale"])));
      return b.sub(b.neg(b.sum(p["log scale"])), halfSquares(b, z, n));
    },
  });
}

/** ½ Σ z² + n/2 log 2π: minus the log density of n standard normal numbers. */
export function halfSquares(b: Builder, z: Value, n: number): Value {
  return b.add(b.mul(b.constant(0.5), b.sum(b.square(z))), b.constant(0.5 * n * log(2 * Math.PI)));
}
