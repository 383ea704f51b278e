// Pictures of a fitted model: reconstructions, samples of the prior, the latents of rows, the loss curve; as PNG and SVG, and all on one page.
import { base64 } from "./inference/pictures/base64.ts";
import { type Images, mosaic } from "./inference/pictures/mosaic.ts";
import { htmlPage } from "./inference/pictures/page.ts";
import { curve, escaped, scatter } from "./inference/pictures/plots.ts";
import { encodePng } from "./inference/pictures/png.ts";
import type { ThinnedTrace } from "./inference/report/trace.ts";
import type { Family } from "./inference/vi/approximation.ts";
import {
  type ObservedRows,
  priorValues,
  type RowsContext,
  type RowValues,
  rowsAt,
  rowsByGuide,
} from "./inference/vi/observed-rows.ts";
import type { Fitted } from "./inference/vi/rows-weights.ts";
import { UsageError } from "./runtime/errors.ts";
import { sizeOf } from "./runtime/ir/type.ts";
import type { Rng } from "./runtime/numeric/rng.ts";
import type { Axis, Target } from "./runtime/target.ts";

export interface PictureOptions {
  /** Which observed variable is an image, where there are several. */
  readonly site?: string;
  /** Height and width of an image; default: the two axes of a row, or a square. */
  readonly image?: readonly [height: number, width: number];
  /** Classes of the rows, 0, 1, …: colours of the scatter. */
  readonly labels?: ArrayLike<number>;
  /** Of training, for its curve. */
  readonly bound?: ThinnedTrace;
}
export interface Pictures {
  readonly files: readonly { readonly name: string; readonly content: string | Uint8Array }[];
  /** What could not be shown, and why. */
  readonly notes: readonly string[];
}
interface Shown {
  readonly title: string;
  readonly about: string;
  readonly file: string;
  readonly content: string | Uint8Array;
}

const RECONSTRUCTIONS = 64;
const SAMPLES = 128;
const POINTS = 2000;
const COLUMNS = 16;

/** `plate`: its rows are the images; `family`: q of the latents, if there is a guide. */
export async function picturesOf(
  target: Target,
  family: Family | undefined,
  fitted: Fitted,
  plate: Axis,
  options: PictureOptions,
  rng: Rng,
  context: RowsContext,
): Promise<Pictures> {
  if (options.labels && options.labels.length !== plate.size)
    throw new UsageError(
      `there are ${options.labels.length} labels for the ${plate.size} rows of ${plate.name}: give one for each`,
    );
  const notes: string[] = [];
  const shown: Shown[] = [];
  const rows = Int32Array.from({ length: Math.min(POINTS, plate.size) }, (_, i) =>
    Math.floor((i * plate.size) / Math.min(POINTS, plate.size)),
  );
  if (family === undefined) notes.push("no reconstructions and no scatter: the model has no guide that gives latents to rows");
  else {
    const few = rows.filter((_, i) => i % Math.max(1, Math.floor(rows.length / RECONSTRUCTIONS)) === 0).slice(0, RECONSTRUCTIONS);
    const seen = await rowsByGuide(target, family, fitted, plate, few, rng.split("reconstructions"), context);
    const images = imagesOf(seen, options);
    if (typeof images === "string") notes.push(`no reconstructions: ${images}`);
    else shown.push(reconstructions(images));
    // Twice, with other draws: what two draws of a row share is what the row tells of its latents.
    const first = await rowsByGuide(target, family, fitted, plate, rows, rng.split("latents"), context);
    const second = await rowsByGuide(target, family, fitted, plate, rows, rng.split("latents once more"), context);
    const plane = latentPlane(first.latents, second.latents, options, rows);
    if (typeof plane === "string") notes.push(`no scatter: ${plane}`);
    else shown.push(plane);
  }
  const samples = await priorSamples(target, fitted, plate, options, rng.split("prior"), context);
  if (typeof samples === "string") notes.push(`no samples of the prior: ${samples}`);
  else shown.push(samples);
  const { bound } = options;
  if (bound && bound.values.length > 1) {
    const content = curve(bound.steps, bound.values, { title: "", x: "step", y: "bound" });
    shown.push({ title: "Training", about: "The bound that was maximised, at each step.", file: "training.svg", content });
  }
  const page = { name: "pictures.html", content: pageOf(target.name, shown, notes) };
  return { files: [...shown.map(({ file, content }) => ({ name: file, content })), page], notes };
}

interface ImageRows {
  readonly site: string;
  readonly data: Images;
  readonly means: Images;
}

