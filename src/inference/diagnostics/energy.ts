// E-BFMI, the energy Bayesian fraction of missing information (Betancourt 2016, "Diagnosing suboptimal cotangent disintegrations").
import { meanOf, squaresAround } from "./column.ts";

/** Σ (E_i - E_{i-1})² / Σ (E_i - mean)² of one chain's energies; below 0.3 the resampling of momenta is too timid to
 *  explore the distribution of energies. NaN for fewer than two draws. */
export function ebfmi(energy: Float64Array): number {
  const n = energy.length;
  if (n < 2) return Number.NaN;
  let jumps = 0;
  for (let i = 1; i < n; i++) jumps += (energy[i] - energy[i - 1]) * (energy[i] - energy[i - 1]);
  return jumps / squaresAround(meanOf(energy), energy);
}
