// The regularised incomplete beta function I_x(a, b) in logarithms, as a function of the odds r = x / (1 - x), so that neither x nor 1 - x
// is lost near the ends; I_{1-x}(b, a) = 1 - I_x(a, b), the same function at 1 / r. With derivatives by a and b.
// One of the two, never the larger by much, is found directly. With K = x^a y^b / B(a, b), y = 1 - x, and t / (1 - t) = r e^-u,
//   I = K ∫ exp(-a u - (a + b) log(1 - x (1 - e^-u))) du over u >= 0, and
//   I = K/a (1 + (a+b)/(a+1) x + (a+b)(a+b+1)/((a+1)(a+2)) x² + …) (NIST DLMF 8.17.8 with 15.2.1) for small a, or small x.
// For a < 1 and x so small that x^a is not, 1 - I would lose what it is: there ∫_x^c t^(a-1) (1 - t)^(b-1) dt is integrated term by term.
// Derivatives by a and b are moments of log t and log(1 - t) under these weights, or of the terms: none is approximated by differences.
import type { F64, I32, Local } from "../module.ts";
import { fromTail, type Order } from "./incomplete-gamma.ts";
import {
  exponentialQuotient,
  exponentialRest,
  HALF_LOG_TWO_PI,
  hump,
  humpLanes,
  logMinusDigamma,
  logMinusNextDigamma,
  logRatio,
  stirlingRest,
} from "./pieces.ts";
import { endOf, type Integrand, integrate } from "./quadrature.ts";
import {
  abs,
  add,
  and,
  type Body,
  choose,
  type Definition,
  div,
  type Expression,
  eq,
  ge,
  gt,
  le,
  least,
  lt,
  mul,
  neg,
  not,
  or,
  sub,
} from "./scalar.ts";

/** From here on I is integrated rather than summed, unless the sum is short. */
const INTEGRATED_FROM = 5;
const MOST_TERMS = 3000;
const NEGLIGIBLE = 1e-17;

/** b x - a y: how far x lies above the mean a / (a + b), times a + b. */
const excessOf = (a: F64, b: F64, x: F64, y: F64): F64 => sub(mul(b, x), mul(a, y));

/** log(x^a y^b / B(a, b)), by the humps of x and y over their means and the rests of Stirling's formula. */
const kernel: Definition = {
  name: "log of x^a y^b / B(a, b)",
  arguments: 4,
  results: 1,
  write(g, [a, b, x, y]) {
    const n = g.let(add(a, b));
    const d = g.let(excessOf(a, b, x, y));
    const constant = add(
      mul(0.5, g.math("log", mul(a, div(b, n)))),
      sub(sub(g.call(stirlingRest, n), g.call(stirlingRest, a)), g.call(stirlingRest, b)),
      -HALF_LOG_TWO_PI,
    );
    const deviance = add(
      mul(a, g.call(hump, div(d, a), mul(x, div(n, a)))),
      mul(b, g.call(hump, neg(div(d, b)), mul(y, div(n, b)))),
    );
    g.return(sub(constant, deviance));
  },
};

/** Writes x and y of odds r > 0. */
function coordinates(g: Body, r: F64): { readonly x: Local<"f64">; readonly y: Local<"f64"> } {
  const x = g.let(choose(gt(r, 1), div(1, add(1, div(1, r))), div(r, add(1, r))));
  return { x, y: g.let(div(1, add(1, r))) };
}

/** log(x^a y^b / B(a, b)) at odds r. */
export const betaKernel: Definition = {
  name: "log of x^a y^b / B(a, b) at odds",
  arguments: 3,
  results: 1,
  write(g, [a, b, r]) {
    g.if(or(le(r, 0), ge(r, Infinity)), () => g.return(-Infinity));
    const { x, y } = coordinates(g, r);
    g.return(g.call(kernel, a, b, x, y));
  },
};

