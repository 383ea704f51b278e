// The program of one step of a training: a goal, its gradient, Adam, and what is kept up to date beside it.
import { UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { Builder, InputAttrs, Value } from "../../runtime/ir/graph.ts";
import type { Rowed } from "../../runtime/ir/rows.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import type { Axis, Target } from "../../runtime/target.ts";
import { adamStep, type Trained } from "./adam.ts";
import type { Family, Parameters } from "./approximation.ts";
import { Noise } from "./noise.ts";
import type { Goal, Ingredients, TrainingOptions } from "./train.ts";
import type { Minibatch } from "./weights.ts";

/** A resident that is learnt, with its mean over steps. */
export interface Leaf {
  readonly owner: "target" | "family";
  readonly name: string;
  readonly input: Value;
  readonly average?: Value;
}
export type Step = ReturnType<typeof trainingStep>;

export const nameOf = (input: Value): string => (input.node.attrs as InputAttrs).name;

/** The program of one step. Outputs: the bound, the norm of the gradient, then what each term adds. */
export function trainingStep(target: Target, family: Family, options: TrainingOptions, goal: (ingredients: Ingredients) => Goal) {
  const b = createBuilder();
  const noise = new Noise(b);
  const { batch } = options;
  if (batch && batch.plate.size === 0) throw new UsageError(`the plate ${batch.plate.name} has no rows`);
  const indices = batch && b.input("rows", { shape: [batch.rows], dtype: "int" });
  const own = new Map<Value, Rowed>();
  const trained: Trained[] = [];
  const leaf = (owner: Leaf["owner"], name: string, shape: readonly number[], plate?: Axis): Leaf => {
    const input = b.input(`${owner === "target" ? "parameter" : "family"} ${name}`, { shape, dtype: "real" });
    if (batch && indices && plate?.name === batch.plate.name) {
      const value = b.gather(input, indices);
      own.set(input, { value, axis: 0 });
      trained.push({ name: nameOf(input), resident: input, rows: { indices, value } });
    } else trained.push({ name: nameOf(input), resident: input });
    const average = options.averaged > 0 ? b.input(`average ${owner} ${name}`, { shape, dtype: "real" }) : undefined;
    return { owner, name, input, average };
  };
  const leaves = [
    ...target.parameters.map((p) => leaf("target", p.name, p.unconstrained, p.plate)),
    ...family.parameters.map((p) => leaf("family", p.name, p.shape, p.plate)),
  ];
  const of = (owner: Leaf["owner"]): Record<string, Value> =>
    Object.fromEntries(leaves.filter((l) => l.owner === owner).map((l) => [l.name, l.input]));
  const parameters: Parameters = { target: target.constrainParameters(b, of("target")), family: of("family") };
  const minibatch: Minibatch | undefined = batch && indices && { plate: batch.plate, rows: batch.rows, indices, own };
  const beta = options.beta !== 1 || options.warmup > 0 ? b.input("beta", { shape: [], dtype: "real" }) : undefined;
  const bound = goal({
    b,
    target,
    family,
    noise,
    parameters,
    options,
    ...(minibatch ? { minibatch } : {}),
    ...(beta ? { beta } : {}),
  });
  const adam = adamStep(b, b.neg(bound.objective), trained, options.adam);
  const weight = b.input("average weight", { shape: [], dtype: "real" });
  const next = new Map([...adam.updates, ...runningMeans(b, target, leaves, bound.statistics)]);
  const averages = leaves.flatMap(({ input, average }): [Value, Value][] =>
    average ? [[average, b.add(average, b.mul(weight, b.sub(next.get(input) ?? input, average)))]] : [],
  );
  const { settings = [], watched = [] } = bound;
  const outputs = [bound.value, adam.gradientNorm, ...bound.parts.map((p) => p.value), ...watched];
  const updates = [...next, ...averages];
  const residents = updates.map(([resident]) => resident);
  const { plainRate } = adam;
  const perCall = [
    adam.rate,
    adam.epsilon,
    ...(plainRate ? [plainRate] : []),
    weight,
    ...(beta ? [beta] : []),
    ...(indices ? [indices] : []),
    ...settings,
  ];
  const roots = [...outputs, ...updates.map(([, value]) => value)];
  const inputs = [...residents, ...perCall, ...noise.inputsOf(roots)];
  return {
    program: simplify(b, { inputs, outputs, updates, residents }),
    leaves,
    residents,
    moments: adam.moments,
    noise,
    goal: bound,
    parts: bound.parts.map((p) => p.name),
    names: {
      rate: nameOf(adam.rate),
      epsilon: nameOf(adam.epsilon),
      plainRate: plainRate && nameOf(plainRate),
      weight: nameOf(weight),
      beta: beta && nameOf(beta),
      rows: indices && nameOf(indices),
    },
  };
}

/** What is kept up to date instead of being trained. */
function runningMeans(b: Builder, target: Target, leaves: readonly Leaf[], statistics: Goal["statistics"]): [Value, Value][] {
  return target.parameters.flatMap(({ name, running }): [Value, Value][] => {
    if (!running) return [];
    const statistic = statistics?.get(name);
    const leaf = leaves.find((l) => l.owner === "target" && l.name === name);
    if (!statistic || !leaf)
      throw new UsageError(
        `${name} is a running mean over batches, which this engine does not keep: use --engine amortized, or layernorm`,
      );
    return [[leaf.input, running(b, leaf.input, b.stopGradient(statistic))]];
  });
}
