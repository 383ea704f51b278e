// Recurrences over latents: lets that read what another iteration of their loop has written. The body is lowered once for a symbolic step, as the
// body of a loop always is; what it reads of its own arrays are elements of the loop's states, what it gives is written into them. Loops around
// whose turns read nothing of one another are plates: the body is that of one turn of theirs, and a step runs it for all.

import { InternalError } from "../../runtime/errors.ts";
import { vectorize } from "../../runtime/ir/batch.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { makeLoop, symbol, type WrittenState } from "../../runtime/ir/loop/make.ts";
import { substitute } from "../../runtime/ir/substitute.ts";
import { type Numbers, type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Index, LetStatement, Place, QuantityStatement, Subscript } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { select } from "./index-expression.ts";
import { knownOf } from "./known.ts";
import { bindCodes, reject } from "./rejection.ts";
import { merged, overRows, type RowAxis, type Rows, rowTable, tableAt } from "./rows.ts";
import { OutOfLine, type ScanLayout } from "./scan-layout.ts";
import { flatPlaces, type Given, inRuns, together } from "./scan-writes.ts";
import type { PieceArray, ScanBinding } from "./scope.ts";

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

/** An array under way. */
export class ScanArray implements ScanBinding {
  readonly name: string;
  private readonly b: Builder;
  private readonly scan: Scan;
  private readonly base: PieceArray | undefined;
  private readonly layout: ScanLayout;
  /** Of the array that one plate has. */
  private readonly extents: readonly number[];
  /** The step in which an element is given; -1 before the loop, Infinity never. */
  private readonly since: Float64Array;
  /** The let that gives it, by its number in `given`. */
  private readonly giver: Int32Array;
  /** Of what was read: run when all lets have said what they give. */
  private readonly checks: (() => void)[] = [];
  private readonly given: Given[] = [];
  private whole: Value | undefined;
  /** Stands for `since`, which is complete only when all lets have been seen. */
  private sinceSymbol: Value | undefined;
  private spare = 0;

  constructor(b: Builder, scan: Scan, name: string, base: PieceArray | undefined, layout: ScanLayout) {
    this.b = b;
    this.scan = scan;
    this.name = name;
    this.base = base;
    this.layout = layout;
    this.extents = layout.slots;
    this.since = new Float64Array(sizeOf(this.extents)).fill(Number.POSITIVE_INFINITY);
    this.giver = new Int32Array(this.since.length);
    if (base && !base.empty) for (const slot of layout.slotsOf(base)) this.since[slot] = -1;
  }

  /** Stands for a plate's array before a step: [rows, …element]. */
  state(element: Shape): Value {
    this.whole ??= symbol(this.b, { shape: [sizeOf(this.extents), ...element], dtype: "real" });
    return this.whole;
  }

  write(c: Context, s: LetStatement | QuantityStatement): void {
    this.give(c, s.place, s.span, () => evaluate(c, s.value));
  }

  /** What a statement gives; its context has the steps as rows, and behind them those of loops inside the step. */
  give(c: Context, to: Place, span: SourceSpan, compute: () => Value): void {
    const { b, scan } = this;
    const inner = c.rows.slice(scan.rows.length);
    const { places, inside } = flatPlaces(c, this.layout.withoutPlates(to), this.extents);
    const value = b.cast(compute(), "real");
    const own = shapeOf(value);
    if (own.length > 0 && inside.some((n, k) => n !== own[k]))
      reject(bindCodes.shape, span, `a value of shape [${own.join(", ")}] is given to elements of shape [${inside.join(", ")}]`);
    const element = own.slice(inside.length);
    const expected = this.elementShape();
    if (expected && String(expected) !== String(element))
      reject(bindCodes.shape, span, `the elements of ${this.name} differ in shape: [${expected}] and [${element}]`);
    const each = own.length === 0 ? b.broadcastTo(value, inside) : value;
    const [place, all] = overRows(b, [places, each], inner);
    const count = sizeOf(shapeOf(place));
    const flat = count === 1 ? [] : [count];
    const at = b.reshape(place, flat);
    const table = scan.overSteps(at);
    if (table === null) return reject(bindCodes.notYet, to.span, "the index on the left must be known from the data");
    const where = this.guard(c);
    this.note(table, count, where?.table, span);
    this.given.push({ span: span, place: at, table, count, value: b.reshape(all, [...flat, ...element]), where });
  }

  private elementShape(): Shape | undefined {
    if (this.base && !this.base.empty) return this.base.elementShape;
    const [first] = this.given;
    return first && shapeOf(first.value).slice(first.count === 1 ? 0 : 1);
  }

