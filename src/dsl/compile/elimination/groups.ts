// Tables of the same form, one a row, and what is done with them before and between eliminations.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { shapeOf } from "../../../runtime/ir/graph.ts";
import type { Axis } from "../../../runtime/target.ts";

/** Rows of functions of some elements each. */
export interface Group {
  /** [rows, values of the first element, of the second, …]; [1, …] where all rows have the same table. */
  readonly table: Value;
  readonly rows: number;
  /** For each axis of values the element of each row. */
  readonly elements: readonly Int32Array[];
  /** What the rows count, where they are still those of a statement. */
  readonly axes?: readonly Axis[];
  /** Numbers of the terms that have gone in. */
  readonly from: ReadonlySet<number>;
  /** Those of them whose rows these are, in their order. */
  readonly rowsOf?: ReadonlySet<number>;
}

export const isShared = (g: Group): boolean => shapeOf(g.table)[0] === 1 && g.rows > 1;

/** 0, 1, …, n - 1 */
const isIdentity = (rows: ArrayLike<number>, of: number): boolean => {
  if (rows.length !== of) return false;
  for (let i = 0; i < of; i++) if (rows[i] !== i) return false;
  return true;
};

/** Some rows of the table: a view where they lie at equal distances. */
export function tableRows(b: Builder, g: Group, rows: Int32Array): Value {
  if (isShared(g) || isIdentity(rows, g.rows)) return g.table;
  const step = rows.length > 1 ? rows[1] - rows[0] : 1;
  const isEven = step !== 0 && rows.every((r, i) => r === rows[0] + i * step);
  if (isEven) return b.slice(g.table, 0, rows[0], rows.length, step);
  return b.gather(g.table, b.tensor(rows, [rows.length], "int"));
}

export function someRows(b: Builder, g: Group, rows: Int32Array): Group {
  if (isIdentity(rows, g.rows)) return g;
  const { axes: _, rowsOf: __, ...rest } = g;
  return {
    ...rest,
    table: tableRows(b, g, rows),
    rows: rows.length,
    elements: g.elements.map((e) => Int32Array.from(rows, (r) => e[r])),
  };
}

export const keepsRows = (g: Group, rows: Int32Array): boolean => isIdentity(rows, g.rows);

/** The same functions with every element once in a row (x[i] beside x[j] where j = i reads the diagonal) and every set of elements in one row. */
export function tidied(b: Builder, groups: readonly Group[]): Group[] {
  return joined(
    b,
    groups.flatMap((g) => separated(b, g)).map((g) => gathered(b, g)),
  );
}

/** Rows by which of their elements are the same. */
function separated(b: Builder, g: Group): Group[] {
  const m = g.elements.length;
  if (m < 2) return [g];
  const patterns = new Map<string, number[]>();
  for (let row = 0; row < g.rows; row++) {
    const pattern = g.elements.map((e) => g.elements.findIndex((other) => other[row] === e[row])).join();
    const rows = patterns.get(pattern);
    if (rows) rows.push(row);
    else patterns.set(pattern, [row]);
  }
  return [...patterns].map(([pattern, rows]) => {
    const firsts = pattern.split(",").map(Number);
    let own = someRows(b, g, Int32Array.from(rows));
    for (let k = m - 1; k > 0; k--) if (firsts[k] !== k) own = diagonal(b, own, firsts[k], k);
    return own;
  });
}

/** Axes i < k of values read at the same value: axis k falls away. */
function diagonal(b: Builder, g: Group, i: number, k: number): Group {
  const rank = g.elements.length + 1;
  const shape = shapeOf(g.table);
  const values = shape[i + 1];
  const others = Array.from({ length: rank }, (_, a) => a).filter((a) => a !== i + 1 && a !== k + 1);
  const order = [i + 1, k + 1, ...others];
  const both = b.reshape(b.transpose(g.table, order), [values * values, ...others.map((a) => shape[a])]);
  const along = b.tensor(
    Float64Array.from({ length: values }, (_, v) => v * (values + 1)),
    [values],
    "int",
  );
  const picked = b.gather(both, along);
  // [values, others…] to the others with the values back in their place.
  const now = [i + 1, ...others];
  const wanted = [...now].sort((x, y) => x - y);
  return {
    ...g,
    table: b.transpose(
      picked,
      wanted.map((a) => now.indexOf(a)),
    ),
    elements: g.elements.filter((_, a) => a !== k),
  };
}

/** Rows of the same elements added. */
function gathered(b: Builder, g: Group): Group {
  const places = new Map<string, number>();
  const place = new Int32Array(g.rows);
  const first: number[] = [];
  for (let row = 0; row < g.rows; row++) {
    const key = g.elements.length === 1 ? String(g.elements[0][row]) : g.elements.map((e) => e[row]).join();
    const known = places.get(key);
    place[row] = known ?? first.length;
    if (known !== undefined) continue;
    places.set(key, first.length);
    first.push(row);
  }
  const count = first.length;
  if (count === g.rows) return g;
  const elements = g.elements.map((e) => Int32Array.from(first, (row) => e[row]));
  const { axes: _, rowsOf: __, ...rest } = g;
  return { ...rest, table: addedRows(b, g, place, count), rows: count, elements };
}

function addedRows(b: Builder, g: Group, place: Int32Array, count: number): Value {
  const values = shapeOf(g.table).slice(1);
  const ones = values.map(() => 1);
  if (isShared(g)) {
    const times = new Float64Array(count);
    for (const p of place) times[p]++;
    return b.mul(g.table, b.tensor(times, [count, ...ones]));
  }
  const each = g.rows / count;
  if (Number.isInteger(each)) {
    if (place.every((p, row) => p === Math.floor(row / each))) return b.sum(b.reshape(g.table, [count, each, ...values]), [1]);
    if (place.every((p, row) => p === row % count)) return b.sum(b.reshape(g.table, [each, count, ...values]), [0]);
  }
  return b.scatterAdd(g.table, b.tensor(place, [g.rows], "int"), count);
}

/** Groups over the same elements, row by row, are one. */
function joined(b: Builder, groups: readonly Group[]): Group[] {
  const out: Group[] = [];
  for (const g of groups) {
    const same = out.findIndex(
      (o) => o.rows === g.rows && o.elements.length === g.elements.length && o.elements.every((e, k) => equal(e, g.elements[k])),
    );
    if (same < 0) out.push(g);
    else {
      const o = out[same];
      const axes = o.axes ?? g.axes;
      out[same] = {
        table: b.add(o.table, g.table),
        rows: o.rows,
        elements: o.elements,
        from: new Set([...o.from, ...g.from]),
        rowsOf: new Set([...(o.rowsOf ?? []), ...(g.rowsOf ?? [])]),
        ...(axes ? { axes } : {}),
      };
    }
  }
  return out;
}

const equal = (x: Int32Array, y: Int32Array): boolean => x.every((v, i) => v === y[i]);
