// Latents: what a ~ statement on a free name, or a declaration, makes of the unconstrained vector, and the prior that goes with it.

import { InternalError } from "../../runtime/errors.ts";
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Axis } from "../../runtime/target.ts";
import type { ModelSymbol } from "../check/checked-model.ts";
import type { Applied } from "../distributions/applied.ts";
import type { DeclareStatement, Place, SampleStatement, TypeExpression } from "../language/ast.ts";
import { type Coordinates, coordinatesOf, isAffine, nextSlot, noteAffine, shiftOverRows } from "./affine.ts";
import { evaluateSize } from "./bind-data.ts";
import { arrayAt, type Elements, placeCoordinates } from "./block.ts";
import type { Context } from "./context.ts";
import { declaredPrior, isShifted } from "./declared.ts";
import { refuseWaiting } from "./discrete.ts";
import { applyDistribution } from "./distribution.ts";
import { dependence } from "./elimination/read.ts";
import { checkFit } from "./likelihood.ts";
import { alignToRows, constrainPiece, logScale, type Piece, unconstrainedShape } from "./piece.ts";
import { addPrior } from "./prior.ts";
import { namesIn } from "./recurrence.ts";
import { bindCodes, reject } from "./rejection.ts";
import { MOST_ELEMENTS, type Rows, rowShape } from "./rows.ts";
import type { PieceArray } from "./scope.ts";
import { runChain } from "./shifted-chain.ts";
import { declaredSupport, eventOf, type Meeting, meet, type Support } from "./support.ts";
import { axesOf, readsGiven, sizeNames, type Walk } from "./walk.ts";

type LatentSymbol = Extract<ModelSymbol, { kind: "latent" }>;

/** mu: ordered[2] — coordinates for the whole; the statements that follow give its prior, or, of what is noncentered, coordinates as well. */
export function declareLatent(w: Walk, c: Context, s: DeclareStatement): void {
  const name = s.name.name;
  const shape = s.type.sizes.map((e) => evaluateSize(c, e, `the size of ${name}`));
  const support = declaredSupport(c, s.type);
  const shifted = sizeOf(shape) > 0 && isShifted(c, name, support);
  const isAsked = w.source.kind === "coordinates" && !w.source.merged;
  w.declared.set(name, { support, shape, shifted, ...(isAsked && !shifted ? { given: new Uint8Array(sizeOf(shape)) } : {}) });
  if (shifted) return;
  register(w, name, s.type.span, support);
  const piece = pieceOf(name, support, shape, platesOf(c, s.type, shape), s.type.span);
  if (readsGiven(w, name)) {
    c.root.value(name, valueGiven(w, name));
    w.pieces.push(piece);
  } else c.root.value(name, give(w, c, piece, []));
}

/** The loops around, and the axes in front of one object that the type counts by a name: z: real[N, K]. */
function platesOf(c: Context, type: TypeExpression | undefined, element: Shape): Axis[] {
  const named = type?.sizes.length === element.length ? sizeNames(type) : [];
  return axesOf(c, element.slice(0, named.length), named);
}

/** `plates`: at least the loops around, which are in front of the element. */
function pieceOf(
  name: string,
  support: Support,
  element: Shape,
  plates: readonly Axis[],
  span: Piece["span"],
  rows: Shape = [],
): Piece {
  const object = eventOf(support.constraint, element, span);
  const shape = [...rows, ...element];
  if (sizeOf(shape) > MOST_ELEMENTS)
    reject(bindCodes.size, span, `${name} has shape [${shape.join(", ")}]`, {
      label: `more than ${MOST_ELEMENTS} elements cannot be held`,
    });
  return {
    name,
    constraint: support.constraint,
    shape,
    plates: plates.slice(0, shape.length - object.length),
    lead: shape.slice(0, shape.length - object.length),
    object,
    bounds: support.bounds,
    span,
  };
}

export function register(w: Walk, name: string, span: Piece["span"], support: Support, missing?: readonly number[]): void {
  if (!w.latents.has(name))
    w.latents.set(name, { span, support: support.constraint.words, integer: support.constraint.discrete, missing });
}

