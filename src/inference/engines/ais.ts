// The engine `ais`: annealed importance sampling, for the evidence.
import { Annealer } from "../annealing/anneal.ts";
import { type Spacing, spacings, temperatures } from "../annealing/temperatures.ts";
import { Tempered } from "../annealing/tempered.ts";
import { defineEngine } from "../engine.ts";
import { type ProposalName, proposalOf, proposals, refuseProposal } from "./proposals.ts";
import { refuseWithoutLatents } from "./refuse.ts";
import { gaussianOptions } from "./training-options.ts";
import { fromWeighted } from "./weighted.ts";

/** Particles on which steps and metric are tuned. */
const PILOTS = 20;

export const ais = defineEngine({
  name: "ais",
  doc: `Annealed importance sampling (Neal 2001): chains start at draws of the prior, or of a fitted approximation, and are moved by Hamiltonian
steps through the densities between there and the posterior. The mean of their weights is the evidence, whatever the moves are worth;
its error falls with more --temperatures, and with more --particles. Steps and metric are tuned beforehand on chains of their own, so
that each move leaves its density invariant. Without a fit it takes a prior that integrates to 1.`,
  options: {
    from: {
      type: "choice",
      default: "prior",
      choices: ["prior", ...proposals],
      doc: "where the chains start: draws of the prior, or of an approximation fitted as the engine of that name does",
    },
    temperatures: { type: "integer", default: 500, min: 1, doc: "densities from there to the posterior" },
    spacing: { type: "choice", default: "sigmoidal", choices: Object.keys(spacings), doc: "how the temperatures are spaced" },
    particles: { type: "integer", default: 100, min: 2, doc: "chains, each with a weight" },
    leapfrogSteps: { type: "integer", default: 5, min: 1, doc: "steps of each Hamiltonian move" },
    targetAccept: {
      type: "number",
      default: 0.8,
      min: 0,
      max: 1,
      exclusive: true,
      doc: "acceptance to which the steps are tuned",
    },
    ...gaussianOptions,
    draws: { type: "integer", default: 1000, min: 1, doc: "draws that are kept: ends of chains, resampled by their weights" },
  },
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: refuseWithoutLatents,
  async run(target, options, context) {
    const began = context.now();
    const name = options.from as ProposalName;
    const refusal = refuseProposal(target, name);
    if (refusal) return { failure: { reason: refusal }, verdicts: [], traces: {} };
    const proposal = await proposalOf(target, name, options, context);
    if ("reason" in proposal) return { failure: proposal, verdicts: [], traces: {} };
    const density = await proposal.target.density();
    try {
      const tempered = new Tempered(proposal.density, density);
      // A choice, checked against its schema.
      const betas = temperatures(options.temperatures, options.spacing as Spacing);
      const annealing = { betas, leapfrogSteps: options.leapfrogSteps, targetAccept: options.targetAccept };
      const { dimension: n } = target;
      const pilots = await proposal.draw(PILOTS, context.rng.split("pilots"));
      const pilot = new Annealer(tempered, annealing, PILOTS);
      const tuning = pilot.tune(pilots.positions, context.rng.split("tuning"));
      let tuned = tuning.next();
      for (let t = 1; !tuned.done && !context.stop(); t++) {
        context.progress({ chain: 1, phase: "tuning", done: t, total: options.temperatures, divergences: 0 });
        await context.breathe();
        tuned = tuning.next();
      }
      const started = context.now();
      const ends = new Float64Array(options.particles * n);
      const logWeights = new Float64Array(options.particles);
      const annealer = new Annealer(tempered, annealing, 1);
      let done = 0;
      if (tuned.done) {
        const { positions } = await proposal.draw(options.particles, context.rng.split("starts"));
        for (; done < options.particles && !context.stop(); done++) {
          const rng = context.rng.split(`particle ${done + 1}`);
          const run = annealer.run(
            positions.subarray(done * n, (done + 1) * n),
            tuned.value,
            rng,
            ends.subarray(done * n, (done + 1) * n),
          );
          let step = run.next();
          while (!step.done && !context.stop()) {
            await context.breathe();
            step = run.next();
          }
          if (!step.done) break;
          logWeights[done] = step.value;
          context.progress({ chain: 1, phase: "annealing", done: done + 1, total: options.particles, divergences: 0 });
        }
      }
      if (done === 0) return { failure: { reason: "it was interrupted before any chain had arrived" }, verdicts: [], traces: {} };
      const weights = logWeights.slice(0, done);
      const unused = new Float64Array(n);
      const logP = Float64Array.from({ length: done }, (_, i) => density.evaluate(ends.subarray(i * n, (i + 1) * n), unused));
      const ended = fromWeighted(
        proposal.target,
        { positions: ends, logWeights: weights, stats: { lp: logP, log_weight: weights } },
        options.draws,
        context.rng.split("resampling"),
        {
          pass: "the annealing weights are well behaved: Pareto k-hat is at most 0.5",
          warn: "a few chains carry much of the weight, so the evidence and its error are rough",
          fail: "a few chains carry most of the weight: the evidence is more likely too low than not, and its error is not to be trusted",
          advice: `Try more --temperatures (${10 * options.temperatures}), or more --leapfrog-steps.`,
          more: "--particles 100",
        },
      );
      if ("reason" in ended) return { failure: ended, verdicts: [], traces: {} };
      const { drawn, ...found } = ended;
      return {
        chain: {
          chain: 1,
          dimension: n,
          ...drawn,
          seconds: { warmup: (started - began) / 1000, sampling: (context.now() - started) / 1000 },
          evaluations: pilot.evaluations + annealer.evaluations + done,
          interrupted: done < options.particles,
          divergences: [],
        },
        fitted: proposal.parameters,
        ...found,
        traces: { ...proposal.traces, "log weight": weights },
      };
    } finally {
      density.dispose();
      proposal.density.dispose();
    }
  },
});
