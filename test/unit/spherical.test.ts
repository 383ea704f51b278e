// Distributions on spheres: their mass in many dimensions, and models of directions by every kind of engine, against closed forms.
import { describe, expect, test } from "vitest";
import { apply } from "../../src/dsl/distributions/applied.ts";
import { powerSpherical, vonMisesFisher } from "../../src/dsl/distributions/spherical.ts";

import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { lgamma } from "../../src/runtime/numeric/math.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { bound } from "./model-under-test.ts";

describe.each([vonMisesFisher, powerSpherical])("$name", (d) => {
  // ∫ f dS = S_{d-2} ∫ f(t) (1 - t²)^{(d-3)/2} dt, t = tanh v: (1 - t²)^{(d-1)/2} dv, by the trapezoidal rule.
  const step = 1 / 64;
  test.each([2, 3, 5, 40, 300].flatMap((n) => [0, 0.3, 40, 2500].map((kappa) => ({ n, kappa }))))(
    "mass 1 in $n dimensions, concentration $kappa",
    ({ n, kappa }) => {
      const v = Float64Array.from({ length: 2 * (32 / step) + 1 }, (_, i) => -32 + i * step);
      const points = Float64Array.from({ length: v.length * n }, (_, e) => {
        const [i, k] = [Math.floor(e / n), e % n];
        return k === 0 ? Math.tanh(v[i]) : k === 1 ? 1 / Math.cosh(v[i]) : 0;
      });
      const b = createBuilder();
      const mu = b.tensor(
        Float64Array.from({ length: n }, (_, k) => (k === 0 ? 1 : 0)),
        [n],
      );
      const log = apply(b, d, { mu, kappa: b.constant(kappa) }).logDensity(b, b.tensor(points, [v.length, n]));
      const [density] = interpret([log], {});
      const logSurface = Math.LN2 + ((n - 1) / 2) * Math.log(Math.PI) - lgamma((n - 1) / 2);
      const mass = density.reduce((m, l, i) => m + step * Math.exp(l + logSurface - (n - 1) * Math.log(Math.cosh(v[i]))), 0);
      expect(mass).toBeCloseTo(1, 9);
    },
  );
});

// Twelve directions around (2, 3, -6)/7.
const directions = (() => {
  const rng = stream(2, "directions");
  return Array.from({ length: 12 }, () => {
    const x = [2, 3, -6].map((m) => m / 7 + 0.4 * rng.normal());
    const length = Math.sqrt(x.reduce((s, v) => s + v * v, 0));
    return x.map((v) => v / length);
  });
})();
const CONCENTRATION = 5.5;
const text = `
  data x: unit_vector[N, 3]
  mu: unit_vector[3] ~ VonMisesFisher([1, 0, 0], 0)
  for n in 1..N { x[n] ~ VonMisesFisher(mu, ${CONCENTRATION}) }
`;
/** The posterior is a von Mises-Fisher about the sum of the directions; normalisers in three dimensions are elementary. */
const exact = (() => {
  const sum = [0, 1, 2].map((k) => directions.reduce((s, x) => s + x[k], 0));
  const length = Math.sqrt(sum.reduce((s, v) => s + v * v, 0));
  const logSinh = (z: number): number => z + Math.log1p(-Math.exp(-2 * z)) - Math.LN2;
  const kappa = CONCENTRATION * length;
  const logNormaliser = Math.log(CONCENTRATION / (4 * Math.PI)) - logSinh(CONCENTRATION);
  return {
    evidence: directions.length * logNormaliser + logSinh(kappa) - Math.log(kappa),
    mean: sum.map((s) => (s / length) * (1 / Math.tanh(kappa) - 1 / kappa)),
  };
})();

describe("directions around an unknown one", () => {
  // Means are within 5 standard errors; R-hat and the rest are for other tests.
  test.each(["nuts", "hmc", "smc", "laplace", "pathfinder"])("%s", async (engine) => {
    const fit = await (await bound(text, { x: directions })).run(engine, { seed: 1 });
    const rows = fit.summary();
    exact.mean.forEach((m, k) => {
      // The normal in three coordinates is not the posterior's shape.
      const tolerance = engine === "laplace" ? 0.05 : 5 * rows[k].mcseMean;
      expect(Math.abs(rows[k].mean - m), `mu[${k + 1}]`).toBeLessThan(tolerance);
    });
    if (engine === "smc" && fit.evidence) expect(Math.abs(fit.evidence.mean - exact.evidence) / fit.evidence.se).toBeLessThan(5);
    if (engine === "nuts") expect(fit.notes.join()).not.toMatch(/diverged/);
  });

  test("a guide that is a power spherical", async () => {
    const guided = `${text}
      param m: unit_vector[3]
      param k: positive
      guide { mu ~ PowerSpherical(m, k) }`;
    const fit = await (await bound(guided, { x: directions })).run("amortized", { seed: 1, rate: 0.05, steps: 3000 });
    // Below the evidence by the divergence of the two kinds, which is small where both are narrow.
    expect(fit.figures.elbo).toBeLessThan(exact.evidence + 5 * fit.figures.elbo_se);
    expect(fit.figures.elbo).toBeGreaterThan(exact.evidence - 0.3);
  });
});

test("steps on circles do not diverge, wide or narrow", async () => {
  const posterior = await bound(
    "x: unit_vector[2] ~ VonMisesFisher([1, 0], 4)\ny: unit_vector[2] ~ VonMisesFisher([0, 1], 400)",
    {},
  );
  const fit = await posterior.run("nuts", { seed: 1 });
  expect(fit.sampler.divergences).toBeLessThanOrEqual(4);
  // I_1(4) / I_0(4), mpmath
  const [x] = fit.summary();
  expect(Math.abs(x.mean - 0.8635226110245507)).toBeLessThan(5 * x.mcseMean);
});
