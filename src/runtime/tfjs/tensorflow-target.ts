// TensorFlow itself: operations by their own names, on the handles of the addon of tfjs-node.
import type { DType, Numbers, TensorType } from "../ir/type.ts";
import type { Traits } from "./steps.ts";
import type { Elements, Target } from "./target.ts";
import { type Attribute, callOf, inOrder } from "./tensorflow-calls.ts";

/** The addon's interface (tfjs-node, src/tfjs_binding.ts), as far as it is used. */
export interface Binding {
  createTensor(shape: readonly number[], dtype: number, values: Elements): number;
  deleteTensor(tensor: number): void;
  tensorDataSync(tensor: number): Elements;
  executeOp(
    name: string,
    attrs: readonly BindingAttribute[],
    inputs: readonly number[],
    results: number,
  ): readonly { readonly id: number }[];
  getNumOfTensors(): number;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(session: number): void;
  runSavedModel(
    session: number,
    inputs: readonly number[],
    inputNames: string,
    resultNames: string,
  ): readonly { readonly id: number }[];
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_Version: string;
}
interface BindingAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

export function tensorflowTarget(binding: Binding, traits: Traits): Target<number> {
  const dtypeOf: Readonly<Record<DType, number>> = { real: binding.TF_FLOAT, int: binding.TF_INT32, bool: binding.TF_BOOL };
  const attribute = ({ name, value }: Attribute): BindingAttribute => {
    if ("type" in value) return { name, type: binding.TF_ATTR_TYPE, value: dtypeOf[value.type] };
    if ("flag" in value) return { name, type: binding.TF_ATTR_BOOL, value: value.flag };
    if ("text" in value) return { name, type: binding.TF_ATTR_STRING, value: value.text };
    return { name, type: binding.TF_ATTR_INT, value: "count" in value ? value.count : value.counts };
  };
  // The addon lends the array's memory to the tensor: it must be one that nobody writes to.
  const own = (values: Numbers | Elements, { dtype }: TensorType): Elements =>
    dtype === "real" ? new Float32Array(values) : dtype === "int" ? new Int32Array(values) : new Uint8Array(values);
  const target: Target<number> = {
    name: "tensorflow",
    traits,
    upload: (values, t) => binding.createTensor(t.shape, dtypeOf[t.dtype], own(values, t)),
    elements: (tensor) => binding.tensorDataSync(tensor),
    copy: (tensor, { dtype }) =>
      binding.executeOp("Identity", [attribute({ name: "T", value: { type: dtype } })], [tensor], 1)[0].id,
    free: (tensor) => binding.deleteTensor(tensor),
    compile(step, slots, keep) {
      const call = callOf(step);
      const { name, attrs: given, more } = call;
      const attrs = given.map(attribute);
      const at = step.inputs.map((v) => v.slot);
      const operands = more.map(({ values, shape }) => keep(Int32Array.from(values), { shape, dtype: "int" }));
      const ids = inOrder(
        call,
        at.map(() => -1),
        operands,
      );
      // Where the step's own operands stand.
      const places = inOrder(
        call,
        at.map((_, i) => i),
        operands.map(() => -1),
      ).flatMap((i, place) => (i < 0 ? [] : [place]));
      const out = step.results[0].slot;
      const { executeOp } = binding;
      return () => {
        for (let i = 0; i < at.length; i++) ids[places[i]] = slots[at[i]];
        slots[out] = executeOp(name, attrs, ids, 1)[0].id;
      };
    },
  };

  return target;
}
