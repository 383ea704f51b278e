// Adam (Kingma and Ba 2015, algorithm 1) as part of a program: parameters and moments are resident, and replaced by each run.
import type { Program } from "../../runtime/backend.ts";
import { gradient } from "../../runtime/ir/gradient.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";

export interface AdamOptions {
  /** Decay of the first and of the second moment. */
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Gradients whose norm over all parameters is larger are scaled down to it; 0: never. */
  readonly clip: number;
}
/** What is trained: a resident input; of a table of which a run reads some rows, the rows it read. */
export interface Trained {
  readonly name: string;
  readonly resident: Value;
  readonly rows?: { readonly indices: Value; readonly value: Value };
}
export interface AdamStep {
  readonly updates: Program["updates"];
  /** Residents that Adam adds, all to begin at 0. */
  readonly moments: readonly Value[];
  /** Scalars to be set before each run, by AdamClock. */
  readonly rate: Value;
  readonly epsilon: Value;
  /** The step size as it is, where rows of tables are trained, whose corrections are their own. */
  readonly plainRate?: Value;
  /** Of the gradient, before it is clipped. */
  readonly gradientNorm: Value;
}

/** One step that lowers `loss`. A row of a table has made as many steps as it was read: corrected for the steps of all, its first ones would be too
 *  large, (1 - β₁) / √(1 - β₂) times the rate, which is 3 of the usual decays. */
export function adamStep(b: Builder, loss: Value, trained: readonly Trained[], options: AdamOptions): AdamStep {
  const rate = b.input("adam rate", { shape: [], dtype: "real" });
  const epsilon = b.input("adam epsilon", { shape: [], dtype: "real" });
  const plainRate = trained.some((t) => t.rows) ? b.input("adam plain rate", { shape: [], dtype: "real" }) : undefined;
  const leaves = trained.map((t) => t.rows?.value ?? t.resident);
  const gradients = gradient(b, loss, leaves);
  const squared = gradients.map((g) => b.sum(b.square(g))).reduce((x, y) => b.add(x, y), b.constant(0));
  const gradientNorm = b.sqrt(squared);
  const shrink =
    options.clip > 0 ? b.div(b.constant(options.clip), b.max(gradientNorm, b.constant(options.clip))) : b.constant(1);
  const updates: [Value, Value][] = [];
  const moments: Value[] = [];
  trained.forEach(({ name, resident, rows }, i) => {
    const moment = (which: string, shape = shapeOf(resident)): Value => {
      const input = b.input(`adam ${which} of ${name}`, { shape, dtype: "real" });
      moments.push(input);
      return input;
    };
    const read = (v: Value): Value => (rows ? b.gather(v, rows.indices) : v);
    const g = b.mul(gradients[i], shrink);
    const [first, second] = [moment("mean"), moment("square")];
    const [m, v] = [read(first), read(second)];
    const decayed = (decay: number, before: Value, now: Value): Value =>
      b.add(b.mul(b.constant(decay), before), b.mul(b.constant(1 - decay), now));
    const nextM = decayed(options.beta1, m, g);
    const nextV = decayed(options.beta2, v, b.square(g));
    /** The table with the rows that were read replaced: indices of one run are distinct. */
    const put = (table: Value, before: Value, after: Value): Value =>
      rows ? b.add(table, b.scatterAdd(b.sub(after, before), rows.indices, shapeOf(table)[0])) : after;
    const leaf = leaves[i];
    const ofRows = (): Value => {
      const [count, ...element] = shapeOf(leaf);
      // 1 - βᵗ is the mean, decayed alike, of 1 in each of a row's own t steps.
      const [share, shareSquared] = (["beta1", "beta2"] as const).map((which) => {
        const weight = moment(`${which} weight`, [shapeOf(resident)[0]]);
        const before = read(weight);
        const after = decayed(options[which], before, b.broadcastTo(b.constant(1), [count]));
        updates.push([weight, put(weight, before, after)]);
        return b.reshape(after, [count, ...element.map(() => 1)]);
      });
      const root = b.sqrt(b.div(nextV, shareSquared));
      return b.div(b.mul(plainRate ?? rate, b.div(nextM, share)), b.add(root, b.constant(options.epsilon)));
    };
    const step = rows ? ofRows() : b.div(b.mul(rate, nextM), b.add(b.sqrt(nextV), epsilon));
    updates.push(
      [resident, put(resident, leaf, b.sub(leaf, step))],
      [first, put(first, m, nextM)],
      [second, put(second, v, nextV)],
    );
  });
  return { updates, moments, rate, epsilon, ...(plainRate ? { plainRate } : {}), gradientNorm };
}

/** The scalars of each step in turn: the corrections of the moments' bias are folded into them (end of the paper's section 2). */
export class AdamClock {
  #first: number;
  #second: number;
  readonly #options: AdamOptions;

  /** `steps` made before, where training is resumed. */
  constructor(options: AdamOptions, steps = 0) {
    this.#options = options;
    this.#first = 1;
    this.#second = 1;
    for (let t = 0; t < steps; t++) this.#advance();
  }
  #advance(): void {
    this.#first *= this.#options.beta1;
    this.#second *= this.#options.beta2;
  }
  /** [rate, epsilon] for the next step. */
  next(rate: number): readonly [rate: number, epsilon: number] {
    this.#advance();
    const second = Math.sqrt(1 - this.#second);
    return [(rate * second) / (1 - this.#first), this.#options.epsilon * second];
  }
}
