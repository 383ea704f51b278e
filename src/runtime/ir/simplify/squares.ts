// Sums of squares of affine values. Σ_n w_n f_n a_n² with a = c + Σ data · varying keeps its value when the rows [data, c] are
// multiplied by an orthogonal matrix, so R of their QR factorisation takes their place: at most as many rows as columns. Where a row
// reads elements that depend on it, α[g_n], rows of equal indices are factorised together; below the α columns R has none of them,
// and those rows of all groups are factorised once more. Backward stable, which the Gram matrix is not.
import { shapeOf, type Value } from "../graph.ts";
import { div, mul } from "../primitives/elementwise.ts";
import { type Shape, sameShape, sizeOf } from "../type.ts";
import { type Affine, affineForm, type Column, type Part } from "./affine.ts";
import { type Classes, members, oneClass, refine } from "./classes.ts";
import { compose, elementsAt, type Positions, sourceOf, stretched } from "./positions.ts";
import type { Session } from "./session.ts";
import { TriangularFactor } from "./triangular-factor.ts";
import { condensed, type Weights } from "./weights.ts";

/** A factor of each square that varies with the row: an element of something small. */
interface Factor {
  readonly value: Value;
  readonly positions: Positions;
}

/** Fewer squares with the same sum, up to the weight: of constant_r + Σ_j data_j[r] · column j. */
interface RowSet {
  readonly weight: number;
  readonly data: readonly Float64Array[];
  readonly constant: Float64Array;
  /** For each row, one of the original rows whose elements it reads. */
  readonly from: Int32Array;
}
interface Plan {
  /** Those with indices first. */
  readonly columns: readonly Column[];
  readonly sets: readonly RowSet[];
  readonly cost: number;
}

/** A plan must leave at most this part of the rows. */
export const WORTHWHILE = 0.5;
/** Multiplications at bind for one sum: seconds at most. */
export const MOST_WORK = 2e9;
/** Beyond these magnitudes squares overflow or vanish. */
const LARGEST = 1e140;
const SMALLEST = 1e-140;
export function allInRange(values: Float64Array): boolean {
  for (let n = 0; n < values.length; n++) {
    const size = Math.abs(values[n]);
    if (!(size === 0 || (size < LARGEST && size > SMALLEST))) return false;
  }
  return true;
}

/** Σ w a² over fewer rows, a scalar, or null where that is not cheaper. A factor of a may be a scale by group: (x f)², (x / f)². */
export function reducedSquares(s: Session, a: Value, weights: Weights): Value | null {
  const plain = reducedAffine(s, a, weights, null);
  if (plain !== null) return plain;
  const { op, inputs } = a.node;
  if (op !== mul && op !== div) return null;
  for (const [x, y] of op === mul ? [inputs, [inputs[1], inputs[0]]] : [inputs]) {
    const source = sameShape(shapeOf(x), shapeOf(a)) ? smallSource(s, y, shapeOf(a)) : null;
    if (source === null) continue;
    const value = s.b.square(op === mul ? source.value : s.b.reciprocal(source.value));
    const reduced = reducedAffine(s, x, weights, { ...source, value });
    if (reduced !== null) return reduced;
  }
  return null;
}

/** What v reads, seen as broadcast to the shape, if it has fewer elements than half the rows. */
function smallSource(s: Session, v: Value, shape: Shape): Factor | null {
  let value = v;
  let positions = stretched(shapeOf(v), shape);
  for (let view = sourceOf(s, v); view !== null; view = sourceOf(s, value)) {
    value = view.source;
    positions = compose(positions, view.positions);
  }
  return sizeOf(shapeOf(value)) <= WORTHWHILE * sizeOf(shape) ? { value, positions } : null;
}

function reducedAffine(s: Session, a: Value, weights: Weights, factor: Factor | null): Value | null {
  const shallow = planFor(affineForm(s, a, false), weights, factor);
  const deep = shallow?.columns.every(isGlobal) ? null : planFor(affineForm(s, a, true), weights, factor);
  const plan = deep === null || (shallow !== null && shallow.cost <= deep.cost) ? shallow : deep;
  return plan === null ? null : emit(s, plan, factor);
}

const isGlobal = (c: Column): boolean => c.parts.every((p) => typeof p.at === "number");

