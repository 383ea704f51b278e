// Rows sorted into classes that cannot be told apart.

export interface Classes {
  /** Class of each row, numbered in the order of the columns that told them apart. */
  readonly ids: Int32Array;
  readonly count: number;
}

export const oneClass = (rows: number): Classes => ({ ids: new Int32Array(rows), count: rows === 0 ? 0 : 1 });

/** Splits classes where rows differ in a column. Stops with null beyond `limit` classes. -0 and 0 differ, all NaNs are alike. */
export function refine(classes: Classes, column: Float64Array | Int32Array, limit: number): Classes | null {
  const { codes, count: width } = codesOf(column);
  const { ids } = classes;
  const keys = new Float64Array(ids.length);
  for (let n = 0; n < keys.length; n++) keys[n] = ids[n] * width + codes[n];
  const ranked = ranks(keys, classes.count * width, limit);
  return ranked && { ids: ranked.codes, count: ranked.count };
}

/** Ranks, from 0, of elements among those that occur. */
interface Ranks {
  readonly codes: Int32Array;
  readonly count: number;
}

/** -0 comes before all other numbers. */
function codesOf(column: Float64Array | Int32Array): Ranks {
  if (column instanceof Int32Array) {
    let largest = 0;
    for (let n = 0; n < column.length; n++) largest = Math.max(largest, column[n]);
    return ranks(column, largest + 1, Number.POSITIVE_INFINITY)!;
  }
  const values = new Set<number>(column);
  const rank = new Map(Array.from(Float64Array.from(values).sort(), (x, i) => [x, i + 1])); // NaN last
  const codes = new Int32Array(column.length);
  for (let n = 0; n < codes.length; n++) codes[n] = Object.is(column[n], -0) ? 0 : rank.get(column[n])!;
  return { codes, count: values.size + 1 };
}

/** Of integers from 0 to below `range`; null if more than `limit` occur. */
function ranks(keys: Float64Array | Int32Array, range: number, limit: number): Ranks | null {
  const codes = new Int32Array(keys.length);
  if (range <= DENSE * keys.length + DENSE) {
    const rank = new Int32Array(range);
    for (let n = 0; n < keys.length; n++) rank[keys[n]] = 1;
    let count = 0;
    for (let key = 0; key < range; key++) if (rank[key] === 1) rank[key] = count++;
    if (count > limit) return null;
    for (let n = 0; n < keys.length; n++) codes[n] = rank[keys[n]];
    return { codes, count };
  }
  const known = new Set<number>();
  for (let n = 0; n < keys.length; n++) {
    known.add(keys[n]);
    if (known.size > limit) return null;
  }
  const rank = new Map([...known].sort((x, y) => x - y).map((key, i) => [key, i]));
  for (let n = 0; n < keys.length; n++) codes[n] = rank.get(keys[n])!;
  return { codes, count: known.size };
}
/** Up to so many times as many possible keys as rows, a table of all keys is quicker than a set. */
const DENSE = 8;

/** The first row of each class. */
export function representatives({ ids, count }: Classes): Int32Array {
  const rows = new Int32Array(count);
  for (let n = ids.length - 1; n >= 0; n--) rows[ids[n]] = n;
  return rows;
}

/** The rows of each class, ascending. */
export function members({ ids, count }: Classes): Int32Array[] {
  const sizes = new Int32Array(count);
  for (const id of ids) sizes[id]++;
  const lists = Array.from(sizes, (size) => new Int32Array(size));
  const filled = new Int32Array(count);
  for (let n = 0; n < ids.length; n++) lists[ids[n]][filled[ids[n]]++] = n;
  return lists;
}
