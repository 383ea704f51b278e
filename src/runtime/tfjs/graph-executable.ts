// A plan as one graph of TensorFlow: XLA compiles it, and a run is one call.
import { InternalError } from "../errors.ts";
import type { Plan } from "./plan.ts";
import { feedNames, type Graph, resultNames, savedModel } from "./saved-model.ts";
import type { Target } from "./target.ts";
import { TensorExecutable } from "./tensor-executable.ts";
import type { Tensor } from "./tensor-ops.ts";

/** The addon's sessions. */
export interface Sessions {
  /** Loads the graph from a folder that is gone afterwards. */
  load(model: Uint8Array): number;
  run(session: number, feeds: readonly number[], feedNames: string, resultNames: string): readonly { readonly id: number }[];
  close(session: number): void;
}

export class GraphExecutable extends TensorExecutable<number> {
  readonly #sessions: Sessions;
  readonly #graph: Graph;
  readonly #session: number;
  readonly #feedNames: string;
  readonly #resultNames: string;
  readonly #feeds: number[];
  #closed = false;

  constructor(plan: Plan, target: Target<number>, sessions: Sessions, compiled: boolean) {
    super(plan, target);
    this.#sessions = sessions;
    this.#graph = graphOf(plan, (v) => target.elements(this.slots[v.slot], v));
    this.#feeds = new Array<number>(this.#graph.feeds.length);
    this.#feedNames = feedNames(this.#graph);
    this.#resultNames = resultNames(this.#graph);
    try {
      this.#session = sessions.load(savedModel(this.#graph, compiled));
    } catch (cause) {
      super.dispose();
      throw new InternalError("TensorFlow does not take a graph", { cause });
    }
  }

  protected override work(): void {
    const { target, slots } = this;
    const { outputs, updates } = this.plan;
    this.#graph.feeds.forEach((v, i) => {
      this.#feeds[i] = slots[v.slot];
    });
    let results: readonly { readonly id: number }[];
    try {
      results = this.#sessions.run(this.#session, this.#feeds, this.#feedNames, this.#resultNames);
    } catch (cause) {
      throw new InternalError(`a program stopped on ${target.name}`, { cause });
    }
    outputs.forEach((v, i) => {
      this.outputs[i].set(target.elements(results[i].id, v));
      target.free(results[i].id);
    });
    updates.forEach(({ resident }, i) => {
      target.free(slots[resident.slot]);
      slots[resident.slot] = results[outputs.length + i].id;
    });
  }

  override dispose(): void {
    super.dispose();
    if (!this.#closed) this.#sessions.close(this.#session);
    this.#closed = true;
  }
}

/** Elements of a constant up to which it is part of the graph, where XLA can see its values. */
const SMALL = 256;

function graphOf(
  { constants, once, steps, inputs, residents, outputs, updates }: Plan,
  elementsOf: (v: Tensor) => Graph["constants"][number]["elements"],
): Graph {
  const results = [...outputs, ...updates.map((u) => u.next)];
  const read = new Set([...steps.flatMap((s) => s.inputs), ...results].map((v) => v.slot));
  const known = [...constants.map((c) => c.tensor), ...once.flatMap((s) => s.results)].filter((v) => read.has(v.slot));
  const isSmall = (v: Tensor): boolean => v.shape.reduce((n, d) => n * d, 1) <= SMALL;
  return {
    feeds: [
      ...[...inputs, ...residents].map((n) => n.tensor).filter((v) => read.has(v.slot)),
      ...known.filter((v) => !isSmall(v)),
    ],
    constants: known.filter(isSmall).map((tensor) => ({ tensor, elements: elementsOf(tensor) })),
    steps,
    results,
  };
}
