// What the lets of a loop give in its steps, and the writes of its state that this makes.

import { type Builder, dtypeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Numbers, type Shape, stridesOf } from "../../runtime/ir/type.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Place } from "../language/ast.ts";
import { placeSubscripts } from "./block.ts";
import type { Context } from "./context.ts";
import { bindCodes, reject } from "./rejection.ts";

/** What one let gives in a step: elements at places that are known for every step. */
export interface Given {
  readonly span: SourceSpan;
  /** Flat 0-based places, [count], or a number where one element is given. */
  readonly place: Value;
  /** The same in numbers, a row a step. */
  readonly table: Numbers;
  readonly count: number;
  /** [count, …element], or an element. */
  readonly value: Value;
  /** Steps in which it happens; absent: all. */
  readonly where?: { readonly condition: Value; readonly table: Numbers };
}

/** Lets of which at most one gives something in a step, as branches of an `if` do, are one. */
export function together(b: Builder, all: readonly Given[]): Given[] {
  const out: Given[] = [];
  for (const g of all) {
    const other = out.findIndex(
      (o) =>
        o.where &&
        g.where &&
        o.count === g.count &&
        o.where.table.every((v: number, i: number) => v === 0 || g.where!.table[i] === 0),
    );
    if (other < 0) {
      out.push(g);
      continue;
    }
    const o = out[other];
    const [first, second] = [o.where!, g.where!];
    const table = Float64Array.from(first.table, (v, i) => (v !== 0 || second.table[i] !== 0 ? 1 : 0));
    const width = g.count;
    out[other] = {
      ...o,
      place: b.select(first.condition, o.place, g.place),
      table: Float64Array.from(o.table, (v, i) => (first.table[Math.floor(i / width)] !== 0 ? v : g.table[i])),
      value: b.select(first.condition, o.value, g.value),
      where: table.every((v) => v === 1) ? undefined : { condition: b.or(first.condition, second.condition), table },
    };
  }
  return out;
}

/** Elements that lie one behind the other in every step are written together. */
export function inRuns(b: Builder, { place, table, count, value }: Given): { place: Value; value: Value }[] {
  if (count === 1) return [{ place, value }];
  const isRun = table.every((v: number, i: number) => i % count === 0 || v === table[i - 1] + 1);
  const row = (v: Value, k: number): Value => b.gather(v, b.constant(k, "int"));
  if (isRun) return [{ place: row(place, 0), value }];
  return Array.from({ length: count }, (_, k) => ({ place: row(place, k), value: row(value, k) }));
}

/** The 0-based row-major numbers of the elements on the left, in the shape that ranges give them. */
export function flatPlaces(
  c: Context,
  place: Place,
  extents: readonly number[],
): { readonly places: Value; readonly inside: Shape } {
  const { b } = c;
  const strides = stridesOf(extents);
  const { subscripts, inside } = placeSubscripts(c, place);
  let places: Value = b.broadcastTo(b.constant(0, "int"), inside);
  subscripts.forEach((sub, k) => {
    if (dtypeOf(sub) === "real") reject(bindCodes.index, place.span, "an index is not an integer", { label: "indices are int" });
    places = b.add(places, b.mul(b.sub(sub, b.constant(1, "int")), b.constant(strides[k], "int")));
  });
  return { places, inside };
}
