// Distributions at arguments, with a point inside: what the laws of the distributions are quantified over. Evaluation is the interpreter's, but for
// loops over many events.
import { type Applied, apply } from "../../src/dsl/distributions/applied.ts";
import type { Distribution, GoldenRow } from "../../src/dsl/distributions/define.ts";
import { overEvents } from "../../src/dsl/distributions/events.ts";
import { distributions } from "../../src/dsl/distributions/index.ts";
import { drawNoise } from "../../src/dsl/distributions/modifiers/host.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { dtypeOf, shapeOf } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { loop } from "../../src/runtime/ir/loop/loop.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { type Shape, sizeOf } from "../../src/runtime/ir/type.ts";
import type { Rng } from "../../src/runtime/numeric/rng.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { EPSILON } from "./finite-difference.ts";

/** The interpreter goes through loops step by step, event by event, which takes minutes for thousands; compiled programs agree with it by another law. */
function evaluate(b: Builder, roots: readonly Value[], inputs: Readonly<Record<string, Float64Array>>): readonly Float64Array[] {
  const nodes = nodesOf(roots);
  if (!nodes.some((n) => n.op === loop)) return interpret(roots, inputs);
  const given = [...new Set([...roots, ...nodes.flatMap((n) => n.inputs)])].filter((v) => v.node.op === "input");
  const program = instantiate(compileWasm(simplify(b, { inputs: given, outputs: roots, updates: [] })));
  for (const [name, values] of Object.entries(program.inputs)) values.set(inputs[name]);
  program.run();
  const out = program.outputs.map((v) => v.slice());
  program.dispose();
  return out;
}

export interface Case {
  readonly title: string;
  make(b: Builder): Applied;
  /** Shape of one event and one inside. */
  readonly shape: Shape;
  readonly at: Float64Array;
}
export const records: readonly Distribution[] = [...new Set(distributions.values())];

export const flat = (v: number | readonly number[]): Float64Array =>
  typeof v === "number" ? Float64Array.of(v) : Float64Array.from(v);
const shapeOfGiven = (v: number | readonly number[], shape?: Shape): Shape => shape ?? (typeof v === "number" ? [] : [v.length]);
export const eventShapeOf = (row: GoldenRow): Shape => shapeOfGiven(row.x, row.xShape);
export const paramShape = (row: GoldenRow, name: string): Shape => shapeOfGiven(row.params[name], row.paramShapes?.[name]);

export function caseOf(d: Distribution, row: GoldenRow, title: string): Case {
  return {
    title,
    shape: eventShapeOf(row),
    at: flat(row.x),
    make: (b) =>
      apply(b, d, Object.fromEntries(Object.entries(row.params).map(([n, v]) => [n, b.tensor(flat(v), paramShape(row, n))]))),
  };
}
/** Every golden row of every record. */
export const golden: readonly { readonly d: Distribution; readonly row: GoldenRow; readonly title: string }[] = records.flatMap(
  (d) => d.golden.rows.map((row, i) => ({ d, row, title: `${d.name}, row ${i + 1}` })),
);

/** Log density of n events, laid one after another. */
export function logDensities(c: Case, xs: Float64Array): Float64Array {
  const n = xs.length / sizeOf(c.shape);
  const b = createBuilder();
  const x = b.input("x", { shape: [n, ...c.shape], dtype: "real" });
  return evaluate(b, [b.broadcastTo(c.make(b).logDensity(b, x), [n])], { x: xs })[0];
}

/** A bound on the rounding of one evaluation: Σ over all intermediate values |v ∂f/∂v| epsilon, the running error analysis of first order
 *  (Higham, Accuracy and Stability of Numerical Algorithms, §3.3) with one rounding a node. */
export function runningError(b: Builder, root: Value, inputs: Readonly<Record<string, Float64Array>>): number {
  const seen = new Set<Value>();
  const visit = (v: Value): void => {
    if (seen.has(v)) return;
    seen.add(v);
    v.node.inputs.forEach(visit);
  };
  visit(root);
  const nodes = [...seen].filter((v) => dtypeOf(v) === "real");
  const slopes = gradient(b, root, nodes);
  const values = interpret([...nodes, ...slopes], inputs);
  let bound = 0;
  nodes.forEach((_, i) => {
    values[i].forEach((v, k) => {
      const term = Math.abs(v * values[nodes.length + i][k]);
      if (Number.isFinite(term)) bound += term;
    });
  });
  return EPSILON * bound;
}

