// A fitted family looked at in float64: draws, their log weights, and what they say about the fit.
import { InternalError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target, Term } from "../../runtime/target.ts";
import { largestK, paretoK } from "../diagnostics/psis.ts";
import type { Verdict } from "../engine.ts";
import type { Drawn, Family } from "./approximation.ts";
import { type DrawContext, eachDraw } from "./each-draw.ts";
import { logWeightsOf } from "./evidence.ts";
import { Noise } from "./noise.ts";
import { reverseTerms } from "./weights.ts";

export interface Evaluated {
  /** log p and log q of each draw. */
  readonly logP: Float64Array;
  readonly logQ: Float64Array;
  /** Unconstrained, draws x dimension, where the family draws there. */
  readonly positions?: Float64Array;
}

/** So many draws are made whatever happens: a training that was stopped is looked at too. */
const FEWEST_DRAWS = 100;

/** `draws` draws of the family over a target whose parameters are fixed; fewer where it is stopped. */
export async function evaluateFamily(
  target: Target,
  family: Family,
  fitted: Readonly<Record<string, Float64Array>>,
  draws: number,
  rng: Rng,
  context: DrawContext,
): Promise<Evaluated> {
  const b = createBuilder();
  const noise = new Noise(b);
  const parameters = { target: {}, family: constants(b, family, fitted) };
  const drawn = family.draw(b, noise, parameters, { parameters: {} });
  const reverse = reverseTerms(b, target, drawn, { parameters: {} });
  const total = (terms: readonly Term[]): Value => terms.reduce((s, t) => b.add(s, b.sum(t.value)), b.constant(0));
  const p = total([...target.terms(b, drawn.values, { parameters: {} }), ...drawn.jacobian, ...reverse]);
  const q = total(drawn.logQ(parameters));
  const [logP, logQ, positions] = await drawAll(b, noise, [p, q, ...positionOf(drawn)], draws, rng, context, FEWEST_DRAWS);
  return positions ? { logP, logQ, positions } : { logP, logQ };
}

/** Draws without log p; fewer where it is stopped. */
export async function drawFamily(
  family: Family,
  fitted: Readonly<Record<string, Float64Array>>,
  draws: number,
  rng: Rng,
  context?: DrawContext,
): Promise<{ readonly positions: Float64Array; readonly logQ: Float64Array }> {
  const b = createBuilder();
  const noise = new Noise(b);
  const parameters = { target: {}, family: constants(b, family, fitted) };
  const drawn = family.draw(b, noise, parameters, { parameters: {} });
  const logQ = drawn.logQ(parameters).reduce((s, t) => b.add(s, b.sum(t.value)), b.constant(0));
  const [density, positions] = await drawAll(b, noise, [logQ, ...positionOf(drawn)], draws, rng, context);
  if (!positions) throw new InternalError("a family that does not draw unconstrained vectors");
  return { positions, logQ: density };
}

const positionOf = ({ position }: Drawn): Value[] => (position ? [position] : []);

function constants(b: Builder, family: Family, fitted: Readonly<Record<string, Float64Array>>): Record<string, Value> {
  return Object.fromEntries(family.parameters.map((p) => [p.name, b.tensor(fitted[p.name], p.shape)]));
}

/** The values of each output at each of `draws` fillings of the noise, one after the other; of fewer where it is stopped. */
async function drawAll(
  b: Builder,
  noise: Noise,
  outputs: readonly Value[],
  draws: number,
  rng: Rng,
  context: DrawContext = { stop: () => false, breathe: async () => {} },
  fewest = 0,
): Promise<Float64Array[]> {
  let made = 0;
  const patient = { stop: () => made >= fewest && context.stop(), breathe: context.breathe };
  const all = outputs.map((o) => new Float64Array(draws * sizeOf(shapeOf(o))));
  const count = await eachDraw(b, { noise, outputs }, draws, rng, patient, (values, draw) => {
    made++;
    for (const [k, v] of values.entries()) all[k].set(v, draw * v.length);
  });
  return all.map((values) => values.subarray(0, (values.length / draws) * count));
}

/** k-hat of draws of q, in words (Yao, Vehtari, Simpson and Gelman 2018). */
export function fitVerdict(draws: Pick<Evaluated, "logP" | "logQ">, advice = GAUSSIAN_ADVICE): Verdict {
  return verdictOn(logWeightsOf(draws), {
    pass: "the approximation covers the posterior: Pareto k-hat is at most 0.5",
    warn: "the approximation misses part of the posterior",
    fail: "the approximation does not cover the posterior, and its means and deviations are not to be trusted",
    advice,
    more: "--draws 1000",
  });
}
const GAUSSIAN_ADVICE = "Try fullrank or lowrank in place of meanfield, noncentered latents, or sample: --engine nuts.";

export interface VerdictWords {
  readonly pass: string;
  readonly warn: string;
  readonly fail: string;
  readonly advice: string;
  /** The flag that makes more draws, with enough of them. */
  readonly more: string;
}
/** Up to 0.5 weights have a variance; beyond `largestK` so many draws are not enough. */
export function verdictOn(logRatios: Float64Array, words: VerdictWords): Verdict {
  const k = paretoK(logRatios);
  if (Number.isNaN(k))
    return {
      what: "k-hat",
      level: "warn",
      value: k,
      advice: `${logRatios.length} draws are too few for Pareto k-hat, so nothing is known of how good they are: ${words.more}`,
    };
  const limit = largestK(logRatios.length);
  const level = k <= Math.min(0.5, limit) ? "pass" : k <= limit ? "warn" : "fail";
  return {
    what: "k-hat",
    level,
    value: k,
    advice:
      level === "pass"
        ? words.pass
        : `Pareto k-hat is ${k.toFixed(2)}${level === "fail" ? `, above ${limit.toFixed(2)}` : ""}: ${words[level]}. ${words.advice}`,
  };
}
