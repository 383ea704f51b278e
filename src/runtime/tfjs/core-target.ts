// The wasm and cpu backends of TensorFlow.js: their kernels are called as functions, without tensors, tape or scopes around them.
import type { KernelBackend, KernelFunc, NamedAttrMap, TensorInfo } from "@tensorflow/tfjs-core";
import { InternalError, unreachable } from "../errors.ts";
import type { TensorType } from "../ir/type.ts";
import { dtypes, type HeapBackend, loopFor, runLoop } from "./core-loops.ts";
import type { Operation, Step } from "./steps.ts";
import type { Elements, Target } from "./target.ts";
import type { CoreTraits } from "./traits.ts";

export interface CoreLibrary {
  getKernel(kernel: string, backend: string): { readonly kernelFunc: KernelFunc } | undefined;
}
export function coreTarget(
  name: string,
  library: CoreLibrary,
  backendName: string,
  backend: KernelBackend,
  traits: CoreTraits,
): Target<TensorInfo> {
  const heap = backend as HeapBackend;
  const kernelOf = (kernel: string): KernelFunc => {
    const found = library.getKernel(kernel, backendName);
    if (found === undefined) throw new InternalError(`${name} has no kernel ${kernel}`);
    return found.kernelFunc;
  };
  const target: Target<TensorInfo> = {
    name,
    traits: {
      ...traits,
      has: (kernel) => !traits.faulty.has(kernel) && library.getKernel(kernel, backendName) !== undefined,
    },
    upload(values, { shape, dtype }) {
      const narrow =
        dtype === "real" ? new Float32Array(values) : dtype === "int" ? new Int32Array(values) : new Uint8Array(values);
      return { dataId: heap.write(narrow, [...shape], dtypes[dtype]), shape: [...shape], dtype: dtypes[dtype] };
    },
    elements: (tensor) => heap.typedArrayFromHeap?.(tensor) ?? (heap.readSync(tensor.dataId) as Elements),
    copy(tensor) {
      heap.incRef(tensor.dataId);
      return { ...tensor };
    },
    free: (tensor) => void heap.disposeData(tensor.dataId),
    compile({ operation, inputs, results: [result] }, slots) {
      const loop = loopFor(operation, inputs, result);
      if (loop !== null) return runLoop(heap, loop, inputs, result, slots);
      const { kernel, names, attrs } = callOf(operation, inputs, result);
      const kernelFunc = kernelOf(kernel);
      const at = inputs.map((v) => v.slot);
      const out = result.slot;
      const many: TensorInfo[] = [];
      const given: Record<string, TensorInfo> = {};
      const call = { inputs: names === null ? (many as never) : given, attrs, backend };
      return () => {
        if (names === null) for (let i = 0; i < at.length; i++) many[i] = slots[at[i]];
        else for (let i = 0; i < at.length; i++) given[names[i]] = slots[at[i]];
        slots[out] = kernelFunc(call) as TensorInfo;
      };
    },
  };
  return target;
}

interface Call {
  readonly kernel: string;
  /** Names of the inputs; null: a list. */
  readonly names: readonly string[] | null;
  readonly attrs: NamedAttrMap;
}
const one = ["x"];
const two = ["a", "b"];
const operands = { Conv2D: ["x", "filter"], Conv2DBackpropInput: ["filter", "dy"], Conv2DBackpropFilter: ["x", "dy"] } as const;

function callOf(operation: Operation, inputs: Step["inputs"], { shape, dtype }: TensorType): Call {
  switch (operation.kind) {
    case "map":
      return { kernel: operation.kernel, names: inputs.length === 1 ? one : two, attrs: {} };
    case "select":
      return { kernel: "Select", names: ["condition", "t", "e"], attrs: {} };
    case "cast":
      return { kernel: "Cast", names: one, attrs: { dtype: dtypes[dtype] } };
    case "reduce": {
      const axes = [...operation.axes];
      const attrs: NamedAttrMap =
        operation.kernel === "Max" ? { reductionIndices: axes, keepDims: false } : { axis: axes, keepDims: false };
      return { kernel: operation.kernel, names: one, attrs };
    }
    case "cumsum":
      return { kernel: "Cumsum", names: one, attrs: { axis: shape.length - 1, exclusive: false, reverse: operation.reverse } };
    case "matMul":
      return {
        kernel: "BatchMatMul",
        names: two,
        attrs: { transposeA: operation.transposeX, transposeB: operation.transposeY },
      };
    case "convolve": {
      const { kernel, stride, padding } = operation;
      const attrs: NamedAttrMap = { strides: [...stride], pad: padding, dataFormat: "NHWC", dilations: [1, 1] };
      if (kernel === "Conv2DBackpropInput") attrs.inputShape = [...shape];
      if (kernel === "Conv2DBackpropFilter") attrs.filterShape = [...shape];
      return { kernel, names: operands[kernel], attrs };
    }
    case "reshape":
      return { kernel: "Reshape", names: one, attrs: { shape: [...shape] } };
    case "transpose":
      return { kernel: "Transpose", names: one, attrs: { perm: [...operation.permutation] } };
    case "slice":
      return { kernel: "Slice", names: one, attrs: { begin: [...operation.begin], size: [...shape] } };
    case "pad":
      return { kernel: "PadV2", names: one, attrs: { paddings: operation.paddings.map((p) => [...p]), constantValue: 0 } };
    case "concat":
      return { kernel: "Concat", names: null, attrs: { axis: operation.axis } };
    case "broadcast":
    case "gather":
    case "segmentSum":
    case "host":
      throw new InternalError(`${operation.kind} is no kernel of this library`);
    default:
      return unreachable(operation, "operation");
  }
}
