// The parts of the Hamiltonian samplers: integrator, tree, metrics, step size, warm-up; and that their transitions leave the
// target invariant.
import { describe, expect, test } from "vitest";
import { hmc } from "../../src/inference/engines/hmc.ts";
import { nuts } from "../../src/inference/engines/nuts.ts";
import { createHamiltonian, type Hamiltonian } from "../../src/inference/hmc/hamiltonian.ts";
import { createMetric, type MetricKind } from "../../src/inference/hmc/metric.ts";
import { createRunningCovariance, createRunningVariance } from "../../src/inference/hmc/moments.ts";
import { createPhaseSpace, type Point } from "../../src/inference/hmc/phase.ts";
import { createStaticKernel } from "../../src/inference/hmc/static.ts";
import { createStepSize } from "../../src/inference/hmc/step-size.ts";
import { createNoUTurn, type Kernel } from "../../src/inference/hmc/tree.ts";
import { warmupWindows } from "../../src/inference/hmc/windows.ts";
import { exp, log, log1p, logSumExp } from "../../src/runtime/numeric/math.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Rng } from "../../src/runtime/numeric/rng.ts";
import type { LogDensity } from "../../src/runtime/target.ts";
import {
  autoregressive,
  chainOf,
  density,
  eightSchools,
  funnel,
  multivariateNormal,
  normals,
  runChain,
} from "../laws/engines-densities.ts";

const correlated = autoregressive(6, 0.7, (i) => 1 + i);

function hamiltonianWith(target: LogDensity, kind: MetricKind, seed: number) {
  const n = target.dimension;
  const space = createPhaseSpace(n, { points: 100_000, vectors: 20, matrices: 1 });
  const metric = createMetric(kind, space);
  const rng = stream(seed, "metric");
  if (kind === "diag") expect(metric.update(Float64Array.from({ length: n }, () => 0.5 + rng.uniform()))).toBe(true);
  if (kind === "dense") expect(metric.update(autoregressive(n, 0.3, () => 1))).toBe(true);
  return createHamiltonian(target, space, metric);
}
function startOf(hamiltonian: Hamiltonian, rng: Rng, spread = 1): Point {
  const z = hamiltonian.space.createPoint();
  for (let i = 0; i < z.position.length; i++) z.position[i] = spread * rng.normal();
  hamiltonian.evaluate(z);
  hamiltonian.refresh(z, rng);
  return z;
}

