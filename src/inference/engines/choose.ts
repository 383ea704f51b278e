// What `--engine auto` is: by what the model has to learn and to infer.
import { UsageError } from "../../runtime/errors.ts";
import type { Target } from "../../runtime/target.ts";
import type { Engine } from "../engine.ts";
import { learntByModel } from "../vi/parameters.ts";
import { engines } from "./index.ts";

export const AUTO = "auto";

export interface Chosen {
  readonly engine: Engine;
  /** Why, where the engine was not named and is not the usual one. */
  readonly reason?: string;
}

/** Throws a UsageError for a name that no engine has. */
export function checkEngineName(name: string): void {
  if (name !== AUTO && !engines.has(name))
    throw new UsageError(`there is no engine ${name}; there are ${AUTO}, ${[...engines.keys()].join(", ")}`);
}

export function chooseEngine(name: string, target: Target): Chosen {
  checkEngineName(name);
  if (name !== AUTO) return { engine: engineOf(name) };
  const [chosen, reason] = choice(target);
  return { engine: engineOf(chosen), ...(reason === undefined ? {} : { reason }) };
}

function engineOf(name: string): Engine {
  const engine = engines.get(name);
  if (engine === undefined) throw new UsageError(`there is no engine ${name}`);
  return engine;
}

function choice(target: Target): readonly [name: string, reason?: string] {
  const learnt = learntByModel(target).length;
  if (learnt === 0 && target.discrete.length === 0) return ["nuts"];
  if (target.guide)
    return ["amortized", learnt > 0 ? "there is something to learn, and a guide" : "there are discrete latents, and a guide"];
  if (target.discrete.length > 0) {
    const summation = target.summation();
    if ("refusal" in summation) return ["meanfield", summation.refusal];
    if (learnt === 0)
      return target.dimension > 0 ? ["nuts"] : ["importance", "all latents are discrete: they are summed out, and drawn exactly"];
    if (target.dimension === 0) return ["mle", "there is something to learn, and discrete latents are summed out"];
  }
  if (target.dimension === 0) return ["mle", "there is something to learn, and no latent to infer"];
  return ["meanfield", "there is something to learn beside the latents, and no guide"];
}