export function valueGiven({ source }: Walk, name: string): Value {
  const value = (source.kind === "values" ? source.values : source.given)?.[name];
  if (!value) throw new InternalError(`no value is given for ${name}`);
  return value;
}

/** The constrained values of a piece from its coordinates; log-Jacobians, and the merged prior of raw coordinates, are collected. */
export function give(w: Walk, c: Context, piece: Piece, rows: Rows, predict?: () => Value): Value {
  if (piece.constraint.discrete && w.open) return w.open.give(piece, predict);
  if (w.source.kind !== "coordinates") throw new InternalError(`no value is given for ${piece.name}`);
  const { b } = c;
  if (piece.constraint.discrete) {
    w.pieces.push(piece);
    if (!w.source.discrete) throw new InternalError(`nothing gives ${piece.name} a value`);
    return w.source.discrete(piece);
  }
  const { x, raw, jacobian } = constrainPiece(b, piece, takeCoordinates(w, c, piece));
  collect(w, c, piece, rows, raw, jacobian);
  return x;
}

function takeCoordinates({ source, pieces }: Walk, { b }: Context, piece: Piece): Value {
  if (source.kind !== "coordinates") throw new InternalError(`no value is given for ${piece.name}`);
  pieces.push(piece);
  return b.reshape(source.take(piece), unconstrainedShape(piece));
}

/** What the density owes to the coordinates of a piece. */
function collect(w: Walk, c: Context, piece: Piece, rows: Rows, raw: Value, jacobian: Value): void {
  const { b } = c;
  if (w.open && !w.open.empty) refuseWaiting(c, piece);
  const add = (to: Walk["terms"], role: "jacobian" | "prior", value: Value): void => {
    to.push({
      site: piece.name,
      role,
      axes: axesOf({ ...c, rows }, shapeOf(value).slice(rows.length)),
      value,
      span: piece.span,
      inputs: () => [],
    });
  };
  const merged = w.source.kind === "coordinates" && w.source.merged;
  add(w.jacobian, "jacobian", jacobian);
  if (piece.affine && merged) add(w.terms, "prior", piece.affine.raw.logDensity(b, raw));
  const scale = merged ? undefined : logScale(b, piece);
  if (scale) add(w.jacobian, "jacobian", scale);
}

/** x ~ D where x is free. */
export function sampleLatent(w: Walk, c: Context, s: SampleStatement, symbol: LatentSymbol): void {
  const place = s.place;
  if (!place) throw new InternalError("a latent without a place");
  const { name } = place.name;
  const declared = w.declared.get(name);
  if (declared && !declared.shifted) return declaredPrior(w, c, s, name, declared);
  const given = readsGiven(w, name);
  if (given && !c.root.get(name)) c.root.value(name, valueGiven(w, name));
  if (place.subscripts.length > 0) return indexedLatent(w, c, s, place);
  if (c.rows.length > 0)
    reject(bindCodes.twice, place.span, `${name} is given once in each iteration`, { notes: [`did you mean ${name}[…]?`] });
  if (w.latents.has(name)) reject(bindCodes.twice, s.span, `${name} is given twice`, { label: "each element has exactly one ~" });
  const type = s.type ?? symbol.declared;
  const d = applyDistribution(c, s.distribution.call);
  const element = elementShape(c, name, type, d, s);
  const meeting = meetType(c, type, d);
  register(w, name, s.span, meeting);
  const slot = nextSlot(w);
  const basis = coordinatesOf(w, c, s, d);
  if (given) w.pieces.push(makePiece(c, s, name, d, meeting, element, basis));
  else {
    const piece = makePiece(c, s, name, d, meeting, element, basis);
    c.root.value(name, give(w, c, piece, []));
    noteAffine(w, c, s, slot, piece, d, meeting, element);
  }
  addPrior(w, c, s, name, d, meeting, element, basis !== undefined);
}

