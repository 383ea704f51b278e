// Which latents go together given the params: blocks of coordinates that are independent of each other under the posterior, and its precision
// block by block. Everything here is found by evaluating the gradient of the log joint: of a quadratic function g(u + δ) - g(u) = H δ for steps
// of any length.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Slot, Target } from "../../runtime/target.ts";

/** `rows` blocks of `width` coordinates each: block r is places[r * width .. (r + 1) * width - 1]. */
export interface Blocks {
  /** The plate whose rows they are; absent: one block. */
  readonly plate?: string;
  readonly rows: number;
  readonly width: number;
  readonly places: Int32Array;
}
/** Writes the gradient of the log joint in the latents, the params being fixed; returns its value. */
export type Gradient = (u: Float64Array, out: Float64Array) => number;

/** A dense block is as wide at most: its factorisation costs the cube. */
export const WIDEST = 1000;

/** Blocks by the plates of the layout: the rows of each outermost plate, and one block of all that is in none. */
export function blocksByPlate(target: Target): readonly Blocks[] {
  const slots = new Map<string, Slot[]>();
  for (const slot of target.layout) {
    const plate = slot.plates[0]?.name ?? "";
    slots.set(plate, [...(slots.get(plate) ?? []), slot]);
  }
  return [...slots].map(([plate, own]) => {
    const rows = plate === "" ? 1 : own[0].unconstrained[0];
    const places: number[] = [];
    for (let r = 0; r < rows; r++)
      for (const { offset, size } of own) for (let j = 0; j < size / rows; j++) places.push(offset + r * (size / rows) + j);
    return { ...(plate === "" ? {} : { plate }), rows, width: places.length / rows, places: Int32Array.from(places) };
  });
}

export const oneBlock = (n: number): Blocks => ({ rows: 1, width: n, places: Int32Array.from({ length: n }, (_, i) => i) });

/** What a look at random points says of the log joint in its latents. */
export interface Shape {
  /** Coordinates in which it is not quadratic. */
  readonly crooked: ReadonlySet<number>;
  /** Whether the blocks are independent of each other. */
  readonly separate: boolean;
}

/** Relative to the largest element: rounding of gradients that sum over data, far below what any other function shows. */
const ROUNDING = 1e-7;

/** At random points a random step changes the gradient as much from wherever it is made (quadratic), and a step of some blocks changes that of
 *  no other (separate). Block k moves where a bit of k is set: for one of the bits, of any two blocks one moves and the other does not. */
export function shapeOf(n: number, blocks: readonly Blocks[], gradient: Gradient, rng: Rng, points = 2): Shape {
  const [u, step] = [new Float64Array(n), new Float64Array(n)];
  const at = (length: number, along: Float64Array): Float64Array => {
    const out = new Float64Array(n);
    gradient(
      u.map((x, i) => x + length * along[i]),
      out,
    );
    return out;
  };
  const crooked = new Set<number>();
  let separate = true;
  const count = blocks.reduce((sum, { rows }) => sum + rows, 0);
  for (let point = 0; point < points; point++) {
    rng.fillNormal(u);
    rng.fillNormal(step);
    const [g0, g1, g2] = [at(0, step), at(1, step), at(2.5, step)];
    const size = largest([g0, g1, g2]);
    // H (2.5 δ) = 2.5 H δ.
    for (let i = 0; i < n; i++) if (!(Math.abs(g2[i] - g0[i] - 2.5 * (g1[i] - g0[i])) <= ROUNDING * size)) crooked.add(i);
    for (let bit = 1; bit < count && separate; bit *= 2) {
      const moved = new Float64Array(n);
      const still: number[] = [];
      let block = 0;
      for (const { rows, width, places } of blocks)
        for (let r = 0; r < rows; r++, block++)
          for (let j = r * width; j < (r + 1) * width; j++) {
            if (block & bit) moved[places[j]] = step[places[j]];
            else still.push(places[j]);
          }
      const g = at(1, moved);
      for (const i of still) if (!(Math.abs(g[i] - g0[i]) <= ROUNDING * size)) separate = false;
    }
  }
  return { crooked, separate };
}

/** -H of each block: rows x width x width. `at`: anywhere; `g`: the gradient there. */
export function precisions(blocks: Blocks, gradient: Gradient, at: Float64Array, g: Float64Array): Float64Array {
  const { rows, width, places } = blocks;
  const out = new Float64Array(rows * width * width);
  const moved = new Float64Array(at.length);
  const after = new Float64Array(at.length);
  for (let j = 0; j < width; j++) {
    moved.set(at);
    for (let r = 0; r < rows; r++) moved[places[r * width + j]] += 1;
    gradient(moved, after);
    for (let r = 0; r < rows; r++)
      for (let i = 0; i < width; i++) {
        const place = places[r * width + i];
        out[(r * width + i) * width + j] = g[place] - after[place];
      }
  }
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < width; i++)
      for (let j = 0; j < i; j++) {
        const [lower, upper] = [(r * width + i) * width + j, (r * width + j) * width + i];
        out[lower] = out[upper] = (out[lower] + out[upper]) / 2;
      }
  return out;
}

function largest(vectors: readonly Float64Array[]): number {
  let most = 0;
  for (const v of vectors) for (let i = 0; i < v.length; i++) most = Math.max(most, Math.abs(v[i]));
  return most;
}

/** Whether all rows of each plate have the same precision. */
export function haveAlikeRows(n: number, blocks: readonly Blocks[], gradient: Gradient, rng: Rng): boolean {
  const [at, g] = [new Float64Array(n), new Float64Array(n)];
  rng.fillNormal(at);
  gradient(at, g);
  return blocks.every((b) => {
    // Otherwise each row is evaluated for itself with no more work.
    if (b.rows < b.width) return false;
    const p = precisions(b, gradient, at, g);
    const size = b.width * b.width;
    const most = largest([p]);
    return p.every((x, i) => Math.abs(x - p[i % size]) <= ROUNDING * most);
  });
}
