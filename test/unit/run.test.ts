// Running an engine: chains here or on worker threads with the same bits, options, interruption, failures, progress.
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { chainContext } from "../../src/inference/chain-protocol.ts";
import type { Progress } from "../../src/inference/engine.ts";
import { hmc } from "../../src/inference/engines/hmc.ts";
import { engines } from "../../src/inference/engines/index.ts";
import { map } from "../../src/inference/engines/map.ts";
import { nuts } from "../../src/inference/engines/nuts.ts";
import { prior } from "../../src/inference/engines/prior.ts";
import { flagOf, resolveOptions } from "../../src/inference/options.ts";
import { type RunSettings, runEngine } from "../../src/inference/run.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { exp } from "../../src/runtime/numeric/math.ts";
import type { LogDensity, Target } from "../../src/runtime/target.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { densityOf } from "../../src/runtime/wasm/density.ts";
import { density, eightSchools, normals } from "../laws/engines-densities.ts";

/** A target of which only what running needs is there. */
function targetOf(density: LogDensity, more: Partial<Target> = {}): Target {
  const needed: Partial<Target> = {
    name: "test",
    dimension: density.dimension,
    parameters: [],
    width: density.dimension,
    discrete: [],
    sites: [],
    density: async () => density,
    ...more,
  };
  return needed as Target;
}

/** q ~ Normal(0, 1 .. n), as a compiled program. */
function compiledNormals(n: number): Target {
  const b = createBuilder();
  const q = b.input("q", { shape: [n], dtype: "real" });
  const sd = Float64Array.from({ length: n }, (_, i) => i + 1);
  const z = b.div(q, b.tensor(sd, [n]));
  const root = b.mul(b.constant(-0.5), b.sum(b.mul(z, z)));
  const image = compileWasm({ inputs: [q], outputs: [root, ...gradient(b, root, [q])], updates: [] });
  return targetOf(densityOf(n, instantiate(image)), {
    density: async () => densityOf(n, instantiate(image)),
    image: async () => ({ dimension: n, density: image }),
  });
}

const short = { warmup: 100, draws: 80 };
const positions = async (target: Target, settings: RunSettings) =>
  (await runEngine(target, nuts, short, settings)).chains.map((chain) => chain.positions);

