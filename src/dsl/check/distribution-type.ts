// What the checker knows of a distribution at its arguments.
import { createBuilder } from "../../runtime/ir/builder.ts";
import { constantOf, type Value } from "../../runtime/ir/graph.ts";
import type { Constraint } from "../constraints/define.ts";
import { constantDimension, constantOfDimension, type Dimension, minus, one, plus } from "../dimensions.ts";
import type { Distribution, Param, Params } from "../distributions/define.ts";
import type { DistributionFacts } from "../distributions/modifiers/define.ts";
import { declaredAt, isPoint, type Range, range } from "../ranges.ts";
import { rangeOfConstraint } from "./constraint-facts.ts";
import type { Size, Stage, SymbolicShape, ValueType } from "./value-type.ts";

export interface DistributionType extends DistributionFacts {
  /** Joined axes of the arguments in front of one event; undefined: not known. */
  readonly batch: SymbolicShape | undefined;
  /** undefined where only the declared type knows it (LkjCholesky). */
  readonly eventShape: SymbolicShape | undefined;
  /** What a value must be. Absent for a user's density without restrictions. */
  readonly constraint: Constraint | undefined;
  readonly stage: Stage;
  readonly varies: ReadonlySet<string>;
  /** Its arguments never tell the size of an event. */
  readonly sizeless?: boolean;
  /** A matrix was given for the scale of numbers, elementwise: an error unless the value has its shape. */
  readonly plainMatrixScale?: boolean;
}
export const shapeOfDistribution = (d: DistributionType): SymbolicShape | undefined =>
  d.batch && d.eventShape && [...d.batch, ...d.eventShape];

/** Numbers that stand for symbolic sizes while a record is asked about shapes: equal for equal sizes, far apart otherwise. */
class Stand {
  private readonly sizes: Dimension[] = [];
  private readonly numbers: number[] = [];
  /** For sizes of which nothing is known. */
  static readonly nobody = 110017;
  private static readonly primes = [10007, 20011, 30011, 40009, 50021, 60013, 70001, 80021, 90001, 100003];

  of(size: Dimension): number | undefined {
    const constant = constantOfDimension(size);
    if (constant !== undefined) return constant;
    const known = this.sizes.findIndex((s) => minus(s, size).terms.size === 0);
    if (known >= 0) return this.numbers[known];
    const next = Stand.primes[this.sizes.length];
    if (next === undefined) return undefined;
    this.sizes.push(size);
    this.numbers.push(next);
    return next;
  }
  /** The number itself, not one that stands for a size. */
  isNumber(n: number): boolean {
    return n < 5000 || ![...this.numbers, Stand.nobody].some((x) => Math.abs(x - n) <= 1);
  }
  /** The size that a number stands for, one more or one less included. */
  size(n: number): Size {
    if (n < 5000) return constantDimension(n);
    for (let i = 0; i < this.numbers.length; i++) {
      if (n === this.numbers[i]) return this.sizes[i];
      if (n === this.numbers[i] - 1) return minus(this.sizes[i], one);
      if (n === this.numbers[i] + 1) return plus(this.sizes[i], one);
    }
    return undefined;
  }
}

/** The record's own rule for the shape of an event, asked with numbers in place of sizes. */
export function eventShapeOf(
  d: Distribution,
  events: Readonly<Record<string, SymbolicShape | undefined>>,
): SymbolicShape | undefined {
  if (d.event === 0) return [];
  if (!d.eventShape) return undefined;
  const stand = new Stand();
  const shapes: Record<string, number[]> = {};
  for (const [name, shape] of Object.entries(events)) {
    const numbers = shape?.map((s) => (s === undefined ? undefined : stand.of(s)));
    if (!numbers || numbers.some((n) => n === undefined)) return undefined;
    shapes[name] = numbers.filter((n) => n !== undefined);
  }
  return d.eventShape(shapes).map((n: number) => stand.size(n));
}

/** The support's elements, at the ranges of the arguments: bounds that are arguments take theirs, and so do those that are sizes of arguments. */
export function supportRange(d: Distribution, args: Readonly<Record<string, ValueType>>): Range {
  const own = rangeOfConstraint(d.support.constraint);
  if (!d.support.bounds || d.event > 0) return declaredAt(own, "both");
  const b = createBuilder();
  const stand = new Stand();
  const values: Record<string, Value> = {};
  const inputs = new Map<Value, Range>();
  for (const [name, { rank }] of Object.entries(d.params as Params)) {
    const t = args[name];
    if (t && rank === 0 && isPoint(t.range)) {
      values[name] = b.constant(t.range.lower);
    } else {
      const event =
        t?.shape && t.shape.length >= rank ? t.shape.slice(t.shape.length - rank) : new Array<Size>(rank).fill(undefined);
      const shape = event.map((s) => (s && stand.of(s)) ?? Stand.nobody);
      values[name] = b.input(`(${name})`, { shape, dtype: "real" });
      inputs.set(values[name], t?.range ?? own);
    }
  }
  const bounds = d.support.bounds(b, values);
  const end = (v: Value | undefined, side: "lower" | "upper"): { readonly at: number; readonly sure: boolean } => {
    if (v === undefined) return { at: own[side], sure: true };
    const unsure = side === "lower" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const constant = constantOf(v);
    if (!constant) return { at: inputs.get(v)?.[side] ?? unsure, sure: false };
    return stand.isNumber(constant[0]) ? { at: constant[0], sure: true } : { at: unsure, sure: false };
  };
  const lower = end(bounds.lower, "lower");
  const upper = end(bounds.upper, "upper");
  const declared = lower.sure && upper.sure ? "both" : lower.sure ? "lower" : upper.sure ? "upper" : "none";
  return declaredAt(
    range(lower.at, upper.at, { lower: lower.at === own.lower && own.lowerOpen, upper: upper.at === own.upper && own.upperOpen }),
    declared,
  );
}

/** What an event's parameter needs, in words: "a number", "a vector", "a matrix". */
export const rankWords = (p: Param): string => (p.rank === 0 ? "a number" : p.rank === 1 ? "a vector" : "a matrix");