  private note(table: Numbers, count: number, where: Numbers | undefined, span: SourceSpan): void {
    const { since } = this;
    for (let step = 0; step < this.scan.steps; step++) {
      if (where && where[step] === 0) continue;
      for (let k = step * count; k < (step + 1) * count; k++) {
        if (since[table[k]] !== Number.POSITIVE_INFINITY)
          reject(bindCodes.twice, span, `${this.name}[${this.layout.subscriptsOf(table[k])}] is given twice`, {
            label: "each element has exactly one let",
          });
        since[table[k]] = step;
        this.giver[table[k]] = this.given.length;
      }
    }
  }

  /** The steps in which all conditions around hold. */
  private guard(c: Context): Given["where"] {
    const { b, scan } = this;
    if (c.guards.length === 0) return undefined;
    const condition = c.guards.reduce((x, y) => b.and(x, y));
    const table = scan.overSteps(condition);
    if (table === null) throw new InternalError("a branch chosen by more than data");
    return table.every((v: number) => v !== 0) ? undefined : { condition, table };
  }

  /** What stands at the subscripts: elements given before the step, or in it. */
  read(c: Context, e: Index): Value {
    const { b } = this;
    const element = this.elementShape();
    if (element === undefined)
      return reject(bindCodes.constant, e.span, `${this.name} is read before its first elements are given`, {
        notes: [`give its first elements before the loop: let ${this.name}[1] = …`],
      });
    const rank = this.extents.length;
    const subscripts = this.layout.ofOwnPlate(c, e.subscripts);
    const base = b.reshape(this.state(element), [...this.extents, ...element]);
    const found = select(c, base, subscripts, e.span, this.name);
    const numbered = b.reshape(b.iota([sizeOf(this.extents)], 0), this.extents);
    const places = select(c, numbered, subscripts.slice(0, rank), e.span, this.name);
    const behind = shapeOf(found)
      .slice(shapeOf(places).length)
      .map(() => 1);
    const before = this.given.length;
    this.checks.push(() => this.check(c, places, before, e.span));
    const all: Subscript = { kind: "all", span: e.span };
    const ofElement = (value: Value, several = false): Value =>
      select(c, value, [...(several ? [all] : []), ...subscripts.slice(rank)], e.span, this.name);
    const earlier = this.orNaN(c, found, places, behind);
    return this.given.reduce((out, g) => this.orJustGiven(c, out, places, behind, g, ofElement), earlier);
  }

  /** An index that is drawn may name an element that is not there yet: that is NaN, as where it is out of range. Others are checked. */
  private orNaN(c: Context, found: Value, places: Value, behind: readonly number[]): Value {
    const { b, scan } = this;
    if (knownOf(overRows(b, [places], c.rows)[0]) !== null) return found;
    this.sinceSymbol ??= symbol(b, { shape: [this.since.length], dtype: "int" });
    // Out of range the place is NaN too, as is what stands there.
    const place = b.cast(b.select(b.eq(places, places), places, b.constant(0)), "int");
    const isGiven = b.lt(b.gather(this.sinceSymbol, place), scan.step);
    return b.select(b.reshape(isGiven, [...shapeOf(isGiven), ...behind]), found, b.constant(Number.NaN));
  }
  stepsOfGiving(): readonly [Value, Value][] {
    if (this.sinceSymbol === undefined) return [];
    const steps = this.since.map((step) => Math.min(step, this.scan.steps));
    return [[this.sinceSymbol, this.b.tensor(steps, [steps.length], "int")]];
  }

  /** Elements of this very step, where any are read; `ofElement`: what the read takes of an element, or of
   *  each of several. */
  private orJustGiven(
    c: Context,
    found: Value,
    places: Value,
    behind: readonly number[],
    g: Given,
    ofElement: (value: Value, several?: boolean) => Value,
  ): Value {
    const { b } = this;
    const equalTo = (place: Value): Value => {
      const same = b.eq(places, place);
      return g.where ? b.and(same, g.where.condition) : same;
    };
    const row = (k: number): { readonly place: Value; readonly value: Value } =>
      g.count === 1
        ? { place: g.place, value: g.value }
        : { place: b.gather(g.place, b.constant(k, "int")), value: b.gather(g.value, b.constant(k, "int")) };
    if (g.count > 1 && String(shapeOf(places)) === String(shapeOf(g.place)) && this.always(c, equalTo(g.place)))
      return ofElement(g.value, true);
    return Array.from({ length: g.count }, (_, k) => row(k)).reduce((out, { place, value }) => {
      const same = equalTo(place);
      if (this.always(c, b.not(same))) return out;
      const all = b.broadcastTo(ofElement(value), shapeOf(out));
      return this.always(c, same) ? all : b.select(b.reshape(same, [...shapeOf(same), ...behind]), all, out);
    }, found);
  }

