// Points of a model, and our log density there as Stan gives it: on the constrained scale, without Jacobian.
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { shapeOf } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { real, type Shape, sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Target } from "../../src/runtime/target.ts";

export const POINTS = 10;
/** As starts of chains. */
export const SPREAD = 2;

/** Latents that the Stan program declares standardised, under another name. Their values are our unconstrained coordinates, and their density has
 *  our Jacobian in it. */
export type Standardised = Readonly<Record<string, string>>;
export interface Point {
  /** Values of the Stan program's parameters. */
  readonly values: Readonly<Record<string, Nested>>;
  /** Of our own, less the Jacobian. */
  readonly logDensity: number;
  /** Of all values: whether the points are those of the golden file. */
  readonly sum: number;
}
export type Nested = number | readonly Nested[];

/** Where and how points are drawn. */
export interface Around {
  /** Unconstrained coordinates are uniform on (-spread, spread) about the centre. */
  readonly spread?: number;
  /** Constrained values; what is absent is where its coordinates are 0. */
  readonly centre?: Readonly<Record<string, readonly number[]>>;
  readonly standardised?: Standardised;
}
export async function points(
  target: Target,
  model: string,
  { spread = SPREAD, centre, standardised = {} }: Around = {},
): Promise<Point[]> {
  const rng = stream(1, `log density of ${model}`);
  const origin = new Float64Array(target.dimension);
  const middle = centre ? target.unconstrain(centre, origin) : origin;
  const density = await target.density();
  const b = createBuilder();
  const u = b.input("u", real([target.dimension]));
  const { values, jacobian } = target.constrain(b, u);
  const names = Object.keys(values).filter((name) => !(name in standardised));
  const owed = jacobian.filter((t) => !(t.site in standardised)).map((t) => b.sum(t.value));
  const unused = new Float64Array(target.dimension);
  const drawn = Array.from({ length: POINTS }, () => {
    const q = middle.map((x) => x + spread * (2 * rng.uniform() - 1));
    const numbers = interpret([...names.map((name) => values[name]), ...owed], { u: q });
    const sum = (x: Float64Array): number => x.reduce((a, v) => a + v, 0);
    const raw = target.layout
      .filter(({ name }) => name in standardised)
      .map(({ name, offset, size, unconstrained }) => [
        standardised[name],
        nested(q.subarray(offset, offset + size), unconstrained),
      ]);
    const own = names.map((name, i) => [name, nested(numbers[i], shapeOf(values[name]))]);
    const logJacobian = numbers.slice(names.length).reduce((all, x) => all + sum(x), 0);
    return {
      values: Object.fromEntries([...own, ...raw]),
      logDensity: density.evaluate(q, unused) - logJacobian,
      sum: numbers.slice(0, names.length).reduce((all, x) => all + sum(x), 0),
    };
  });
  density.dispose();
  return drawn;
}

function nested(flat: Float64Array, shape: Shape): Nested {
  if (shape.length === 0) return flat[0];
  const [n, ...inside] = shape;
  const size = sizeOf(inside);
  return Array.from({ length: n }, (_, i) => nested(flat.subarray(i * size, (i + 1) * size), inside));
}

/**
 * The greatest disagreement of differences between points, |(o_i - o_k) - (s_i - s_k)| / max(1, |s_i|, |s_k|), where k is the point at which |s| is least.
 * A log density is a sum of terms, and rounding is relative to these: with the constants in, |s| is of their magnitude. Point by point, since
 * densities of points far from the mode are larger by orders of magnitude, and a prior's part would be lost in them.
 */
export function disagreement(ours: readonly number[], stan: readonly number[]): number {
  const k = stan.reduce((least, s, i) => (Math.abs(s) < Math.abs(stan[least]) ? i : least), 0);
  const errors = stan.map((s, i) => Math.abs(ours[i] - ours[k] - (s - stan[k])) / Math.max(1, Math.abs(s), Math.abs(stan[k])));
  // NaN is a disagreement.
  return errors.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...errors);
}
