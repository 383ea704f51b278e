// When to stop: the bound no longer rises by more than its noise.

/** Windows of steps are compared: flat when the mean of the last one is not significantly above the best before, so many times running. */
export class Plateau {
  readonly #patience: number;
  readonly #size: number;
  #count = 0;
  #sum = 0;
  #squares = 0;
  #best = Number.NEGATIVE_INFINITY;
  #waited = 0;

  constructor(patience: number, size: number) {
    this.#patience = patience;
    this.#size = size;
  }

  /** True from the step on at which patience is over. */
  add(bound: number): boolean {
    this.#count++;
    // Around the first number of the window, so that the variance of nearly equal numbers keeps its digits.
    if (this.#count === 1) this.#origin = bound;
    const x = bound - this.#origin;
    this.#sum += x;
    this.#squares += x * x;
    if (this.#count === this.#size) this.#close();
    return this.#waited >= this.#patience;
  }
  #origin = 0;

  #close(): void {
    const mean = this.#sum / this.#size;
    const variance = Math.max(0, this.#squares / this.#size - mean * mean);
    const error = Math.sqrt(variance / this.#size);
    const level = this.#origin + mean;
    // Two standard errors of the difference of two such means.
    if (level > this.#best + 2 * Math.SQRT2 * error) {
      this.#best = level;
      this.#waited = 0;
    } else this.#waited++;
    this.#count = 0;
    this.#sum = 0;
    this.#squares = 0;
  }
}
