// Shapes that a declaration gives before any data: how long rows of bits are, and images as rows of pixels.
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { DataValue } from "../data/value.ts";
import type { TypeExpression } from "../language/ast.ts";
import { type BoundData, bindConstants, evaluateSize } from "./bind-data.ts";
import { type Context, newContext } from "./context.ts";
import { namesIn } from "./recurrence.ts";
import { Rejection } from "./rejection.ts";

/** Sizes that are numbers and consts, known without any data; undefined for the others. */
export function knownSizes(c: Context, type: TypeExpression, constants: BoundData["constants"]): (number | undefined)[] {
  return type.sizes.map((e) => {
    if (!namesIn(e).every((name) => constants.has(name))) return undefined;
    try {
      return evaluateSize(c, e, "a size");
    } catch (error) {
      // Said where the size itself is bound.
      if (error instanceof Rejection) return undefined;
      throw error;
    }
  });
}

/** Numbers in one row of a declared variable, if its declaration tells. */
export function rowLength(model: CheckedModel, name: string, overrides: ReadonlyMap<string, number>): number | undefined {
  const symbol = model.symbols.get(name);
  if (symbol?.kind !== "data" || symbol.type.sizes.length < 2) return undefined;
  const empty: BoundData = { values: new Map(), sizes: new Map(), constants: new Map(), notes: [], fixed: new Map() };
  const c = newContext(createBuilder(), model, empty);
  const constants = new Map<string, DataValue>();
  try {
    bindConstants(c, [...model.symbols.values()], overrides, constants);
  } catch (error) {
    if (error instanceof Rejection) return undefined;
    throw error;
  }
  const [, ...inner] = knownSizes(c, symbol.type, constants);
  return inner.reduce<number | undefined>((n, d) => (n === undefined || d === undefined ? undefined : n * d), 1);
}

/** The value with as many axes as its declaration has, the first one kept: [N, 28, 28] as [N, 784], and back. */
export function recut(value: DataValue, declared: readonly (number | undefined)[]): DataValue {
  const { shape } = value;
  if (!value.recut || declared.length < 2 || shape.length < 2 || declared.length === shape.length) return value;
  const row = shape.slice(1).reduce((n, d) => n * d, 1);
  const [, ...inner] = declared;
  const known = inner.reduce<number>((n, d) => n * (d ?? Number.NaN), 1);
  if (known === row) return { ...value, shape: [shape[0], ...(inner as number[])] };
  return inner.length === 1 ? { ...value, shape: [shape[0], row] } : value;
}
