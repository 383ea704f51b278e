// The wasm and cpu backends of TensorFlow.js: their kernels are called as functions, without tensors, tape or scopes around them.
import type { KernelBackend, KernelFunc, NamedAttrMap, TensorInfo } from "@tensorflow/tfjs-core";
import { InternalError, unreachable } from "../errors.ts";
import { broadcastPositions } from "../ir/broadcast.ts";
import { sizeOf, type TensorType } from "../ir/type.ts";
import type { Operation, Step } from "./steps.ts";
import type { Elements, Target } from "./target.ts";
import type { Tensor } from "./tensor-ops.ts";
import type { CoreTraits } from "./traits.ts";

export interface CoreLibrary {
  getKernel(kernel: string, backend: string): { readonly kernelFunc: KernelFunc } | undefined;
}
/** What the backends have beside the interface of all. */
interface HeapBackend extends KernelBackend {
  /** wasm: a view of the heap. */
  typedArrayFromHeap?(tensor: TensorInfo): Elements;
  /** wasm: a tensor whose elements are not set. */
  makeOutput?(shape: number[], dtype: string): TensorInfo;
  write(values: Elements, shape: number[], dtype: string): object;
}

const dtypes = { real: "float32", int: "int32", bool: "bool" } as const;

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
    refill(tensor, values, type) {
      // In place only where nobody else sees the same elements, as a reshape of them would.
      if (heap.typedArrayFromHeap !== undefined && heap.refCount(tensor.dataId) === 1) {
        heap.typedArrayFromHeap(tensor).set(values);
        return tensor;
      }
      target.free(tensor);
      return target.upload(values, type);
    },
    elements: (tensor) => heap.typedArrayFromHeap?.(tensor) ?? (heap.readSync(tensor.dataId) as Elements),
    copy(tensor) {
      heap.incRef(tensor.dataId);
      return { ...tensor };
    },
    free: (tensor) => void heap.disposeData(tensor.dataId),
    compile({ operation, inputs, results: [result] }, slots) {
      if (operation.kind === "broadcast") return stretch(heap, inputs[0], result, slots);
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

/** Elements repeated. The library's own kernel, Tile, takes a tenth of a microsecond for each. */
function stretch(backend: HeapBackend, from: Tensor, to: Tensor, slots: TensorInfo[]): () => void {
  const positions = sizeOf(from.shape) === 1 ? null : broadcastPositions(from.shape, to.shape);
  const shape = [...to.shape];
  const dtype = dtypes[to.dtype];
  const size = sizeOf(shape);
  const fill = (into: Elements, x: Elements): void => {
    if (positions === null) into.fill(x[0]);
    else for (let i = 0; i < size; i++) into[i] = x[positions[i]];
  };
  const { makeOutput, typedArrayFromHeap } = backend;
  if (makeOutput !== undefined && typedArrayFromHeap !== undefined) {
    return () => {
      const out = makeOutput.call(backend, shape, dtype);
      fill(typedArrayFromHeap.call(backend, out), typedArrayFromHeap.call(backend, slots[from.slot]));
      slots[to.slot] = out;
    };
  }
  return () => {
    const values =
      to.dtype === "real" ? new Float32Array(size) : to.dtype === "int" ? new Int32Array(size) : new Uint8Array(size);
    fill(values, backend.readSync(slots[from.slot].dataId) as Elements);
    slots[to.slot] = { dataId: backend.write(values, shape, dtype), shape, dtype };
  };
}

interface Call {
  readonly kernel: string;
  /** Names of the inputs; null: a list. */
  readonly names: readonly string[] | null;
  readonly attrs: NamedAttrMap;
}
const one = ["x"];
const two = ["a", "b"];

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
    case "reshape":
      return { kernel: "Reshape", names: one, attrs: { shape: [...shape] } };
    case "broadcast":
      throw new InternalError("broadcasting is no kernel");
    case "transpose":
      return { kernel: "Transpose", names: one, attrs: { perm: [...operation.permutation] } };
    case "slice":
      return { kernel: "Slice", names: one, attrs: { begin: [...operation.begin], size: [...shape] } };
    case "pad":
      return { kernel: "PadV2", names: one, attrs: { paddings: operation.paddings.map((p) => [...p]), constantValue: 0 } };
    case "concat":
      return { kernel: "Concat", names: null, attrs: { axis: operation.axis } };
    case "gather":
      return { kernel: "GatherV2", names: ["x", "indices"], attrs: { axis: operation.axis, batchDims: 0 } };
    case "segmentSum":
    case "host":
      throw new InternalError(`${operation.kind} is no kernel of this library`);
    default:
      return unreachable(operation, "operation");
  }
}