describe("the leapfrog integrator", () => {
  for (const kind of ["unit", "diag", "dense"] as const) {
    test(`${kind}: reversible to 1e-12`, () => {
      const hamiltonian = hamiltonianWith(eightSchools, kind, 1);
      const z = startOf(hamiltonian, stream(1, "start"), 0.5);
      let at = z;
      for (let i = 0; i < 50; i++) {
        const next = hamiltonian.space.createPoint();
        hamiltonian.leapfrog(at, 0.1, next);
        at = next;
      }
      expect(Math.abs(at.position[0] - z.position[0])).toBeGreaterThan(0.01);
      for (let i = 0; i < 50; i++) {
        const next = hamiltonian.space.createPoint();
        hamiltonian.leapfrog(at, -0.1, next);
        at = next;
      }
      for (let i = 0; i < 10; i++) {
        expect(Math.abs(at.position[i] - z.position[i])).toBeLessThan(1e-12);
        expect(Math.abs(at.momentum[i] - z.momentum[i])).toBeLessThan(1e-12);
      }
    });

    test(`${kind}: the energy error falls fourfold when the step is halved`, () => {
      const hamiltonian = hamiltonianWith(multivariateNormal(correlated, 6), kind, 2);
      const z = startOf(hamiltonian, stream(4, "start"));
      const errorOf = (step: number): number => {
        let at = z;
        for (let t = 0; t < Math.round(2 / step); t++) {
          const next = hamiltonian.space.createPoint();
          hamiltonian.leapfrog(at, step, next);
          at = next;
        }
        return at.energy - z.energy;
      };
      const ratio = errorOf(0.02) / errorOf(0.01);
      // The next term of the error is of relative size step².
      expect(Math.abs(ratio - 4)).toBeLessThan(0.05);
    });

    test(`${kind}: momenta have the covariance that the metric says, and their energy`, () => {
      const hamiltonian = hamiltonianWith(normals([0, 0, 0], [1, 1, 1]), kind, 3);
      const inverse = hamiltonian.metric.inverse();
      const z = hamiltonian.space.createPoint();
      hamiltonian.evaluate(z);
      const rng = stream(5, "momenta");
      const draws = 20_000;
      // v = M⁻¹ p has covariance M⁻¹ M M⁻¹ = M⁻¹, and p' v is chi-squared with three degrees of freedom.
      const second = new Float64Array(9);
      let twice = 0;
      for (let d = 0; d < draws; d++) {
        hamiltonian.refresh(z, rng);
        for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) second[3 * i + j] += (z.velocity[i] * z.velocity[j]) / draws;
        twice += (2 * z.energy) / draws;
      }
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 3; j++) {
          const wanted = kind === "dense" ? inverse[3 * i + j] : i === j ? inverse[i] : 0;
          expect(Math.abs(second[3 * i + j] - wanted)).toBeLessThan(4 * 1.5 * Math.sqrt(2 / draws));
        }
      expect(Math.abs(twice - 3)).toBeLessThan(4 * Math.sqrt(6 / draws));
    });
  }
});

