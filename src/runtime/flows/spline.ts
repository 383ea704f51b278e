// Rational-quadratic splines in coupling layers (Durkan, Bekasov, Murray and Papamakarios 2019).
import type { Builder, Value } from "../ir/graph.ts";
import { expm1, log } from "../numeric/math.ts";
import { fromResting } from "./coupling.ts";
import { defineFlow, type Flowed, type FlowTensors, zeros } from "./define.ts";
import { bounded } from "./iaf.ts";

/** Splines go from -EDGE to EDGE, lines of slope 1 beyond. */
const EDGE = 5;
/** Least width and height of a piece, as a part of the whole, and least slope at a knot: as in the paper's code. */
const LEAST = 1e-3;
/** Where the slope of a knot is 1: LEAST + softplus(offset) = 1. */
const UNIT_SLOPE = log(expm1(1 - LEAST));

export const spline = defineFlow({
  name: "spline",
  doc: "Every other number goes through a monotone spline of rational quadratics, made by networks of those between, and is then scaled and shifted. Draws and densities of given vectors take one pass a layer.",
  reads: ["hidden", "bins"],
  layer(size, context, at, { hidden, bins }) {
    const network = fromResting(size, context, hidden, 3 * bins - 1, at);
    const moves = network.mask.map((x) => 1 - x);
    const curved = (b: Builder, x: Value, seen: Value, t: FlowTensors, given: Value | undefined, isInverse: boolean): Flowed => {
      const pieces = piecesOf(b, network.apply(b, seen, t, given), size, bins);
      const { to, logDet } = (isInverse ? backwards : forwards)(b, x, pieces, size, bins);
      const rests = b.tensor(network.mask, [size]);
      return { to: b.select(rests, x, to), logDet: b.sum(b.mul(b.tensor(moves, [size]), logDet)) };
    };
    return {
      tensors: [...network.tensors, zeros("shift", [size]), zeros("logScale", [size])],
      forward(b, x, t, given) {
        const { to, logDet } = curved(b, x, x, t, given, false);
        const scale = bounded(b, t.logScale);
        return { to: b.add(b.mul(to, b.exp(scale)), t.shift), logDet: b.add(logDet, b.sum(scale)) };
      },
      inverse(b, y, t, given) {
        const scale = bounded(b, t.logScale);
        const x = b.mul(b.sub(y, t.shift), b.exp(b.neg(scale)));
        const { to, logDet } = curved(b, x, x, t, given, true);
        return { to, logDet: b.sub(logDet, b.sum(scale)) };
      },
    };
  },
});

/** Knots and slopes of the spline of each number. */
interface Pieces {
  /** Left end and width in x, lower end and height in y: [size, bins]. */
  readonly left: Value;
  readonly width: Value;
  readonly low: Value;
  readonly height: Value;
  /** Slopes at the left and at the right end. */
  readonly first: Value;
  readonly last: Value;
}

function piecesOf(b: Builder, raw: Value, size: number, bins: number): Pieces {
  const part = (from: number, length: number): Value => b.slice(raw, 1, from, length);
  const shares = (v: Value): Value => {
    const top = b.reshape(b.logSumExp(v, [1]), [size, 1]);
    const plain = b.exp(b.sub(v, top));
    return b.mul(b.constant(2 * EDGE), b.add(b.constant(LEAST), b.mul(b.constant(1 - LEAST * bins), plain)));
  };
  const [width, height] = [shares(part(0, bins)), shares(part(bins, bins))];
  const starts = (v: Value): Value => b.sub(b.sub(b.cumsum(v), v), b.constant(EDGE));
  const ends = b.broadcastTo(b.constant(1), [size, 1]);
  const inner = b.add(b.constant(LEAST), b.softplus(b.add(part(2 * bins, bins - 1), b.constant(UNIT_SLOPE))));
  return {
    left: starts(width),
    width,
    low: starts(height),
    height,
    first: b.concat([ends, inner], 1),
    last: b.concat([inner, ends], 1),
  };
}

