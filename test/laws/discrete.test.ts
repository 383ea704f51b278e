// Laws of discrete latents that are summed out, over random models small enough to go through all their values: evidence, gradient, probabilities,
// best values and draws are those of the enumeration.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DataObject } from "../../src/model.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { DiscreteOutput, Target } from "../../src/runtime/target.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { bound, somewhere } from "../unit/model-under-test.ts";
import { families } from "./discrete-models.ts";

/** Log joint of every assignment of the discrete latents at q, in the order of an odometer whose last element turns fastest. */
function enumerated(target: Target, q: Float64Array): { readonly logs: Float64Array; readonly values: Float64Array[] } {
  const b = createBuilder();
  const u = b.input("q", { shape: [target.dimension], dtype: "real" });
  const inputs = target.discrete.map((s) => b.input(s.name, { shape: s.shape, dtype: "real" }));
  const given = Object.fromEntries(target.discrete.map((s, i) => [s.name, inputs[i]]));
  const total = target.logDensity(b, u, {}, { given });
  const program = instantiate(compileWasm(simplify(b, { inputs: [u, ...inputs], outputs: [total], updates: [] })));
  program.inputs.q?.set(q);
  const lower = target.discrete.flatMap((s) => [...s.lower]);
  // The greatest value of a count of a count is not in the data.
  const upper = target.discrete.flatMap((s) => [...s.upper].map((x) => (Number.isFinite(x) ? x : 4)));
  const values: Float64Array[] = [];
  const now = Float64Array.from(lower);
  for (let more = true; more; ) {
    values.push(now.slice());
    let k = now.length - 1;
    while (k >= 0 && now[k] === upper[k]) now[k] = lower[k--];
    more = k >= 0;
    if (more) now[k]++;
  }
  const logs = Float64Array.from(values, (v) => {
    target.discrete.forEach((s) => {
      program.inputs[s.name]?.set(v.subarray(s.offset - target.dimension, s.offset - target.dimension + s.size));
    });
    program.run();
    return program.outputs[0][0];
  });
  program.dispose();
  return { logs, values };
}

function logSumExp(logs: Float64Array): number {
  const top = logs.reduce((m, x) => Math.max(m, x), Number.NEGATIVE_INFINITY);
  return Number.isFinite(top) ? top + Math.log(logs.reduce((s, x) => s + Math.exp(x - top), 0)) : top;
}

async function columns(target: Target, q: Float64Array, output: DiscreteOutput, times = 1, seed = 1) {
  const finisher = await target.finisher(stream(seed, "finish"), output);
  const out = new Float64Array(finisher.width);
  const draws = Array.from({ length: times }, () => {
    finisher.finish(q, out);
    let at = 0;
    return new Map(
      finisher.columns.map((c) => {
        const size = c.shape.reduce((n, d) => n * d, 1);
        at += size;
        return [c.name, out.slice(at - size, at)] as const;
      }),
    );
  });
  finisher.dispose();
  return draws;
}

/** All values, 0 where no statement gives an element. */
const assignment = (target: Target, columns: ReadonlyMap<string, Float64Array>): Float64Array =>
  Float64Array.from(
    target.discrete.flatMap((s) => [...(columns.get(s.name) ?? [])]),
    (x) => (Number.isNaN(x) ? 0 : x),
  );

interface Case {
  readonly text: string;
  readonly data: DataObject;
}
const at = (target: Target): Float64Array => somewhere(target.dimension);

async function checkCase({ text, data }: Case): Promise<void> {
  const { target } = await bound(text, data);
  const q = at(target);
  const { logs, values } = enumerated(target, q);
  const evidence = logSumExp(logs);
  const density = await target.density();
  const slope = new Float64Array(target.dimension);
  const found = density.evaluate(q, slope);
  if (evidence === Number.NEGATIVE_INFINITY) expect(found).toBe(evidence);
  // A sum of as many rounded terms as there are statements by rows; logarithms of sums add a few units each.
  else expect(Math.abs(found - evidence)).toBeLessThan(1e-11 * (1 + Math.abs(evidence)));
  expect(slope.every((g) => !Number.isNaN(g))).toBe(true);
  if (evidence === Number.NEGATIVE_INFINITY) return;

  const h = 1e-5;
  for (let i = 0; i < q.length; i++) {
    const moved = (d: number): number => {
      const p = q.slice();
      p[i] += d;
      return density.evaluate(p, new Float64Array(q.length));
    };
    expect(Math.abs((moved(h) - moved(-h)) / (2 * h) - slope[i])).toBeLessThan(
      2e-6 * (1 + Math.abs(slope[i]) + Math.abs(evidence)),
    );
  }

  const weights = logs.map((x) => Math.exp(x - evidence));
  const [tables] = await columns(target, q, "marginals");
  for (const s of target.discrete) {
    const table = tables.get(`${s.name}_probability`) ?? new Float64Array(0);
    const each = table.length / s.size;
    const isGiven = (i: number): boolean => !Number.isNaN(table[i * each]);
    const least = s.lower.reduce((m, x, i) => (isGiven(i) ? Math.min(m, x) : m), Number.POSITIVE_INFINITY);
    for (let i = 0; i < s.size; i++)
      for (let k = 0; k < each; k++) {
        if (!isGiven(i)) continue;
        const at = s.offset - target.dimension + i;
        const expected = values.reduce((sum, v, j) => (v[at] === least + k ? sum + weights[j] : sum), 0);
        expect(Math.abs(table[i * each + k] - expected)).toBeLessThan(1e-10);
      }
  }

  const [best] = await columns(target, q, "map");
  const chosen = assignment(target, best);
  const index = values.findIndex((v) => v.every((x, i) => x === chosen[i]));
  expect(logs[index]).toBeGreaterThan(logs.reduce((m, x) => Math.max(m, x)) - 1e-9 * (1 + Math.abs(evidence)));
}

describe.each(families)("$name", ({ arbitrary }) => {
  test("evidence, gradient, probabilities and best values are those of the enumeration", async () => {
    await fc.assert(fc.asyncProperty(arbitrary, checkCase), { seed: 20, numRuns: 8, endOnFailure: true });
  });

  test("draws have the probabilities of whole assignments", async () => {
    const [{ text, data }] = fc.sample(arbitrary, { seed: 5, numRuns: 1 });
    const { target } = await bound(text, data);
    const q = at(target);
    const { logs, values } = enumerated(target, q);
    const evidence = logSumExp(logs);
    const n = 4000;
    const draws = await columns(target, q, "draw", n, 11);
    const counts = new Map<string, number>();
    for (const d of draws) {
      const key = assignment(target, d).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // Pearson's statistic over assignments that are expected five times at least, all others together.
    let statistic = 0;
    let cells = 0;
    let [rest, seenRest] = [0, n];
    values.forEach((v, j) => {
      const expected = n * Math.exp(logs[j] - evidence);
      const seen = counts.get(v.join()) ?? 0;
      if (expected < 5) {
        rest += expected;
        return;
      }
      seenRest -= seen;
      statistic += (seen - expected) ** 2 / expected;
      cells++;
    });
    if (rest >= 5) {
      statistic += (seenRest - rest) ** 2 / rest;
      cells++;
    }
    // Beyond five standard deviations: less than one false alarm in 10^5 of such tests (the tail of chi-square is no heavier than e^-t).
    expect(statistic).toBeLessThan(cells + 5 * Math.sqrt(2 * cells) + 12);
  });
});
