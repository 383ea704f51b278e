// What the transitions of Hamiltonian chains tell of themselves: divergences, saturated trees, energy.
import type { RawChain } from "../../runtime/draws.ts";
import { ebfmi } from "./energy.ts";

export interface SamplerReport {
  readonly transitions: number;
  readonly divergences: number;
  /** Transitions that stopped at the deepest tree allowed; 0 for a sampler without trees. */
  readonly saturated: number;
  /** One value a chain; empty for chains without energies. */
  readonly ebfmi: readonly number[];
}

export function samplerReport(chains: readonly Pick<RawChain, "draws" | "stats">[], maxDepth: number | undefined): SamplerReport {
  let transitions = 0;
  let divergences = 0;
  let saturated = 0;
  const fractions: number[] = [];
  for (const { draws, stats } of chains) {
    transitions += draws;
    for (const flag of stats.divergent ?? []) divergences += flag;
    if (maxDepth !== undefined) for (const depth of stats.treedepth ?? []) if (depth >= maxDepth) saturated++;
    if (stats.energy !== undefined) fractions.push(ebfmi(stats.energy));
  }
  return { transitions, divergences, saturated, ebfmi: fractions };
}