/** log x - ψ(a) + ψ(a + b), or with ψ(a + 1). */
const slopeOfKernel = (next: boolean): Definition => ({
  name: `log x - digamma(a${next ? " + 1" : ""}) + digamma(a + b)`,
  arguments: 4,
  results: 1,
  write(g, [a, b, x, y]) {
    const n = g.let(add(a, b));
    const log = g.call(logRatio, x, div(a, n), div(excessOf(a, b, x, y), a));
    g.return(add(log, sub(g.call(next ? logMinusNextDigamma : logMinusDigamma, a), g.call(logMinusDigamma, n))));
  },
});
const [kernelSlope, nextKernelSlope] = [slopeOfKernel(false), slopeOfKernel(true)];

/** log(1 - x (1 - e^-u)) = log(1 + x expm1(-u)) = -u + log(1 + y expm1(u)): by the smaller of x and y, `p`. With excess < 0 that of x over its
 *  mean, phi = excess u - (a + b) (p (e^±u - 1 ∓ u) - hump(p expm1(±u))). Statistics: log t/x and log (1-t)/(1-x). */
const weight = (by: "x" | "y"): Integrand => ({
  name: `incomplete beta by ${by}`,
  parameters: 3,
  statistics: 2,
  write(w, u, [slope, n, p]) {
    const { rest, expm1 } = exponentialRest(w, by === "x" ? w.neg(u) : u);
    const { hump: lost, log } = humpLanes(w, w.mul(p, expm1));
    const phi = w.neg(w.add(w.mul(slope, u), w.mul(n, w.sub(w.mul(p, rest), lost))));
    return { phi, statistics: by === "x" ? [w.neg(w.add(u, log)), w.neg(log)] : [w.neg(log), w.sub(u, log)] };
  },
});
const [weightByX, weightByY] = [weight("x"), weight("y")];

/** Results: a value, derivatives by a and b, second ones by aa, ab, bb. */
const resultsOf = (order: Order): number => [1, 3, 6][order];

/** log(a I / K), x not above its mean by much, and the derivatives by a and b of it. */
const integral = (order: Order): Definition => ({
  name: `integral of the incomplete beta, order ${order}`,
  arguments: 4,
  results: resultsOf(order),
  write(g, [a, b, x, y]) {
    const n = g.let(add(a, b));
    const isShort = and(lt(mul(x, n), mul(0.3, add(a, 1))), lt(x, 0.3));
    g.if(or(lt(a, INTEGRATED_FROM), isShort), () => g.return(...g.results(series(order), a, b, x, y)));
    const slope = g.let(neg(excessOf(a, b, x, y)));
    const odds = g.let(div(y, x));
    const end = endOf(
      g,
      slope,
      mul(n, x, y),
      (u) => sub(neg(mul(a, u)), mul(n, g.math("log1p", mul(x, g.math("expm1", neg(u)))))),
      (u) => sub(a, div(n, add(1, mul(odds, g.math("exp", u))))),
    );
    const finish = (integrand: Integrand, p: F64): void => {
      const [mass, byA, byB, aa, ab, bb] = integrate(g, integrand, order, end, [slope, n, p]);
      const out: F64[] = [g.math("log", mul(a, mass))];
      if (order >= 1) out.push(add(byA, div(1, a)), byB);
      if (order === 2) out.push(sub(aa, div(1, mul(a, a))), ab, bb);
      g.return(...out);
    };
    g.if(lt(x, y), () => finish(weightByX, x));
    finish(weightByY, y);
  },
});

