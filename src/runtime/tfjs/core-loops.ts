// What the wasm and cpu backends of TensorFlow.js do slowly and a loop of ours over their memory does not: repeating elements, picking rows.
import type { KernelBackend, TensorInfo } from "@tensorflow/tfjs-core";
import { broadcastPositions } from "../ir/broadcast.ts";
import { sizeOf } from "../ir/type.ts";
import type { Operation, Step } from "./steps.ts";
import type { Elements } from "./target.ts";
import type { Tensor } from "./tensor-ops.ts";

/** What the backends have beside the interface of all. */
export interface HeapBackend extends KernelBackend {
  /** wasm: a view of the heap. */
  typedArrayFromHeap?(tensor: TensorInfo): Elements;
  /** wasm: a tensor whose elements are not set. */
  makeOutput?(shape: number[], dtype: string): TensorInfo;
  write(values: Elements, shape: number[], dtype: string): object;
}

export const dtypes = { real: "float32", int: "int32", bool: "bool" } as const;

type Loop = (into: Elements, x: Elements, index: Elements) => void;

export function loopFor(operation: Operation, [x]: Step["inputs"], result: Tensor): Loop | null {
  if (operation.kind === "broadcast") return stretching(x, result);
  return operation.kind === "gather" ? picking(x, operation.axis) : null;
}

function stretching(from: Tensor, to: Tensor): Loop {
  if (sizeOf(from.shape) === 1) return (into, x) => void into.fill(x[0]);
  const positions = broadcastPositions(from.shape, to.shape);
  return (into, x) => {
    for (let i = 0; i < positions.length; i++) into[i] = x[positions[i]];
  };
}

/** Rows along one axis, for each index of the axes before it. */
function picking({ shape }: Tensor, axis: number): Loop {
  const tables = sizeOf(shape.slice(0, axis));
  const size = shape[axis];
  const width = sizeOf(shape.slice(axis + 1));
  return (into, x, index) => {
    let at = 0;
    for (let table = 0; table < tables; table++) {
      for (let k = 0; k < index.length; k++, at += width) {
        const row = index[k];
        if (!(row >= 0 && row < size)) throw new Error(`the index ${row} is outside a table of ${size} rows`);
        const from = (table * size + row) * width;
        if (width < SHORT) for (let j = 0; j < width; j++) into[at + j] = x[from + j];
        else into.set(x.subarray(from, from + width) as never, at);
      }
    }
  };
}
/** Elements that a loop copies sooner than a call. */
const SHORT = 16;

export function runLoop(
  backend: HeapBackend,
  loop: Loop,
  inputs: Step["inputs"],
  result: Tensor,
  slots: TensorInfo[],
): () => void {
  const [from, second = from] = inputs.map((v) => v.slot);
  const shape = [...result.shape];
  const dtype = dtypes[result.dtype];
  const size = sizeOf(shape);
  const { makeOutput, typedArrayFromHeap } = backend;
  if (makeOutput !== undefined && typedArrayFromHeap !== undefined) {
    const view = (tensor: TensorInfo): Elements => typedArrayFromHeap.call(backend, tensor);
    return () => {
      // Views come last: a heap that grows takes them away.
      const out = makeOutput.call(backend, shape, dtype);
      try {
        loop(view(out), view(slots[from]), view(slots[second]));
      } catch (e) {
        backend.disposeData(out.dataId);
        throw e;
      }
      slots[result.slot] = out;
    };
  }
  const read = (tensor: TensorInfo): Elements => backend.readSync(tensor.dataId) as Elements;
  return () => {
    const values =
      result.dtype === "real" ? new Float32Array(size) : result.dtype === "int" ? new Int32Array(size) : new Uint8Array(size);
    loop(values, read(slots[from]), read(slots[second]));
    slots[result.slot] = { dataId: backend.write(values, shape, dtype), shape, dtype };
  };
}
