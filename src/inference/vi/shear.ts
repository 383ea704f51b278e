// The shear matrix of Hoffman (2017): z' = A z, A lower triangular with a unit diagonal and the same for all rows, stands between the latents and
// everything that reads them. A is a parameter; it is trained on the guide's bound, as the guide is.
import { InternalError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import type { Assignment, Parameter, Setting, Slot, Target, Term } from "../../runtime/target.ts";
import { type LocalLatents, localLatents } from "./rows-density.ts";

/** With which names of such matrices begin. */
export const SHEAR = "shear of ";
export const shearName = (latent: string): string => `${SHEAR}${latent}`;

/** Latents that are vectors of unbounded numbers, one a row, given by a single statement and sampled as they are: their own coordinates. */
function shearedSlots(target: Target, { slots }: LocalLatents): Slot[] {
  const b = createBuilder();
  const all = slots.map(({ slot }) => b.input(`${slot.name} at ${slot.offset}`, { shape: slot.unconstrained, dtype: "real" }));
  const parameters = Object.fromEntries(
    target.parameters.map((p) => [p.name, b.input(p.name, { shape: p.shape, dtype: "real" })]),
  );
  const flat = all.map((u, i) => b.reshape(u, [slots[i].slot.size]));
  const { values } = target.constrain(b, flat, { parameters });
  return slots.flatMap(({ slot, axis, shape }, i) =>
    axis === 0 && shape.length === 1 && shape[0] > 1 && values[slot.name] === all[i] ? [slot] : [],
  );
}

/**
 * The same model in which each latent vector is sheared before other statements read it: its own prior is that of z. A matrix of `fixed`, by
 * parameter, is constant, the others are learnt. Terms, observations, parameters and fix are those of the sheared model; coordinates, draws and the guide
 * are of z itself. Undefined where no latent is a vector.
 */
export function sheared(
  target: Target,
  local: LocalLatents,
  fixed: Readonly<Record<string, Float64Array>> = {},
): Target | undefined {
  const slots = shearedSlots(target, local);
  if (slots.length === 0) return undefined;
  const sizeOfRow = (s: Slot): number => s.unconstrained[1];
  const matrices = (b: Builder, setting?: Setting): Assignment =>
    Object.fromEntries(
      slots.map((s) => {
        const name = shearName(s.name);
        const k = sizeOfRow(s);
        const value = fixed[name] ? b.tensor(fixed[name], [k, k]) : setting?.parameters?.[name];
        if (!value) throw new InternalError(`no value is given for the ${name}`);
        return [s.name, value];
      }),
    );
  /** The values as other statements read them. */
  const move = (b: Builder, values: Assignment, setting?: Setting): Assignment => {
    const a = matrices(b, setting);
    const shear = (name: string): Value => b.matmul(values[name], b.transpose(a[name], [1, 0]));
    return { ...values, ...Object.fromEntries(slots.map((s) => [s.name, shear(s.name)])) };
  };
  const terms = (b: Builder, values: Assignment, setting?: Setting): readonly Term[] => {
    const moved = move(b, values, setting);
    const isPrior = (t: Term): boolean => t.role === "prior" && slots.some((s) => s.name === t.site);
    // The prior of one latent is that of z itself, given the others as they are read.
    const priors = slots.flatMap(({ name }) =>
      target.terms(b, { ...moved, [name]: values[name] }, setting).filter((t) => t.role === "prior" && t.site === name),
    );
    const read = slots.map((s) => s.name);
    const others = target.terms(b, moved, setting).filter((t) => !isPrior(t));
    return [...priors, ...others.map((t) => ({ ...t, reads: [...new Set([...t.reads, ...read])] }))];
  };
  const parameters = slots
    .filter((s) => fixed[shearName(s.name)] === undefined)
    .map((s): Parameter => {
      const k = sizeOfRow(s);
      const below = (k * (k - 1)) / 2;
      return {
        name: shearName(s.name),
        shape: [k, k],
        support: "a lower triangular matrix with a unit diagonal",
        unconstrained: [below],
        readBy: "guide",
        initial: () => new Float64Array(below),
        span: { file: 0, start: 0, end: 0 },
      };
    });
  return {
    ...target,
    parameters: [...target.parameters, ...parameters],
    constrainParameters: (b, u) => ({
      ...target.constrainParameters(b, u),
      ...Object.fromEntries(parameters.map((p) => [p.name, unitLower(b, u[p.name], p.shape[0])])),
    }),
    unconstrainParameters: (values) => ({
      ...target.unconstrainParameters(values),
      ...Object.fromEntries(parameters.flatMap((p) => (values[p.name] ? [[p.name, below(values[p.name], p.shape[0])]] : []))),
    }),
    fix(values) {
      const own = slots.map((s) => shearName(s.name)).filter((name) => values[name]);
      const constants = { ...fixed, ...Object.fromEntries(own.map((name) => [name, values[name]])) };
      const other = sheared(target.fix(values), local, constants);
      if (!other) throw new InternalError("a sheared model that is none once its parameters are fixed");
      return other;
    },
    terms,
    observations: (b, values, setting) => target.observations(b, move(b, values, setting), setting),
  };
}

/** The target as a fit left it: sheared where matrices are among what was learnt, by name. */
export function shearedAsFitted(target: Target, learnt: Readonly<Record<string, Float64Array>>): Target {
  const local = localLatents(target);
  if ("refusal" in local) return target;
  const own = shearedSlots(target, local).map((s) => shearName(s.name));
  if (!own.some((name) => learnt[name])) return target;
  return sheared(target, local, Object.fromEntries(own.map((name) => [name, learnt[name]]))) ?? target;
}

/** Replaces each latent vector in draws of the unconstrained vector by what other statements read, z' = A z. */
export function shearDraws(target: Target, learnt: Readonly<Record<string, Float64Array>>, positions: Float64Array): void {
  const local = localLatents(target);
  if ("refusal" in local) return;
  for (const { name, offset, unconstrained } of shearedSlots(target, local)) {
    const [rows, k] = unconstrained;
    const a = learnt[shearName(name)];
    if (a === undefined) continue;
    const z = new Float64Array(k);
    for (let from = offset; from < positions.length; from += target.dimension)
      for (let n = 0; n < rows; n++) {
        const at = from + n * k;
        z.set(positions.subarray(at, at + k));
        for (let i = 0; i < k; i++) {
          positions[at + i] = 0;
          for (let j = 0; j <= i; j++) positions[at + i] += a[i * k + j] * z[j];
        }
      }
  }
}

/** The elements below the diagonal, row after row, with ones on it. */
function unitLower(b: Builder, packed: Value, k: number): Value {
  const [count] = shapeOf(packed);
  const all = b.concat([packed, b.tensor(Float64Array.of(1, 0), [2])], 0);
  const places = new Float64Array(k * k).fill(count + 1);
  for (let i = 0, at = 0; i < k; i++) {
    for (let j = 0; j < i; j++) places[i * k + j] = at++;
    places[i * k + i] = count;
  }
  return b.reshape(b.gather(all, b.tensor(places, [k * k], "int")), [k, k]);
}
function below(matrix: Float64Array, k: number): Float64Array {
  const out: number[] = [];
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) out.push(matrix[i * k + j]);
  return Float64Array.from(out);
}
