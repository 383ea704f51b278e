// From a term over rows to tables: in each row, the term at every combination of values of the discrete latents that the row reads.
import { InternalError } from "../../../runtime/errors.ts";
import { vectorize } from "../../../runtime/ir/batch.ts";
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { takeRows } from "../../../runtime/ir/rows.ts";
import { substitute } from "../../../runtime/ir/substitute.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import { knownOf } from "../known.ts";
import { BUDGET, TooMany } from "./cost.ts";
import { liftFunctions } from "./lift.ts";
import { fuseReads, NOTHING, readsIn } from "./read.ts";
import type { Site } from "./sites.ts";

export interface Factor {
  /** [rows, values of the first latent's element, of the second's, …], or [1, …] where all rows have the same. */
  readonly table: Value;
  readonly rows: number;
  readonly isShared: boolean;
  /** For each axis of values the elements of the rows, by their numbers among those of all latents. */
  readonly elements: readonly Int32Array[];
  /** Axes of the term that the rows go through, in order; those along which nothing discrete varies are summed over. */
  readonly axes: readonly number[];
}

/** Of a column of elements the site and, row by row, the elements. */
interface Column {
  readonly site: Site;
  readonly elements: Int32Array;
  readonly key: string;
}

export interface FactorOptions {
  /** No axis is summed over. */
  readonly whole?: boolean;
}

/** The table of a term that reads discrete latents. */
export function factorOf(b: Builder, term: Value, sites: readonly Site[], { whole = false }: FactorOptions = {}): Factor {
  const anchors = sites.map((s) => s.anchor);
  const shape = shapeOf(term);
  const symbols = shape.map((_, k) => b.input(`(row along axis ${k})`, { shape: [1], dtype: "int" }));
  let [row] = fuseReads(b, [term], anchors);
  shape.forEach((size, axis) => {
    if (size !== 1) [row] = takeRows(b, [{ value: row, axis }], symbols[axis]);
  });
  [row] = fuseReads(b, [row], anchors);
  const reads = readsIn(b, anchors, [row]);
  const columns: Column[] = [];
  const varies = shape.map(() => whole);
  /** For each reading the columns of its elements. */
  const parts = reads.map((read) => {
    const site = sites.find((s) => s.anchor === read.node.inputs[1]);
    if (!site) throw new InternalError("a reading of a latent that is not summed out");
    return columnsOf(b, read.node.inputs[0], site, shape, symbols, varies).map((column) => {
      const known = columns.findIndex((c) => c.site === site && c.key === column.key);
      return known >= 0 ? known : columns.push(column) - 1;
    });
  });
  const size = columns.reduce((n, c) => n * c.site.values, 1);
  const inRows = sizeOf(shape.filter((_, k) => varies[k]));
  // What reads one element costs what the statement costs for each of its values.
  if (columns.length > 1 && size * inRows > BUDGET) {
    const names = [...new Set(columns.map((c) => c.site.name))].join(", ");
    const times = columns.length > 6 ? "values multiplied" : columns.map((c) => c.site.values).join(" × ");
    throw new TooMany(
      columns[0].site.parts[0].piece,
      `a statement reads ${columns.length} elements of ${names} at once: ${times} combinations${inRows > 1 ? ` in each of ${inRows} rows` : ""}`,
    );
  }
  // Each reading is one scalar symbol an element; the symbols then run over their values.
  const values = columns.map((_, j) => b.input(`(value ${j} of a row)`, { shape: [], dtype: "int" }));
  const atValues = reads.map((read, i) => {
    const own = parts[i].map((j) => values[j]);
    const all = own.length === 0 ? b.tensor(new Int32Array(0), [0], "int") : own.length === 1 ? own[0] : b.stack(own, 0);
    return [read, b.reshape(all, shapeOf(read))] as const;
  });
  let [table] = substitute(b, [row], new Map(atValues));
  const axes: number[] = [];
  for (let j = columns.length - 1; j >= 0; j--) {
    const { least, values: count } = columns[j].site;
    const range = b.tensor(
      Float64Array.from({ length: count }, (_, i) => least + i),
      [count],
      "int",
    );
    const { values: next, batched } = vectorize(b, [table], new Map([[values[j], range]]), count);
    table = batched[0] ? next[0] : b.reshape(table, [1, ...shapeOf(table)]);
    axes.unshift(count);
  }
  const overRows = shape.map(() => 1);
  for (let k = shape.length - 1; k >= 0; k--) {
    const { values: next, batched } = vectorize(b, [table], new Map([[symbols[k], rowNumbers(b, shape[k])]]), shape[k]);
    const isOver = shape[k] !== 1 && batched[0];
    if (isOver) overRows[k] = shape[k];
    table = isOver ? next[0] : b.reshape(table, [1, ...shapeOf(table)]);
  }
  // [rows…, values…, 1…] so far.
  const valueShape = shapeOf(table).slice(shape.length, shape.length + columns.length);
  table = b.reshape(table, [...overRows, ...valueShape]);
  return flat(b, liftFunctions(b, table), shape, varies, columns, axes);
}

const rowNumbers = (b: Builder, size: number): Value =>
  b.tensor(
    Float64Array.from({ length: size }, (_, i) => i),
    [size, 1],
    "int",
  );

