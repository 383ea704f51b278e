// The nearest of some names to one that is unknown.

/** Longer names are no slips, and comparing them takes time. */
const MAX_LENGTH = 60;

/** The candidate nearest to `name` if it is near enough to be a slip: one edit for short names, a third of the length for long ones. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const folded = fold(name);
  const allowed = Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = allowed + 1;
  for (const candidate of candidates) {
    if (candidate === name || candidate.length > 2 * MAX_LENGTH) continue;
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
  // Characters are at least half as many as UTF-16 units.
  if (a.length > 2 * (b.length + limit) || b.length > 2 * (a.length + limit)) return limit;
  const s = [...a];
  const t = [...b];
  if (Math.abs(s.length - t.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let leastBefore = 0;
  let last = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= t.length; j++) {
      let d = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (s[i - 1] === t[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && s[i - 1] === t[j - 2] && s[i - 2] === t[j - 1]) d = Math.min(d, beforeLast[j - 2] + 1);
      row.push(d);
      least = Math.min(least, d);
    }
    // What is two rows on takes at least the least of this row and the one before.
    if (Math.min(least, leastBefore) >= limit) return limit;
    leastBefore = least;
    beforeLast = last;
    last = row;
  }
  return last[t.length];
}