describe("chains", () => {
  const target = compiledNormals(5);

  test("have the same bits on this thread and on workers", async () => {
    expect(existsSync("dist/inference/worker.js"), "worker threads run the built code: npm run build").toBe(true);
    const here = await positions(target, { seed: 1, workers: "never" });
    for (const threads of [1, 2, 3]) expect(await positions(target, { seed: 1, workers: "always", threads })).toEqual(here);
    expect(here.length).toBe(4);
  });

  test("do not change when another one is added", async () => {
    const two = await positions(target, { seed: 1, chains: 2 });
    const five = await positions(target, { seed: 1, chains: 5 });
    expect(five.slice(0, 2)).toEqual(two);
    expect(new Set(five.map((all) => all[0])).size).toBe(5);
    expect(await positions(target, { seed: 2, chains: 2 })).not.toEqual(two);
  });

  test("report their threads, numbers and starts", async () => {
    const starts = [undefined, { position: Float64Array.of(1, 2, 3, 4, 5) }];
    const outcome = await runEngine(target, nuts, { warmup: 0, draws: 1, stepSize: 1e-9 }, { seed: 1, chains: 2, starts });
    expect(outcome.chains.map(({ chain }) => chain)).toEqual([1, 2]);
    expect(Math.round(outcome.chains[1].positions[4])).toBe(5);
    expect([outcome.threads, outcome.interrupted, outcome.failure]).toEqual([0, false, undefined]);
    // Times of chains that take turns are their own: together no more than the whole.
    const began = performance.now();
    const { chains } = await runEngine(target, nuts, { draws: 20_000 }, { seed: 1, workers: "never" });
    const whole = (performance.now() - began) / 1000;
    const own = chains.reduce((sum, { seconds }) => sum + seconds.warmup + seconds.sampling, 0);
    expect(own).toBeLessThanOrEqual(whole);
    expect(own).toBeGreaterThan(0);
  });

  test("of many short transitions give way to timers, and stop when told", async () => {
    const controller = new AbortController();
    let isSet = false;
    const outcome = await runEngine(
      target,
      nuts,
      { draws: 300_000 },
      {
        seed: 1,
        workers: "never",
        signal: controller.signal,
        onProgress({ phase }) {
          if (phase === "sampling" && !isSet) setTimeout(() => controller.abort(), 1);
          isSet ||= phase === "sampling";
        },
      },
    );
    expect(outcome.interrupted).toBe(true);
    for (const chain of outcome.chains) {
      expect(chain.interrupted).toBe(true);
      expect(chain.positions.length).toBe(5 * chain.draws);
    }
    expect(outcome.chains.some(({ draws }) => draws > 0)).toBe(true);
  });

  test("on workers stop when told, too, and keep what they drew", async () => {
    const controller = new AbortController();
    const outcome = await runEngine(
      target,
      nuts,
      { draws: 500_000 },
      {
        seed: 1,
        chains: 2,
        threads: 2,
        workers: "always",
        signal: controller.signal,
        onProgress: ({ phase }) => phase === "sampling" && controller.abort(),
      },
    );
    expect(outcome.interrupted).toBe(true);
    expect(outcome.threads).toBe(2);
    const drawn = outcome.chains.map(({ draws }) => draws);
    expect(Math.max(...drawn)).toBeGreaterThan(0);
    expect(Math.max(...drawn)).toBeLessThan(500_000);
  });

  test("that take long move to workers by themselves, and the bits stay", async () => {
    // Long by its options: small steps, deep trees.
    const options = { warmup: 0, draws: 150, stepSize: 0.005, maxDepth: 10 };
    const here = await runEngine(target, nuts, options, { seed: 3, workers: "never" });
    const anywhere = await runEngine(target, nuts, options, { seed: 3, threads: 2 });
    expect(anywhere.chains.map((chain) => chain.positions)).toEqual(here.chains.map((chain) => chain.positions));
  });

  test("progress comes from each chain and ends", async () => {
    for (const workers of ["never", "always"] as const) {
      const last = new Map<number, Progress>();
      await runEngine(target, nuts, short, { seed: 1, chains: 3, workers, onProgress: (at) => void last.set(at.chain, at) });
      expect([...last.keys()].sort()).toEqual([1, 2, 3]);
      for (const at of last.values()) expect([at.done, at.total, at.phase]).toEqual([180, 180, "sampling"]);
    }
  });
});

describe("failures", () => {
  test("a start that is nowhere is told with its chain and a position to blame", async () => {
    const outcome = await runEngine(targetOf(density(2, () => Number.NaN)), nuts, short, { seed: 1, workers: "never" });
    expect(outcome.failure?.chain).toBe(1);
    expect(outcome.failure?.reason).toContain("not finite");
    expect(outcome.failure?.position?.length).toBe(2);
    expect(outcome.chains).toEqual([]);
  });

  test("one chain that cannot run ends the others", async () => {
    // Finite at 0 alone: chains whose start is given there run, and every other one fails.
    const start = (q: number) => ({ position: Float64Array.of(q, 0, 0, 0, 0) });
    const target = compiledNormals(5);
    const starts = [start(0), start(Number.NaN)];
    for (const workers of ["never", "always"] as const) {
      let most = 0;
      const onProgress = (at: Progress) => {
        most = Math.max(most, at.done / at.total);
      };
      const settings: RunSettings = { seed: 1, chains: 2, threads: 2, starts, workers, onProgress };
      const { failure } = await runEngine(target, nuts, { draws: 2_000_000 }, settings);
      expect(failure).toMatchObject({ chain: 2, reason: "the log density is not finite at the given starting point: it is NaN" });
      expect(most).toBeLessThan(1);
    }
  });
  test("numbers of a run that make none are refused", async () => {
    const target = compiledNormals(1);
    for (const wrong of [{ chains: 0 }, { chains: 2.5 }, { chains: Number.NaN }, { threads: 0 }, { seed: -1 }, { seed: 1.5 }])
      await expect(runEngine(target, nuts, short, { seed: 1, ...wrong })).rejects.toThrow(
        /^(chains|threads|seed) must be an integer from/,
      );
  });
  test("a refusal is told in words", async () => {
    const param = { name: "W", readBy: "model" } as Target["parameters"][number];
    const outcome = await runEngine(targetOf(eightSchools, { parameters: [param] }), hmc, {}, { seed: 1 });
    expect(outcome.failure?.reason).toContain("W is a param");
    const empty = await runEngine(targetOf(normals([], [])), nuts, {}, { seed: 1 });
    expect(empty.failure?.reason).toContain("no latent variable");
  });
});

