// The prior alone as a density over the unconstrained space: where a bridge to the posterior may begin.
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { Builder } from "../../runtime/ir/graph.ts";
import type { LogDensity, Target, Term } from "../../runtime/target.ts";
import type { Result } from "../engine.ts";
import { compiledDensity } from "../vi/compiled-density.ts";

/** Discrete latents are anything: the terms are looked at, or there are none. */
function priorTerms(b: Builder, target: Target) {
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
  const { values, jacobian } = target.constrain(b, q, { parameters: {}, given });
  const prior = target.terms(b, { ...values, ...given }).filter((t) => t.role === "prior");
  return { q, jacobian, prior };
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
    impropriety(prior) ??
    (free.length === 0
      ? undefined
      : `${free.join(", ")} ${free.length > 1 ? "have" : "has"} no prior apart from the data: missing entries share a distribution with those that are there; start from a fit`)
  );
}

/** The evidence where it is defined, else a note of why it is not. */
export function evidenceIfProper(target: Target, evidence: NonNullable<Result["evidence"]>): Pick<Result, "evidence" | "notes"> {
  const why = impropriety(priorTerms(createBuilder(), target).prior);
  return why === undefined ? { evidence } : { notes: [`no evidence is given: ${why}`] };
}

function impropriety(prior: readonly Term[]): string | undefined {
  const bad = prior.filter((t) => t.unnormalised).map((t) => `${t.site} (${t.unnormalised})`);
  if (bad.length === 0) return undefined;
  return `the evidence is defined by a prior that integrates to 1, and that of ${bad.join(", ")} does not; give proper priors`;
}
