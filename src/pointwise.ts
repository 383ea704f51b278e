// Log-likelihoods of single observations at the draws of a fit: what cross-validation is made of.

import type { Draws } from "./runtime/draws.ts";
import { UsageError } from "./runtime/errors.ts";
import { createBuilder } from "./runtime/ir/builder.ts";
import { type Builder, shapeOf, type Value } from "./runtime/ir/graph.ts";
import { simplify } from "./runtime/ir/simplify.ts";
import { sizeOf } from "./runtime/ir/type.ts";
import type { Assignment, Target, Term } from "./runtime/target.ts";
import { compileWasm, instantiate } from "./runtime/wasm/backend.ts";

export interface ObservedSite {
  readonly name: string;
  readonly count: number;
  /** The numbers that are observed, in order; absent of `observe`, which is of none. */
  readonly data?: Float64Array;
}
export interface Pointwise {
  /** The observed variables by name, in alphabetical order, whatever the order of the statements. */
  readonly sites: readonly ObservedSite[];
  /** Of each observation of each site, over all draws. */
  readonly values: readonly Float64Array[];
}
/** Numbers that are held at once: 1.6 GB. */
const MOST_NUMBERS = 200_000_000;

/** Discrete latents are summed out. */
export function pointwiseLikelihood(target: Target, draws: Draws): Pointwise {
  const b = createBuilder();
  const discrete = new Set(target.discrete.map((s) => s.name));
  const latents = target.sites.filter((s) => s.role === "latent");
  const inputs = latents.map((s, i) => {
    const key = `latent ${i}`;
    return { ...s, key, input: b.input(key, { shape: s.type.shape, dtype: "real" }) };
  });
  const named = (all: typeof inputs): Assignment => Object.fromEntries(all.map((s) => [s.name, s.input]));
  const read = inputs.filter((s) => !discrete.has(s.name));
  const terms = observedTerms(target, b, named(read));
  refuse(target, terms, discrete.size > 0 ? observedTerms(target, b, named(inputs)) : terms);
  const count = terms.reduce((n, t) => n + sizeOf(shapeOf(t.value)), 0);
  const total = draws.chains * draws.drawsPerChain;
  if (count * total > MOST_NUMBERS)
    throw new UsageError(
      `${count} observations at ${total} draws are more log-likelihoods than can be held: thin the draws, --thin`,
    );
  const drawn = read.map((s) => {
    const size = sizeOf(s.type.shape);
    // A latent without elements has no column.
    const own = size === 0 ? new Float64Array(0) : draws.values[s.name];
    if (!own || own.length !== total * size)
      throw new UsageError(
        `the draws have no ${s.name} of shape [${s.type.shape.join(", ")}]: they are those of another model or of other data`,
      );
    return { ...s, own, size };
  });
  const outputs = terms.map((t): Value => b.reshape(b.cast(t.value, "real"), [sizeOf(shapeOf(t.value))]));
  const program = instantiate(compileWasm(simplify(b, { inputs: read.map((s) => s.input), outputs, updates: [] })));
  const points = Array.from({ length: count }, () => new Float64Array(total));
  for (let d = 0; d < total; d++) {
    drawn.forEach(({ own, size, key }) => {
      const into = program.inputs[key];
      if (into instanceof Float64Array) into.set(own.subarray(d * size, (d + 1) * size));
    });
    program.run();
    let at = 0;
    for (const output of program.outputs) for (const x of output) points[at++][d] = x;
  }
  program.dispose();
  const data = dataOf(target, b, inputs, named(inputs));
  const counts = countsOf(terms);
  const names = [...counts.keys()].sort();
  return {
    sites: names.map((name) => {
      const own = data.get(name);
      return { name, count: counts.get(name) ?? 0, ...(own ? { data: own } : {}) };
    }),
    values: names.flatMap((name) => valuesOf(terms, points, name)),
  };
}

/** The likelihood at given latents, in the order of the text; discrete ones that are left out are summed out. */
function observedTerms(target: Target, b: Builder, values: Assignment): readonly Term[] {
  return target
    .terms(b, values)
    .filter((t) => t.role === "likelihood")
    .sort((s, t) => s.span.file - t.span.file || s.span.start - t.span.start);
}

/** Observations by site, in the order of the sites' first terms. */
function countsOf(terms: readonly Term[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const t of terms) counts.set(t.site, (counts.get(t.site) ?? 0) + sizeOf(shapeOf(t.value)));
  return counts;
}

/** Those of one site among the points of all terms. */
function valuesOf(terms: readonly Term[], points: readonly Float64Array[], site: string): Float64Array[] {
  let at = 0;
  return terms.flatMap((t) => {
    const own = points.slice(at, (at += sizeOf(shapeOf(t.value))));
    return t.site === site ? own : [];
  });
}

/** The observed numbers of each site, in the order of its terms. */
function dataOf(
  target: Target,
  b: Builder,
  inputs: readonly { readonly input: Value }[],
  values: Assignment,
): Map<string, Float64Array> {
  const all = target.observations(b, values);
  const outputs = all.map((o) => b.reshape(o.value, [sizeOf(shapeOf(o.value))]));
  const program = instantiate(compileWasm(simplify(b, { inputs: inputs.map((s) => s.input), outputs, updates: [] })));
  program.run();
  const out = new Map<string, Float64Array>();
  for (const name of new Set(all.map((o) => o.site))) {
    const own = program.outputs.filter((_, i) => all[i].site === name);
    const numbers = new Float64Array(own.reduce((n, x) => n + x.length, 0));
    let at = 0;
    for (const x of own) {
      numbers.set(x, at);
      at += x.length;
    }
    out.set(name, numbers);
  }
  program.dispose();
  return out;
}

/** `whole`: the terms with nothing summed out. */
function refuse(target: Target, terms: readonly Term[], whole: readonly Term[]): void {
  if (terms.length === 0) throw new UsageError(`${target.name} observes nothing: there is nothing to predict`);
  const partly = terms.find((t) => target.sites.some((s) => s.role === "latent" && s.name === t.site));
  if (partly)
    throw new UsageError(
      `entries of ${partly.site} are missing: which of its log densities are observations is not told apart yet`,
    );
  const [left, all] = [countsOf(terms), countsOf(whole)];
  const isJoint = [...all].some(([site, count]) => left.get(site) !== count);
  const names = target.discrete.map((s) => s.name).join(", ");
  if (isJoint)
    throw new UsageError(
      `the observations of ${target.name} depend on one another by way of ${names}, which is summed out: leaving out one of them is not built yet`,
    );
  const shuffled = terms.find((t) => t.shuffled);
  if (shuffled)
    throw new UsageError(
      `the observations ${shuffled.site} of ${target.name} are in another order than the elements of ${names}, which is summed out: telling which is which is not built yet. Observe them in the order of these elements`,
    );
}
