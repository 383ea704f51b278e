// The options that the variational engines share.
import { UsageError } from "../../runtime/errors.ts";
import type { Target } from "../../runtime/target.ts";
import { defineOptions, type Options } from "../engine.ts";
import { type Schedule, schedules } from "../vi/schedule.ts";
import { outermostPlate, type TrainingOptions } from "../vi/train.ts";

export const trainingOptions = defineOptions({
  steps: { type: "integer", default: 10000, min: 1, doc: "steps of the optimiser at most" },
  rate: { type: "number", default: 0.02, min: 0, exclusive: true, doc: "step size of Adam" },
  schedule: { type: "choice", default: "constant", choices: Object.keys(schedules), doc: "how the rate falls over the steps" },
  beta1: { type: "number", default: 0.9, min: 0, max: 0.999999, doc: "Adam: decay of the mean of the gradients" },
  beta2: { type: "number", default: 0.999, min: 0, max: 0.999999, doc: "Adam: decay of the mean of their squares" },
  epsilon: { type: "number", default: 1e-8, min: 0, exclusive: true, doc: "Adam: added to the root of that" },
  clip: { type: "number", default: 0, min: 0, doc: "scale gradients of a larger norm down to this; 0: never" },
  samples: { type: "integer", default: 1, min: 1, doc: "draws of q in each step; the K of --objective iwae" },
  objective: {
    type: "choice",
    default: "elbo",
    choices: ["elbo", "iwae"],
    doc: "the evidence lower bound, or the importance-weighted bound of K samples",
  },
  beta: { type: "number", default: 1, min: 0, doc: "weight of the Kullback-Leibler part of the bound" },
  klWarmup: { type: "integer", default: 0, min: 0, doc: "steps over which that weight rises from 0" },
  stickTheLanding: {
    type: "boolean",
    default: false,
    doc: "gradients along the draws alone, without the score part; of the elbo",
  },
  over: {
    type: "string",
    default: "",
    doc: "plate of which each step sees --batch rows; the outermost observed one if not given",
  },
  batch: { type: "integer", default: 0, min: 0, doc: "rows in each step; 0: all" },
  averaged: { type: "number", default: 0, min: 0, max: 0.9, doc: "the mean over this last share of the steps is the result" },
  patience: {
    type: "integer",
    default: 0,
    min: 0,
    doc: "stop when the bound has not risen over so many fiftieths of the steps; 0: never",
  },
  draws: { type: "integer", default: 1000, min: 1, doc: "draws of the fitted approximation that are kept, and judge it" },
});

/** Of families whose draws have a path, which end where the noise of their gradients does. */
export const gaussianOptions = defineOptions({
  ...trainingOptions,
  startAt: {
    type: "choice",
    default: "auto",
    choices: ["auto", "pathfinder", "random"],
    doc: "begin at the best normal distribution of four L-BFGS paths, or narrow at a random point; auto: the former, without --batch",
  },
  samples: { ...trainingOptions.samples, default: 5 },
  stickTheLanding: { ...trainingOptions.stickTheLanding, default: true },
  averaged: { ...trainingOptions.averaged, default: 0.5 },
  patience: { ...trainingOptions.patience, default: 5 },
});

export function trainingFrom(target: Target, o: Options<typeof trainingOptions>): TrainingOptions {
  return {
    steps: o.steps,
    rate: o.rate,
    // Choices, checked against the schema.
    schedule: o.schedule as Schedule,
    objective: o.objective as TrainingOptions["objective"],
    adam: { beta1: o.beta1, beta2: o.beta2, epsilon: o.epsilon, clip: o.clip },
    draws: o.samples,
    // The gradient of the importance-weighted bound would be biased without its score part (Tucker et al. 2019).
    stickTheLanding: o.stickTheLanding && o.objective === "elbo",
    beta: o.beta,
    warmup: o.klWarmup,
    averaged: o.averaged,
    patience: o.patience,
    ...batchOf(target, o),
  };
}

function batchOf(
  target: Target,
  { over, batch }: { readonly over: string; readonly batch: number },
): Pick<TrainingOptions, "batch"> {
  if (batch === 0) {
    if (over !== "") throw new UsageError("--over names the plate of minibatches; give their size too: --batch 100");
    return {};
  }
  const plate = over === "" ? outermostPlate(target) : target.plates.find((p) => p.name === over);
  if (plate === undefined) {
    // Axes that a number counts have no name to give.
    const names = [...new Set(target.plates.map((p) => p.name))].filter((name) => Number.isNaN(Number(name)));
    throw new UsageError(
      over === ""
        ? "no observation stands in a plate, so there are no minibatches: leave --batch out"
        : `the model has no plate ${over}${names.length > 0 ? `; it has ${names.join(", ")}` : ""}`,
    );
  }
  if (plate.size === 0) throw new UsageError(`the plate ${plate.name} has no rows: the data are empty`);
  if (batch > plate.size) throw new UsageError(`--batch ${batch}, and the plate ${plate.name} has ${plate.size} rows`);
  return { batch: { plate, rows: batch } };
}
