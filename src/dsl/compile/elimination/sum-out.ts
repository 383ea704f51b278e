// Sums discrete latents out of a walk's terms: tables of what reads them, elimination, and terms of what is left.
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import type { LoweredTerm } from "../walk.ts";
import { BUDGET, TooMany } from "./cost.ts";
import { type Elimination, eliminate, type Join } from "./eliminate.ts";
import { factorOf } from "./factor.ts";
import type { Group } from "./groups.ts";
import { dependence } from "./read.ts";
import type { OpenSites, Site } from "./sites.ts";

/** What summing out has found of a walk. */
export interface Summed {
  readonly sites: readonly Site[];
  /** Terms that read no discrete latent, and those that are left of the others. */
  readonly terms: readonly LoweredTerm[];
  readonly flops: number;
  /** Elimination again, with these tables beside those of the terms, and how values are joined. */
  again(join: Join, beside?: readonly Group[]): Elimination;
}

export function sumOut(b: Builder, open: OpenSites, terms: readonly LoweredTerm[]): Summed {
  const sites = open.close();
  const depends = dependence(sites.map((s) => s.anchor));
  const plain = terms.filter((t) => !depends(t.value));
  const reading = terms.filter((t) => depends(t.value));
  const sizes = Int32Array.from(sites.flatMap((s) => new Array<number>(s.count).fill(s.values)));
  const groups = reading.map((t, i): Group => {
    const { table, rows, elements, axes } = factorOf(b, t.value, sites);
    return { table, rows, elements, from: new Set([i]), axes: axes.map((k) => t.axes[k]) };
  });
  let flops = 0;
  const spend = (more: number, element: number): void => {
    flops += more;
    if (flops <= BUDGET) return;
    const site = sites.find((s) => element < s.base + s.count) ?? sites[sites.length - 1];
    const part = site.parts.find((p) => element - site.base < p.from + p.count) ?? site.parts[0];
    throw new TooMany(part.piece, `it takes ${more.toPrecision(2)} flops or more an evaluation`);
  };
  const again = (join: Join, beside: readonly Group[] = []): Elimination => {
    flops = 0;
    return eliminate(b, [...groups, ...beside], sizes, join, spend);
  };
  const { rests } = again("sum");
  const left = rests.map((rest) => termOf(b, rest, reading));
  return { sites, terms: [...plain, ...left], flops, again };
}

/** What is left of some elements, as a term of the statement that it is about: an observation if one has gone in. */
function termOf(b: Builder, rest: Elimination["rests"][number], terms: readonly LoweredTerm[]): LoweredTerm {
  const from = [...rest.from].map((i) => terms[i]);
  const main = from.find((t) => t.role === "likelihood") ?? from.find((t) => t.role === "factor") ?? from[0];
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
    ...(unnormalised ? { unnormalised } : {}),
  };
}