/** Of elements that depend on row symbols: a column for each element of a row. Sets `varies` along axes that matter. */
function columnsOf(
  b: Builder,
  elements: Value,
  site: Site,
  shape: readonly number[],
  symbols: readonly Value[],
  varies: boolean[],
): Column[] {
  let over = elements;
  const extents: number[] = shape.map(() => 1);
  for (let k = shape.length - 1; k >= 0; k--) {
    const { values, batched } = vectorize(b, [over], new Map([[symbols[k], rowNumbers(b, shape[k])]]), shape[k]);
    over = batched[0] ? values[0] : b.reshape(over, [1, ...shapeOf(over)]);
    if (batched[0]) extents[k] = shape[k];
    if (batched[0] && shape[k] !== 1) varies[k] = true;
  }
  const known = knownOf(over);
  if (!known) throw new InternalError("elements of a discrete latent that are not known");
  const width = sizeOf(shapeOf(elements));
  return Array.from({ length: width }, (_, i) => {
    const own = Int32Array.from({ length: known.length / width }, (_x, row) => known[row * width + i]);
    return { site, elements: spread(own, extents, shape), key: "" };
  }).map((c) => ({ ...c, key: c.elements.join() }));
}

/** A table over `extents`, which are 1 where it does not vary, over the whole shape. */
function spread(table: Int32Array, extents: readonly number[], shape: readonly number[]): Int32Array {
  if (extents.every((n, k) => n === shape[k])) return table;
  const out = new Int32Array(sizeOf(shape));
  const index = shape.map(() => 0);
  for (let flatIndex = 0; flatIndex < out.length; flatIndex++) {
    let at = 0;
    for (let k = 0; k < shape.length; k++) at = at * extents[k] + (extents[k] === 1 ? 0 : index[k]);
    out[flatIndex] = table[at];
    for (let k = shape.length - 1; k >= 0 && ++index[k] === shape[k]; k--) index[k] = 0;
  }
  return out;
}

/** Sums over axes along which the same elements are read, and lays the others out as rows. */
function flat(
  b: Builder,
  table: Value,
  shape: readonly number[],
  varies: readonly boolean[],
  columns: readonly Column[],
  values: readonly number[],
): Factor {
  const kept = shape.flatMap((_, k) => (varies[k] ? [k] : []));
  const lost = shape.flatMap((_, k) => (varies[k] ? [] : [k]));
  const repeats = sizeOf(lost.filter((k) => shapeOf(table)[k] === 1).map((k) => shape[k]));
  let out = lost.length > 0 ? b.sum(table, lost) : table;
  if (repeats !== 1) out = b.mul(out, b.constant(repeats));
  const sizes = kept.map((k) => shape[k]);
  const rows = sizeOf(sizes);
  const own = shapeOf(out).slice(0, kept.length);
  const isShared = own.every((n) => n === 1);
  const asRows = isShared ? out : b.broadcastTo(out, [...sizes, ...shapeOf(out).slice(kept.length)]);
  const full = b.reshape(asRows, [isShared ? 1 : rows, ...shapeOf(out).slice(kept.length)]);
  const elements = columns.map((c) => {
    const picked = pickFirst(c.elements, shape, lost);
    return c.site.base === 0 ? picked : picked.map((e) => (e === NOTHING ? e : e + c.site.base));
  });
  const masked = withOwnValues(b, full, rows, isShared, columns, elements);
  return {
    table: b.broadcastTo(masked, [shapeOf(masked)[0], ...values]),
    rows,
    isShared: shapeOf(masked)[0] === 1,
    elements,
    axes: kept,
  };
}

/** The table at the first place along the lost axes. */
function pickFirst(table: Int32Array, shape: readonly number[], lost: readonly number[]): Int32Array {
  if (lost.every((k) => shape[k] === 1)) return table;
  const out: number[] = [];
  const index = shape.map(() => 0);
  for (let i = 0; i < table.length; i++) {
    if (lost.every((k) => index[k] === 0)) out.push(table[i]);
    for (let k = shape.length - 1; k >= 0 && ++index[k] === shape[k]; k--) index[k] = 0;
  }
  return Int32Array.from(out);
}

/** -inf where a value is not the element's own: a statement may be no number there. */
function withOwnValues(
  b: Builder,
  table: Value,
  rows: number,
  isShared: boolean,
  columns: readonly Column[],
  elements: readonly Int32Array[],
): Value {
  let out = table;
  columns.forEach(({ site }, j) => {
    const { own, values } = site;
    if (!own) return;
    const masks = new Uint8Array(rows * values);
    elements[j].forEach((e, row) => {
      if (e === NOTHING) masks.fill(1, row * values, (row + 1) * values);
      else masks.set(own.subarray((e - site.base) * values, (e - site.base + 1) * values), row * values);
    });
    const mask = b.tensor(masks, [rows, ...columns.map((_, k) => (k === j ? values : 1))], "bool");
    const full = b.broadcastTo(out, [isShared ? rows : shapeOf(out)[0], ...shapeOf(out).slice(1)]);
    out = b.select(mask, full, b.constant(Number.NEGATIVE_INFINITY));
  });
  return out;
}
