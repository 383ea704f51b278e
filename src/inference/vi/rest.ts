// `rest ~ meanfield()` of a guide: a family over the latents that the guide does not name, joined to its draws.
import { UsageError } from "../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { Assignment, Guide, Slot, Target, Term } from "../../runtime/target.ts";
import type { Family, FamilyParameter } from "./approximation.ts";
import { fullRank } from "./families/full-rank.ts";
import { lowRank } from "./families/low-rank.ts";

type Rest = NonNullable<Guide["rest"]>;

/** Draws of the remaining latents, given those of the guide in `setting.given`. */
export function restFamily(target: Target, rest: Rest): Family {
  const slots = target.layout.filter((s) => rest.names.includes(s.name));
  const make = families[rest.family];
  if (make === undefined)
    throw new UsageError(`rest ~ ${rest.family}() is no family; there are ${Object.keys(families).join(", ")}`);
  return make(target, slots, rest.rank ?? DEFAULT_RANK);
}

const DEFAULT_RANK = 5;
/** Far narrower than most posteriors, so that the first steps see where the mode is. */
const INITIAL_LOG_SCALE = log(0.1);

const families: Readonly<Record<string, (target: Target, slots: readonly Slot[], rank: number) => Family>> = {
  meanfield: meanFieldOf,
  fullrank: (target, slots) => fullRank(ofSlots(target, slots), originOf(slots)),
  lowrank: (target, slots, rank) =>
    lowRank(ofSlots(target, slots), originOf(slots), Math.min(rank, originOf(slots).position.length)),
};

const originOf = (slots: readonly Slot[]) => ({ position: new Float64Array(slots.reduce((n, s) => n + s.size, 0)) });

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

/** Independent normal distributions, slot by slot: where a slot has a row a datapoint, so have its parameters and its noise, and a minibatch
 *  touches those of its rows alone. */
function meanFieldOf(target: Target, slots: readonly Slot[]): Family {
  const parameters = slots.flatMap((s, i): FamilyParameter[] => {
    const [plate] = s.plates;
    const shared = { shape: s.unconstrained, ...(plate ? { plate } : {}) };
    return [
      { ...shared, name: nameOf("mean", slots, i), initial: () => new Float64Array(s.size) },
      { ...shared, name: nameOf("log scale", slots, i), initial: () => new Float64Array(s.size).fill(INITIAL_LOG_SCALE) },
    ];
  });
  const at = (values: Assignment, i: number): { readonly mean: Value; readonly logScale: Value } => ({
    mean: values[nameOf("mean", slots, i)],
    logScale: values[nameOf("log scale", slots, i)],
  });
  return {
    parameters,
    draw(b, noise, { target: learnt, family }, setting) {
      const coordinates = slots.map((s, i) => {
        const { mean, logScale } = at(family, i);
        return b.add(mean, b.mul(b.exp(logScale), noise.noise("normal", s.unconstrained, s.plates)));
      });
      const flat = coordinates.map((u, i) => b.reshape(u, [slots[i].size]));
      const { values, jacobian } = target.constrain(b, flat, { ...setting, parameters: learnt });
      return {
        values,
        jacobian,
        logQ: (p) =>
          slots.map((s, i): Term => {
            const { mean, logScale } = at(p.family, i);
            return {
              site: s.name,
              role: "guide",
              axes: s.plates,
              value: normalLogDensity(b, coordinates[i], mean, logScale, s.plates.length),
              reads: [s.name],
              span: { file: 0, start: 0, end: 0 },
            };
          }),
      };
    },
  };
}

/** A latent of several statements has several slots. */
function nameOf(what: string, slots: readonly Slot[], i: number): string {
  const { name } = slots[i];
  const nth = slots.slice(0, i).filter((s) => s.name === name).length;
  return `${what} of ${name}${nth > 0 ? ` (${nth + 1})` : ""}`;
}

/** Summed over all axes but the first `kept`. */
function normalLogDensity(b: Builder, u: Value, mean: Value, logScale: Value, kept: number): Value {
  const z = b.div(b.sub(u, mean), b.exp(logScale));
  const each = b.sub(b.mul(b.constant(-0.5), b.square(z)), b.add(logScale, b.constant(0.5 * log(2 * Math.PI))));
  const axes = shapeOf(u).flatMap((_, k) => (k < kept ? [] : [k]));
  return axes.length === 0 ? each : b.sum(each, axes);
}
