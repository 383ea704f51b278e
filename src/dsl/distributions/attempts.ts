// Draws by rejection as programs of noise: as many proposals as are needed for one of them to be accepted but once in 10^12 draws, of which the
// first that is accepted is taken. For guides; the host, which can go on until one is, draws by less noise.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { NoiseSpec } from "./define.ts";

/** A program of noise, for draws of any shape that the parameters broadcast to. */
export interface Attempts<Names extends string> {
  noise(shape: Shape): readonly NoiseSpec[];
  build(b: Builder, noise: readonly Value[], params: Readonly<Record<Names, Value>>, shape: Shape): Value;
}

/** The value of the first proposal that is accepted, along the last axis; `otherwise` where none is. */
export function firstOf(b: Builder, accepted: Value, proposed: Value, otherwise: Value, shape: Shape): Value {
  const axis = shape.length;
  const ok = b.cast(accepted, "real");
  const isFirst = b.and(accepted, b.eq(b.cumsum(ok), b.constant(1)));
  const taken = b.sum(b.select(isFirst, proposed, b.constant(0)), [axis]);
  return b.select(b.gt(b.sum(ok, [axis]), b.constant(0)), taken, otherwise);
}
const behind = (b: Builder, v: Value, shape: Shape): Value => b.reshape(b.broadcastTo(v, shape), [...shape, 1]);

/** Acceptance is above 0.95 for every shape (Marsaglia and Tsang 2000, table 1). */
const GAMMA_PROPOSALS = 10;
/** Gamma(shape, 1): d (1 + c x)³ for a normal x, d = shape - 1/3, c = 1/√(9 d); below 1 that of shape + 1 times U^(1/shape) (Marsaglia and Tsang 2000). */
export const gammaAttempts: Attempts<"shape"> = {
  noise: (shape) => [
    { kind: "normal", shape: [...shape, GAMMA_PROPOSALS] },
    { kind: "exponential", shape: [...shape, GAMMA_PROPOSALS] },
    { kind: "exponential", shape },
  ],
  build(b, [x, minusLogU, boost], { shape: alpha }, shape) {
    const isSmall = b.lt(alpha, b.constant(1));
    const raised = b.select(isSmall, b.add(alpha, b.constant(1)), alpha);
    const d = behind(b, b.sub(raised, b.constant(1 / 3)), shape);
    const root = b.add(b.constant(1), b.div(x, b.sqrt(b.mul(b.constant(9), d))));
    const inside = b.gt(root, b.constant(0));
    const logV = b.mul(b.constant(3), b.log(b.select(inside, root, b.constant(1))));
    const v = b.exp(logV);
    // log U < x²/2 + d (1 - v + log v)
    const limit = b.add(b.mul(b.constant(0.5), b.square(x)), b.mul(d, b.add(b.sub(b.constant(1), v), logV)));
    const accepted = b.and(inside, b.gt(b.add(minusLogU, limit), b.constant(0)));
    const mean = b.broadcastTo(raised, shape);
    const drawn = firstOf(b, accepted, b.mul(d, v), mean, shape);
    return b.mul(drawn, b.select(isSmall, b.exp(b.neg(b.div(boost, alpha))), b.constant(1)));
  },
};

/** From here on by transformed rejection. */
const LARGE_MEAN = 10;
/** More arrivals than these before a mean below it have probability 1e-26. */
const ARRIVALS = 60;
/** Acceptance is above 0.78 at a mean of 10 and more. */
const POISSON_PROPOSALS = 20;
/** Poisson(mean): exponential waiting times that fit into the mean, or PTRS (Hörmann 1993, as the host draws). */
export const poissonAttempts: Attempts<"mean"> = {
  noise: (shape) => [
    { kind: "exponential", shape: [...shape, ARRIVALS] },
    { kind: "uniform", shape: [...shape, POISSON_PROPOSALS] },
    { kind: "uniform", shape: [...shape, POISSON_PROPOSALS] },
  ],
  build(b, [waits, u0, v], { mean }, shape) {
    const isLarge = b.ge(mean, b.constant(LARGE_MEAN));
    const small = behind(b, b.min(mean, b.constant(LARGE_MEAN)), shape);
    const arrived = b.sum(b.cast(b.le(b.cumsum(waits), small), "real"), [shape.length]);
    const m = behind(b, b.max(mean, b.constant(LARGE_MEAN)), shape);
    const b1 = b.add(b.constant(0.931), b.mul(b.constant(2.53), b.sqrt(m)));
    const a = b.add(b.constant(-0.059), b.mul(b.constant(0.02483), b1));
    const inverseAlpha = b.add(b.constant(1.1239), b.div(b.constant(1.1328), b.sub(b1, b.constant(3.4))));
    const squeeze = b.sub(b.constant(0.9277), b.div(b.constant(3.6224), b.sub(b1, b.constant(2))));
    const u = b.sub(u0, b.constant(0.5));
    const us = b.sub(b.constant(0.5), b.abs(u));
    const k = b.floor(b.add(b.add(b.mul(b.add(b.div(b.mul(b.constant(2), a), us), b1), u), m), b.constant(0.43)));
    const near = b.max(k, b.constant(0));
    const logMass = b.sub(b.sub(b.mul(near, b.log(m)), m), b.lgamma(b.add(near, b.constant(1))));
    const height = b.sub(b.log(b.mul(v, inverseAlpha)), b.log(b.add(b.div(a, b.square(us)), b1)));
    const quick = b.and(b.ge(us, b.constant(0.07)), b.le(v, squeeze));
    const outside = b.or(b.lt(k, b.constant(0)), b.and(b.lt(us, b.constant(0.013)), b.gt(v, us)));
    const accepted = b.or(quick, b.and(b.not(outside), b.le(height, logMass)));
    const large = firstOf(b, accepted, near, b.floor(b.broadcastTo(mean, shape)), shape);
    return b.select(b.broadcastTo(isLarge, shape), large, arrived);
  },
};
