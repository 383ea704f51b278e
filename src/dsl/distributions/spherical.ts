// Distributions on the unit sphere around a mean direction. Densities are against its surface measure, as unit_vector's are.

import { ShapeError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { lgamma, log, sigmoid } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { beta as betaDraw, logGamma } from "../../runtime/numeric/samplers.ts";
import { unitVector } from "../constraints/unit-vector.ts";
import { firstOf } from "./attempts.ts";
import { defineDistribution, type Param } from "./define.ts";
import { nonnegativeNumber } from "./params.ts";
import { logRising } from "./rising.ts";
import { halve, LOG_2, LOG_PI, total } from "./standardise.ts";

const direction: Param = { constraint: unitVector, rank: 1, doc: "mean direction" };
const params = { mu: direction, kappa: nonnegativeNumber("concentration: 0 is uniform") };

/** ‖x ± mu‖² / 2 = 1 ± mu'x on the sphere; it does not cancel where x is near to ∓mu. */
const halfSquare = (b: Builder, v: Value): Value => halve(b, b.sum(b.square(v)));
/** log of the surface of the sphere in d dimensions, 2 π^{d/2} / Γ(d/2). */
export const logSurface = (d: number): number => LOG_2 + (d / 2) * LOG_PI - lgamma(d / 2);

/** x = mu cos θ + a uniform direction at right angles to mu times sin θ, given 1 - cos θ. */
function turnFrom(rng: Rng, mu: Float64Array, below: number, out: Float64Array): void {
  const norm = (v: Float64Array): number => {
    let s = 0;
    for (let i = 0; i < v.length; i++) s += v[i] * v[i];
    return Math.sqrt(s);
  };
  const length = norm(mu);
  let across = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = rng.normal();
    across += (out[i] * mu[i]) / length;
  }
  for (let i = 0; i < out.length; i++) out[i] -= (across * mu[i]) / length;
  const sine = Math.sqrt(below * (2 - below)) / norm(out);
  for (let i = 0; i < out.length; i++) out[i] = sine * out[i] + (1 - below) * (mu[i] / length);
  const rounded = norm(out);
  for (let i = 0; i < out.length; i++) out[i] /= rounded;
}

/** x = mu (1 - below) + across sin θ, as a graph. */
function turned(b: Builder, mu: Value, below: Value, sine: Value, g: Value): Value {
  const across = b.sub(g, b.mul(b.sum(b.mul(g, mu)), mu));
  const length = b.sqrt(b.sum(b.square(across)));
  return b.add(b.mul(b.sub(b.constant(1), below), mu), b.mul(b.div(sine, length), across));
}

/** 1 - cos θ of a von Mises-Fisher by Wood, "Simulation of the von Mises Fisher distribution", Communications in Statistics 23, 1994, with
 *  1 - w in place of w: z ~ Beta(h, h), h = (d - 1)/2, 1 - w = 2 b z / (1 - (1 - b) z); 1 - x0 = 2 b / (1 + b). */
function drawBelow(rng: Rng, d: number, kappa: number): number {
  const m = d - 1;
  const b = m / (2 * kappa + Math.sqrt(4 * kappa * kappa + m * m));
  const top = (2 * b) / (1 + b);
  for (;;) {
    const z = betaDraw(rng, m / 2, m / 2);
    const below = (2 * b * z) / (1 - (1 - b) * z);
    // 1 - x0 w over 1 - x0² = top (2 - top)
    const ratio = (top + (1 - top) * below) / (top * (2 - top));
    if (!(-rng.exponential() > kappa * (top - below) + m * log(ratio))) return below;
  }
}

/** Two of three are accepted, or a little fewer: on a circle 0.657 of them where the concentration is large. */
const PROPOSALS = 26;

