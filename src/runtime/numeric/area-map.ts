// Areas that border on each other, as a graph: its Laplacian, the trees that span it, and the variances of an intrinsic autoregression on it.
import { ShapeError } from "../errors.ts";
import { log } from "./math.ts";

/** Areas are numbered from 0 here; each neighbour once. */
export interface AreaMap {
  readonly areas: number;
  readonly neighbours: readonly (readonly number[])[];
}

/** From edges between areas 1..n; an edge may stand once, in either direction. */
export function areaMap(from: ArrayLike<number>, to: ArrayLike<number>, areas: number): AreaMap {
  const neighbours: number[][] = Array.from({ length: areas }, () => []);
  for (let e = 0; e < from.length; e++) {
    const [i, j] = [from[e] - 1, to[e] - 1];
    for (const end of [i, j])
      if (!(Number.isInteger(end) && end >= 0 && end < areas))
        throw new ShapeError(`edge ${e + 1} goes from ${from[e]} to ${to[e]}, and there are ${areas} areas`);
    if (i === j) throw new ShapeError(`edge ${e + 1} goes from area ${i + 1} to itself`);
    if (neighbours[i].includes(j)) throw new ShapeError(`edge ${e + 1}, from ${i + 1} to ${j + 1}, is there twice`);
    neighbours[i].push(j);
    neighbours[j].push(i);
  }
  return { areas, neighbours };
}

/** Breadth first from an area, neighbours of few edges before others (Cuthill and McKee 1969): numbers of neighbours lie near each other. */
function ordering({ areas, neighbours }: AreaMap): Int32Array {
  const order = new Int32Array(areas);
  const seen = new Uint8Array(areas);
  const byDegree = (i: number, j: number): number => neighbours[i].length - neighbours[j].length || i - j;
  let count = 0;
  const visit = (i: number): void => {
    seen[i] = 1;
    order[count++] = i;
  };
  const starts = Array.from({ length: areas }, (_, i) => i).sort(byDegree);
  visit(starts[0]);
  for (let at = 0; at < count; at++) for (const j of [...neighbours[order[at]]].sort(byDegree)) if (!seen[j]) visit(j);
  if (count < areas)
    throw new ShapeError(
      `not all areas hang together: no path of edges leads from area ${starts[0] + 1} to area ${seen.indexOf(0) + 1}; give each part effects of its own`,
    );
  return order;
}

/** The Laplacian without its last row and column in the ordering, as L L' in rows that begin at their first element that is not 0 (George and Liu 1981,
 *  chapter 4): that is where L's begin. */
class Reduced {
  readonly order: Int32Array;
  readonly size: number;
  readonly #rows: Float64Array[];
  readonly #first: Int32Array;

  constructor(map: AreaMap) {
    this.order = ordering(map);
    this.size = map.areas - 1;
    const place = new Int32Array(map.areas);
    this.order.forEach((area, i) => {
      place[area] = i;
    });
    this.#first = new Int32Array(this.size);
    this.#rows = Array.from({ length: this.size }, (_, i) => {
      const near = map.neighbours[this.order[i]].map((j) => place[j]);
      const first = near.reduce((a, j) => Math.min(a, j), i);
      this.#first[i] = first;
      const row = new Float64Array(i - first + 1);
      row[i - first] = near.length;
      for (const j of near) if (j < i) row[j - first] = -1;
      return row;
    });
    for (let i = 0; i < this.size; i++) this.#factor(i);
  }

  #factor(i: number): void {
    const [row, first] = [this.#rows[i], this.#first[i]];
    for (let j = first; j <= i; j++) {
      const [other, begin] = [this.#rows[j], this.#first[j]];
      let sum = row[j - first];
      for (let k = Math.max(first, begin); k < j; k++) sum -= row[k - first] * other[k - begin];
      row[j - first] = j < i ? sum / other[j - begin] : Math.sqrt(sum);
    }
  }

  logDeterminant(): number {
    let sum = 0;
    for (let i = 0; i < this.size; i++) sum += 2 * log(this.#rows[i][i - this.#first[i]]);
    return sum;
  }

  /** (L L')⁻¹ x, in place. */
  solve(x: Float64Array): void {
    for (let i = 0; i < this.size; i++) {
      const [row, first] = [this.#rows[i], this.#first[i]];
      for (let k = first; k < i; k++) x[i] -= row[k - first] * x[k];
      x[i] /= row[i - first];
    }
    for (let i = this.size - 1; i >= 0; i--) {
      const [row, first] = [this.#rows[i], this.#first[i]];
      x[i] /= row[i - first];
      for (let k = first; k < i; k++) x[k] -= row[k - first] * x[i];
    }
  }
}

/** log of the product of the Laplacian's eigenvalues but the 0: n times the number of spanning trees (Kirchhoff), which a minor counts. */
export const logPseudoDeterminant = (map: AreaMap): number =>
  map.areas === 1 ? 0 : log(map.areas) + new Reduced(map).logDeterminant();

/** The diagonal of the Laplacian's generalised inverse: variances of an intrinsic autoregression of sum 0. With G the inverse of the minor, and 0 in
 *  the row and column that it lacks, it is (I - J/n) G (I - J/n). */
export function marginalVariances(map: AreaMap): Float64Array {
  const n = map.areas;
  const out = new Float64Array(n);
  if (n === 1) return out;
  const reduced = new Reduced(map);
  const sums = new Float64Array(reduced.size).fill(1);
  reduced.solve(sums);
  const all = sums.reduce((s, v) => s + v, 0) / (n * n);
  const column = new Float64Array(reduced.size);
  reduced.order.forEach((area, i) => {
    if (i === reduced.size) {
      out[area] = all;
      return;
    }
    column.fill(0);
    column[i] = 1;
    reduced.solve(column);
    out[area] = column[i] - (2 * sums[i]) / n + all;
  });
  return out;
}
