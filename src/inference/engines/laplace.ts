// The engine `laplace`: the normal distribution with the mode and the curvature of the posterior.
import { log } from "../../runtime/numeric/math.ts";
import { defineEngine } from "../engine.ts";
import { evaluateFamily, fitVerdict } from "../vi/evaluate.ts";
import { evidenceOf } from "../vi/evidence.ts";
import { standardNormal } from "../vi/families/gaussian.ts";
import { optimumOptions } from "./optimum.ts";
import { evidenceIfProper } from "./prior-density.ts";
import { laplaceStart } from "./proposals.ts";
import { refuseSampling } from "./refuse.ts";

const { standardErrors: _, ...climbing } = optimumOptions;

export const laplace = defineEngine({
  name: "laplace",
  doc: `The Laplace approximation: the mode of the posterior in unconstrained space, by L-BFGS from several starts, and there a normal
distribution whose precision is the curvature of the log density (Tierney and Kadane 1986). Draws of it, the evidence by the
closed form and by importance weights of the draws, and Pareto k-hat of the approximation.`,
  options: {
    ...climbing,
    draws: { type: "integer", default: 1000, min: 1, doc: "draws of the approximation, which judge it too" },
  },
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: (target) =>
    refuseSampling(target) ??
    (target.dimension > 2000 ? `a curvature of ${target.dimension} coordinates is a matrix too large; use meanfield` : undefined),
  async run(target, options, context) {
    const began = context.now();
    const found = await laplaceStart(target, { ...options, standardErrors: false }, context);
    if ("reason" in found) return { failure: found, verdicts: [], traces: {} };
    const climbed = context.now();
    const { dimension: n } = target;
    const { factor } = found.start;
    const family = standardNormal(target, found.start);
    const evaluated = await evaluateFamily(target, family, {}, options.draws, context.rng.split("draws"), context);
    const { logP, logQ, positions = new Float64Array(0) } = evaluated;
    let closed = found.mode.logDensity + 0.5 * n * log(2 * Math.PI);
    for (let i = 0; i < n; i++) closed += log(factor[i * n + i]);
    const verdict = fitVerdict(evaluated);
    const { evidence, figures } = evidenceOf(evaluated);
    const proper = evidenceIfProper(target, evidence);
    return {
      chain: {
        chain: 1,
        dimension: n,
        draws: logP.length,
        positions,
        stats: { lp: logP, log_p: logP, log_g: logQ },
        seconds: { warmup: (climbed - began) / 1000, sampling: (context.now() - climbed) / 1000 },
        evaluations: found.mode.evaluations + 2 * n + logP.length,
        interrupted: context.stop(),
        divergences: [],
      },
      start: found.begin,
      ...(verdict.level === "fail" ? {} : proper),
      // The closed form is one of the prior's normaliser too.
      figures: { ...(proper.evidence ? { laplace_evidence: closed } : {}), ...figures },
      verdicts: [...found.verdicts, verdict],
      traces: {},
    };
  },
});
