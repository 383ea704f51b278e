// The engine `hierarchical`: hierarchical variational models, built for a model without a guide, or as its guide writes them.
import { UsageError } from "../../runtime/errors.ts";
import type { Target } from "../../runtime/target.ts";
import { defineEngine, defineOptions, type Options, type Result, type RunEngineContext } from "../engine.ts";
import { flagOf } from "../options.ts";
import { refuseTables } from "../vi/families/discrete.ts";
import { type Begin, hierarchical as family } from "../vi/hierarchical.ts";
import { type PriorKind, priorKinds } from "../vi/hyper-prior.ts";
import { type ReverseKind, reverseKinds } from "../vi/hyper-reverse.ts";
import { beginOf, fitFamily } from "./fit-family.ts";
import { guideOptions, inSteps, judged, trainGuide } from "./guide-training.ts";

export const hierarchicalOptions = defineOptions({
  ...guideOptions,
  steps: { ...guideOptions.steps, default: 20000 },
  rate: { ...guideOptions.rate, default: 0.005 },
  schedule: { ...guideOptions.schedule, default: "cosine" },
  samples: { ...guideOptions.samples, default: 16 },
  prior: {
    type: "choice",
    default: "planar",
    choices: priorKinds,
    doc: "q(λ), without a guide: a planar, inverse autoregressive, coupling or spline flow, or a mixture of normal distributions",
  },
  reverse: {
    type: "choice",
    default: "iaf",
    choices: reverseKinds,
    doc: "r(λ | z), without a guide: a flow, or a normal distribution by a network of z",
  },
  depth: { type: "integer", default: 3, min: 1, doc: "layers of each flow" },
  components: { type: "integer", default: 8, min: 1, doc: "of the mixture" },
  hidden: { type: "integer", default: 8, min: 1, doc: "units of the hidden layer of each network" },
  bins: { type: "integer", default: 8, min: 2, doc: "pieces of each spline" },
  dimension: {
    type: "integer",
    default: 0,
    min: 0,
    doc: "numbers in λ; 0: as many as the mean field has means and log odds, 50 at most",
  },
});

type HierarchicalOptions = Options<typeof hierarchicalOptions>;

export const hierarchical = defineEngine({
  name: "hierarchical",
  doc: `Hierarchical variational models (Ranganath, Tran and Blei 2016): q(z) is the mean of mean fields q(z | λ) over a distribution q(λ), so that
latents depend on each other by way of λ. The bound is E[log p(z) + log r(λ | z) - log q(z | λ) - log q(λ)], with an auxiliary r(λ | z). For a model
without a guide the engine builds all of it: normal distributions of the unconstrained coordinates and tables for discrete latents, λ behind their
means and log odds. A guide writes its own with aux and reverse. Discrete latents have score-function gradients, Rao-Blackwellised, with the other draws
as their baseline.`,
  options: hierarchicalOptions,
  unit: "run",
  discrete: "either",
  precision: "any",
  resumes: true,
  refuse(target) {
    if (target.guide) return undefined;
    if (target.width === 0)
      return "the model has no latent variable to fit a distribution to; params alone are learnt by --engine mle or map";
    return refuseTables(target.discrete);
  },
  run: (target, options, context) => (target.guide ? asWritten(target, options, context) : build(target, options, context)),
});

async function asWritten(target: Target, options: HierarchicalOptions, context: RunEngineContext): Promise<Result> {
  const trained = await trainGuide(target, options, context);
  return "reason" in trained ? { failure: trained, verdicts: [], traces: {} } : judged(target, trained, options, context);
}

async function build(target: Target, options: HierarchicalOptions, context: RunEngineContext): Promise<Result> {
  for (const name of ["judged", "judgedDraws"] as const)
    if (options[name] !== guideOptions[name].default && options[name] !== 0)
      throw new UsageError(
        `${flagOf(name)} judges a guide row by row, and ${target.name} has none: its fit is judged by --draws of all latents`,
      );
  const begin = await beginOf(target, options.batch === 0, context);
  if ("reason" in begin) return { failure: begin, verdicts: [], traces: {} };
  const scale = begin.scale ?? new Float64Array(target.dimension).fill(1);
  const from: Begin = { position: begin.position, scale };
  // Choices, checked against the schema.
  const law = { ...options, prior: options.prior as PriorKind, reverse: options.reverse as ReverseKind };
  const latents = target.sites.filter((s) => s.role === "latent" && s.type.dtype === "real").map((s) => s.name);
  return fitFamily(target, family(target, from, law), from, inSteps(target, options), context, [...latents, "λ"]);
}
