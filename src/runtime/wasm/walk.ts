// The element of a value at a symbolic index, by recursion through maps, views and gathers down to what lies in memory. The same walk
// serves the analysis (what is read, what it costs) and the emission of code, so that the two cannot disagree.
import { InternalError } from "../errors.ts";
import { constantOf, type Node, shapeOf, type Value } from "../ir/graph.ts";
import { add, mul, sub } from "../ir/primitives/elementwise.ts";
import type { GatherAttrs } from "../ir/primitives/gather.ts";
import type { ReduceAttrs } from "../ir/primitives/reduce.ts";
import { sizeOf } from "../ir/type.ts";
import {
  boundsOf,
  constantIndex,
  type DynamicVariable,
  flatten,
  type Index,
  isConstant,
  keyOf,
  plus,
  scale,
  unflatten,
  variableIndex,
  zero,
} from "./indices.ts";
import type { Roles } from "./plan.ts";
import { broadcastIndex, foldedIndices, pieceAt, viewedIndex } from "./reindex.ts";

/** What the walk computes: costs in the analysis, operations in the emission. */
export interface Algebra<T> {
  constant(x: number): T;
  /** An element of a value in memory (or of a constant), at its row-major position. */
  load(v: Value, at: Index): T;
  map(node: Node, operands: readonly T[]): T;
  /** The terms of a short reduction, combined in order. */
  fold(node: Node, terms: readonly T[]): T;
  /** The index itself as a number. */
  index(i: Index): T;
  /** Told of every value computed rather than loaded. */
  computed?(v: Value, index: readonly Index[], result: T): void;
}

/** Thrown where a value cannot be computed at the place of its use: it has to be put into memory first. */
export class NeedsMemory extends Error {
  readonly value: Value;
  constructor(value: Value) {
    super("a value is needed in memory");
    this.value = value;
  }
}

/** Ids of dynamic variables begin here, apart from those of axes. */
const FIRST_DYNAMIC = 1 << 20;

/** Results by value and index. */
export type Memo<T> = Map<Value, Map<string, T>>;

const DEEPEST = 200;
class TooDeep extends Error {
  /** The computation that was given up. */
  readonly again: () => unknown;
  constructor(again: () => unknown) {
    super("the recursion is too deep");
    this.again = again;
  }
}

/** An integer as an affine form of the number of the step, where it is one. */
export function affineIndex(roles: Roles, v: Value): Index | null {
  const { step } = roles;
  if (step === null || shapeOf(v).length > 0) return null;
  if (v === step.value) return variableIndex(step.variable);
  const constant = constantOf(v);
  if (constant !== null) return constantIndex(constant[0]);
  const { op, inputs } = v.node;
  if (op !== add && op !== sub && op !== mul) return null;
  const [x, y] = inputs.map((operand) => affineIndex(roles, operand));
  if (x === null || y === null) return null;
  if (op === add) return plus(x, y);
  if (op === sub) return plus(x, scale(y, -1));
  if (isConstant(x)) return scale(y, x.constant);
  return isConstant(y) ? scale(x, y.constant) : null;
}

export class Walk<T> {
  private readonly algebra: Algebra<T>;
  private readonly roles: Roles;
  /** Whether the value is to be read from memory here. */
  private readonly inMemory: (v: Value) => boolean;
  private readonly known: Memo<T> = new Map();
  /** Results at constant indices; may be shared between walks that read the same values from memory. */
  private readonly fixed: Memo<T>;
  private depth = 0;
  private readonly dynamics: Map<string, DynamicVariable>;

  /** `dynamics` may be shared between walks over the same nest, so that equal indices are the same variable. */
  constructor(
    algebra: Algebra<T>,
    roles: Roles,
    inMemory: (v: Value) => boolean,
    dynamics: Map<string, DynamicVariable> = new Map(),
    fixed: Memo<T> = new Map(),
  ) {
    this.algebra = algebra;
    this.roles = roles;
    this.inMemory = inMemory;
    this.dynamics = dynamics;
    this.fixed = fixed;
  }

