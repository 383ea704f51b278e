// Programs that draw: noise comes in as inputs, and draws that no finite program of noise gives are made on the host between two programs.

import type { ExecutableImage } from "../../runtime/backend.ts";
import { InternalError, UsageError } from "../../runtime/errors.ts";
import { type Builder, type InputAttrs, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { compileWasm, instantiate } from "../../runtime/wasm/backend.ts";
import type { Constraint } from "../constraints/define.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied, AppliedDraw } from "../distributions/applied.ts";
import type { NoiseSpec } from "../distributions/define.ts";
import type { Context } from "./context.ts";
import { alignToRows } from "./piece.ts";
import { bindCodes, reject } from "./rejection.ts";
import { rowShape } from "./rows.ts";
import { exchangeable } from "./support.ts";

interface Noise {
  readonly input: Value;
  readonly kind: "normal" | "uniform" | "exponential";
}
/** A step on the host: reads the values of `needs`, fills `out`, which is an input of what follows. Where it was run before, for the same draw, on
 *  `before`, draws whose parameters are those of then stay. */
interface HostStep {
  readonly needs: readonly Value[];
  readonly result: Value;
  run(rng: Rng, given: readonly Float64Array[], out: Float64Array, before?: readonly Float64Array[]): void;
}
/** A value that is read before it is made: `input` stands for it. */
export interface Awaited {
  readonly name: string;
  /** Of real numbers, NaN where they are not known yet. */
  readonly input: Value;
  readonly value: Value;
}

/** The distribution with its arguments over all rows, aligned to draws of [rows…, element…]. */
export function overRowsOf(c: Context, d: Applied, element: Shape): Applied {
  if (c.rows.length === 0) return d;
  const lead = element.length - d.event;
  return d.withArguments(d.arguments.map((a) => alignToRows(c.b, a.value, c.rows, lead + a.rank)));
}

/** A draw of the shape as a program of noise. */
export function drawOf(b: Builder, draw: AppliedDraw, shape: Shape, noise: (n: NoiseSpec) => Value): Value {
  const x = draw.build(b, draw.noise(shape).map(noise), shape);
  return shapeOf(x).join() === shape.join() ? x : b.broadcastTo(x, shape);
}

/** Collects what draws need while a graph is built. */
export class Drawing {
  readonly noise: Noise[] = [];
  readonly steps: HostStep[] = [];
  awaited: readonly Awaited[] = [];
  readonly #b: Builder;
  constructor(b: Builder) {
    this.#b = b;
  }

  /** Draws of [rows…, element…] from a distribution whose arguments may vary with the rows. */
  draw(c: Context, d: Applied, element: Shape, constraint: Constraint, span: SourceSpan): Value {
    const shape = [...rowShape(c.rows), ...element];
    const drawn = this.#plain(overRowsOf(c, d, element), shape, span);
    if (constraint.event === 0 || constraint === d.support.constraint) return drawn;
    if (!constraint.logSymmetry || !exchangeable(d))
      return reject(bindCodes.notYet, span, `draws of ${d.name} restricted to ${constraint.words} are not built yet`);
    return this.#sorted(drawn, shape);
  }

  /** Noise of its own, uniform in (0, 1). */
  uniform(count: number): Value {
    const input = this.#b.input(`noise#${this.noise.length}`, { shape: [count], dtype: "real" });
    this.noise.push({ input, kind: "uniform" });
    return input;
  }

  /** What the steps need, made of other values. */
  replace(f: (values: readonly Value[]) => Value[]): void {
    this.steps.forEach((s, i) => {
      this.steps[i] = { ...s, needs: f(s.needs) };
    });
    const values = f(this.awaited.map((a) => a.value));
    this.awaited = this.awaited.map((a, i) => ({ ...a, value: values[i] }));
  }

  #plain(d: Applied, shape: Shape, span: SourceSpan): Value {
    const b = this.#b;
    if (d.draw) {
      return drawOf(b, d.draw, shape, (n) => {
        const input = b.input(`noise#${this.noise.length}`, { shape: n.shape, dtype: "real" });
        this.noise.push({ input, kind: n.kind });
        return input;
      });
    }
    const { sample } = d;
    if (!sample)
      return reject(bindCodes.notYet, span, `${d.name} cannot be drawn from`, {
        label: d.normalised ? "no sampler is known" : "it is not a proper distribution",
        notes: d.undrawn === undefined ? undefined : [d.undrawn],
      });
    const event = shape.slice(shape.length - d.event);
    const lead = shape.slice(0, shape.length - d.event);
    const count = sizeOf(lead);
    const needs = d.arguments.map((a) => {
      const own = shapeOf(a.value);
      return b.broadcastTo(a.value, [...lead, ...own.slice(own.length - a.rank)]);
    });
    const result = b.input(`draw#${this.steps.length}`, { shape, dtype: "real" });
    const sizes = d.arguments.map((a) => sizeOf(shapeOf(a.value).slice(shapeOf(a.value).length - a.rank)));
    const width = sizeOf(event);
    this.steps.push({
      needs,
      result,
      run(rng, given, out, before) {
        for (let i = 0; i < count; i++) {
          const own = (g: Float64Array, k: number) => g.subarray(i * sizes[k], (i + 1) * sizes[k]);
          const values = given.map(own);
          if (before && values.every((v, k) => alike(v, own(before[k], k)))) continue;
          const drawn = out.subarray(i * width, (i + 1) * width);
          if (values.some((v) => v.some(Number.isNaN))) drawn.fill(Number.NaN);
          else sample(rng, values, drawn);
        }
      },
    });
    return result;
  }

  /** Independent draws brought into the order that a type asks for: for exchangeable elements, sorting is drawing. */
  #sorted(drawn: Value, shape: Shape): Value {
    const result = this.#b.input(`draw#${this.steps.length}`, { shape, dtype: "real" });
    const width = shape[shape.length - 1];
    this.steps.push({
      needs: [drawn],
      result,
      run(_rng, [given], out) {
        out.set(given);
        for (let i = 0; i < out.length; i += width) out.subarray(i, i + width).sort();
      },
    });
    return result;
  }
}

