// Sums discrete latents out of a walk's terms: tables of what reads them, elimination, and terms of what is left.
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import type { LoweredTerm } from "../walk.ts";
import { BUDGET, TooMany } from "./cost.ts";
import { type Elimination, eliminate, type Join, type Spend } from "./eliminate.ts";
import { factorOf } from "./factor.ts";
import { type Group, someRows } from "./groups.ts";
import { dependence, NOTHING } from "./read.ts";
import { type OpenSites, type Predicted, type Site, unbounded } from "./sites.ts";

/** What summing out has found of a walk. */
export interface Summed {
  readonly sites: readonly Site[];
  readonly predicted: readonly Predicted[];
  /** Terms that read no discrete latent, and those that are left of the others. */
  readonly terms: readonly LoweredTerm[];
  readonly flops: number;
  /** Elimination again, with these tables beside those of the terms, and how values are joined. */
  again(join: Join, beside?: readonly Group[]): Elimination;
}

export function sumOut(b: Builder, open: OpenSites, terms: readonly LoweredTerm[]): Summed {
  const predicted = open.predicted();
  const needsValue = dependence(predicted.map((p) => p.anchor));
  for (const t of terms)
    if (needsValue(t.value))
      throw unbounded(predicted.find((p) => dependence([p.anchor])(t.value))?.parts[0].piece ?? predicted[0].parts[0].piece);
  const sites = open.close();
  const depends = dependence(sites.map((s) => s.anchor));
  const plain = terms.filter((t) => !depends(t.value));
  const reading = terms.filter((t) => depends(t.value));
  const sizes = Int32Array.from(sites.flatMap((s) => new Array<number>(s.count).fill(s.values)));
  const rest: LoweredTerm[] = [];
  const groups = reading.flatMap((t, i): Group[] => {
    const { table, rows, elements, axes } = factorOf(b, t.value, sites);
    const group = { table, rows, elements, from: new Set([i]), rowsOf: new Set([i]), axes: axes.map((k) => t.axes[k]) };
    const alone = readingNothing(b, group);
    if (alone) rest.push({ ...t, axes: group.axes, value: alone });
    return present(b, group);
  });
  let flops = 0;
  let joint = 0;
  const spend: Spend = (more, element, meetsOthers) => {
    flops += more;
    // Independent elements cost what their statements do, however many there are.
    if (meetsOthers) joint += more;
    if (joint <= BUDGET) return;
    const site = sites.find((s) => element < s.base + s.count) ?? sites[sites.length - 1];
    const part = site.parts.find((p) => element - site.base < p.from + p.count) ?? site.parts[0];
    throw new TooMany(part.piece, `it takes ${more.toPrecision(2)} flops or more an evaluation`);
  };
  const again = (join: Join, beside: readonly Group[] = []): Elimination => {
    flops = 0;
    joint = 0;
    return eliminate(b, [...groups, ...beside], sizes, join, spend);
  };
  const { rests } = again("sum");
  const left = rests.map((rest) => termOf(b, rest, reading));
  return { sites, predicted, terms: [...plain, ...rest, ...left], flops, again };
}

/** The rows in which nothing discrete is read, 0 in the others; undefined if there are none. */
function readingNothing(b: Builder, g: Group): Value | undefined {
  const isFree = Uint8Array.from({ length: g.rows }, (_, row) => (g.elements.every((e) => e[row] === NOTHING) ? 1 : 0));
  if (!isFree.includes(1)) return undefined;
  const { table } = g;
  const first = shapeOf(table)
    .slice(1)
    .reduce((v) => b.reshape(b.slice(v, 1, 0, 1), [shapeOf(v)[0], ...shapeOf(v).slice(2)]), table);
  const value = b.select(b.tensor(isFree, [g.rows], "bool"), b.broadcastTo(first, [g.rows]), b.constant(0));
  return b.reshape(
    value,
    (g.axes ?? []).map((a) => a.size),
  );
}

/** The other rows, by which of their elements are there. */
function present(b: Builder, g: Group): Group[] {
  if (g.elements.length === 0) return [];
  if (g.elements.every((e) => !e.includes(NOTHING))) return [g];
  const patterns = new Map<string, number[]>();
  for (let row = 0; row < g.rows; row++) {
    const key = g.elements.map((e) => (e[row] === NOTHING ? "-" : "+")).join("");
    patterns.set(key, [...(patterns.get(key) ?? []), row]);
  }
  return [...patterns].flatMap(([pattern, rows]) => {
    if (!pattern.includes("+")) return [];
    let own = someRows(b, g, Int32Array.from(rows));
    for (let k = pattern.length - 1; k >= 0; k--) {
      if (pattern[k] === "+") continue;
      const shape = shapeOf(own.table);
      const table = b.reshape(b.slice(own.table, k + 1, 0, 1), [...shape.slice(0, k + 1), ...shape.slice(k + 2)]);
      own = { ...own, table, elements: own.elements.filter((_, i) => i !== k) };
    }
    return [own];
  });
}

/** What is left of some elements, as a term of the statement that it is about: an observation if one has gone in. */
function termOf(b: Builder, rest: Elimination["rests"][number], terms: readonly LoweredTerm[]): LoweredTerm {
  const from = [...rest.from].map((i) => terms[i]);
  const main = from.find((t) => t.role === "likelihood") ?? from.find((t) => t.role === "factor") ?? from[0];
  const isShuffled = ![...(rest.rowsOf ?? [])].some((i) => terms[i] === main);
  const axes = rest.axes ?? [];
  const isWhole = sizeOf(axes.map((a) => a.size)) === shapeOf(rest.value)[0];
  const value: Value = isWhole
    ? b.reshape(
        rest.value,
        axes.map((a) => a.size),
      )
    : b.sum(rest.value);
  const unnormalised = from.find((t) => t.unnormalised)?.unnormalised;
  return {
    site: main.site,
    role: main.role,
    axes: isWhole ? axes : [],
    value,
    span: main.span,
    inputs: () => [],
    ...(isShuffled ? { shuffled: true } : {}),
    ...(unnormalised ? { unnormalised } : {}),
  };
}
