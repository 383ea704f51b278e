// A plan as one graph of TensorFlow: XLA compiles it, and a run is one call.
import { InternalError } from "../errors.ts";
import type { Numbers } from "../ir/type.ts";
import type { Plan } from "./plan.ts";
import { feedNames, type Graph, readName, resultNames, savedModel, writeNames } from "./saved-model.ts";
import type { Target } from "./target.ts";
import { TensorExecutable, zerosOf } from "./tensor-executable.ts";
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
  readonly #feeds: number[];
  readonly #feedNames: string;
  readonly #resultNames: string;

  constructor(plan: Plan, target: Target<number>, sessions: Sessions, compiled: boolean, like?: TensorExecutable<number>) {
    super(plan, target, like);
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
    for (const { tensor } of plan.residents) this.store(tensor, zerosOf(tensor));
  }

  protected override work(): void {
    const { feeds } = this.#graph;
    for (let i = 0; i < feeds.length; i++) this.#feeds[i] = this.slots[feeds[i].slot];
    const results = this.#call(this.#feeds, this.#feedNames, this.#resultNames);
    this.plan.outputs.forEach((v, i) => {
      this.outputs[i].set(this.target.elements(results[i].id, v));
    });
    for (const { id } of results) this.target.free(id);
  }
  protected override fetch(resident: Tensor, into: Numbers): void {
    const [{ id }] = this.#call([], "", readName(this.#graph, resident));
    into.set(this.target.elements(id, resident));
    this.target.free(id);
  }
  protected override store(resident: Tensor, values: Numbers): void {
    const given = this.target.upload(values, resident);
    const [{ id }] = this.#call([given], ...writeNames(this.#graph, resident));
    this.target.free(id);
    this.target.free(given);
  }
  #call(feeds: readonly number[], names: string, results: string): readonly { readonly id: number }[] {
    try {
      return this.#sessions.run(this.#session, feeds, names, results);
    } catch (cause) {
      throw new InternalError(`a program stopped on ${this.target.name}`, { cause });
    }
  }
  override dispose(): void {
    if (!this.isDisposed) this.#sessions.close(this.#session);
    super.dispose();
  }
}

/** Elements of a constant up to which it is part of the graph, where XLA can see its values. */
const SMALL = 256;

function graphOf(
  { constants, once, steps, inputs, residents, outputs, updates }: Plan,
  elementsOf: (v: Tensor) => Graph["constants"][number]["elements"],
): Graph {
  const nexts = updates.map((u) => u.next);
  const read = new Set([...steps.flatMap((s) => s.inputs), ...outputs, ...nexts].map((v) => v.slot));
  const known = [...constants.map((c) => c.tensor), ...once.flatMap((s) => s.results)].filter((v) => read.has(v.slot));
  const isSmall = (v: Tensor): boolean => v.shape.reduce((n, d) => n * d, 1) <= SMALL;
  return {
    feeds: [...inputs.map((n) => n.tensor).filter((v) => read.has(v.slot)), ...known.filter((v) => !isSmall(v))],
    constants: known.filter(isSmall).map((tensor) => ({ tensor, elements: elementsOf(tensor) })),
    steps,
    variables: residents.map((n) => n.tensor),
    results: outputs,
    updates,
  };
}
