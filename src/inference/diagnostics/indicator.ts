// Autocovariances of a sequence of zeros and ones, from the places of whichever is rarer.
import type { Autocovariance } from "./autocovariance.ts";

/** As `autocovariance`, for 0/1 values: the pairs (i, i + t) are counted over the rare ones only, and the mean put in after. */
export function indicatorAutocovariance(indicator: Uint8Array, chains: number, draws: number): Autocovariance {
  let ones = 0;
  for (let i = 0; i < indicator.length; i++) ones += indicator[i];
  // 1 - x has the autocovariance of x.
  const rare = 2 * ones <= indicator.length ? 1 : 0;
  const places = new Int32Array(rare === 1 ? ones : indicator.length - ones);
  const begins = new Int32Array(chains + 1);
  for (let c = 0, count = 0; c < chains; c++) {
    for (let i = c * draws; i < (c + 1) * draws; i++) if (indicator[i] === rare) places[count++] = i;
    begins[c + 1] = count;
  }
  return {
    /** (1/n) Σ (x[i] - m)(x[i+t] - m) = (pairs - m (ones before n - t + ones from t) + m² (n - t)) / n. */
    at(lag) {
      let sum = 0;
      for (let c = 0; c < chains; c++) {
        const chainBegin = c * draws;
        const chainEnd = chainBegin + draws;
        const mean = (begins[c + 1] - begins[c]) / draws;
        let pairs = 0;
        let before = 0;
        let after = 0;
        for (let k = begins[c]; k < begins[c + 1]; k++) {
          const place = places[k];
          if (place >= chainBegin + lag) after++;
          if (place + lag < chainEnd) {
            before++;
            if (indicator[place + lag] === rare) pairs++;
          }
        }
        sum += pairs - mean * (before + after) + mean * mean * (draws - lag);
      }
      return sum / (chains * draws);
    },
  };
}