/** Σ t_n, t_n = Π x (a + b + k - 1)/(a + k). Derivatives of log t_n by b: Σ 1/(a + b + k - 1); by a: that less Σ 1/(a + k). */
const series = (order: Order): Definition => ({
  name: `series of the incomplete beta, order ${order}`,
  arguments: 4,
  results: resultsOf(order),
  write(g, [a, b, x]) {
    const term = g.let(1);
    const sum = g.let(1);
    const [byA, byB, aa, ab, bb] = [0, 0, 0, 0, 0].map((zero) => g.let(zero));
    const [slopeA, slopeB, bendA, bendB] = [0, 0, 0, 0].map((zero) => g.let(zero));
    const above = g.let(sub(add(a, b), 1));
    const below = g.let(a);
    g.repeat(MOST_TERMS, () => {
      g.increase(above, 1);
      g.increase(below, 1);
      g.set(term, mul(term, x, div(above, below)));
      g.increase(sum, term);
      if (order >= 1) {
        const up = g.let(div(1, above));
        const down = g.let(div(1, below));
        g.increase(slopeB, up);
        g.increase(slopeA, sub(up, down));
        g.increase(byA, mul(term, slopeA));
        g.increase(byB, mul(term, slopeB));
        if (order === 2) {
          g.set(bendB, sub(bendB, mul(up, up)));
          g.increase(bendA, sub(mul(down, down), mul(up, up)));
          g.increase(aa, mul(term, add(mul(slopeA, slopeA), bendA)));
          g.increase(ab, mul(term, add(mul(slopeA, slopeB), bendB)));
          g.increase(bb, mul(term, add(mul(slopeB, slopeB), bendB)));
        }
      }
      return gt(term, mul(NEGLIGIBLE, sum));
    });
    g.return(...logarithmic(g, order, sum, [byA, byB, aa, ab, bb]));
  },
});

/** The logarithm of a sum and its derivatives from those of the sum. */
function logarithmic(g: Body, order: Order, sum: F64, [byA, byB, aa, ab, bb]: readonly F64[]): F64[] {
  const out: F64[] = [g.math("log", sum)];
  if (order === 0) return out;
  const [p, q] = [g.let(div(byA, sum)), g.let(div(byB, sum))];
  out.push(p, q);
  if (order === 2) out.push(sub(div(aa, sum), mul(p, p)), sub(div(ab, sum), mul(p, q)), sub(div(bb, sum), mul(q, q)));
  return out;
}

/** log I, directly, with derivatives. */
const direct = (order: Order): Definition => ({
  name: `incomplete beta, directly, order ${order}`,
  arguments: 4,
  results: resultsOf(order),
  write(g, [a, b, x, y]) {
    const n = g.let(add(a, b));
    const [value, byA, byB, aa, ab, bb] = g.results(integral(order), a, b, x, y);
    const out: F64[] = [add(sub(g.call(kernel, a, b, x, y), g.math("log", a)), value)];
    if (order >= 1) out.push(add(g.call(nextKernelSlope, a, b, x, y), byA), add(g.call(kernelSlope, b, a, y, x), byB));
    if (order === 2) {
      const shared = g.let(g.math("trigamma", n));
      out.push(add(sub(shared, g.math("trigamma", add(a, 1))), aa), add(shared, ab), add(sub(shared, g.math("trigamma", b)), bb));
    }
    g.return(...out);
  },
});

/** Up to here powers of t under (1 - t)^(b - 1) are integrated term by term. */
const cutOf = (b: F64): F64 => least(0.5, div(1, add(1, b)));

/** log(1 - I) for a < 1 and x below the cut c: with s = x/c, (1 - I) B(a, b) c^-a is
 *  (1 - s^a)/a + Σ_{k>0} c^k (1 - b)_k/k! (1 - s^(a+k))/(a + k) + (1 - c)^b J, where J c^a (1 - c)^b = ∫_c^1. */
