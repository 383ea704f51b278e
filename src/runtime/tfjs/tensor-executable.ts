// What every executable on TensorFlow.js has: inputs to fill, residents by name, tensors that it keeps until it is disposed of.
import type { Executable } from "../backend.ts";
import { InternalError } from "../errors.ts";
import { type Numbers, sizeOf, type TensorType } from "../ir/type.ts";
import { hostKernel } from "./host.ts";
import type { Plan } from "./plan.ts";
import type { Step } from "./steps.ts";
import type { Target } from "./target.ts";
import type { Tensor } from "./tensor-ops.ts";

export abstract class TensorExecutable<H> implements Executable {
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: readonly Float64Array[];
  protected readonly plan: Plan;
  protected readonly target: Target<H>;
  protected readonly slots: H[];
  readonly #kept: H[] = [];
  readonly #residents: ReadonlyMap<string, Tensor>;
  readonly #feeds: readonly { readonly tensor: Tensor; readonly values: Numbers }[];
  #disposed = false;

  /** `like`: an executable of the same plan, whose arrays this one shares. */
  constructor(plan: Plan, target: Target<H>, like?: TensorExecutable<H>) {
    this.plan = plan;
    this.target = target;
    this.slots = new Array<H>(plan.slots);
    this.#feeds = plan.inputs.map(({ name, tensor }) => ({ tensor, values: like?.inputs[name] ?? zerosOf(tensor) }));
    this.inputs = Object.fromEntries(plan.inputs.map(({ name }, i) => [name, this.#feeds[i].values]));
    this.outputs = like?.outputs ?? plan.outputs.map((v) => new Float64Array(sizeOf(v.shape)));
    this.#residents = new Map(plan.residents.map(({ name, tensor }) => [name, tensor]));
    for (const { tensor, values } of plan.constants) this.slots[tensor.slot] = this.#keep(values, tensor);
    for (const step of plan.once) {
      this.compile(step)();
      for (const v of step.results) this.#kept.push(this.slots[v.slot]);
    }
    for (const { tensor, values } of this.#feeds) this.slots[tensor.slot] = target.upload(values, tensor);
  }

  /** Takes the inputs, computes, and leaves outputs and residents as they are then. */
  protected abstract work(): void;
  protected abstract fetch(resident: Tensor, into: Numbers): void;
  protected abstract store(resident: Tensor, values: Numbers): void;

  run(): void {
    if (this.#disposed) throw new InternalError("an executable runs after dispose");
    const { target, slots } = this;
    // New tensors, never other elements in the old ones: reshapes share elements, the addon lends arrays to tensors, and the wasm kernel of
    // products keeps a packed copy of an operand as long as it lives.
    for (const { tensor, values } of this.#feeds) {
      target.free(slots[tensor.slot]);
      slots[tensor.slot] = target.upload(values, tensor);
    }
    this.work();
  }
  /** The residents of another executable of the same plan. */
  take(other: TensorExecutable<H>): void {
    for (const tensor of this.#residents.values()) {
      const values = zerosOf(tensor);
      other.fetch(tensor, values);
      this.store(tensor, values);
    }
  }
  finished(): Promise<void> {
    return Promise.resolve();
  }
  read(name: string): Promise<Numbers> {
    const tensor = this.#resident(name);
    const values = zerosOf(tensor);
    this.fetch(tensor, values);
    return Promise.resolve(values);
  }
  write(name: string, values: Numbers): void {
    const tensor = this.#resident(name);
    const size = sizeOf(tensor.shape);
    if (values.length !== size) throw new InternalError(`${values.length} values for the resident ${name} of ${size}`);
    this.store(tensor, values);
  }
  get isDisposed(): boolean {
    return this.#disposed;
  }
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of this.#kept) this.target.free(tensor);
    for (const { tensor } of this.#feeds) this.target.free(this.slots[tensor.slot]);
  }

  /** A step as a function on the slots. */
  protected compile(step: Step): () => void {
    if (step.operation.kind === "host") return this.#hostStep(step);
    return this.target.compile(step, this.slots, (values, type) => this.#keep(values, type));
  }
  #hostStep({ operation, inputs, results }: Step): () => void {
    if (operation.kind !== "host") throw new InternalError("a step of the library on the host");
    const { target, slots } = this;
    const kernel = hostKernel(operation.node);
    const operands = inputs.map((v, i) => ({ tensor: v, into: kernel.inputs[`x${i}`] }));
    return () => {
      for (const { tensor, into } of operands) into.set(target.elements(slots[tensor.slot], tensor));
      kernel.run();
      results.forEach((v, i) => {
        slots[v.slot] = target.upload(kernel.outputs[i], v);
      });
    };
  }
  #resident(name: string): Tensor {
    const found = this.#residents.get(name);
    if (found === undefined) throw new InternalError(`the program has no resident ${name}`);
    if (this.#disposed) throw new InternalError(`the resident ${name} is asked for after dispose`);
    return found;
  }
  #keep(values: Numbers, type: TensorType): H {
    const kept = this.target.upload(values, type);
    this.#kept.push(kept);
    return kept;
  }
}

export function zerosOf({ shape, dtype }: TensorType): Numbers {
  const size = sizeOf(shape);
  return dtype === "real" ? new Float64Array(size) : dtype === "int" ? new Int32Array(size) : new Uint8Array(size);
}
