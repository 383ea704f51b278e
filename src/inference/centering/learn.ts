// `--centering auto`: coordinates between centred and standard ones (Gorinova, Moore and Hoffman 2020), chosen before chains begin.
//
// There λ and a mean-field q maximise the bound, which is KL(q ‖ p), by stochastic gradients. What a weight gains is little beside the noise of these: 16 000
// evaluations still left weights of one and the same group of schools anywhere. And KL(q ‖ p) does not see the neck of a funnel where q has no mass. Here
// q is fitted in the other direction, to draws of short chains in the coordinates halfway; that needs no gradients, and each weight is found by itself.
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { Value } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { AffineLatent, Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import type { Prepared, RunEngineContext } from "../engine.ts";
import { nuts } from "../engines/nuts.ts";
import { LARGEST_SEED, runEngine } from "../run.ts";
import { bestWeight, type ElementDraws } from "./weights.ts";

const PILOT = { warmup: 200, draws: 200 };
const CHAINS = 2;
const HALF = 0.5;
/** Weights so near to an end are at the end: the difference to the sampler is nothing, and programs are shorter there. In between they are left as they
 *  are: for groups that have neither much nor little data both ends are worse. */
const AT_END = 0.1;

/** Latents whose coordinates the model leaves open: those that it calls noncentered are as it says. */
const openLatents = (target: Target): readonly AffineLatent[] => target.affine.filter((a) => !a.isNoncentered);

export async function learnCentering(target: Target, context: RunEngineContext): Promise<Prepared> {
  const open = openLatents(target);
  if (open.length === 0) {
    const why = "no latent that the model leaves centred has a location or scale that depends on latents";
    return { target, notes: [`centering auto: there is nothing to choose, for ${why}`] };
  }
  const half = target.recentered(new Map(open.map((a) => [a.slot, Float64Array.of(HALF)])));
  const controller = new AbortController();
  const outcome = await runEngine(half, nuts, PILOT, {
    chains: CHAINS,
    seed: context.rng.split("centering").below(LARGEST_SEED + 1),
    workers: "never",
    signal: controller.signal,
    onProgress(at) {
      if (context.stop()) controller.abort();
      context.progress({ ...at, phase: `centering, ${at.phase}` });
    },
  });
  const evaluations = outcome.chains.reduce((n, c) => n + c.evaluations, 0);
  const draws = outcome.chains.flatMap((c) =>
    Array.from({ length: c.draws }, (_, d) => c.positions.slice(d * c.dimension, (d + 1) * c.dimension)),
  );
  if (outcome.failure || draws.length < PILOT.draws) {
    const why = outcome.failure?.reason ?? "it was stopped";
    return {
      target,
      evaluations,
      notes: [`centering auto: the coordinates are those of the model, for the choice could not be made: ${why}`],
    };
  }
  const elements = await elementDraws(half, draws);
  const centering = open.map(({ name, statement, span, slot, weights }) => ({
    name,
    statement,
    span,
    weights: weightsOf(elements.get(slot) ?? [], target.layout[slot].shape, weights),
  }));
  const chosen = new Map(open.map(({ slot }, i) => [slot, centering[i].weights]));
  return { target: target.recentered(chosen), evaluations, centering, notes: [] };
}

/** One for each element, or for each of those that share it. */
function weightsOf(elements: readonly ElementDraws[], shape: readonly number[], weights: readonly number[]): Float64Array {
  const groups = Array.from({ length: sizeOf(weights) }, (): ElementDraws[] => []);
  const [strides, own] = [stridesOf(shape), stridesOf(weights)];
  elements.forEach((e, i) => {
    let at = 0;
    for (let axis = 0; axis < weights.length; axis++) {
      const there = axis + shape.length - weights.length;
      const index = Math.floor(i / strides[there]) % shape[there];
      if (weights[axis] !== 1) at += index * own[axis];
    }
    groups[at].push(e);
  });
  return Float64Array.from(groups, (group) => toEnd(bestWeight(group) ?? 1));
}

const toEnd = (w: number): number => (w <= AT_END ? 0 : w >= 1 - AT_END ? 1 : w);

/** By slot, in order of the elements. */
async function elementDraws(half: Target, draws: readonly Float64Array[]): Promise<Map<number, ElementDraws[]>> {
  const b = createBuilder();
  const q = b.input("q", { shape: [half.dimension], dtype: "real" });
  const roots = half.standardised(b, q).flatMap((s): Value[] => [s.value, s.location, s.scale, s.standard]);
  const program = await wasmBackend.compile(simplify(b, { inputs: [q], outputs: roots, updates: [] }));
  const kept = roots
    .map((r) => sizeOf(r.node.results[r.index].shape))
    .map((size) => Array.from({ length: size }, () => new Float64Array(draws.length)));
  draws.forEach((position, d) => {
    Object.values(program.inputs)[0].set(position);
    program.run();
    kept.forEach((columns, r) => {
      const out = program.outputs[r];
      for (let i = 0; i < columns.length; i++) columns[i][d] = out[i];
    });
  });
  program.dispose();
  return new Map(
    half.affine.map(({ slot }, k) => {
      const [value, location, scale, standard] = kept.slice(4 * k);
      const isLog = isLogarithm(half, slot, value, draws);
      return [
        slot,
        value.map((_, i) => ({ value: value[i], location: location[i], scale: scale[i], standard: standard[i], isLog })),
      ];
    }),
  );
}

/** Whether coordinates are logarithms of values, which are positive and far from the coordinates as numbers: halfway x̃ is x / √σ. */
function isLogarithm(half: Target, slot: number, value: readonly Float64Array[], draws: readonly Float64Array[]): boolean {
  const { offset, size } = half.layout[slot];
  return (
    value.length === size &&
    value.every((x) => x.every((v) => v > 0)) &&
    draws.some((q) => q.subarray(offset, offset + size).some((u) => u < 0))
  );
}
