// What names stand for while a model is lowered.
import { type Builder, dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type DType, type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Index, LetStatement, QuantityStatement } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { bindCodes, reject } from "./rejection.ts";
import { MOST_ELEMENTS } from "./rows.ts";

export type Binding =
  | NamedValue
  /** Elements given by several statements. */
  | { readonly kind: "array"; readonly array: PieceArray }
  /** A recurrence on data, one element after the other. */
  | { readonly kind: "sequence"; readonly sequence: Sequence }
  /** A recurrence over latents under way. */
  | { readonly kind: "scan"; readonly array: ScanBinding };

export interface ScanBinding {
  readonly name: string;
  read(c: Context, e: Index): Value;
  write(c: Context, s: LetStatement | QuantityStatement): void;
}

export interface NamedValue {
  readonly kind: "value";
  readonly value: Value;
  /** A condition on data: the rows that have it, where an `if` gives it to some alone. */
  readonly where?: Value;
}

export class Scope {
  private readonly bindings = new Map<string, Binding>();
  /** The block around. */
  readonly outer: Scope | undefined;
  readonly depth: number;
  /** The loop whose body this is. */
  private readonly loop: { readonly variable: string; readonly symbol: Value } | undefined;
  /** Row symbols that are no variables of loops around: of the call, where this is the body of a function, whose names are not in scope; of steps
   *  that are counted. */
  private readonly caller: readonly Value[];
  constructor(outer?: Scope, loop?: { readonly variable: string; readonly symbol: Value }, caller: readonly Value[] = []) {
    this.caller = caller;
    this.outer = outer;
    this.depth = outer ? outer.depth + 1 : 0;
    this.loop = loop;
    if (loop) this.value(loop.variable, loop.symbol);
  }
  /** The body of a function or a density called in `from`: it sees the model's own names and its parameters. */
  static ofCall(root: Scope, from: Scope): Scope {
    return new Scope(root, undefined, from.symbols());
  }
  get(name: string): Binding | undefined {
    return this.bindings.get(name) ?? this.outer?.get(name);
  }
  /** The scope that holds an array of this name. */
  home(name: string): Scope | undefined {
    return this.bindings.get(name)?.kind === "array" ? this : this.outer?.home(name);
  }
  /** The body of the loop that binds this variable. */
  loopOf(variable: string): Scope | undefined {
    return this.loop?.variable === variable ? this : this.outer?.loopOf(variable);
  }
  /** Row symbols of the loops around. */
  symbols(): Value[] {
    return [...(this.loop ? [this.loop.symbol] : []), ...this.caller, ...(this.outer?.symbols() ?? [])];
  }
  set(name: string, binding: Binding): void {
    this.bindings.set(name, binding);
  }
  /** What this scope itself gives a name, if that is a value. */
  own(name: string): NamedValue | undefined {
    const binding = this.bindings.get(name);
    return binding?.kind === "value" ? binding : undefined;
  }
  names(): Iterable<string> {
    return this.bindings.keys();
  }
  value(name: string, value: Value): void {
    this.bindings.set(name, { kind: "value", value });
  }
}

/** Elements at 1-based coordinates, one entry a subscript, each an array over the elements. */
export type Coordinates = readonly Float64Array[];

interface Piece {
  readonly coordinates: Coordinates;
  readonly count: number;
  /** [count, …element] */
  readonly value: Value;
  readonly span: SourceSpan;
}

/** An array of which several statements give disjoint parts (language.md rule 14). */
export class PieceArray {
  readonly name: string;
  private readonly pieces: Piece[] = [];
  private cached: { readonly pieces: number; readonly value: Value } | undefined;
  constructor(name: string) {
    this.name = name;
  }

  add(coordinates: Coordinates, value: Value, span: SourceSpan): void {
    const first = this.pieces[0];
    if (first && first.coordinates.length !== coordinates.length) {
      reject(
        bindCodes.coverage,
        span,
        `${this.name} has ${coordinates.length} subscripts here and ${first.coordinates.length} elsewhere`,
      );
    }
    if (first && shapeOf(first.value).slice(1).join() !== shapeOf(value).slice(1).join()) {
      reject(
        bindCodes.shape,
        span,
        `the elements of ${this.name} differ in shape: [${shapeOf(first.value).slice(1)}] and [${shapeOf(value).slice(1)}]`,
      );
    }
    this.pieces.push({ coordinates, count: shapeOf(value)[0], value, span });
  }

  /** These elements in place of all that were given. */
  replace(coordinates: Coordinates, value: Value, span: SourceSpan): void {
    this.pieces.length = 0;
    this.cached = undefined;
    this.add(coordinates, value, span);
  }

  /** Another array of the same elements. */
  copy(): PieceArray {
    const array = new PieceArray(this.name);
    array.pieces.push(...this.pieces);
    return array;
  }

  get empty(): boolean {
    return this.pieces.length === 0;
  }

  /** Runs f as if these elements were given. */
  provisionally<T>(coordinates: Coordinates, value: Value, span: SourceSpan, f: () => T): T {
    this.add(coordinates, value, span);
    try {
      return f();
    } finally {
      this.pieces.pop();
      this.cached = undefined;
    }
  }

  get dtype(): DType {
    return dtypeOf(this.pieces[0].value);
  }

  get elementShape(): Shape {
    return shapeOf(this.pieces[0].value).slice(1);
  }

  /** Size along each subscript: the largest coordinate given so far. */
  get extents(): number[] {
    return extentsOf(this.pieces.map((p) => p.coordinates));
  }

