// Numbers of one variable as they are read, in growing typed memory, with their missing entries and kinds.
import { UsageError } from "../../runtime/errors.ts";
import type { DataValue } from "./value.ts";

/** No variable of a data file may hold more numbers than this. */
export const MOST_NUMBERS = 200_000_000;
/** Nor may its arrays be nested deeper. */
export const MAX_AXES = 16;

export class Collector {
  #values = new Float64Array(16);
  #length = 0;
  readonly #missing: number[] = [];
  #firstReal: number | undefined;

  get length(): number {
    return this.#length;
  }

  /** `integer`: written without point or exponent. */
  add(value: number, integer: boolean): void {
    if (this.#length === this.#values.length) this.#grow();
    if (!integer && this.#firstReal === undefined) this.#firstReal = this.#length;
    this.#values[this.#length++] = value;
  }

  /** The numbers of a list from an index on, up to the first entry that is none; returns its index. */
  addNumbers(list: ArrayLike<unknown>, from: number): number {
    while (this.#length + list.length - from > this.#values.length) this.#grow();
    const values = this.#values;
    let n = this.#length;
    let i = from;
    for (; i < list.length; i++) {
      const x = list[i];
      if (typeof x !== "number") break;
      values[n++] = x;
    }
    for (let k = this.#length; this.#firstReal === undefined && k < n; k++) if (!Number.isInteger(values[k])) this.#firstReal = k;
    this.#length = n;
    return i;
  }

  addMissing(): void {
    this.#missing.push(this.#length);
    if (this.#length === this.#values.length) this.#grow();
    this.#values[this.#length++] = Number.NaN;
  }

  #grow(): void {
    if (this.#values.length >= MOST_NUMBERS)
      throw new UsageError(`a variable has more than ${MOST_NUMBERS / 1e6} million numbers`);
    const more = new Float64Array(Math.min(2 * this.#values.length, MOST_NUMBERS));
    more.set(this.#values);
    this.#values = more;
  }

  finish(shape: readonly number[]): DataValue {
    const values = this.#values.slice(0, this.#length);
    const facts = { shape, values, ...(this.#firstReal !== undefined && { firstReal: this.#firstReal }) };
    if (this.#missing.length === 0) return facts;
    const missing = new Uint8Array(values.length);
    for (const i of this.#missing) missing[i] = 1;
    return { ...facts, missing };
  }
}

/** The shape of nested arrays, found as they are read: lengths are those of the first array at each depth, and every other must agree. */
export class ShapeFinder {
  readonly shape: number[] = [];
  /** 1-based indices of the entry that is being read. */
  readonly path: number[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** The entry's name as in the model: y[3,1]. */
  entry(): string {
    return shown(this.#name, this.path);
  }

  /** An array begins where the path stands; `read` is how many numbers came before it. What is wrong with that, if anything. */
  enter(read: number): string | undefined {
    const depth = this.path.length;
    if (depth === MAX_AXES) return `${this.#name} is nested more than ${MAX_AXES} deep`;
    if (depth < this.shape.length) return undefined;
    if (read > 0) return `${this.entry()} is an array where ${this.#first()} is a number`;
    this.shape.push(-1);
    return undefined;
  }

  /** The array at the path has ended, after so many elements. */
  leave(count: number): string | undefined {
    const depth = this.path.length;
    if (this.shape[depth] === -1) this.shape[depth] = count;
    if (this.shape[depth] === count) return undefined;
    const elements = count === 1 ? "1 element" : `${count} elements`;
    return `${this.entry()} has ${elements} where ${this.#first()} has ${this.shape[depth]}`;
  }

  /** The entries of the array that has begun are numbers. */
  get isInnermost(): boolean {
    return this.shape.length === this.path.length + 1;
  }

  /** A number stands at the path. */
  leaf(): string | undefined {
    return this.path.length < this.shape.length ? `${this.entry()} is a number where ${this.#first()} is an array` : undefined;
  }

  /** With which an entry is compared: the first one at its depth. */
  #first(): string {
    return shown(
      this.#name,
      this.path.map(() => 1),
    );
  }
}

function shown(name: string, path: readonly number[]): string {
  return path.length === 0 ? name : `${name}[${path.join(",")}]`;
}