export interface Numeric {
  readonly lower?: number;
  readonly upper?: number;
}
export function boundsOf(c: Case): Numeric {
  const b = createBuilder();
  const { lower, upper } = c.make(b).support.bounds(b);
  const number = (v: Value | undefined): number | undefined => (v ? interpret([v], {})[0][0] : undefined);
  return { lower: number(lower), upper: number(upper) };
}

/** The density of the unconstrained coordinates of one event. */
export interface Unconstrained {
  readonly dimension: number;
  /** Coordinates of the point of the case. */
  readonly start: Float64Array;
  /** n points, one after another. */
  log(us: Float64Array): Float64Array;
  logAndGradient(us: Float64Array): { readonly log: Float64Array; readonly gradient: Float64Array };
  unconstrain(x: Float64Array): Float64Array;
  /** n points, one after another, as events. */
  constrain(us: Float64Array): Float64Array;
}
export function unconstrained(c: Case): Unconstrained {
  const { constraint } = c.make(createBuilder()).support;
  const bounds = boundsOf(c);
  const dimension = sizeOf(constraint.unconstrainedShape(c.shape));
  const size = sizeOf(c.shape);
  const program = (n: number): { readonly log: Value; readonly u: Value; readonly x: Value; readonly b: Builder } => {
    const b = createBuilder();
    const u = b.input("u", { shape: [n, dimension], dtype: "real" });
    const side = (v: number | undefined): Value | undefined => (v === undefined ? undefined : b.constant(v));
    const symbolic = { lower: side(bounds.lower), upper: side(bounds.upper) };
    const both = overEvents(b, [{ value: u, rank: 1 }], ([one]) => {
      const coordinates = b.reshape(one, constraint.event === 0 ? c.shape : constraint.unconstrainedShape(c.shape));
      const { x, logDetJacobian } = constraint.constrain(b, coordinates, symbolic, c.shape);
      return b.concat([b.reshape(x, [size]), b.reshape(b.sum(logDetJacobian), [1])], 0);
    });
    const x = b.reshape(b.slice(both, 1, 0, size), [n, ...c.shape]);
    const log = b.add(b.broadcastTo(c.make(b).logDensity(b, x), [n]), b.reshape(b.slice(both, 1, size, 1), [n]));
    return { log, u, x, b };
  };
  const unconstrain = (x: Float64Array): Float64Array => constraint.unconstrain(x, c.shape, bounds);
  return {
    dimension,
    start: unconstrain(c.at),
    log(us) {
      const { b, log } = program(us.length / dimension);
      return evaluate(b, [log], { u: us })[0];
    },
    logAndGradient(us) {
      const { b, u, log } = program(us.length / dimension);
      const [values, slopes] = evaluate(b, [log, gradient(b, b.sum(log), [u])[0]], { u: us });
      return { log: values, gradient: slopes };
    },
    unconstrain,
    constrain: (us) => interpret([program(us.length / dimension).x], { u: us })[0],
  };
}

/** n draws, one after another; null when the distribution has no way to draw. */
export function drawMany(c: Case, n: number, rng: Rng): Float64Array | null {
  const b = createBuilder();
  const d = c.make(b);
  if (d.draw) {
    const shape = [n, ...c.shape];
    const specs = d.draw.noise(shape);
    const noise = specs.map((s, i) => b.input(`noise ${i}`, { shape: s.shape, dtype: "real" }));
    const given = Object.fromEntries(specs.map((s, i) => [`noise ${i}`, drawNoise(rng, s)]));
    return evaluate(b, [b.broadcastTo(b.cast(d.draw.build(b, noise, shape), "real"), shape)], given)[0];
  }
  if (!d.sample) return null;
  const values = interpret(
    d.arguments.map((a) => a.value),
    {},
  ).map((v, i) => v.subarray(0, sizeOf(shapeOf(d.arguments[i].value))));
  const size = sizeOf(c.shape);
  const out = new Float64Array(n * size);
  for (let i = 0; i < n; i++) d.sample(rng, values, out.subarray(i * size, (i + 1) * size));
  return out;
}
