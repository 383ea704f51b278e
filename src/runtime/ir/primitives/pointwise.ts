// What all elementwise primitives share: broadcasting types, batching by alignment, interpretation element by element.
import type { VectorEmitter, VectorValue } from "../../wasm/vector-emitter.ts";
import { type HostLoop, mapElements } from "../broadcast.ts";
import { type Builder, constantOf, dtypeOf, type Node, resultsOf, shapeOf, type Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { broadcastShapes, type DType, int, real, type TensorType } from "../type.ts";

export interface Pointwise<A> {
  readonly name: string;
  /** Result type of elements; throws ShapeError. Default: real. */
  dtype?(inputs: readonly DType[], attrs: A): DType;
  /** Reference semantics of one element. */
  host(...xs: number[]): number;
  /** The same over arrays, written out for what data are folded with by the hundred thousand: each call of `host` would put its number
   *  on the heap. */
  readonly hostLoop?: HostLoop;
  /** The operands are numbers, unless `readsMasks`: then those of dtype bool may be masks. The result may be a mask. */
  emit(w: VectorEmitter, ...xs: VectorValue[]): VectorValue;
  readonly tfjs: Primitive<A>["tfjs"];
  /** Absent: `emit`, element by element. */
  readonly wasm?: Primitive<A>["wasm"];
  /** Cotangents of the inputs xs given that of the result y, each of y's shape. Absent: the derivative is 0 wherever there is one. */
  gradient?(b: Builder, ct: Value, xs: readonly Value[], y: Value): readonly (Value | null)[];
  readonly readsMasks?: boolean;
  readonly commutative?: boolean;
  readonly finiteDerivative?: boolean;
  readonly zeroCotangents?: Primitive<A>["zeroCotangents"];
  readonly heldConstant?: boolean;
  readonly differenced?: boolean;
  readonly cost?: number;
  readonly probes: readonly Probe<A>[];
}

export function pointwise<A = null>(p: Pointwise<A>): Primitive<A> {
  const primitive: Primitive<A> = {
    name: p.name,
    type: (inputs, attrs) => [
      {
        shape: broadcastShapes(...inputs.map((t) => t.shape)),
        dtype:
          p.dtype?.(
            inputs.map((t) => t.dtype),
            attrs,
          ) ?? "real",
      },
    ],
    gradient(b, [ct], node) {
      if (!ct || !p.gradient) return node.inputs.map(() => null);
      return p.gradient(b, ct, node.inputs, resultsOf(b, node)[0]);
    },
    batch: (b, inputs, batched, attrs) => b.apply(primitive, alignBatch(b, inputs, batched), attrs),
    interpret: (operands, node) => [mapElements(p, operands, node.inputs.map(shapeOf), node.results[0].shape)],
    wasm: p.wasm ?? {
      kind: "map",
      emit: (w, xs) => p.emit(w, ...(p.readsMasks ? xs : xs.map((x) => numbers(w, x)))),
    },
    tfjs: p.tfjs,
    elementwise: true,
    commutative: p.commutative,
    finiteDerivative: p.finiteDerivative ?? p.gradient === undefined,
    zeroCotangents: p.zeroCotangents,
    heldConstant: p.heldConstant,
    differenced: p.differenced,
    cost: p.cost ?? 1,
    probes: p.probes,
  };
  return primitive;
}

/** Inserts axes of size 1 behind the batch axis where ranks differ, so that NumPy's alignment at the right holds. */
function alignBatch(b: Builder, inputs: readonly Value[], batched: readonly boolean[]): Value[] {
  const own = inputs.map((v, i) => shapeOf(v).length - (batched[i] ? 1 : 0));
  const rank = Math.max(...own);
  return inputs.map((v, i) => {
    if (!batched[i] || own[i] === rank) return v;
    const [size, ...rest] = shapeOf(v);
    return b.reshape(v, [size, ...new Array<number>(rank - own[i]).fill(1), ...rest]);
  });
}

/** A mask as the numbers 1 and 0. */
export const numbers = (w: VectorEmitter, x: VectorValue): VectorValue =>
  x.kind === "mask" ? w.select(x, w.constant(1), w.constant(0)) : x;
/** Numbers as a mask: what is unequal to 0, NaN included, is true. */
export const mask = (w: VectorEmitter, x: VectorValue): VectorValue => (x.kind === "mask" ? x : w.ne(x, w.constant(0)));

/** int op int is an int, a bool counts as 0 or 1, and a real beside anything makes a real. */
export const arithmetic = (inputs: readonly DType[]): DType => (inputs.includes("real") ? "real" : "int");

/** A product with this other factor can hand on an exact 0: data, indicators and counts hold zeros for a reason. */
function mayVanish(factor: Value): boolean {
  return constantOf(factor)?.includes(0) ?? dtypeOf(factor) !== "real";
}
/** For products of two factors: the cotangent of one is the result's times the other. */
export const byOtherFactor = (node: Node, input: number): boolean => mayVanish(node.inputs[1 - input]);

// ---------------------------------------------------------------- probes

type Operand = Probe["inputs"][number];
export const vector = (...values: number[]): Operand => ({ type: real([values.length]), values });
export const integers = (...values: number[]): Operand => ({ type: int([values.length]), values });
export const truths = (...values: number[]): Operand => ({ type: { shape: [values.length], dtype: "bool" }, values });
const shaped = (operand: Operand, shape: readonly number[]): Operand => {
  const type: TensorType = { shape, dtype: operand.type.dtype };
  return { type, values: operand.values };
};
export const probe = (...inputs: Operand[]): Probe<null> => ({ inputs, attrs: null });
export const singular = (...inputs: Operand[]): Probe<null> => ({ inputs, attrs: null, singular: true });

const { NaN: none, POSITIVE_INFINITY: inf } = Number;
/** Where functions of one argument part from the ordinary. */
export const edges: Operand = vector(-inf, -0, 0, inf, none);

/** One argument: the values as a vector and, from the second on, as a column; then the edges. */
export const unaryProbes = (...values: number[]): Probe<null>[] => [
  probe(vector(...values)),
  probe(shaped(vector(...values.slice(1)), [values.length - 1, 1])),
  singular(edges),
];

/** Two arguments: elementwise, a scalar beside a vector either way, and a column against a row. */
export function binaryProbes(left: Operand, right: Operand): Probe<null>[] {
  const first = (o: Operand, at: number): Operand => ({ type: { shape: [], dtype: o.type.dtype }, values: [o.values[at]] });
  const n = left.values.length;
  return [
    probe(left, right),
    probe(first(left, 1), right),
    probe(left, first(right, n - 1)),
    probe(shaped(left, [n, 1]), right),
    probe(left, shaped(right, [n, 1])),
  ];
}
/** Every pair of edges, as a column against a row. */
export const edgePairs: Probe<null> = singular(
  shaped(vector(-inf, -0, 0, 1.5, inf, none), [6, 1]),
  vector(-inf, -2.5, -0, 0, inf, none),
);
