// Latents in other coordinates than their own values: x = location + scale * raw, where raw is anything between x itself (centred) and a standard variable.
//
// With weights λ of the prior (Gorinova, Moore and Hoffman 2020, section 4.1), μ and σ being its location and scale:
//   raw ~ D(λμ, σ^λ),   x = μ + σ^(1-λ) (raw - λμ)
// λ = 1 is the model as it is written, λ = 0 is `noncentered`. A factor L = diag(s) C, C of unit diagonal, has σ^λ as A = diag(s^λ) (I + diag(λ) (C - I)):
//   raw ~ D(λμ, A A'),  x = μ + L A^{-1} (raw - λμ)
// which is the above where L is diagonal, the identity at λ = 0 and L at λ = 1.
import { InternalError } from "../../runtime/errors.ts";
import { type Builder, constantOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { AffineLatent, Standardised } from "../../runtime/target.ts";
import type { Affine, Applied } from "../distributions/applied.ts";
import { overEvents } from "../distributions/events.ts";
import { diagonal, solveLower } from "../distributions/multi-normal.ts";
import type { SampleStatement } from "../language/ast.ts";
import type { BoundData } from "./bind-data.ts";
import { type Context, textOf } from "./context.ts";
import { dependsOnLatents } from "./known.ts";
import { alignToRows, type Piece } from "./piece.ts";
import type { Meeting } from "./support.ts";
import type { Walk } from "./walk.ts";

/** Standard coordinates, or weights of the prior: of the shape of the values, 1 for the axes of an object that is constrained as a whole. */
export type Coordinates = "standard" | Value;
export type Shift = NonNullable<Piece["affine"]>;

export const isNoncentered = (s: Pick<SampleStatement, "distribution">): boolean => s.distribution.prefix.includes("noncentered");

/** Number of the next piece in the layout: discrete latents have no coordinates. */
export const nextSlot = ({ pieces }: Walk): number => pieces.reduce((n, p) => (p.constraint.discrete ? n : n + 1), 0);

/** What the coordinates of a statement's latent are, if not its values: as the statement says, or as whoever runs the model has chosen. */
export function coordinatesOf(w: Walk, c: Context, s: SampleStatement, d: Applied): Coordinates | undefined {
  if (isNoncentered(s)) return "standard";
  if (d.support.constraint.discrete) return undefined;
  const weights = c.session.weights(nextSlot(w));
  const known = weights && constantOf(weights);
  return known?.every((x: number) => x === 0) ? "standard" : weights;
}

/** Whether a latent with this prior may have other coordinates: its type leaves the support as it is. */
export const isAffine = (d: Applied, { truncate, structural }: Meeting): boolean =>
  d.affine !== undefined && !truncate.lower && !truncate.upper && !structural;

/** The shift of a distribution at arguments of its batch. `event`: axes of the values of one event. */
export function shifted(b: Builder, d: Applied, coordinates: Coordinates): Shift {
  const { affine } = d;
  if (!affine) throw new InternalError("a location-scale distribution without location and scale");
  const scale = affine.scale(b);
  const { kind, location } = affine;
  if (kind === "cholesky") {
    if (coordinates === "standard") return { kind, location, scale, raw: affine.raw(b) };
    return betweenFactors(b, affine, scale, coordinates);
  }
  /** A number for a whole event stands beside each of its elements. */
  const beside = (v: Value): Value => (d.event === 0 ? v : b.reshape(v, [...shapeOf(v), ...new Array<number>(d.event).fill(1)]));
  if (coordinates === "standard")
    return { kind, location: location && beside(location), scale: beside(scale), raw: affine.raw(b) };
  const shape = shapeOf(coordinates);
  const weights = b.reshape(coordinates, shape.slice(0, shape.length - d.event));
  const log = b.log(scale);
  const left = b.exp(b.mul(b.sub(b.constant(1), weights), log));
  const moved = location && b.mul(weights, location);
  return {
    kind,
    location: location && moved && beside(b.sub(location, b.mul(left, moved))),
    scale: beside(left),
    raw: affine.at(b, moved, b.exp(b.mul(weights, log))),
  };
}

function betweenFactors(b: Builder, affine: Affine, scale: Value, weights: Value): Shift {
  const { location } = affine;
  if (!location) throw new InternalError("a factor as the scale of a distribution without location");
  const factor = overEvents(
    b,
    [
      { value: scale, rank: 2 },
      { value: weights, rank: 1 },
    ],
    ([l, w]) => weightedFactor(b, l, w),
  );
  // X' = A^{-T} L'
  const left = overEvents(
    b,
    [
      { value: factor, rank: 2 },
      { value: scale, rank: 2 },
    ],
    ([a, l]) => b.transpose(b.triangularSolve(a, b.transpose(l, [1, 0]), { lower: true, transpose: true }), [1, 0]),
  );
  const moved = b.mul(weights, location);
  const back = overEvents(
    b,
    [
      { value: left, rank: 2 },
      { value: moved, rank: 1 },
    ],
    ([l, m]) => b.matmul(l, m),
  );
  return { kind: "cholesky", location: b.sub(location, back), scale: left, raw: affine.at(b, moved, factor) };
}

/** diag(s^λ) (I + diag(λ) (C - I)) of L = diag(s) C: on the diagonal s^λ, below it s_i^λ_i λ_i L_ij / s_i. */
function weightedFactor(b: Builder, l: Value, weights: Value): Value {
  const [k] = shapeOf(l);
  const identity = b.tensor(
    Float64Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0)),
    [k, k],
  );
  const onDiagonal = diagonal(b, l);
  const log = b.log(onDiagonal);
  const power = b.exp(b.mul(weights, log));
  const column = (v: Value): Value => b.reshape(v, [k, 1]);
  const below = b.mul(l, b.sub(b.constant(1), identity));
  return b.add(b.mul(column(power), identity), b.mul(column(b.mul(weights, b.div(power, onDiagonal))), below));
}

