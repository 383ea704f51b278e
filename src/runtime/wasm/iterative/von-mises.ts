// Arcs of the von Mises with mean direction 0: probabilities of from < t <= to in logarithms, their derivative by κ, and quantiles.
// An arc is cut at 0 and π, and what lies on the left of 0 is reflected: each piece lies between 0 and π, where the density falls from its left end on.
// With t = a + u its exponent is κ (cos t - cos a) = -2 κ sin(u/2) sin(a + u/2). A probability is that of the arc beside that of the rest of the circle,
// found in the same way: neither cancels.
import { solveLog } from "./newton.ts";
import { CUT, type Integrand, integrate } from "./quadrature.ts";
import {
  abs,
  add,
  and,
  choose,
  type Definition,
  div,
  type Expression,
  eq,
  floor,
  ge,
  gt,
  le,
  least,
  lt,
  most,
  mul,
  neg,
  not,
  sqrt,
  sub,
} from "./scalar.ts";

const PI = Math.PI;

/** Parameters: a, κ. The statistic is cos t - cos a. */
const weight: Integrand = {
  name: "piece of the von Mises",
  parameters: 2,
  statistics: 1,
  write(w, u, [a, kappa]) {
    const half = w.mul(w.constant(0.5), u);
    const fall = w.mul(w.constant(-2), w.mul(w.call("sin", half), w.call("sin", w.add(a, half))));
    return { phi: w.mul(kappa, fall), statistics: [fall] };
  },
};

/** log ∫ exp(κ (cos t - 1)) and the mean of cos t - 1 under it, over a <= t <= b, 0 <= a <= b <= π. */
const piece: Definition = {
  name: "piece of the von Mises",
  arguments: 3,
  results: 2,
  write(g, [a, b, kappa]) {
    g.if(not(gt(b, a)), () => g.return(-Infinity, 0));
    // Where the exponent is -CUT: sin²(t/2) = sin²(a/2) + CUT / 2κ.
    const [sine, cosine] = [g.let(g.math("sin", mul(0.5, a))), g.let(g.math("cos", mul(0.5, a)))];
    const square = g.let(mul(sine, sine));
    const more = g.let(div(CUT / 2, kappa));
    const reached = g.let(add(square, more));
    const length = g.let(sub(b, a));
    g.if(lt(reached, 1), () => {
      // The difference of two arc sines
      const share = div(more, add(mul(sqrt(reached), cosine), mul(sine, sqrt(sub(1, reached)))));
      g.set(length, least(length, mul(2, g.math("asin", least(1, share)))));
    });
    const [mass, mean] = integrate(g, weight, 1, length, [a, kappa]);
    const start = g.let(mul(-2, square));
    g.return(add(mul(kappa, start), g.math("log", mass)), add(start, mean));
  },
};

/** The same over from <= t <= to, -π <= from and to - from <= 2π. */
const arc: Definition = {
  name: "arc of the von Mises",
  arguments: 3,
  results: 2,
  write(g, [from, to, kappa]) {
    const [log, mean] = [g.let(-Infinity), g.let(0)];
    const include = (a: Expression, b: Expression): void => {
      const [l, m] = g.results(piece, a, b, kappa);
      g.if(gt(l, -Infinity), () => {
        const larger = g.let(most(log, l));
        const [own, other] = [g.let(g.math("exp", sub(log, larger))), g.let(g.math("exp", sub(l, larger)))];
        const both = g.let(add(own, other));
        g.set(mean, div(add(mul(own, mean), mul(other, m)), both));
        g.set(log, add(larger, g.math("log", both)));
      });
    };
    // Half circles from -π, 0, π, 2π on. Beside 0 and 2π nothing is lost.
    for (let k = -1; k <= 2; k++) {
      const [a, b] = [g.let(most(from, k * PI)), g.let(least(to, (k + 1) * PI))];
      const isForward = k % 2 === 0;
      g.if(gt(b, a), () =>
        isForward ? include(sub(a, k * PI), sub(b, k * PI)) : include(sub((k + 1) * PI, b), sub((k + 1) * PI, a)),
      );
    }
    g.return(log, mean);
  },
};

/** Both arcs: of from < t <= to, and the rest. */
const arcs = (ofSlope: boolean): Definition => ({
  name: `log of an arc's probability${ofSlope ? ", its slope by kappa" : ""}`,
  arguments: 3,
  results: 1,
  write(g, [from, to, kappa]) {
    const length = g.let(sub(to, from));
    // Ends that met may have been rounded past each other.
    const isArc = and(ge(length, -1e-9), le(length, 2 * PI + 1e-9));
    g.if(not(and(and(isArc, lt(abs(from), 1e9)), and(ge(kappa, 0), lt(kappa, Infinity)))), () => g.return(Number.NaN));
    const turns = g.let(mul(2 * PI, floor(div(add(from, PI), 2 * PI))));
    const begin = g.let(most(-PI, sub(from, turns)));
    const end = g.let(sub(to, turns));
    const [own, ownMean] = g.results(arc, begin, end, kappa);
    const [rest, restMean] = g.results(arc, end, add(begin, 2 * PI), kappa);
    if (!ofSlope) {
      g.return(neg(g.math("softplus", sub(rest, own))));
      return;
    }
    g.return(mul(g.math("sigmoid", sub(rest, own)), sub(ownMean, restMean)));
  },
});

/** t, -π <= t <= 0, with log P(-π < T <= t) = l, l <= log ½ */
const vonMisesQuantile: Definition = {
  name: "quantile of the von Mises",
  arguments: 2,
  results: 1,
  write(g, [kappa, l]) {
    g.if(not(and(and(ge(kappa, 0), lt(kappa, Infinity)), le(l, 0))), () => g.return(Number.NaN));
    g.if(ge(l, -Math.LN2), () => g.return(0));
    g.if(eq(l, -Infinity), () => g.return(-PI));
    const pi = g.let(PI);
    const [half] = g.results(piece, 0, pi, kappa);
    const p = g.let(g.math("exp", l));
    const uniform = mul(PI, sub(mul(2, p), 1));
    const normal = div(g.math("normalQuantile", p), sqrt(kappa));
    const t = g.let(most(-PI, choose(lt(kappa, 1), uniform, normal)));
    const whole = g.let(add(half, Math.LN2));
    solveLog(
      g,
      t,
      [-PI, 0],
      l,
      (x) => sub(g.results(piece, neg(x), pi, kappa)[0], whole),
      (x, log) => {
        const sine = g.let(g.math("sin", mul(0.5, x)));
        return g.math("exp", sub(sub(mul(-2, kappa, sine, sine), whole), log));
      },
    );
    g.return(t);
  },
};

export const vonMisesFunctions = { logVonMisesArc: arcs(false), logVonMisesArcSlope: arcs(true), vonMisesQuantile } as const;
