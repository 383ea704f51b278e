// Joint draws from a model read forwards: latents from their priors, observed variables given them, quantities and predictions of both.
import { UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Column } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { DataValue } from "../data/value.ts";
import type { DrawnData } from "./awaited.ts";
import type { BoundData } from "./bind-data.ts";
import { limitsOf, type Restriction } from "./draws.ts";
import { columnsOf, predict } from "./finisher.ts";
import type { Piece } from "./piece.ts";
import { compileStaged, Drawing, type Staged } from "./staged.ts";
import { namedValue, type Walk, walk } from "./walk.ts";

export interface JointDraws {
  readonly columns: readonly Column[];
  /** Values of the columns, valid until the next draw. `again`: tries that fell outside of what a type allows. */
  draw(rng: Rng): { readonly values: readonly Float64Array[]; readonly again: number };
  /** What the walk has found. */
  readonly walked: Walk;
}
export interface JointOptions {
  /** Variables of the data that are drawn. */
  readonly drawn?: ReadonlyMap<string, DrawnData>;
  /** Constrained values of latents that are not. */
  readonly given?: ReadonlyMap<string, DataValue>;
  /** With quantities and predictions. */
  readonly whole?: boolean;
}

/** Tries of one draw that must lie where the types of the model want it. */
const MOST_TRIES = 10_000;
/** Tries of one draw that come out as no number: where an equation has no solution a density is 0, too. */
const MOST_WITHOUT = 1000;

/** Throws a Rejection where something cannot be drawn. */
export function jointDraws(model: CheckedModel, data: BoundData, options: JointOptions = {}): JointDraws {
  const { drawn = new Map(), given = new Map(), whole = false } = options;
  const b = createBuilder();
  const drawing = new Drawing(b);
  const restrictions: Restriction[] = [];
  const w = walk(
    b,
    model,
    data,
    {
      kind: "draws",
      given: Object.fromEntries(
        [...given].map(([name, v]) => [name, b.tensor(v.values, v.shape, v.firstReal === undefined ? "int" : "real")]),
      ),
      data: drawn,
      restrictions,
      declared: new Map(),
      draw: (c, d, element, constraint, s) => drawing.draw(c, d, element, constraint, s.span),
    },
    whole ? { onPredict: (walked, c, s) => predict(walked, c, s, drawing) } : {},
  );
  drawing.awaited = w.awaited;
  const sets = restrictions.map((r) => ({ ...r, x: r.value() })).map((r) => ({ ...r, limits: limitsOf(b, r, r.x) }));
  const observed = [...drawn.keys()].map((name): { readonly column: Column; readonly value: Value } => {
    const value = namedValue(w, name) as Value;
    return { column: { name, shape: shapeOf(value), role: "observed", integer: dtypeOf(value) !== "real" }, value };
  });
  const { columns, values } = columnsOf(w);
  const kept = columns
    .map((column) => (given.has(column.name) ? withPlaces(w, column) : column))
    .map((column, i) => ({ column, value: values[i] }))
    .filter(({ column }) => whole || column.role === "latent");
  const all: readonly { readonly column: Column; readonly value: Value }[] = [...kept, ...observed];
  const outputs = [...all.map((x) => x.value), ...sets.flatMap((r) => [r.x, r.limits.lower ?? [], r.limits.upper ?? []].flat())];
  let staged: Staged | undefined;
  const checks = checksOf(sets, all.length);
  return {
    columns: all.map((x) => x.column),
    walked: w,
    draw(rng) {
      staged ??= compileStaged(b, drawing, [], outputs)();
      let without = 0;
      for (let again = 0; again < MOST_TRIES; again++) {
        staged.run(rng);
        const { outputs: now } = staged;
        const none = all.find(({ column }, i) => isDrawn(column) && lacksNumbers(column, now[i]));
        if (none && ++without < MOST_WITHOUT) continue;
        if (none)
          throw new UsageError(
            `${none.column.name} has elements that are no numbers: they wait for one another in a circle, their parameters are no numbers, or what they are solved for hardly ever has a solution`,
          );
        const bad = checks.find((check) => !check.holds(now));
        if (!bad) return { values: now.slice(0, all.length), again };
        if (again === MOST_TRIES - 1)
          throw new UsageError(
            `none of ${MOST_TRIES} draws had ${bad.name} ${bad.words}, as its type asks for: its distribution hardly ever has`,
          );
      }
      throw new UsageError("nothing was drawn");
    },
  };
}