function planFor(form: Affine | null, weights: Weights, factor: Factor | null): Plan | null {
  if (form === null) return null;
  const columns = merged(form.columns);
  if (![form.constant, ...columns.map((c) => c.data)].every(allInRange)) return null;
  const work = form.rows * (columns.length + 1) * (columns.length + 1);
  if (work > MOST_WORK) return null;

  const limit = form.rows * WORTHWHILE;
  const sets: RowSet[] = [];
  for (const part of signedParts(weights, form.rows)) {
    const reduced = reduceRows(columns, form.constant, part, factor, limit);
    if (reduced === null) return null;
    sets.push(...reduced);
  }
  if (sets.reduce((total, set) => total + set.from.length, 0) > limit) return null;
  const cost = sets.reduce((total, set) => total + set.from.length * (1 + set.data.filter(isNonzero).length), 0);
  return { columns, sets, cost };
}
const isNonzero = (d: Float64Array): boolean => d.some((x) => x !== 0);

/** Columns with the same data are one column of sums, where one of them has indices: those of elements that rows choose come first. */
function merged(columns: readonly Column[]): Column[] {
  const indexed: { data: Float64Array; parts: Part[] }[] = [];
  const global: Column[] = [];
  const join = (c: Column): boolean => {
    const same = indexed.find((other) => other.data.every((x, n) => x === c.data[n]));
    same?.parts.push(...c.parts);
    return same !== undefined;
  };
  for (const c of columns) if (!isGlobal(c) && !join(c)) indexed.push({ data: c.data, parts: [...c.parts] });
  for (const c of columns) if (isGlobal(c) && !(isScalar(c) && join(c))) global.push(c);
  return [...indexed, ...global];
}
const isScalar = (c: Column): boolean => c.parts.every((p) => sizeOf(shapeOf(p.atom)) === 1);

/** Rows whose weights have one sign. */
interface SignedRows {
  readonly rows: Int32Array;
  /** Of their squares, beside the root's square. */
  readonly weight: number;
  /** By original row; null: 1. */
  readonly roots: Float64Array | null;
}
function signedParts(weights: Weights, count: number): SignedRows[] {
  const all = new Int32Array(count);
  for (let n = 0; n < count; n++) all[n] = n;
  if (typeof weights === "number") return [{ rows: all, weight: weights, roots: null }];
  const roots = weights.map((w) => Math.sqrt(Math.abs(w)));
  return [1, -1]
    .map((weight) => ({ rows: all.filter((n) => weight * weights[n] > 0), weight, roots }))
    .filter(({ rows }) => rows.length > 0);
}

function reduceRows(
  columns: readonly Column[],
  constant: Float64Array,
  part: SignedRows,
  factor: Factor | null,
  limit: number,
): RowSet[] | null {
  const { rows, roots } = part;
  const chosen = (positions: Int32Array): Int32Array =>
    rows.length === positions.length ? positions : rows.map((n) => positions[n]);
  let pools: Classes | null = oneClass(rows.length);
  if (factor !== null) pools = factor.positions === null ? null : refine(pools, chosen(factor.positions), limit);
  let groups = pools;
  const indexed = columns.filter((c) => !isGlobal(c)).length;
  for (const { parts } of columns) {
    for (const { at } of parts)
      if (groups !== null && typeof at !== "number") groups = refine(groups, chosen(at), limit / indexed);
  }
  if (pools === null || groups === null) return null;

  const perGroup = Array.from({ length: indexed }, () => new Collected(columns.length));
  const leftOver: { from: number; row: Float64Array }[][] = Array.from({ length: pools.count }, () => []);
  const factorise = new TriangularFactor(columns.length + 1);
  const data = [...columns.map((c) => c.data), constant];
  for (const group of members(groups)) {
    for (let i = 0; i < group.length; i++) factorise.push(data, rows[group[i]], roots === null ? 1 : roots[rows[group[i]]]);
    const from = rows[group[0]];
    factorise.finish().forEach((row, i) => {
      if (i < indexed) perGroup[i].add(row, from);
      else leftOver[pools.ids[group[0]]].push({ from, row });
    });
  }
  // Without indices the groups are the pools, and factorised already.
  const pooled = new Collected(columns.length);
  for (const pool of leftOver) {
    if (indexed > 0) for (const { row } of pool) factorise.pushRow(row);
    for (const row of indexed === 0 ? pool.map((p) => p.row) : factorise.finish()) pooled.add(row, pool[0].from);
  }
  return [...perGroup, pooled].filter((c) => c.count > 0).map((c) => c.finish(part.weight));
}

