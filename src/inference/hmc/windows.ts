// When warm-up learns what: Stan's schedule of windows (Stan reference manual, "HMC algorithm parameters", section on warm-up).

/** Iterations 0 .. total - 1: a fast one to find the typical set, doubling slow windows for the metric, a fast one for the step. */
export interface Windows {
  readonly total: number;
  /** First iteration whose draw counts for the metric. */
  readonly slowBegin: number;
  /** Iteration after the last one that counts. */
  readonly slowEnd: number;
  /** Last iteration of each slow window, ascending. */
  readonly windowEnds: readonly number[];
}

export interface WindowOptions {
  readonly initBuffer: number;
  readonly termBuffer: number;
  readonly window: number;
}

/** Fewer iterations than this teach no metric. */
const SHORTEST = 20;

export function warmupWindows(total: number, options: WindowOptions): Windows {
  if (total < SHORTEST) return { total, slowBegin: total, slowEnd: total, windowEnds: [] };
  let { initBuffer: init, termBuffer: term, window } = options;
  // Too short for the buffers: 15 % and 10 % of what there is, and one window between them.
  if (init + window + term > total) {
    init = Math.floor(0.15 * total);
    term = Math.floor(0.1 * total);
    window = total - init - term;
  }
  const slowEnd = total - term;
  const windowEnds: number[] = [];
  let end = init + window;
  for (let size = window; ; ) {
    windowEnds.push(end - 1);
    if (end >= slowEnd) break;
    size *= 2;
    // A window whose successor would not fit takes all that is left.
    end = end + size + 2 * size > slowEnd ? slowEnd : end + size;
  }
  return { total, slowBegin: init, slowEnd, windowEnds };
}