function indexedLatent(w: Walk, c: Context, s: SampleStatement, place: Place): void {
  const { name } = place.name;
  const { coordinates, count, inside } = oneRange(placeCoordinates(c, place, c.rows), place);
  const self = mentions(s, name);
  const array = readsGiven(w, name) ? undefined : arrayAt(c.root, name);
  const { lower, upper } = s.type?.bounds ?? {};
  if ([lower, upper].some((e) => e && namesIn(e).includes(name))) rejectOwnBounds(s, name);
  const type =
    s.type?.sizes.map((e) => evaluateSize(c, e, `the size of ${name}`)) ??
    w.declared.get(name)?.shape.slice(place.subscripts.length);
  if (w.early.has(s)) return earlyPrior(w, c, s, name, type, inside);
  if (self && !type && array?.empty) {
    reject(bindCodes.constant, s.span, `${name} is read by the statement that gives its first elements`, {
      notes: [`give its first element a ~ of its own before`],
    });
  }
  const first =
    self && array
      ? provisional(c, s, array, coordinates, count, type ?? array.elementShape)
      : applyDistribution(c, s.distribution.call);
  const slot = nextSlot(w);
  const basis = coordinatesOf(w, c, s, first);
  const isBehind = self && array && basis && w.source.kind === "coordinates";
  if (isBehind && c.rows.length > 0)
    return shiftedChain(w, c, s, { place, array, coordinates, inside, own: type ?? array.elementShape }, first, basis);
  // Outside of loops it reads what is there.
  const d = isBehind ? applyDistribution(c, s.distribution.call) : first;
  const own = type ?? (self && array ? array.elementShape : elementShape(c, name, undefined, d, s).slice(inside.length));
  const element = [...inside, ...own];
  const meeting = meetType(c, s.type, d);
  register(w, name, s.span, meeting);
  const makeOwn = (): Piece => ({ ...makePiece(c, s, name, d, meeting, element, basis), coordinates });
  let piece: Piece | undefined;
  if (array) {
    piece = makeOwn();
    array.add(coordinates, c.b.reshape(give(w, c, piece, c.rows), [count, ...own]), s.span);
  } else {
    w.pieces.push(makeOwn());
  }
  const law = self ? applyDistribution(c, s.distribution.call) : d;
  // Bounds that read the latent's own elements read them by now.
  const met = self ? meetType(c, s.type, law) : meeting;
  // Elements of one range that read one another cannot be shifted one after the other, as rows of a loop are.
  const isTied = self && basis === undefined && inside.length > 0;
  if (piece && !isTied) noteAffine(w, c, s, slot, piece, law, met, element);
  addPrior(w, c, s, name, law, met, element, basis !== undefined);
}

/** The prior of elements that have been taken before their loop was run. */
function earlyPrior(w: Walk, c: Context, s: SampleStatement, name: string, type: Shape | undefined, inside: Shape): void {
  const d = applyDistribution(c, s.distribution.call);
  const own = type ?? elementShape(c, name, undefined, d, s).slice(inside.length);
  const meeting = meetType(c, s.type, d);
  register(w, name, s.span, meeting);
  addPrior(w, c, s, name, d, meeting, [...inside, ...own], false);
}

/** x[t] = location + scale * raw[t], where location and scale read earlier elements of x: these follow one another. */
function shiftedChain(
  w: Walk,
  c: Context,
  s: SampleStatement,
  to: {
    readonly place: Place;
    readonly array: PieceArray;
    readonly coordinates: readonly Float64Array[];
    readonly inside: Shape;
    readonly own: Shape;
  },
  provisionally: Applied,
  basis: Coordinates,
): void {
  const { b } = c;
  const slot = nextSlot(w);
  const { place, array, coordinates, inside, own } = to;
  const { name } = array;
  const element = [...inside, ...own];
  const meeting = meetType(c, s.type, provisionally);
  register(w, name, s.span, meeting);
  const centred = { ...makePiece(c, s, name, provisionally, meeting, element, basis), coordinates };
  const { affine: _, ...standard } = centred;
  const { raw, jacobian } = constrainPiece(b, standard, takeCoordinates(w, c, centred));
  const isShared = basis === "standard" || shapeOf(basis).length === 0 || provisionally.affine?.kind === "cholesky";
  runChain(c, s, { place, array, coordinates, element, raw, basis, isShared });
  const d = applyDistribution(c, s.distribution.call);
  const piece = { ...makePiece(c, s, name, d, meeting, element, basis), coordinates };
  w.pieces[w.pieces.indexOf(centred)] = piece;
  collect(w, c, piece, c.rows, raw, jacobian);
  noteAffine(w, c, s, slot, piece, d, meeting, element);
  addPrior(w, c, s, name, d, meeting, element, true);
}

