// A normal distribution of all unconstrained coordinates with a full covariance (Kucukelbir et al. 2017, section 2.4).
import type { Target } from "../../../runtime/target.ts";
import { type GaussianFamily, gaussian, halfSquares, initialLogScale, MEAN, type Start } from "./gaussian.ts";

/** Covariance F L L' F' with the F of the start, L lower triangular with a positive diagonal. */
export function fullRank(target: Target, start: Start): GaussianFamily {
  const n = target.dimension;
  const below = (n * (n - 1)) / 2;
  // Where each element of L stands in [strictly lower part row by row, diagonal, 0].
  const places = new Float64Array(n * n).fill(below + n);
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = 0; j < i; j++) places[i * n + j] = at++;
    places[i * n + i] = below + i;
  }
  return gaussian(target, start, {
    parameters: [
      { name: MEAN, shape: [n], initial: () => new Float64Array(n) },
      { name: "log diagonal", shape: [n], initial: () => new Float64Array(n).fill(initialLogScale(start)) },
      { name: "lower triangle", shape: [below], initial: () => new Float64Array(below) },
    ],
    prepare(b, p) {
      const packed = b.concat([p["lower triangle"], b.exp(p["log diagonal"]), b.tensor(new Float64Array(1), [1])], 0);
      const factor = b.reshape(b.gather(packed, b.tensor(places, [n * n], "int")), [n, n]);
      return {
        draw: (noise) => b.add(p[MEAN], b.matmul(factor, noise.noise("normal", [n], []))),
        logDensity(v) {
          const centred = b.reshape(b.sub(v, p[MEAN]), [n, 1]);
          const z = b.triangularSolve(factor, centred, { lower: true, transpose: false });
          return b.neg(b.add(b.sum(p["log diagonal"]), halfSquares(b, z, n)));
        },
      };
    },
  });
}
