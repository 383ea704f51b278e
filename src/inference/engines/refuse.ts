// Reasons why samplers and optimisers cannot run a target, in words for the user.
import type { Target } from "../../runtime/target.ts";
import type { Engine } from "../engine.ts";

/** A sampler integrates over every latent, so nothing may be left to learn (rule 39 of the language). */
export function refuseSampling(target: Target): string | undefined {
  const learnt = target.parameters.filter((p) => p.readBy !== "guide").map((p) => p.name);
  if (learnt.length > 0) {
    const [are, them] = learnt.length > 1 ? ["are params", "them"] : ["is a param", "it"];
    return `${listed(learnt)} ${are}, to be learnt and not sampled: fix ${them} as a run has learnt ${them} (--params DIR), sample ${them} too (--sample-params), or learn ${them} with --engine meanfield, map or mle (with a guide, amortized)`;
  }
  if (target.dimension === 0) return withoutCoordinates(target, "no latent variable to sample");
  return undefined;
}

/** Whether nothing is left but discrete latents that are summed out. */
export const areAllSummed = (target: Target): boolean =>
  target.dimension === 0 && target.parameters.length === 0 && target.discrete.length > 0 && !("refusal" in target.summation());

function withoutCoordinates(target: Target, lacks: string): string {
  return areAllSummed(target)
    ? "all latent variables are discrete, and are summed out: --engine importance draws them exactly"
    : `the model has ${lacks}; --engine prior draws its predictions`;
}

/** Networks have many. */
function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 4).join(", ")} and ${names.length - 4} more` : names.join(", ");
}

/** Of engines that learn parameters beside the latents. */
export function refuseWithoutLatents(target: Target): string | undefined {
  if (target.dimension > 0) return undefined;
  return target.parameters.length > 0
    ? "the model has params and no latent variable, so there is nothing to infer beside them; use --engine mle or map"
    : withoutCoordinates(target, "no latent variable");
}

export function refuseOptimum(target: Target): string | undefined {
  return target.dimension === 0 && target.parameters.every((p) => p.readBy === "guide")
    ? "the model has nothing to optimise: no latent variable and no param"
    : undefined;
}

/** Of engines that take discrete latents as summed out (rule 31 of the language). */
export function refuseDiscrete(engine: Pick<Engine, "name" | "discrete">, target: Target): string | undefined {
  if (engine.discrete !== "summed" || target.discrete.length === 0) return undefined;
  const summation = target.summation();
  return "refusal" in summation ? `${engine.name} needs discrete latent variables summed out: ${summation.refusal}` : undefined;
}