/** Rows of triangular factors put together. */
class Collected {
  readonly #columns: number;
  readonly #rows: Float64Array[] = [];
  readonly #from: number[] = [];

  constructor(columns: number) {
    this.#columns = columns;
  }
  get count(): number {
    return this.#rows.length;
  }
  add(row: Float64Array, from: number): void {
    this.#rows.push(row);
    this.#from.push(from);
  }
  finish(weight: number): RowSet {
    const column = (j: number): Float64Array => Float64Array.from(this.#rows, (row) => row[j]);
    const data = Array.from({ length: this.#columns }, (_, j) => column(j));
    return { weight, data, constant: column(this.#columns), from: Int32Array.from(this.#from) };
  }
}

// ---------------------------------------------------------------- as an expression

function emit(s: Session, { columns, sets }: Plan, factor: Factor | null): Value {
  const { b } = s;
  return sets.map((set) => emitSet(s, columns, set, factor)).reduce((x, y) => b.add(x, y), b.constant(0));
}

function emitSet(s: Session, columns: readonly Column[], set: RowSet, factor: Factor | null): Value {
  const { b } = s;
  // Rows without data are numbers, unless a factor varies.
  const rows = Int32Array.from(set.from.keys()).filter((r) => factor !== null || set.data.some((d) => d[r] !== 0));
  const numbers = Int32Array.from(set.from.keys()).filter((r) => factor === null && set.data.every((d) => d[r] === 0));
  const known = numbers.reduce((total, r) => total + set.constant[r] * set.constant[r], 0);
  const chosen = (d: Float64Array): Float64Array => Float64Array.from(rows, (r) => d[r]);
  const from = Int32Array.from(rows, (r) => set.from[r]);
  let total = b.constant(known);
  if (rows.length > 0) {
    const constant = chosen(set.constant);
    const addends = emitColumns(s, columns, set.data.map(chosen), from);
    if (isNonzero(constant) || addends.length === 0) addends.push(b.tensor(constant, [rows.length]));
    const squares = b.square(addends.reduce((x, y) => b.add(x, y)));
    const scaled = factor === null ? squares : b.mul(elementsAt(s, factor.value, picked(factor.positions, from)), squares);
    total = b.add(b.sum(scaled), total);
  }
  return b.mul(b.constant(set.weight), total);
}

/** The nonzero columns; those that are elements of one vector become a matrix times it. */
function emitColumns(s: Session, columns: readonly Column[], data: readonly Float64Array[], from: Int32Array): Value[] {
  const { b } = s;
  const addends: Value[] = [];
  const vectors = new Map<Value, { position: number; data: Float64Array }[]>();
  columns.forEach(({ parts }, j) => {
    if (!isNonzero(data[j])) return;
    const [only] = parts;
    if (parts.length === 1 && typeof only.at === "number") {
      vectors.set(only.atom, [...(vectors.get(only.atom) ?? []), { position: only.at, data: data[j] }]);
      return;
    }
    const elements = parts.map(({ atom, at }) =>
      elementsAt(s, atom, typeof at === "number" ? Int32Array.of(at) : picked(at, from)),
    );
    addends.push(
      b.mul(
        known(s, data[j]),
        elements.reduce((x, y) => b.add(x, y)),
      ),
    );
  });
  for (const [atom, used] of vectors) {
    const elements = elementsAt(
      s,
      atom,
      Int32Array.from(used, (u) => u.position),
    );
    if (used.length === 1) {
      addends.push(b.mul(known(s, used[0].data), s.scalar(elements)));
      continue;
    }
    const matrix = Float64Array.from(
      { length: from.length * used.length },
      (_, i) => used[i % used.length].data[Math.floor(i / used.length)],
    );
    addends.push(b.dot(b.tensor(matrix, [from.length, used.length]), elements, { batch: 0, left: [1], right: [0] }));
  }
  return addends;
}
const picked = (positions: Positions, from: Int32Array): Int32Array =>
  positions === null ? from : from.map((n) => positions[n]);
function known(s: Session, data: Float64Array): Value {
  const w = condensed(data);
  return typeof w === "number" ? s.b.broadcastTo(s.b.constant(w), [data.length]) : s.b.tensor(data, [data.length]);
}