/** As createNoUTurn, by recursion over lists of all points with every sum made anew (Stan's transition in its order of draws). */
function slowTransition(hamiltonian: Hamiltonian, origin: Point, step: number, maxDepth: number, rng: Rng) {
  hamiltonian.refresh(origin, rng);
  const initial = origin.energy;
  let steps = 0;
  let accepted = 0;
  let divergent = false;
  const dot = (a: Float64Array, b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const sum = (points: readonly Point[]) => Array.from(origin.momentum, (_, i) => points.reduce((s, p) => s + p.momentum[i], 0));
  const isStraight = (points: readonly Point[]) =>
    dot(points[0].velocity, sum(points)) > 0 && dot(points[points.length - 1].velocity, sum(points)) > 0;
  const bothStraight = (a: readonly Point[], b: readonly Point[]) =>
    isStraight([...a, ...b]) && isStraight([...a, b[0]]) && isStraight([a[a.length - 1], ...b]);
  const weigh = (points: readonly Point[]) => logSumExp(points.map((p) => initial - p.energy));
  interface Tree {
    readonly points: readonly Point[];
    readonly proposal: Point;
  }
  const build = (depth: number, from: Point, signed: number): Tree | undefined => {
    if (depth === 0) {
      const next = hamiltonian.space.createPoint();
      hamiltonian.leapfrog(from, signed, next);
      steps++;
      if (!(next.energy - initial <= 1000)) {
        divergent = true;
        return undefined;
      }
      accepted += Math.min(1, exp(initial - next.energy));
      return { points: [next], proposal: next };
    }
    const first = build(depth - 1, from, signed);
    if (first === undefined) return undefined;
    const second = build(depth - 1, first.points[first.points.length - 1], signed);
    if (second === undefined) return undefined;
    const points = [...first.points, ...second.points];
    const proposal = rng.uniform() < exp(weigh(second.points) - weigh(points)) ? second.proposal : first.proposal;
    return bothStraight(first.points, second.points) ? { points, proposal } : undefined;
  };
  let points: readonly Point[] = [origin];
  let proposal = origin;
  let depth = 0;
  while (depth < maxDepth) {
    const forward = rng.uniform() > 0.5;
    const grown = build(depth, forward ? points[points.length - 1] : points[0], forward ? step : -step);
    if (grown === undefined) break;
    depth++;
    const [old, added] = [weigh(points), weigh(grown.points)];
    if (added >= old || rng.uniform() < exp(added - old)) proposal = grown.proposal;
    const before = points;
    const ordered = forward ? grown.points : [...grown.points].reverse();
    points = forward ? [...before, ...ordered] : [...ordered, ...before];
    if (!(forward ? bothStraight(before, ordered) : bothStraight(ordered, before))) break;
  }
  return { proposal, depth, steps, divergent, acceptance: accepted / steps };
}

test("the tree agrees with a recursion that keeps every point", () => {
  const depths = new Set<number>();
  let divergences = 0;
  let falls = 0;
  const cases: readonly [LogDensity, MetricKind, number, number?][] = [
    [multivariateNormal(correlated, 6), "diag", 0.4],
    [multivariateNormal(correlated, 6), "unit", 1.2],
    [eightSchools, "dense", 0.15],
    [funnel(4), "diag", 0.7],
    // Far out, where energies fall, by h² q'q / 8 at most, by more than exp can say.
    ...Array.from({ length: 40 }, (_, i): [LogDensity, MetricKind, number, number] => [
      multivariateNormal(
        autoregressive(6, 0, () => 1),
        6,
      ),
      "unit",
      0.1 + i / 100,
      (30 + i) / (0.1 + i / 100),
    ]),
  ];
  for (const [target, kind, step, spread] of cases) {
    const hamiltonian = hamiltonianWith(target, kind, 6);
    const start = startOf(hamiltonian, stream(7, "start"), spread);
    const kernel = createNoUTurn(hamiltonian, start, 7);
    const fast = stream(8, "transitions");
    const slow = stream(8, "transitions");
    let at = hamiltonian.space.createPoint();
    at.position.set(start.position);
    hamiltonian.evaluate(at);
    for (let i = 0; i < (spread === undefined ? 150 : 3); i++) {
      const wanted = slowTransition(hamiltonian, at, step, 7, slow);
      kernel.step(step, fast);
      const { transition } = kernel;
      expect([transition.depth, transition.steps, transition.divergent]).toEqual([wanted.depth, wanted.steps, wanted.divergent]);
      expect(transition.acceptance).toBe(wanted.acceptance);
      expect(transition.point.position).toEqual(wanted.proposal.position);
      expect(transition.point.energy).toBe(wanted.proposal.energy);
      depths.add(transition.depth);
      if (transition.divergent) divergences++;
      // The largest number is exp(709.8).
      if (at.energy - wanted.proposal.energy > 710) falls++;
      at = wanted.proposal;
    }
    expect(fast.uniform()).toBe(slow.uniform());
  }
  // The cases reach what they are there for.
  expect(depths.size).toBeGreaterThan(5);
  expect(divergences).toBeGreaterThan(0);
  expect(falls).toBeGreaterThan(10);
});

/** Upper quantile of the chi-squared distribution by Wilson and Hilferty's cube; z = 3.72 leaves 1e-4. */
const chiSquaredLimit = (degrees: number, z: number): number => {
  const c = 2 / (9 * degrees);
  const root = 1 - c + z * Math.sqrt(c);
  return degrees * root * root * root;
};

describe("one transition leaves the target invariant", () => {
  // x logistic, y given x normal around x²/2: draws are exact, and F(x) and F(y given x) are uniform on the square.
  const target = density(2, (q, g) => {
    const [x, y] = q;
    const p = 1 / (1 + exp(-x));
    const d = y - (x * x) / 2;
    g[0] = 1 - 2 * p + d * x;
    g[1] = -d;
    return -x - 2 * log1p(exp(-x)) - (d * d) / 2;
  });
  const normalBin = [-1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816];
  const binOf = (q: Float64Array): number => {
    const column = Math.min(9, Math.floor(10 / (1 + exp(-q[0]))));
    const d = q[1] - (q[0] * q[0]) / 2;
    return 10 * column + normalBin.filter((edge) => d > edge).length;
  };
  const kernels: readonly [string, (h: Hamiltonian, start: Point) => Kernel, number][] = [
    ["nuts", (h, start) => createNoUTurn(h, start, 6), 0.9],
    ["nuts with shallow trees", (h, start) => createNoUTurn(h, start, 2), 0.5],
    ["hmc", (h, start) => createStaticKernel(h, start, 2, 100), 0.9],
  ];
  for (const [name, create, step] of kernels) {
    test(name, () => {
      const hamiltonian = hamiltonianWith(target, "diag", 9);
      const rng = stream(10, name);
      const draws = 20_000;
      const counts = new Float64Array(100);
      let acceptance = 0;
      let moved = 0;
      const start = hamiltonian.space.createPoint();
      const kernel = create(hamiltonian, start);
      for (let i = 0; i < draws; i++) {
        const point = kernel.transition.point;
        const u = rng.uniform();
        point.position[0] = log(u) - log1p(-u);
        point.position[1] = (point.position[0] * point.position[0]) / 2 + rng.normal();
        hamiltonian.evaluate(point);
        kernel.step(step, rng);
        counts[binOf(kernel.transition.point.position)]++;
        acceptance += kernel.transition.acceptance / draws;
        if (kernel.transition.moved) moved++;
      }
      // The steps are coarse: a kernel that is only nearly right would be far off.
      expect(acceptance).toBeLessThan(0.95);
      expect(moved / draws).toBeGreaterThan(0.5);
      const wanted = draws / 100;
      const statistic = counts.reduce((total, count) => total + ((count - wanted) * (count - wanted)) / wanted, 0);
      // False alarms: one seed in ten thousand.
      expect(statistic).toBeLessThan(chiSquaredLimit(99, 3.72));
    });
  }
});

describe("the metric", () => {
  const sd = [1e-3, 0.1, 1, 30, 1e3];
  const target = normals([0, 0, 0, 0, 0], sd);

  test("from gradients is exact on a Gaussian with these axes", () => {
    const { adaptation } = chainOf(runChain(nuts, target, { metricFrom: "gradients", warmup: 200, draws: 1 }));
    // Every gradient is -q/σ² to the last bit or so, hence so is the ratio of the spreads.
    sd.forEach((s, i) => {
      expect(Math.abs(adaptation!.inverseMetric[i] / (s * s) - 1)).toBeLessThan(1e-12);
    });
  });

  test("from draws is their variance, to the error of a window", () => {
    const { adaptation } = chainOf(runChain(nuts, target, { metricFrom: "draws", warmup: 1000, draws: 1 }));
    // The last window has 500 draws, at worst a quarter of them effective; the prior of five draws takes up to 1 %.
    sd.slice(1).forEach((s, i) => {
      expect(Math.abs(adaptation!.inverseMetric[i + 1] / (s * s) - 1)).toBeLessThan(4 * Math.sqrt(2 / 125) + 0.01);
    });
  });

  test("a dense one is the covariance, and makes the problem round", () => {
    const covariance = autoregressive(4, 0.95, () => 2);
    const draw = (metric: string) =>
      chainOf(runChain(nuts, multivariateNormal(covariance, 4), { metric, warmup: 1000, draws: 500 }));
    const dense = draw("dense");
    dense.adaptation!.inverseMetric.forEach((value, at) => {
      expect(Math.abs(value - covariance[at])).toBeLessThan(4 * 4 * Math.sqrt(2 / 125) + 0.04);
    });
    const steps = (chain: typeof dense) => chain.stats.n_leapfrog.reduce((a, b) => a + b, 0);
    expect(steps(dense)).toBeLessThan(steps(draw("diag")) / 2);
  });

  test("an inverse that is not positive definite is refused, and the old one kept", () => {
    const space = createPhaseSpace(2, { points: 1, vectors: 1, matrices: 1 });
    const metric = createMetric("dense", space);
    expect(metric.update(Float64Array.of(1, 2, 2, 1))).toBe(false);
    const z = space.createPoint();
    metric.refresh(z, stream(1, "p"));
    expect(z.velocity).toEqual(z.momentum);
    expect(createMetric("diag", space).update(Float64Array.of(1, 0))).toBe(false);
  });
});

test("running moments are those of two passes", () => {
  const rng = stream(12, "moments");
  const rows = Array.from({ length: 30 }, () => Float64Array.of(1e4 + rng.normal(), rng.normal(), 5 * rng.normal()));
  const variance = createRunningVariance(3);
  const covariance = createRunningCovariance(3);
  for (let pass = 0; pass < 2; pass++) {
    variance.reset();
    covariance.reset();
    for (const row of rows) {
      variance.add(row);
      covariance.add(row);
    }
  }
  const mean = (i: number) => rows.reduce((sum, row) => sum + row[i], 0) / 30;
  for (let i = 0; i < 3; i++)
    for (let j = 0; j <= i; j++) {
      const wanted = rows.reduce((sum, row) => sum + (row[i] - mean(i)) * (row[j] - mean(j)), 0);
      // Deviations from 1e4 are known to 1e4 ulp, and 30 of them are summed.
      expect(Math.abs(covariance.products[3 * i + j] - wanted)).toBeLessThan(30 * 1e4 * 2.3e-16 * 100);
      if (i === j) expect(Math.abs(variance.squares[i] - wanted)).toBeLessThan(30 * 1e4 * 2.3e-16 * 100);
    }
});

describe("warm-up", () => {
  test("has Stan's windows", () => {
    const options = { initBuffer: 75, termBuffer: 50, window: 25 };
    const ends = (total: number) => warmupWindows(total, options).windowEnds.map((end) => end + 1);
    expect(ends(1000)).toEqual([100, 150, 250, 450, 950]);
    expect(ends(500)).toEqual([100, 150, 250, 450]);
    expect(ends(499)).toEqual([100, 150, 449]);
    expect(ends(150)).toEqual([100]);
    expect(ends(149)).toEqual([135]);
    expect(ends(20)).toEqual([18]);
    expect(ends(19)).toEqual([]);
    expect(warmupWindows(100, options)).toMatchObject({ slowBegin: 15, slowEnd: 90 });
  });

  test("tunes the step size to the acceptance asked for", () => {
    for (const targetAccept of [0.6, 0.8, 0.95]) {
      const accepted = [1, 2, 3, 4].map((chain) => {
        const options = { targetAccept, metricFrom: "gradients" };
        const { stats } = chainOf(runChain(nuts, multivariateNormal(correlated, 6), options, { chain }));
        return stats.accept_stat.reduce((a, b) => a + b, 0) / stats.accept_stat.length;
      });
      // The logarithm is averaged, so the step is a little below the one that is asked for, and acceptance above.
      for (const mean of accepted) expect(Math.abs(mean - targetAccept)).toBeLessThan(0.12);
    }
  });

  test("dual averaging follows the published recursion", () => {
    const step = createStepSize(0.5, { targetAccept: 0.8, gamma: 0.05, kappa: 0.75, t0: 10 });
    step.learn(0.6);
    // H̄₁ = (0.8 - 0.6) / 11, log ε₁ = log(10 · 0.5) - sqrt(1) / 0.05 · H̄₁, and the average starts there.
    expect(Math.abs(step.current - exp(log(5) - 20 * (0.2 / 11)))).toBeLessThan(1e-14);
    step.learn(1);
    const h2 = (1 - 1 / 12) * (0.2 / 11) + (1 / 12) * (0.8 - 1);
    const x2 = log(5) - (Math.sqrt(2) / 0.05) * h2;
    expect(Math.abs(step.current - exp(x2))).toBeLessThan(1e-14);
    step.settle();
    const weight = exp(-0.75 * log(2));
    expect(Math.abs(step.current - exp(weight * x2 + (1 - weight) * (log(5) - 20 * (0.2 / 11))))).toBeLessThan(1e-14);
    step.restart(0.25);
    step.settle();
    expect(step.current).toBe(0.25);
  });

  test("without warm-up the step size is the one given", () => {
    const { stats } = chainOf(runChain(nuts, eightSchools, { warmup: 0, draws: 5, stepSize: 0.05 }));
    expect([...stats.stepsize]).toEqual([0.05, 0.05, 0.05, 0.05, 0.05]);
    const jittered = chainOf(runChain(nuts, eightSchools, { warmup: 0, draws: 5, stepSize: 0.05, stepSizeJitter: 0.5 })).stats
      .stepsize;
    expect(new Set(jittered).size).toBe(5);
    for (const size of jittered) expect(Math.abs(size / 0.05 - 1)).toBeLessThan(0.5);
  });
});

test("a dense metric that is too large for any memory is refused in words", () => {
  const large = density(20_000, () => 0);
  expect(runChain(nuts, large, { metric: "dense" }).failure?.reason).toContain("20000 × 20000 numbers");
});

test("divergences are counted, and their places kept", () => {
  // A chain in the funnel may happen not to diverge; eight of them do not.
  let total = 0;
  for (let chain = 1; chain <= 8; chain++) {
    const { stats, divergences } = chainOf(runChain(nuts, funnel(10), {}, { chain }));
    const count = stats.divergent.reduce((a, b) => a + b, 0);
    expect(divergences.length).toBe(Math.min(count, 10));
    total += count;
  }
  expect(total).toBeGreaterThan(0);
});

test("eight schools: the posterior mean that others find, and hmc agrees", () => {
  const means = [nuts, hmc].map((engine) => {
    const chains = [1, 2, 3, 4].map((chain) => chainOf(runChain(engine, eightSchools, { draws: 2000 }, { chain })));
    const mu = chains.flatMap(({ positions, draws }) => Array.from({ length: draws }, (_, d) => positions[10 * d]));
    return mu.reduce((a, b) => a + b, 0) / mu.length;
  });
  // Reference draws of the posterior give 4.41 with sd 3.30; 8000 draws with at least a quarter of them effective.
  for (const mean of means) expect(Math.abs(mean - 4.41)).toBeLessThan((4 * 3.3) / Math.sqrt(2000));
});

test("chains that start where gradients are of any size come back", () => {
  // Waiting times with rate exp(a + b x), x about 50: at b = 2 the rate is exp(100), its gradient 1e44.
  const n = 30;
  const rng = stream(9, "data");
  const x = Float64Array.from({ length: n }, () => 50 + 15 * rng.normal());
  const time = x.map((age) => rng.exponential() / exp(-3 + 0.02 * age));
  const hazard = density(2, (q, g) => {
    const [a, b] = q;
    let value = (-a * a) / 8 - (b * b) / 2;
    g[0] = -a / 4;
    g[1] = -b;
    for (let i = 0; i < n; i++) {
      const eta = a + b * x[i];
      const cumulative = exp(eta) * time[i];
      value += eta - cumulative;
      g[0] += 1 - cumulative;
      g[1] += (1 - cumulative) * x[i];
    }
    return value;
  });
  const slopes = [2, 1.5, 1, -2, -1, 0.5].map((b, i) => {
    const start = { position: Float64Array.of(0, b) };
    const { positions, draws } = chainOf(runChain(nuts, hazard, { warmup: 1000, draws: 1000 }, { seed: 3, chain: i + 1, start }));
    let sum = 0;
    for (let d = 0; d < draws; d++) sum += positions[2 * d + 1];
    return sum / draws;
  });
  // The slope is estimated to about 0.013; a tenth of 1000 draws or more are effective: four standard errors between two chains.
  for (const slope of slopes) expect(Math.abs(slope - slopes[0])).toBeLessThan((4 * Math.SQRT2 * 0.013) / Math.sqrt(100));
});