  private always(c: Context, condition: Value): boolean {
    const table = knownOf(overRows(this.b, [condition], c.rows)[0]);
    return table?.every((v: number) => v !== 0) ?? false;
  }

  /** Every element that matters has been given when it is read: in an earlier step, or in this one by one of the first `before` lets. */
  private check(c: Context, places: Value, before: number, span: SourceSpan): void {
    const { b, scan } = this;
    const stepAxis = c.rows.indexOf(scan.axis);
    const known = knownOf(overRows(b, [places], c.rows)[0]);
    if (known === null || stepAxis < 0) return;
    const matters = c.guards.map((g) => rowTable(b, g, c.rows));
    const width = sizeOf(shapeOf(places));
    const sizes = c.rows.map((r) => r.size);
    const strides = stridesOf(sizes);
    for (let n = 0; n * width < known.length; n++) {
      const row = strides.map((stride, k) => Math.floor(n / stride) % sizes[k]);
      if (matters.some((t) => t !== null && tableAt(t, row) === 0)) continue;
      for (let k = n * width; k < (n + 1) * width; k++) {
        const since = this.since[known[k]];
        if (since < row[stepAxis] || (since === row[stepAxis] && this.giver[known[k]] < before)) continue;
        reject(bindCodes.index, span, `${this.name}[${this.layout.subscriptsOf(known[k])}] is read before it is given`);
      }
    }
  }

  /** The state as it begins, and one write a step for each element or run of elements. It is longer than the array where steps give nothing. */
  close(): {
    /** [rows, plates, …element] */
    readonly initial: Value;
    readonly rows: number;
    readonly element: Shape;
    readonly given: readonly { place: Value; value: Value }[];
  } {
    const element = this.elementShape();
    if (element === undefined) throw new InternalError(`${this.name} is given by nothing`);
    for (const check of this.checks) check();
    const all = together(this.b, this.given);
    const size = sizeOf(this.extents);
    const given = all.flatMap((g) => this.everywhere(g, size)).flatMap((g) => inRuns(this.b, g));
    const rows = size + this.spare;
    return { initial: this.before(element, rows), rows, element, given };
  }

  /** Elements given before the loop at their places, 0 elsewhere. */
  private before(element: Shape, rows: number): Value {
    const { b, base, layout } = this;
    const shape = [rows, ...layout.across, ...element];
    if (!base || base.empty) return b.broadcastTo(b.constant(0), shape);
    const count = sizeOf(base.extents);
    const whole = b.reshape(b.cast(base.whole(b), "real"), [count, ...element]);
    const zero = b.broadcastTo(b.constant(0), [1, ...element]);
    const from = new Float64Array(rows * sizeOf(layout.across)).fill(count);
    for (const [place, at] of layout.within(base)) from[place] = at;
    return b.reshape(b.gather(b.concat([whole, zero], 0), b.tensor(from, [from.length], "int")), shape);
  }

  /** In steps in which a let gives nothing, it writes behind the array, each time elsewhere: nothing is written twice. */
  private everywhere(g: Given, size: number): Given[] {
    if (!g.where) return [g];
    const { b } = this;
    const { count, where } = g;
    const from = size + this.spare;
    this.spare += count * this.scan.steps;
    const table = Float64Array.from(g.table, (v, i) => (where.table[Math.floor(i / count)] !== 0 ? v : from + i));
    const rows = this.scan.perStep(Float64Array.from({ length: this.scan.steps }, (_, i) => from + i * count));
    const elsewhere = count === 1 ? rows : b.add(rows, b.iota([count], 0));
    return [{ ...g, table, place: b.select(where.condition, g.place, elsewhere), where: undefined }];
  }

  /** The array as the loop leaves it, where its owner keeps it. */
  end(state: Value): void {
    const { b, layout } = this;
    const size = sizeOf(this.extents);
    const element = shapeOf(state).slice(1 + layout.across.length);
    const own = shapeOf(state)[0] === size ? state : b.slice(state, 0, 0, size);
    const { places, coordinates } = layout.elements((slot) => this.since[slot] !== Number.POSITIVE_INFINITY);
    const flat = b.reshape(own, [sizeOf(layout.extents), ...element]);
    const isWhole = places.length === sizeOf(layout.extents) && places.every((p, i) => p === i);
    const value = isWhole ? flat : b.gather(flat, b.tensor(Float64Array.from(places), [places.length], "int"));
    const [span] = this.given.map((g) => g.span);
    this.ended = { coordinates, value, span };
  }
  ended: { readonly coordinates: readonly Float64Array[]; readonly value: Value; readonly span: SourceSpan } | undefined;
}