/** Each number's own piece: the last one whose start is not beyond it. */
function ownPiece(b: Builder, x: Value, starts: Value, p: Pieces, size: number, bins: number): Record<keyof Pieces, Value> {
  const beyond = b.cast(b.ge(b.reshape(x, [size, 1]), starts), "int");
  const at = b.reshape(b.max(b.sub(b.sum(beyond, [1]), b.constant(1, "int")), b.constant(0, "int")), [size, 1]);
  const isOwn = b.eq(b.broadcastTo(b.iota([1, bins], 1), [size, bins]), at);
  const pick = (v: Value): Value => b.sum(b.select(isOwn, v, b.constant(0)), [1]);
  return {
    left: pick(p.left),
    width: pick(p.width),
    low: pick(p.low),
    height: pick(p.height),
    first: pick(p.first),
    last: pick(p.last),
  };
}

const clamp = (b: Builder, x: Value): Value => b.min(b.max(x, b.constant(-EDGE)), b.constant(EDGE));
const isWithin = (b: Builder, x: Value): Value => b.lt(b.abs(x), b.constant(EDGE));

/** log of the slope at the share t of a piece of mean slope s: the paper's equation 5. */
function logSlope(b: Builder, t: Value, s: Value, first: Value, last: Value): Value {
  const rest = b.sub(b.constant(1), t);
  const both = b.mul(t, rest);
  const top = b.add(b.add(b.mul(last, b.square(t)), b.mul(b.constant(2), b.mul(s, both))), b.mul(first, b.square(rest)));
  return b.add(b.mul(b.constant(2), b.sub(b.log(s), b.log(bottom(b, s, first, last, both)))), b.log(top));
}
const bottom = (b: Builder, s: Value, first: Value, last: Value, both: Value): Value =>
  b.add(s, b.mul(b.sub(b.add(first, last), b.mul(b.constant(2), s)), both));

/** Elementwise: logDet holds one number each. Equation 4. */
function forwards(b: Builder, x: Value, pieces: Pieces, size: number, bins: number): Flowed {
  const inside = clamp(b, x);
  const p = ownPiece(b, inside, pieces.left, pieces, size, bins);
  const s = b.div(p.height, p.width);
  const t = b.div(b.sub(inside, p.left), p.width);
  const both = b.mul(t, b.sub(b.constant(1), t));
  const top = b.mul(p.height, b.add(b.mul(s, b.square(t)), b.mul(p.first, both)));
  const y = b.add(p.low, b.div(top, bottom(b, s, p.first, p.last, both)));
  const within = isWithin(b, x);
  return { to: b.select(within, y, x), logDet: b.select(within, logSlope(b, t, s, p.first, p.last), b.constant(0)) };
}

/** The root of the quadratic, in the form that loses no digits: equations 6 to 8. */
function backwards(b: Builder, y: Value, pieces: Pieces, size: number, bins: number): Flowed {
  const inside = clamp(b, y);
  const p = ownPiece(b, inside, pieces.low, pieces, size, bins);
  const s = b.div(p.height, p.width);
  const above = b.sub(inside, p.low);
  const bend = b.mul(above, b.sub(b.add(p.first, p.last), b.mul(b.constant(2), s)));
  const qa = b.add(b.mul(p.height, b.sub(s, p.first)), bend);
  const qb = b.sub(b.mul(p.height, p.first), bend);
  const qc = b.neg(b.mul(s, above));
  const root = b.sqrt(b.max(b.sub(b.square(qb), b.mul(b.constant(4), b.mul(qa, qc))), b.constant(0)));
  const t = b.div(b.mul(b.constant(2), qc), b.neg(b.add(qb, root)));
  const x = b.add(p.left, b.mul(t, p.width));
  const within = isWithin(b, y);
  return {
    to: b.select(within, x, y),
    logDet: b.select(within, b.neg(logSlope(b, t, s, p.first, p.last)), b.constant(0)),
  };
}
