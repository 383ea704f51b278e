// What the checker knows of a value: element type, symbolic shape, range, structure, and when it is known.
import type { DType } from "../../runtime/ir/type.ts";
import { compareDimensions, type Dimension, isOne, type Size, type SymbolicShape } from "../dimensions.ts";
import { anyNumber, point, type Range } from "../ranges.ts";

export { describeShape, formatSize, formatSymbolicShape, type Size, type SymbolicShape } from "../dimensions.ts";

/** When a value is known: from the text alone, from the data, given the latents, only after a draw. */
export type Stage = "const" | "data" | "latent" | "predict";
const order: readonly Stage[] = ["const", "data", "latent", "predict"];
export const laterStage = (...stages: readonly Stage[]): Stage =>
  stages.reduce((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), "const");
export const knownAtBind = (s: Stage): boolean => s === "const" || s === "data";

export interface ValueType {
  readonly dtype: DType;
  /** undefined: nothing is known, because of an error reported before or because only bind knows; such a value is never complained about. */
  readonly shape: SymbolicShape | undefined;
  /** Of every element. */
  readonly range: Range;
  /** Name of a constraint that the trailing axes satisfy ("simplex"), or "diagonal" for a diagonal matrix. */
  readonly structure?: string;
  readonly stage: Stage;
  /** The value itself, of integers known at bind. */
  readonly value?: Dimension;
  /** Keys of the loop variables it varies with. */
  readonly varies: ReadonlySet<string>;
  /** Rows of different widths: good for a reduction only. */
  readonly ragged?: boolean;
}

export const nothingVaries: ReadonlySet<string> = new Set();
export const unknownType: ValueType = {
  dtype: "real",
  shape: undefined,
  range: anyNumber,
  stage: "const",
  varies: nothingVaries,
};
export const isUnknown = (t: ValueType): boolean => t.shape === undefined;
export const numberType = (dtype: DType, range: Range = anyNumber, stage: Stage = "const"): ValueType => ({
  dtype,
  shape: [],
  range,
  stage,
  varies: nothingVaries,
});
export const literalType = (value: number, integer: boolean): ValueType => numberType(integer ? "int" : "real", point(value));

export function union(...sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  const nonempty = sets.filter((s) => s.size > 0);
  if (nonempty.length === 0) return nothingVaries;
  if (nonempty.length === 1) return nonempty[0];
  return new Set(nonempty.flatMap((s) => [...s]));
}
/** Stage and variation that a result inherits from what it is computed of. */
export const inherited = (...from: readonly ValueType[]): Pick<ValueType, "stage" | "varies"> => ({
  stage: laterStage(...from.map((t) => t.stage)),
  varies: union(...from.map((t) => t.varies)),
});
export const widerDtype = (a: DType, b: DType): DType =>
  a === "real" || b === "real" ? "real" : a === "int" || b === "int" ? "int" : "bool";

/** One axis: equal, or one of them the literal 1. "misfit" is certain. */
export function joinSizes(a: Size, b: Size): Size | "misfit" {
  if (a === undefined || b === undefined) return a && !isOne(a) ? a : b && !isOne(b) ? b : undefined;
  const verdict = compareDimensions(a, b);
  if (verdict === "same") return a;
  if (isOne(a)) return b;
  if (isOne(b)) return a;
  return verdict === "unknown" ? a : "misfit";
}
/** Equal shapes, a scalar with anything, axes of literal size 1; axes are never added. */
export function joinShapes(a: SymbolicShape | undefined, b: SymbolicShape | undefined): SymbolicShape | undefined | "misfit" {
  if (a === undefined || b === undefined) return undefined;
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  if (a.length !== b.length) return "misfit";
  const sizes = a.map((x, i) => joinSizes(x, b[i]));
  return sizes.every((s): s is Size => s !== "misfit") ? sizes : "misfit";
}
