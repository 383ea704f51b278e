// What an executable needs of a library of kernels.
import type { Numbers, TensorType } from "../ir/type.ts";
import type { Step, Traits } from "./steps.ts";

/** Elements of a tensor as the library hands them out; to be read at once. */
export type Elements = Float32Array | Int32Array | Uint8Array;

/** H: the library's tensors, which somebody must free. */
export interface Target<H> {
  readonly name: string;
  readonly traits: Traits;
  upload(values: Numbers | Elements, type: TensorType): H;
  elements(tensor: H, type: TensorType): Elements;
  /** One that lives by itself. */
  copy(tensor: H, type: TensorType): H;
  free(tensor: H): void;
  /** A step on the tensors in `slots`, its result put there. What it needs besides is uploaded by `keep`, once. */
  compile(step: Step, slots: H[], keep: (values: Numbers, type: TensorType) => H): () => void;
}
