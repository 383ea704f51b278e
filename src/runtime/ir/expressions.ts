// The table of expressions behind a builder: equal expressions are one node, constant ones are numbers, simple ones are simplified.
import { InternalError, ShapeError } from "../errors.ts";
import type { Folds } from "./folds.ts";
import { type Builder, type ConstantAttrs, constantOf, dtypeOf, type Node, shapeOf, typeOf, type Value } from "./graph.ts";
import { identities } from "./identities/index.ts";
import { interpret } from "./interpret.ts";
import type { Primitive } from "./primitive.ts";
import { broadcastTo } from "./primitives/shape.ts";
import { type DType, formatShape, formatType, type Numbers, type Shape, sameShape, sizeOf, type TensorType } from "./type.ts";

/** Constant expressions beyond this size that are also much larger than what they are made from stay expressions. */
const LARGE = 65536;
const MUCH_LARGER = 4;
/** What folding gives takes so many bytes an element. */
const FOLDED_BYTES = 8;
/** Constant tensors up to this size are known by their elements, larger ones by the identity of their array. */
const SMALL = 64;

export class ExpressionTable {
  readonly #builder: () => Builder;
  readonly #literal: boolean;
  readonly #folds: Folds | undefined;
  readonly #expressions = new Map<string, readonly Value[]>();
  readonly #large = new WeakMap<Numbers, Value[]>();
  readonly #unfolded = new WeakMap<Numbers, Value>();
  readonly #values = new Map<Node, readonly Value[]>();
  /** Nodes that depend on constants alone. */
  readonly #closed = new Set<Node>();
  /** Bytes of the constants behind large expressions that stay because these are narrow: images are bytes, and eight times as large folded. */
  readonly #narrow = new Map<Node, number>();
  #count = 0;

  /** `builder` gives the builder that identities are written with; `literal`: no identity, no folding; `folds`: what was folded before. */
  constructor(builder: () => Builder, literal: boolean, folds?: Folds) {
    this.#builder = builder;
    this.#literal = literal;
    this.#folds = folds;
  }

  // biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
  apply(op: Primitive<any>, operands: readonly Value[], attrs: unknown): readonly Value[] {
    const inputs = operands.map((v) => this.#own(v));
    if (op.commutative && isAfter(inputs[0], inputs[1])) inputs.reverse();
    const key = `${op.name}(${inputs.map((v) => (v.index === 0 ? v.node.id : `${v.node.id}.${v.index}`)).join()})${attrs === null ? "" : JSON.stringify(attrs)}`;
    let values = this.#expressions.get(key);
    if (values === undefined) {
      values = this.#make(op, inputs, attrs);
      this.#expressions.set(key, values);
    }
    return values;
  }

  input(name: string, type: TensorType): Value {
    const key = `input ${name}`;
    const known = this.#expressions.get(key)?.[0];
    if (known !== undefined) {
      if (formatType(typeOf(known)) === formatType(type)) return known;
      throw new InternalError(`the input ${name} is ${formatType(typeOf(known))} here and ${formatType(type)} there`);
    }
    const values = this.#node("input", [], { name }, [type]);
    this.#expressions.set(key, values);
    return values[0];
  }

  constant(value: number, dtype: DType): Value {
    return this.#known([value], () => Float64Array.of(value), [], dtype);
  }

  tensor(values: Numbers, shape: Shape, dtype: DType): Value {
    if (values.length !== sizeOf(shape))
      throw new ShapeError(`${values.length} values do not fill the shape ${formatShape(shape)}`);
    if (values.length <= SMALL) return this.#known(values, () => values, shape, dtype);
    const known = this.#large.get(values) ?? [];
    const same = known.find((v) => dtypeOf(v) === dtype && sameShape(shapeOf(v), shape));
    if (same !== undefined) return same;
    const made = this.#constantNode(values, shape, dtype);
    this.#large.set(values, [...known, made]);
    return made;
  }

  /** A constant from which nothing is folded, known by the identity of its array. */
  unfolded(values: Numbers, shape: Shape, dtype: DType): Value {
    if (values.length !== sizeOf(shape))
      throw new ShapeError(`${values.length} values do not fill the shape ${formatShape(shape)}`);
    const known = this.#unfolded.get(values);
    if (known !== undefined && dtypeOf(known) === dtype && sameShape(shapeOf(known), shape)) return known;
    const [made] = this.#node("constant", [], { values, unfolded: true } satisfies ConstantAttrs, [{ shape, dtype }]);
    this.#unfolded.set(values, made);
    return made;
  }

  /** A constant known by its elements; -0 and 0 are different ones, all NaNs are the same. */
  #known(elements: ArrayLike<number>, values: () => Numbers, shape: Shape, dtype: DType): Value {
    const digits = Array.from(elements, (x) => (Object.is(x, -0) ? "-0" : String(x))).join();
    const key = `${dtype}${formatShape(shape)} ${digits}`;
    const found = this.#expressions.get(key);
    if (found !== undefined) return found[0];
    const made = this.#constantNode(values(), shape, dtype);
    this.#expressions.set(key, [made]);
    return made;
  }