/** A compiled sequence of programs and host steps. */
export interface Staged {
  /** Array of an input, for the caller to fill; undefined where nothing reads it. */
  readonly input: (name: string) => Float64Array | undefined;
  readonly outputs: readonly Float64Array[];
  run(rng: Rng): void;
  dispose(): void;
}
interface Stage {
  readonly image: ExecutableImage;
  readonly steps: readonly HostStep[];
}
interface Plan {
  readonly drawing: Drawing;
  readonly inputs: readonly Value[];
  readonly stages: readonly Stage[];
  /** What is awaited, as it is made of what was there before. */
  readonly turn?: ExecutableImage;
  readonly last: ExecutableImage;
}

/** Compiles once; each call of the result sets up memory of its own. `inputs`: those that the caller fills. */
export function compileStaged(b: Builder, drawing: Drawing, inputs: readonly Value[], outputs: readonly Value[]): () => Staged {
  const { noise, awaited } = drawing;
  const available: Value[] = [...inputs, ...noise.map((n) => n.input), ...awaited.map((a) => a.input)];
  const compile = (wanted: readonly Value[]): ExecutableImage =>
    compileWasm(simplify(b, { inputs: [...available], outputs: wanted, updates: [] }));
  const stages: Stage[] = [];
  for (const steps of levelsOf(drawing.steps)) {
    stages.push({ image: compile(steps.flatMap((s) => s.needs)), steps });
    available.push(...steps.map((s) => s.result));
  }
  const turn = awaited.length > 0 ? { turn: compile(awaited.map((a) => a.value)) } : {};
  const plan: Plan = { drawing, inputs, stages, ...turn, last: compile(outputs) };
  return () => start(plan);
}

/** Steps whose needs wait for no other step, then those that wait for these, and so on. */
function levelsOf(steps: readonly HostStep[]): HostStep[][] {
  const levels: HostStep[][] = [];
  const levelOf = new Map<HostStep, number>();
  for (const step of steps) {
    const nodes = new Set(nodesOf(step.needs));
    const level = steps.reduce((m, s) => (nodes.has(s.result.node) ? Math.max(m, (levelOf.get(s) ?? 0) + 1) : m), 0);
    levelOf.set(step, level);
    (levels[level] ??= []).push(step);
  }
  return levels;
}