  /** The element as its definition gives it, even if it is in memory for others. */
  define(v: Value, index: readonly Index[]): T {
    return this.patiently(() => this.compute(v, index));
  }
  defineFlat(v: Value, at: Index): T {
    const index = unflatten(at, shapeOf(v));
    return index === null ? this.patiently(() => this.computeFlat(v, at)) : this.define(v, index);
  }
  at(v: Value, index: readonly Index[]): T {
    return this.depth > 0 ? this.descend(v, index) : this.patiently(() => this.descend(v, index));
  }
  /** Long chains of values would exhaust the stack: where the recursion gets deep, it is given up and begun anew from there. */
  private patiently(compute: () => T): T {
    const waiting: (() => unknown)[] = [];
    for (;;) {
      try {
        if (waiting.length === 0) return compute();
        waiting[waiting.length - 1]();
        waiting.pop();
      } catch (e) {
        this.depth = 0;
        if (!(e instanceof TooDeep)) throw e;
        waiting.push(e.again);
      }
    }
  }
  private descend(v: Value, index: readonly Index[]): T {
    const shape = shapeOf(v);
    if (index.length !== shape.length) throw new InternalError(`${index.length} indices for a value of ${shape.length} axes`);
    const { op } = v.node;
    if (this.roles.of(v) === "step") return this.compute(v, index);
    if (op === "constant" || op === "input" || this.inMemory(v)) return this.load(v, flatten(index, shape));
    return this.remember(index.every(isConstant) ? this.fixed : this.known, v, index.map(keyOf).join(), () => {
      const result = this.deeper(
        () => this.compute(v, index),
        () => this.descend(v, index),
      );
      this.algebra.computed?.(v, index, result);
      return result;
    });
  }
  /** One level further down; `again` is what to begin with where that is too deep. */
  private deeper(compute: () => T, again: () => T): T {
    if (this.depth >= DEEPEST) throw new TooDeep(again);
    this.depth++;
    const result = compute();
    this.depth--;
    return result;
  }

  /** The element at a row-major position that need not fall apart into indices. */
  flat(v: Value, at: Index): T {
    const { op } = v.node;
    if (this.roles.of(v) === "step") return this.compute(v, []);
    if (op === "constant" || op === "input" || this.inMemory(v)) return this.load(v, at);
    return this.depth > 0 ? this.computeFlat(v, at) : this.patiently(() => this.computeFlat(v, at));
  }
  private computeFlat(v: Value, at: Index): T {
    const shape = shapeOf(v);
    const { op } = v.node;
    const index = unflatten(at, shape);
    if (index !== null) return this.at(v, index);
    if (typeof op === "string") throw new InternalError(`the walk met the ${op} twice`);
    const rule = op.wasm;
    const size = sizeOf(shape);
    const [first] = v.node.inputs;
    if (rule.kind === "view" && rule.index(v.node).kind === "reshape") return this.flat(first, at);
    const copied = v.node.inputs.length === 1 && sizeOf(shapeOf(first)) === 1 && rule.kind === "view";
    if (copied) return this.flat(first, zero);
    const even = v.node.inputs.every((x) => sizeOf(shapeOf(x)) === size || sizeOf(shapeOf(x)) === 1);
    if (rule.kind !== "map" || !even) throw new NeedsMemory(v);
    return this.remember(this.known, v, `flat${keyOf(at)}`, () => {
      const compute = (): T =>
        this.algebra.map(
          v.node,
          v.node.inputs.map((x) => this.flat(x, sizeOf(shapeOf(x)) === size ? at : zero)),
        );
      const result = this.deeper(compute, () => this.computeFlat(v, at));
      this.algebra.computed?.(v, [at], result);
      return result;
    });
  }

