// The prior alone as a density over the unconstrained space: where a bridge to the posterior may begin.
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { Builder } from "../../runtime/ir/graph.ts";
import type { LogDensity, Target } from "../../runtime/target.ts";
import type { Result } from "../engine.ts";
import { compiledDensity } from "../vi/compiled-density.ts";

/** Of continuous latents, apart from the data; discrete ones are summed out, and take with them, into a likelihood, the priors that read them. */
function priorTerms(b: Builder, target: Target) {
  const q = b.input("q", { shape: [target.dimension], dtype: "real" });
  const { values, jacobian } = target.constrain(b, q);
  return { q, jacobian, prior: target.terms(b, values).filter((t) => t.role === "prior") };
}

/** Log prior with the log-Jacobian, and its gradient. */
export async function compiledPrior(target: Target): Promise<LogDensity> {
  const b = createBuilder();
  const { q, jacobian, prior } = priorTerms(b, target);
  const total = [...prior, ...jacobian].reduce((sum, t) => b.add(sum, b.sum(t.value)), b.constant(0));
  return compiledDensity(b, q, total);
}

/** Why the prior is no place to begin, in words: it must be a density that integrates to 1, apart from the data. */
export function refusePrior(target: Target): string | undefined {
  const { prior } = priorTerms(createBuilder(), target);
  const covered = new Set(prior.map((t) => t.site));
  const free = [...new Set(target.layout.map((s) => s.name))].filter((name) => !covered.has(name));
  return (
    impropriety(target) ??
    (free.length === 0
      ? undefined
      : `${free.join(", ")} ${free.length > 1 ? "have" : "has"} no prior apart from the data: missing entries share a distribution with those that are there, and what reads a discrete latent is summed with the data; start from a fit`)
  );
}

/** The evidence where it is defined, else a note of why it is not. */
export function evidenceIfProper(target: Target, evidence: NonNullable<Result["evidence"]>): Pick<Result, "evidence" | "notes"> {
  const why = impropriety(target);
  return why === undefined ? { evidence } : { notes: [`no evidence is given: ${why}`] };
}

/** Looked at with discrete latents given, anything, so that priors stay apart from the data. */
function impropriety(target: Target): string | undefined {
  const b = createBuilder();
  const q = b.input("q", { shape: [target.dimension], dtype: "real" });
  const given = Object.fromEntries(
    target.discrete.map((s) => [
      s.name,
      b.tensor(
        s.lower.map((low) => (Number.isFinite(low) ? low : 0)),
        s.shape,
        "int",
      ),
    ]),
  );
  const { values } = target.constrain(b, q, { given });
  const bad = target
    .terms(b, { ...values, ...given })
    .filter((t) => t.role === "prior" && t.unnormalised)
    .map((t) => `${t.site} (${t.unnormalised})`);
  if (bad.length === 0) return undefined;
  return `the evidence is defined by a prior that integrates to 1, and that of ${bad.join(", ")} does not; give proper priors`;
}
