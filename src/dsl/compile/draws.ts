// Draws of the whole joint law, in place of its density: of latents from their priors, of observed variables given them.
import { type Builder, dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Bounds, Constraint } from "../constraints/define.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied } from "../distributions/applied.ts";
import type { DeclareStatement, Place, SampleStatement } from "../language/ast.ts";
import { completeData, type DrawnData } from "./awaited.ts";
import { evaluateSize } from "./bind-data.ts";
import { arrayAt, placeCoordinates } from "./block.ts";
import type { Context } from "./context.ts";
import { meetDeclared } from "./declared.ts";
import { applyDistribution } from "./distribution.ts";
import { dependsOnLatents } from "./known.ts";
import { elementShape, meetType, oneRange, register } from "./latents.ts";
import { checkFit } from "./likelihood.ts";
import { alignToRows } from "./piece.ts";
import { limitForDraws } from "./prior.ts";
import { bindCodes, reject } from "./rejection.ts";
import { rowShape } from "./rows.ts";
import type { Coordinates } from "./scope.ts";
import { solved } from "./solve.ts";
import { declaredSupport, eventOf, exchangeable, type Meeting } from "./support.ts";
import type { LatentSource, Walk } from "./walk.ts";

type Draws = Extract<LatentSource, { readonly kind: "draws" }>;

/** A set that draws must lie in: a joint draw outside of it is made again, all of it. That is the law whose density is the product of the model's
 *  terms on that set. */
export interface Restriction {
  readonly name: string;
  readonly span: SourceSpan;
  readonly constraint: Constraint;
  /** Of the set, broadcasting to the value where the constraint is one on numbers. */
  readonly bounds: Bounds<Value>;
  /** One constrained object. */
  readonly object: Shape;
  /** Known when the walk is done. */
  value(): Value;
}

/** x ~ D where x is free, and drawn. */
export function drawLatent(w: Walk, source: Draws, c: Context, s: SampleStatement): void {
  if (!s.place) return;
  const { name } = s.place.name;
  const symbol = c.model.symbols.get(name);
  if (w.declared.has(name)) return drawElements(w, source, c, s, s.place, source.declared.get(name) ?? []);
  const d = applyDistribution(c, s.distribution.call);
  if (s.place.subscripts.length === 0) {
    if (c.rows.length > 0)
      reject(bindCodes.twice, s.place.span, `${name} is given once in each iteration`, { notes: [`did you mean ${name}[…]?`] });
    if (w.latents.has(name))
      reject(bindCodes.twice, s.span, `${name} is given twice`, { label: "each element has exactly one ~" });
    const type = s.type ?? (symbol?.kind === "latent" ? symbol.declared : undefined);
    const element = elementShape(c, name, type, d, s);
    const meeting = meetType(c, type, d);
    register(w, name, s.span, meeting);
    return settleWhole(w, c, name, drawn(source, c, s, d, meeting, element));
  }
  const { coordinates, count, inside } = oneRange(placeCoordinates(c, s.place, c.rows), s.place);
  const type = s.type?.sizes.map((e) => evaluateSize(c, e, `the size of ${name}`));
  const own = type ?? elementShape(c, name, undefined, d, s).slice(inside.length);
  const meeting = meetType(c, s.type, d);
  register(w, name, s.span, meeting);
  const x = drawn(source, c, s, d, meeting, [...inside, ...own]);
  settleElements(w, c, name, coordinates, c.b.reshape(x, [count, ...own]), s.span);
}

