// A program for TensorFlow.js as a flat list: what each step reads, makes, and by which kernel.
import type { Node } from "../ir/graph.ts";
import type { WindowAttrs } from "../ir/primitives/convolution-windows.ts";
import type { Numbers, Shape, TensorType } from "../ir/type.ts";
import type { ConvolutionKernel, Tensor } from "./tensor-ops.ts";

export type Operation =
  /** Elementwise on operands of one shape, or of shapes that the kernel broadcasts. */
  | { readonly kind: "map"; readonly kernel: string }
  | { readonly kind: "select" }
  | { readonly kind: "cast" }
  | { readonly kind: "reduce"; readonly kernel: string; readonly axes: readonly number[] }
  | { readonly kind: "cumsum"; readonly reverse: boolean }
  | { readonly kind: "matMul"; readonly transposeX: boolean; readonly transposeY: boolean }
  /** Of images [batch, height, width, channels]; the sizes that operands do not tell are the result's. */
  | ({ readonly kind: "convolve"; readonly kernel: ConvolutionKernel } & WindowAttrs)
  | { readonly kind: "reshape" }
  | { readonly kind: "broadcast" }
  | { readonly kind: "transpose"; readonly permutation: readonly number[] }
  | { readonly kind: "slice"; readonly begin: Shape }
  | { readonly kind: "pad"; readonly paddings: readonly (readonly [before: number, behind: number])[] }
  | { readonly kind: "concat"; readonly axis: number }
  | { readonly kind: "gather"; readonly axis: number }
  /** Rows added by their numbers in one axis of the result. */
  | { readonly kind: "segmentSum" }
  | { readonly kind: "host"; readonly node: Node };

export interface Step {
  readonly operation: Operation;
  readonly inputs: readonly Tensor[];
  readonly results: readonly Tensor[];
}
export interface Constant {
  readonly tensor: Tensor;
  readonly values: Numbers;
}

/** What a target can do, as far as the steps depend on it. */
export interface Traits {
  has(kernel: string): boolean;
  /** Operands of different shapes are broadcast by the kernel itself. */
  broadcasts(kernel: string): boolean;
  /** Products of transposed matrices cost no more than others. */
  readonly transposesFreely: boolean;
  /** Sums keep one running total, in float32. */
  readonly sumsNaively: boolean;
  /** The least and the largest over axes pass over NaN. */
  readonly extremaLoseNaN: boolean;
}

export const typeOfTensor = ({ shape, dtype }: Tensor): TensorType => ({ shape, dtype });
