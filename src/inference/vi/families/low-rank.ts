// Normal distributions whose covariance, or whose precision, is diagonal but for a few directions.
import { log } from "../../../runtime/numeric/math.ts";
import type { Rng } from "../../../runtime/numeric/rng.ts";
import type { Target } from "../../../runtime/target.ts";
import { positiveInverse } from "../../optimize/hessian.ts";
import type { FamilyParameter } from "../approximation.ts";
import { principalFactors } from "./factors.ts";
import { type GaussianFamily, gaussian, halfSquares, initialLogScale, MEAN, type Start } from "./gaussian.ts";

/** Directions start at random, short beside the scales: at 0 they would have no gradient. */
const SHORT = 0.01;

/** Where the parameters begin. */
interface Beginning {
  readonly start: Start;
  readonly logScale: Float64Array;
  readonly directions: (rng: Rng) => Float64Array;
}

/** A factor of the start would not leave the form as it is: of what it tells, the scales become units, and the rest the first directions.
 *  `of`: the covariance or the precision in these units, from its own inverse. */
function beginning(given: Start, n: number, rank: number, of: "covariance" | "precision"): Beginning {
  const { position, scale, factor } = given;
  const covariance = factor && product(factor, n);
  const deviations = covariance && Float64Array.from({ length: n }, (_, i) => Math.sqrt(covariance[i * n + i]));
  const correlation = deviations && covariance?.map((c, k) => c / (deviations[Math.floor(k / n)] * deviations[k % n]));
  const inverse = correlation && positiveInverse(correlation, n);
  if (!deviations || !correlation || !inverse) {
    const start = scale ? { position, scale } : { position };
    return { start, logScale: new Float64Array(n).fill(initialLogScale(start)), directions: randomDirections(n * rank) };
  }
  const [matrix, other] = of === "covariance" ? [correlation, inverse] : [inverse, correlation];
  // What is left of each coordinate given all others.
  const most = Float64Array.from({ length: n }, (_, i) => 1 / other[i * n + i]);
  const { diagonal, directions } = principalFactors(matrix, n, rank, most);
  const sign = of === "covariance" ? 0.5 : -0.5;
  return {
    start: { position, scale: deviations },
    logScale: diagonal.map((d) => sign * log(d)),
    // A direction that is nothing would have no gradient.
    directions: (rng) => randomDirections(n * rank)(rng).map((v, i) => v + directions[i]),
  };
}

/** F F'. */
function product(factor: Float64Array, n: number): Float64Array {
  return factor.map((_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    let sum = 0;
    for (let l = 0; l <= Math.min(i, j); l++) sum += factor[i * n + l] * factor[j * n + l];
    return sum;
  });
}

function shared(n: number, { logScale }: Beginning): FamilyParameter[] {
  return [
    { name: MEAN, shape: [n], initial: () => new Float64Array(n) },
    { name: "log scale", shape: [n], initial: () => logScale.slice() },
  ];
}
function randomDirections(size: number): (rng: Rng) => Float64Array {
  return (rng) => {
    const out = new Float64Array(size);
    rng.fillNormal(out);
    return out.map((x) => SHORT * x);
  };
}

/** Covariance D² + V V', D diagonal, V of `rank` columns (Ong, Nott and Smith 2018): density by Woodbury's identity, in O(n rank²). */
export function lowRank(target: Target, given: Start, rank: number): GaussianFamily {
  const n = target.dimension;
  const begin = beginning(given, n, rank, "covariance");
  return gaussian(target, begin.start, {
    parameters: [...shared(n, begin), { name: "factor of q", shape: [n, rank], initial: begin.directions }],
    prepare(b, p) {
      const scale = b.exp(p["log scale"]);
      return {
        draw: (noise) =>
          b.add(
            b.add(p[MEAN], b.mul(scale, noise.noise("normal", [n], []))),
            b.matmul(p["factor of q"], noise.noise("normal", [rank], [])),
          ),
        logDensity(x) {
          // With a = D⁻¹ (x - mean), B = D⁻¹ V, M = I + B'B = L L':  |Σ| = |D|² |M|,  (x - mean)' Σ⁻¹ (x - mean) = a'a - ‖L⁻¹ B'a‖².
          const a = b.div(b.sub(x, p[MEAN]), scale);
          const ratio = b.div(p["factor of q"], b.reshape(scale, [n, 1]));
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
  const begin = beginning(given, n, 1, "precision");
  return gaussian(target, begin.start, {
    // The scale is D^-1/2.
    parameters: [...shared(n, begin), { name: "direction of q", shape: [n], initial: begin.directions }],
    prepare(b, p) {
      const scale = b.exp(p["log scale"]);
      const v = p["direction of q"];
      const along = b.mul(scale, v);
      // s = v' D⁻¹ v; R = D^-1/2 - (1 - √η)/s D⁻¹ v v' D^-1/2 with η = 1/(1 + s), and (1 - √η)/s = 1/(√(1+s) (1 + √(1+s))).
      const s = b.sum(b.square(along));
      const root = b.sqrt(b.add(b.constant(1), s));
      const ratio = b.reciprocal(b.mul(root, b.add(b.constant(1), root)));
      return {
        draw(noise) {
          const z = noise.noise("normal", [n], []);
          const common = b.mul(ratio, b.sum(b.mul(along, z)));
          return b.add(p[MEAN], b.mul(scale, b.sub(z, b.mul(common, along))));
        },
        logDensity(x) {
          const w = b.sub(x, p[MEAN]);
          const half = b.mul(b.constant(0.5), b.sub(b.log1p(s), b.square(b.sum(b.mul(v, w)))));
          return b.sub(half, b.add(b.sum(p["log scale"]), halfSquares(b, b.div(w, scale), n)));
        },
      };
    },
  });
}
