// Code for reading and writing elements at symbolic indices, two lanes at a time.
import { InternalError } from "../errors.ts";
import { constantOf, dtypeOf, type Node, shapeOf, type Value } from "../ir/graph.ts";
import { Addresses, type Bindings, type Lane } from "./addresses.ts";
import type { Carries, Part } from "./carries.ts";
import type { ConstantMemory } from "./constants.ts";
import { type Dataflow, memoryArgument, type Op, type Scope } from "./dataflow.ts";
import { asVector, type DataflowEmitter } from "./emitter.ts";
import { join, partsOf, resultOf } from "./factors.ts";
import { type AxisVariable, type DynamicVariable, flatten, type Index, isConstant, plus, scale, shifted } from "./indices.ts";
import { f64, f64x2, i32, i32x4, v128 } from "./instructions.ts";
import type { Home } from "./memory.ts";
import type { Space } from "./plan.ts";
import type { Statement } from "./statements.ts";
import type { VectorValue } from "./vector-emitter.ts";
import type { Algebra, Walk } from "./walk.ts";

/** Everything that code generation shares across groups. */
export interface Context {
  readonly w: DataflowEmitter;
  readonly constants: ConstantMemory;
  homeOf(v: Value): Home;
  /** An element held in registers, if it is. */
  element(v: Value, position: number): Op<"v128"> | null;
  /** What goes from step to step of a loop around in registers. */
  readonly carries: Carries | null;
}

