// A plan at work step by step: a flat loop, tensors freed after their last reader.
import { InternalError } from "../errors.ts";
import type { Numbers } from "../ir/type.ts";
import { lastReaders, type Plan } from "./plan.ts";
import type { Target } from "./target.ts";
import { TensorExecutable, zerosOf } from "./tensor-executable.ts";
import type { Tensor } from "./tensor-ops.ts";

export class PlanExecutable<H> extends TensorExecutable<H> {
  readonly #steps: readonly (() => void)[];
  /** Slots that end after each step. */
  readonly #ends: readonly (readonly number[])[];
  /** Slots that the steps fill and that nobody takes over: outputs. */
  readonly #left: readonly number[];
  /** Updates whose next value the run has made, for them alone. */
  readonly #moved: readonly boolean[];

  constructor(plan: Plan, target: Target<H>) {
    super(plan, target);
    for (const { tensor } of plan.residents) this.slots[tensor.slot] = target.upload(zerosOf(tensor), tensor);
    const made = new Set(plan.steps.flatMap((s) => s.results.map((v) => v.slot)));
    const nexts = plan.updates.map((u) => u.next.slot);
    this.#moved = nexts.map((slot, i) => made.has(slot) && nexts.indexOf(slot) === i);
    const roots = new Set([...plan.outputs.map((v) => v.slot), ...nexts]);
    this.#left = [...roots].filter((slot) => made.has(slot) && !nexts.includes(slot));
    this.#ends = lastReaders(plan.steps, roots);
    this.#steps = plan.steps.map((step) => this.compile(step));
  }

  protected override work(): void {
    const { target, slots } = this;
    const steps = this.#steps;
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
    const { outputs } = this.plan;
    for (let i = 0; i < outputs.length; i++) this.outputs[i].set(target.elements(slots[outputs[i].slot], outputs[i]));
    this.#update();
    for (const slot of this.#left) target.free(slots[slot]);
  }

  /** Residents take their next values together. What the run made for one of them changes hands, anything else is copied. */
  #update(): void {
    const { target, slots } = this;
    const { updates } = this.plan;
    const next = updates.map((u, i) => (this.#moved[i] ? slots[u.next.slot] : target.copy(slots[u.next.slot], u.next)));
    updates.forEach(({ resident }, i) => {
      target.free(slots[resident.slot]);
      slots[resident.slot] = next[i];
    });
  }

  protected override fetch(resident: Tensor, into: Numbers): void {
    into.set(this.target.elements(this.slots[resident.slot], resident));
  }
  protected override store(resident: Tensor, values: Numbers): void {
    this.target.free(this.slots[resident.slot]);
    this.slots[resident.slot] = this.target.upload(values, resident);
  }
  override dispose(): void {
    if (!this.isDisposed) for (const { tensor } of this.plan.residents) this.target.free(this.slots[tensor.slot]);
    super.dispose();
  }

  /** Frees what the steps before the one that failed have made and not freed. */
  #abandon(failed: number): void {
    const ended = new Set(this.#ends.slice(0, failed).flat());
    const made = this.plan.steps.slice(0, failed).flatMap((s) => s.results.map((v) => v.slot));
    for (const slot of made) if (!ended.has(slot)) this.target.free(this.slots[slot]);
  }
}
