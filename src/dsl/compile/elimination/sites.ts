// The discrete latents of a walk whose values nobody has given: their elements, and what each of these may be.
import { broadcastIndex } from "../../../runtime/ir/broadcast.ts";
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { max, min } from "../../../runtime/ir/primitives/elementwise.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import { knownOf } from "../known.ts";
import type { Piece } from "../piece.ts";
import { TooMany } from "./cost.ts";
import { factorOf } from "./factor.ts";
import { anchorOf, dependence, readOf } from "./read.ts";

/** More values than this are not gone through. */
const MOST_VALUES = 100_000;

interface Part {
  readonly piece: Piece;
  /** Number of its first element among those of the latent. */
  readonly from: number;
  readonly count: number;
  /** A draw of it given everything else; of missing data that nothing but their own statement may read. */
  readonly predict?: () => Value;
}
/** A latent that the model says nothing about but what it is drawn from: its probabilities sum to 1, and it is drawn afterwards. */
export interface Predicted {
  readonly name: string;
  readonly anchor: Value;
  readonly parts: readonly Part[];
}
/** A latent with the range of its elements, which are counted over its statements in their order. */
export interface Site {
  readonly name: string;
  readonly anchor: Value;
  readonly parts: readonly Part[];
  readonly count: number;
  /** Number of its first element among those of all latents. */
  readonly base: number;
  /** Every element is counted from the least value of all. */
  readonly least: number;
  readonly values: number;
  /** Where elements differ in what they may be: 1 for each value that is theirs, [count, values]. */
  readonly own?: Uint8Array;
}

/** Collects pieces while a model is walked. */
export class OpenSites {
  readonly #b: Builder;
  readonly #parts = new Map<string, Part[]>();
  constructor(b: Builder) {
    this.#b = b;
  }

  /** The values of a piece. */
  give(piece: Piece, predict?: () => Value): Value {
    const parts = this.#parts.get(piece.name) ?? [];
    const last = parts[parts.length - 1];
    const part = { piece, from: last ? last.from + last.count : 0, count: sizeOf(piece.shape), ...(predict ? { predict } : {}) };
    this.#parts.set(piece.name, [...parts, part]);
    const elements = Float64Array.from({ length: part.count }, (_, i) => part.from + i);
    return readOf(this.#b, this.#b.tensor(elements, piece.shape, "int"), anchorOf(this.#b, piece.name));
  }

  get empty(): boolean {
    return this.#parts.size === 0;
  }

  /** Takes those out that are drawn afterwards. */
  predicted(): Predicted[] {
    const found = [...this.#parts].filter(([, parts]) => parts.some((p) => p.predict));
    for (const [name] of found) this.#parts.delete(name);
    return found.map(([name, parts]) => ({ name, anchor: anchorOf(this.#b, name), parts }));
  }

  /** With their ranges; a bound that reads other discrete latents is the widest that it can be. */
  close(): Site[] {
    const sites: Site[] = [];
    for (const [name, parts] of this.#parts) {
      const last = parts[parts.length - 1];
      const base = sites.reduce((n, s) => n + s.count, 0);
      const site = { name, anchor: anchorOf(this.#b, name), parts, count: last.from + last.count, base };
      const lower = this.#bounds(site, sites, "lower");
      const upper = this.#bounds(site, sites, "upper");
      const least = lower.reduce((m, x) => Math.min(m, x), lower[0] ?? 0);
      // One at least, though it may be no element's own: bounds that leave nothing make the density 0.
      const values = upper.reduce((m, x) => Math.max(m, x), least) - least + 1;
      if (values > MOST_VALUES) throw new TooMany(parts[0].piece, `each element may be one of ${values} integers`);
      const differ = lower.some((x) => x !== least) || upper.some((x) => x !== least + values - 1);
      sites.push({ ...site, least, values, ...(differ ? { own: ownValues(lower, upper, least, values) } : {}) });
    }
    return sites;
  }

  #bounds(site: Pick<Site, "name" | "parts" | "count">, before: readonly Site[], side: "lower" | "upper"): Float64Array {
    const out = new Float64Array(site.count);
    for (const { piece, from, count } of site.parts) {
      const bound = piece.bounds[side];
      const numbers = bound && this.#numbers(bound, piece, before, side);
      if (!numbers || numbers.some((x) => !Number.isFinite(x))) throw unbounded(piece);
      out.set(numbers, from);
      if (numbers.length !== count) throw unbounded(piece);
    }
    return out;
  }

  /** One an element of the piece. */
  #numbers(bound: Value, piece: Piece, before: readonly Site[], side: "lower" | "upper"): Float64Array | undefined {
    const known = knownOf(bound);
    if (known) {
      const own = shapeOf(bound);
      return Float64Array.from({ length: sizeOf(piece.shape) }, (_, i) => known[broadcastIndex(i, piece.shape, own)]);
    }
    return this.#widest(bound, piece, before, side) ?? this.#ofOperands(bound, piece, before, side);
  }

  /** Of a bound that other latents decide on: over all that they may be. */
  #widest(bound: Value, piece: Piece, before: readonly Site[], side: "lower" | "upper"): Float64Array | undefined {
    const b = this.#b;
    if (!dependence(before.map((s) => s.anchor))(bound)) return undefined;
    const factor = factorOf(b, b.cast(b.broadcastTo(bound, piece.shape), "real"), before, { whole: true });
    const table = knownOf(factor.table);
    if (!table) return undefined;
    const width = table.length / shapeOf(factor.table)[0];
    return Float64Array.from({ length: factor.rows }, (_, row) => {
      const at = factor.isShared ? 0 : row * width;
      // What is infinite belongs to values that the others cannot have.
      const finite = Array.from(table.subarray(at, at + width)).filter((x) => Number.isFinite(x));
      return finite.reduce((x, y) => (side === "lower" ? Math.min(x, y) : Math.max(x, y)), finite[0] ?? Number.NaN);
    });
  }

  /** Of the tighter of two bounds of which one is known: in s[t]: int<0, 9> ~ Binomial(s[t-1], p) the other reads the latent's own elements. */
  #ofOperands(bound: Value, piece: Piece, before: readonly Site[], side: "lower" | "upper"): Float64Array | undefined {
    if (bound.node.op !== (side === "lower" ? max : min)) return undefined;
    const tighter = side === "lower" ? Math.max : Math.min;
    const known = bound.node.inputs.flatMap((v) => this.#numbers(v, piece, before, side) ?? []);
    return known.length === 0 ? undefined : known.reduce((x, y) => x.map((n, i) => tighter(n, y[i])));
  }
}

export const unbounded = (piece: Piece): TooMany =>
  new TooMany(piece, "the data alone do not bound what it may be", `declare it between bounds: ${piece.name}: int<0, 50> ~ …`);

function ownValues(lower: Float64Array, upper: Float64Array, least: number, values: number): Uint8Array {
  const own = new Uint8Array(lower.length * values);
  lower.forEach((low, i) => {
    own.fill(1, i * values + low - least, i * values + Math.max(upper[i] - least + 1, 0));
  });
  return own;
}
