// A model from its text, for tests that do not go through files or templates.
import { parseModel } from "../../src/dsl/language/parser.ts";
import type { DataObject } from "../../src/model.ts";
import { type Model, modelOf, type Posterior } from "../../src/model.ts";

export function model(text: string, name = "test"): Model {
  const source = { name: `${name}.ppl`, text };
  return modelOf(name, [source], parseModel(source, 0));
}

export const bound = (text: string, data: DataObject = {}, set: Readonly<Record<string, number>> = {}): Promise<Posterior> =>
  model(text).bind(data, { set });

/** A position in general: no two coordinates alike, none 0 or 1. */
export const somewhere = (n: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => 0.7 * Math.sin(1.3 * i + 0.4) + 0.05);

/** Largest relative distance between the gradient and central differences. Their error is about h²·f''' + ε|f|/h. */
export function gradientError(p: Posterior, q: Float64Array): number {
  const g = new Float64Array(p.dimension);
  p.gradient(q, g);
  const h = 1e-5;
  let worst = 0;
  for (let i = 0; i < q.length; i++) {
    const at = (d: number) => {
      const moved = q.slice();
      moved[i] += d;
      return p.logDensity(moved);
    };
    const slope = (at(h) - at(-h)) / (2 * h);
    worst = Math.max(worst, Math.abs(slope - g[i]) / (1 + Math.abs(g[i])));
  }
  return worst;
}

// Densities written out once more, as an independent check.
export const normal = (x: number, mu: number, sigma: number): number =>
  -0.5 * ((x - mu) / sigma) ** 2 - Math.log(sigma) - 0.5 * Math.log(2 * Math.PI);
export const exponential = (x: number, rate: number): number => Math.log(rate) - rate * x;
export const total = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
