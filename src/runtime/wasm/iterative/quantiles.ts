// Quantiles of the gamma and the beta distribution. log P(a, e^s) and log I are concave in s = log x, and s = log odds, as their densities are
// log-concave there; so Newton's method for log P = log p finds the root from anywhere: after one step from the side of it where the
// function is steeper than its chord, each iterate is on that side and nearer. Above the median the other tail is solved for.
import type { F64, Local } from "../module.ts";
import { betaFunctions, betaKernel } from "./incomplete-beta.ts";
import { gammaFunctions, gammaKernel } from "./incomplete-gamma.ts";
import {
  abs,
  add,
  and,
  type Body,
  type Definition,
  div,
  eq,
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

const MOST_STEPS = 200;
/** The error after a step is its square times a curvature of 1e3 or so: nothing is left of it. */
const LAST_STEP = 1e-11;
/** Log of what is nothing beside 1. */
const NOTHING = -40;

/** x > 0 with log F(x) = target, from x; `sign` is that of the slope of log F. */
function solve(b: Body, x: Local<"f64">, target: F64, sign: 1 | -1, log: (x: F64) => F64, kernel: (x: F64) => F64): void {
  b.repeat(MOST_STEPS, () => {
    const l = b.let(log(x));
    // d log F / d log x = ±kernel / F
    const slope = b.let(b.math("exp", sub(kernel(x), l)));
    const step = b.let(div(sub(target, l), sign === 1 ? slope : neg(slope)));
    b.set(x, mul(x, b.math("exp", step)));
    return and(gt(abs(step), LAST_STEP), and(gt(x, 0), lt(x, Infinity)));
  });
}

/** P(a, x) = p for `lower`, else Q(a, x) = p. */
const gammaQuantile = (lower: boolean): Definition => ({
  name: lower ? "quantile of the gamma" : "upper quantile of the gamma",
  arguments: 2,
  results: 1,
  write(b, [a, p]) {
    b.if(not(and(and(gt(a, 0), lt(a, Infinity)), and(ge(p, 0), le(p, 1)))), () => b.return(Number.NaN));
    b.if(eq(p, 0), () => b.return(lower ? 0 : Infinity));
    b.if(eq(p, 1), () => b.return(lower ? Infinity : 0));
    // log x has the mean ψ(a) and the variance ψ'(a).
    const spread = sqrt(b.math("trigamma", a));
    const z = b.math("normalQuantile", p);
    const start = b.let(add(b.math("digamma", a), mul(spread, lower ? z : neg(z))));
    // Q is below exp(-t) from a + 2 t + 2 √(a t) on (Laurent and Massart 2000, lemma 1, for chi squares).
    const tail = b.let(lower ? neg(b.math("log1p", neg(p))) : neg(b.math("log", p)));
    const far = b.math("log", add(a, mul(2, tail), mul(2, sqrt(mul(a, tail))), 1e-10));
    const x = b.let(b.math("exp", most(-700, least(start, far))));
    const isLower = lower ? le(p, 0.5) : gt(p, 0.5);
    const [own, other] = [b.let(b.math("log", p)), b.let(b.math("log1p", neg(p)))];
    const kernel = (v: F64): F64 => b.call(gammaKernel, a, v);
    b.if(
      isLower,
      () => solve(b, x, lower ? own : other, 1, (v) => b.call(gammaFunctions.logGammaP, a, v), kernel),
      () => solve(b, x, lower ? other : own, -1, (v) => b.call(gammaFunctions.logGammaQ, a, v), kernel),
    );
    b.return(x);
  },
});

/** Odds r with I(a, b) = p at r. */
const betaQuantile: Definition = {
  name: "quantile of the beta, as odds",
  arguments: 3,
  results: 1,
  write(g, [a, b, p]) {
    const valid = and(and(gt(a, 0), lt(a, Infinity)), and(gt(b, 0), lt(b, Infinity)));
    g.if(not(and(valid, and(ge(p, 0), le(p, 1)))), () => g.return(Number.NaN));
    g.if(eq(p, 0), () => g.return(0));
    g.if(eq(p, 1), () => g.return(Infinity));
    // The log odds have the mean ψ(a) - ψ(b) and the variance ψ'(a) + ψ'(b).
    const spread = sqrt(add(g.math("trigamma", a), g.math("trigamma", b)));
    const start = add(sub(g.math("digamma", a), g.math("digamma", b)), mul(spread, g.math("normalQuantile", p)));
    const r = g.let(g.math("exp", most(-700, least(start, 700))));
    const kernel = (v: F64): F64 => g.call(betaKernel, a, b, v);
    g.if(
      le(p, 0.5),
      () => solve(g, r, g.let(g.math("log", p)), 1, (v) => g.call(betaFunctions.logBetaI, a, b, v), kernel),
      () => solve(g, r, g.let(g.math("log1p", neg(p))), -1, (v) => g.call(betaFunctions.logBetaI, b, a, div(1, v)), kernel),
    );
    g.return(r);
  },
};

/** log x with P(a, x) = Φ(z): a draw of the gamma, in logarithms since those of small shapes are beyond the doubles. */
const logGammaDraw: Definition = {
  name: "log of a gamma draw of a normal",
  arguments: 2,
  results: 1,
  write(b, [a, z]) {
    b.if(not(and(and(gt(a, 0), lt(a, Infinity)), le(abs(z), Infinity))), () => b.return(Number.NaN));
    b.if(ge(abs(z), Infinity), () => b.return(z));
    // P = x^a / Γ(a + 1) (1 - a x / (a + 1) + …) <= x^a / Γ(a + 1): the root is not below s.
    const s = b.let(div(add(b.math("logNormalCdf", z), b.math("lgamma", add(a, 1))), a));
    b.if(lt(s, -40), () => b.return(s));
    // Above the median it is not above this (as in gammaQuantile).
    const tail = b.let(neg(b.math("logNormalCdf", neg(z))));
    const far = b.let(b.math("log", add(a, mul(2, tail), mul(2, sqrt(mul(a, tail))))));
    // Wilson and Hilferty 1931: the cube root is nearly normal.
    const root = b.let(add(sub(1, div(1, mul(9, a))), div(z, mul(3, sqrt(a)))));
    b.if(and(gt(a, 0.5), gt(root, 0.3)), () => b.set(s, add(b.math("log", a), mul(3, b.math("log", root)))));
    const newton = (sign: 1 | -1, log: Definition): void => {
      const target = b.let(b.math("logNormalCdf", sign === 1 ? z : neg(z)));
      b.repeat(MOST_STEPS, () => {
        const x = b.let(b.math("exp", s));
        const l = b.let(b.call(log, a, x));
        const slope = b.math("exp", sub(b.call(gammaKernel, a, x), l));
        const step = b.let(mul(sign, div(sub(target, l), slope)));
        b.set(s, sign === 1 ? add(s, step) : least(add(s, step), far));
        // The curvature of log F is below its slope, and that below a + x.
        return gt(mul(step, step, add(1, a, x)), 1e-17);
      });
    };
    b.if(
      le(z, 0),
      () => newton(1, gammaFunctions.logGammaP),
      () => newton(-1, gammaFunctions.logGammaQ),
    );
    b.return(s);
  },
};

/** log odds with I(a, b) = Φ(z): a draw of the beta. */
const betaLogitDraw: Definition = {
  name: "log odds of a beta draw of a normal",
  arguments: 3,
  results: 1,
  write(g, [a, b, z]) {
    const valid = and(and(gt(a, 0), lt(a, Infinity)), and(gt(b, 0), lt(b, Infinity)));
    g.if(not(and(valid, le(abs(z), Infinity))), () => g.return(Number.NaN));
    g.if(ge(abs(z), Infinity), () => g.return(z));
    // Far below, at odds beside which 1 and b times them are nothing, I = x^a / (a B(a, b)): log I is linear there, and known at the edge. Far
    // above, the same of 1 - I.
    const beyond = (shape: F64, other: F64, target: F64): { readonly edge: F64; readonly root: F64 } => {
      const edge = g.let(sub(NOTHING, g.math("log1p", other)));
      const there = sub(g.call(betaKernel, shape, other, g.math("exp", edge)), g.math("log", shape));
      return { edge, root: g.let(add(edge, div(sub(target, there), shape))) };
    };
    const low = beyond(a, b, g.math("logNormalCdf", z));
    g.if(lt(low.root, low.edge), () => g.return(low.root));
    const high = beyond(b, a, g.math("logNormalCdf", neg(z)));
    g.if(lt(high.root, high.edge), () => g.return(neg(high.root)));
    const spread = sqrt(add(g.math("trigamma", a), g.math("trigamma", b)));
    const start = add(sub(g.math("digamma", a), g.math("digamma", b)), mul(spread, z));
    const s = g.let(most(low.edge, least(start, neg(high.edge))));
    const newton = (sign: 1 | -1): void => {
      const target = g.let(g.math("logNormalCdf", sign === 1 ? z : neg(z)));
      g.repeat(MOST_STEPS, () => {
        const r = g.let(g.math("exp", sign === 1 ? s : neg(s)));
        const [p, q] = sign === 1 ? [a, b] : [b, a];
        const l = g.let(g.call(betaFunctions.logBetaI, p, q, r));
        const slope = g.math("exp", sub(g.call(betaKernel, p, q, r), l));
        const step = g.let(div(sub(target, l), slope));
        g.increase(s, sign === 1 ? step : neg(step));
        return gt(mul(step, step, add(1, a, b)), 1e-17);
      });
    };
    g.if(
      le(z, 0),
      () => newton(1),
      () => newton(-1),
    );
    g.return(s);
  },
};

export const quantiles = {
  betaLogitDraw,
  logGammaDraw,
  gammaQuantile: gammaQuantile(true),
  gammaUpperQuantile: gammaQuantile(false),
  betaQuantile,
} as const;