  /** Flat row-major positions within `extents` of the elements given, in ascending order. */
  defined(): number[] {
    return [...this.places(this.extents).keys()].sort((a, b) => a - b);
  }

  /** Flat position -> number of the element in the pieces laid one after the other. */
  private places(extents: readonly number[]): Map<number, number> {
    const strides = stridesOf(extents);
    const places = new Map<number, number>();
    let n = 0;
    for (const piece of this.pieces) {
      for (let i = 0; i < piece.count; i++, n++) {
        const flat = piece.coordinates.reduce((sum, c, k) => sum + (c[i] - 1) * strides[k], 0);
        if (places.has(flat)) {
          const element = piece.coordinates.map((c) => c[i]).join(", ");
          reject(bindCodes.twice, piece.span, `${this.name}[${element}] is given twice`, {
            label: "each element has exactly one ~ or let",
          });
        }
        places.set(flat, n);
      }
    }
    return places;
  }

  /** One element, by its 1-based coordinates. */
  element(b: Builder, coordinates: readonly number[]): Value | undefined {
    const { extents } = this;
    if (coordinates.length !== extents.length || coordinates.some((x, k) => x < 1 || x > extents[k])) return undefined;
    const flat = stridesOf(extents).reduce((sum, stride, k) => sum + (coordinates[k] - 1) * stride, 0);
    if (!this.places(extents).has(flat)) return undefined;
    const whole = this.whole(b);
    const rows = b.reshape(whole, [sizeOf(extents), ...shapeOf(whole).slice(extents.length)]);
    return b.gather(rows, b.constant(flat, "int"));
  }

  /** Where elements are given, 1, and where not, 0: [extents…]; undefined if all are. Elements are never given twice where `whole` has been had. */
  given(b: Builder): Value | undefined {
    const { extents } = this;
    const total = sizeOf(extents);
    if (this.pieces.reduce((n, p) => n + p.count, 0) === total) return undefined;
    const places = this.places(extents);
    return b.tensor(
      Float64Array.from({ length: total }, (_, i) => (places.has(i) ? 1 : 0)),
      extents,
      "int",
    );
  }

  /** The array so far: [extents…, …element]; NaN where no statement has given an element yet. */
  whole(b: Builder): Value {
    if (this.cached?.pieces === this.pieces.length) return this.cached.value;
    const value = this.assemble(b);
    this.cached = { pieces: this.pieces.length, value };
    return value;
  }

  private assemble(b: Builder): Value {
    const { extents, elementShape } = this;
    const places = this.places(extents);
    const total = sizeOf(extents);
    if (total * sizeOf(elementShape) > MOST_ELEMENTS)
      reject(
        bindCodes.size,
        this.pieces[this.pieces.length - 1].span,
        `${this.name} has shape [${[...extents, ...elementShape].join(", ")}]`,
        {
          label: `more than ${MOST_ELEMENTS} elements cannot be held`,
        },
      );
    const laid =
      this.pieces.length === 1
        ? this.pieces[0].value
        : b.concat(
            this.pieces.map((p) => p.value),
            0,
          );
    const count = shapeOf(laid)[0];
    const order = Float64Array.from({ length: total }, (_, flat) => places.get(flat) ?? count);
    const inOrder = count === total && order.every((from, i) => from === i);
    if (inOrder) return b.reshape(laid, [...extents, ...elementShape]);
    if (dtypeOf(laid) === "int") {
      // What no statement gives is not read: any element may stand there, so that integers stay integers.
      const some = order.map((from) => (from === count ? 0 : from));
      return b.reshape(b.gather(laid, b.tensor(some, [total], "int")), [...extents, ...elementShape]);
    }
    const padded =
      places.size === total ? laid : b.concat([laid, b.broadcastTo(b.constant(Number.NaN), [1, ...elementShape])], 0);
    return b.reshape(b.gather(padded, b.tensor(order, [total], "int")), [...extents, ...elementShape]);
  }
}

function extentsOf(coordinates: readonly Coordinates[]): number[] {
  const rank = coordinates[0]?.length ?? 0;
  return Array.from({ length: rank }, (_, k) => coordinates.reduce((m, c) => c[k].reduce((x, y) => Math.max(x, y), m), 0));
}

/** A recurrence on data under way: elements by their coordinates. */
export class Sequence {
  readonly name: string;
  private readonly elements = new Map<string, { readonly coordinates: readonly number[]; readonly value: Value }>();
  /** Elements given before the loop. */
  private readonly base: PieceArray | undefined;
  constructor(name: string, base?: PieceArray) {
    this.name = name;
    this.base = base;
  }
  get(b: Builder, coordinates: readonly number[]): Value | undefined {
    return this.elements.get(coordinates.join())?.value ?? this.base?.element(b, coordinates);
  }
  set(coordinates: readonly number[], value: Value, span: SourceSpan): void {
    const key = coordinates.join();
    if (this.elements.has(key))
      reject(bindCodes.twice, span, `${this.name}[${key}] is given twice`, { label: "each element has exactly one let" });
    this.elements.set(key, { coordinates, value });
  }
  /** All of it as one piece. */
  finish(b: Builder): { readonly coordinates: Coordinates; readonly value: Value } | undefined {
    const all = [...this.elements.values()];
    if (all.length === 0) return undefined;
    const rank = all[0].coordinates.length;
    const coordinates = Array.from({ length: rank }, (_, k) => Float64Array.from(all, (e) => e.coordinates[k]));
    return {
      coordinates,
      value: b.stack(
        all.map((e) => e.value),
        0,
      ),
    };
  }
}
