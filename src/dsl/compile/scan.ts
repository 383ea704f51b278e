// Recurrences over latents: lets that read what another iteration of their loop has written. The body is lowered once for a symbolic step, as the
// body of a loop always is; what it reads of its own arrays are elements of the loop's states, what it gives is written into them. Loops around
// whose turns read nothing of one another are plates: the body is that of one turn of theirs, and a step runs it for all.

import { vectorize } from "../../runtime/ir/batch.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { makeLoop, symbol, type WrittenState } from "../../runtime/ir/loop/make.ts";
import { substitute } from "../../runtime/ir/substitute.ts";
import type { Numbers } from "../../runtime/ir/type.ts";
import { knownOf } from "./known.ts";
import { merged, overRows, type RowAxis, type Rows } from "./rows.ts";
import { ScanArray } from "./scan-array.ts";
import { OutOfLine, type ScanLayout } from "./scan-layout.ts";
import type { PieceArray } from "./scope.ts";

/** The steps of a loop, and the arrays that it gives. */
export class Scan {
  readonly axis: RowAxis;
  /** Plates that have arrays, or parts of arrays, of their own, as one axis. */
  private readonly plates: RowAxis | undefined;
  /** The rows outside, the plates, then the steps. */
  readonly rows: Rows;
  private readonly b: Builder;
  /** The number of the step, from 0. */
  readonly step: Value;
  /** The number of the plate. */
  private readonly plate: Value;
  /** Plates, then steps, one by one. */
  private readonly order: Rows;
  private readonly arrays: ScanArray[] = [];

  /** `rows`: those whose turns follow one another, merged into one axis; `outside`: those that do not concern the arrays; `plates`: those of
   *  which each turn has arrays, or parts of arrays, of its own. OutOfLine is thrown, here or later, where they have not. */
  constructor(b: Builder, outside: Rows, plates: Rows, rows: Rows) {
    this.b = b;
    this.plate = symbol(b, { shape: [], dtype: "int" });
    this.plates = plates.length > 0 ? counted(merged(plates), this.plate) : undefined;
    this.order = [...plates, ...rows];
    this.step = symbol(b, { shape: [], dtype: "int" });
    this.axis = counted(merged(rows), this.step);
    this.rows = [...outside, ...(this.plates ? [this.plates] : []), this.axis];
  }
  get steps(): number {
    return this.axis.size;
  }
  /** What the body's scope knows beside the loops' variables: rows of the plates and the steps are around it. */
  get counters(): readonly Value[] {
    return [this.plate, this.step];
  }
  add(name: string, base: PieceArray | undefined, layout: ScanLayout): ScanArray {
    const array = new ScanArray(this.b, this, name, base, layout);
    this.arrays.push(array);
    return array;
  }

  /** The elements of a value in each step; null where it depends on more than data and the step. */
  overSteps(v: Value): Numbers | null {
    const known = knownOf(overRows(this.b, [v], [this.axis])[0]);
    if (known === null && this.plates) throw new OutOfLine();
    return known;
  }
  /** Of a value for all of these rows, the plates' and the steps', what belongs to the turn: [rows…, …element] gives an element. */
  ofTurn(v: Value, rows: Rows): Value {
    const { b, order, plates } = this;
    const behind = shapeOf(v).slice(rows.length);
    const inOrder = b.transpose(v, [...order.map((row) => rows.indexOf(row)), ...behind.map((_, k) => rows.length + k)]);
    if (!plates) return b.gather(b.reshape(inOrder, [this.steps, ...behind]), this.step);
    const flat = b.reshape(inOrder, [plates.size, this.steps, ...behind]);
    return b.gather(b.gather(flat, this.plate), this.step);
  }
  /** A number of each step. */
  perStep(values: Float64Array, dtype: "int" | "bool" = "int"): Value {
    return this.b.gather(this.b.tensor(values, [values.length], dtype), this.step);
  }

  /** Runs the loop, and gives each array its elements. */
  finish(): void {
    const { b } = this;
    const states: Value[] = [];
    const symbols: Value[] = [];
    const writes: WrittenState[] = [];
    for (const array of this.arrays) {
      const { initial, rows, element, given } = array.close();
      for (const { place, value } of given) writes.push({ state: states.length, mode: "set", rows, at: place, value });
      symbols.push(array.state(element));
      states.push(initial);
    }
    const lifted = this.overPlates(writes, symbols);
    const { ordinals } = this.axis;
    const ends = makeLoop(b, {
      steps: this.steps,
      apart: true,
      keepsSums: true,
      states,
      ordinals: ordinals.map((o) => Int32Array.from(o.indices)),
      body: ({ states: own, ordinals: numbers }) => {
        const replacements = new Map<Value, Value>([
          // All lets read of a state what lies in front of the rows that stand for nothing.
          ...lifted.symbols.map((s, i): [Value, Value] => [s, b.slice(own[i], 0, 0, shapeOf(s)[0])]),
          ...ordinals.map((o, i): [Value, Value] => [o.symbol, numbers[i]]),
          ...this.arrays.flatMap((array) => array.stepsOfGiving()),
        ]);
        const roots = substitute(b, [...lifted.values, ...writes.map((w) => w.at!)], replacements);
        return { writes: writes.map((w, i) => ({ ...w, value: roots[i], at: roots[writes.length + i] })) };
      },
    });
    this.arrays.forEach((array, i) => {
      array.end(ends[i]);
    });
  }

  /** What one plate writes and reads, for all of them: rows of a state are [plates, …element]. */
  private overPlates(
    writes: readonly WrittenState[],
    symbols: readonly Value[],
  ): { readonly values: readonly Value[]; readonly symbols: readonly Value[] } {
    const { b, plates } = this;
    const own = writes.map((w) => w.value);
    if (!plates) return { values: own, symbols };
    const all = symbols.map((s) => {
      const [slots, ...element] = shapeOf(s);
      return symbol(b, { shape: [slots, plates.size, ...element], dtype: "real" });
    });
    const swapped = (v: Value): Value =>
      b.transpose(v, [
        1,
        0,
        ...shapeOf(v)
          .slice(2)
          .map((_, k) => k + 2),
      ]);
    const replacements = new Map([
      ...plates.ordinals.map((o): [Value, Value] => [o.symbol, b.tensor(o.indices, [plates.size], "int")]),
      ...symbols.map((s, i): [Value, Value] => [s, swapped(all[i])]),
    ]);
    const { values, batched } = vectorize(b, own, replacements, plates.size);
    return {
      symbols: all,
      values: values.map((v, i) => {
        const shape = shapeOf(own[i]);
        const each = batched[i] ? v : b.broadcastTo(b.reshape(v, [1, ...shape]), [plates.size, ...shape]);
        const elementRank = shapeOf(symbols[writes[i].state]).length - 1;
        return shape.length > elementRank ? swapped(each) : each;
      }),
    };
  }
}

const counted = (axis: RowAxis, counter: Value): RowAxis => ({
  ...axis,
  ordinals: [...axis.ordinals, { symbol: counter, indices: Float64Array.from({ length: axis.size }, (_, i) => i) }],
});
