// Initial value problems dy/dt = f(t, y), y(t0) = y0, at given times. As a program it is a loop of steps; its derivative is a larger problem of
// the same kind, so that no loop is ever differentiated and derivatives of any order are there.
import { ShapeError } from "../../errors.ts";
import { vectorize } from "../batch.ts";
import { createBuilder } from "../builder.ts";
import { type Builder, dtypeOf, type Node, shapeOf, typeOf, type Value } from "../graph.ts";
import { interpret } from "../interpret.ts";
import { type Body, closeOver, instantiate } from "../loop/body.ts";
import { symbol } from "../loop/make.ts";
import { nodesOf } from "../order.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { hosted } from "../primitives/tensor-rules.ts";
import { formatType, type Numbers, real } from "../type.ts";
import { Elements } from "./elements.ts";
import type { OdeMethod } from "./methods.ts";
import { widen } from "./sensitivities.ts";
import { solve } from "./solve.ts";

export interface OdeOptions {
  readonly method: OdeMethod;
  /** A step is accepted if its error in each component is at most atol + rtol |y|. */
  readonly rtol: number;
  readonly atol: number;
  /** At most, from one of the times to the next; where they do not suffice the solution is NaN from there on. */
  readonly steps: number;
}

/** Inputs: y0 [m], t0, ts [T], then what else the right-hand side reads. Result: [T, N], of all copies [C, T, N]. */
export interface OdeAttrs extends OdeOptions {
  /** Of t, the components [N] and the rest: their derivatives by t. */
  readonly body: Body;
  /** The components behind those of y0, as they begin: N - m. */
  readonly tail: readonly number[];
  /** The first components, whose errors choose the steps: sensitivities do not, and are the derivative of what is computed. */
  readonly controlled: number;
  /** Components that are computed together: sizes of consecutive pieces. */
  readonly pieces: readonly number[];
  /** Problems beside one another, each with its own steps: for each input whether it has them in front. */
  readonly copies: { readonly count: number; readonly of: readonly boolean[] } | null;
  /** The problem whose sensitivities these are: its solution is the first components of this one, to the bit. */
  readonly base: OdeAttrs | null;
}

/** The solution [T, n] of dy/dt = slope, which is a value of the symbols t and y. */
export function makeOde(
  b: Builder,
  problem: {
    readonly t: Value;
    readonly y: Value;
    readonly slope: Value;
    readonly y0: Value;
    readonly t0: Value;
    readonly ts: Value;
  },
  options: OdeOptions,
): Value {
  const { t, y, slope, y0, t0, ts } = problem;
  const [n] = shapeOf(y);
  const apart = n <= SCALARS;
  const { body, frees } = closeOver([t, y], [apart ? b.stack(new Elements(b).of(slope), 0) : slope]);
  const { method, rtol, atol } = options;
  const steps = Math.ceil(options.steps);
  const attrs: OdeAttrs = {
    method,
    rtol,
    atol,
    steps,
    body,
    tail: [],
    controlled: n,
    pieces: apart ? new Array<number>(n).fill(1) : [n],
    copies: null,
    base: null,
  };
  return b.apply(ode, [y0, t0, ts, ...frees], attrs)[0];
}
/** Components up to which each is computed by itself. */
const SCALARS = 16;

