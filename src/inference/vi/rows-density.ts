// The log joint of single rows of a plate, log p(x_n, z_n), over the unconstrained coordinates of their latents: what Hamiltonian dynamics and
// annealing of many rows side by side are made of.
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import { moveAxis } from "../../runtime/ir/primitives/axes.ts";
import { type Rowed, takeRows } from "../../runtime/ir/rows.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Assignment, Axis, Setting, Slot, Target, Term } from "../../runtime/target.ts";

/** The latents of a model, all of which belong to rows of one plate. */
export interface LocalLatents {
  readonly plate: Axis;
  readonly slots: readonly LocalSlot[];
  /** Coordinates of one row. */
  readonly width: number;
}
interface LocalSlot {
  readonly slot: Slot;
  /** Which axis of the coordinates counts the rows. */
  readonly axis: number;
  /** Shape of one row's coordinates, and where they begin among all of the row. */
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/** Or why rows have no latents of their own, in words. */
export function localLatents(target: Target): LocalLatents | { readonly refusal: string } {
  const [first] = target.layout;
  if (first === undefined) return { refusal: "the model has no latent variable" };
  const [plate] = first.plates;
  if (plate === undefined) return { refusal: `${first.name} is a latent of no row: it stands in no plate` };
  let width = 0;
  const slots: LocalSlot[] = [];
  for (const slot of target.layout) {
    const axis = slot.plates.findIndex((p) => p.name === plate.name && p.size === plate.size);
    if (axis < 0) return { refusal: `${slot.name} is not a latent of each row of ${plate.name}` };
    const shape = slot.unconstrained.filter((_, k) => k !== axis);
    slots.push({ slot, axis, shape, offset: width, size: sizeOf(shape) });
    width += sizeOf(shape);
  }
  return { plate, slots, width };
}

/** Where number `k` of row `n` of a slot's coordinates, as RowDensity has them, lies in the unconstrained vector. */
export function placeOf({ plate, slots }: LocalLatents, slot: number, n: number, k: number): number {
  const { slot: s, axis } = slots[slot];
  // Coordinates are [lead…, rows, rest…].
  const rest = sizeOf(s.unconstrained.slice(axis + 1));
  return s.offset + (Math.floor(k / rest) * plate.size + n) * rest + (k % rest);
}

/** A sum of terms in each row. */
export interface RowDensity {
  readonly local: LocalLatents;
  /** [rows] at indices [rows] and coordinates [rows, width]. Several chains of a row: its index several times. */
  at(indices: Value, coordinates: Value): Value;
  /** The terms that are of no row and depend on no latent: penalties of parameters. A scalar. */
  readonly shared: Value;
}
type Refused = { readonly refusal: string };

/** log p(x_n, z_n) with the Jacobian of z_n. */
export const rowDensity = (b: Builder, target: Target, setting: Setting): RowDensity | Refused =>
  rowSum(b, target, setting, (values, jacobian) => [...target.terms(b, values, setting), ...jacobian]);

/** log q(z_n) of the guide, with the Jacobian of z_n. */
export const rowGuide = (b: Builder, target: Target, setting: Setting): RowDensity | Refused =>
  rowSum(b, target, setting, (values, jacobian) => [...(target.guide?.terms(b, values, setting) ?? []), ...jacobian]);

/** log p(z_n), with the Jacobian of z_n. */
export const rowPrior = (b: Builder, target: Target, setting: Setting): RowDensity | Refused =>
  rowSum(b, target, setting, (values, jacobian) => [
    ...target.terms(b, values, setting).filter((t) => t.role === "prior"),
    ...jacobian,
  ]);

/** The terms are lowered once, for all rows at placeholders of their coordinates. */
function rowSum(
  b: Builder,
  target: Target,
  setting: Setting,
  termsOf: (values: Assignment, jacobian: readonly Term[]) => readonly Term[],
): RowDensity | Refused {
  const local = localLatents(target);
  if ("refusal" in local) return local;
  const { plate, slots } = local;
  const whole = slots.map(({ slot }) =>
    b.input(`(coordinates of ${slot.name} at ${slot.offset})`, { shape: slot.unconstrained, dtype: "real" }),
  );
  const flat = whole.map((u, i) => b.reshape(u, [slots[i].slot.size]));
  const { values, jacobian } = target.constrain(b, flat, setting);
  const terms = termsOf(values, jacobian);
  const axisOf = (t: Term): number => t.axes.findIndex((a) => a.name === plate.name && a.size === plate.size);
  const wanted = new Set(whole.map((u) => u.node));
  const depends = (v: Value): boolean => nodesOf([v]).some((node) => wanted.has(node));
  const common = terms.find((t) => axisOf(t) < 0 && depends(t.value));
  if (common) return { refusal: `the ${common.role} of ${common.site} depends on latents of all rows of ${plate.name} together` };
  const roots = terms.flatMap((t): Rowed[] => {
    const axis = axisOf(t);
    if (axis < 0) return [];
    const others = shapeOf(t.value).flatMap((_, k) => (k === axis ? [] : [k]));
    return [{ value: others.length === 0 ? t.value : b.sum(t.value, others), axis: 0 }];
  });
  const shared = terms.filter((t) => axisOf(t) < 0).reduce((s, t) => b.add(s, b.sum(t.value)), b.constant(0));
  const at = (indices: Value, coordinates: Value): Value =>
    takeRows(b, roots, indices, new Map(coordinateRows(b, slots, whole, coordinates))).reduce(
      (s, v) => b.add(s, v),
      b.broadcastTo(b.constant(0), shapeOf(indices)),
    );
  const probe = at(
    b.input("(row)", { shape: [1], dtype: "int" }),
    b.input("(its coordinates)", { shape: [1, local.width], dtype: "real" }),
  );
  if (depends(probe)) return { refusal: `rows of ${plate.name} depend on latents of other rows` };
  return { local, at, shared };
}

/** The coordinates of each slot in these rows, in place of those in all. */
function coordinateRows(b: Builder, slots: readonly LocalSlot[], whole: readonly Value[], coordinates: Value): [Value, Rowed][] {
  const [rows] = shapeOf(coordinates);
  return slots.map(({ axis, shape, offset, size }, i) => {
    const part = b.reshape(b.slice(coordinates, 1, offset, size), [rows, ...shape]);
    return [whole[i], { value: moveAxis(b, part, 0, axis), axis }];
  });
}

/** The coordinates [rows, width] of constrained values over all rows, `take` giving rows; or why there are none, in words. */
export function coordinatesAt(
  b: Builder,
  target: Target,
  local: LocalLatents,
  values: Assignment,
  take: (all: readonly Rowed[]) => readonly Value[],
  setting: Setting,
): Value | Refused {
  const { slots } = local;
  const whole = target.coordinates(b, values, setting);
  const rowed: Rowed[] = [];
  for (const [i, value] of whole.entries()) {
    const { slot, axis } = slots[i];
    if (value === undefined)
      return { refusal: `chains cannot start at the guide's draws of ${slot.name}, whose coordinates have no closed form` };
    rowed.push({ value, axis });
  }
  const parts = take(rowed).map((v, i) =>
    b.reshape(moveAxis(b, v, slots[i].axis, 0), [shapeOf(v)[slots[i].axis], slots[i].size]),
  );
  return parts.length === 1 ? parts[0] : b.concat(parts, 1);
}
