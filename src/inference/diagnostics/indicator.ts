// Autocovariances of a sequence of zeros and ones, from the places of the ones.
import type { Autocovariance } from "./autocovariance.ts";

/** As `autocovariance`, for values that are 1 at `ones` (indices into chains x draws, in any order) and 0 elsewhere. */
export function indicatorAutocovariance(
  ones: Int32Array,
  chains: number,
  draws: number,
): { readonly means: Float64Array; readonly covariance: Autocovariance } {
  const indicator = new Uint8Array(chains * draws);
  for (let i = 0; i < ones.length; i++) indicator[ones[i]] = 1;
  const places = Int32Array.from(ones).sort();
  const begins = new Int32Array(chains + 1);
  const means = new Float64Array(chains);
  for (let c = 0, count = 0; c < chains; c++) {
    while (count < places.length && places[count] < (c + 1) * draws) count++;
    begins[c + 1] = count;
    means[c] = (count - begins[c]) / draws;
  }
  /** (1/n) Σ (x[i] - m)(x[i+t] - m) = (pairs - m (ones before n - t + ones from t) + m² (n - t)) / n. */
  const at = (lag: number): number => {
    let sum = 0;
    for (let c = 0; c < chains; c++) {
      const from = c * draws + lag;
      const to = (c + 1) * draws - lag;
      let pairs = 0;
      let before = 0;
      let after = 0;
      for (let k = begins[c]; k < begins[c + 1]; k++) {
        const place = places[k];
        if (place >= from) after++;
        if (place < to) {
          before++;
          pairs += indicator[place + lag];
        }
      }
      sum += pairs - means[c] * (before + after) + means[c] * means[c] * (draws - lag);
    }
    return sum / (chains * draws);
  };
  return { means, covariance: { at } };
}
