// The VectorEmitter of the code generator: each operation becomes a node of a dataflow graph; masks turn into numbers only where needed.
import { InternalError } from "../errors.ts";
import { Dataflow, instruction, type Op } from "./dataflow.ts";
import { f64x2, type I32, i32, i64x2, type V128, v128 } from "./instructions.ts";
import type { FunctionBuilder } from "./module.ts";
import { writeStatements } from "./statements.ts";
import type { BitOperations, IterativeFunction, MathFunction, VectorEmitter, VectorValue } from "./vector-emitter.ts";

/** Inline code of the math functions: straight-line, of the emitter's operations alone. */
export type MathLibrary = Readonly<Record<MathFunction, (w: VectorEmitter, ...xs: VectorValue[]) => VectorValue>>;
/** How a call of the math library is coded: inline or as a call of a function. */
export type CallRule = (w: DataflowEmitter, name: MathFunction, args: readonly Op<"v128">[]) => VectorValue;
/** How a call of a function that iterates is coded. */
export type IterationRule = (w: DataflowEmitter, name: IterativeFunction, args: readonly Op<"v128">[]) => VectorValue;

const hole: V128 = { type: "v128", code: [] };
const holeI32: I32 = { type: "i32", code: [] };
/** An instruction without its operands. */
const bare = (e: { readonly code: readonly number[] }): readonly number[] => instruction(e.code);
const code = {
  add: bare(f64x2.add(hole, hole)),
  sub: bare(f64x2.sub(hole, hole)),
  mul: bare(f64x2.mul(hole, hole)),
  div: bare(f64x2.div(hole, hole)),
  neg: bare(f64x2.neg(hole)),
  abs: bare(f64x2.abs(hole)),
  sqrt: bare(f64x2.sqrt(hole)),
  min: bare(f64x2.min(hole, hole)),
  max: bare(f64x2.max(hole, hole)),
  pmin: bare(f64x2.pmin(hole, hole)),
  pmax: bare(f64x2.pmax(hole, hole)),
  floor: bare(f64x2.floor(hole)),
  ceil: bare(f64x2.ceil(hole)),
  trunc: bare(f64x2.trunc(hole)),
  nearest: bare(f64x2.nearest(hole)),
  eq: bare(f64x2.eq(hole, hole)),
  ne: bare(f64x2.ne(hole, hole)),
  lt: bare(f64x2.lt(hole, hole)),
  le: bare(f64x2.le(hole, hole)),
  gt: bare(f64x2.gt(hole, hole)),
  ge: bare(f64x2.ge(hole, hole)),
  and: bare(v128.and(hole, hole)),
  or: bare(v128.or(hole, hole)),
  xor: bare(v128.xor(hole, hole)),
  andnot: bare(v128.andnot(hole, hole)),
  not: bare(v128.not(hole)),
  bitselect: bare(v128.bitselect(hole, hole, hole)),
  bitAdd: bare(i64x2.add(hole, hole)),
  bitSub: bare(i64x2.sub(hole, hole)),
  shl: bare(i64x2.shl(hole, holeI32)),
  shrU: bare(i64x2.shrUnsigned(hole, holeI32)),
  shr: bare(i64x2.shr(hole, holeI32)),
} as const;

export class DataflowEmitter implements VectorEmitter {
  readonly graph: Dataflow;
  private readonly callRule: CallRule;
  private readonly iterationRule: IterationRule;
  private readonly constants = new Map<number, Op<"v128">>();