/** Of a latent that is given: which of its elements the model has. */
function withPlaces(w: Walk, column: Column): Column {
  const defined = placesOf(w, column.name, column.shape);
  return defined.length < sizeOf(column.shape) ? { ...column, defined } : column;
}

/** The elements of a latent that its statements give, by their places in an array of the shape. */
export function placesOf({ pieces }: Walk, name: string, shape: Shape): readonly number[] {
  const own = pieces.filter((p) => p.name === name).flatMap((p) => [...placesOfPiece(p, shape)]);
  return own.sort((x, y) => x - y);
}

/** The same of one statement, in the order of its rows. */
export function placesOfPiece({ coordinates: axes = [] }: Piece, shape: Shape): Float64Array {
  const width = sizeOf(shape.slice(axes.length));
  const strides = stridesOf(shape.slice(0, axes.length));
  const first = (i: number): number => width * axes.reduce((flat, axis, k) => flat + (axis[i] - 1) * strides[k], 0);
  return Float64Array.from({ length: width * (axes[0]?.length ?? 1) }, (_, i) => first(Math.floor(i / width)) + (i % width));
}

const isDrawn = ({ role }: Column): boolean => role === "observed" || role === "latent";
const lacksNumbers = ({ defined }: Column, values: Float64Array): boolean =>
  defined ? defined.some((i) => Number.isNaN(values[i])) : values.some(Number.isNaN);

interface Check {
  readonly name: string;
  readonly words: string;
  holds(outputs: readonly Float64Array[]): boolean;
}

/** Each set with its bounds, in the outputs from `first` on. */
function checksOf(
  sets: readonly (Restriction & { readonly x: Value; readonly limits: { readonly lower?: Value; readonly upper?: Value } })[],
  first: number,
): Check[] {
  let next = first;
  return sets.map(({ name, constraint, object, x, limits }): Check => {
    const own = next++;
    const lower = limits.lower ? next++ : undefined;
    const upper = limits.upper ? next++ : undefined;
    const width = constraint.event === 0 ? 1 : sizeOf(object);
    const shape: Shape = constraint.event === 0 ? [] : object;
    const count = sizeOf(shapeOf(x)) / width;
    const at = (values: Float64Array, i: number): number => values[values.length === 1 ? 0 : i * (values.length / count)];
    return {
      name,
      words: constraint.words,
      holds(outputs) {
        for (let i = 0; i < count; i++) {
          const bounds = {
            ...(lower === undefined ? {} : { lower: at(outputs[lower], i) }),
            ...(upper === undefined ? {} : { upper: at(outputs[upper], i) }),
          };
          if (!constraint.contains(outputs[own].subarray(i * width, (i + 1) * width), shape, bounds)) return false;
        }
        return true;
      },
    };
  });
}

/** A joint draw of the latents from the prior, by name; drawn anew by each call. */
export function priorDraws(
  model: CheckedModel,
  data: BoundData,
): { readonly names: readonly string[]; draw(rng: Rng): Record<string, Float64Array> } {
  const joint = jointDraws(model, data);
  const names = joint.columns.map((c) => c.name);
  return {
    names,
    draw(rng) {
      const { values } = joint.draw(rng);
      return Object.fromEntries(names.map((name, i) => [name, values[i].slice()]));
    },
  };
}
