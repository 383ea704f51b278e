// Log-likelihoods of single observations at the draws of a fit: what cross-validation is made of.

import type { Draws } from "./runtime/draws.ts";
import { UsageError } from "./runtime/errors.ts";
import { createBuilder } from "./runtime/ir/builder.ts";
import { shapeOf, type Value } from "./runtime/ir/graph.ts";
import { simplify } from "./runtime/ir/simplify.ts";
import { sizeOf } from "./runtime/ir/type.ts";
import type { Target, Term } from "./runtime/target.ts";
import { compileWasm, instantiate } from "./runtime/wasm/backend.ts";

export interface Pointwise {
  /** The observed variables with the number of their observations, in order. */
  readonly sites: readonly { readonly name: string; readonly count: number }[];
  /** Of each observation, over all draws. */
  readonly values: readonly Float64Array[];
}
/** Numbers that are held at once: 1.6 GB. */
const MOST_NUMBERS = 200_000_000;

/** Discrete latents are summed out. */
export function pointwiseLikelihood(target: Target, draws: Draws): Pointwise {
  const b = createBuilder();
  const discrete = new Set(target.discrete.map((s) => s.name));
  const latents = target.sites.filter((s) => s.role === "latent" && !discrete.has(s.name));
  const inputs = latents.map((s, i) => ({ ...s, input: b.input(`latent ${i}`, { shape: s.type.shape, dtype: "real" }) }));
  const values = Object.fromEntries(inputs.map((s) => [s.name, s.input]));
  const terms = target.terms(b, values).filter((t) => t.role === "likelihood");
  const count = terms.reduce((n, t) => n + sizeOf(shapeOf(t.value)), 0);
  refuse(target, terms, count);
  const total = draws.chains * draws.drawsPerChain;
  if (count * total > MOST_NUMBERS)
    throw new UsageError(
      `${count} observations at ${total} draws are more log-likelihoods than can be held: thin the draws, --thin`,
    );
  const drawn = inputs.map((s) => {
    const own = draws.values[s.name];
    if (!own || own.length !== total * sizeOf(s.type.shape))
      throw new UsageError(
        `the draws have no ${s.name} of shape [${s.type.shape.join(", ")}]: they are those of another model or of other data`,
      );
    return { ...s, own, size: sizeOf(s.type.shape) };
  });
  const outputs = terms.map((t): Value => b.reshape(b.cast(t.value, "real"), [sizeOf(shapeOf(t.value))]));
  const program = instantiate(compileWasm(simplify(b, { inputs: inputs.map((s) => s.input), outputs, updates: [] })));
  const points = Array.from({ length: count }, () => new Float64Array(total));
  for (let d = 0; d < total; d++) {
    drawn.forEach(({ own, size }, i) => {
      const into = program.inputs[`latent ${i}`];
      if (into instanceof Float64Array) into.set(own.subarray(d * size, (d + 1) * size));
    });
    program.run();
    let at = 0;
    for (const output of program.outputs) for (const x of output) points[at++][d] = x;
  }
  program.dispose();
  const sites = new Map<string, number>();
  terms.forEach((t) => sites.set(t.site, (sites.get(t.site) ?? 0) + sizeOf(shapeOf(t.value))));
  return { sites: [...sites].map(([name, n]) => ({ name, count: n })), values: points };
}

function refuse(target: Target, terms: readonly Term[], count: number): void {
  if (terms.length === 0) throw new UsageError(`${target.name} observes nothing: there is nothing to predict`);
  const partly = terms.find((t) => target.sites.some((s) => s.role === "latent" && s.name === t.site));
  if (partly)
    throw new UsageError(
      `entries of ${partly.site} are missing: which of its log densities are observations is not told apart yet`,
    );
  const least = target.sites.filter((s) => s.role === "observed").reduce((n, s) => n + sizeOf(s.type.shape), 0);
  if (target.discrete.length > 0 && count < least)
    throw new UsageError(
      `the observations of ${target.name} depend on one another by way of ${target.discrete.map((s) => s.name).join(", ")}, which is summed out: leaving out one of them is not built yet`,
    );
}
