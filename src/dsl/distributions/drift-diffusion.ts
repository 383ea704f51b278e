// Decisions by drift and diffusion: evidence that starts between two boundaries, and when it comes to one of them.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { iterativeFunction } from "../../runtime/numeric/iterative.ts";
import { exp, log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { positive, real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, nonnegativeNumber, positiveNumber, probability } from "./params.ts";
import { HALF_LOG_TAU, halve, total } from "./standardise.ts";

const params = {
  alpha: positiveNumber("distance between the boundaries"),
  tau: nonnegativeNumber("time that is not spent deciding"),
  beta: probability("where the evidence starts: 0 at the lower boundary, 1 at the upper"),
  delta: location("drift, positive towards the upper boundary"),
  sv: { ...nonnegativeNumber("standard deviation of the drift between trials"), default: 0 },
};

/** log density of coming at time t to the boundary that is alpha w away and towards which the drift is v, before coming to the other.
 *  Without drift alpha^-2 f(t / alpha², w); the drift brings exp(v alpha w - v² t / 2) (Girsanov), of which the mean over v ~ Normal(delta, sv) is
 *  exp((sv² d² + 2 delta d - delta² t) / (2 (1 + sv² t))) / √(1 + sv² t), d = alpha w (Tuerlinckx 2004). */
function logPassage(b: Builder, t: Value, alpha: Value, w: Value, delta: Value, sv: Value): Value {
  const d = b.mul(alpha, w);
  const spread = b.square(sv);
  const widened = b.mul(spread, t);
  const numerator = total(b, b.mul(spread, b.square(d)), b.mul(b.mul(b.constant(2), delta), d), b.neg(b.mul(b.square(delta), t)));
  return total(
    b,
    b.logFirstPassage(b.div(t, b.square(alpha)), w),
    b.neg(b.mul(b.constant(2), b.log(alpha))),
    halve(b, b.div(numerator, b.add(b.constant(1), widened))),
    b.neg(halve(b, b.log1p(widened))),
  );
}
const other = (b: Builder, beta: Value): Value => b.sub(b.constant(1), beta);

export const wiener = defineDistribution({
  name: "Wiener",
  doc: "When a Wiener process with drift delta, from alpha beta between boundaries at 0 and alpha, comes to the upper one, tau being added: Navarro & Fuss 2009. Of the lower boundary Wiener(alpha, tau, 1 - beta, -delta). Its integral is the probability of that boundary; the two together are DriftDiffusion.",
  params,
  support: { constraint: positive, bounds: (_b, { tau }) => ({ lower: tau }) },
  event: 0,
  logDensity: (b, x, { alpha, tau, beta, delta, sv }) => logPassage(b, b.sub(x, tau), alpha, other(b, beta), delta, sv),
  normalised: false,
  undrawn:
    "it tells of the upper boundary alone: DriftDiffusion, of the same parameters, draws decisions at both, those at the lower one as times below 0",
  golden: {
    from: "mpmath 1.3, 50 digits; rstan 2.21 agrees where sv is 0",
    rows: [
      { x: 0.75, params: { alpha: 1.5, tau: 0.25, beta: 0.5, delta: 0.8, sv: 0 }, logDensity: -0.3232877329638252 },
      { x: 0.45, params: { alpha: 2.2, tau: 0.3, beta: 0.35, delta: -1.25, sv: 0.6 }, logDensity: -6.016093651343844 },
      { x: 9.5, params: { alpha: 1.1, tau: 0.15, beta: 0.7, delta: 0.3, sv: 0 }, logDensity: -37.712138288013925 },
      { x: 0.2505, params: { alpha: 1.3, tau: 0.25, beta: 0.6, delta: 2.5, sv: 1.5 }, logDensity: -258.9712369362576 },
      { x: 1.75, params: { alpha: 0.9, tau: 0.4, beta: 0.875, delta: 0, sv: 0.25 }, logDensity: -7.869903754581855 },
      { x: 31, params: { alpha: 2.5, tau: 0.5, beta: 0.04, delta: 4, sv: 0 }, logDensity: -261.2464655368471 },
    ],
  },
});

const logFirstPassage = iterativeFunction("logFirstPassage");
/** An inverse Gaussian of mean d / |v| and shape d²: when a process with drift |v| comes to d, there being one boundary. As in Michael, Schucany &
 *  Haas (1976), by the inverse of the mean, which may be 0. */
function oneBoundary(rng: Rng, d: number, v: number): number {
  const z = rng.normal();
  const rate = Math.abs(v) / d;
  const h = (0.5 * z * z) / (d * d);
  const root = rate + h + Math.sqrt(2 * rate * h + h * h);
  return rng.uniform() * (1 + rate / root) <= 1 ? 1 / root : root / (rate * rate);
}
/** By rejection. A process that stops at the other boundary comes to this one later, or not at all: its density is below that of one boundary alone,
 *  which is an inverse Gaussian of mass min(1, exp(2 v d)), d away with the drift v towards it. The two masses add up to 2 at most, and what is
 *  drawn has mass 1: at least every second proposal is accepted. */
function drawPassage(rng: Rng, alpha: number, beta: number, v: number): number {
  const [up, down] = [alpha * (1 - beta), alpha * beta];
  if (!(up > 0)) return alpha > 0 ? Number.MIN_VALUE : Number.NaN;
  if (!(down > 0)) return -Number.MIN_VALUE;
  const [upper, lower] = [exp(Math.min(0, 2 * v * up)), exp(Math.min(0, -2 * v * down))];
  for (;;) {
    const isUpper = rng.uniform() * (upper + lower) < upper;
    const t = oneBoundary(rng, isUpper ? up : down, v);
    const w = isUpper ? 1 - beta : beta;
    const u = t / (alpha * alpha);
    // log of the density of one boundary, without drift: both have the same factor of it
    const alone = log(w) - (w * w) / (2 * u) - 1.5 * log(u) - HALF_LOG_TAU;
    if (-rng.exponential() < logFirstPassage(u, w) - alone) return isUpper ? t : -t;
  }
}

export const driftDiffusion = defineDistribution({
  name: "DriftDiffusion",
  doc: "A decision and its time: x > 0 where a Wiener process as that of Wiener comes to the upper boundary at time x, x < 0 where it comes to the lower one at -x. Nothing lies between -tau and tau.",
  params,
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { alpha, tau, beta, delta, sv }) => {
    const isUpper = b.gt(x, b.constant(0));
    const t = b.sub(b.abs(x), tau);
    const decided = b.gt(t, b.constant(0));
    const w = b.select(isUpper, other(b, beta), beta);
    const drift = b.select(isUpper, delta, b.neg(delta));
    const log = logPassage(b, b.select(decided, t, b.constant(1)), alpha, w, drift, sv);
    return b.select(decided, log, b.constant(Number.NEGATIVE_INFINITY));
  },
  sample: (rng, { alpha, tau, beta, delta, sv }, out) => {
    const t = drawPassage(rng, alpha[0], beta[0], delta[0] + sv[0] * rng.normal());
    out[0] = t > 0 ? tau[0] + t : t - tau[0];
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits",
    rows: [
      { x: 0.75, params: { alpha: 1.5, tau: 0.25, beta: 0.5, delta: 0.8, sv: 0 }, logDensity: -0.3232877329638252 },
      { x: -0.45, params: { alpha: 2.2, tau: 0.3, beta: 0.35, delta: -1.25, sv: 0.6 }, logDensity: 0.5660056604962538 },
      { x: 2.5, params: { alpha: 1.1, tau: 0.15, beta: 0.7, delta: -0.3, sv: 0 }, logDensity: -9.046695805523283 },
      { x: -0.9, params: { alpha: 2.6, tau: 0.25, beta: 0.6, delta: 2.5, sv: 1.5 }, logDensity: -3.4480679240911187 },
      { x: -1.75, params: { alpha: 0.9, tau: 0.4, beta: 0.875, delta: 0, sv: 0.25 }, logDensity: -7.85239655011311 },
      { x: 0.0625, params: { alpha: 0.3, tau: 0.03, beta: 0.4, delta: 12, sv: 0 }, logDensity: 1.5345708198553638 },
    ],
  },
});
