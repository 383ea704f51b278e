// Stacking weights: the mixture of predictive densities that predicts best (Yao, Vehtari, Simpson and Gelman 2018).
import { solveLower } from "../../runtime/numeric/linalg.ts";
import { exp, log } from "../../runtime/numeric/math.ts";
import { cholesky } from "../hmc/metric.ts";

const STEPS = 200;
/** Of the mean log score, in nats: far below what observations can tell. */
const TOLERANCE = 1e-12;

/** Weights w >= 0 with sum 1 of the mixture Σ_k w_k p_k(y_i | the others) with the greatest mean log score, by sequential quadratic programming (Kim,
 *  Carbonetto, Stephens and Anitescu 2020, "A fast algorithm for maximum likelihood estimation of mixture proportions"): without the sum being
 *  fixed, f(w) = Σ_k w_k - mean_i log Σ_k w_k p_ik has the same minimum. With q_ik = p_ik / Σ_j w_j p_ij its gradient is 1 - mean_i q_i and its
 *  second derivative mean_i q_i q_i'. It ends when no weight could gain more than the tolerance: the largest mean of q bounds what is left.
 *  `pointwise`: log p_k(y_i | the others), an array a model. NaN where one of them is. */
export function stackingWeights(pointwise: readonly Float64Array[]): Float64Array {
  const count = pointwise.length;
  const scaled = scaledScores(pointwise);
  if (scaled.some((row) => row.some(Number.isNaN))) return new Float64Array(count).fill(Number.NaN);
  let w: Float64Array = new Float64Array(count).fill(1 / count);
  let f = score(scaled, w);
  for (let step = 0; step < STEPS; step++) {
    const { gains, second } = derivatives(scaled, w);
    if (!gains.some((g) => g > 1 + TOLERANCE)) break;
    const aim = leastAbove(
      second,
      gains.map((g) => 1 - 2 * g),
      w,
    );
    const from = w;
    let share = 1;
    let next = aim;
    let after = score(scaled, next);
    // What is not finite is worse than everything.
    while (!(after <= f) && share > LEAST_SHARE) {
      share /= 2;
      next = from.map((x, k) => x + share * (aim[k] - x));
      after = score(scaled, next);
    }
    if (!(after <= f)) break;
    [w, f] = [next, after];
  }
  const sum = w.reduce((s, x) => s + x, 0);
  return w.map((x) => x / sum);
}
const LEAST_SHARE = 1e-10;

/** p_ik relative to the best of the models, a row an observation; without those that no model thinks possible, which tell nothing apart. */
function scaledScores(pointwise: readonly Float64Array[]): Float64Array[] {
  return Array.from(pointwise[0] ?? [], (_, i) => {
    const top = pointwise.reduce((m, p) => Math.max(m, p[i]), Number.NEGATIVE_INFINITY);
    return top === Number.NEGATIVE_INFINITY ? undefined : Float64Array.from(pointwise, (p) => exp(p[i] - top));
  }).filter((row) => row !== undefined);
}

const mixed = (row: Float64Array, w: Float64Array): number => row.reduce((s, p, k) => s + w[k] * p, 0);

/** f */
function score(scaled: readonly Float64Array[], w: Float64Array): number {
  const sum = w.reduce((s, x) => s + x, 0);
  return sum - scaled.reduce((s, row) => s + log(mixed(row, w)), 0) / Math.max(1, scaled.length);
}

function derivatives(
  scaled: readonly Float64Array[],
  w: Float64Array,
): { readonly gains: Float64Array; readonly second: Float64Array } {
  const count = w.length;
  const gains = new Float64Array(count);
  const second = new Float64Array(count * count);
  for (const row of scaled) {
    const mixture = mixed(row, w);
    const q = row.map((p) => p / mixture);
    for (let k = 0; k < count; k++) {
      gains[k] += q[k] / scaled.length;
      for (let j = 0; j < count; j++) second[k * count + j] += (q[k] * q[j]) / scaled.length;
    }
  }
  return { gains, second };
}

/** x >= 0 with the least x'Hx/2 + c'x, by active sets (Lawson and Hanson 1974, chapter 23), from a start that is none below 0. */
function leastAbove(h: Float64Array, c: Float64Array, start: Float64Array): Float64Array {
  const n = start.length;
  let x: Float64Array = start.slice();
  const free = new Set([...x.keys()].filter((k) => x[k] > 0));
  for (let turn = 0; turn < 10 * n; turn++) {
    const z = freeMinimum(h, c, [...free], n);
    const blocked = [...free].filter((k) => !(z[k] > 0));
    if (blocked.length > 0) {
      const share = blocked.reduce((m, k) => Math.min(m, x[k] / (x[k] - z[k])), 1);
      x = x.map((v, k) => v + share * (z[k] - v));
      for (const k of blocked)
        if (x[k] <= 1e-14) {
          x[k] = 0;
          free.delete(k);
        }
      continue;
    }
    x = z;
    let [best, steepest] = [-1, -1e-14];
    for (let k = 0; k < n; k++) {
      const slope = x.reduce((s, v, j) => s + h[k * n + j] * v, c[k]);
      if (!free.has(k) && slope < steepest) [best, steepest] = [k, slope];
    }
    if (best < 0) break;
    free.add(best);
  }
  return x;
}

/** The least over the free coordinates, the others 0. */
function freeMinimum(h: Float64Array, c: Float64Array, free: readonly number[], n: number): Float64Array {
  const m = free.length;
  const own = Float64Array.from({ length: m * m }, (_, i) => h[free[Math.floor(i / m)] * n + free[i % m]]);
  const l = new Float64Array(m * m);
  // Models that predict alike make it singular; so little more is no other minimum.
  for (let ridge = 1e-15; !cholesky(own, l, m) && ridge < 1; ridge *= 10) for (let k = 0; k < m; k++) own[k * m + k] += ridge;
  const solution = solveLower(
    l,
    Float64Array.from(free, (k) => -c[k]),
    m,
  );
  for (let i = m - 1; i >= 0; i--) {
    for (let k = i + 1; k < m; k++) solution[i] -= l[k * m + i] * solution[k];
    solution[i] /= l[i * m + i];
  }
  const z = new Float64Array(n);
  free.forEach((k, i) => {
    z[k] = solution[i];
  });
  return z;
}
