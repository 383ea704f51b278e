// R of the QR factorisation of tall data, row by row: what a sum of squares needs of them. Runs on the host, once, at bind.

/** Rows are pushed; whenever the buffer is full they are replaced by the triangular factor of what came so far, so that the work
 *  stays in the cache (sequential TSQR: Demmel, Grigori, Hoemmen & Langou 2012, SIAM J. Sci. Comput. 34(1), §3.2). Householder
 *  reflections: each column's error is bounded by its own norm (Higham 2002, Theorem 19.4), whatever the scales of the others. */
export class TriangularFactor {
  readonly #columns: number;
  readonly #capacity: number;
  /** Column-major. */
  readonly #a: Float64Array;
  #filled = 0;

  constructor(columns: number) {
    this.#columns = columns;
    this.#capacity = columns + Math.max(32, 3 * columns);
    this.#a = new Float64Array(this.#capacity * columns);
  }

  /** The row `scale` · (row n of the columns). */
  push(columns: readonly Float64Array[], n: number, scale = 1): void {
    if (this.#filled === this.#capacity) this.#reduce();
    const a = this.#a;
    for (let j = 0, at = this.#filled; j < this.#columns; j++, at += this.#capacity) a[at] = scale * columns[j][n];
    this.#filled++;
  }

  /** A row of another factor. */
  pushRow(row: Float64Array): void {
    if (this.#filled === this.#capacity) this.#reduce();
    for (let j = 0, at = this.#filled; j < this.#columns; j++, at += this.#capacity) this.#a[at] = row[j];
    this.#filled++;
  }

  /** Rows with the same inner products of columns as all rows pushed, at most as many as columns; row i is zero before column i.
   *  Ready for another matrix afterwards. */
  finish(): Float64Array[] {
    this.#reduce();
    const rows: Float64Array[] = [];
    for (let i = 0; i < this.#filled; i++) {
      const row = new Float64Array(this.#columns);
      for (let j = 0; j < row.length; j++) row[j] = this.#a[j * this.#capacity + i];
      rows.push(row);
    }
    this.#filled = 0;
    return rows;
  }

  #reduce(): void {
    const a = this.#a;
    const rows = this.#filled;
    for (let k = 0; k < Math.min(rows - 1, this.#columns); k++) this.#reflect(k);
    this.#filled = Math.min(rows, this.#columns);
    for (let j = 0; j < this.#columns; j++) a.fill(0, j * this.#capacity + Math.min(j + 1, rows), j * this.#capacity + rows);
  }

  /** H = I - τ v vᵀ, v_k = 1, takes column k below the diagonal to zero (LAPACK dlarfg, dlarf). */
  #reflect(k: number): void {
    const a = this.#a;
    const [from, to] = [k * this.#capacity + k, k * this.#capacity + this.#filled];
    let below = 0;
    for (let i = from + 1; i < to; i++) below += a[i] * a[i];
    if (below === 0) return;
    const alpha = a[from];
    const norm = Math.sqrt(alpha * alpha + below);
    const beta = alpha > 0 ? -norm : norm;
    const tau = (beta - alpha) / beta;
    const scale = 1 / (alpha - beta);
    for (let i = from + 1; i < to; i++) a[i] *= scale;
    for (let j = k + 1; j < this.#columns; j++) {
      const other = j * this.#capacity + k;
      const length = to - from;
      let product = a[other];
      for (let i = 1; i < length; i++) product += a[from + i] * a[other + i];
      product *= tau;
      a[other] -= product;
      for (let i = 1; i < length; i++) a[other + i] -= product * a[from + i];
    }
    a[from] = beta;
    a.fill(0, from + 1, to);
  }
}