/** The distribution of a statement that reads its own array, for its support alone: the new elements are a placeholder. */
function provisional(
  c: Context,
  s: SampleStatement,
  array: PieceArray,
  coordinates: readonly Float64Array[],
  count: number,
  element: Shape,
): Applied {
  const input = c.b.input(`(elements of ${array.name} #${c.session.next++})`, { shape: [count, ...element], dtype: "real" });
  const placeholder = c.b.cast(input, array.dtype);
  const law = array.provisionally(coordinates, placeholder, s.span, () => applyDistribution(c, s.distribution.call));
  const { constraint, bounds } = law.support;
  const { lower, upper } = bounds(c.b);
  const reads = dependence([input]);
  // Integers have their values from elsewhere.
  if (!constraint.discrete && [lower, upper].some((v) => v && reads(v))) rejectOwnBounds(s, array.name);
  return law;
}

const rejectOwnBounds = (s: SampleStatement, name: string): never =>
  reject(bindCodes.notYet, s.span, `what the elements of ${name} lie between are other elements of it`, {
    notes: [`give numbers between fixed bounds, and shift, stretch or restrict these`],
  });

/** The elements that a ~ gives: of one range or index array a row at most. */
export function oneRange(elements: Elements, place: Place): Elements {
  if (elements.inside.length > 1) return reject(bindCodes.notYet, place.span, "one range of elements can be given at a time");
  return elements;
}

export function mentions(s: SampleStatement, name: string): boolean {
  return s.distribution.call.arguments.some((a) => namesIn(a.value).includes(name));
}

/** By the declared type, else by the shapes of the arguments (language.md rule 12). */
export function elementShape(c: Context, name: string, type: TypeExpression | undefined, d: Applied, s: SampleStatement): Shape {
  if (type) {
    const shape = type.sizes.map((e) => evaluateSize(c, e, `the size of ${name}`));
    checkFit(shape, d, s.span);
    return shape;
  }
  if (d.eventShape === null) {
    return reject(bindCodes.shape, s.span, `the shape of ${name} does not follow from ${d.name}`, {
      notes: [`declare it: ${name}: type[…] ~ ${d.name}(…)`],
    });
  }
  return [...d.batchShape, ...d.eventShape];
}

export const meetType = (c: Context, type: TypeExpression | undefined, d: Applied): Meeting =>
  meet(c.b, type && declaredSupport(c, type), d);

export function makePiece(
  c: Context,
  s: SampleStatement,
  name: string,
  d: Applied,
  meeting: Meeting,
  element: Shape,
  basis: Coordinates | undefined,
): Piece {
  const align = (v: Value | undefined): Value | undefined => v && alignToRows(c.b, v, c.rows, element.length);
  const rows = rowShape(c.rows);
  if (!basis) {
    const bounds = { lower: align(meeting.bounds.lower), upper: align(meeting.bounds.upper) };
    return pieceOf(name, { constraint: meeting.constraint, bounds }, element, platesOf(c, s.type, element), s.span, rows);
  }
  if (c.when)
    reject(bindCodes.notYet, s.span, "a continuous latent stands in a branch that a discrete latent chooses", {
      notes: ["give it outside of the if"],
    });
  if (!d.affine)
    return reject(bindCodes.type, s.distribution.span, `${d.name} has no location and scale`, {
      label: "noncentered needs a location-scale distribution",
    });
  if (!isAffine(d, meeting)) {
    return reject(bindCodes.type, s.distribution.span, `the type of ${name} truncates ${d.name}`, {
      label: "noncentered cannot stand with it",
    });
  }
  const affine = shiftOverRows(c, d, element.length, basis);
  const support: Support = { constraint: affine.raw.support.constraint, bounds: affine.raw.support.bounds(c.b) };
  return { ...pieceOf(name, support, element, platesOf(c, s.type, element), s.span, rows), affine };
}
