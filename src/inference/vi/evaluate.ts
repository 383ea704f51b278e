// A fitted family looked at in float64: draws, their log weights, and what they say about the fit.
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import { paretoK } from "../diagnostics/psis.ts";
import type { Verdict } from "../engine.ts";
import type { Family } from "./approximation.ts";
import { Noise } from "./noise.ts";
import { weigh } from "./weights.ts";

export interface Evaluated {
  /** log p and log q of each draw. */
  readonly logP: Float64Array;
  readonly logQ: Float64Array;
  /** Unconstrained, draws x dimension, where the family draws there. */
  readonly positions?: Float64Array;
}

/** `draws` draws of the family over a target whose parameters are fixed. */
export async function evaluateFamily(
  target: Target,
  family: Family,
  fitted: Readonly<Record<string, Float64Array>>,
  draws: number,
  rng: Rng,
): Promise<Evaluated> {
  const b = createBuilder();
  const noise = new Noise(b);
  const own: Record<string, Value> = Object.fromEntries(
    family.parameters.map((p) => [p.name, b.tensor(fitted[p.name], p.shape)]),
  );
  const { parts, drawn } = weigh(b, target, family, noise, { target: {}, family: own }, { draws: 1 });
  const sum = (wanted: 1 | -1): Value =>
    parts.filter((p) => p.sign === wanted).reduce((s, p) => b.add(s, b.reshape(p.value, [])), b.constant(0));
  const outputs = [sum(1), sum(-1), ...(drawn.position ? [b.reshape(drawn.position, shapeOf(drawn.position))] : [])];
  const program = simplify(b, { inputs: noise.inputsOf(outputs), outputs, updates: [] });
  const executable = await wasmBackend.compile(program);
  const fill = noise.filler(executable);
  const logP = new Float64Array(draws);
  const logQ = new Float64Array(draws);
  const positions = drawn.position ? new Float64Array(draws * target.dimension) : undefined;
  for (let i = 0; i < draws; i++) {
    fill(rng);
    executable.run();
    logP[i] = executable.outputs[0][0];
    logQ[i] = executable.outputs[1][0];
    positions?.set(executable.outputs[2], i * target.dimension);
  }
  executable.dispose();
  return positions ? { logP, logQ, positions } : { logP, logQ };
}

/** k-hat of draws of q, in words (Yao, Vehtari, Simpson and Gelman 2018). */
export function fitVerdict({ logP, logQ }: Evaluated): Verdict {
  const k = paretoK(logP.map((x, i) => x - logQ[i]));
  const level = k <= 0.5 ? "pass" : k <= 0.7 ? "warn" : "fail";
  return {
    what: "k-hat",
    level,
    value: k,
    advice:
      level === "pass"
        ? "the approximation covers the posterior: Pareto k-hat is at most 0.5"
        : `Pareto k-hat is ${k.toFixed(2)}: the approximation ${level === "warn" ? "misses part of" : "does not cover"} the posterior${
            level === "fail" ? ", and its means and deviations are not to be trusted" : ""
          }. Try a wider family (fullrank, lowrank), noncentered latents, or sample: --engine nuts, or vi-hmc from this fit.`,
  };
}
