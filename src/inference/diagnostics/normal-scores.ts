// Rank normalisation: each value replaced by the normal quantile of its rank (Vehtari et al. 2021, section 4.1, equation 14).
import { normalQuantile } from "../../runtime/numeric/math.ts";
import type { SplitChains } from "./column.ts";
import { sortedQuantile } from "./quantile.ts";

/** Φ⁻¹((r - 3/8) / (n + 1/4)) by twice the rank, 2r = 2 .. 2n (Blom 1958), for the average ranks of ties are halves. */
export interface ScoreTable {
  readonly size: number;
  readonly scores: Float64Array;
}

export function createScoreTable(size: number): ScoreTable {
  const scores = new Float64Array(2 * size + 1);
  // Φ⁻¹(1 - p) = -Φ⁻¹(p): half of them need computing, and the table is exactly odd.
  for (let twice = 2; twice <= size + 1; twice++) {
    const score = normalQuantile((twice / 2 - 0.375) / (size + 0.25));
    scores[twice] = score;
    scores[2 * size + 2 - twice] = -score;
  }
  if (size % 2 === 1) scores[size + 1] = 0;
  return { size, scores };
}

/** Scores of x, in the order of its values; ties share the score of their average rank. */
export function normalScores({ order, sorted }: SplitChains, { scores }: ScoreTable): Float64Array {
  const n = order.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ) {
    const x = sorted[i];
    let j = i + 1;
    while (j < n && sorted[j] === x) j++;
    // Ranks i+1 .. j: twice their average is i + 1 + j.
    const score = scores[i + 1 + j];
    for (; i < j; i++) out[order[i]] = score;
  }
  return out;
}

/** Scores of |x - median|: distances ascend outwards from the median on both sides, so the two sides need only be merged. NaN where the
 *  median is not finite, for then there are no distances. */
export function foldedScores({ order, sorted }: SplitChains, { scores }: ScoreTable): Float64Array {
  const n = order.length;
  const median = sortedQuantile(sorted, 0.5);
  const out = new Float64Array(n);
  if (!Number.isFinite(median)) return out.fill(Number.NaN);
  let right = 0;
  for (let step = n; step > 0; step >>= 1) while (right + step <= n && sorted[right + step - 1] < median) right += step;
  let left = right - 1;
  const below = (): number => (left >= 0 ? median - sorted[left] : Number.POSITIVE_INFINITY);
  const above = (): number => (right < n ? sorted[right] - median : Number.POSITIVE_INFINITY);
  let nearLeft = below();
  let nearRight = above();
  for (let rank = 0; rank < n; ) {
    const distance = Math.min(nearLeft, nearRight);
    const begin = left;
    const end = right;
    while (nearLeft === distance && left >= 0) {
      left--;
      nearLeft = below();
    }
    while (nearRight === distance && right < n) {
      right++;
      nearRight = above();
    }
    const count = begin - left + (right - end);
    // Twice the average rank of `count` ties after `rank` others.
    const score = scores[2 * rank + count + 1];
    for (let i = begin; i > left; i--) out[order[i]] = score;
    for (let i = end; i < right; i++) out[order[i]] = score;
    rank += count;
  }
  return out;
}
