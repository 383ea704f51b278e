// The steps as operations of TensorFlow: names, attributes, and operands that hold shapes and axes.
import { InternalError, unreachable } from "../errors.ts";
import type { DType } from "../ir/type.ts";
import type { Step } from "./steps.ts";

/** Names that differ from those of TensorFlow.js. */
const names: Readonly<Record<string, string>> = { Add: "AddV2", Multiply: "Mul" };
/** Elementwise operations of one attribute T. */
export const kernels = new Set(
  (
    "Neg Abs Sign Square Sqrt Reciprocal Exp Expm1 Log Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Sigmoid Softplus Lgamma Digamma " +
    "Erf Erfc Floor Ceil Add Sub Multiply RealDiv Minimum Maximum Pow Atan2 Equal NotEqual Less LessEqual Greater GreaterEqual " +
    "LogicalAnd LogicalOr LogicalNot Sum Prod Min Max Cumsum UnsortedSegmentSum Conv2D Conv2DBackpropInput Conv2DBackpropFilter"
  ).split(" "),
);
const untyped = new Set(["LogicalAnd", "LogicalOr", "LogicalNot"]);

export interface Attribute {
  readonly name: string;
  readonly value:
    | { readonly type: DType }
    | { readonly flag: boolean }
    | { readonly count: number }
    | { readonly counts: readonly number[] }
    | { readonly text: string };
}
export interface Integers {
  readonly values: readonly number[];
  readonly shape: readonly number[];
}
export interface Call {
  readonly name: string;
  /** What the operation's definition calls its result. */
  readonly output: string;
  readonly attrs: readonly Attribute[];
  /** Operands that are no tensors of the step. */
  readonly more: readonly Integers[];
  /** How many of the step's own stand before them; absent: all. */
  readonly before?: number;
}

const type = (name: string, dtype: DType): Attribute => ({ name, value: { type: dtype } });
const flag = (name: string, value: boolean): Attribute => ({ name, value: { flag: value } });
const count = (name: string, value: number): Attribute => ({ name, value: { count: value } });
const list = (values: readonly number[]): Integers => ({ values, shape: [values.length] });
/** All operands, in their order. */
export const inOrder = <T>({ before }: Pick<Call, "before">, own: readonly T[], more: readonly T[]): T[] => [
  ...own.slice(0, before),
  ...more,
  ...(before === undefined ? [] : own.slice(before)),
];
const scalar = (value: number): Integers => ({ values: [value], shape: [] });

export function callOf(step: Step): Call {
  const call = operationOf(step);
  return { ...call, output: outputs[call.name] ?? (step.operation.kind === "map" && step.inputs.length === 2 ? "z" : "y") };
}
const outputs: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    "SelectV2 Sum Prod Min Max BatchMatMulV2 Reshape BroadcastTo Slice Pad ConcatV2 GatherV2 UnsortedSegmentSum Conv2D Conv2DBackpropInput Conv2DBackpropFilter"
      .split(" ")
      .map((name) => [name, "output"]),
  ),
  Softplus: "activations",
  Cumsum: "out",
  MatMul: "product",
};

function operationOf({ operation, inputs, results: [{ shape, dtype }] }: Step): Omit<Call, "output"> {
  const operand = inputs[0]?.dtype ?? dtype;
  const t = type("T", operand);
  switch (operation.kind) {
    case "map": {
      const { kernel } = operation;
      return { name: names[kernel] ?? kernel, attrs: untyped.has(kernel) ? [] : [t], more: [] };
    }
    case "select":
      return { name: "SelectV2", attrs: [type("T", dtype)], more: [] };
    case "cast":
      return { name: "Cast", attrs: [type("SrcT", operand), type("DstT", dtype), flag("Truncate", false)], more: [] };
    case "reduce":
      return { name: operation.kernel, attrs: [flag("keep_dims", false), t, type("Tidx", "int")], more: [list(operation.axes)] };
    case "cumsum":
      return {
        name: "Cumsum",
        attrs: [flag("exclusive", false), flag("reverse", operation.reverse), t, type("Tidx", "int")],
        more: [scalar(shape.length - 1)],
      };
    case "matMul": {
      const { transposeX, transposeY } = operation;
      if (shape.length === 2)
        return { name: "MatMul", attrs: [flag("transpose_a", transposeX), flag("transpose_b", transposeY), t], more: [] };
      return { name: "BatchMatMulV2", attrs: [flag("adj_x", transposeX), flag("adj_y", transposeY), t], more: [] };
    }
    case "convolve": {
      const { kernel, stride, padding } = operation;
      const attrs: Attribute[] = [
        t,
        { name: "strides", value: { counts: [1, ...stride, 1] } },
        { name: "padding", value: { text: padding.toUpperCase() } },
      ];
      if (kernel === "Conv2D") return { name: kernel, attrs, more: [] };
      return { name: kernel, attrs, more: [list(shape)], before: kernel === "Conv2DBackpropInput" ? 0 : 1 };
    }
    case "reshape":
      return { name: "Reshape", attrs: [t, type("Tshape", "int")], more: [list(shape)] };
    case "broadcast":
      return { name: "BroadcastTo", attrs: [t, type("Tidx", "int")], more: [list(shape)] };
    case "transpose":
      return { name: "Transpose", attrs: [t, type("Tperm", "int")], more: [list(operation.permutation)] };
    case "slice":
      return { name: "Slice", attrs: [t, type("Index", "int")], more: [list(operation.begin), list(shape)] };
    case "pad":
      return {
        name: "Pad",
        attrs: [t, type("Tpaddings", "int")],
        more: [{ values: operation.paddings.flat(), shape: [operation.paddings.length, 2] }],
      };
    case "concat":
      return {
        name: "ConcatV2",
        attrs: [count("N", inputs.length), t, type("Tidx", "int")],
        more: [scalar(operation.axis)],
      };
    case "gather":
      return {
        name: "GatherV2",
        attrs: [count("batch_dims", 0), type("Tparams", operand), type("Tindices", "int"), type("Taxis", "int")],
        more: [scalar(operation.axis)],
      };
    case "segmentSum":
      return {
        name: "UnsortedSegmentSum",
        attrs: [t, type("Tindices", "int"), type("Tnumsegments", "int")],
        more: [scalar(shape[0])],
      };
    case "host":
      throw new InternalError("a host step is no operation of TensorFlow");
    default:
      return unreachable(operation, "operation");
  }
}