const nearZero = (order: Order): Definition => ({
  name: `complement of the incomplete beta near zero, order ${order}`,
  arguments: 4,
  results: resultsOf(order),
  write(g, [a, b, x]) {
    const cut = g.let(cutOf(b));
    const above = g.let(sub(1, cut));
    const s = g.let(div(x, cut));
    const logS = g.let(g.math("log", s));
    const v = g.let(mul(a, logS));
    const [zeroth, first, second] = g.results(exponentialQuotient, v);
    const sum = g.let(neg(mul(logS, zeroth)));
    const byA = g.let(neg(mul(logS, logS, first)));
    const aa = g.let(neg(mul(logS, logS, logS, second)));
    const [byB, ab, bb] = [0, 0, 0].map((zero) => g.let(zero));
    const power = g.let(g.math("exp", v));
    // c^k (1 - b)_k / k! and its derivatives by b
    const [coefficient, slope, bend] = [1, 0, 0].map((start) => g.let(start));
    const k = g.let(0);
    g.repeat(200, () => {
      g.increase(k, 1);
      const factor = g.let(div(mul(cut, sub(k, b)), k));
      const step = g.let(div(cut, k));
      if (order === 2) g.set(bend, sub(mul(bend, factor), mul(2, slope, step)));
      if (order >= 1) g.set(slope, sub(mul(slope, factor), mul(coefficient, step)));
      g.set(coefficient, mul(coefficient, factor));
      g.set(power, mul(power, s));
      const n = g.let(add(a, k));
      const term = g.let(div(sub(1, power), n));
      g.increase(sum, mul(coefficient, term));
      if (order >= 1) {
        const down = g.let(neg(div(add(mul(power, logS), term), n)));
        g.increase(byA, mul(coefficient, down));
        g.increase(byB, mul(slope, term));
        if (order === 2) {
          g.increase(aa, neg(mul(coefficient, div(add(mul(power, logS, logS), mul(2, down)), n))));
          g.increase(ab, mul(slope, down));
          g.increase(bb, mul(bend, term));
        }
      }
      return gt(add(abs(coefficient), order === 0 ? 0 : add(abs(slope), abs(bend))), NEGLIGIBLE);
    });
    // The rest: the incomplete beta of (b, a) at 1 - c, without its kernel.
    const [rest, restB, restA, restBB, restAB, restAA] = g.results(integral(order), b, a, above, cut);
    const logAbove = g.let(g.math("log1p", neg(cut)));
    const mass = g.let(div(g.math("exp", add(mul(b, logAbove), rest)), b));
    g.increase(sum, mass);
    if (order >= 1) {
      // b J = exp(rest): J has the factor 1/b too
      const p = g.let(restA);
      const q = g.let(sub(add(restB, logAbove), div(1, b)));
      g.increase(byA, mul(mass, p));
      g.increase(byB, mul(mass, q));
      if (order === 2) {
        g.increase(aa, mul(mass, add(restAA, mul(p, p))));
        g.increase(ab, mul(mass, add(restAB, mul(p, q))));
        g.increase(bb, mul(mass, add(restBB, div(1, mul(b, b)), mul(q, q))));
      }
    }
    const [value, ...derivatives] = logarithmic(g, order, sum, [byA, byB, aa, ab, bb]);
    const n = g.let(add(a, b));
    const out: F64[] = [sub(add(g.call(kernel, a, b, cut, above), value), mul(b, logAbove))];
    if (order >= 1)
      out.push(
        add(g.call(kernelSlope, a, b, cut, above), derivatives[0]),
        add(sub(g.call(kernelSlope, b, a, above, cut), logAbove), derivatives[1]),
      );
    if (order === 2) {
      const shared = g.let(g.math("trigamma", n));
      out.push(
        add(sub(shared, g.math("trigamma", a)), derivatives[2]),
        add(shared, derivatives[3]),
        add(sub(shared, g.math("trigamma", b)), derivatives[4]),
      );
    }
    g.return(...out);
  },
});