describe("options", () => {
  test("take their defaults and read text", () => {
    const options = resolveOptions(nuts, { draws: "50", saveWarmup: "true", targetAccept: "0.9" });
    expect([options.draws, options.saveWarmup, options.targetAccept, options.warmup]).toEqual([50, true, 0.9, 1000]);
    expect(flagOf("targetAccept")).toBe("--target-accept");
  });
  test("refuse what they are not, in words", () => {
    const message = (given: Record<string, unknown>) => {
      try {
        resolveOptions(nuts, given);
      } catch (error) {
        return String((error as Error).message);
      }
      return "accepted";
    };
    expect(message({ targetAccept: 1 })).toBe("--target-accept must be a number between 0 and 1, exclusively, not 1");
    expect(message({ draws: 0 })).toBe("--draws must be an integer of at least 1, not 0");
    expect(message({ draws: 2.5 })).toBe("--draws must be an integer of at least 1, not 2.5");
    expect(message({ maxDepth: "deep" })).toBe("--max-depth must be an integer from 1 to 20, not deep");
    expect(message({ metric: "round" })).toBe("--metric must be one of diag, dense, unit, not round");
    expect(message({ saveWarmup: "maybe" })).toBe("--save-warmup must be true or false, not maybe");
    expect(message({ tempo: 3 })).toContain("the engine nuts has no option --tempo; it has --warmup");
    expect(message({ constructor: 3 })).toContain("the engine nuts has no option --constructor");
  });
  test("init is a number or a file that was read, for samplers and optimisers alike", async () => {
    const target = compiledNormals(1);
    for (const engine of [nuts, hmc, map])
      for (const init of ["nowhere", "-1", " ", "Infinity"])
        await expect(runEngine(target, engine, { init }, { seed: 1, workers: "never" })).rejects.toThrow(
          "init is neither a number of at least 0 nor a readable file",
        );
  });
  test("of every engine have a default that they accept, and a word on each", () => {
    for (const engine of engines.values()) {
      const defaults = resolveOptions(engine, {});
      expect(resolveOptions(engine, defaults)).toEqual(defaults);
      for (const option of Object.values(engine.options as Record<string, { doc: string }>))
        expect(option.doc.length).toBeGreaterThan(10);
      expect(engine.doc.length).toBeGreaterThan(40);
    }
  });
});