/** A distribution at arguments over all rows, for values of [rows…, element…]; `element`: axes of the latter. */
const overRowsOf = (c: Context, d: Applied, element: number): Applied =>
  d.withArguments(d.arguments.map((a) => alignToRows(c.b, a.value, c.rows, element - d.event + a.rank)));

/** The same over all rows: the axes of one event stay behind those of the batch. */
export const shiftOverRows = (c: Context, d: Applied, element: number, coordinates: Coordinates): Shift =>
  shifted(c.b, overRowsOf(c, d, element), coordinates);

/** The weights of a piece. A factor has one for each row of it, for all objects that share it. */
function weightsShape(d: Applied, { shape, object }: Piece): Shape {
  if (d.affine?.kind === "cholesky") return shape.slice(shape.length - 1);
  const lead = shape.length - Math.max(d.event, object.length);
  return shape.map((n, i) => (i < lead ? n : 1));
}

/** A latent, or a part of one, whose coordinates may be others than its values. */
export interface AffineSite {
  readonly name: string;
  /** Of the layout. */
  readonly slot: number;
  readonly weights: Shape;
  readonly isNoncentered: boolean;
  readonly distribution: SampleStatement["distribution"];
  readonly span: SampleStatement["span"];
  /** Whether they depend on latents. */
  readonly varies: { readonly location: boolean; readonly scale: boolean };
  /** Of each element, of the shape of the piece, where it has these values; the scale is the diagonal of a factor. */
  standardised(value: Value): Standardised;
  readonly piece: Piece;
  /** Location and scale of a row. */
  readonly reads: readonly Value[];
}

/** Notes a statement whose latent has no coordinates but its own by what it says. */
export function noteAffine(
  w: Walk,
  c: Context,
  s: SampleStatement,
  slot: number,
  piece: Piece,
  d: Applied,
  meeting: Meeting,
  element: Shape,
): void {
  const { affine } = d;
  if (w.source.kind !== "coordinates" || c.when || !affine || !isAffine(d, meeting) || piece.constraint.discrete) return;
  const { b } = c;
  const scale = affine.scale(b);
  const varies = { location: affine.location !== undefined && dependsOnLatents(affine.location), scale: dependsOnLatents(scale) };
  if (!varies.location && !varies.scale) return;
  w.affine.push({
    name: piece.name,
    slot,
    weights: weightsShape(d, piece),
    isNoncentered: isNoncentered(s),
    distribution: s.distribution,
    span: s.span,
    varies,
    piece,
    reads: affine.location ? [affine.location, scale] : [scale],
    standardised(value) {
      const { kind, location, scale: over } = shiftOverRows(c, d, element.length, "standard");
      const everywhere = (v: Value): Value => b.broadcastTo(v, piece.shape);
      const where = location ?? b.constant(0);
      const off = b.sub(value, where);
      if (kind === "elementwise")
        return { value, location: everywhere(where), scale: everywhere(over), standard: b.div(off, everywhere(over)) };
      const solved = overEvents(
        b,
        [
          { value: over, rank: 2 },
          { value: off, rank: 1 },
        ],
        ([l, x]) => solveLower(b, l, x),
      );
      const onDiagonal = overEvents(b, [{ value: over, rank: 2 }], ([l]) => diagonal(b, l));
      return { value, location: everywhere(where), scale: everywhere(onDiagonal), standard: solved };
    },
  });
}

const PREFIX = /\bnoncentered\s+/u;

/** As engines see it. */
export function affineLatent(
  c: Context,
  { piece: _, standardised: _s, reads: _r, distribution, ...site }: AffineSite,
): AffineLatent {
  const statement = textOf(c, distribution.span);
  return { ...site, statement, other: site.isNoncentered ? statement.replace(PREFIX, "") : `noncentered ${statement}` };
}

/** What is the same for all elements is one number; a weight of 1 throughout is the model as it is. */
export function centeringOf(
  affine: readonly AffineLatent[],
  weights: ReadonlyMap<number, Float64Array>,
): NonNullable<BoundData["centering"]> {
  return new Map(
    [...weights].flatMap(([slot, values]) => {
      const site = affine.find((a) => a.slot === slot);
      if (!site || (values.length !== sizeOf(site.weights) && values.length !== 1))
        throw new InternalError(`weights of the slot ${slot}, which takes ${site ? sizeOf(site.weights) : "none"}`);
      if (values.some((x) => !(x >= 0 && x <= 1))) throw new InternalError(`a weight of ${site.name} is outside of [0, 1]`);
      if (values.every((x) => x === 1)) return [];
      const isOne = values.every((x) => x === values[0]);
      return [[slot, isOne ? { shape: [], values: values.slice(0, 1) } : { shape: site.weights, values }] as const];
    }),
  );
}
