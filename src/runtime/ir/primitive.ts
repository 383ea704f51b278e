// What a primitive is: one record holds everything the system knows about one tensor operation.
import type { TfjsRule } from "../tfjs/tensor-ops.ts";
import type { Factored, VectorEmitter, VectorValue } from "../wasm/vector-emitter.ts";
import type { Builder, Node, Value } from "./graph.ts";
import type { RowsRule } from "./rows.ts";
import type { Numbers, TensorType } from "./type.ts";

// biome-ignore lint/suspicious/noExplicitAny: a registry of records with different attributes
export interface Primitive<A = any> {
  readonly name: string;
  /** Result types; throws ShapeError, which the checker turns into a diagnostic with a span. */
  type(inputs: readonly TensorType[], attrs: A): readonly TensorType[];
  /** Cotangent of each input; the driver sums broadcast axes. May read the node's own results. null where there is none. `mayVanish`: some of
   *  the cotangents may be exactly 0, for rules that differentiate graphs of their own. */
  gradient(b: Builder, cts: readonly (Value | null)[], node: Node<A>, mayVanish: boolean): readonly (Value | null)[];
  /** The operation over a new leading axis of the inputs marked in `batched`; every result has the axis in front.
   *  Law: equals the stack of single applications. */
  batch(b: Builder, inputs: readonly Value[], batched: readonly boolean[], attrs: A): readonly Value[];
  /** Reference semantics in float64: slow, obvious, the oracle of every test. */
  interpret(inputs: readonly Numbers[], node: Node<A>): readonly Float64Array[];
  readonly wasm: WasmRule<A> | Expansion<A>;
  /** How TensorFlow.js runs it; asked once, when a program is compiled. */
  readonly tfjs: TfjsRule<A> | Expansion<A>;
  /** Element i of the result depends on element i of each broadcast input alone. The driver guards its cotangents, the builder
   *  lets broadcasts of its inputs pass through to its result. */
  readonly elementwise?: boolean;
  /** How rows along an axis of a result follow from rows of the inputs; null, or absent: only from the whole. Of elementwise operations
   *  nothing need be said. Law: the operation on these rows gives the rows of its result. */
  rows?(node: Node<A>, axis: number, result: number): RowsRule<A> | null;
  /** The two inputs may change places without any effect. */
  readonly commutative?: boolean;
  /** Cotangents of the inputs are finite multiples of the output's whatever the inputs, NaN included: no zero-cotangent guard is needed.
   *  Or they are for finite inputs, and a guard would cost more than it is worth. */
  readonly finiteDerivative?: boolean | "of finite inputs";
  /** No derivative passes, by definition: a score function holds what it multiplies, an estimator holds its parameters. */
  readonly heldConstant?: boolean;
  /** Its derivative asks which inputs equal a result, bit by bit: where it is taken, both are to come from one computation. */
  readonly comparesBits?: boolean;
  /** Its derivative is taken by differences: right to 1e-8 or so in float64, and nothing to rely on in float32. */
  readonly differenced?: boolean;
  /** The operation may hand an exactly zero cotangent to an input (a mask, a weight that underflows): below it, guards are needed. */
  readonly zeroCotangents?: boolean | ((node: Node<A>, input: number) => boolean);
  /** Cost of recomputing an element beside loading it, in flops: the fuser recomputes cheap maps and stores dear ones. */
  readonly cost?: number;
  /** Typical arguments, near every branch, never 0 or 1 alone (they hide faults). Validated by the laws. */
  readonly probes: readonly Probe<A>[];
}

// biome-ignore lint/suspicious/noExplicitAny: see Primitive
export interface Probe<A = any> {
  readonly inputs: readonly { readonly type: TensorType; readonly values: readonly number[] }[];
  readonly attrs: A;
  /** Values or derivatives here are infinite or NaN on purpose: compare values, skip finite differences. */
  readonly singular?: boolean;
}

/** Written with simpler primitives. */
// biome-ignore lint/suspicious/noExplicitAny: see Primitive
export interface Expansion<A = any> {
  readonly kind: "expand";
  expand(b: Builder, inputs: readonly Value[], attrs: A): readonly Value[];
}

/** Code generation branches on `kind` and never on the name. */
// biome-ignore lint/suspicious/noExplicitAny: see Primitive
export type WasmRule<A = any> =
  /** Elementwise with broadcasting; fuses into any loop. */
  | { readonly kind: "map"; emit(w: VectorEmitter, xs: readonly VectorValue[], attrs: A): VectorValue }
  /** Ends a loop; attrs.axes are the axes reduced. Associative and commutative up to rounding. */
  | ReduceRule
  /** Re-indexing: an output element is an input element (or, for `iota`, its own index). Costs nothing. */
  | { readonly kind: "view"; index(node: Node<A>): ViewRule }
  | { readonly kind: "gather" }
  | { readonly kind: "scatter" }
  | { readonly kind: "assemble" }
  /** Sums of products over the axes of DotAttrs: fused as such where that is the faster, else a call of the routine. */
  | { readonly kind: "contract"; readonly routine: string }
  /** A call of a routine of runtime/wasm/routines: operands and results in memory, not fused. */
  | { readonly kind: "routine"; readonly routine: string }
  /** A routine whose code is made of the body in LoopAttrs. */
  | { readonly kind: "loop" };

export interface ReduceRule {
  readonly kind: "reduce";
  readonly init: number;
  combine(w: VectorEmitter, acc: VectorValue, x: VectorValue): VectorValue;
  /** A sum of logarithms beside plain terms: an element x stands for addend + log factor. Factors are multiplied, Σ log f = log Π f, so
   *  that many elements share a logarithm; `combine` adds. */
  readonly factored?: (w: VectorEmitter, x: VectorValue) => Factored;
}

/** How a view's output index maps to its input's: for each input axis, an affine form of the output axes, or a re-linearisation. */
export type ViewRule =
  /** input axis k is read at offset + Σ stride·(output axis), one list entry an input axis. */
  | {
      readonly kind: "affine";
      readonly axes: readonly {
        readonly offset: number;
        readonly terms: readonly { readonly axis: number; readonly stride: number }[];
      }[];
    }
  /** The same row-major order under another shape. */
  | { readonly kind: "reshape" }
  /** The value is the index along this output axis, no input at all. */
  | { readonly kind: "iota"; readonly axis: number };