/** [rows…, element…] of x ~ D, restricted to what its type and its support leave. */
function drawn(source: Draws, c: Context, s: SampleStatement, d: Applied, meeting: Meeting, element: Shape): Value {
  const { b } = c;
  const isFree = restrictsOthers(s, d, meeting) || isTied(d, meeting);
  const law = isFree ? d : limitForDraws(c, s, d, meeting);
  const x = source.draw(c, law, element, isFree ? d.support.constraint : meeting.constraint, s);
  if (isFree) {
    const align = (v: Value | undefined): Value | undefined => v && alignToRows(b, v, c.rows, element.length);
    const bounds = { lower: align(meeting.bounds.lower), upper: align(meeting.bounds.upper) };
    const name = s.place?.name.name ?? "";
    const object = eventOf(meeting.constraint, element, s.span);
    restrict(source, { name, span: s.span, constraint: meeting.constraint, bounds, object, value: () => x });
  }
  const cast = meeting.constraint.discrete ? b.cast(x, "int") : x;
  return c.when ? inBranch(c, c.when, s, meeting, cast, element) : cast;
}

/** Whether the law of the parameters depends on how likely x is to lie where its type wants it: no draw of x alone has it. */
function restrictsOthers(s: SampleStatement, d: Applied, { truncate: { lower, upper }, structural }: Meeting): boolean {
  const isCut = lower !== undefined || upper !== undefined || structural;
  const ends = [lower, upper].flatMap((v) => v ?? []);
  const isMoved = [...d.arguments.map((a) => a.value), ...ends].some((v) => dependsOnLatents(v));
  return isCut && isMoved && s.distribution.prefix.includes("unnormalized");
}
/** Whether a type ties elements together that are not exchangeable: sorting them is no draw. */
const isTied = (d: Applied, { constraint }: Meeting): boolean =>
  constraint.event > 0 &&
  constraint !== d.support.constraint &&
  !d.support.declared &&
  !(constraint.logSymmetry && exchangeable(d));

/** A latent of a branch that is not taken is its least value. */
function inBranch(c: Context, when: Value, s: SampleStatement, { bounds, constraint }: Meeting, x: Value, element: Shape): Value {
  const { b } = c;
  if (!bounds.lower || !constraint.discrete)
    return reject(
      bindCodes.notYet,
      s.span,
      "a latent in a branch that a discrete latent chooses takes values between known bounds",
      { notes: ["give it outside of the if"] },
    );
  const over = (v: Value): Value => {
    const aligned = alignToRows(b, v, c.rows, element.length);
    return b.broadcastTo(aligned, [...rowShape(c.rows), ...element]);
  };
  return b.select(over(when), x, b.cast(over(bounds.lower), "int"));
}

/** A set without volume is never met by chance. */
function restrict(source: Draws, r: Restriction): void {
  if (!r.constraint.discrete && sizeOf(r.constraint.unconstrainedShape(r.object)) !== sizeOf(r.object))
    reject(bindCodes.notYet, r.span, `${r.name} cannot be drawn: independent draws are never ${r.constraint.words}`, {
      label: "its density is restricted to the type",
    });
  source.restrictions.push(r);
}

/** mu: ordered[2], whose elements have statements of their own: these are drawn, and restricted to the type. */
export function declareDrawn(w: Walk, source: Draws, c: Context, s: DeclareStatement): void {
  const name = s.name.name;
  const shape = s.type.sizes.map((e) => evaluateSize(c, e, `the size of ${name}`));
  const support = declaredSupport(c, s.type);
  w.declared.set(name, { support, shape, shifted: false });
  register(w, name, s.type.span, support);
  source.declared.set(name, shape);
  restrict(source, {
    ...support,
    name,
    span: s.span,
    object: eventOf(support.constraint, shape, s.type.span),
    value() {
      const value = completeValue(c, name);
      if (value && shapeOf(value).join() === shape.join()) return value;
      return reject(bindCodes.coverage, s.span, `elements of ${name} have no ~, so they cannot be drawn`);
    },
  });
}

