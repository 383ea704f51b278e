// Plots as SVG: points in a plane, and curves over steps. Coordinates are rounded, so that the text is small.
import { tickLabels, ticksOf } from "./ticks.ts";

const WIDTH = 560;
const HEIGHT = 420;
const MARGIN = { left: 64, right: 16, top: 28, bottom: 44 };
/** Distinct for most eyes (Okabe and Ito 2008), then greys of their own. */
const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000", "#7F3C8D", "#8C564B"];

export interface Labels {
  readonly title: string;
  readonly x: string;
  readonly y: string;
}
/** `classes`: of each point, 0, 1, …, for its colour. */
export function scatter(x: ArrayLike<number>, y: ArrayLike<number>, labels: Labels, classes?: ArrayLike<number>): string {
  const frame = frameOf(x, y, labels);
  const points = Array.from({ length: x.length }, (_, i) => {
    if (!Number.isFinite(x[i]) || !Number.isFinite(y[i])) return "";
    const colour = COLOURS[(classes?.[i] ?? 0) % COLOURS.length];
    return `<circle cx="${frame.x(x[i])}" cy="${frame.y(y[i])}" r="2" fill="${colour}" fill-opacity="0.6"/>`;
  });
  const names = classes ? [...new Set(Array.from(classes))].sort((a, b) => a - b) : [];
  const legend = names.map(
    (k, i) =>
      `<circle cx="${MARGIN.left + 10 + 34 * i}" cy="16" r="4" fill="${COLOURS[k % COLOURS.length]}"/><text x="${MARGIN.left + 17 + 34 * i}" y="20">${k}</text>`,
  );
  return picture([...frame.parts, ...points, ...legend], names.length > 0 ? { ...labels, title: "" } : labels);
}

/** A curve over steps. */
export function curve(steps: ArrayLike<number>, values: ArrayLike<number>, labels: Labels): string {
  // The first values may lie far off: what is shown begins where nine tenths of the values are.
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  const low = sorted[Math.floor(sorted.length / 10)] ?? 0;
  const high = sorted[sorted.length - 1] ?? 1;
  const shown = Float64Array.of(low - 0.5 * (high - low), high);
  const frame = frameOf(steps, shown, labels);
  const path = Array.from(values)
    .map((v, i) => (Number.isFinite(v) ? `${frame.x(steps[i])},${frame.y(Math.max(v, shown[0]))}` : ""))
    .filter((p) => p !== "")
    .join(" ");
  return picture([...frame.parts, `<polyline points="${path}" fill="none" stroke="${COLOURS[0]}" stroke-width="1.2"/>`], labels);
}

/** Several curves over the same steps, each in a colour of its own. */
export function curves(steps: ArrayLike<number>, values: readonly Float64Array[], labels: Labels): string {
  const frame = frameOf(steps, Float64Array.from(values.flatMap((v) => [...v])), labels);
  const lines = values.map((own, k) => {
    const path = Array.from(own, (v, i) => (Number.isFinite(v) ? `${frame.x(steps[i])},${frame.y(v)}` : "")).filter(
      (p) => p !== "",
    );
    return `<polyline points="${path.join(" ")}" fill="none" stroke="${COLOURS[k % COLOURS.length]}" stroke-width="0.8" stroke-opacity="0.7"/>`;
  });
  return picture([...frame.parts, ...lines], labels);
}

const BINS = 40;
/** How often numbers lie where, each group an outline in a colour of its own. */
export function histogram(groups: readonly Float64Array[], labels: Labels): string {
  const [low, high] = rangeOf(Float64Array.from(groups.flatMap((g) => [...g])));
  const counts = groups.map((own) => {
    const out = new Float64Array(BINS);
    for (const v of own)
      if (Number.isFinite(v)) out[Math.max(0, Math.min(BINS - 1, Math.floor(((v - low) / (high - low)) * BINS)))]++;
    return out.map((n) => n / Math.max(1, own.length));
  });
  const most = counts.reduce((m, own) => own.reduce((x, y) => Math.max(x, y), m), 0);
  const frame = frameOf([low, high], [0, most], labels);
  const edge = (i: number): number => frame.x(low + ((high - low) * i) / BINS);
  const outlines = counts.map((own, k) => {
    const steps = Array.from(own, (n, i) => `H${edge(i)}V${frame.y(n)}H${edge(i + 1)}`).join("");
    return `<path d="M${edge(0)} ${frame.y(0)}${steps}V${frame.y(0)}" fill="${COLOURS[k % COLOURS.length]}" fill-opacity="0.08" stroke="${COLOURS[k % COLOURS.length]}"/>`;
  });
  return picture([...frame.parts, ...outlines], labels);
}

function frameOf(x: ArrayLike<number>, y: ArrayLike<number>, { x: nameX, y: nameY }: Labels) {
  const [left, right] = rangeOf(x);
  const [low, high] = rangeOf(y);
  const inner = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  // What lies outside is drawn at the edge.
  const within = (v: number, least: number, most: number): number => Math.max(least, Math.min(most, v));
  const atX = (v: number): number => round(MARGIN.left + ((within(v, left, right) - left) / (right - left)) * inner.width);
  const atY = (v: number): number => round(MARGIN.top + ((high - within(v, low, high)) / (high - low)) * inner.height);
  const bottom = HEIGHT - MARGIN.bottom;
  const across = ticksOf(left, right);
  const up = ticksOf(low, high);
  const [namesX, namesY] = [tickLabels(across), tickLabels(up)];
  const parts = [
    ...across.map(
      (t, i) =>
        `<path d="M${atX(t)} ${bottom}v5" stroke="#444"/><text x="${atX(t)}" y="${bottom + 18}" text-anchor="middle">${namesX[i]}</text>`,
    ),
    ...up.map(
      (t, i) =>
        `<path d="M${MARGIN.left} ${atY(t)}h-5" stroke="#444"/><path d="M${MARGIN.left} ${atY(t)}h${inner.width}" stroke="#eee"/><text x="${MARGIN.left - 8}" y="${atY(t) + 4}" text-anchor="end">${namesY[i]}</text>`,
    ),
    `<path d="M${MARGIN.left} ${MARGIN.top}V${bottom}H${WIDTH - MARGIN.right}" fill="none" stroke="#444"/>`,
    `<text x="${MARGIN.left + inner.width / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(nameX)}</text>`,
    `<text transform="translate(14 ${MARGIN.top + inner.height / 2}) rotate(-90)" text-anchor="middle">${escaped(nameY)}</text>`,
  ];
  return { x: atX, y: atY, parts };
}

function picture(parts: readonly string[], { title }: Labels): string {
  const heading =
    title === "" ? "" : `<text x="${WIDTH / 2}" y="18" text-anchor="middle" font-weight="bold">${escaped(title)}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>${heading}${parts.join("")}</svg>`;
}

/** Of the numbers that are finite; wide enough to be divided by, and to have marks. */
function rangeOf(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (!Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (low > high) return [0, 1];
  const half =
    high - low > LEAST_SHARE * Math.max(Math.abs(low), Math.abs(high), 1e-290) ? 0 : Math.max(1e-9, Math.abs(low) / 10);
  return [Math.max(-FARTHEST, low - half), Math.min(FARTHEST, high + half)];
}

/** Ends of the widest axis: what is computed of its length stays finite. */
const FARTHEST = 1e306;
/** Numbers nearer to one another than rounding lets marks between them be are drawn as one. */
const LEAST_SHARE = 1e-13;

const round = (x: number): number => Math.round(10 * x) / 10;
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
