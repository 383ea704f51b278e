// `rest ~ meanfield()` of a guide: a family over the latents that the guide does not name, joined to its draws.
import { UsageError } from "../../runtime/errors.ts";
import type { Value } from "../../runtime/ir/graph.ts";
import type { Guide, Slot, Target } from "../../runtime/target.ts";
import type { Family } from "./approximation.ts";
import { noCoordinates } from "./families/discrete.ts";
import { fullRank } from "./families/full-rank.ts";
import type { Start } from "./families/gaussian.ts";
import { lowRank } from "./families/low-rank.ts";
import { rowMeanField } from "./families/row-mean-field.ts";

type Rest = NonNullable<Guide["rest"]>;

/** Draws of the remaining latents, given those of the guide in `setting.given`. */
export function restFamily(target: Target, rest: Rest): Family {
  const slots = target.layout.filter((s) => rest.names.includes(s.name));
  const make = families[rest.family];
  if (make === undefined)
    throw new UsageError(`rest ~ ${rest.family}() is no family; there are ${Object.keys(families).join(", ")}`);
  // What is left may be discrete.
  if (slots.length === 0) return noCoordinates(target);
  const part = ofSlots(target, slots);
  return make(part, { position: new Float64Array(part.dimension) }, Math.min(rest.rank ?? DEFAULT_RANK, part.dimension));
}

const DEFAULT_RANK = 5;

const families: Readonly<Record<string, (target: Target, start: Start, rank: number) => Family>> = {
  meanfield: rowMeanField,
  fullrank: fullRank,
  lowrank: lowRank,
};

/** The same target with the coordinates of some slots alone; the other latents are to be given. */
function ofSlots(target: Target, slots: readonly Slot[]): Target {
  let dimension = 0;
  const layout = slots.map((s): Slot => {
    const offset = dimension;
    dimension += s.size;
    return { ...s, offset };
  });
  return {
    ...target,
    layout,
    dimension,
    constrain(b, u, setting) {
      const parts = isVector(u) ? layout.map((s) => b.slice(u, 0, s.offset, s.size)) : u;
      return target.constrain(b, parts, setting);
    },
  };
}
const isVector = (u: Value | readonly Value[]): u is Value => !Array.isArray(u);