/** The observed variable as images; a reason where there are none. */
function imagesOf({ data, means }: ObservedRows, { site, image }: PictureOptions): ImageRows | string {
  if (site !== undefined && !data.some((d) => d.name === site))
    throw new UsageError(`${site} is observed in no row; ${data.map((d) => d.name).join(", ") || "nothing"} is`);
  const named = data.filter((d) => site === undefined || d.name === site);
  const chosen = named.find((d) => sizeOf(d.shape) > 1 && means.some((m) => m.name === d.name));
  if (!chosen)
    return named.some((d) => sizeOf(d.shape) > 1)
      ? `the mean of ${named.map((d) => d.name).join(", ")} has no closed form`
      : "a row is observed as one number";
  const sides = sidesOf(chosen, image);
  if (typeof sides === "string") return sides;
  const mean = means.find((m) => m.name === chosen.name) as RowValues;
  const as = (values: Float64Array): Images => ({ height: sides[0], width: sides[1], values });
  return { site: chosen.name, data: as(chosen.values), means: as(mean.values) };
}

function sidesOf({ name, shape }: RowValues, given: PictureOptions["image"]): readonly [number, number] | string {
  const size = sizeOf(shape);
  if (given) {
    if (given[0] * given[1] !== size)
      throw new UsageError(
        `an image of ${given[0]} x ${given[1]} pixels takes ${given[0] * given[1]} numbers, and a row of ${name} has ${size}`,
      );
    return given;
  }
  if (shape.length === 2) return [shape[0], shape[1]];
  const side = Math.round(Math.sqrt(size));
  return side * side === size
    ? [side, side]
    : `the ${size} numbers of a row of ${name} are no square: say how they lie, --image HEIGHTxWIDTH`;
}

function reconstructions({ site, data, means }: ImageRows): Shown {
  const { pixels, height, width } = mosaic([data, means], COLUMNS, rangeOf(data.values));
  return {
    title: "Reconstructions",
    about: `Rows of ${site}; below each, what the model expects there at a draw of its latents from the guide.`,
    file: "reconstructions.png",
    content: encodePng(pixels, height, width),
  };
}

async function priorSamples(
  target: Target,
  fitted: Fitted,
  plate: Axis,
  options: PictureOptions,
  rng: Rng,
  context: RowsContext,
): Promise<Shown | string> {
  const drawn = await priorValues(Object.keys(fitted.parameters).length > 0 ? target.fix(fitted.parameters) : target, rng);
  if ("refusal" in drawn) return drawn.refusal;
  const rows = Int32Array.from({ length: Math.min(SAMPLES, plate.size) }, (_, i) => i);
  const seen = await rowsAt(target, fitted, drawn.values, plate, rows, context);
  const images = imagesOf(seen, options);
  if (typeof images === "string") return images;
  const { pixels, height, width } = mosaic([images.means], COLUMNS, rangeOf(images.data.values));
  return {
    title: "Samples of the prior",
    about: `What the model expects of ${images.site} at draws of the latents from their prior.`,
    file: "prior-samples.png",
    content: encodePng(pixels, height, width),
  };
}

/** The two elements of a row's latents of which the row tells most: whose draws for one row agree, compared with those of others. */
function latentPlane(
  first: readonly RowValues[],
  second: readonly RowValues[],
  { labels }: PictureOptions,
  rows: Int32Array,
): Shown | string {
  const elements = first.flatMap(({ name, shape, values }, k) => {
    const size = sizeOf(shape);
    const one = (from: Float64Array, j: number): Float64Array => from.filter((_, i) => i % size === j);
    return Array.from({ length: size }, (_, j) => {
      const [x, y] = [one(values, j), one(second[k].values, j)];
      return { name: size === 1 ? name : `${name}[${j + 1}]`, x, activity: covariance(x, y) };
    });
  });
  if (elements.length < 2) return "a row has fewer than two numbers that are latent";
  const [a, b] = [...elements].sort((p, q) => q.activity - p.activity);
  const classes = labels && Float64Array.from(rows, (row) => labels[row]);
  return {
    title: "Latents",
    about: `A draw from the guide for each of ${rows.length} rows: ${a.name} and ${b.name}, of which the rows tell most${labels ? "; colours are the labels" : ""}.`,
    file: "latents.svg",
    content: scatter(a.x, b.x, { title: "", x: a.name, y: b.name }, classes),
  };
}

function covariance(x: Float64Array, y: Float64Array): number {
  const mean = (v: Float64Array): number => v.reduce((s, e) => s + e, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  return x.reduce((s, e, i) => s + (e - mx) * (y[i] - my), 0) / x.length;
}

function rangeOf(values: ArrayLike<number>): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return low < high ? [low, high] : [low, low + 1];
}

/** One file that needs no other. */
function pageOf(model: string, shown: readonly Shown[], notes: readonly string[]): string {
  const sections = shown.map(({ title, about, content }) => {
    const picture =
      typeof content === "string" ? content : `<img alt="${escaped(title)}" src="data:image/png;base64,${base64(content)}">`;
    return `<section>\n<h2>${escaped(title)}</h2>\n<p>${escaped(about)}</p>\n${picture}\n</section>`;
  });
  const left = notes.map((note) => `<p>${escaped(note)}</p>`);
  return htmlPage(model, [...sections, ...left]);
}
