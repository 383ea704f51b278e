// How the array of a recurrence lies in its state. Where it runs in plates side by side, what these have at one place of theirs, a slot, is a row of
// the state: a step writes it at once.

import type { Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { Place, Subscript } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import type { RowAxis, Rows } from "./rows.ts";
import type { PieceArray } from "./scope.ts";

/** The turns of a plate are not of the kind that it was hoped: one follows on another, or they differ in their steps. */
export class OutOfLine extends Error {
  constructor() {
    super("a recurrence is not that of its plates side by side");
  }
}

/** Runs something with these plates side by side, or, where that turns out not to be possible, with none. */
export function inPlates(plates: Rows, run: (plates: Rows) => void): void {
  if (plates.length > 0) {
    try {
      return run(plates);
    } catch (e) {
      if (!(e instanceof OutOfLine)) throw e;
    }
  }
  run([]);
}

export class ScanLayout {
  /** Of the whole array. */
  readonly extents: Shape;
  /** Of the array that one plate has. */
  readonly slots: Shape;
  /** The number of plates; empty where there are none. */
  readonly across: Shape;
  private readonly plates: Rows;
  /** The array's axis that each plate counts. */
  private readonly axes: readonly number[];

  /** `c`: inside the loops; `places`: where statements give elements. Throws OutOfLine where some plate's variable, from 1 to the extent, is not
   *  the same subscript of all. */
  constructor(c: Context, extents: Shape, plates: Rows, places: readonly Place[]) {
    this.extents = extents;
    this.plates = plates;
    this.axes = plates.map((plate) => {
      const axis = extents.findIndex((_, k) => places.every(({ subscripts }) => isVariable(c, subscripts[k], plate)));
      const [{ indices }] = plate.ordinals;
      if (axis < 0 || extents[axis] !== plate.size || indices.some((v, i) => v !== i + 1)) throw new OutOfLine();
      return axis;
    });
    this.slots = this.without(extents);
    this.across = plates.length > 0 ? [sizeOf(plates.map((p) => p.size))] : [];
  }

  private without<T>(list: readonly T[]): T[] {
    return list.filter((_, k) => !this.axes.includes(k));
  }
  withoutPlates({ subscripts, ...place }: Place): Place {
    return { ...place, subscripts: this.without(subscripts) };
  }
  /** What a read takes of its plate's array. Throws OutOfLine where it reads another plate's. */
  ofOwnPlate(c: Context, subscripts: readonly Subscript[]): Subscript[] {
    this.axes.forEach((axis, i) => {
      if (!isVariable(c, subscripts[axis], this.plates[i])) throw new OutOfLine();
    });
    return this.without(subscripts);
  }

  private ordered: Int32Array | undefined;
  /** Flat places in the state, by flat place in the array. */
  private get order(): Int32Array {
    if (this.ordered) return this.ordered;
    const { extents, axes } = this;
    const from = [...this.without(extents.map((_, k) => k)), ...axes];
    const own = stridesOf(extents);
    const strides = stridesOf(from.map((k) => extents[k]));
    const order = new Int32Array(sizeOf(extents));
    from.forEach((k, i) => {
      for (let place = 0; place < order.length; place++) order[place] += strides[i] * (Math.floor(place / own[k]) % extents[k]);
    });
    this.ordered = order;
    return order;
  }

  /** Of each element that an array has already: its flat places in the state and in the array. */
  within(base: PieceArray): (readonly [place: number, at: number])[] {
    const { order } = this;
    const strides = stridesOf(this.extents);
    const own = stridesOf(base.extents);
    return base.defined().map((at) => {
      const place = strides.reduce((sum, stride, k) => sum + (Math.floor(at / own[k]) % base.extents[k]) * stride, 0);
      return [order[place], at];
    });
  }
  /** The slots that an array has already. Throws OutOfLine where it has them in some plates alone. */
  slotsOf(base: PieceArray): Iterable<number> {
    const count = sizeOf(this.across);
    const filled = new Map<number, number>();
    for (const [place] of this.within(base)) {
      const slot = Math.floor(place / count);
      filled.set(slot, (filled.get(slot) ?? 0) + 1);
    }
    for (const n of filled.values()) if (n !== count) throw new OutOfLine();
    return filled.keys();
  }

  /** The elements of some slots, in the order of the array: flat places in the state, and 1-based coordinates. */
  elements(isGiven: (slot: number) => boolean): { readonly places: Int32Array; readonly coordinates: readonly Float64Array[] } {
    const { order } = this;
    const count = sizeOf(this.across);
    const given = Int32Array.from(order.keys()).filter((place) => isGiven(Math.floor(order[place] / count)));
    const coordinates = stridesOf(this.extents).map((stride, k) =>
      Float64Array.from(given, (place) => (Math.floor(place / stride) % this.extents[k]) + 1),
    );
    return { places: given.map((place) => order[place]), coordinates };
  }

  /** 1-based subscripts of a slot, in the first plate. */
  subscriptsOf(slot: number): string {
    const place = this.order.indexOf(slot * sizeOf(this.across));
    return stridesOf(this.extents)
      .map((stride, k) => (Math.floor(place / stride) % this.extents[k]) + 1)
      .join(", ");
  }
}

/** Whether the subscript is the plate's variable and nothing else. */
export function isVariable(c: Context, s: Subscript | undefined, plate: RowAxis): boolean {
  if (s?.kind !== "at" || s.value.kind !== "name" || plate.ordinals.length !== 1) return false;
  const value: Value = evaluate(c, s.value);
  return value === plate.ordinals[0].symbol;
}
