// The engine `smc`: tempered sequential Monte Carlo, for posteriors with several modes and for the evidence.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target } from "../../runtime/target.ts";
import { Tempered } from "../annealing/tempered.ts";
import { rhatOf } from "../diagnostics/rhat.ts";
import { defineEngine, type Result, type Verdict } from "../engine.ts";
import { type Combined, combined, worthOfRuns } from "../smc/combine.ts";
import { type MoveName, moveNames, moverOf } from "../smc/moves.ts";
import { type Tempering, temper } from "../smc/temper.ts";
import { systematic } from "../smc/weights.ts";
import { takeRowsAt } from "../vi/resample.ts";
import { evidenceIfProper, refusePrior } from "./prior-density.ts";
import { priorProposal } from "./proposals.ts";
import { refuseSampling } from "./refuse.ts";
import { worthOf } from "./weighted.ts";

export const smc = defineEngine({
  name: "smc",
  doc: `Tempered sequential Monte Carlo (Del Moral, Doucet and Jasra 2006): a cloud of draws of the prior goes to the posterior through densities
prior × likelihood^β, weighted and resampled at each β, then moved. The next β is where the weights are worth a --threshold of the particles (Jasra,
Stephens, Doucet and Tsagaris 2011); moves take their scale from the cloud, and are repeated until it has forgotten where it was (Buchholz, Chopin and Jacob
2021). It finds modes that chains do not reach, and gives the evidence. Several independent runs tell whether there are particles enough.`,
  options: {
    particles: { type: "integer", default: 1000, min: 10, doc: "draws that go through the temperatures together, in each run" },
    runs: { type: "integer", default: 4, min: 1, doc: "independent runs, whose evidences and means are compared" },
    threshold: {
      type: "number",
      default: 0.5,
      min: 0,
      max: 1,
      exclusive: true,
      doc: "share of the particles that the weights of a step are worth: nearer to 1, more temperatures",
    },
    moves: {
      type: "choice",
      default: "hmc",
      choices: moveNames,
      doc: "Hamiltonian trajectories, a random walk, or draws of a normal distribution with mean and covariance of the cloud",
    },
    maxMoves: { type: "integer", default: 20, min: 1, doc: "moves of each particle at a temperature, at most" },
    correlation: {
      type: "number",
      default: 0.1,
      min: 0,
      max: 1,
      doc: "moves end when no coordinate is correlated more than this with what it was before them",
    },
    leapfrogSteps: { type: "integer", default: 20, min: 1, doc: "steps of a Hamiltonian trajectory, at most" },
    targetAccept: {
      type: "number",
      default: 0.8,
      min: 0,
      max: 1,
      exclusive: true,
      doc: "acceptance to which the steps are tuned, of Hamiltonian moves",
    },
    draws: { type: "integer", default: 1000, min: 1, doc: "draws that are kept, of the particles of all runs" },
  },
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: (target) => refuseSampling(target) ?? refusePrior(target),
  async run(target, options, context): Promise<Result> {
    const began = context.now();
    const prior = await priorProposal(target, context.rng.split("trial"));
    if ("reason" in prior) return { failure: prior, verdicts: [], traces: {} };
    const density = await target.density();
    try {
      const tempered = new Tempered(prior.density, density);
      const n = target.dimension;
      const done: Tempering[] = [];
      let evaluations = 0;
      for (let r = 0; r < options.runs && !context.stop(); r++) {
        const rng = context.rng.split(`run ${r + 1}`);
        const { positions } = await prior.draw(options.particles, rng.split("starts"), context);
        if (context.stop()) break;
        // A choice, checked against its schema.
        const mover = moverOf(options.moves as MoveName, tempered, options);
        const run = temper(tempered, mover, positions, options, rng);
        let step = run.next();
        while (!step.done && !context.stop()) {
          context.progress({
            chain: 1,
            phase: "tempering",
            done: Math.floor(PARTS * (r + step.value)),
            total: PARTS * options.runs,
            divergences: 0,
          });
          await context.breathe();
          step = run.next();
        }
        evaluations += mover.evaluations + options.particles;
        if (!step.done) break;
        if ("reason" in step.value) return { failure: step.value, verdicts: [], traces: {} };
        done.push(step.value);
        context.progress({ chain: 1, phase: "tempering", done: PARTS * (r + 1), total: PARTS * options.runs, divergences: 0 });
      }
      if (done.length === 0) return { failure: { reason: INTERRUPTED }, verdicts: [], traces: {} };
      const all = combined(done);
      const effective = worthOfRuns(done, all.weights, n);
      const drawn = drawsOf(done, all, n, options.draws, context.rng.split("draws"));
      return {
        chain: {
          chain: 1,
          dimension: n,
          ...drawn,
          seconds: { warmup: (context.now() - began) / 1000, sampling: 0 },
          evaluations,
          interrupted: done.length < options.runs,
          divergences: [],
        },
        effectiveDraws: worthOf(effective, options.draws),
        ...evidenceIfProper(target, { mean: all.mean, se: all.se }),
        figures: {
          effective_draws: effective,
          temperatures: meanOver(done, (r) => r.betas.length),
          moves: meanOver(done, (r) => average(r.rounds)),
          acceptance: meanOver(done, (r) => average(r.acceptances)),
        },
        verdicts: verdictsOn(target, done, all, options.particles),
        traces: {
          beta: Float64Array.from(done[0].betas),
          acceptance: Float64Array.from(done[0].acceptances),
          "log evidence": Float64Array.from(done, (r) => r.logEvidence),
        },
      };
    } finally {
      density.dispose();
      prior.density.dispose();
    }
  },
});
/** Of a run, in progress. */
const PARTS = 100;
const INTERRUPTED = "it was interrupted before any run had arrived at the posterior";

