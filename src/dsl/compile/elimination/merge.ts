// What is as long as a chain and a little wider: states that depend on several before them, several chains that are seen together, rings, narrow
// lattices. Elements at the same distance from an end become one, whose values are the combinations of theirs: then it is a chain.
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import { isBeside, neighbourhoods, SHORTEST } from "./chain.ts";
import { type Group, someRows } from "./groups.ts";

/** Values of an element that is made of several. */
const MOST_VALUES = 64;

/** Elements as parts of a larger one: value = (value of the whole / stride) mod size. */
export interface MergeStep {
  readonly kind: "merged";
  readonly elements: Int32Array;
  readonly wholes: Int32Array;
  readonly strides: Int32Array;
  readonly sizes: Int32Array;
}
export interface Merged {
  readonly groups: readonly Group[];
  /** Extended by those of the new elements. */
  readonly sizes: Int32Array;
  readonly step: MergeStep;
}

/** A whole: its parts, the first of which counts most. */
interface Whole {
  readonly id: number;
  readonly parts: readonly number[];
  readonly dims: readonly number[];
}

export function mergeLevels(b: Builder, groups: readonly Group[], sizes: Int32Array): Merged | undefined {
  const wholes: Whole[] = [];
  /** All wholes of a chain have as many values as the largest of them. */
  const widths: number[] = [];
  for (const levels of findLevels(groups, sizes)) {
    const dims = levels.map((level) => level.map((e) => sizes[e]));
    const width = dims.reduce((m, d) => Math.max(m, sizeOf(d)), 1);
    levels.forEach((parts, l) => {
      wholes.push({ id: sizes.length + wholes.length, parts, dims: dims[l] });
      widths.push(width);
    });
  }
  if (wholes.length === 0) return undefined;
  const wholeOf = new Map(wholes.flatMap((w) => w.parts.map((e): [number, Whole] => [e, w])));
  const extended = Int32Array.from([...sizes, ...widths]);
  const rewritten = groups.flatMap((g) => rewrite(b, g, wholeOf, extended));
  const impossible = wholes.flatMap((w) => (sizeOf(w.dims) < extended[w.id] ? [withoutPadding(b, w, extended[w.id])] : []));
  const parts = wholes.flatMap((w) =>
    w.parts.map((element, i) => ({ element, whole: w.id, stride: sizeOf(w.dims.slice(i + 1)), size: w.dims[i] })),
  );
  const step: MergeStep = {
    kind: "merged",
    elements: Int32Array.from(parts, (p) => p.element),
    wholes: Int32Array.from(parts, (p) => p.whole),
    strides: Int32Array.from(parts, (p) => p.stride),
    sizes: Int32Array.from(parts, (p) => p.size),
  };
  return { groups: [...rewritten, ...impossible], sizes: extended, step };
}

/** Of each part of the graph that holds a circle the elements by their distance from one end, if few are at the same. */
function findLevels(groups: readonly Group[], sizes: Int32Array): number[][][] {
  const around = neighbourhoods(groups);
  const inRow = (e: number): number[] => [...(around.get(e) ?? [])].filter((x) => !isBeside(around, x));
  const seen = new Set<number>();
  const found: number[][][] = [];
  for (const e of [...around.keys()].sort((x, y) => x - y)) {
    if (seen.has(e) || isBeside(around, e)) continue;
    const first = levelsFrom(e, inRow);
    for (const level of first) for (const x of level) seen.add(x);
    const elements = first.flat();
    const edges = elements.reduce((n, x) => n + inRow(x).length, 0) / 2;
    // Trees are eliminated as they are.
    if (edges < elements.length) continue;
    const levels = levelsFrom(first[first.length - 1][0], inRow);
    const widest = levels.reduce((m, level) => Math.max(m, sizeOf(level.map((x) => sizes[x]))), 1);
    if (levels.length < SHORTEST || widest > MOST_VALUES) continue;
    found.push(levels[0][0] > levels[levels.length - 1][0] ? levels.reverse() : levels);
  }
  return found;
}

