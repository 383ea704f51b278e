// Variable elimination on the graph of elements and the tables that read them. In each round many elements that do not meet are summed out at once:
// leaves and every other element of a chain, as trees are contracted in parallel (Miller and Reif 1985); otherwise those whose table is smallest.
// Elements with tables of the same form are one tensor operation.
import { InternalError } from "../../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import type { Axis } from "../../../runtime/target.ts";
import { bundles, type ChainStep, findChains, sumChains } from "./chain.ts";
import { FLOPS_AN_ENTRY } from "./cost.ts";
import { type Group, keepsRows, someRows, tableRows, tidied } from "./groups.ts";

import { type MergeStep, mergeLevels } from "./merge.ts";

/** Told of the flops of a table before it is built, of which element, and whether it meets others. */
export type Spend = (flops: number, element: number, meetsOthers: boolean) => void;
/** How the values of an element are joined: summed over, or the best of them taken. */
export type Join = "sum" | "best";

/** Some elements summed out together. */
export interface TableStep {
  readonly kind: "table";
  readonly elements: Int32Array;
  /** For each axis of values in front of the element's own the neighbour of each element. */
  readonly neighbours: readonly Int32Array[];
  /** [elements or 1, values of the neighbours…, own values]: everything that reads the elements. */
  readonly table: Value;
}
/** What is left of elements that no other elements meet. */
export interface Rest {
  /** One number an element. */
  readonly value: Value;
  readonly elements: Int32Array;
  readonly axes?: readonly Axis[];
  readonly from: ReadonlySet<number>;
  /** Terms whose rows the numbers are of, in their order. */
  readonly rowsOf?: ReadonlySet<number>;
}
export type Step = TableStep | ChainStep | MergeStep;
export interface Elimination {
  readonly steps: readonly Step[];
  readonly rests: readonly Rest[];
}

/** `given`: values of each element, in number. */
export function eliminate(b: Builder, factors: readonly Group[], given: Int32Array, join: Join, spend: Spend): Elimination {
  const steps: Step[] = [];
  const rests: Rest[] = [];
  let groups = tidied(b, factors);
  let sizes = given;
  const alive = new Set<number>();
  for (const g of groups) for (const column of g.elements) for (const e of column) alive.add(e);
  while (alive.size > 0) {
    // Chains are gone before rounds begin; leaves that hang on one, by an earlier round.
    const chains = bundles(findChains(groups, sizes), sizes);
    const messages: Group[] = [];
    for (const bundle of chains) {
      const { step, left } = sumChains(b, bundle, groups, sizes, join, spend);
      steps.push(step);
      for (const e of step.elements) alive.delete(e);
      if (left.elements.length > 0) messages.push(left);
      else rests.push({ value: left.table, elements: Int32Array.from(bundle, (c) => c.elements[0]), from: left.from });
      groups = without(b, groups, new Set(step.elements));
    }
    if (chains.length > 0) {
      groups = tidied(b, [...groups, ...messages]);
      continue;
    }
    const merged = mergeLevels(b, groups, sizes);
    if (merged) {
      steps.push(merged.step);
      for (const e of merged.step.elements) alive.delete(e);
      for (const e of merged.step.wholes) alive.add(e);
      groups = tidied(b, merged.groups);
      sizes = merged.sizes;
      continue;
    }
    const graph = graphOf(groups, sizes, alive);
    const round = choose(graph, sizes, alive);
    const made: Group[] = [];
    const taken = groups.map((g) => new Uint8Array(g.rows));
    for (const members of bySignature(graph, round, groups)) {
      const { step, group } = sumOut(b, members, graph, groups, sizes, join, spend);
      steps.push(step);
      for (const e of members) {
        alive.delete(e);
        for (const { group: at, row } of graph.incident(e)) taken[at][row] = 1;
      }
      if (group.elements.length > 0) made.push(group);
      else
        rests.push({
          value: restOf(b, group),
          elements: step.elements,
          from: group.from,
          ...(group.rowsOf ? { rowsOf: group.rowsOf } : {}),
          ...(group.axes ? { axes: group.axes } : {}),
        });
    }
    const left = groups.flatMap((g, i) => {
      const rows = Int32Array.from([...taken[i].keys()].filter((row) => !taken[i][row]));
      return rows.length > 0 ? [someRows(b, g, rows)] : [];
    });
    groups = tidied(b, [...left, ...made]);
  }
  return { steps, rests };
}

/** The rows that read none of some elements. */
function without(b: Builder, groups: readonly Group[], gone: ReadonlySet<number>): Group[] {
  return groups.flatMap((g) => {
    const rows = Int32Array.from([...Array(g.rows).keys()].filter((row) => !g.elements.some((column) => gone.has(column[row]))));
    return rows.length > 0 ? [someRows(b, g, rows)] : [];
  });
}

const restOf = (b: Builder, g: Group): Value => b.broadcastTo(g.table, [g.rows]);

