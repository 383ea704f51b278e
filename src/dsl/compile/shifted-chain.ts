// The elements of a latent that are noncentered about earlier ones, location + scale * raw: they follow one another, in plates side by side.

import { InternalError } from "../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { LetStatement, Place, SampleStatement } from "../language/ast.ts";
import { type Coordinates, type Shift, shifted } from "./affine.ts";
import type { Context } from "./context.ts";
import { applyDistribution } from "./distribution.ts";
import { carriedBy } from "./recurrence.ts";
import { type RowAxis, type Rows, rowShape } from "./rows.ts";
import { Scan } from "./scan.ts";
import { inPlates, isVariable, ScanLayout } from "./scan-layout.ts";
import { type PieceArray, Scope } from "./scope.ts";

export interface Chain {
  readonly place: Place;
  readonly array: PieceArray;
  readonly coordinates: readonly Float64Array[];
  /** Of one row. */
  readonly element: Shape;
  /** Standard coordinates, [rows…, …element]. */
  readonly raw: Value;
  /** What the rows are shifted by: one for all, or of each row. */
  readonly basis: Coordinates;
  readonly isShared: boolean;
}

/** Gives the array its new elements. */
export function runChain(c: Context, s: SampleStatement, chain: Chain): void {
  const { place, array } = chain;
  const plates = c.rows.filter((row) => isPlate(c, s, place, row));
  // Where all that is read was there before the loops, one of them is the steps all the same.
  inPlates(plates.length < c.rows.length ? plates : plates.slice(1), (side) => {
    const ended = stepsOf(c, s, chain, side);
    array.replace(ended.coordinates, ended.value, s.span);
  });
}

/** Whether no turn of the loop reads what another one gives. */
function isPlate(c: Context, s: SampleStatement, place: Place, row: RowAxis): boolean {
  const own = place.subscripts.find((sub) => isVariable(c, sub, row));
  if (own?.kind !== "at" || own.value.kind !== "name") return false;
  const { span } = s;
  const given: LetStatement = { kind: "let", place, value: s.distribution.call, span };
  const variable = { ...place.name, name: own.value.name };
  return !carriedBy({ loops: [{ variable }], body: [given] }, new Set([place.name.name]));
}

function stepsOf(c: Context, s: SampleStatement, chain: Chain, plates: Rows): NonNullable<ReturnType<Scan["add"]>["ended"]> {
  const { b } = c;
  const { place, array, coordinates, element, raw, basis, isShared } = chain;
  const scan = new Scan(
    b,
    [],
    plates,
    c.rows.filter((row) => !plates.includes(row)),
  );
  const begun = array.extents;
  const extents = coordinates.map((axis, k) => axis.reduce((m, v) => Math.max(m, v), begun[k]));
  const state = scan.add(array.name, array, new ScanLayout(c, extents, plates, [place]));
  const scope = new Scope(c.scope, undefined, scan.counters);
  scope.set(array.name, { kind: "scan", array: state });
  const context: Context = { ...c, scope, rows: scan.rows, scan: true };
  const inTurn = (v: Value, own: Shape): Value => scan.ofTurn(b.reshape(v, [...rowShape(c.rows), ...own]), c.rows);
  state.give(context, place, s.span, () => {
    const law = applyDistribution(context, s.distribution.call);
    const own = isShared || basis === "standard" ? basis : inTurn(basis, shapeOf(basis).slice(c.rows.length));
    return fromRaw(b, shifted(b, law, own), inTurn(raw, element), element);
  });
  scan.finish();
  if (!state.ended) throw new InternalError(`${array.name} has no value after its loop`);
  return state.ended;
}

function fromRaw(b: Builder, { kind, location, scale }: Shift, raw: Value, element: Shape): Value {
  const scaled = kind === "cholesky" ? b.matmul(scale, raw) : b.mul(scale, raw);
  return b.broadcastTo(location ? b.add(location, scaled) : scaled, element);
}
