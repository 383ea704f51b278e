// The options that nuts and hmc share, with Stan's names and defaults.
import type { Target } from "../../runtime/target.ts";
import { defineOptions, type Options, type Prepared, type RunEngineContext } from "../engine.ts";
import type { ChainOptions } from "../hmc/chain.ts";
import type { MetricKind } from "../hmc/metric.ts";
import { initOption, radiusOf } from "./init.ts";

export const samplerOptions = defineOptions({
  warmup: { type: "integer", default: 1000, min: 0, doc: "iterations of warm-up in each chain, which are not draws" },
  draws: { type: "integer", default: 1000, min: 1, doc: "iterations after warm-up in each chain" },
  thin: { type: "integer", default: 1, min: 1, doc: "keep every n-th draw" },
  saveWarmup: { type: "boolean", default: false, doc: "keep the draws of the warm-up too" },
  targetAccept: {
    type: "number",
    default: 0.8,
    min: 0,
    max: 1,
    exclusive: true,
    doc: "acceptance to which the step size is tuned",
  },
  metric: { type: "choice", default: "diag", choices: ["diag", "dense", "unit"], doc: "shape of the mass matrix" },
  metricFrom: {
    type: "choice",
    default: "both",
    choices: ["draws", "gradients", "both"],
    doc: "learn a diagonal metric from the draws' variances in Stan's windows, from those of draws and gradients as nutpie does, or from gradients at first and draws at last",
  },
  centering: {
    type: "choice",
    default: "model",
    choices: ["model", "auto"],
    doc: "coordinates of latents whose location or scale depends on latents: as the model says, or anything between centred and noncentered, as a mean-field fit to short chains finds them best for each element (Gorinova, Moore and Hoffman 2020)",
  },
  init: initOption,
  stepSize: {
    type: "number",
    default: 1,
    min: 0,
    exclusive: true,
    doc: "first guess of the step size; the step size itself when there is no warm-up",
  },
  stepSizeJitter: {
    type: "number",
    default: 0,
    min: 0,
    max: 1,
    doc: "draw each step size from (1 ± this) times the adapted one",
  },
  gamma: { type: "number", default: 0.05, min: 0, exclusive: true, doc: "step-size adaptation: regularisation scale" },
  kappa: { type: "number", default: 0.75, min: 0, exclusive: true, doc: "step-size adaptation: relaxation exponent" },
  t0: { type: "number", default: 10, min: 0, exclusive: true, doc: "step-size adaptation: iteration offset" },
  initBuffer: { type: "integer", default: 75, min: 0, doc: "warm-up iterations before the metric is learnt" },
  termBuffer: { type: "integer", default: 50, min: 0, doc: "warm-up iterations after the metric is settled" },
  window: { type: "integer", default: 25, min: 1, doc: "warm-up iterations of the first window in which the metric is learnt" },
});

/** What `centering` asks for. */
export function prepareCentering(
  target: Target,
  { centering }: Pick<Options<typeof samplerOptions>, "centering">,
  context: RunEngineContext,
): Promise<Prepared> | undefined {
  // Sampling threads, which prepare nothing, do not load it.
  if (centering === "auto") return import("../centering/learn.ts").then(({ learnCentering }) => learnCentering(target, context));
  return undefined;
}

/** The options as a chain reads them. `init` may name a file: its positions came as starts, and no radius is needed. */
export function chainOptions(options: Options<typeof samplerOptions>, isStartGiven: boolean): ChainOptions {
  return {
    ...options,
    // Both are choices, checked against their schema.
    metric: options.metric as MetricKind,
    metricFrom: options.metricFrom as ChainOptions["metricFrom"],
    radius: radiusOf(options.init, isStartGiven),
    jitter: options.stepSizeJitter,
  };
}