/** log of the smaller of I and 1 - I (roughly), whether it is I (1) or 1 - I (0), and derivatives. 0 < r < ∞. */
const smallerBeta = (order: Order): Definition => ({
  name: `smaller incomplete beta, order ${order}`,
  arguments: 3,
  results: 1 + resultsOf(order),
  write(g, [a, b, r]) {
    const { x, y } = coordinates(g, r);
    const swapped = ([value, byB, byA, bb, ab, aa]: readonly Expression[]): Expression[] =>
      [value, byA, byB, aa, ab, bb].slice(0, resultsOf(order));
    const logBeta = sub(add(g.math("lgamma", a), g.math("lgamma", b)), g.math("lgamma", add(a, b)));
    const lower = (): void => g.return(1, ...g.results(direct(order), a, b, x, y));
    const upper = (): void => g.return(0, ...swapped(g.results(direct(order), b, a, y, x)));
    // I is near x^a / (a B(a, b)) below the cut, and 1 - I likewise.
    const isLarge = (shape: F64, v: F64): I32 =>
      gt(sub(sub(mul(shape, g.math("log", v)), g.math("log", shape)), logBeta), -Math.LN2);
    g.if(and(lt(a, 1), lt(x, cutOf(b))), () => {
      g.if(isLarge(a, x), () => g.return(0, ...g.results(nearZero(order), a, b, x, y)));
      lower();
    });
    g.if(and(lt(b, 1), lt(y, cutOf(a))), () => {
      g.if(isLarge(b, y), () => g.return(1, ...swapped(g.results(nearZero(order), b, a, y, x))));
      upper();
    });
    g.if(le(excessOf(a, b, x, y), 0), lower);
    upper();
  },
});

/** What of the results a function gives, and of its two factors (for a complement's second derivative). */
interface Part {
  readonly order: Order;
  readonly by: readonly number[];
}

const betaFunction = (name: string, { order, by }: Part): Definition => ({
  name,
  arguments: 3,
  results: 1,
  write(g, [a, b, r]) {
    const valid = and(and(gt(a, 0), lt(a, Infinity)), and(and(gt(b, 0), lt(b, Infinity)), ge(r, 0)));
    g.if(not(valid), () => g.return(Number.NaN));
    g.if(eq(r, 0), () => {
      // log I ~ a log x + log Γ(a + b)/(Γ(a + 1) Γ(b)) near 0
      if (order === 0 || (order === 1 && by[0] === 1)) g.return(-Infinity);
      else {
        const n = g.let(add(a, b));
        if (order === 1) g.return(sub(g.math("digamma", n), g.math("digamma", b)));
        else {
          const own = by[0] !== by[1] ? 0 : g.math("trigamma", by[0] === 1 ? add(a, 1) : b);
          g.return(sub(g.math("trigamma", n), own));
        }
      }
    });
    g.if(ge(r, Infinity), () => g.return(0));
    const [lower, value, byA, byB, aa, ab, bb] = g.results(smallerBeta(order), a, b, r);
    const first = [byA, byB];
    if (order === 0) return fromTail(g, lower, [value], 0);
    if (order === 1) return fromTail(g, lower, [value, first[by[0] - 1]], 1);
    const second = by[0] !== by[1] ? ab : by[0] === 1 ? aa : bb;
    fromTail(g, lower, [value, first[by[0] - 1], second, first[by[1] - 1]], 2, true);
  },
});

export const betaFunctions = {
  logBetaI: betaFunction("log I", { order: 0, by: [] }),
  logBetaISlopeA: betaFunction("d log I / da", { order: 1, by: [1] }),
  logBetaISlopeB: betaFunction("d log I / db", { order: 1, by: [2] }),
  logBetaIBendAA: betaFunction("d2 log I / da2", { order: 2, by: [1, 1] }),
  logBetaIBendAB: betaFunction("d2 log I / da db", { order: 2, by: [1, 2] }),
  logBetaIBendBB: betaFunction("d2 log I / db2", { order: 2, by: [2, 2] }),
} as const;

/** d log I / d odds = x^a (1 - x)^b / (B(a, b) I r), at r = 0 its limit. */
export const logBetaIRate: Definition = {
  name: "rate of log I",
  arguments: 3,
  results: 1,
  write(g, [a, b, r]) {
    const log = g.let(g.call(betaFunctions.logBetaI, a, b, r));
    g.if(eq(r, 0), () => g.return(neg(log)));
    g.if(ge(r, Infinity), () => g.return(log));
    g.return(div(g.math("exp", sub(g.call(betaKernel, a, b, r), log)), r));
  },
};
