// An array of a recurrence: what is read of it before a step, and what the steps give.

import { InternalError } from "../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { symbol } from "../../runtime/ir/loop/make.ts";
import { type Numbers, type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Index, LetStatement, Place, QuantityStatement, Subscript } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { select } from "./index-expression.ts";
import { knownOf } from "./known.ts";
import { bindCodes, reject } from "./rejection.ts";
import { overRows, rowTable, tableAt } from "./rows.ts";
import type { Scan } from "./scan.ts";
import type { ScanLayout } from "./scan-layout.ts";
import { flatPlaces, type Given, inRuns, together } from "./scan-writes.ts";
import type { PieceArray, ScanBinding } from "./scope.ts";

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
    if (table === null) {
      if (knownOf(overRows(b, [at], scan.rows)[0]) !== null) return this.refuseVarying(to.span);
      return reject(bindCodes.notYet, to.span, "the index on the left must be known from the data");
    }
    const where = this.guard(c, span);
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
  private guard(c: Context, span: SourceSpan): Given["where"] {
    const { b, scan } = this;
    if (c.guards.length === 0) return undefined;
    const condition = c.guards.reduce((x, y) => b.and(x, y));
    const table = scan.overSteps(condition);
    if (table === null) return this.refuseVarying(span);
    return table.every((v: number) => v !== 0) ? undefined : { condition, table };
  }

  /** Each turn of a loop around has an array of its own, of which others have other elements. */
  private refuseVarying(span: SourceSpan): never {
    return reject(bindCodes.notYet, span, `which elements of ${this.name} are given varies with a loop around it`, {
      notes: ["subscript it by that loop's variable too"],
    });
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