export const ode: Primitive<OdeAttrs> = {
  name: "ode",
  type(inputs, { body, tail, copies, pieces, controlled }) {
    const own = inputs.map((t, i) => {
      if (!copies?.of[i]) return t;
      if (t.shape[0] !== copies.count) throw new ShapeError(`ode: ${formatType(t)} for ${copies.count} problems`);
      return { ...t, shape: t.shape.slice(1) };
    });
    const [y0, t0, ts, ...frees] = own;
    const size = y0.shape[0] + tail.length;
    const given = [t0, real([size]), ...frees];
    if (y0.shape.length !== 1 || ts.shape.length !== 1) throw new ShapeError("ode: y0 and ts are vectors");
    if (given.length !== body.params.length || given.some((t, i) => formatType(t) !== formatType(typeOf(body.params[i]))))
      throw new ShapeError(
        `ode: ${given.map(formatType).join(", ")} for ${body.params.map((p) => formatType(typeOf(p))).join(", ")}`,
      );
    if (formatType(typeOf(body.results[0])) !== formatType(real([size]))) throw new ShapeError("ode: a slope of another shape");
    if (pieces.reduce((s, k) => s + k, 0) !== size || controlled > size) throw new ShapeError("ode: pieces of another size");
    return [real([...(copies ? [copies.count] : []), ts.shape[0], size])];
  },
  gradient(b, [ct], node) {
    if (ct === null) return node.inputs.map(() => null);
    const wanted = node.inputs.map((v) => dtypeOf(v) === "real" && nodesOf([v]).some(({ op }) => op === "input"));
    const { copies } = node.attrs;
    if (copies === null) return cotangents(b, ct, node.inputs, node.attrs, wanted);
    // For one of the copies with symbols, then for all of them.
    const one = node.inputs.map((v, i) => (copies.of[i] ? symbol(b, { ...typeOf(v), shape: shapeOf(v).slice(1) }) : v));
    const ctOfOne = symbol(b, real(shapeOf(ct).slice(1)));
    const found = cotangents(b, ctOfOne, one, alone(node.attrs), wanted);
    const asked = found.flatMap((g) => g ?? []);
    const replaced = new Map(one.flatMap((v, i): [Value, Value][] => (copies.of[i] ? [[v, node.inputs[i]]] : [])));
    const { values } = vectorize(b, asked, replaced.set(ctOfOne, ct), copies.count);
    let next = 0;
    return found.map((g, i) => {
      if (g === null) return null;
      const all = values[next++];
      return copies.of[i] ? all : b.sum(all, [0]);
    });
  },
  batch(b, inputs, batched, attrs) {
    const count = shapeOf(inputs[batched.indexOf(true)])[0];
    const { copies } = attrs;
    if (copies === null) return b.apply(ode, inputs, withCopies(attrs, { count, of: [...batched] }));
    const of = batched.map((is, i) => is || copies.of[i]);
    const merged = inputs.map((v, i) => {
      if (!of[i]) return v;
      const own = shapeOf(v).slice((batched[i] ? 1 : 0) + (copies.of[i] ? 1 : 0));
      const apart = b.reshape(v, [batched[i] ? count : 1, copies.of[i] ? copies.count : 1, ...own]);
      return b.reshape(b.broadcastTo(apart, [count, copies.count, ...own]), [count * copies.count, ...own]);
    });
    const [all] = b.apply(ode, merged, withCopies(attrs, { count: count * copies.count, of }));
    return [b.reshape(all, [count, copies.count, ...shapeOf(all).slice(1)])];
  },
  /** Each problem is its own. */
  rows({ attrs }, axis) {
    const { copies } = attrs;
    if (copies === null || axis !== 0) return null;
    return { inputs: copies.of.map((is) => (is ? 0 : null)), attrs: (count) => withCopies(attrs, { ...copies, count }) };
  },
  interpret(inputs, node) {
    const { results, names } = written(node);
    return interpret(results, Object.fromEntries(inputs.map((x, i): [string, Numbers] => [names[i], x])));
  },
  wasm: { kind: "expand", expand: (b, inputs, attrs) => [solve(b, inputs, attrs)] },
  tfjs: hosted,
  finiteDerivative: true,
  zeroCotangents: true,
  get probes() {
    return (probes ??= makeProbes());
  },
};

const alone = (attrs: OdeAttrs): OdeAttrs => withCopies(attrs, null);
function withCopies(attrs: OdeAttrs, copies: OdeAttrs["copies"]): OdeAttrs {
  return { ...attrs, copies, base: attrs.base && withCopies(attrs.base, copies) };
}

