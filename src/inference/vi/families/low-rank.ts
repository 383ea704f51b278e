// Normal distributions whose covariance, or whose precision, is diagonal but for a few directions.
import type { Rng } from "../../../runtime/numeric/rng.ts";
import type { Target } from "../../../runtime/target.ts";
import type { FamilyParameter } from "../approximation.ts";
import { type GaussianFamily, gaussian, halfSquares, initialLogScale, type Start } from "./gaussian.ts";

/** Directions start at random, short beside the scales: at 0 they would have no gradient. */
const SHORT = 0.01;

function shared(n: number, start: Start): FamilyParameter[] {
  return [
    { name: "mean", shape: [n], initial: () => new Float64Array(n) },
    { name: "log scale", shape: [n], initial: () => new Float64Array(n).fill(initialLogScale(start)) },
  ];
}
function randomDirections(size: number): (rng: Rng) => Float64Array {
  return (rng) => {
    const out = new Float64Array(size);
    rng.fillNormal(out);
    return out.map((x) => SHORT * x);
  };
}

/** Of v. A factor of the start would not leave the form as it is. */
const onlyScales = ({ position, scale }: Start): Start => (scale ? { position, scale } : { position });

/** Covariance D² + V V', D diagonal, V of `rank` columns (Ong, Nott and Smith 2018): density by Woodbury's identity, in O(n rank²). */
export function lowRank(target: Target, given: Start, rank: number): GaussianFamily {
  const n = target.dimension;
  const start = onlyScales(given);
  return gaussian(target, start, {
    parameters: [...shared(n, start), { name: "factor", shape: [n, rank], initial: randomDirections(n * rank) }],
    prepare(b, p) {
      const scale = b.exp(p["log scale"]);
      return {
        draw: (noise) =>
          b.add(
            b.add(p.mean, b.mul(scale, noise.noise("normal", [n], []))),
            b.matmul(p.factor, noise.noise("normal", [rank], [])),
          ),
        logDensity(x) {
          // With a = D⁻¹ (x - mean), B = D⁻¹ V, M = I + B'B = L L':  |Σ| = |D|² |M|,  (x - mean)' Σ⁻¹ (x - mean) = a'a - ‖L⁻¹ B'a‖².
          const a = b.div(b.sub(x, p.mean), scale);
          const ratio = b.div(p.factor, b.reshape(scale, [n, 1]));
          const transposed = b.transpose(ratio, [1, 0]);
          const identity = b.cast(b.eq(b.iota([rank, rank], 0), b.iota([rank, rank], 1)), "real");
          const lower = b.cholesky(b.add(identity, b.matmul(transposed, ratio)));
          const y = b.triangularSolve(lower, b.reshape(b.matmul(transposed, a), [rank, 1]), { lower: true, transpose: false });
          // ½ log |M| = Σ log L_ii.
          const half = b.add(b.sum(p["log scale"]), b.sum(b.log(b.sum(b.mul(lower, identity), [1]))));
          return b.sub(b.mul(b.constant(0.5), b.sum(b.square(y))), b.add(half, halfSquares(b, a, n)));
        },
      };
    },
  });
}

/** Precision D + v v' (Rezende, Mohamed and Wierstra 2014, equations 19 and 20). */
export function rankOnePrecision(target: Target, given: Start): GaussianFamily {
  const n = target.dimension;
  const start = onlyScales(given);
  return gaussian(target, start, {
    // The scale is D^-1/2.
    parameters: [...shared(n, start), { name: "direction", shape: [n], initial: randomDirections(n) }],
    prepare(b, p) {
      const scale = b.exp(p["log scale"]);
      const v = p.direction;
      const along = b.mul(scale, v);
      // s = v' D⁻¹ v; R = D^-1/2 - (1 - √η)/s D⁻¹ v v' D^-1/2 with η = 1/(1 + s), and (1 - √η)/s = 1/(√(1+s) (1 + √(1+s))).
      const s = b.sum(b.square(along));
      const root = b.sqrt(b.add(b.constant(1), s));
      const ratio = b.reciprocal(b.mul(root, b.add(b.constant(1), root)));
      return {
        draw(noise) {
          const z = noise.noise("normal", [n], []);
          const common = b.mul(ratio, b.sum(b.mul(along, z)));
          return b.add(p.mean, b.mul(scale, b.sub(z, b.mul(common, along))));
        },
        logDensity(x) {
          const w = b.sub(x, p.mean);
          const half = b.mul(b.constant(0.5), b.sub(b.log1p(s), b.square(b.sum(b.mul(v, w)))));
          return b.sub(half, b.add(b.sum(p["log scale"]), halfSquares(b, b.div(w, scale), n)));
        },
      };
    },
  });
}
