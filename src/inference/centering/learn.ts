// `--centering auto`: coordinates between centred and standard ones (Gorinova, Moore and Hoffman 2020), chosen before chains begin.
//
// There λ and a mean-field q maximise the bound, which is KL(q ‖ p), by stochastic gradients. What a weight gains is little beside the noise of these: 8 000
// evaluations still left weights of schools that are all alike anywhere. And KL(q ‖ p) does not see the neck of a funnel, where q has no mass. Here the mean
// field is fitted in the other direction, KL(p ‖ q), to draws of short chains in the coordinates halfway: no gradients, and each weight is found by itself.
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { AffineLatent, Slot, Target } from "../../runtime/target.ts";
import type { Prepared, RunEngineContext } from "../engine.ts";
import { nuts } from "../engines/nuts.ts";
import { LARGEST_SEED, runEngine } from "../run.ts";
import { elementDraws } from "./element-draws.ts";
import { coordinateOf, type ElementDraws, safeWeight } from "./weights.ts";

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
    weights: weightsOf(elements.get(slot) ?? [], target.layout[slot], weights, draws[0]),
  }));
  const chosen = new Map(open.map(({ slot }, i) => [slot, centering[i].weights]));
  return { target: target.recentered(chosen), evaluations, centering, notes: [] };
}

/** One for each element, or for each of those that share it. */
function weightsOf(
  elements: readonly ElementDraws[],
  { shape, offset, size }: Slot,
  weights: Shape,
  first: Float64Array,
): Float64Array {
  const isLog = elements.length === size && elements.every((e, i) => isLogarithm(e, first[offset + i]));
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
  return Float64Array.from(groups, (group) => toEnd(safeWeight(group, isLog) ?? 1));
}

const toEnd = (w: number): number => (w <= AT_END ? 0 : w >= 1 - AT_END ? 1 : w);

const NEAR = 1e-6;

/** Whether the coordinate halfway, of the first draw, is the logarithm of x̃, as of values that are positive. */
function isLogarithm(element: ElementDraws, coordinate: number): boolean {
  const x = coordinateOf(element, HALF, 0);
  return x > 0 && Math.abs(log(x) - coordinate) <= NEAR * (1 + Math.abs(coordinate));
}
