// The engine `importance`: the evidence, and draws, by weighting draws of a fitted proposal.
import type { Target } from "../../runtime/target.ts";
import { defineEngine, type Result, type RunContext } from "../engine.ts";
import { logWeightsOf } from "../vi/evidence.ts";
import { evidenceIfProper } from "./prior-density.ts";
import { type ProposalName, proposalOf, proposals, refuseProposal } from "./proposals.ts";
import { areAllSummed, refuseWithoutLatents } from "./refuse.ts";
import { gaussianOptions } from "./training-options.ts";
import { fromWeighted } from "./weighted.ts";

export const importance = defineEngine({
  name: "importance",
  doc: `Importance sampling: a proposal is fitted, --samples draws of it are weighted by posterior over proposal, and the mean weight is the
evidence. Draws are resampled by Pareto-smoothed weights (Vehtari, Simpson, Gelman, Yao and Gabry 2024), whose k-hat tells whether the
weights are to be trusted. --proposal prior is naive Monte Carlo. Where all latents are discrete and summed out, evidence and draws are exact.`,
  options: {
    proposal: {
      type: "choice",
      default: "fullrank",
      choices: [...proposals, "prior"],
      doc: "what draws come from: a fitted family, the curvature at the mode, a Pathfinder path, or the prior",
    },
    ...gaussianOptions,
    samples: { type: "integer", default: 5000, min: 1, doc: "draws of the proposal" },
    draws: { type: "integer", default: 1000, min: 1, doc: "draws that are kept, resampled by their weights" },
  },
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: (target) => (areAllSummed(target) ? undefined : refuseWithoutLatents(target)),
  async run(target, options, context) {
    if (areAllSummed(target)) return allSummed(target, options.draws, context);
    const began = context.now();
    const name = options.proposal as ProposalName;
    const refusal = refuseProposal(target, name);
    if (refusal) return { failure: { reason: refusal }, verdicts: [], traces: {} };
    // In training, `samples` is the number of draws in each step.
    const proposal = await proposalOf(target, name, { ...options, samples: gaussianOptions.samples.default }, context);
    if ("reason" in proposal) return { failure: proposal, verdicts: [], traces: {} };
    const fitted = context.now();
    const { dimension: n } = target;
    const { positions, logQ } = await proposal.draw(options.samples, context.rng.split("proposals"), context);
    const density = await proposal.target.density();
    const logP = new Float64Array(logQ.length);
    const unused = new Float64Array(n);
    let done = 0;
    for (; done < logP.length && !context.stop(); done++) {
      logP[done] = density.evaluate(positions.subarray(done * n, (done + 1) * n), unused);
      if (done % 100 === 0) {
        context.progress({ chain: 1, phase: "weighting", done, total: logP.length, divergences: 0 });
        await context.breathe();
      }
    }
    density.dispose();
    proposal.density.dispose();
    if (done === 0) return { failure: { reason: "it was interrupted before any draw had a weight" }, verdicts: [], traces: {} };
    const seen = { logP: logP.subarray(0, done), logQ: logQ.subarray(0, done) };
    const ended = fromWeighted(
      proposal.target,
      { positions, logWeights: logWeightsOf(seen), stats: { lp: seen.logP, log_p: seen.logP, log_g: seen.logQ } },
      options.draws,
      context.rng.split("resampling"),
      {
        pass: "the importance weights are well behaved: Pareto k-hat is at most 0.5",
        warn: "a few draws carry much of the weight, so the evidence and its error are rough",
        fail: "a few draws carry most of the weight: neither the evidence nor the draws are to be trusted",
        advice:
          "Try a proposal that fits better (--proposal fullrank, lowrank or laplace), more --samples, or --engine ais, which needs no good fit.",
        more: "--samples 5000",
      },
    );
    if ("reason" in ended) return { failure: ended, verdicts: [], traces: {} };
    const { drawn, ...found } = ended;
    return {
      chain: {
        chain: 1,
        dimension: n,
        ...drawn,
        seconds: { warmup: (fitted - began) / 1000, sampling: (context.now() - fitted) / 1000 },
        evaluations: done,
        interrupted: done < options.samples,
        divergences: [],
      },
      fitted: proposal.parameters,
      ...found,
      traces: proposal.traces,
    };
  },
});

/** Nothing is left to propose: the density is the evidence, and what was summed over is drawn exactly. */
async function allSummed(target: Target, draws: number, context: RunContext): Promise<Result> {
  const began = context.now();
  const density = await target.density();
  const mean = density.evaluate(new Float64Array(0), new Float64Array(0));
  density.dispose();
  if (mean === Number.NEGATIVE_INFINITY)
    return { failure: { reason: "the data are impossible, whatever the latents are" }, verdicts: [], traces: {} };
  if (!Number.isFinite(mean))
    return { failure: { reason: "the log density is no number: it is no posterior" }, verdicts: [], traces: {} };
  return {
    chain: {
      chain: 1,
      dimension: 0,
      draws,
      positions: new Float64Array(0),
      stats: { lp: new Float64Array(draws).fill(mean) },
      seconds: { warmup: 0, sampling: (context.now() - began) / 1000 },
      evaluations: 1,
      interrupted: false,
      divergences: [],
    },
    ...evidenceIfProper(target, { mean, se: 0 }),
    verdicts: [],
    traces: {},
  };
}
