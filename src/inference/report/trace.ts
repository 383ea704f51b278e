// Curves of a run, such as the bound over the steps of training: thinned for files, drawn small for terminals.

export interface ThinnedTrace {
  /** 1-based, ascending; the last one is always there. */
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

export const MOST_POINTS = 1000;

/** At most so many points, equally far apart but for the last. */
export function thinned(trace: Float64Array, most = MOST_POINTS): ThinnedTrace {
  const every = Math.max(1, Math.ceil(trace.length / most));
  const steps: number[] = [];
  // Backwards from the last, so that it is there.
  for (let at = trace.length; at >= 1; at -= every) steps.unshift(at);
  return { steps, values: steps.map((s) => trace[s - 1]) };
}

/** Less than a nat from top to bottom is noise, and drawn as little. */
const SMALL = 1;
const LEVELS = "▁▂▃▄▅▆▇█";

/** One line of block characters, each the mean of a stretch of the trace. The first steps may lie far below all others: what is below the
 *  lowest of the later three quarters is drawn as that. Empty where nothing is finite. */
export function curve(trace: Float64Array, width = 50): string {
  const columns = Math.min(width, trace.length);
  const means = Array.from({ length: columns }, (_, c) => {
    const from = Math.floor((c * trace.length) / columns);
    const to = Math.max(from + 1, Math.floor(((c + 1) * trace.length) / columns));
    const own = trace.subarray(from, to);
    return own.reduce((sum, v) => sum + v, 0) / own.length;
  });
  const finite = means.filter(Number.isFinite);
  const later = means.slice(Math.floor(columns / 4)).filter(Number.isFinite);
  if (finite.length === 0 || later.length === 0) return "";
  const high = Math.max(...finite);
  const low = Math.min(...later, high - SMALL);
  return means
    .map((v) => {
      if (!Number.isFinite(v)) return " ";
      const share = high > low ? (v - low) / (high - low) : 1;
      return LEVELS[Math.max(0, Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length)))];
    })
    .join("");
}
