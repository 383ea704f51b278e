// Code for reading and writing elements at symbolic indices, two lanes at a time.
import { InternalError } from "../errors.ts";
import { constantOf, dtypeOf, type Node, shapeOf, type Value } from "../ir/graph.ts";
import type { ConstantMemory } from "./constants.ts";
import { type Dataflow, memoryArgument, type Op, type Scope } from "./dataflow.ts";
import { asVector, type DataflowEmitter } from "./emitter.ts";
import { type AxisVariable, axesOf, type DynamicVariable, flatten, type Index, isConstant } from "./indices.ts";
import { f64, f64x2, i32, i32x4, v128 } from "./instructions.ts";
import type { Home } from "./memory.ts";
import type { Space } from "./plan.ts";
import type { Statement } from "./statements.ts";
import type { VectorValue } from "./vector-emitter.ts";
import type { Algebra, Walk } from "./walk.ts";

/** What an axis variable is at the place where code is made: counter/8 + constant in lane 0, `lane` more in lane 1. Counters go in
 *  steps of 8, so that they are byte offsets of float64 elements. */
export interface Binding {
  readonly counter: Op<"i32"> | null;
  readonly constant: number;
  readonly lane: 0 | 1;
}
export type Bindings = ReadonlyMap<AxisVariable, Binding>;

/** Everything that code generation shares across groups. */
export interface Context {
  readonly w: DataflowEmitter;
  readonly constants: ConstantMemory;
  homeOf(v: Value): Home;
  /** An element held in registers, if it is. */
  element(v: Value, position: number): Op<"v128"> | null;
}

const bare = { v: { type: "v128", code: [] }, i: { type: "i32", code: [] }, f: { type: "f64", code: [] } } as const;
const suffix = {
  add: i32.add(bare.i, bare.i).code,
  mul: i32.mul(bare.i, bare.i).code,
  shl: i32.shl(bare.i, bare.i).code,
  shr: i32.shrUnsigned(bare.i, bare.i).code,
  lt: i32.lt(bare.i, bare.i).code,
  ltU: [0x49],
  divU: i32.divUnsigned(bare.i, bare.i).code,
  load: [0xfd, 0x00],
  loadSplat: [0xfd, 0x0a],
  loadLow: [0xfd, 0x5d],
  loadLane: [0xfd, 0x57],
  store: [0xfd, 0x0b],
  storeLane: [0xfd, 0x5b],
  load32: [0x28],
  load8: [0x2d],
  store32: [0x36],
  store8: [0x3a],
  convert: f64.convert(bare.i).code,
  splat: f64x2.splat(bare.f).code,
  convertLow: f64x2.convertLow(bare.v).code,
  truncSat: i32x4.truncSat(bare.v).code,
} as const;

/** A load or store of two lanes, or of the low lane alone (the high one is then a copy, or stays). */
export function vectorAt(what: "load" | "store", offset: number, single: boolean): number[] {
  if (what === "load") return memoryArgument(single ? suffix.loadSplat : suffix.load, 3, offset);
  return single ? [...memoryArgument(suffix.storeLane, 3, offset), 0] : memoryArgument(suffix.store, 3, offset);
}

/** One array of reads and writes under one binding of the loop variables. */
export class Access implements Algebra<VectorValue> {
  private readonly context: Context;
  private readonly bindings: Bindings;
  private readonly innermost: AxisVariable | null;
  private readonly graph: Dataflow;
  private readonly lanes = new Map<DynamicVariable, readonly [Op<"i32">, Op<"i32">]>();
  /** Set once: the walk that computes index tensors. */
  walk: Walk<VectorValue> | null = null;

  constructor(context: Context, bindings: Bindings, innermost: AxisVariable | null) {
    this.context = context;
    this.bindings = bindings;
    this.innermost = innermost;
    this.graph = context.w.graph;
  }

  /** An element of a sink's operand. */
  element(v: Value, { flat }: Space, index: readonly Index[]): VectorValue {
    if (this.walk === null) throw new InternalError("no walk");
    return flat ? this.walk.flat(v, index[0]) : this.walk.at(v, index);
  }