const bare = { v: { type: "v128", code: [] }, i: { type: "i32", code: [] }, f: { type: "f64", code: [] } } as const;
const suffix = {
  shl: i32.shl(bare.i, bare.i).code,
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
  private readonly addresses: Addresses;
  private readonly innermost: AxisVariable | null;
  private readonly graph: Dataflow;
  private readonly lanes = new Map<DynamicVariable, readonly [Op<"i32">, Op<"i32">]>();
  /** Set once: the walk that computes index tensors. */
  walk: Walk<VectorValue> | null = null;

  constructor(context: Context, bindings: Bindings, innermost: AxisVariable | null) {
    this.context = context;
    this.innermost = innermost;
    this.graph = context.w.graph;
    this.addresses = new Addresses(this.graph, bindings, (variable) => this.dynamic(variable));
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
    const { w } = this.context;
    const rule = node.op.wasm;
    if (terms.length === 0) return this.constant(rule.init);
    const parts = terms.map((x) => partsOf(w, rule, this.number(x)));
    return resultOf(
      w,
      rule,
      balanced(parts, (x, y) => join(w, rule, x, y)),
    );
  }
  index(i: Index): VectorValue {
    const { w } = this.context;
    const first = this.addresses.of(i, 0);
    const stride = this.addresses.laneStride(i);
    if (stride !== null) {
      const constant = this.graph.expression(v128.const(first.offset / 8, first.offset / 8 + stride));
      if (first.op === null) return constant;
      return w.add(w.mul(this.convert(first.op, first.op), w.constant(0.125)), constant);
    }
    const second = this.addresses.of(i, 1);
    const both = this.convert(this.addresses.whole(first), this.addresses.whole(second));
    return w.mul(both, w.constant(0.125));
  }
  load(v: Value, position: Index): VectorValue {
    if (isConstant(position)) {
      const held = this.context.element(v, position.constant);
      if (held !== null) return held;
    }
    const carried = this.context.carries?.element(
      this.context.w,
      v,
      (row) => this.partOf(row, position),
      (row, part) => this.loadPart(v, row, part),
    );
    return carried ?? this.loadFromMemory(v, position);
  }
  /** Which elements of the row that begins there stand at the position in the two lanes; null if that is known only when running. */
  partOf(row: Index, position: Index): Part | null {
    const rest = plus(position, scale(row, -1));
    if (rest.terms.some((t) => t.variable.kind === "dynamic")) return null;
    const { op, offset } = this.addresses.of(rest, 0);
    const stride = this.addresses.laneStride(rest);
    return op === null && stride !== null ? { offset: offset / 8, stride } : null;
  }
  private loadPart(v: Value, row: Index, { offset, stride }: Part): Op<"v128"> {
    const tag = `load ${v.node.id}.${v.index} `;
    const address = this.addresses.of(shifted(row, offset), 0);
    const code = stride === 1 ? suffix.load : suffix.loadSplat;
    return this.addresses.read("v128", code, 3, this.context.homeOf(v).offset, address, tag);
  }
  private loadFromMemory(v: Value, position: Index): VectorValue {
    const isTable = constantOf(v) !== null;
    const { home, at } = isTable
      ? this.context.constants.real(v, position, this.innermost)
      : { home: this.context.homeOf(v), at: position };
    // What a stretch of memory holds changes between groups: the value tells one load from the other.
    const tag = `load ${v.node.id}.${v.index} `;
    const stride = this.addresses.laneStride(at);
    switch (home.element) {
      case "f64": {
        if (stride === 0) return this.addresses.read("v128", suffix.loadSplat, 3, home.offset, this.addresses.of(at, 0), tag);
        if (stride === 1) return this.addresses.read("v128", suffix.load, 3, home.offset, this.addresses.of(at, 0), tag);
        const low = this.addresses.read("v128", suffix.loadLow, 3, home.offset, this.addresses.of(at, 0), tag);
        const { op, offset } = this.addresses.place(home.offset, this.addresses.of(at, 1));
        return this.graph.op("v128", [op, low], [...memoryArgument(suffix.loadLane, 3, offset), 1], { tag });
      }
      case "i32": {
        if (stride === 1) {
          const two = this.addresses.read("v128", suffix.loadLow, 2, home.offset, this.addresses.ofNarrow(at, 0, 1), tag);
          return this.graph.op("v128", [two], suffix.convertLow);
        }
        return this.convert(
          ...this.pair((lane) =>
            this.addresses.read("i32", suffix.load32, 2, home.offset, this.addresses.ofNarrow(at, lane, 1), tag),
          ),
        );
      }
      case "u8":
        return this.convert(
          ...this.pair((lane) =>
            this.addresses.read("i32", suffix.load8, 0, home.offset, this.addresses.ofNarrow(at, lane, 3), tag),
          ),
        );
    }
  }

  // ---- writing
  /** Statements that store x at the position: both lanes, or lane 0 alone. */
  store(home: Home, at: Index, x: Op<"v128">, single: boolean): Statement[] {
    if (home.element !== "f64") throw new InternalError("only real numbers are stored");
    if (!single && this.addresses.laneStride(at) === 1) {
      const { op, offset } = this.addresses.place(home.offset, this.addresses.of(at, 0));
      return [{ kind: "store", address: op, value: x, suffix: memoryArgument(suffix.store, 3, offset) }];
    }
    return this.eachLane(single).map((lane) => this.storeLane(home, at, x, lane));
  }
  /** Both lanes next to one another, or lane 0 alone. */
  storeNeighbours(home: Home, at: Index, x: Op<"v128">, single: boolean): Statement[] {
    const { op, offset } = this.addresses.place(home.offset, this.addresses.of(at, 0));
    return [{ kind: "store", address: op, value: x, suffix: vectorAt("store", offset, single) }];
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
    const loadNow = (lane: Lane, op: readonly number[]): Op<"v128"> => {
      const { op: address, offset } = this.addresses.place(homes[lane].offset, this.addresses.of(at, lane));
      return this.graph.momentary("v128", [address], memoryArgument(op, 3, offset), scope);
    };
    if (!single && homes[0] === homes[1] && this.addresses.laneStride(at) === 1) {
      const { op, offset } = this.addresses.place(homes[0].offset, this.addresses.of(at, 0));
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

  private eachLane(single: boolean): readonly Lane[] {
    return single ? [0] : [0, 1];
  }
  private storeLane(home: Home, at: Index, value: Op<"v128">, lane: Lane): Statement {
    const { op, offset } = this.addresses.place(home.offset, this.addresses.of(at, lane));
    return { kind: "store", address: op, value, suffix: [...memoryArgument(suffix.storeLane, 3, offset), lane] };
  }

  private pair(make: (lane: Lane) => Op<"i32">): [Op<"i32">, Op<"i32">] {
    return [make(0), make(1)];
  }
  private convert(low: Op<"i32">, high: Op<"i32">): Op<"v128"> {
    const first = this.graph.op("v128", [this.graph.op("f64", [low], suffix.convert)], suffix.splat);
    if (low === high) return first;
    return this.graph.op("v128", [first, this.graph.op("f64", [high], suffix.convert)], [0xfd, 0x22, 1]);
  }

  /** A number of a table, a 32-bit integer for each value of the variable. */
  integer(table: Home, by: AxisVariable): Op<"i32"> {
    const address = this.addresses.ofNarrow({ constant: 0, terms: [{ variable: by, coefficient: 1 }] }, 0, 1);
    return this.addresses.read("i32", suffix.load32, 2, table.offset, address, "integer ");
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
    return this.pair((lane) =>
      this.addresses.read("i32", suffix.load32, 2, home.offset, this.addresses.ofNarrow(at, lane, 1), "index "),
    );
  }
  /** Division by 0 or 1 traps where the index lies outside. */
  private computedIndex(variable: DynamicVariable): [Op<"i32">, Op<"i32">] {
    if (this.walk === null) throw new InternalError("no walk for an index tensor");
    if (dtypeOf(variable.value) === "real") throw new InternalError("real numbers as indices");
    const numbers = asVector(this.number(this.walk.at(variable.value, variable.at)));
    const whole = this.graph.op("v128", [numbers], suffix.truncSat);
    const lane = (k: Lane): Op<"i32"> => {
      const i = this.graph.op("i32", [whole], [0xfd, 0x1b, k]);
      const inside = this.graph.op("i32", [i], [...i32.const(variable.size).code, ...suffix.ltU]);
      const bytes = this.graph.op("i32", [i], [...i32.const(3).code, ...suffix.shl]);
      return this.graph.op("i32", [bytes, inside], suffix.divU);
    };
    return this.pair(lane);
  }
}

/** Combined in pairs, then pairs of pairs: short chains of dependencies, small rounding error. */
export function balanced<T>(items: readonly T[], combine: (x: T, y: T) => T): T {
  if (items.length === 1) return items[0];
  const half = items.length >> 1;
  return combine(balanced(items.slice(0, half), combine), balanced(items.slice(half), combine));
}
