// What a built-in function is: one record from which checking, lowering and the reference page are made.
import { ShapeError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { dtypeOf } from "../../../runtime/ir/graph.ts";
import type { DType } from "../../../runtime/ir/type.ts";
import { constantDimension, type Dimension } from "../../dimensions.ts";
import { hull, point, type Range } from "../../ranges.ts";
import { describeShape, joinSizes, type Size, type SymbolicShape, type ValueType } from "../value-type.ts";

/** `any`: every shape, elementwise functions join them. `size`: an integer known at bind. `square`: a matrix with equal sides. */
export type ParameterKind = "any" | "array" | "number" | "integer" | "size" | "vector" | "matrix" | "square";
export interface FunctionParameter {
  readonly name: string;
  readonly kind: ParameterKind;
  /** Elements must be integers. */
  readonly integers?: true;
  /** Where the function is finite; only an argument that never lies there is an error. */
  readonly domain?: Range;
  /** Given by name only: sum(X, axis = 1). */
  readonly named?: true;
  /** Any number of further arguments like this one; only the last positional parameter. */
  readonly repeats?: true;
}
/** Stage and variation follow from the arguments. */
export interface ResultType {
  readonly dtype: DType;
  readonly shape: SymbolicShape | undefined;
  readonly range?: Range;
  readonly structure?: string;
  readonly value?: Dimension;
}
/** Arguments of the right kinds that do not fit together. */
export interface Misfit {
  /** A fact about the user's code. */
  readonly misfit: string;
  readonly label: string;
  readonly notes?: readonly string[];
  /** The argument to point at; without it, the call. */
  readonly argument?: number;
}
export interface BuiltIn {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One sentence for the reference page. */
  readonly doc: string;
  readonly parameters: readonly FunctionParameter[];
  /** Computed on the host: every argument must be known at bind, and the same in every iteration. */
  readonly dataOnly?: true;
  /** Each element of the result is made of the elements at its place. Of one argument: an activation of networks. */
  readonly elementwise?: true;
  /** About half of what goes in is cut off: the weights of the layer before begin larger. */
  readonly rectifies?: true;
  /** What an element that does not exist counts as, in a reduction of one array: rows of different widths are padded with it. */
  readonly neutral?: number;
  /** Arguments in the order of the parameters, their kinds already checked, none of unknown shape unless `any` or `array`. */
  result(args: readonly ValueType[]): ResultType | Misfit;
  lower(b: Builder, args: readonly Value[]): Value;
  /** The diagonal, a vector, of the matrix that `lower` gives, which is 0 beside it. */
  diagonal?(b: Builder, args: readonly Value[]): Value;
}

export const isMisfit = (r: ResultType | Misfit): r is Misfit => "misfit" in r;

/** Elements as real numbers. */
export const asReal = (b: Builder, x: Value): Value => (dtypeOf(x) === "real" ? x : b.cast(x, "real"));
/** Bools count as 0 and 1. */
export const asNumber = (b: Builder, x: Value): Value => (dtypeOf(x) === "bool" ? b.cast(x, "int") : x);
/** Range of all elements: off the diagonal, a diagonal matrix is 0. */
export const elementRange = (t: ValueType): Range => (t.structure === "diagonal" ? hull(t.range, point(0)) : t.range);

/** Two axes of the first and second argument that must be of one size. */
export function sizesFit(name: string, a: ValueType, b: ValueType, x: Size, y: Size): Misfit | undefined {
  if (joinSizes(x, y) !== "misfit") return undefined;
  return {
    misfit: `${name} is given ${describeShape(a.shape ?? [])} and ${describeShape(b.shape ?? [])}`,
    label: "sizes must agree",
    argument: 1,
  };
}
/** The same where they are known: products would repeat an axis of one element. */
export function sameSize(name: string, x: number, y: number): void {
  if (x !== y) throw new ShapeError(`${name} is given sizes ${x} and ${y}, which must agree`);
}

/** The size that an integer argument stands for; undefined where only bind knows. */
export const sizeFrom = (t: ValueType): Size => t.value ?? (isFixed(t.range) ? constantDimension(t.range.lower) : undefined);
const isFixed = (r: Range): boolean => r.lower === r.upper && Number.isInteger(r.lower);

export const any = (name: string, domain?: Range): FunctionParameter => ({ name, kind: "any", domain });
export const array = (name: string): FunctionParameter => ({ name, kind: "array" });
export const vector = (name: string): FunctionParameter => ({ name, kind: "vector" });
export const matrix = (name: string): FunctionParameter => ({ name, kind: "matrix" });
export const square = (name: string): FunctionParameter => ({ name, kind: "square" });
export const number = (name: string): FunctionParameter => ({ name, kind: "number" });
export const size = (name: string): FunctionParameter => ({ name, kind: "size" });
