// A plan at work: a flat loop over the steps, tensors freed after their last reader.
import type { Executable } from "../backend.ts";
import { InternalError } from "../errors.ts";
import { type Numbers, sizeOf, type TensorType } from "../ir/type.ts";
import { hostKernel } from "./host.ts";
import { lastReaders, type Plan } from "./plan.ts";
import type { Step } from "./steps.ts";
import type { Target } from "./target.ts";
import type { Tensor } from "./tensor-ops.ts";

export class PlanExecutable<H> implements Executable {
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: readonly Float64Array[];
  readonly #plan: Plan;
  readonly #target: Target<H>;
  readonly #slots: H[];
  readonly #steps: (() => void)[] = [];
  /** Slots that end after each step. */
  readonly #ends: readonly (readonly number[])[];
  /** Slots that the steps fill and that nobody takes over: outputs. */
  readonly #left: readonly number[];
  readonly #moved: readonly boolean[];
  readonly #kept: H[] = [];
  readonly #residents: ReadonlyMap<string, Tensor>;
  readonly #feeds: readonly { readonly tensor: Tensor; readonly values: Numbers }[];
  #disposed = false;

  constructor(plan: Plan, target: Target<H>) {
    this.#plan = plan;
    this.#target = target;
    this.#slots = new Array<H>(plan.slots);
    this.#feeds = plan.inputs.map(({ tensor }) => ({ tensor, values: zerosOf(tensor) }));
    this.inputs = Object.fromEntries(plan.inputs.map(({ name }, i) => [name, this.#feeds[i].values]));
    this.outputs = plan.outputs.map((v) => new Float64Array(sizeOf(v.shape)));
    this.#residents = new Map(plan.residents.map(({ name, tensor }) => [name, tensor]));

    const made = new Set(plan.steps.flatMap((s) => s.results.map((v) => v.slot)));
    const nexts = plan.updates.map((u) => u.next.slot);
    this.#moved = nexts.map((slot, i) => made.has(slot) && nexts.indexOf(slot) === i);
    const roots = new Set([...plan.outputs.map((v) => v.slot), ...nexts]);
    this.#left = [...roots].filter((slot) => made.has(slot) && !nexts.includes(slot));
    this.#ends = lastReaders(plan.steps, roots);

    for (const { tensor, values } of plan.constants) this.#slots[tensor.slot] = this.#keep(values, tensor);
    for (const step of plan.once) {
      this.#compile(step)();
      for (const v of step.results) this.#kept.push(this.#slots[v.slot]);
    }
    for (const { tensor, values } of this.#feeds) this.#slots[tensor.slot] = target.upload(values, tensor);
    for (const tensor of this.#residents.values()) this.#slots[tensor.slot] = target.upload(zerosOf(tensor), tensor);
    for (const step of plan.steps) this.#steps.push(this.#compile(step));
  }

  run(): void {
    if (this.#disposed) throw new InternalError("an executable runs after dispose");
    const target = this.#target;
    const slots = this.#slots;
    const steps = this.#steps;
    for (const { tensor, values } of this.#feeds) slots[tensor.slot] = target.refill(slots[tensor.slot], values, tensor);
    for (let i = 0; i < steps.length; i++) {
      try {
        steps[i]();
      } catch (cause) {
        this.#abandon(i);
        throw new InternalError(`a program stopped on ${target.name}`, { cause });
      }
      const ends = this.#ends[i];
      for (let k = 0; k < ends.length; k++) target.free(slots[ends[k]]);
    }
    const { outputs } = this.#plan;
    for (let i = 0; i < outputs.length; i++) this.outputs[i].set(target.elements(slots[outputs[i].slot], outputs[i]));
    this.#update();
    for (const slot of this.#left) target.free(slots[slot]);
  }

  /** Residents take their next values together. What the run made for one of them changes hands, anything else is copied. */
  #update(): void {
    const target = this.#target;
    const slots = this.#slots;
    const { updates } = this.#plan;
    const next = updates.map((u, i) => (this.#moved[i] ? slots[u.next.slot] : target.copy(slots[u.next.slot], u.next)));
    updates.forEach(({ resident }, i) => {
      target.free(slots[resident.slot]);
      slots[resident.slot] = next[i];
    });
  }

  /** Frees what the steps before the one that failed have made and not freed. */
  #abandon(failed: number): void {
    const ended = new Set(this.#ends.slice(0, failed).flat());
    const made = this.#plan.steps.slice(0, failed).flatMap((s) => s.results.map((v) => v.slot));
    for (const slot of made) if (!ended.has(slot)) this.#target.free(this.#slots[slot]);
  }

  finished(): Promise<void> {
    return Promise.resolve();
  }
  read(name: string): Promise<Numbers> {
    const tensor = this.#resident(name);
    const values = zerosOf(tensor);
    values.set(this.#target.elements(this.#slots[tensor.slot], tensor));
    return Promise.resolve(values);
  }
  write(name: string, values: Numbers): void {
    const tensor = this.#resident(name);
    const size = sizeOf(tensor.shape);
    if (values.length !== size) throw new InternalError(`${values.length} values for the resident ${name} of ${size}`);
    this.#target.free(this.#slots[tensor.slot]);
    this.#slots[tensor.slot] = this.#target.upload(values, tensor);
  }
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of this.#kept) this.#target.free(tensor);
    for (const { tensor } of this.#feeds) this.#target.free(this.#slots[tensor.slot]);
    for (const tensor of this.#residents.values()) this.#target.free(this.#slots[tensor.slot]);
  }

  #resident(name: string): Tensor {
    const found = this.#residents.get(name);
    if (found === undefined) throw new InternalError(`the program has no resident ${name}`);
    if (this.#disposed) throw new InternalError(`the resident ${name} is asked for after dispose`);
    return found;
  }
  #keep(values: Numbers, type: TensorType): H {
    const kept = this.#target.upload(values, type);
    this.#kept.push(kept);
    return kept;
  }
  #compile(step: Step): () => void {
    if (step.operation.kind === "host") return this.#hostStep(step);
    return this.#target.compile(step, this.#slots, (values, type) => this.#keep(values, type));
  }

  #hostStep({ operation, inputs, results }: Step): () => void {
    if (operation.kind !== "host") throw new InternalError("a step of the library on the host");
    const target = this.#target;
    const slots = this.#slots;
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
}

function zerosOf({ shape, dtype }: TensorType): Numbers {
  const size = sizeOf(shape);
  return dtype === "real" ? new Float64Array(size) : dtype === "int" ? new Int32Array(size) : new Uint8Array(size);
}
