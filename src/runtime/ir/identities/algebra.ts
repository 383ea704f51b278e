// Identities of elementwise arithmetic. x · 0 is not one of them: NaN and infinity would be lost.
import { type Builder, constantOf, dtypeOf, shapeOf, type Value } from "../graph.ts";
import { select } from "../primitives/compare.ts";
import { abs, add, type CastAttrs, cast, div, mul, neg, reciprocal, sqrt, square, sub } from "../primitives/elementwise.ts";
import { type AssembleAttrs, assemble, broadcastTo } from "../primitives/shape.ts";
import { exp, expm1, log, log1p, pow, xlog1py, xlogy } from "../primitives/transcendental.ts";
import { sameShape } from "../type.ts";
import { first, type Identities, type Identity, isA, literal, on, under } from "./rule.ts";

const commuted =
  (identity: Identity): Identity =>
  (b, [x, y], attrs) =>
    identity(b, [x, y], attrs) ?? identity(b, [y, x], attrs);

// ---------------------------------------------------------------- sums

/** Two vectors, each zero outside its pieces, the pieces disjoint: one vector with all of them. */
export function mergeAssembled(b: Builder, x: Value, y: Value): Value | null {
  if (!isA(x, assemble) || !isA(y, assemble)) return null;
  const [one, other] = [x.node.attrs as AssembleAttrs, y.node.attrs as AssembleAttrs];
  const { axis, size } = one;
  if (other.axis !== axis || other.size !== size || !sameShape(shapeOf(x), shapeOf(y))) return null;
  const pieces = [x, y].flatMap(({ node }) =>
    node.inputs.map((piece, i) => ({ piece, at: (node.attrs as AssembleAttrs).offsets[i] })),
  );
  pieces.sort((p, q) => p.at - q.at);
  const overlap = pieces.some(({ at }, i) => i > 0 && at < pieces[i - 1].at + shapeOf(pieces[i - 1].piece)[axis]);
  if (overlap) return null;
  return b.assemble(
    pieces.map((p) => p.piece),
    axis,
    pieces.map((p) => p.at),
    size,
  );
}
const additive: Identity = (b, [x, y]) => {
  if (literal(y) === 0) return x;
  const negated = under(y, neg);
  return negated !== null ? b.sub(x, negated) : null;
};
const subtractive: Identity = (b, [x, y]) => {
  if (literal(y) === 0) return x;
  if (literal(x) === 0) return b.neg(y);
  const negated = under(y, neg);
  return negated !== null ? b.add(x, negated) : null;
};
const negation: Identity = (b, [x]) => {
  const twice = under(x, neg);
  if (twice !== null) return twice;
  return isA(x, sub) ? b.sub(x.node.inputs[1], x.node.inputs[0]) : null;
};

// ---------------------------------------------------------------- products

const multiplicative: Identity = (b, [x, y]) => {
  const factor = literal(y);
  if (factor === 1) return x;
  if (factor === -1) return b.neg(x);
  const [p, q] = [under(x, neg), under(y, neg)];
  return p !== null && q !== null ? b.mul(p, q) : null;
};
const ofItself: Identity = (b, [x, y]) => (x === y ? b.square(x) : null);
const quotient: Identity = (b, [x, y]) => {
  if (literal(y) === 1) return x;
  if (literal(y) === -1) return b.neg(x);
  return literal(x) === 1 ? b.reciprocal(y) : null;
};
const evenIn =
  (even: (b: Builder, x: Value) => Value): Identity =>
  (b, [x]) => {
    const inner = under(x, neg) ?? under(x, abs);
    return inner !== null ? even(b, inner) : null;
  };

/** Exponents that products, roots and reciprocals serve better: fewer operations, fewer roundings. */
const power: Identity = (b, [base, exponent]) => {
  const x = dtypeOf(base) === "real" ? base : b.cast(base, "real");
  switch (literal(exponent)) {
    case 0:
      return b.constant(1);
    case 1:
      return x;
    case 2:
      return b.square(x);
    case 3:
      return b.mul(b.square(x), x);
    case 4:
      return b.square(b.square(x));
    case 0.5:
      return b.sqrt(x);
    case 1.5:
      return b.mul(x, b.sqrt(x));
    case -0.5:
      return b.reciprocal(b.sqrt(x));
    case -1:
      return b.reciprocal(x);
    case -2:
      return b.reciprocal(b.square(x));
    default:
      return null;
  }
};

// ---------------------------------------------------------------- the rest

/** x where the operand is f(x) and the primitive undoes f. */
const inverseOf =
  (f: Parameters<typeof under>[1]): Identity =>
  (_b, [y]) =>
    under(y, f);
const nothingTimesLog: Identity = (b, [x]) => (literal(x) === 0 ? b.constant(0) : null);
/** c log e^x with a constant c ≠ 0 throughout */
const constantTimesLogOfExp: Identity = (b, [c, y]) => {
  const x = under(y, exp);
  const known = constantOf(under(c, broadcastTo) ?? c);
  return x !== null && known?.every((k: number) => k !== 0) ? b.mul(c, x) : null;
};
/** The arms are the same, or the condition is constant and alike throughout. */
const chosen: Identity = (_b, [condition, x, y]) => {
  if (x === y) return x;
  const known = constantOf(under(condition, broadcastTo) ?? condition);
  if (known === null || known.length === 0) return null;
  if (known.every((c: number) => c !== 0)) return x;
  return known.every((c: number) => c === 0) ? y : null;
};
const castOnce: Identity<CastAttrs> = (b, [x], { to }) => {
  if (dtypeOf(x) === to) return x;
  const inner = under(x, cast);
  return inner !== null ? b.cast(inner, to) : null;
};

export const algebra: Identities = [
  on(
    add,
    first(commuted(additive), (b, [x, y]) => mergeAssembled(b, x, y)),
  ),
  on(sub, subtractive),
  on(neg, negation),
  on(mul, first(commuted(multiplicative), ofItself)),
  on(div, quotient),
  on(
    square,
    evenIn((b, x) => b.square(x)),
  ),
  on(
    abs,
    evenIn((b, x) => b.abs(x)),
  ),
  on(sqrt, (b, [x]) => (isA(x, square) ? b.abs(x.node.inputs[0]) : null)),
  on(reciprocal, (b, [x]) => (isA(x, div) ? b.div(x.node.inputs[1], x.node.inputs[0]) : null)),
  on(pow, power),
  on(log, inverseOf(exp)),
  on(log1p, inverseOf(expm1)),
  on(xlogy, first(nothingTimesLog, constantTimesLogOfExp)),
  on(xlog1py, nothingTimesLog),
  on(select, chosen),
  on(cast, castOnce),
];
