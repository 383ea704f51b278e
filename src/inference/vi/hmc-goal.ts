// VI-initialised HMC (Hoffman 2017): chains start at the guide's draws; the model is trained on where they end, the guide on its bound.
import { InternalError, UsageError } from "../../runtime/errors.ts";
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { exp, log } from "../../runtime/numeric/math.ts";
import type { Assignment, Target } from "../../runtime/target.ts";
import { boundOf } from "./bound.ts";
import { type HmcOptions, hmc, pathScale, signs, stateAt } from "./hmc-rows.ts";
import { coordinatesAt, rowDensity } from "./rows-density.ts";
import type { Goal, Ingredients } from "./train.ts";
import { weigh } from "./weights.ts";

export interface RefinementOptions extends HmcOptions {
  /** Mean probability of acceptance to which the step is adapted. */
  readonly targetAccept: number;
  /** First step, in units of the guide's scale. */
  readonly step: number;
}
/** Of each training step, as it is made. */
export interface RefinementTrace {
  readonly acceptance: number[];
  readonly step: number[];
}

/** Parameters of which the model's density depends, and which the guide's bound does not train. */
export const modelParameters = (target: Target): ReadonlySet<string> =>
  new Set(target.parameters.filter((p) => p.readBy !== "guide").map((p) => p.name));

export function refinedGoal(options: RefinementOptions, trace: RefinementTrace): (ingredients: Ingredients) => Goal {
  return ({ b, target, family, noise, parameters, options: training, minibatch, beta }) => {
    if (!minibatch) {
      // Rows that depend on one another come all together; others as minibatches, which may be of all.
      orRefuse(rowDensity(b, target, { parameters: parameters.target }));
      throw new InternalError("chains of rows without rows");
    }
    const { plate, indices, rows } = minibatch;
    const ofModel = modelParameters(target);
    const hold = (which: (name: string) => boolean): Assignment =>
      Object.fromEntries(Object.entries(parameters.target).map(([name, v]) => [name, which(name) ? b.stopGradient(v) : v]));
    const held = hold((name) => ofModel.has(name));
    const { objective, draws, stickTheLanding } = training;
    const weights = weigh(b, target, family, noise, { ...parameters, target: held }, { draws, stickTheLanding }, minibatch);
    const bound = boundOf(b, weights, { objective, draws, ...(beta ? { beta } : {}) });
    // The chains: of the model as it is evaluated, without dropout.
    const setting = { parameters: held };
    const density = orRefuse(rowDensity(b, target, setting));
    if (density.local.plate.name !== plate.name)
      throw new UsageError(`minibatches run over ${plate.name}, and latents are those of rows of ${density.local.plate.name}`);
    const chains = { parts: (u: Value) => [density.at(indices, u)] };
    const drawn = orRefuse(coordinatesAt(b, target, density.local, weights.drawn.values, weights.take, setting));
    const paths = noise.inputsOf([drawn]);
    if (paths.length === 0) throw new UsageError("the guide's draws are no path of noise, so its scale is unknown");
    const directions = paths.map((input) => signs(b, noise.noise("uniform", shapeOf(input), [])));
    const scale = pathScale(b, drawn, paths, directions);
    const step = b.input("hmc step", { shape: [], dtype: "real" });
    const run = hmc(b, chains, stateAt(b, chains, drawn), step, scale, noise, options);
    // The model, at the ends of the chains.
    const live = orRefuse(rowDensity(b, target, { parameters: hold((name) => !ofModel.has(name)) }));
    const ends = live.at(indices, b.stopGradient(run.position));
    const model = b.add(b.mul(b.constant(weights.scale), b.sum(ends)), live.shared);
    const acceptance = b.div(b.sum(run.acceptance), b.constant(rows));
    let logStep = log(options.step);
    return {
      ...bound,
      statistics: weights.statistics,
      objective: b.add(bound.objective, model),
      settings: [step],
      watched: [acceptance],
      before(inputs) {
        inputs["hmc step"][0] = exp(logStep);
      },
      after([[accepted]], t) {
        trace.acceptance.push(accepted);
        trace.step.push(exp(logStep));
        logStep += gainAt(t) * (accepted - options.targetAccept);
      },
      state: () => ({ [LOG_STEP]: Float64Array.of(logStep) }),
      goOn({ [LOG_STEP]: before }) {
        if (before?.length === 1) logStep = before[0];
      },
    };
  };
}

/** Its name in the state of a training. */
const LOG_STEP = "log hmc step";
/** Of the stochastic approximation: fast at first; it never ends, since the posteriors change while the model learns. */
const gainAt = (t: number): number => 0.02 + 0.5 / (1 + t / 20);

function orRefuse<T extends object>(found: T | { readonly refusal: string }): T {
  if ("refusal" in found) throw new UsageError(`vi-hmc: ${found.refusal}`);
  return found;
}
