// Discrete latents that nothing else covers: an independent table of probabilities for each element. Their draws have no path.
import { UsageError } from "../../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import type { Axis, DiscreteSlot, NoiseSource, Target, Term } from "../../../runtime/target.ts";
import type { Family, FamilyParameter } from "../approximation.ts";

/** More values of an element than this are no table. */
const MOST_VALUES = 1000;
/** What a value that an element does not have adds to its logit: nothing is left of its probability, in float32 too. */
const NEVER = -1e9;

/** The tables of one latent: logits of lower, lower + 1, … for each element. */
export interface Tables {
  readonly slot: DiscreteSlot;
  /** Values of the element that has most. */
  readonly count: number;
  /** [elements, count]: 0, or NEVER. */
  readonly mask: Float64Array;
}

/** Why an engine cannot build a distribution over these, in words for the user. */
export function refuseTables(slots: readonly DiscreteSlot[]): string | undefined {
  const endless = slots.find((s) => !(valuesOf(s) <= MOST_VALUES));
  if (endless === undefined) return undefined;
  const many = Number.isFinite(valuesOf(endless))
    ? `${valuesOf(endless)} values`
    : "no greatest or least value that the data decide on";
  return `${endless.name} (${endless.statement}) has ${many}, and a table of probabilities needs ${MOST_VALUES} at most. Bound it, ${endless.name}: int<0, 50> ~ …, or give it a distribution in a guide`;
}

const valuesOf = ({ lower, upper }: DiscreteSlot): number =>
  lower.reduce((most, low, i) => Math.max(most, upper[i] - low + 1), 0);

export function tablesOf(slot: DiscreteSlot): Tables {
  const problem = refuseTables([slot]);
  if (problem !== undefined) throw new UsageError(problem);
  const count = valuesOf(slot);
  const mask = new Float64Array(slot.size * count);
  for (let i = 0; i < slot.size; i++) for (let k = slot.upper[i] - slot.lower[i] + 1; k < count; k++) mask[i * count + k] = NEVER;
  return { slot, count, mask };
}

/** Log probabilities, [...shape, count], of logits of that shape. */
export function logProbabilities(b: Builder, { slot, count, mask }: Tables, logits: Value): Value {
  const masked = b.add(logits, b.tensor(mask, [...slot.shape, count]));
  const total = b.logSumExp(masked, [slot.shape.length]);
  return b.sub(masked, b.reshape(total, [...slot.shape, 1]));
}

/** Values of the latent's shape, integers, and how many above the least one each is. */
export function drawTables(
  b: Builder,
  noise: NoiseSource,
  { slot, count }: Tables,
  logP: Value,
): { readonly value: Value; readonly place: Value } {
  const u = noise.noise("uniform", slot.shape, slot.plates);
  const rank = slot.shape.length;
  const sums = b.slice(b.cumsum(b.exp(logP)), rank, 0, count - 1);
  const passed = b.cast(b.ge(b.reshape(u, [...slot.shape, 1]), sums), "int");
  // Where an element has fewer values, rounding may leave its sum below 1, and a number beyond it.
  const most = b.tensor(
    slot.upper.map((high, i) => high - slot.lower[i]),
    slot.shape,
    "int",
  );
  const drawn = count > 1 ? b.min(b.sum(passed, [rank]), most) : b.broadcastTo(b.constant(0, "int"), slot.shape);
  const least = b.tensor(slot.lower, slot.shape, "int");
  const value = b.add(drawn, least);
  // By way of the value, which is what score functions look for in a graph.
  return { value, place: b.sub(value, least) };
}

/** log q of the values, an element each. */
export function logTables(b: Builder, { slot, count }: Tables, logP: Value, place: Value): Value {
  const rank = slot.shape.length;
  const isOwn = b.eq(b.reshape(place, [...slot.shape, 1]), b.iota([...slot.shape, count], rank));
  return b.sum(b.select(isOwn, logP, b.constant(0)), [rank]);
}

/** The axes of one number an element. */
export const axesOf = ({ shape, plates }: DiscreteSlot): Axis[] =>
  shape.map((size, i) => plates[i] ?? { kind: "plate", name: String(size), size });

const logitsName = ({ name }: DiscreteSlot): string => `logits of ${name}`;

/** Mean field of the discrete latents, drawn first, with `inner` over the others, which is given them. */
export function besideDiscrete(slots: readonly DiscreteSlot[], inner: Family): Family {
  const tables = slots.map(tablesOf);
  return {
    parameters: [
      ...tables.map(({ slot, count }): FamilyParameter => {
        const [plate] = slot.plates;
        const shape = [...slot.shape, count];
        return { name: logitsName(slot), shape, ...(plate ? { plate } : {}), initial: () => new Float64Array(slot.size * count) };
      }),
      ...inner.parameters,
    ],
    draw(b, noise, parameters, setting) {
      const drawn = tables.map((t) => {
        const logP = logProbabilities(b, t, parameters.family[logitsName(t.slot)]);
        return { t, ...drawTables(b, noise, t, logP) };
      });
      const given = Object.fromEntries(drawn.map(({ t, value }) => [t.slot.name, value]));
      const others = inner.draw(b, noise, parameters, { ...setting, given: { ...setting.given, ...given } });
      return {
        ...others,
        values: { ...others.values, ...given },
        ...(others.position
          ? {
              position: withValues(
                b,
                others.position,
                drawn.map((d) => d.value),
              ),
            }
          : {}),
        scored: [...(others.scored ?? []), ...slots.map((s) => s.name)],
        logQ: (p) => [
          ...drawn.map(
            ({ t, place }): Term => ({
              site: t.slot.name,
              role: "guide",
              axes: axesOf(t.slot),
              value: logTables(b, t, logProbabilities(b, t, p.family[logitsName(t.slot)]), place),
              reads: [t.slot.name],
              span: { file: 0, start: 0, end: 0 },
            }),
          ),
          ...others.logQ(p),
        ],
      };
    },
  };
}

/** The family over no latent: what is discrete alone has no coordinates. */
export function noCoordinates(target: Target): Family {
  return {
    parameters: [],
    draw(b, _noise, { target: parameters }, setting) {
      const { values, jacobian } = target.constrain(b, [], { ...setting, parameters });
      return { values, jacobian, position: b.tensor(new Float64Array(0), [0]), logQ: () => [] };
    },
  };
}

/** Coordinates, then the values of the discrete latents in the order of their slots. */
export function withValues(b: Builder, position: Value, values: readonly Value[]): Value {
  const parts = [position, ...values].map((v) => b.reshape(b.cast(v, "real"), [shapeOf(v).reduce((n, d) => n * d, 1)]));
  const there = parts.filter((v) => shapeOf(v)[0] > 0);
  return there.length === 1 ? there[0] : b.concat(there, 0);
}
