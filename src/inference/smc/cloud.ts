// What a cloud of weighted particles tells: mean, covariance, correlation with where it was.
/** Positions, count x dimension. */
export interface Cloud {
  readonly count: number;
  readonly dimension: number;
  readonly positions: Float64Array;
}
/** Up to so many coordinates the covariance is taken in full. */
const LARGEST_DENSE = 200;
export const isDense = (dimension: number): boolean => dimension <= LARGEST_DENSE;

export interface Shape {
  readonly mean: Float64Array;
  /** Variances, all positive. */
  readonly variance: Float64Array;
  /** Row-major where it is taken in full, else the variances. */
  readonly covariance: Float64Array;
}

/** By normalised weights, worth `effective` particles. Off the diagonal the covariance shrinks, the more the fewer there are to a coordinate, so that
 *  it is positive definite; coordinates in which all agree have variance 1. */
export function shapeOf({ count, dimension: n, positions }: Cloud, weights: Float64Array, effective: number): Shape {
  const mean = new Float64Array(n);
  for (let i = 0; i < count; i++) for (let k = 0; k < n; k++) mean[k] += weights[i] * positions[i * n + k];
  const variance = new Float64Array(n);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < n; k++) {
      const x = positions[i * n + k] - mean[k];
      variance[k] += weights[i] * x * x;
    }
  for (let k = 0; k < n; k++) if (!(variance[k] > 0 && variance[k] < Number.POSITIVE_INFINITY)) variance[k] = 1;
  if (!isDense(n)) return { mean, variance, covariance: variance };
  const covariance = new Float64Array(n * n);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < n; j++) {
      const x = weights[i] * (positions[i * n + j] - mean[j]);
      for (let k = 0; k < j; k++) covariance[j * n + k] += x * (positions[i * n + k] - mean[k]);
    }
  const kept = effective / (effective + n);
  for (let j = 0; j < n; j++) {
    covariance[j * n + j] = variance[j];
    for (let k = 0; k < j; k++) covariance[k * n + j] = covariance[j * n + k] *= kept;
  }
  return { mean, variance, covariance };
}

/** The largest correlation of a coordinate with what it was at the same particle; those that do not vary have none. */
export function largestCorrelation({ count, dimension: n, positions: x }: Cloud, before: Float64Array): number {
  let largest = 0;
  for (let k = 0; k < n; k++) {
    let [mx, my] = [0, 0];
    for (let at = k; at < count * n; at += n) {
      mx += x[at] / count;
      my += before[at] / count;
    }
    let [xx, yy, xy] = [0, 0, 0];
    for (let at = k; at < count * n; at += n) {
      xx += (x[at] - mx) * (x[at] - mx);
      yy += (before[at] - my) * (before[at] - my);
      xy += (x[at] - mx) * (before[at] - my);
    }
    const correlation = Math.abs(xy) / Math.sqrt(xx * yy);
    if (correlation > largest) largest = correlation;
  }
  return largest;
}
