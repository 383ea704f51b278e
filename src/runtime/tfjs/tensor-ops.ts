// What the `tfjs` lines of the primitives are written with: operations on tensors that TensorFlow.js has in one form or another.
import type { Node } from "../ir/graph.ts";
import type { WindowAttrs } from "../ir/primitives/convolution-windows.ts";
import type { DType, Numbers, TensorType } from "../ir/type.ts";

/** A tensor of a program for TensorFlow: real is float32, int is int32, bool is bool. */
export interface Tensor extends TensorType {
  /** Its place in the executable. */
  readonly slot: number;
}

/** How a primitive runs on TensorFlow.js. It is asked once, when a program is compiled: each operation it calls becomes a step of the program. */
export interface TfjsRule<A> {
  readonly kind: "tensors";
  lower(t: TensorOps, inputs: readonly Tensor[], node: Node<A>): readonly Tensor[];
}

export type Reduction = "Sum" | "Prod" | "Min" | "Max";
/** Convolutions and their adjoints, in the image and in the kernel. */
export type ConvolutionKernel = "Conv2D" | "Conv2DBackpropInput" | "Conv2DBackpropFilter";
export type Comparison = "Equal" | "NotEqual" | "Less" | "LessEqual" | "Greater" | "GreaterEqual";

/** Kernels are called by the names of TensorFlow.js, in which an operand x has one dtype with its partners unless it says otherwise. */
export interface TensorOps {
  /** The kernel is there, and right to a few roundings of float32. */
  has(...kernels: readonly string[]): boolean;
  constant(values: Numbers, type: TensorType): Tensor;
  scalar(value: number): Tensor;
  /** Elementwise, of the operand's dtype. */
  unary(kernel: string, x: Tensor): Tensor;
  /** Elementwise with broadcasting, of the operands' dtype. */
  binary(kernel: string, x: Tensor, y: Tensor): Tensor;
  compare(kernel: Comparison, x: Tensor, y: Tensor): Tensor;
  /** On bools. */
  logic(kernel: "LogicalAnd" | "LogicalOr", x: Tensor, y: Tensor): Tensor;
  not(x: Tensor): Tensor;
  /** condition: bool; the arms have one dtype; all three broadcast. */
  select(condition: Tensor, x: Tensor, y: Tensor): Tensor;
  cast(x: Tensor, to: DType): Tensor;
  /** x unequal to 0; NaN is. */
  truth(x: Tensor): Tensor;

  reduce(kernel: Reduction, x: Tensor, axes: readonly number[]): Tensor;
  /** Along the last axis. */
  cumsum(x: Tensor, reverse: boolean): Tensor;
  /** x [batch…, n, k] (or [batch…, k, n]), y [batch…, k, m] (or [batch…, m, k]), reals: [batch…, n, m]. */
  matMul(x: Tensor, y: Tensor, transposeX: boolean, transposeY: boolean): Tensor;
  /** Image and kernel; kernel and cotangent; image and cotangent: a result of this shape. */
  convolve(kernel: ConvolutionKernel, x: Tensor, y: Tensor, windows: WindowAttrs, shape: readonly number[]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  broadcastTo(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, permutation: readonly number[]): Tensor;
  slice(x: Tensor, axis: number, start: number, size: number, step: number): Tensor;
  /** Zeros before and behind, along one axis. */
  pad(x: Tensor, axis: number, before: number, behind: number): Tensor;
  concat(pieces: readonly Tensor[], axis: number): Tensor;
  /** As the primitives of these names. */
  gather(x: Tensor, index: Tensor, batch: number): Tensor;
  scatterAdd(values: Tensor, index: Tensor, size: number, batch: number): Tensor;

  /** The node itself, in float64 on the host: read back, computed by our own kernel, uploaded. */
  host(node: Node, inputs: readonly Tensor[]): readonly Tensor[];
}