  // ---- the algebra of the walk
  constant(x: number): VectorValue {
    return this.context.w.constant(x);
  }
  map(node: Node, operands: readonly VectorValue[]): VectorValue {
    if (typeof node.op === "string" || node.op.wasm.kind !== "map") throw new InternalError("not a map");
    return node.op.wasm.emit(this.context.w, operands, node.attrs);
  }
  fold(node: Node, terms: readonly VectorValue[]): VectorValue {
    if (typeof node.op === "string" || node.op.wasm.kind !== "reduce") throw new InternalError("not a reduction");
    const { init, combine } = node.op.wasm;
    return terms.length === 0
      ? this.constant(init)
      : balanced(terms, (x, y) => combine(this.context.w, this.number(x), this.number(y)));
  }
  index(i: Index): VectorValue {
    const { w } = this.context;
    const first = this.address(i, 0);
    const stride = this.laneStride(i);
    if (stride !== null) {
      const constant = this.graph.expression(v128.const(first.offset / 8, first.offset / 8 + stride));
      if (first.op === null) return constant;
      return w.add(w.mul(this.convert(first.op, first.op), w.constant(0.125)), constant);
    }
    const second = this.address(i, 1);
    const both = this.convert(this.withOffset(first), this.withOffset(second));
    return w.mul(both, w.constant(0.125));
  }
  load(v: Value, position: Index): VectorValue {
    if (isConstant(position)) {
      const held = this.context.element(v, position.constant);
      if (held !== null) return held;
    }
    const isTable = constantOf(v) !== null;
    const { home, at } = isTable
      ? this.context.constants.real(v, position, this.innermost)
      : { home: this.context.homeOf(v), at: position };
    // What a stretch of memory holds changes between groups: the value tells one load from the other.
    const tag = `load ${v.node.id}.${v.index} `;
    const stride = this.laneStride(at);
    switch (home.element) {
      case "f64": {
        if (stride === 0) return this.read("v128", suffix.loadSplat, 3, home.offset, this.address(at, 0), tag);
        if (stride === 1) return this.read("v128", suffix.load, 3, home.offset, this.address(at, 0), tag);
        const low = this.read("v128", suffix.loadLow, 3, home.offset, this.address(at, 0), tag);
        const { op, offset } = this.place(home.offset, this.address(at, 1));
        return this.graph.op("v128", [op, low], [...memoryArgument(suffix.loadLane, 3, offset), 1], { tag });
      }
      case "i32": {
        if (stride === 1) {
          const two = this.read("v128", suffix.loadLow, 2, home.offset, this.scaled(this.address(at, 0), 1), tag);
          return this.graph.op("v128", [two], suffix.convertLow);
        }
        return this.convert(
          ...this.pair((lane) => this.read("i32", suffix.load32, 2, home.offset, this.scaled(this.address(at, lane), 1), tag)),
        );
      }
      case "u8":
        return this.convert(
          ...this.pair((lane) => this.read("i32", suffix.load8, 0, home.offset, this.scaled(this.address(at, lane), 3), tag)),
        );
    }
  }

  // ---- writing
  /** Statements that store x at the position: both lanes, or lane 0 alone. */
  store(home: Home, at: Index, x: Op<"v128">, single: boolean): Statement[] {
    if (home.element !== "f64") throw new InternalError("only real numbers are stored");
    if (!single && this.laneStride(at) === 1) {
      const { op, offset } = this.place(home.offset, this.address(at, 0));
      return [{ kind: "store", address: op, value: x, suffix: memoryArgument(suffix.store, 3, offset) }];
    }
    return this.eachLane(single).map((lane) => this.storeLane(home, at, x, lane));
  }
  /** Statements that combine x with what is at the position, each lane in its own tensor, which may be the same. Lanes that may meet
   *  in one element follow one another. */
  accumulate(
    homes: readonly [Home, Home],
    at: Index,
    x: Op<"v128">,
    combine: (acc: VectorValue, x: VectorValue) => VectorValue,
    single: boolean,
    scope: Scope,
  ): Statement[] {
    const loadNow = (lane: 0 | 1, op: readonly number[]): Op<"v128"> => {
      const { op: address, offset } = this.place(homes[lane].offset, this.address(at, lane));
      return this.graph.momentary("v128", [address], memoryArgument(op, 3, offset), scope);
    };
    if (!single && homes[0] === homes[1] && this.laneStride(at) === 1) {
      const { op, offset } = this.place(homes[0].offset, this.address(at, 0));
      const value = this.number(combine(loadNow(0, suffix.load), x));
      return [{ kind: "store", address: op, value, suffix: memoryArgument(suffix.store, 3, offset) }];
    }
    return this.eachLane(single).map((lane) =>
      this.storeLane(homes[lane], at, this.number(combine(loadNow(lane, suffix.loadSplat), x)), lane),
    );
  }
  number(x: VectorValue): Op<"v128"> {
    return this.context.w.number(x);
  }

  private eachLane(single: boolean): readonly (0 | 1)[] {
    return single ? [0] : [0, 1];
  }
  private storeLane(home: Home, at: Index, value: Op<"v128">, lane: 0 | 1): Statement {
    const { op, offset } = this.place(home.offset, this.address(at, lane));
    return { kind: "store", address: op, value, suffix: [...memoryArgument(suffix.storeLane, 3, offset), lane] };
  }