const average = (x: readonly number[]): number => x.reduce((s, v) => s + v, 0) / x.length;
const meanOver = (runs: readonly Tempering[], of: (run: Tempering) => number): number => average(runs.map(of));

/** Of all particles by their weights, in random order. */
function drawsOf(runs: readonly Tempering[], { weights }: Combined, n: number, count: number, rng: Rng) {
  const rows = systematic(weights, count, rng);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  const joined = (of: (run: Tempering) => Float64Array): Float64Array => {
    const parts = runs.map(of);
    const whole = new Float64Array(parts.reduce((s, p) => s + p.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };
  return {
    draws: count,
    positions: takeRowsAt(
      joined((r) => r.positions),
      n,
      rows,
    ),
    stats: {
      lp: takeRowsAt(
        joined((r) => r.logDensities),
        1,
        rows,
      ),
    },
  };
}

/** The limits of R-hat for particles that hang together by descent: a share of a mode may differ by some hundredths. */
const [DIFFERENT, ASTRAY] = [1.05, 1.2];
/** Relative error of the evidence beyond which its logarithm's is no longer about the same. */
const ROUGH = 0.5;

function verdictsOn(target: Target, runs: readonly Tempering[], { se, spread }: Combined, particles: number): Verdict[] {
  const advice = `Try more particles (--particles ${4 * particles}), or more temperatures (--threshold 0.9).`;
  const evidence: Verdict = {
    what: "evidence",
    level: se <= ROUGH ? "pass" : se <= 2 * ROUGH ? "warn" : "fail",
    value: se,
    advice:
      se <= ROUGH
        ? "the runs agree on the evidence"
        : `The evidence is rough: its log varies by ${spread.toFixed(2)} between runs. ${advice}`,
  };
  if (runs.length < 2) return [{ ...evidence, level: "warn", advice: "a single run has nothing to be compared with: --runs 4" }];
  const n = target.dimension;
  const count = runs[0].origins.length;
  let [worst, at] = [0, 0];
  for (let k = 0; k < n; k++) {
    const values = Float64Array.from({ length: runs.length * count }, (_, i) => {
      const { positions } = runs[Math.floor(i / count)];
      return positions[(i % count) * n + k];
    });
    const r = rhatOf({ chains: runs.length, draws: count, values });
    if (r > worst) [worst, at] = [r, k];
  }
  const slot = target.layout.find((s) => at >= s.offset && at < s.offset + s.size);
  return [
    {
      what: "R-hat of runs",
      level: worst <= DIFFERENT ? "pass" : worst <= ASTRAY ? "warn" : "fail",
      value: worst,
      advice:
        worst <= DIFFERENT
          ? "the runs agree on the posterior: R-hat between them is at most 1.05"
          : `The runs disagree: R-hat between them is ${worst.toFixed(2)} of ${slot?.name ?? "a latent"}. ${advice}`,
    },
    evidence,
  ];
}
