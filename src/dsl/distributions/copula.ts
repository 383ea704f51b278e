// Dependence apart from margins: the Gaussian copula.
import { choleskyCorr } from "../constraints/correlation.ts";
import { unit } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { logDiagonal, solveLower, times } from "./multi-normal.ts";
import { oneNoise } from "./params.ts";
import { halve } from "./standardise.ts";

export const gaussianCopula = defineDistribution({
  name: "GaussianCopulaCholesky",
  doc: "The Gaussian copula with the correlation L L': the distribution of Phi(z), z ~ MultiNormalCholesky(0, L); each element by itself is uniform.",
  params: { L: { constraint: choleskyCorr, rank: 2, doc: "lower factor of the correlation" } },
  support: { constraint: unit },
  event: 1,
  eventShape: ({ L }) => [L[0]],
  logDensity: (b, x, { L }) => {
    const z = b.normalQuantile(x);
    return b.sub(halve(b, b.sub(b.sum(b.square(z)), b.sum(b.square(solveLower(b, L, z))))), logDiagonal(b, L));
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [z], { L }) => b.exp(b.logNormalCdf(times(b, L, z))),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [0.125, 0.75], params: { L: [1, 0, -0.28, 0.96] }, paramShapes: { L: [2, 2] }, logDensity: 0.2009182074458715 },
      { x: [0.3, 0.999], params: { L: [1, 0, -0.28, 0.96] }, paramShapes: { L: [2, 2] }, logDensity: 0.11528357735245993 },
      {
        x: [0.25, 0.625, 0.0625],
        params: { L: [1, 0, 0, 0.6, 0.8, 0, 0.2857142857142857, -0.42857142857142855, 0.8571428571428571] },
        paramShapes: { L: [3, 3] },
        logDensity: 0.5767974617229554,
      },
      {
        x: [0.9375, 1e-6, 0.4],
        params: { L: [1, 0, 0, 0.6, 0.8, 0, 0.2857142857142857, -0.42857142857142855, 0.8571428571428571] },
        paramShapes: { L: [3, 3] },
        logDensity: -22.918826518969873,
      },
    ],
  },
});
