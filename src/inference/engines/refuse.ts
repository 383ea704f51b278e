// Reasons why samplers and optimisers cannot run a target, in words for the user.
import type { Target } from "../../runtime/target.ts";

/** A sampler integrates over every latent, so nothing may be left to learn (rule 39 of the language). */
export function refuseSampling(target: Target): string | undefined {
  const learnt = target.sites.filter((site) => site.role === "param").map((site) => site.name);
  if (learnt.length > 0)
    return `${learnt.join(", ")} ${learnt.length > 1 ? "are params" : "is a param"}, to be learnt and not sampled; fix them by --params DIR, sample them by --sample-params, or use a variational engine`;
  if (target.dimension === 0) return "the model has no latent variable to sample; --engine prior draws its predictions";
  return undefined;
}

/** Of engines that learn parameters beside the latents. */
export function refuseWithoutLatents(target: Target): string | undefined {
  if (target.dimension > 0) return undefined;
  return target.parameters.length > 0
    ? "the model has params and no latent variable, so there is nothing to infer beside them; use --engine mle or map"
    : "the model has no latent variable; --engine prior draws its predictions";
}

export function refuseOptimum(target: Target): string | undefined {
  return target.dimension === 0 ? "the model has nothing to optimise: no latent variable and no param" : undefined;
}
