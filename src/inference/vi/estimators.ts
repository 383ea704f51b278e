// Which estimator of the gradient each site of q has, in words (rule 51 of the language).

export interface Estimated {
  readonly name: string;
  readonly gradient: "pathwise" | "score";
}

/** A sentence; nothing where every draw has a path. `draws`: of each step. */
export function estimatorNotes(sites: readonly Estimated[], draws: number, objective: "elbo" | "iwae"): string[] {
  const scored = sites.filter((s) => s.gradient === "score").map((s) => s.name);
  if (scored.length === 0) return [];
  const paths = sites.filter((s) => s.gradient === "pathwise").map((s) => s.name);
  const kind =
    objective === "iwae"
      ? `score function of the importance-weighted bound${draws > 1 ? ", with a baseline from the other draws" : ""}`
      : `score function, Rao-Blackwellised${draws > 1 ? ", with the other draws as its baseline" : ", without a baseline: --samples 8 gives it one"}`;
  return [`gradients of ${scored.join(", ")}: ${kind}${paths.length > 0 ? `; of ${paths.join(", ")}: along the draws` : ""}`];
}