  #constantNode(values: Numbers, shape: Shape, dtype: DType): Value {
    const [made] = this.#node("constant", [], { values }, [{ shape, dtype }]);
    this.#closed.add(made.node);
    return made;
  }

  #node(op: Node["op"], inputs: readonly Value[], attrs: unknown, results: readonly TensorType[]): readonly Value[] {
    const node: Node = { id: this.#count++, op, inputs, attrs, results };
    const values = results.map((_, index) => ({ node, index }));
    this.#values.set(node, values);
    return values;
  }

  /** The one object that stands for this result. */
  #own(v: Value): Value {
    const own = this.#values.get(v.node)?.[v.index];
    if (own === undefined) throw new InternalError("a value of another builder");
    return own;
  }

  #make(op: Primitive, inputs: readonly Value[], attrs: unknown): readonly Value[] {
    const types = op.type(inputs.map(typeOf), attrs);
    if (this.#literal) return this.#node(op, inputs, attrs, types);
    const simpler = this.#withoutBroadcasts(op, inputs, attrs) ?? identities.get(op)?.(this.#builder(), inputs, attrs) ?? null;
    if (simpler !== null) return [this.#conform(simpler, types[0])];
    const closed = inputs.every((v) => this.#closed.has(v.node));
    const narrow = closed ? this.#staysNarrow(op, inputs, types) : undefined;
    if (closed && narrow === undefined && isWorthFolding(op, inputs, types)) return this.#fold(op, inputs, attrs, types);
    const values = this.#node(op, inputs, attrs, types);
    if (closed) {
      this.#closed.add(values[0].node);
      if (narrow !== undefined) this.#narrow.set(values[0].node, narrow);
      this.#folds?.keep(values[0].node, operationOf(op, attrs));
    }
    return values;
  }

  /** The bytes that an elementwise expression on large narrow constants is made of; undefined for others. */
  #staysNarrow(op: Primitive, inputs: readonly Value[], types: readonly TensorType[]): number | undefined {
    if (!op.elementwise || sizeOf(types[0].shape) <= LARGE) return undefined;
    const bytes = inputs.reduce((n, v) => n + this.#bytesOf(v), 0);
    return FOLDED_BYTES * sizeOf(types[0].shape) > MUCH_LARGER * bytes ? bytes : undefined;
  }

  /** Of what is held in memory for a closed value. */
  #bytesOf(v: Value): number {
    return constantOf(v)?.byteLength ?? this.#narrow.get(v.node) ?? FOLDED_BYTES * sizeOf(shapeOf(v));
  }

  /** An elementwise operation on copies is copies of the operation on the originals. */
  #withoutBroadcasts(op: Primitive, inputs: readonly Value[], attrs: unknown): Value | null {
    if (!op.elementwise || !inputs.some((v) => v.node.op === broadcastTo)) return null;
    const originals = inputs.map((v) => (v.node.op === broadcastTo ? v.node.inputs[0] : v));
    return this.apply(op, originals, attrs)[0];
  }

  #conform(v: Value, type: TensorType): Value {
    const b = this.#builder();
    const cast = dtypeOf(v) === type.dtype ? v : b.cast(v, type.dtype);
    return sameShape(shapeOf(cast), type.shape) ? cast : b.broadcastTo(cast, type.shape);
  }

  #fold(op: Primitive, inputs: readonly Value[], attrs: unknown, types: readonly TensorType[]): readonly Value[] {
    const node: Node = { id: this.#count, op, inputs, attrs, results: types };
    const compute = () => op.interpret(interpret(inputs, {}), node);
    const areBytes = inputs.some((v) => constantOf(v) instanceof Uint8Array);
    const narrow = () => compute().map((values) => (areBytes && values.length > LARGE ? (asBytes(values) ?? values) : values));
    const results = this.#folds?.of(node, operationOf(op, attrs), narrow) ?? narrow();
    return results.map((values, i) => this.#folded(values, types[i]));
  }

  /** Expressions that have folded to one array are constants of their own, as they would be had each been computed. */
  #folded(values: Numbers, { shape, dtype }: TensorType): Value {
    const isShared = values.length > SMALL && this.#large.has(values);
    return isShared ? this.#constantNode(values, shape, dtype) : this.tensor(values, shape, dtype);
  }
}

const operationOf = ({ name }: Primitive, attrs: unknown): string => (attrs === null ? name : name + JSON.stringify(attrs));
const isAfter = (x: Value, y: Value): boolean => x.node.id > y.node.id || (x.node === y.node && x.index > y.index);

/** The same numbers as bytes, if all are: parts of large data stay as small as these are. */
function asBytes(values: Numbers): Uint8Array | undefined {
  for (let i = 0; i < values.length; i++) {
    const x = values[i];
    if (!(x >= 0 && x <= 255 && Number.isInteger(x)) || Object.is(x, -0)) return undefined;
  }
  return Uint8Array.from(values);
}

function isWorthFolding(op: Primitive, inputs: readonly Value[], types: readonly TensorType[]): boolean {
  const total = (sizes: readonly number[]): number => sizes.reduce((s, n) => s + n, 0);
  const before = total(inputs.map((v) => sizeOf(shapeOf(v))));
  const after = total(types.map((t) => sizeOf(t.shape)));
  if (op === broadcastTo && before === 1) return false;
  if (inputs.length === 0 && types.every((t) => t.shape.length === 1)) return true; // indices along one axis
  return after <= LARGE || after <= MUCH_LARGER * before;
}