/** What a statement gives of a latent that is declared apart, or of data: elements of the array of `shape`. `solve`: those, by what is drawn. */
function drawElements(
  w: Walk,
  source: Draws,
  c: Context,
  s: SampleStatement,
  place: Place,
  shape: Shape,
  solve: (x: Value, rank: number) => Value = (x) => x,
): void {
  const { b } = c;
  const { name } = place.name;
  const d = applyDistribution(c, s.distribution.call);
  const declared = w.declared.get(name);
  // Numbers are drawn from what their type leaves of the distribution, unless that changes the law of others; tied ones are drawn freely, and restricted.
  const meeting = declared && declared.support.constraint.event === 0 ? meetDeclared(c, s, declared, d) : undefined;
  const isCut = meeting && d.event === 0 && !restrictsOthers(s, d, meeting);
  const law = isCut ? limitForDraws(c, s, d, meeting) : d;
  const { constraint } = isCut ? meeting : meetType(c, undefined, d);
  const draw = (element: Shape): Value => {
    checkFit(element, d, s.span);
    const x = source.draw(c, law, element, constraint, s);
    return solve(constraint.discrete ? b.cast(x, "int") : x, element.length);
  };
  if (place.subscripts.length === 0) {
    if (c.rows.length > 0) reject(bindCodes.twice, place.span, `${name} is given once in each iteration`);
    return settleWhole(w, c, name, draw(shape));
  }
  const { coordinates, count, inside } = oneRange(placeCoordinates(c, place, c.rows), place);
  const own = shape.slice(place.subscripts.length);
  settleElements(w, c, name, coordinates, b.reshape(draw([...inside, ...own]), [count, ...own]), s.span);
}

/** y ~ D where y is drawn, not observed. What it is declared as is held against the draws: those outside of it are no data. */
export function drawData(w: Walk, source: Draws, c: Context, s: SampleStatement, place: Place, data: DrawnData): void {
  const { name } = place.name;
  const symbol = c.model.symbols.get(name);
  if (symbol?.kind !== "data") return;
  if (c.when)
    reject(bindCodes.notYet, s.span, `${name} is observed in a branch that something drawn chooses, and cannot be drawn there`);
  if (!w.observed.has(name)) {
    w.observed.add(name);
    const support = declaredSupport(w.context, symbol.type);
    source.restrictions.push({
      ...support,
      name,
      span: s.span,
      object: eventOf(support.constraint, data.shape, symbol.span),
      value() {
        const bound = w.context.root.get(name);
        if (bound?.kind === "array") completeData(w.context, name, bound.array, data);
        return completeValue(w.context, name) ?? reject(bindCodes.coverage, symbol.span, `${name} has no value`);
      },
    });
  }
  drawElements(w, source, c, s, place, data.shape, (x, rank) => {
    const y = solved(c, s.target, name, x, rank);
    if (data.integer && dtypeOf(y) === "real")
      reject(bindCodes.notYet, s.target.span, `${name} has integers, and what stands here does not give them when it is drawn`);
    return y;
  });
}

/** All of it; undefined where elements are not given. */
function completeValue(c: Context, name: string): Value | undefined {
  const bound = c.root.get(name);
  if (bound?.kind === "value") return bound.value;
  return bound?.kind === "array" && !bound.array.given(c.b) ? bound.array.whole(c.b) : undefined;
}

function settleWhole(w: Walk, c: Context, name: string, value: Value): void {
  if (w.awaitedNames.has(name)) w.awaitedNames.give(c, name, value);
  else if (c.root.get(name))
    reject(bindCodes.twice, w.latents.get(name)?.span ?? { file: 0, start: 0, end: 0 }, `${name} is given twice`);
  else c.root.value(name, value);
}
function settleElements(w: Walk, c: Context, name: string, at: Coordinates, value: Value, span: SourceSpan): void {
  if (w.awaitedNames.has(name)) w.awaitedNames.add(c, name, at, value, span);
  else arrayAt(c.root, name).add(at, value, span);
}

/** Where the bounds are, for each element of the value or one for all. */
export function limitsOf(b: Builder, { bounds, constraint }: Restriction, value: Value): Bounds<Value> {
  const over = (v: Value): Value =>
    constraint.event === 0 ? b.broadcastTo(b.cast(v, "real"), shapeOf(value)) : b.cast(v, "real");
  return { ...(bounds.lower ? { lower: over(bounds.lower) } : {}), ...(bounds.upper ? { upper: over(bounds.upper) } : {}) };
}
