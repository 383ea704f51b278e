// The posterior of latents in which the log joint is quadratic: a normal distribution, exactly, block by block; and points over which the mean of
// a quadratic function is its expectation.
import { log } from "../../runtime/numeric/math.ts";
import { cholesky } from "../hmc/metric.ts";
import { type Blocks, type Gradient, precisions } from "./blocks.ts";

export interface Posterior {
  readonly mean: Float64Array;
  /** log ∫ p(x, u) du = log p(x, mean) + d/2 log 2π - ½ log |-H|. */
  readonly logEvidence: number;
  /** d/2 log 2π - ½ log |-H|, by blocks and row of theirs. */
  readonly logVolumes: readonly Float64Array[];
  /** Equally weighted points: Σ f / count is E f for every quadratic f, and for those that are quadratic with the same H in every row. */
  readonly points: readonly Float64Array[];
  /** Standard deviation of each coordinate. */
  readonly deviations: Float64Array;
}

/** Undefined where the log joint is not curved downwards in every direction: no posterior there, or no finite number. `start`: anywhere, best
 *  near the mean. `alike`: the rows of a plate have the same precision, at all params. */
export function gaussianPosterior(
  blocks: readonly Blocks[],
  gradient: Gradient,
  start: Float64Array,
  alike: boolean,
): Posterior | undefined {
  const n = start.length;
  const g = new Float64Array(n);
  gradient(start, g);
  const factored: Factored[] = [];
  for (const b of blocks) {
    const factor = factorsOf(b, alike ? spreadPrecision(b, gradient, start, g) : precisions(b, gradient, start, g));
    if (factor === undefined) return undefined;
    factored.push(factor);
  }
  // One step of Newton's, and another that takes up the rounding of the first.
  const mean = start.slice();
  let value = Number.NaN;
  for (let step = 0; step < 2; step++) {
    for (const f of factored) newton(f, g, mean);
    value = gradient(mean, g);
  }
  if (!Number.isFinite(value)) return undefined;
  let logEvidence = value;
  const deviations = new Float64Array(n);
  const logVolumes = factored.map((f) => new Float64Array(f.blocks.rows).fill(f.blocks.width * 0.5 * log(2 * Math.PI)));
  for (const [k, f] of factored.entries()) {
    const { rows, width, places } = f.blocks;
    for (let r = 0; r < rows; r++) {
      const at = f.rowOf(r);
      for (let i = 0; i < width; i++) {
        logVolumes[k][r] -= log(f.factor[at + i * width + i]);
        let square = 0;
        for (let k = i; k < width; k++) square += f.inverse[at + k * width + i] * f.inverse[at + k * width + i];
        deviations[places[r * width + i]] = Math.sqrt(square);
      }
      logEvidence += logVolumes[k][r];
    }
  }
  return {
    mean,
    logEvidence,
    logVolumes,
    points: alike ? spreadPoints(factored, mean) : simplexPoints(factored, mean),
    deviations,
  };
}

/** L of -H = L L', and L⁻¹, of each block or one for all. */
interface Factored {
  readonly blocks: Blocks;
  readonly factor: Float64Array;
  readonly inverse: Float64Array;
  /** Where the matrices of block r begin. */
  rowOf(r: number): number;
}

/** `precision`: of all blocks, or one for all. */
function factorsOf(blocks: Blocks, precision: Float64Array): Factored | undefined {
  const { width } = blocks;
  const size = width * width;
  const factor = new Float64Array(precision.length);
  const inverse = new Float64Array(precision.length);
  for (let at = 0; at < precision.length; at += size) {
    const l = factor.subarray(at, at + size);
    if (!cholesky(precision.subarray(at, at + size), l, width)) return undefined;
    invert(l, inverse.subarray(at, at + size), width);
  }
  const isOne = precision.length === size;
  return { blocks, factor, inverse, rowOf: (r) => (isOne ? 0 : r * size) };
}

/** Of a lower triangular matrix. */
function invert(l: Float64Array, out: Float64Array, n: number): void {
  for (let j = 0; j < n; j++)
    for (let i = j; i < n; i++) {
      let sum = i === j ? 1 : 0;
      for (let k = j; k < i; k++) sum -= l[i * n + k] * out[k * n + j];
      out[i * n + j] = sum / l[i * n + i];
    }
}