  constructor(graph: Dataflow, callRule: CallRule, iterationRule: IterationRule = noIteration) {
    this.graph = graph;
    this.callRule = callRule;
    this.iterationRule = iterationRule;
  }
  constant(value: number): Op<"v128"> {
    // A Map takes -0 for 0.
    const known = Object.is(value, -0) ? undefined : this.constants.get(value);
    if (known !== undefined) return known;
    const made = this.graph.expression(v128.const(value));
    if (!Object.is(value, -0)) this.constants.set(value, made);
    return made;
  }
  add(a: VectorValue, b: VectorValue): VectorValue {
    return this.binary(code.add, a, b);
  }
  sub(a: VectorValue, b: VectorValue): VectorValue {
    return this.binary(code.sub, a, b);
  }
  mul(a: VectorValue, b: VectorValue): VectorValue {
    return this.binary(code.mul, a, b);
  }
  div(a: VectorValue, b: VectorValue): VectorValue {
    return this.binary(code.div, a, b);
  }
  min(a: VectorValue, b: VectorValue): VectorValue {
    return this.binary(code.min, a, b);
  }
  max(a: VectorValue, b: VectorValue): VectorValue {
    return this.binary(code.max, a, b);
  }
  neg(a: VectorValue): VectorValue {
    return this.unary(code.neg, a);
  }
  abs(a: VectorValue): VectorValue {
    return this.unary(code.abs, a);
  }
  sqrt(a: VectorValue): VectorValue {
    return this.unary(code.sqrt, a);
  }
  floor(a: VectorValue): VectorValue {
    return this.unary(code.floor, a);
  }
  ceil(a: VectorValue): VectorValue {
    return this.unary(code.ceil, a);
  }
  trunc(a: VectorValue): VectorValue {
    return this.unary(code.trunc, a);
  }
  nearest(a: VectorValue): VectorValue {
    return this.unary(code.nearest, a);
  }
  eq(a: VectorValue, b: VectorValue): VectorValue {
    return this.compare(code.eq, a, b);
  }
  ne(a: VectorValue, b: VectorValue): VectorValue {
    return this.compare(code.ne, a, b);
  }
  lt(a: VectorValue, b: VectorValue): VectorValue {
    return this.compare(code.lt, a, b);
  }
  le(a: VectorValue, b: VectorValue): VectorValue {
    return this.compare(code.le, a, b);
  }
  gt(a: VectorValue, b: VectorValue): VectorValue {
    return this.compare(code.gt, a, b);
  }
  ge(a: VectorValue, b: VectorValue): VectorValue {
    return this.compare(code.ge, a, b);
  }
  and(a: VectorValue, b: VectorValue): VectorValue {
    return this.graph.op("v128", [this.mask(a), this.mask(b)], code.and, { kind: "mask" });
  }
  or(a: VectorValue, b: VectorValue): VectorValue {
    return this.graph.op("v128", [this.mask(a), this.mask(b)], code.or, { kind: "mask" });
  }
  not(a: VectorValue): VectorValue {
    return this.graph.op("v128", [this.mask(a)], code.not, { kind: "mask" });
  }
  select(condition: VectorValue, a: VectorValue, b: VectorValue): VectorValue {
    const masks = a.kind === "mask" && b.kind === "mask";
    const mask = this.mask(condition);
    if (masks) return this.graph.op("v128", [asVector(a), asVector(b), mask], code.bitselect, { kind: "mask" });
    const [x, y] = [this.number(a), this.number(b)];
    return this.simplerChoice(mask, x, y) ?? this.graph.op("v128", [x, y, mask], code.bitselect);
  }
  /** The same bits by one instruction of the processor: the lesser or greater of two, or a choice beside 0. */
  private simplerChoice(mask: Op<"v128">, x: Op<"v128">, y: Op<"v128">): Op<"v128"> | null {
    const [p, q] = mask.operands;
    const ordered = (mask.suffix === code.lt || mask.suffix === code.gt) && ((p === x && q === y) || (p === y && q === x));
    if (ordered) return this.graph.op("v128", [y, x], (mask.suffix === code.lt) === (p === x) ? code.pmin : code.pmax);
    const zero = this.constant(0);
    if (y === zero) return this.graph.op("v128", [x, mask], code.and);
    return x === zero ? this.graph.op("v128", [y, mask], code.andnot) : null;
  }
  selectRare(condition: VectorValue, rare: () => VectorValue, common: VectorValue): VectorValue {
    return this.graph.choice(this.mask(condition), () => this.number(rare()), this.number(common));
  }
  call(name: MathFunction, ...args: VectorValue[]): VectorValue {
    return this.callRule(
      this,
      name,
      args.map((a) => this.number(a)),
    );
  }
  iterate(name: IterativeFunction, ...args: VectorValue[]): VectorValue {
    return this.iterationRule(
      this,
      name,
      args.map((a) => this.number(a)),
    );
  }
  readonly bits: BitOperations = {
    constant: (value) => this.graph.expression(v128.constBits(value)),
    and: (a, b) => this.binary(code.and, a, b),
    or: (a, b) => this.binary(code.or, a, b),
    xor: (a, b) => this.binary(code.xor, a, b),
    add: (a, b) => this.binary(code.bitAdd, a, b),
    sub: (a, b) => this.binary(code.bitSub, a, b),
    shiftLeft: (a, by) => this.shift(code.shl, a, by),
    shiftRightLogical: (a, by) => this.shift(code.shrU, a, by),
    shiftRightArithmetic: (a, by) => this.shift(code.shr, a, by),
  };
  /** Numbers: a mask's lanes become 1 or 0. */
  number(a: VectorValue): Op<"v128"> {
    const v = asVector(a);
    return v.kind === "f64x2" ? v : this.graph.op("v128", [v, this.constant(1)], code.and);
  }
  /** A mask: numbers unequal to 0 (NaN too) become true. */
  mask(a: VectorValue): Op<"v128"> {
    const v = asVector(a);
    return v.kind === "mask" ? v : this.graph.op("v128", [v, this.constant(0)], code.ne, { kind: "mask" });
  }
  private unary(op: readonly number[], a: VectorValue): Op<"v128"> {
    return this.graph.op("v128", [this.number(a)], op);
  }
  private binary(op: readonly number[], a: VectorValue, b: VectorValue): Op<"v128"> {
    return this.graph.op("v128", [this.number(a), this.number(b)], op);
  }
  private compare(op: readonly number[], a: VectorValue, b: VectorValue): Op<"v128"> {
    return this.graph.op("v128", [this.number(a), this.number(b)], op, { kind: "mask" });
  }
  private shift(op: readonly number[], a: VectorValue, by: number): Op<"v128"> {
    if (!Number.isInteger(by) || by < 0 || by > 63) throw new InternalError(`a shift by ${by}`);
    return this.graph.op("v128", [this.number(a)], [...i32.const(by).code, ...op]);
  }
}

/** The emitter's own values are operations of type v128; none other can reach it. */
export function asVector(a: VectorValue): Op<"v128"> {
  const op = a as Op;
  if (op.type !== "v128") throw new InternalError("a value of another emitter");
  return op as Op<"v128">;
}

/** Every call of the math library coded inline. */
export const inlineCalls =
  (library: MathLibrary): CallRule =>
  (w, name, args) =>
    library[name](w, ...args);

const noIteration: IterationRule = (_w, name) => {
  throw new InternalError(`${name} iterates, and this is straight-line code`);
};

/** Straight-line code appended to a hand-written function: the result stays in a new local. Arguments are v128 locals. */
export function straightLine(
  f: FunctionBuilder,
  library: MathLibrary,
  args: readonly V128[],
  build: (w: VectorEmitter, ...xs: VectorValue[]) => VectorValue,
): V128 {
  const graph = new Dataflow();
  const w = new DataflowEmitter(graph, inlineCalls(library));
  const held = args.map((a) => f.let(a));
  const result = w.number(build(w, ...held.map((l) => graph.local(l, graph.root))));
  const out = f.local("v128");
  writeStatements(f, [{ kind: "set", local: out, value: result }], graph.root);
  return out;
}