  /** The element of an integer tensor as an index into an axis of the given size. */
  dynamic(v: Value, at: readonly Index[], size: number): Index {
    const affine = at.length > 0 ? null : affineIndex(this.roles, v);
    if (affine !== null) {
      const { min, max } = boundsOf(affine);
      if (min >= 0 && max < size) return affine;
    }
    const base = this.throughViews(v, at);
    const values = constantOf(base.value);
    const position = flatten(base.at, shapeOf(base.value));
    if (values !== null && isConstant(position)) {
      const i = values[position.constant];
      if (!(i >= 0 && i < size)) throw new InternalError(`index ${i} is outside a table of ${size} rows`);
      return constantIndex(i);
    }
    const key = `${base.value.node.id}.${base.value.index}@${keyOf(position)}<${size}`;
    let variable = this.dynamics.get(key);
    if (variable === undefined) {
      variable = { kind: "dynamic", id: FIRST_DYNAMIC + this.dynamics.size, size, value: base.value, at: base.at };
      this.dynamics.set(key, variable);
    }
    return variableIndex(variable);
  }

  private throughViews(v: Value, at: readonly Index[]): { value: Value; at: readonly Index[] } {
    if (this.roles.of(v) !== "view" || this.inMemory(v)) return { value: v, at };
    const inner = viewedIndex(v, at);
    return inner === null ? { value: v, at } : this.throughViews(v.node.inputs[0], inner);
  }

  private remember(memo: Memo<T>, v: Value, key: string, make: () => T): T {
    let results = memo.get(v);
    if (results === undefined) memo.set(v, (results = new Map()));
    let result = results.get(key);
    if (result === undefined) results.set(key, (result = make()));
    return result;
  }

  private load(v: Value, at: Index): T {
    const values = constantOf(v);
    if (values !== null && (isConstant(at) || values.length === 1)) {
      return this.algebra.constant(values[values.length === 1 ? 0 : at.constant]);
    }
    return this.algebra.load(v, at);
  }

  private compute(v: Value, index: readonly Index[]): T {
    const { node } = v;
    const role = this.roles.of(v);
    switch (role) {
      case "map":
        return this.algebra.map(
          node,
          node.inputs.map((x) => this.at(x, broadcastIndex(index, shapeOf(x)))),
        );
      case "view":
        return this.view(v, index);
      case "gather": {
        const [table, indices] = node.inputs;
        const { batch } = node.attrs as GatherAttrs;
        const rank = shapeOf(indices).length;
        const row = this.dynamic(indices, index.slice(0, rank), shapeOf(table)[batch]);
        return this.at(table, [...index.slice(0, batch), row, ...index.slice(rank)]);
      }
      case "assemble":
        return this.piece(v, index);
      case "fold":
        return this.fold(node, index);
      case "step":
        return this.algebra.index(variableIndex(this.roles.step!.variable));
      case "constant":
      case "input":
      case "reduce":
      case "scatter":
      case "routine":
        throw new InternalError(`a ${role} is read before it is in memory`);
    }
  }

  private view(v: Value, index: readonly Index[]): T {
    const { op } = v.node;
    if (typeof op === "string" || op.wasm.kind !== "view") throw new InternalError("not a view");
    const rule = op.wasm.index(v.node);
    if (rule.kind === "iota") return this.algebra.index(index[rule.axis]);
    const inner = viewedIndex(v, index);
    if (inner !== null) return this.at(v.node.inputs[0], inner);
    return this.flat(v.node.inputs[0], flatten(index, shapeOf(v)));
  }
  private piece(v: Value, index: readonly Index[]): T {
    const at = pieceAt(v, index);
    if (at === "zero") return this.algebra.constant(0);
    if (at === "several") throw new NeedsMemory(v);
    return this.at(at.piece, at.index);
  }

  private fold(node: Node, index: readonly Index[]): T {
    const [operand] = node.inputs;
    const { axes } = node.attrs as ReduceAttrs;
    return this.algebra.fold(
      node,
      foldedIndices(shapeOf(operand), axes, index).map((at) => this.at(operand, at)),
    );
  }
}