export const vonMisesFisher = defineDistribution({
  name: "VonMisesFisher",
  doc: "The von Mises-Fisher on the unit sphere in d dimensions, with mean direction mu and concentration kappa: proportional to exp(kappa mu'x), kappa^(d/2 - 1) / ((2 pi)^(d/2) I(kappa)) times that, I the modified Bessel function of order d/2 - 1.",
  params,
  support: { constraint: unitVector },
  event: 1,
  eventShape: ({ mu }) => mu,
  logDensity: (b, x, { mu, kappa }) => {
    const [d] = shapeOf(x);
    return total(
      b,
      b.neg(b.mul(kappa, halfSquare(b, b.sub(x, mu)))),
      b.neg(b.logBesselI(b.constant(d / 2 - 1), kappa)),
      b.constant(-logSurface(d)),
    );
  },
  sample: (rng, { mu, kappa: [kappa] }, out) => {
    if (!(kappa >= 0 && kappa < Number.POSITIVE_INFINITY)) return void out.fill(Number.NaN);
    if (out.length > 1) turnFrom(rng, mu, drawBelow(rng, out.length, kappa), out);
    else out[0] = rng.uniform() < sigmoid(2 * kappa) ? mu[0] : -mu[0];
  },
  // The same by noise: z = (1 + t)/2 with t an element of a uniform direction is Beta(h, h).
  attempts: {
    noise: ([d]) => [
      { kind: "normal", shape: [PROPOSALS, d] },
      { kind: "exponential", shape: [PROPOSALS] },
      { kind: "normal", shape: [d] },
    ],
    build: (b, [directions, minusLogU, g], { mu, kappa }, [d]) => {
      if (d < 2) throw new ShapeError("VonMisesFisher is drawn by a guide in two dimensions or more");
      const [one, two, m] = [b.constant(1), b.constant(2), b.constant(d - 1)];
      const lengths = b.sqrt(b.sum(b.square(directions), [1]));
      const t = b.div(b.reshape(b.slice(directions, 1, 0, 1), [PROPOSALS]), lengths);
      const z = halve(b, b.add(one, t));
      const root = b.sqrt(b.add(b.mul(b.constant(4), b.square(kappa)), b.square(m)));
      const scale = b.div(m, b.add(b.mul(two, kappa), root));
      const top = b.div(b.mul(two, scale), b.add(one, scale));
      const below = b.div(b.mul(b.mul(two, scale), z), b.sub(one, b.mul(b.sub(one, scale), z)));
      const ratio = b.div(b.add(top, b.mul(b.sub(one, top), below)), b.mul(top, b.sub(two, top)));
      const log = b.add(b.mul(kappa, b.sub(top, below)), b.mul(m, b.log(ratio)));
      const taken = firstOf(b, b.gt(b.add(minusLogU, log), b.constant(0)), below, top, []);
      return turned(b, mu, taken, b.sqrt(b.mul(taken, b.sub(two, taken))), g);
    },
  },
  // I_{d/2}(κ) / I_{d/2-1}(κ) mu
  mean: (b, { mu, kappa }) => b.mul(mu, b.mul(kappa, b.besselIQuotient(b.constant(shapeOf(mu)[0] / 2 - 1), kappa))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: [0.6, -0.8], params: { mu: [0.28, 0.96], kappa: 1.5 }, logDensity: -3.2366644341249615 },
      { x: [0.6, 0.8], params: { mu: [0.28, 0.96], kappa: 45.5 }, logDensity: -1.9248605285539575 },
      {
        x: [0.2857142857142857, 0.42857142857142855, -0.8571428571428571],
        params: { mu: [0.6, 0, 0.8], kappa: 2.25 },
        logDensity: -4.422918545067577,
      },
      {
        x: [0.6, 0, 0.8],
        params: { mu: [0.2857142857142857, 0.42857142857142855, 0.8571428571428571], kappa: 0 },
        logDensity: -2.5310242469692907,
      },
      {
        x: [0.2857142857142857, 0.42857142857142855, 0.8571428571428571],
        params: { mu: [0.2848422015185343, 0.4286875132853941, 0.8573750265707882], kappa: 25000 },
        logDensity: 8.278405173083971,
      },
      {
        x: [0.22086305214969307, 0.44172610429938614, -0.6625891564490792, 0.11043152607484653, 0.5521576303742327],
        params: {
          mu: [0.17149858514250882, 0.34299717028501764, -0.34299717028501764, 0.5144957554275265, 0.6859943405700353],
          kappa: 7.5,
        },
        logDensity: -0.6109856121440833,
      },
    ],
  },
});

