// Rows sorted into classes that cannot be told apart.

export interface Classes {
  /** Class of each row, numbered in order of appearance. */
  readonly ids: Int32Array;
  readonly count: number;
}

export const oneClass = (rows: number): Classes => ({ ids: new Int32Array(rows), count: rows === 0 ? 0 : 1 });

/** Splits classes where rows differ in a column. Stops with null beyond `limit` classes. -0 and 0 differ, all NaNs are alike. */
export function refine(classes: Classes, column: Float64Array | Int32Array, limit: number): Classes | null {
  const rows = classes.ids.length;
  const codes = new Map<number, number>();
  const ids = new Int32Array(rows);
  const known = new Map<number, number>();
  for (let n = 0; n < rows; n++) {
    const x = column[n];
    let code = x === 0 && Object.is(x, -0) ? -1 : codes.get(x);
    if (code === undefined) codes.set(x, (code = codes.size));
    const key = (code + 1) * classes.count + classes.ids[n];
    let id = known.get(key);
    if (id === undefined) {
      if (known.size >= limit) return null;
      known.set(key, (id = known.size));
    }
    ids[n] = id;
  }
  return { ids, count: known.size };
}

/** The first row of each class. */
export function representatives({ ids, count }: Classes): Int32Array {
  const rows = new Int32Array(count);
  let next = 0;
  for (let n = 0; n < ids.length && next < count; n++) if (ids[n] === next) rows[next++] = n;
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
