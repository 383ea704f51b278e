// Running means and (co)variances of vectors by Welford's update (Welford 1962; Chan, Golub and LeVeque 1983).

export interface RunningVariance {
  count: number;
  readonly mean: Float64Array;
  /** Sum of squared deviations; variance = squares / (count - 1). */
  readonly squares: Float64Array;
  add(x: Float64Array): void;
  reset(): void;
}

export function createRunningVariance(dimension: number): RunningVariance {
  const mean = new Float64Array(dimension);
  const squares = new Float64Array(dimension);
  return {
    count: 0,
    mean,
    squares,
    add(x) {
      const weight = 1 / ++this.count;
      for (let i = 0; i < dimension; i++) {
        const delta = x[i] - mean[i];
        const m = mean[i] + delta * weight;
        mean[i] = m;
        squares[i] += delta * (x[i] - m);
      }
    },
    reset() {
      this.count = 0;
      mean.fill(0);
      squares.fill(0);
    },
  };
}

export interface RunningCovariance {
  count: number;
  /** Row-major, lower triangle only. */
  readonly products: Float64Array;
  add(x: Float64Array): void;
  reset(): void;
}

export function createRunningCovariance(dimension: number): RunningCovariance {
  const mean = new Float64Array(dimension);
  const delta = new Float64Array(dimension);
  const products = new Float64Array(dimension * dimension);
  return {
    count: 0,
    products,
    add(x) {
      const weight = 1 / ++this.count;
      for (let i = 0; i < dimension; i++) {
        delta[i] = x[i] - mean[i];
        mean[i] += delta[i] * weight;
      }
      for (let i = 0; i < dimension; i++) {
        const after = x[i] - mean[i];
        for (let j = 0, at = i * dimension; j <= i; j++, at++) products[at] += after * delta[j];
      }
    },
    reset() {
      this.count = 0;
      mean.fill(0);
      products.fill(0);
    },
  };
}