/** 1 + cos θ is 2 Beta(κ + h, h), h = (d - 1)/2; 1 - cos θ from gammas in logarithms, however small it is. */
function drawPower(rng: Rng, d: number, kappa: number): number {
  const h = (d - 1) / 2;
  return 2 * sigmoid(logGamma(rng, h) - logGamma(rng, kappa + h));
}

export const powerSpherical = defineDistribution({
  name: "PowerSpherical",
  doc: "The power spherical on the unit sphere in d >= 2 dimensions (De Cao & Aziz 2020), with mean direction mu and concentration kappa: proportional to (1 + mu'x)^kappa.",
  params,
  support: { constraint: unitVector },
  event: 1,
  eventShape: ({ mu }) => mu,
  // With h = (d-1)/2: κ log(1 + mu'x) - (κ + 2h) log 2 - h log π + log Γ(κ + 2h) - log Γ(κ + h)
  logDensity: (b, x, { mu, kappa }) => {
    const h = (shapeOf(x)[0] - 1) / 2;
    if (h <= 0) throw new ShapeError("PowerSpherical needs two dimensions or more");
    return total(
      b,
      b.mul(kappa, b.sub(b.log(halfSquare(b, b.add(x, mu))), b.constant(LOG_2))),
      logRising(b, b.add(kappa, b.constant(h)), b.constant(h)),
      b.constant(-2 * h * LOG_2 - h * LOG_PI),
    );
  },
  sample: (rng, { mu, kappa: [kappa] }, out) => {
    if (kappa >= 0 && out.length > 1) turnFrom(rng, mu, drawPower(rng, out.length, kappa), out);
    else out.fill(Number.NaN);
  },
  // Reparameterised (De Cao & Aziz 2020, §3): the beta by its quantile at Φ of a normal, the direction of d more by what of them is at right
  // angles to mu. With log odds s of (1 + cos θ)/2, cos θ = tanh(s/2) and sin θ = 1 / cosh(s/2).
  attempts: {
    gradient: "pathwise",
    noise: (shape) => [
      { kind: "normal", shape: [] },
      { kind: "normal", shape },
    ],
    build: (b, [z, g], { mu, kappa }, [d]) => {
      const h = b.constant((d - 1) / 2);
      const s = halve(b, b.betaLogitDraw(b.add(kappa, h), h, z));
      return turned(b, mu, b.sub(b.constant(1), b.tanh(s)), b.reciprocal(b.cosh(s)), g);
    },
  },
  // The mean of cos θ is κ / (κ + 2h).
  mean: (b, { mu, kappa }) => b.mul(mu, b.div(kappa, b.add(kappa, b.constant(shapeOf(mu)[0] - 1)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [0.6, -0.8], params: { mu: [0.28, 0.96], kappa: 1.5 }, logDensity: -3.394986121662877 },
      { x: [0.6, 0.8], params: { mu: [0.28, 0.96], kappa: 45.5 }, logDensity: -0.8337139856462025 },
      {
        x: [0.2857142857142857, 0.42857142857142855, -0.8571428571428571],
        params: { mu: [0.6, 0, 0.8], kappa: 2.25 },
        logDensity: -4.5367535211122165,
      },
      {
        x: [0.6, 0, 0.8],
        params: { mu: [0.2857142857142857, 0.42857142857142855, 0.8571428571428571], kappa: 0 },
        logDensity: -2.5310242469692907,
      },
      {
        x: [0.2857142857142857, 0.42857142857142855, 0.8571428571428571],
        params: { mu: [0.2848422015185343, 0.4286875132853941, 0.8573750265707882], kappa: 25000 },
        logDensity: 7.590472423366751,
      },
      {
        x: [0.22086305214969307, 0.44172610429938614, -0.6625891564490792, 0.11043152607484653, 0.5521576303742327],
        params: {
          mu: [0.17149858514250882, 0.34299717028501764, -0.34299717028501764, 0.5144957554275265, 0.6859943405700353],
          kappa: 7.5,
        },
        logDensity: -1.034983919080211,
      },
    ],
  },
});