/** Sensitivities S = ∂y/∂x of everything wanted, contracted with the cotangent; ∂y(t)/∂t = f, ∂y(t)/∂t0 = -S_y0 f(t0, y0). */
function cotangents(
  b: Builder,
  ct: Value,
  inputs: readonly Value[],
  attrs: OdeAttrs,
  wanted: readonly boolean[],
): (Value | null)[] {
  const [y0, t0, ts, ...frees] = inputs;
  const [rows, size] = shapeOf(ct);
  const begins = wanted[1] ? size : wanted[0] ? shapeOf(y0)[0] : 0;
  const learnt = frees.flatMap((_, i) => (wanted[3 + i] ? [i] : []));
  const out: (Value | null)[] = inputs.map(() => null);
  const { attrs: wide, columns } = widen(attrs, begins, learnt);
  let solution: Value;
  if (columns === 0) [solution] = b.apply(ode, inputs, attrs);
  else {
    const [all] = b.apply(ode, inputs, wide);
    solution = b.slice(all, 1, 0, size);
    const sensitivities = b.reshape(b.slice(all, 1, size, size * columns), [rows, size, columns]);
    const collected = b.sum(times(b, b.reshape(ct, [rows, size, 1]), sensitivities), [0, 1]);
    let at = 0;
    const take = (count: number): Value => b.slice(collected, 0, (at += count) - count, count);
    const ofBegins = take(begins);
    if (wanted[0]) out[0] = b.slice(ofBegins, 0, 0, shapeOf(y0)[0]);
    if (wanted[1]) {
      const begin = b.concat([y0, b.tensor(Float64Array.from(attrs.tail), [attrs.tail.length])], 0);
      out[1] = b.neg(b.sum(times(b, ofBegins, slopeAt(b, attrs, t0, begin, frees))));
    }
    for (const i of learnt) {
      const shape = shapeOf(frees[i]);
      out[3 + i] = b.reshape(take(shape.reduce((p, k) => p * k, 1)), shape);
    }
  }
  if (wanted[2]) {
    const [t, y] = [symbol(b, real([])), symbol(b, real([size]))];
    const replaced = new Map([
      [t, ts],
      [y, solution],
    ]);
    const slopes = vectorize(b, [slopeAt(b, attrs, t, y, frees)], replaced, rows);
    const all = slopes.batched[0] ? slopes.values[0] : b.broadcastTo(slopes.values[0], [rows, size]);
    out[2] = b.sum(times(b, ct, all), [1]);
  }
  return out;
}
/** Where nothing depends on a solution that is not there, neither does a gradient: 0 · NaN is 0. What is finite keeps its derivatives. */
function times(b: Builder, ct: Value, derivative: Value): Value {
  const product = b.mul(ct, derivative);
  return b.select(b.and(b.eq(ct, b.constant(0)), b.ne(product, product)), b.constant(0), product);
}
const slopeAt = (b: Builder, { body }: OdeAttrs, t: Value, y: Value, frees: readonly Value[]): Value =>
  instantiate(b, body, [t, y, ...frees])[0];

/** The steps written out, once for equal nodes. */
const programs = new WeakMap<OdeAttrs, { readonly results: readonly Value[]; readonly names: readonly string[] }>();
function written(node: Node<OdeAttrs>) {
  let made = programs.get(node.attrs);
  if (made === undefined) {
    const b = createBuilder();
    const names = node.inputs.map((_, i) => `x${i}`);
    const results = [
      solve(
        b,
        node.inputs.map((v, i) => b.input(names[i], typeOf(v))),
        node.attrs,
      ),
    ];
    programs.set(node.attrs, (made = { results, names }));
  }
  return made;
}

/** Built when first asked for: bodies need a builder. */
let probes: readonly Probe<OdeAttrs>[] | undefined;
function makeProbes(): readonly Probe<OdeAttrs>[] {
  const b = createBuilder();
  const [t, y] = [b.input("t", real([])), b.input("y", real([2]))];
  const of = (v: Value, i: number): Value => b.gather(v, b.constant(i, "int"));
  const options = { rtol: 1e-11, atol: 1e-11, steps: 2000 };
  const probeOf = (
    slope: Value,
    method: OdeMethod,
    times: readonly number[],
    frees: Record<string, readonly number[]>,
  ): Probe<OdeAttrs> => {
    const vector = (name: string, size: number): Value => b.input(name, real([size]));
    const solution = makeOde(
      b,
      { t, y, slope, y0: vector("y0", 2), t0: b.input("t0", real([])), ts: vector("ts", times.length) },
      { method, ...options },
    );
    const { node } = solution;
    const numbers = { ...frees, y0: [1.3, -0.4], t0: [0.2], ts: times };
    const given = Object.fromEntries(Object.entries(numbers).map(([name, values]) => [name, Float64Array.from(values)]));
    const inputs = node.inputs.map((v) => ({ type: typeOf(v), values: Array.from(interpret([v], given)[0]) }));
    return { inputs, attrs: node.attrs };
  };
  // Two that feed one another and the time, parameters in a vector; a number that both read.
  const [a, w] = [b.input("a", real([])), b.input("w", real([2]))];
  const forces = b.stack([b.sub(of(y, 1), t), b.sin(of(y, 0))], 0);
  const alone = probeOf(b.neg(b.mul(a, b.square(y))), "dopri5", [0.6, 0.7], { a: [0.35] });
  const [, t0, ts] = alone.inputs;
  // Two of them, times in common.
  const pair: Probe<OdeAttrs> = {
    inputs: [{ type: real([2, 2]), values: [1.3, -0.4, 0.9, 0.6] }, t0, ts, { type: real([2]), values: [0.35, 0.55] }],
    attrs: withCopies(alone.attrs, { count: 2, of: [true, false, false, true] }),
  };
  return [
    probeOf(b.mul(w, forces), "dopri5", [0.5, 0.9], { w: [0.4, -0.8] }),
    probeOf(b.mul(w, forces), "rosenbrock", [0.25, 0.29], { w: [0.4, -0.8] }),
    alone,
    pair,
  ];
}
