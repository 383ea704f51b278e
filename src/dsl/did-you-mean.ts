// The nearest of some names to one that is unknown.

/** The candidate nearest to `name` if it is near enough to be a slip: one edit for short names, a third of the length for long ones. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const folded = fold(name);
  const allowed = Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = allowed + 1;
  for (const candidate of candidates) {
    if (candidate === name) continue;
    // Case and underscores alone are the most common slip: normal for Normal, log_normal for LogNormal.
    const distance =
      fold(candidate) === folded
        ? 0
        : Math.min(editDistance(name, candidate, bestDistance), 1 + editDistance(folded, fold(candidate), bestDistance - 1));
    if (distance < bestDistance && !(name.length <= 2 && distance > 0 && candidate.length <= 2)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function fold(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** Edits (insert, delete, replace, swap neighbours: optimal string alignment) from a to b; anything >= `limit` when it is that many or more. */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  const s = [...a];
  const t = [...b];
  if (Math.abs(s.length - t.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const row = [i];
    for (let j = 1; j <= t.length; j++) {
      let d = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (s[i - 1] === t[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1]) d = Math.min(d, beforeLast[j - 2] + 1);
      row.push(d);
    }
    beforeLast = last;
    last = row;
  }
  return last[t.length];
}
