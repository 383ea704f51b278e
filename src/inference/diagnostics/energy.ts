// E-BFMI, the energy Bayesian fraction of missing information (Betancourt 2016, "Diagnosing suboptimal cotangent disintegrations").

/** Σ (E_i - E_{i-1})² / Σ (E_i - mean)² of one chain's energies; below 0.3 the resampling of momenta is too timid to
 *  explore the distribution of energies. NaN for fewer than two draws. */
export function ebfmi(energy: Float64Array): number {
  const n = energy.length;
  if (n < 2) return Number.NaN;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += energy[i] / n;
  let jumps = 0;
  let spread = 0;
  for (let i = 0; i < n; i++) {
    if (i > 0) jumps += (energy[i] - energy[i - 1]) * (energy[i] - energy[i - 1]);
    spread += (energy[i] - mean) * (energy[i] - mean);
  }
  return jumps / spread;
}