describe("optima", () => {
  test("map finds the mode of a correlated density, and its curvature", async () => {
    const rosenbrock = density(2, (q, g) => {
      const [x, y] = q;
      const d = y - x * x;
      g[0] = 40 * d * x + 2 * (1 - x);
      g[1] = -20 * d;
      return -10 * d * d - (1 - x) * (1 - x);
    });
    const { results } = await runEngine(targetOf(rosenbrock), map, { standardErrors: true }, { seed: 1 });
    const { point, verdicts, traces, start } = results[0];
    for (const value of point!.position) expect(Math.abs(value - 1)).toBeLessThan(1e-7);
    expect(verdicts.map(({ level }) => level)).toEqual(["pass"]);
    // -∇² = [[82, -40], [-40, 20]], whose inverse is [[1/2, 1], [1, 2.05]].
    expect(Math.abs(traces.standardErrors[0] - Math.sqrt(0.5))).toBeLessThan(1e-5);
    expect(Math.abs(traces.standardErrors[1] - Math.sqrt(2.05))).toBeLessThan(1e-5);
    expect(start?.scale).toBe(traces.standardErrors);
  });

  test("the density is asked for as the option says", async () => {
    const asked: unknown[] = [];
    const target = targetOf(normals([1], [2]), {
      async density(options) {
        asked.push(options);
        return normals([1], [2]);
      },
    });
    await runEngine(target, map, {}, { seed: 1 });
    await runEngine(target, map, { jacobian: true }, { seed: 1 });
    await runEngine(target, engines.get("mle")!, {}, { seed: 1 });
    expect(asked).toEqual([{ jacobian: false }, { jacobian: true }, { jacobian: false, prior: false }]);
  });

  test("several optima, and none, are told", async () => {
    const twoModes = density(1, (q, g) => {
      const x = q[0];
      g[0] = -4 * x * (x * x - 1) + 0.3;
      return -(x * x - 1) * (x * x - 1) + 0.3 * x;
    });
    const { results } = await runEngine(targetOf(twoModes), map, { starts: 20 }, { seed: 1 });
    expect(results[0].point!.position[0]).toBeGreaterThan(1);
    expect(results[0].verdicts.map(({ what }) => what)).toEqual(["convergence", "optima"]);
    const unbounded = density(1, (q, g) => {
      g[0] = exp(q[0]);
      return exp(q[0]);
    });
    const nowhere = await runEngine(targetOf(unbounded), map, {}, { seed: 1 });
    expect(nowhere.results[0].verdicts[0].level).toBe("fail");
    expect(nowhere.results[0].point?.evaluations).toBeGreaterThan(0);
    const valley = density(2, (q, g) => {
      g[0] = g[1] = -(q[0] + q[1]);
      return (-(q[0] + q[1]) * (q[0] + q[1])) / 2;
    });
    const flat = await runEngine(targetOf(valley), map, { standardErrors: true }, { seed: 1 });
    expect(flat.results[0].verdicts.map(({ what }) => what)).toContain("curvature");
  });
});

test("engines of one run let signals through, and stop when told", async () => {
  // Too long to end by itself, and a timer that only a thread that breathes gets to.
  const slowly = density(1, (q, g) => {
    for (const end = performance.now() + 0.1; performance.now() < end; );
    g[0] = -4 * q[0] * q[0] * q[0];
    return -q[0] * q[0] * q[0] * q[0];
  });
  const target = targetOf(slowly, {
    simulatePrior: async () => {
      for (const end = performance.now() + 0.1; performance.now() < end; );
      return { position: Float64Array.of(1) };
    },
  });
  const runs = [
    [map, { starts: 1_000_000 }],
    [prior, { draws: 1_000_000 }],
  ] as const;
  for (const [engine, options] of runs) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const { interrupted, failure } = await runEngine(target, engine, options, { seed: 1, signal: controller.signal });
    expect([interrupted, failure]).toEqual([true, undefined]);
  }
});

test("progress of slow transitions is told from the first one, of fast ones now and then", () => {
  const reports = (milliseconds: number): number => {
    let count = 0;
    const { progress } = chainContext(
      1,
      { chain: 1 },
      () => false,
      () => count++,
    );
    for (let done = 1; done <= 5; done++) {
      progress({ chain: 1, phase: "warmup", done, total: 1000, divergences: 0 });
      for (const end = performance.now() + milliseconds; performance.now() < end; );
    }
    return count;
  };
  expect(reports(110)).toBe(5);
  expect(reports(0)).toBe(1);
});

test("prior draws come by forward simulation, or say why not", async () => {
  let count = 0;
  const target = targetOf(normals([0, 0], [1, 1]), {
    simulatePrior: async () => ({ position: Float64Array.of(++count, -count) }),
  });
  const { chains } = await runEngine(target, prior, { draws: 3 }, { seed: 1 });
  expect([...chains[0].positions]).toEqual([1, -1, 2, -2, 3, -3]);
  const improper = targetOf(normals([0], [1]), { simulatePrior: async () => ({ refusal: "mu ~ Flat() has no draws" }) });
  expect((await runEngine(improper, prior, {}, { seed: 1 })).failure?.reason).toBe("mu ~ Flat() has no draws");
});