/** A row of a group that reads an element, at an axis of its values. */
interface Incidence {
  readonly group: number;
  readonly row: number;
  readonly axis: number;
}
interface ElementGraph {
  incident(element: number): readonly Incidence[];
  neighbours(element: number): readonly number[];
  /** Entries of the table that everything which reads the element makes. */
  entries(element: number): number;
}

function graphOf(groups: readonly Group[], sizes: Int32Array, alive: ReadonlySet<number>): ElementGraph {
  const incident = new Map<number, Incidence[]>();
  for (const e of alive) incident.set(e, []);
  groups.forEach((g, group) => {
    for (let row = 0; row < g.rows; row++)
      for (let axis = 0; axis < g.elements.length; axis++) incident.get(g.elements[axis][row])?.push({ group, row, axis });
  });
  const around = new Map<number, number[]>();
  for (const [e, places] of incident) {
    const others = new Set<number>();
    for (const { group, row } of places) for (const column of groups[group].elements) others.add(column[row]);
    others.delete(e);
    around.set(e, [...others]);
  }
  const entries = (e: number): number => (around.get(e) ?? []).reduce((n, other) => n * sizes[other], sizes[e]);
  return { incident: (e) => incident.get(e) ?? [], neighbours: (e) => around.get(e) ?? [], entries };
}

/** Elements that do not meet one another, none of which makes a table much larger than the smallest that there is. */
function choose(graph: ElementGraph, sizes: Int32Array, alive: ReadonlySet<number>): number[] {
  let least = Number.POSITIVE_INFINITY;
  let degree = 0;
  for (const e of alive) {
    const entries = graph.entries(e);
    if (entries >= least) continue;
    least = entries;
    degree = graph.neighbours(e).length;
  }
  const inOrder = [...alive].sort((x, y) => x - y);
  const widest = inOrder.reduce((m, e) => Math.max(m, sizes[e]), 1);
  const chosen = new Set<number>();
  for (const e of inOrder) {
    const neighbours = graph.neighbours(e);
    if (neighbours.length > degree + 1 || graph.entries(e) > least * widest) continue;
    if (!neighbours.some((n) => chosen.has(n))) chosen.add(e);
  }
  return [...chosen];
}

/** The elements by the form of what reads them: the same groups at the same axes, with neighbours in the same places. */
function bySignature(graph: ElementGraph, elements: readonly number[], groups: readonly Group[]): number[][] {
  const classes = new Map<string, number[]>();
  for (const e of elements) {
    const neighbours = graph.neighbours(e);
    const key = graph
      .incident(e)
      .map(
        ({ group, row, axis }) => `${group}.${axis}:${groups[group].elements.map((c) => neighbours.indexOf(c[row])).join("+")}`,
      )
      .join(" ");
    const same = classes.get(key);
    if (same) same.push(e);
    else classes.set(key, [e]);
  }
  return [...classes.values()];
}

function sumOut(
  b: Builder,
  members: readonly number[],
  graph: ElementGraph,
  groups: readonly Group[],
  sizes: Int32Array,
  join: Join,
  spend: Spend,
): { readonly step: TableStep; readonly group: Group } {
  const [first] = members;
  const places = graph.incident(first);
  const around = graph.neighbours(first);
  spend(members.length * graph.entries(first) * (places.length + FLOPS_AN_ENTRY), first, around.length > 0);
  const neighbours = around.map((_, k) => Int32Array.from(members, (e) => graph.neighbours(e)[k]));
  const from = new Set<number>();
  const rowsOf = new Set<number>();
  let axes: readonly Axis[] | undefined;
  let table: Value | undefined;
  places.forEach(({ group, axis }, j) => {
    const g = groups[group];
    const rows = Int32Array.from(members, (e) => graph.incident(e)[j].row);
    for (const t of g.from) from.add(t);
    if (keepsRows(g, rows)) {
      axes ??= g.axes;
      for (const t of g.rowsOf ?? []) rowsOf.add(t);
    }
    const own = tableRows(b, g, rows);
    // Axes: rows, neighbours in their order, the element's own.
    const row = places[j].row;
    const at = g.elements.map((column, k) => (k === axis ? around.length : around.indexOf(column[row])));
    const order = at.map((_, k) => k).sort((x, y) => at[x] - at[y]);
    const shape = [shapeOf(own)[0], ...around.map(() => 1), sizes[first]];
    for (const k of order) if (k !== axis) shape[at[k] + 1] = shapeOf(g.table)[k + 1];
    const aligned = b.reshape(b.transpose(own, [0, ...order.map((k) => k + 1)]), shape);
    table = table ? b.add(table, aligned) : aligned;
  });
  if (!table) throw new InternalError("an element that nothing reads");
  const full = b.broadcastTo(table, [shapeOf(table)[0], ...around.map((e) => sizes[e]), sizes[first]]);
  const last = around.length + 1;
  const message = join === "sum" ? b.logSumExp(full, [last]) : b.reduceMax(full, [last]);
  return {
    step: { kind: "table", elements: Int32Array.from(members), neighbours, table: full },
    group: { table: message, rows: members.length, elements: neighbours, from, rowsOf, ...(axes ? { axes } : {}) },
  };
}
