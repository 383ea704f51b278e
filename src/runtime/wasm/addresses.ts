// Byte addresses of elements at symbolic indices, under one binding of a nest's loop variables.
import { InternalError } from "../errors.ts";
import { type Dataflow, memoryArgument, type Op } from "./dataflow.ts";
import { type AxisVariable, axesOf, type DynamicVariable, type Index } from "./indices.ts";
import { i32 } from "./instructions.ts";

/** What an axis variable is at the place where code is made: counter/8 + constant in lane 0, `lane` more in lane 1. Counters go in
 *  steps of 8, so that they are byte offsets of float64 elements. */
export interface Binding {
  readonly counter: Op<"i32"> | null;
  readonly constant: number;
  readonly lane: 0 | 1;
}
export type Bindings = ReadonlyMap<AxisVariable, Binding>;
export type Lane = 0 | 1;

/** op + offset in bytes; `falls` where a variable counts downwards. */
export interface Address {
  readonly op: Op<"i32"> | null;
  readonly offset: number;
  readonly falls: boolean;
}

const bare = { type: "i32", code: [] } as const;
const add = i32.add(bare, bare).code;
const mul = i32.mul(bare, bare).code;
const shl = i32.shl(bare, bare).code;
const shr = i32.shrUnsigned(bare, bare).code;
const by = (n: number, op: readonly number[]): number[] => [...i32.const(n).code, ...op];

export class Addresses {
  private readonly graph: Dataflow;
  private readonly bindings: Bindings;
  /** The index times 8 in each lane. */
  private readonly dynamic: (variable: DynamicVariable) => readonly [Op<"i32">, Op<"i32">];

  constructor(graph: Dataflow, bindings: Bindings, dynamic: (variable: DynamicVariable) => readonly [Op<"i32">, Op<"i32">]) {
    this.graph = graph;
    this.bindings = bindings;
    this.dynamic = dynamic;
  }

  /** Elements between the lanes; null if known only when running. */
  laneStride(at: Index): number | null {
    let stride = 0;
    for (const { variable, coefficient } of at.terms) {
      if (variable.kind === "axis") stride += coefficient * this.bindingOf(variable).lane;
      else if (this.variesByLane(variable)) return null;
    }
    return stride;
  }
  /** The address of a float64 element, from the start of its tensor. */
  of(at: Index, lane: Lane): Address {
    let offset = 8 * at.constant;
    const parts: { op: Op<"i32">; coefficient: number }[] = [];
    for (const { variable, coefficient } of at.terms) {
      if (variable.kind === "dynamic") parts.push({ op: this.dynamic(variable)[lane], coefficient });
      else {
        const b = this.bindingOf(variable);
        offset += 8 * coefficient * (b.constant + lane * b.lane);
        if (b.counter !== null) parts.push({ op: b.counter, coefficient });
      }
    }
    // Outer variables first: their part of the sum is computed outside the inner loop.
    parts.sort((a, b) => a.op.scope.depth - b.op.scope.depth);
    let sum: Op<"i32"> | null = null;
    for (const { op, coefficient } of parts) {
      const product = this.times(op, coefficient);
      sum = sum === null ? product : this.graph.op("i32", [sum, product], add);
    }
    return { op: sum, offset, falls: parts.some((p) => p.coefficient < 0) };
  }
  /** The same for elements of 8 >> shift bytes. */
  ofNarrow(at: Index, lane: Lane, shift: number): Address {
    const address = this.of(at, lane);
    if (address.falls) return { op: this.graph.op("i32", [this.whole(address)], by(shift, shr)), offset: 0, falls: false };
    const { op, offset } = address;
    return { op: op && this.graph.op("i32", [op], by(shift, shr)), offset: offset >> shift, falls: false };
  }
  /** Everything in the operand. */
  whole({ op, offset }: Address): Op<"i32"> {
    if (op === null) return this.graph.expression(i32.const(offset));
    return offset === 0 ? op : this.graph.op("i32", [op], by(offset, add));
  }
  /** Operand and immediate offset for a tensor at `base`. The operand must not be negative, so what falls takes the offset in. */
  place(base: number, address: Address): { readonly op: Op<"i32">; readonly offset: number } {
    if (address.op === null) return { op: this.graph.expression(i32.const(0)), offset: base + address.offset };
    if (!address.falls && address.offset >= -base) return { op: address.op, offset: base + address.offset };
    return { op: this.whole(address), offset: base };
  }
  /** A load from there; `tag` as in Dataflow.op. */
  read<T extends "i32" | "v128">(
    type: T,
    op: readonly number[],
    alignment: number,
    base: number,
    address: Address,
    tag: string,
  ): Op<T> {
    const place = this.place(base, address);
    return this.graph.op(type, [place.op], memoryArgument(op, alignment, place.offset), { tag });
  }

  private variesByLane(variable: DynamicVariable): boolean {
    for (const i of variable.at) for (const axis of axesOf(i)) if (this.bindingOf(axis).lane !== 0) return true;
    return false;
  }
  private bindingOf(variable: AxisVariable): Binding {
    const binding = this.bindings.get(variable);
    if (binding === undefined) throw new InternalError("an index of another loop nest");
    return binding;
  }
  private times(op: Op<"i32">, factor: number): Op<"i32"> {
    if (factor === 1) return op;
    const isPowerOfTwo = factor > 0 && (factor & (factor - 1)) === 0;
    return this.graph.op("i32", [op], isPowerOfTwo ? by(31 - Math.clz32(factor), shl) : by(factor, mul));
  }
}
