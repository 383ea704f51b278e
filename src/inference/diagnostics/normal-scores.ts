// Rank normalisation: each value replaced by the normal quantile of its rank (Vehtari et al. 2021, section 4.1, equation 14).
import { normalQuantile } from "../../runtime/numeric/math.ts";

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

/** Scores of `values`, whose ascending order is given; ties share the score of their average rank. */
export function normalScores(values: Float64Array, order: Int32Array, { scores }: ScoreTable): Float64Array {
  const n = values.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; ) {
    const x = values[order[i]];
    let j = i + 1;
    while (j < n && values[order[j]] === x) j++;
    // Ranks i+1 .. j: twice their average is i + 1 + j.
    const score = scores[i + 1 + j];
    for (; i < j; i++) out[order[i]] = score;
  }
  return out;
}

/** Scores of |x - median|, from the order of x: the distances ascend outwards from the median on both sides, so a merge sorts. */
export function foldedScores(values: Float64Array, order: Int32Array, median: number, table: ScoreTable): Float64Array {
  const n = values.length;
  const distance = new Float64Array(n);
  for (let i = 0; i < n; i++) distance[i] = Math.abs(values[i] - median);
  let right = 0;
  while (right < n && values[order[right]] < median) right++;
  let left = right - 1;
  const folded = new Int32Array(n);
  for (let k = 0; k < n; k++) {
    const takesLeft = right >= n || (left >= 0 && distance[order[left]] <= distance[order[right]]);
    folded[k] = takesLeft ? order[left--] : order[right++];
  }
  return normalScores(distance, folded, table);
}
