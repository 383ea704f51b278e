// Numbers of one variable as they are read, in growing typed memory, with their shape, missing entries and kinds.
import { UsageError } from "../../runtime/errors.ts";
import type { DataValue } from "./value.ts";

/** No data file may hold more numbers than this in one variable. */
const LIMIT = 200_000_000;

export class Collector {
  #values = new Float64Array(16);
  #length = 0;
  #missing: number[] = [];
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
  addMissing(): void {
    this.#missing.push(this.#length);
    if (this.#length === this.#values.length) this.#grow();
    this.#values[this.#length++] = Number.NaN;
  }
  #grow(): void {
    if (this.#length >= LIMIT) throw new UsageError("a variable has more than 200 million numbers");
    const more = new Float64Array(2 * this.#length);
    more.set(this.#values);
    this.#values = more;
  }
  finish(shape: readonly number[]): DataValue {
    const values = this.#values.slice(0, this.#length);
    const facts = { shape, values, ...(this.#firstReal === undefined ? {} : { firstReal: this.#firstReal }) };
    if (this.#missing.length === 0) return facts;
    const missing = new Uint8Array(values.length);
    for (const i of this.#missing) missing[i] = 1;
    return { ...facts, missing };
  }
}
