// Round numbers along an axis.

const MOST = 6;

/** 1, 2 or 5 times a power of ten apart, inside the interval; at most six. */
export function ticksOf(low: number, high: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  let power = 1;
  while (power * MOST < span) power *= 10;
  while (power * MOST >= 10 * span) power /= 10;
  // power is the least power of ten that is wide enough.
  const step = [0.2, 0.5, 1].map((part) => part * power).find((s) => s * MOST >= span) ?? power;
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}

/** As short as keeps them apart. */
export function tickLabels(ticks: readonly number[]): string[] {
  for (let digits = 1; digits <= 17; digits++) {
    const labels = ticks.map((t) => String(Number(t.toPrecision(digits))));
    if (
      new Set(labels).size === ticks.length &&
      labels.every((l, i) => Math.abs(Number(l) - ticks[i]) <= 1e-9 * Math.abs(ticks[i]))
    )
      return labels;
  }
  return ticks.map(String);
}
