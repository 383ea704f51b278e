// From a program of the IR to a plan for TensorFlow.js: steps in order, what is known before the first run, and when each tensor ends.
import { callInputsOf, type Program, residentsOf, rootsOf } from "../backend.ts";
import { InternalError } from "../errors.ts";
import { createBuilder } from "../ir/builder.ts";
import { type Builder, type ConstantAttrs, type InputAttrs, type Node, typeOf, type Value } from "../ir/graph.ts";
import { nodesOf } from "../ir/order.ts";
import { sizeOf } from "../ir/type.ts";
import { verify } from "../ir/verify.ts";
import type { Constant, Step, Traits } from "./steps.ts";
import type { Tensor } from "./tensor-ops.ts";
import { Tracer } from "./tracer.ts";

export interface Plan {
  readonly slots: number;
  readonly constants: readonly Constant[];
  /** Steps on constants alone: once. */
  readonly once: readonly Step[];
  /** The others: each run, in this order. */
  readonly steps: readonly Step[];
  readonly inputs: readonly Named[];
  readonly residents: readonly Named[];
  readonly outputs: readonly Tensor[];
  readonly updates: readonly { readonly name: string; readonly resident: Tensor; readonly next: Tensor }[];
}
export interface Named {
  readonly name: string;
  readonly tensor: Tensor;
}

export function planFor(given: Program, traits: Traits): Plan {
  verify(given);
  const program = expanded(given);
  const t = new Tracer(traits);
  const tensors = new Map<Node, readonly Tensor[]>();
  const tensorOf = (v: Value): Tensor => tensors.get(v.node)![v.index];
  const named = (v: Value): Named => {
    const tensor = t.tensor(typeOf(v));
    tensors.set(v.node, [tensor]);
    return { name: (v.node.attrs as InputAttrs).name, tensor };
  };
  const inputs = callInputsOf(program).map(named);
  const residents = residentsOf(program).map(named);
  for (const node of nodesOf(rootsOf(program)))
    if (!tensors.has(node)) tensors.set(node, lower(t, node, node.inputs.map(tensorOf)));

  const outputs = program.outputs.map(tensorOf);
  const updates = program.updates.map(([resident, next]) => ({
    name: (resident.node.attrs as InputAttrs).name,
    resident: tensorOf(resident),
    next: tensorOf(next),
  }));
  const needed = needs(t.steps, [...outputs, ...updates.map((u) => u.next)]);
  const known = new Set(t.constants.map((c) => c.tensor.slot));
  const once: Step[] = [];
  const steps: Step[] = [];
  for (const step of t.steps.filter((s) => needed.has(s))) {
    const isKnown = step.inputs.every((v) => known.has(v.slot));
    (isKnown ? once : steps).push(step);
    if (isKnown) for (const v of step.results) known.add(v.slot);
  }
  const read = new Set([...once, ...steps].flatMap((s) => s.inputs.map((v) => v.slot)));
  for (const v of [...outputs, ...updates.map((u) => u.next)]) read.add(v.slot);
  const constants = t.constants.filter((c) => read.has(c.tensor.slot));
  return { slots: t.slots, constants, once, steps, inputs, residents, outputs, updates };
}

function lower(t: Tracer, node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  const { op, results } = node;
  if (op === "input") throw new InternalError(`the input ${(node.attrs as InputAttrs).name} is not declared`);
  if (op === "constant") return [t.constant((node.attrs as ConstantAttrs).values, results[0])];
  // Kernels differ in what they make of nothing.
  if ([...node.inputs.map(typeOf), ...results].some(({ shape }) => sizeOf(shape) === 0)) return t.host(node, inputs);
  if (op.tfjs.kind === "expand") throw new InternalError(`${op.name} was to be expanded`);
  const tensors = op.tfjs.lower(t, inputs, node);
  tensors.forEach(({ shape, dtype }, i) => {
    const type = results[i];
    if (dtype !== type.dtype || String(shape) !== String(type.shape))
      throw new InternalError(`${op.name}: the tfjs rule gives ${dtype}[${shape}] for ${type.dtype}[${type.shape}]`);
  });
  return tensors;
}

function needs(steps: readonly Step[], roots: readonly Tensor[]): Set<Step> {
  const wanted = new Set(roots.map((v) => v.slot));
  const found = new Set<Step>();
  for (const step of [...steps].reverse()) {
    if (!step.results.some((v) => wanted.has(v.slot))) continue;
    found.add(step);
    for (const v of step.inputs) wanted.add(v.slot);
  }
  return found;
}

/** What is written with simpler primitives replaced by these. */
function expanded(program: Program): Program {
  const residents = residentsOf(program);
  const nodes = nodesOf([...program.inputs, ...residents, ...rootsOf(program)]);
  const isExpanded = ({ op }: Node): boolean => typeof op !== "string" && op.tfjs.kind === "expand";
  if (!nodes.some(isExpanded)) return program;
  const b = createBuilder();
  const images = new Map<Node, readonly Value[]>();
  const imageOf = (v: Value): Value => images.get(v.node)![v.index];
  for (const node of nodes) images.set(node, image(b, node, node.inputs.map(imageOf)));
  return expanded({
    inputs: program.inputs.map(imageOf),
    residents: residents.map(imageOf),
    outputs: program.outputs.map(imageOf),
    updates: program.updates.map(([resident, next]) => [imageOf(resident), imageOf(next)] as const),
  });
}
function image(b: Builder, node: Node, inputs: readonly Value[]): readonly Value[] {
  const [type] = node.results;
  if (node.op === "input") return [b.input((node.attrs as InputAttrs).name, type)];
  if (node.op === "constant") {
    const { values, unfolded } = node.attrs as ConstantAttrs;
    return [(unfolded ? b.unfolded : b.tensor)(values, type.shape, type.dtype)];
  }
  return node.op.tfjs.kind === "expand" ? node.op.tfjs.expand(b, inputs, node.attrs) : b.apply(node.op, inputs, node.attrs);
}

/** After which step each tensor is read no more, of those that steps make and nobody keeps. */
export function lastReaders(steps: readonly Step[], kept: ReadonlySet<number>): number[][] {
  const made = new Set(steps.flatMap((s) => s.results.map((v) => v.slot)));
  const last = new Map<number, number>();
  steps.forEach((step, i) => {
    for (const v of [...step.results, ...step.inputs]) if (made.has(v.slot) && !kept.has(v.slot)) last.set(v.slot, i);
  });
  const ends = steps.map((): number[] => []);
  for (const [slot, i] of last) ends[i].push(slot);
  return ends;
}
