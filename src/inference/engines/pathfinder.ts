// The engine `pathfinder`: normal distributions along L-BFGS paths, the best of each by its evidence lower bound, draws by importance.

import { log } from "../../runtime/numeric/math.ts";
import { logSumExp, smoothed } from "../diagnostics/psis.ts";
import { defineEngine, type Result } from "../engine.ts";
import type { Path } from "../optimize/path.ts";
import { deviationsOf, drawNormal, normalLogDensity } from "../optimize/quasi-newton-normal.ts";
import { verdictOn } from "../vi/evaluate.ts";
import { evidenceOf, logWeightsOf } from "../vi/evidence.ts";
import { resampled, takeRowsAt } from "../vi/resample.ts";
import { initOption, radiusOf } from "./init.ts";
import { bestPath, multiPath } from "./multi-path.ts";
import { optimumOptions } from "./optimum.ts";
import { evidenceIfProper } from "./prior-density.ts";
import { refuseSampling } from "./refuse.ts";
import { worthOf } from "./weighted.ts";

export const pathfinder = defineEngine({
  name: "pathfinder",
  doc: `Pathfinder (Zhang, Carpenter, Gelman and Vehtari 2022): from each of several starts L-BFGS climbs the log density, and of the normal
distributions that its steps tell of on the way, the one with the best evidence lower bound is kept. Draws of all paths, resampled
by Pareto-smoothed importance weights over the mixture of the paths, are the result. A fast first look, and good starting points for nuts.`,
  options: {
    paths: { type: "integer", default: 4, min: 1, doc: "starts of L-BFGS" },
    maxIterations: { ...optimumOptions.maxIterations, default: 1000 },
    history: { ...optimumOptions.history, default: 6 },
    elboDraws: { type: "integer", default: 25, min: 1, doc: "draws that estimate the bound at each point of a path" },
    pathDraws: { type: "integer", default: 1000, min: 1, doc: "draws of the best normal distribution of each path" },
    resample: { type: "boolean", default: true, doc: "resample by importance; false: keep the paths' draws as they are" },
    draws: { type: "integer", default: 1000, min: 1, doc: "draws that are kept" },
    init: initOption,
  },
  unit: "run",
  discrete: "summed",
  precision: "float64",
  refuse: refuseSampling,
  async run(target, options, context) {
    const began = context.now();
    const density = await target.density();
    try {
      const radius = radiusOf(options.init, context.start !== undefined);
      const { paths, failure } = await multiPath(density, { ...options, radius }, context.rng, context, context.start);
      if (failure) return { failure, verdicts: [], traces: {} };
      const found = paths.filter((p): p is Path & Required<Pick<Path, "normal">> => p.normal !== undefined);
      const best = bestPath(paths);
      if (!best?.normal) return nothing;
      const climbed = context.now();
      const n = target.dimension;
      const count = options.pathDraws;
      const positions = new Float64Array(found.length * count * n);
      const logP = new Float64Array(found.length * count);
      const logQ = new Float64Array(found.length * count);
      const logMixture = new Float64Array(found.length * count);
      const unused = new Float64Array(n);
      found.forEach(({ normal }, p) => {
        const rng = context.rng.split(`draws of path ${p + 1}`);
        for (let i = p * count; i < (p + 1) * count; i++) {
          const row = positions.subarray(i * n, (i + 1) * n);
          logQ[i] = drawNormal(normal, rng, row);
          logP[i] = density.evaluate(row, unused);
          // Weights by the mixture of all paths (Owen 2013, section 9.11): one that is too narrow does no harm beside one that is not.
          const each = Float64Array.from(found, (f) => normalLogDensity(f.normal, row));
          logMixture[i] = logSumExp(each) - log(found.length);
        }
      });
      const weighed = { logP, logQ: logMixture };
      const logWeights = logWeightsOf(weighed);
      const rng = context.rng.split("resampling");
      const rows = options.resample
        ? resampled(smoothed(logWeights).logWeights, options.draws, rng)
        : Int32Array.from({ length: Math.min(options.draws, logP.length) }, (_, i) =>
            Math.floor((i * logP.length) / Math.min(options.draws, logP.length)),
          );
      const path = Float64Array.from(logP, (_, i) => Math.floor(i / count) + 1);
      const { evidence, figures } = evidenceOf(weighed);
      const verdict = verdictOn(logWeights, {
        pass: "the paths' normal distributions cover the posterior: Pareto k-hat is at most 0.5",
        warn: "the paths' normal distributions miss part of the posterior",
        fail: "the paths' normal distributions do not cover the posterior: a look at it, but means and deviations are not to be trusted",
        advice: "More paths (--paths 20) help where they ended apart; else sample: --engine nuts.",
        more: "--path-draws 1000",
      });
      return {
        chain: {
          chain: 1,
          dimension: n,
          draws: rows.length,
          positions: takeRowsAt(positions, n, rows),
          stats: { lp: takeRowsAt(logP, 1, rows), lp_approx: takeRowsAt(logQ, 1, rows), path: takeRowsAt(path, 1, rows) },
          seconds: { warmup: (climbed - began) / 1000, sampling: (context.now() - climbed) / 1000 },
          evaluations: paths.reduce((sum, p) => sum + p.evaluations, 0) + logP.length,
          interrupted: context.stop() || paths.some((p) => p.interrupted),
          divergences: [],
        },
        ...(options.resample ? { effectiveDraws: worthOf(figures.effective_draws, options.draws) } : {}),
        start: { position: best.normal.mean, scale: deviationsOf(best.normal) },
        ...(verdict.level === "fail" ? {} : evidenceIfProper(target, evidence)),
        figures: { ...figures, elbo: best.elbo },
        verdicts: [verdict],
        traces: Object.fromEntries(paths.map((p, i) => [`elbo of path ${i + 1}`, Float64Array.from(p.elbos)])),
      };
    } finally {
      density.dispose();
    }
  },
});

const nothing: Result = {
  failure: {
    reason:
      "no point of any path had a normal distribution with a finite bound: the log density may be flat or unbounded. Try other starts (--init 1, --paths 20), or --engine nuts",
  },
  verdicts: [],
  traces: {},
};