  // ---- addresses, in bytes of float64 elements
  /** Elements between the lanes; null if known only when running. */
  private laneStride(at: Index): number | null {
    let stride = 0;
    for (const { variable, coefficient } of at.terms) {
      if (variable.kind === "axis") stride += coefficient * this.bindingOf(variable).lane;
      else if (this.variesByLane(variable)) return null;
    }
    return stride;
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
  private address(at: Index, lane: 0 | 1): Address {
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
      sum = sum === null ? product : this.graph.op("i32", [sum, product], suffix.add);
    }
    return { op: sum, offset, falls: parts.some((p) => p.coefficient < 0) };
  }
  private times(op: Op<"i32">, by: number): Op<"i32"> {
    if (by === 1) return op;
    const isPowerOfTwo = by > 0 && (by & (by - 1)) === 0;
    if (isPowerOfTwo) return this.graph.op("i32", [op], [...i32.const(31 - Math.clz32(by)).code, ...suffix.shl]);
    return this.graph.op("i32", [op], [...i32.const(by).code, ...suffix.mul]);
  }
  private withOffset({ op, offset }: Address): Op<"i32"> {
    if (op === null) return this.graph.expression(i32.const(offset));
    return offset === 0 ? op : this.graph.op("i32", [op], [...i32.const(offset).code, ...suffix.add]);
  }
  /** For elements of 8 >> by bytes. */
  private scaled(address: Address, by: number): Address {
    if (address.falls)
      return {
        op: this.graph.op("i32", [this.withOffset(address)], [...i32.const(by).code, ...suffix.shr]),
        offset: 0,
        falls: false,
      };
    const { op, offset } = address;
    return { op: op && this.graph.op("i32", [op], [...i32.const(by).code, ...suffix.shr]), offset: offset >> by, falls: false };
  }
  /** Address operand and immediate offset. The operand must not be negative, so what falls takes the offset in. */
  private place(base: number, address: Address): { op: Op<"i32">; offset: number } {
    if (address.op === null) return { op: this.graph.expression(i32.const(0)), offset: base + address.offset };
    if (!address.falls && address.offset >= -base) return { op: address.op, offset: base + address.offset };
    return { op: this.withOffset(address), offset: base };
  }
  private read<T extends "i32" | "v128">(
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
  private pair(make: (lane: 0 | 1) => Op<"i32">): [Op<"i32">, Op<"i32">] {
    return [make(0), make(1)];
  }
  private convert(low: Op<"i32">, high: Op<"i32">): Op<"v128"> {
    const first = this.graph.op("v128", [this.graph.op("f64", [low], suffix.convert)], suffix.splat);
    if (low === high) return first;
    return this.graph.op("v128", [first, this.graph.op("f64", [high], suffix.convert)], [0xfd, 0x22, 1]);
  }

  // ---- indices read when running
  /** The index times 8 in each lane. */
  private dynamic(variable: DynamicVariable): readonly [Op<"i32">, Op<"i32">] {
    const known = this.lanes.get(variable);
    if (known !== undefined) return known;
    const made = constantOf(variable.value) !== null ? this.tabledIndex(variable) : this.computedIndex(variable);
    this.lanes.set(variable, made);
    return made;
  }
  private tabledIndex(variable: DynamicVariable): [Op<"i32">, Op<"i32">] {
    const home = this.context.constants.indices(variable.value, variable.size);
    const at = flatten(variable.at, shapeOf(variable.value));
    return this.pair((lane) => this.read("i32", suffix.load32, 2, home.offset, this.scaled(this.address(at, lane), 1), "index "));
  }
  /** Division by 0 or 1 traps where the index lies outside. */
  private computedIndex(variable: DynamicVariable): [Op<"i32">, Op<"i32">] {
    if (this.walk === null) throw new InternalError("no walk for an index tensor");
    if (dtypeOf(variable.value) === "real") throw new InternalError("real numbers as indices");
    const numbers = asVector(this.number(this.walk.at(variable.value, variable.at)));
    const whole = this.graph.op("v128", [numbers], suffix.truncSat);
    const lane = (k: 0 | 1): Op<"i32"> => {
      const i = this.graph.op("i32", [whole], [0xfd, 0x1b, k]);
      const inside = this.graph.op("i32", [i], [...i32.const(variable.size).code, ...suffix.ltU]);
      const bytes = this.graph.op("i32", [i], [...i32.const(3).code, ...suffix.shl]);
      return this.graph.op("i32", [bytes, inside], suffix.divU);
    };
    return this.pair(lane);
  }
}

/** op + offset; `falls` where a variable counts downwards. */
interface Address {
  readonly op: Op<"i32"> | null;
  readonly offset: number;
  readonly falls: boolean;
}

/** Combined in pairs, then pairs of pairs: short chains of dependencies, small rounding error. */
export function balanced<T>(items: readonly T[], combine: (x: T, y: T) => T): T {
  if (items.length === 1) return items[0];
  const half = items.length >> 1;
  return combine(balanced(items.slice(0, half), combine), balanced(items.slice(half), combine));
}
