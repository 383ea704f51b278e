// The LKJ on correlation matrices and on their Cholesky factors.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { beta as betaDraw } from "../../runtime/numeric/samplers.ts";
import { choleskyCorr, corr } from "../constraints/correlation.ts";
import { defineDistribution } from "./define.ts";
import { diagonal } from "./multi-normal.ts";
import { positiveNumber } from "./params.ts";
import { LOG_PI } from "./standardise.ts";

const shape = positiveNumber("shape: 1 is uniform, larger is nearer to the identity");
const vector = (b: Builder, k: number, f: (i: number) => number): Value =>
  b.tensor(
    Float64Array.from({ length: k }, (_, i) => f(i)),
    [k],
  );

/** Lewandowski, Kurowicka & Joe (2009), theorem 5 in its gamma form: Σ_{m=1}^{K-1} [log Γ(η + (K-1)/2) - log Γ(η + (K-1-m)/2) - m/2 log π]. */
function logConstant(b: Builder, eta: Value, k: number): Value {
  if (k === 1) return b.constant(0);
  const parts = b.sum(
    b.lgamma(
      b.add(
        eta,
        vector(b, k - 1, (m) => (k - 2 - m) / 2),
      ),
    ),
  );
  const whole = b.mul(b.constant(k - 1), b.lgamma(b.add(eta, b.constant((k - 1) / 2))));
  return b.sub(b.sub(whole, parts), b.constant((k * (k - 1) * LOG_PI) / 4));
}

/** Partial correlations of column j (from 0) are 2 Beta(c, c) - 1, c = η + (K - 2 - j) / 2 (ibid., §2.4), laid out as in the constraint. */
function drawFactor(rng: Rng, eta: number, k: number, out: Float64Array): void {
  out.fill(0);
  out[0] = 1;
  for (let i = 1; i < k; i++) {
    let rest = 1;
    for (let j = 0; j < i; j++) {
      const c = eta + (k - 2 - j) / 2;
      // Not so near to 0 that 2p - 1 is -1 and the matrix singular.
      const p = Math.max(betaDraw(rng, c, c), Number.EPSILON / 2);
      out[i * k + j] = (2 * p - 1) * rest;
      rest *= 2 * Math.sqrt(p * (1 - p));
    }
    out[i * k + i] = rest;
  }
}

export const lkjCholesky = defineDistribution({
  name: "LkjCholesky",
  aliases: ["LkjCorrCholesky"],
  doc: "Cholesky factors of correlation matrices that are LkjCorr(eta): proportional to prod L[k,k]^(K - k + 2 eta - 2).",
  params: { eta: shape },
  support: { constraint: choleskyCorr },
  event: 2,
  logDensity: (b, x, { eta }) => {
    const [k] = shapeOf(x);
    // With k from 0: K - 3 - k + 2η. The first diagonal element is 1.
    const powers = b.add(
      vector(b, k, (i) => k - 3 - i),
      b.mul(b.constant(2), eta),
    );
    return b.add(b.sum(b.mul(powers, b.log(diagonal(b, x)))), logConstant(b, eta, k));
  },
  sample: (rng, { eta }, out) => drawFactor(rng, eta[0], Math.round(Math.sqrt(out.length)), out),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [1, 0, -0.28, 0.96], xShape: [2, 2], params: { eta: 2 }, logDensity: -0.36932606149229125 },
      {
        x: [1, 0, 0, 0.6, 0.8, 0, 0.2857142857142857, -0.42857142857142855, 0.8571428571428571],
        xShape: [3, 3],
        params: { eta: 1 },
        logDensity: -1.8194561424530646,
      },
      {
        x: [1, 0, 0, 0.6, 0.8, 0, 0.2857142857142857, -0.42857142857142855, 0.8571428571428571],
        xShape: [3, 3],
        params: { eta: 0.5 },
        logDensity: -2.3768735671420322,
      },
      {
        x: [1, 0, 0, 0.6, 0.8, 0, 0.2857142857142857, -0.42857142857142855, 0.8571428571428571],
        xShape: [3, 3],
        params: { eta: 7.5 },
        logDensity: -3.8060544681495467,
      },
    ],
  },
});

export const lkjCorr = defineDistribution({
  name: "LkjCorr",
  doc: "Correlation matrices with density proportional to det(x)^(eta - 1).",
  params: { eta: shape },
  support: { constraint: corr },
  event: 2,
  logDensity: (b, x, { eta }) => {
    const [k] = shapeOf(x);
    const logRoot = b.sum(b.log(diagonal(b, b.cholesky(x))));
    return b.add(b.mul(b.mul(b.constant(2), b.sub(eta, b.constant(1))), logRoot), logConstant(b, eta, k));
  },
  sample: (rng, { eta }, out) => {
    const k = Math.round(Math.sqrt(out.length));
    const l = new Float64Array(k * k);
    drawFactor(rng, eta[0], k, l);
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++) {
        let s = 0;
        for (let m = 0; m <= Math.min(i, j); m++) s += l[i * k + m] * l[j * k + m];
        out[i * k + j] = i === j ? 1 : s;
      }
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [1, -0.28, -0.28, 1], xShape: [2, 2], params: { eta: 2 }, logDensity: -0.3693260614922912 },
      { x: [1, 0.5, -0.25, 0.5, 1, 0.125, -0.25, 0.125, 1], xShape: [3, 3], params: { eta: 1 }, logDensity: -1.596312591138855 },
      {
        x: [1, 0.5, -0.25, 0.5, 1, 0.125, -0.25, 0.125, 1],
        xShape: [3, 3],
        params: { eta: 0.5 },
        logDensity: -2.308368738641609,
      },
      {
        x: [1, 0.5, -0.25, 0.5, 1, 0.125, -0.25, 0.125, 1],
        xShape: [3, 3],
        params: { eta: 7.5 },
        logDensity: -1.5726075202561185,
      },
    ],
  },
});