function levelsFrom(start: number, inRow: (e: number) => number[]): number[][] {
  const seen = new Set([start]);
  const levels = [[start]];
  for (let level = levels[0]; level.length > 0; ) {
    const next: number[] = [];
    for (const e of level)
      for (const x of inRow(e))
        if (!seen.has(x)) {
          seen.add(x);
          next.push(x);
        }
    level = next.sort((x, y) => x - y);
    if (level.length > 0) levels.push(level);
  }
  return levels;
}

/** The tables of a group over wholes in place of parts. */
function rewrite(b: Builder, g: Group, wholeOf: ReadonlyMap<number, Whole>, sizes: Int32Array): Group[] {
  const classes = new Map<string, number[]>();
  for (let row = 0; row < g.rows; row++) {
    const wholes = wholesIn(g, row, wholeOf);
    const key = g.elements
      .map((column) => {
        const whole = wholeOf.get(column[row]);
        return whole ? `${wholes.indexOf(whole)}.${whole.parts.indexOf(column[row])}:${whole.dims}` : "-";
      })
      .join(" ");
    const same = classes.get(key);
    if (same) same.push(row);
    else classes.set(key, [row]);
  }
  return [...classes.values()].map((rows) => {
    const own = someRows(b, g, Int32Array.from(rows));
    const wholes = wholesIn(own, 0, wholeOf);
    return wholes.length === 0 ? own : overWholes(b, own, wholes, wholeOf, sizes);
  });
}

/** The wholes whose parts a row reads, in ascending order. */
const wholesIn = (g: Group, row: number, wholeOf: ReadonlyMap<number, Whole>): Whole[] =>
  [...new Set(g.elements.flatMap((column) => wholeOf.get(column[row]) ?? []))].sort((x, y) => x.id - y.id);

function overWholes(
  b: Builder,
  g: Group,
  wholes: readonly Whole[],
  wholeOf: ReadonlyMap<number, Whole>,
  sizes: Int32Array,
): Group {
  /** For each axis the whole that it is a part of, and where in it. */
  const at = g.elements.map(([e]) => {
    const whole = wholeOf.get(e);
    return whole && { whole: wholes.indexOf(whole), part: whole.parts.indexOf(e) };
  });
  const others = at.flatMap((x, axis) => (x ? [] : [axis]));
  const inWholes = at.flatMap((x, axis) => (x ? [{ ...x, axis }] : [])).sort((x, y) => x.whole - y.whole || x.part - y.part);
  const shape = shapeOf(g.table);
  const moved = b.transpose(g.table, [0, ...inWholes.map((x) => x.axis + 1), ...others.map((axis) => axis + 1)]);
  const besides = others.map((axis) => shape[axis + 1]);
  const dims = wholes.map((w, k) => w.dims.map((d, part) => (inWholes.some((x) => x.whole === k && x.part === part) ? d : 1)));
  const slim = b.reshape(moved, [shape[0], ...dims.flat(), ...besides]);
  const full = b.broadcastTo(slim, [shape[0], ...wholes.flatMap((w) => w.dims), ...besides]);
  let table: Value = b.reshape(full, [shape[0], ...wholes.map((w) => sizeOf(w.dims)), ...besides]);
  wholes.forEach((w, k) => {
    if (shapeOf(table)[k + 1] < sizes[w.id]) table = b.assemble([table], k + 1, [0], sizes[w.id]);
  });
  const { axes: _, ...rest } = g;
  return {
    ...rest,
    table,
    elements: [
      ...wholes.map((_w, k) => {
        const axis = inWholes.find((x) => x.whole === k)?.axis ?? 0;
        return g.elements[axis].map((e) => wholeOf.get(e)?.id ?? e);
      }),
      ...others.map((axis) => g.elements[axis]),
    ],
  };
}

/** Values that are no combination of the parts' are impossible. */
function withoutPadding(b: Builder, w: Whole, width: number): Group {
  const own = sizeOf(w.dims);
  const table = Float64Array.from({ length: width }, (_, v) => (v < own ? 0 : Number.NEGATIVE_INFINITY));
  return { table: b.tensor(table, [1, width]), rows: 1, elements: [Int32Array.of(w.id)], from: new Set() };
}