function start({ drawing, inputs, stages, turn, last }: Plan): Staged {
  const stepping = stages.map((s) => instantiate(s.image));
  const turning = turn && instantiate(turn);
  const ending = instantiate(last);
  const executables = [...stepping, ...(turning ? [turning] : []), ending];
  const into = (name: string): Float64Array[] =>
    executables.map((e) => e.inputs[name]).filter((a): a is Float64Array => a instanceof Float64Array);
  const arraysOf = (v: Value) => into((v.node.attrs as InputAttrs).name);
  const spread = (arrays: readonly Float64Array[]) => {
    for (let i = 1; i < arrays.length; i++) arrays[i].set(arrays[0]);
  };
  const noise = drawing.noise.map((n) => ({ kind: n.kind, arrays: arraysOf(n.input) })).filter((n) => n.arrays.length > 0);
  const given = inputs.map(arraysOf);
  const awaited = drawing.awaited.map((a) => arraysOf(a.input));
  const results = new Map(drawing.steps.map((s) => [s, arraysOf(s.result)]));
  /** What host steps were given in the turn before. */
  const kept = new Map(drawing.steps.map((s) => [s, s.needs.map((v) => new Float64Array(turn ? sizeOf(shapeOf(v)) : 0))]));

  const draw = (rng: Rng, isFirst: boolean): void => {
    stages.forEach(({ steps }, k) => {
      stepping[k].run();
      let at = 0;
      for (const step of steps) {
        const arrays = results.get(step) ?? [];
        const values = stepping[k].outputs.slice(at, at + step.needs.length);
        at += step.needs.length;
        if (arrays.length === 0) continue;
        const before = kept.get(step) ?? [];
        step.run(rng, values, arrays[0], isFirst ? undefined : before);
        spread(arrays);
        if (turning) for (const [i, v] of values.entries()) before[i].set(v);
      }
    });
  };
  /** Turn after turn, with the same noise, until everything awaited is what it was taken for. Values that wait for earlier ones alone have no other
   *  such point: the first is right after one turn, what waits for it alone after the next, and so on. */
  const settleFrom = (start: number, rng: Rng): void => {
    if (!turning) return draw(rng, true);
    for (const arrays of awaited) for (const array of arrays) array.fill(start);
    const most = drawing.awaited.reduce((n, a) => n + sizeOf(shapeOf(a.input)), 1);
    for (let turns = 0; turns <= most; turns++) {
      draw(rng, turns === 0);
      turning.run();
      let isSettled = true;
      for (const [i, made] of turning.outputs.entries()) {
        const arrays = awaited[i];
        if (arrays.length === 0 || alike(arrays[0], made)) continue;
        isSettled = false;
        for (const array of arrays) array.set(made);
      }
      if (isSettled) return;
    }
    refuseCircle();
  };
  const refuseCircle = (): never => {
    const names = drawing.awaited.map((a) => a.name).join(" and ");
    throw new UsageError(`${names} cannot be drawn: elements wait for one another in a circle`);
  };
  /** A circle may settle, but not where it began elsewhere: tried in the first draws, where all of them are made of noise. */
  let trials = turning && stages.length === 0 ? TRIALS : 0;
  const settle = (rng: Rng): void => {
    if (trials > 0) {
      trials--;
      settleFrom(1, rng);
      const elsewhere = awaited.map((arrays) => arrays[0]?.slice());
      settleFrom(Number.NaN, rng);
      if (awaited.some((arrays, i) => elsewhere[i] && !alike(arrays[0], elsewhere[i]))) refuseCircle();
    } else settleFrom(Number.NaN, rng);
  };
  return {
    input: (name) => into(name)[0],
    outputs: ending.outputs,
    run(rng) {
      for (const arrays of given) spread(arrays);
      for (const n of noise) {
        fill(rng, n.kind, n.arrays[0]);
        spread(n.arrays);
      }
      settle(rng);
      ending.run();
    },
    dispose() {
      for (const e of executables) e.dispose();
    },
  };
}

const TRIALS = 8;

/** The same numbers, NaN being like NaN. */
function alike(x: Float64Array, y: Float64Array): boolean {
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i] && !(Number.isNaN(x[i]) && Number.isNaN(y[i]))) return false;
  return true;
}

function fill(rng: Rng, kind: Noise["kind"], out: Float64Array): void {
  if (kind === "normal") rng.fillNormal(out);
  else if (kind === "uniform") rng.fillUniform(out);
  else if (kind === "exponential") for (let i = 0; i < out.length; i++) out[i] = rng.exponential();
  else throw new InternalError(`noise of kind ${kind satisfies never}`);
}
