// Missing data: entries given as null are latents beside the observed ones; the statement's term is over the whole array.
import { InternalError } from "../../runtime/errors.ts";
import { type Builder, dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { DataValue } from "../data/value.ts";
import type { Applied } from "../distributions/applied.ts";
import type { SampleStatement, Statement } from "../language/ast.ts";
import { path } from "./bind-data.ts";
import { placeCoordinates } from "./block.ts";
import type { Context } from "./context.ts";
import { applyDistribution } from "./distribution.ts";
import { NOTHING, readAt } from "./elimination/read.ts";
import { evaluate } from "./evaluate.ts";
import { knownOf } from "./known.ts";
import { give, mentions, oneRange, register, valueGiven } from "./latents.ts";
import { termOf } from "./likelihood.ts";
import type { Piece } from "./piece.ts";
import { statementsOf } from "./recurrence.ts";
import { bindCodes, reject } from "./rejection.ts";
import { overRows } from "./rows.ts";
import { readsGiven, type Walk } from "./walk.ts";

/** y ~ D where some entries of y are missing. */
export function sampleMissing(w: Walk, c: Context, s: SampleStatement, name: string, data: DataValue): void {
  const { b } = c;
  if (c.when && statementPositions(c, s, data.shape).positions.some((at) => data.missing?.[at]))
    reject(bindCodes.notYet, s.span, `missing entries of ${name} stand in a branch that a discrete latent chooses`, {
      label: "where the branch is not taken nothing says what they are",
      notes: ["give them outside of the if, by c ? a : b"],
    });
  if (readsGiven(w, name)) {
    const given = valueGiven(w, name);
    // Of integers what is observed is not in a draw.
    c.root.value(name, isInteger(c, name) ? b.select(missingMask(b, data), given, observed(c, name, data)) : given);
    const d = applyDistribution(c, s.distribution.call);
    const piece = missingPiece(w, c, s, name, data, d, statementPositions(c, s, data.shape).positions);
    if (piece) w.pieces.push(piece.piece);
  } else {
    const before = currentValue(c, name, data);
    const input = b.input(`(${name} with its missing entries #${c.session.next++})`, { shape: data.shape, dtype: "real" });
    c.root.value(name, mentions(s, name) ? b.cast(input, dtypeOf(before)) : before);
    const d = applyDistribution(c, s.distribution.call);
    if (d.event > 0)
      reject(bindCodes.notYet, s.span, `missing entries under ${d.name}`, {
        label: "its events are vectors or matrices: not built yet",
      });
    const isPredicted = d.support.constraint.discrete && w.open !== undefined && !isBounded(d, c) && !mentions(s, name);
    c.root.value(name, fill(w, c, s, name, data, before, d, isPredicted));
    if (isPredicted) {
      registerMissing(w, c, s, name, data);
      return observedAlone(w, c, s, name, data);
    }
  }
  registerMissing(w, c, s, name, data);
  termOf(w, c, s, applyDistribution(c, s.distribution.call), evaluate(c, s.target), name, "likelihood");
}

/** Whether the data alone bound what is drawn. */
const isBounded = (d: Applied, { b }: Context): boolean => {
  const { lower, upper } = d.support.bounds(b);
  return [lower, upper].every((v) => v !== undefined && (knownOf(v)?.every((x: number) => Number.isFinite(x)) ?? true));
};

/** The density of the entries that are not missing: of the others, which nothing else reads, the probabilities sum to 1 (rule 18). */
function observedAlone(w: Walk, c: Context, s: SampleStatement, name: string, data: DataValue): void {
  const { b } = c;
  const whole = c.root.get(name);
  const reading = (v: Value): Value => {
    c.root.value(name, v);
    return evaluate(c, s.target);
  };
  const when = b.not(reading(missingMask(b, data)));
  const x = reading(observed(c, name, data));
  const d = applyDistribution(c, s.distribution.call);
  termOf(w, { ...c, when: c.when ? b.and(c.when, when) : when }, s, d, x, name, "likelihood");
  if (whole) c.root.set(name, whole);
}

function registerMissing(w: Walk, c: Context, s: SampleStatement, name: string, data: DataValue): void {
  register(
    w,
    name,
    s.span,
    { constraint: applyDistribution(c, s.distribution.call).support.constraint, bounds: {} },
    missingOf(data),
  );
}

/** Each missing entry has a ~ (language.md rule 18), but where an `if` may have left it out. */
export function checkMissing(w: Walk): void {
  const { model, data } = w.context;
  const isLeftOut = (s: Statement, name: string): boolean =>
    s.kind === "if" ? givesTo(s, name) : statementsOf(s).some((inner) => isLeftOut(inner, name));
  const givesTo = (s: Statement, name: string): boolean =>
    (s.kind === "sample" && s.place?.name.name === name) || statementsOf(s).some((inner) => givesTo(inner, name));
  for (const [name, filled] of w.filled) {
    const value = data.values.get(name);
    const absent = value && missingOf(value).find((at) => !filled.has(at));
    if (absent === undefined || model.statements.some((s) => isLeftOut(s, name))) continue;
    const span = model.symbols.get(name)?.span ?? { file: 0, start: 0, end: 0 };
    reject(bindCodes.coverage, span, `${path(name, value?.shape ?? [], absent)} is missing, and no ~ gives it a distribution`, {
      label: "missing entries are latent, each with a ~ of its own",
    });
  }
}

export const missingOf = (data: DataValue): number[] => [...(data.missing ?? [])].flatMap((m, i) => (m ? [i] : []));

/** The array so far: NaN where no statement has reached a missing entry yet. */
function currentValue(c: Context, name: string, data: DataValue): Value {
  const bound = c.root.get(name);
  if (bound?.kind === "value") return bound.value;
  return isInteger(c, name) ? observed(c, name, data) : c.b.tensor(data.values, data.shape);
}

const isInteger = (c: Context, name: string): boolean => {
  const symbol = c.model.symbols.get(name);
  return symbol?.kind === "data" && symbol.type.base.name === "int";
};
const missingMask = (b: Builder, data: DataValue): Value =>
  b.tensor(data.missing ?? new Uint8Array(data.values.length), data.shape, "bool");

/** The entries that are there; where one is missing, the first that is there: of the type, and not read. */
function observed(c: Context, name: string, data: DataValue): Value {
  const some = data.values.find((_: number, i: number) => !data.missing?.[i]) ?? 0;
  const values = Float64Array.from(data.values, (x, i) => (data.missing?.[i] ? some : x));
  return c.b.tensor(values, data.shape, isInteger(c, name) ? "int" : "real");
}

function fill(
  w: Walk,
  c: Context,
  s: SampleStatement,
  name: string,
  data: DataValue,
  before: Value,
  d: Applied,
  isPredicted: boolean,
): Value {
  const { b } = c;
  const { positions, inside } = statementPositions(c, s, data.shape);
  const missing = missingPiece(w, c, s, name, data, d, positions);
  if (!missing) return before;
  const { piece, which, chosen } = missing;
  const total = sizeOf(data.shape);
  const { source } = w;
  const amongAll = (all: Value): Value => b.gather(b.reshape(all, [positions.length]), chosen);
  const draw = source.kind === "coordinates" ? source.draw : undefined;
  const predict = (): Value =>
    draw ? amongAll(draw(c, d, inside, d.support.constraint, s.span)) : b.broadcastTo(b.constant(0), [which.length]);
  const given =
    source.kind === "draws" ? amongAll(drawAll(w, c, s, d, inside)) : give(w, c, piece, [], isPredicted ? predict : undefined);
  const values = b.cast(given, dtypeOf(before));
  if (w.open && d.support.constraint.discrete) {
    const at = new Int32Array(total).fill(NOTHING);
    which.forEach((k, i) => {
      at[positions[k]] = i;
    });
    const isHere = b.tensor(
      Uint8Array.from(at, (x) => (x === NOTHING ? 0 : 1)),
      data.shape,
      "bool",
    );
    return b.select(isHere, readAt(b, values, at, data.shape), before);
  }
  const places = Float64Array.from({ length: total }, (_, i) => i);
  which.forEach((k, i) => {
    places[positions[k]] = total + i;
  });
  const all = b.concat([b.reshape(before, [total]), values], 0);
  return b.reshape(b.gather(all, b.tensor(places, [total], "int")), data.shape);
}

/** Draws of all that the statement gives, missing or not: `inside` in each row. */
function drawAll(w: Walk, c: Context, s: SampleStatement, d: Applied, inside: Shape): Value {
  if (w.source.kind !== "draws") throw new InternalError("a draw is asked of a walk without any");
  const name = s.place?.name.name ?? "";
  if (mentions(s, name))
    reject(
      bindCodes.notYet,
      s.span,
      `prior draws of the missing entries of ${name}, which reads its own elements, are not built yet`,
      {
        notes: [`ppl simulate draws all of ${name}`],
      },
    );
  return w.source.draw(c, d, inside, d.support.constraint, s);
}

/** The missing elements among those that the statement gives; undefined if there are none. */
function missingPiece(
  w: Walk,
  c: Context,
  s: SampleStatement,
  name: string,
  data: DataValue,
  d: Applied,
  positions: Float64Array,
) {
  const { b } = c;
  const which = [...positions.keys()].filter((k) => data.missing?.[positions[k]]);
  if (which.length === 0) return undefined;
  const filled = w.filled.get(name) ?? new Set();
  w.filled.set(name, filled);
  for (const at of which.map((k) => positions[k])) {
    if (filled.has(at))
      reject(bindCodes.twice, s.span, `${path(name, data.shape, at)} is missing, and given twice`, {
        label: "each missing entry has exactly one ~",
      });
    filled.add(at);
  }
  const chosen = b.tensor(Float64Array.from(which), [which.length], "int");
  /** A value of each row at the missing elements of the statement. */
  const atMissing = (v: Value | undefined): Value | undefined =>
    v &&
    (shapeOf(v).length === 0 && c.rows.length === 0
      ? v
      : b.gather(b.reshape(spread(b, c, v, positions.length), [positions.length]), chosen));
  const bounds = d.support.bounds(b);
  const strides = stridesOf(data.shape);
  const piece: Piece = {
    name,
    constraint: d.support.constraint,
    shape: [which.length],
    plates: [],
    lead: [which.length],
    object: [],
    bounds: { lower: atMissing(bounds.lower), upper: atMissing(bounds.upper) },
    coordinates: data.shape.map((n, k) => Float64Array.from(which, (i) => (Math.floor(positions[i] / strides[k]) % n) + 1)),
    span: s.span,
  };
  return { piece, which, chosen };
}

function spread(b: Builder, c: Context, v: Value, count: number): Value {
  const [over] = overRows(b, [v], c.rows);
  const shape = shapeOf(over);
  if (sizeOf(shape) === count) return over;
  const rows = sizeOf(c.rows.map((r) => r.size));
  return b.broadcastTo(b.reshape(over, [rows, 1]), [rows, count / rows]);
}

/** Flat positions in the data of the elements that the statement gives, row after row, and their axes in a row. */
function statementPositions(
  c: Context,
  s: SampleStatement,
  shape: Shape,
): { readonly positions: Float64Array; readonly inside: Shape } {
  const place = s.place;
  if (!place) throw new InternalError("missing data without a name");
  if (place.subscripts.length === 0)
    return { positions: Float64Array.from({ length: sizeOf(shape) }, (_, i) => i), inside: shape };
  if (place.subscripts.length !== shape.length) {
    return reject(bindCodes.notYet, place.span, "missing data are given element by element, or as a whole", {
      notes: [`subscript every axis of ${place.name.name}, or none`],
    });
  }
  const { coordinates, count, inside } = oneRange(placeCoordinates(c, place, c.rows), place);
  const strides = stridesOf(shape);
  const positions = Float64Array.from({ length: count }, (_, i) =>
    coordinates.reduce((sum, axis, k) => sum + (axis[i] - 1) * strides[k], 0),
  );
  return { positions, inside };
}
