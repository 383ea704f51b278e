// How a bound is called in figures, traces and files: by what was maximised, which is the evidence lower bound for one choice of the options alone.

/** `weighted_`: log q / prior has another weight than 1, so that it is no bound, or a looser one (Higgins et al. 2017). */
export const boundNames = ["elbo", "iwae", "weighted_elbo", "weighted_iwae"] as const;
export type BoundName = (typeof boundNames)[number];

export function boundName({ objective, beta }: { readonly objective: string; readonly beta: number }): BoundName {
  const plain = objective === "iwae" ? "iwae" : "elbo";
  return beta === 1 ? plain : `weighted_${plain}`;
}

/** The trace of a training among those of a run: of each step, what was maximised. */
export const trainingTrace = (traces: Iterable<string>): BoundName | undefined => {
  const there = new Set(traces);
  return boundNames.find((name) => there.has(name));
};
