// Rows sorted into classes that cannot be told apart.

export interface Classes {
  /** Class of each row, numbered in the order of the columns that told them apart. */
  readonly ids: Int32Array;
  readonly count: number;
}

export const oneClass = (rows: number): Classes => ({ ids: new Int32Array(rows), count: rows === 0 ? 0 : 1 });

/** Splits classes where rows differ in a column. Stops with null beyond `limit` classes. -0 and 0 differ, all NaNs are alike. */
export function refine(classes: Classes, column: Float64Array | Int32Array, limit: number): Classes | null {
  const codes = codesOf(column);
  const width = column.length + 1;
  const keys = Float64Array.from(classes.ids, (id, n) => id * width + codes[n]);
  const known = new Set<number>();
  for (const key of keys) {
    known.add(key);
    if (known.size > limit) return null;
  }
  const number = new Map([...known].sort((x, y) => x - y).map((key, id) => [key, id]));
  return { ids: Int32Array.from(keys, (key) => number.get(key)!), count: known.size };
}

/** Ranks of the values among those that occur. */
function codesOf(column: Float64Array | Int32Array): Float64Array {
  const values = new Set<number>(column);
  const rank = new Map([...values].sort((x, y) => x - y).map((x, i) => [x, i + 1]));
  return Float64Array.from(column, (x) => (Object.is(x, -0) ? 0 : rank.get(x)!));
}

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