/** mean += (-H)⁻¹ g. */
function newton({ blocks, inverse, rowOf }: Factored, g: Float64Array, mean: Float64Array): void {
  const { rows, width, places } = blocks;
  const half = new Float64Array(width);
  for (let r = 0; r < rows; r++) {
    const at = rowOf(r);
    for (let i = 0; i < width; i++) {
      half[i] = 0;
      for (let j = 0; j <= i; j++) half[i] += inverse[at + i * width + j] * g[places[r * width + j]];
    }
    for (let j = 0; j < width; j++)
      for (let i = j; i < width; i++) mean[places[r * width + j]] += inverse[at + i * width + j] * half[i];
  }
}

/** The precision that all rows share, from a single evaluation: rows r, r + width, … tell its column r. */
function spreadPrecision(blocks: Blocks, gradient: Gradient, at: Float64Array, g: Float64Array): Float64Array {
  const { rows, width, places } = blocks;
  const moved = at.slice();
  for (let r = 0; r < rows; r++) moved[places[r * width + (r % width)]] += 1;
  const after = new Float64Array(at.length);
  gradient(moved, after);
  const out = new Float64Array(width * width);
  for (let r = 0; r < rows; r++) {
    const j = r % width;
    const times = Math.ceil((rows - j) / width);
    for (let i = 0; i < width; i++) {
      const place = places[r * width + i];
      out[i * width + j] += (g[place] - after[place]) / times;
    }
  }
  for (let i = 0; i < width; i++)
    for (let j = 0; j < i; j++) out[i * width + j] = out[j * width + i] = (out[i * width + j] + out[j * width + i]) / 2;
  return out;
}

/** d + 1 corners of a regular simplex of mean 0 and covariance I, moved by L⁻ᵀ: exact for quadratic functions (degree 2), with the fewest
 *  points that can be (Stroud 1957). All blocks move at once; of another width, in turn. */
function simplexPoints(factored: readonly Factored[], mean: Float64Array): Float64Array[] {
  const widest = factored.reduce((most, f) => Math.max(most, f.blocks.width), 0);
  const corners = simplex(widest);
  return corners.map((corner) => {
    const out = mean.slice();
    for (const f of factored) for (let r = 0; r < f.blocks.rows; r++) move(f, r, corner, out);
    return out;
  });
}

/** Corners in d dimensions; their first k coordinates have mean 0 and covariance I for every k, so that narrower blocks may use them. */
function simplex(d: number): Float64Array[] {
  // Helmert's rows: column k is 1 above row k, -k in it, 0 below, scaled to a mean square of 1.
  return Array.from({ length: d + 1 }, (_, p) =>
    Float64Array.from({ length: d }, (_, i) => {
      const k = i + 1;
      const scale = Math.sqrt((d + 1) / (k * (k + 1)));
      return p < k ? scale : p === k ? -k * scale : 0;
    }),
  );
}

/** Two points, mean ± δ: with the same H in all rows, Σ ½ δ'Hδ over the rows is all that a quadratic function asks of δ, so that each row takes
 *  one column of the covariance's factor. */
function spreadPoints(factored: readonly Factored[], mean: Float64Array): Float64Array[] {
  return [1, -1].map((sign) => {
    const out = mean.slice();
    for (const f of factored) {
      const { rows, width } = f.blocks;
      const corner = new Float64Array(width);
      for (let r = 0; r < rows; r++) {
        const j = r % width;
        corner.fill(0);
        corner[j] = sign * Math.sqrt(rows / Math.ceil((rows - j) / width));
        move(f, r, corner, out);
      }
    }
    return out;
  });
}

/** out += L⁻ᵀ v in block r. */
function move({ blocks, inverse, rowOf }: Factored, r: number, v: Float64Array, out: Float64Array): void {
  const { width, places } = blocks;
  const at = rowOf(r);
  for (let j = 0; j < width; j++)
    for (let i = j; i < width; i++) out[places[r * width + j]] += inverse[at + i * width + j] * v[i];
}
