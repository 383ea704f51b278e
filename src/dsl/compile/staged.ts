// Programs that draw: noise comes in as inputs, and draws that no finite program of noise gives are made on the host between two programs.

import type { ExecutableImage } from "../../runtime/backend.ts";
import { InternalError } from "../../runtime/errors.ts";
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
/** A step on the host: reads the values of `needs`, fills `out`, which is an input of what follows. */
interface HostStep {
  readonly needs: readonly Value[];
  readonly result: Value;
  run(rng: Rng, given: readonly Float64Array[], out: Float64Array): void;
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
      run(rng, given, out) {
        for (let i = 0; i < count; i++) {
          const values = given.map((g, k) => g.subarray(i * sizes[k], (i + 1) * sizes[k]));
          sample(rng, values, out.subarray(i * width, (i + 1) * width));
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

/** Compiles once; each call of the result sets up memory of its own. `inputs`: those that the caller fills. */
export function compileStaged(b: Builder, drawing: Drawing, inputs: readonly Value[], outputs: readonly Value[]): () => Staged {
  const available: Value[] = [...inputs, ...drawing.noise.map((n) => n.input)];
  const compile = (wanted: readonly Value[]): ExecutableImage =>
    compileWasm(simplify(b, { inputs: [...available], outputs: wanted, updates: [] }));
  const stages: Stage[] = [];
  for (const steps of levelsOf(drawing.steps)) {
    stages.push({ image: compile(steps.flatMap((s) => s.needs)), steps });
    available.push(...steps.map((s) => s.result));
  }
  stages.push({ image: compile(outputs), steps: [] });
  return () => start(stages, drawing, inputs);
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

function start(stages: readonly Stage[], drawing: Drawing, inputs: readonly Value[]): Staged {
  const executables = stages.map((s) => instantiate(s.image));
  const into = (name: string): Float64Array[] =>
    executables.map((e) => e.inputs[name]).filter((a): a is Float64Array => a instanceof Float64Array);
  const arraysOf = (v: Value) => into((v.node.attrs as InputAttrs).name);
  const spread = (arrays: readonly Float64Array[]) => {
    for (let i = 1; i < arrays.length; i++) arrays[i].set(arrays[0]);
  };
  const noise = drawing.noise.map((n) => ({ kind: n.kind, arrays: arraysOf(n.input) })).filter((n) => n.arrays.length > 0);
  const given = inputs.map(arraysOf);
  const results = new Map(drawing.steps.map((s) => [s, arraysOf(s.result)]));
  return {
    input: (name) => into(name)[0],
    outputs: executables[executables.length - 1].outputs,
    run(rng) {
      for (const arrays of given) spread(arrays);
      for (const n of noise) {
        fill(rng, n.kind, n.arrays[0]);
        spread(n.arrays);
      }
      stages.forEach(({ steps }, k) => {
        executables[k].run();
        let at = 0;
        for (const step of steps) {
          const arrays = results.get(step) ?? [];
          const values = executables[k].outputs.slice(at, at + step.needs.length);
          at += step.needs.length;
          if (arrays.length === 0) continue;
          step.run(rng, values, arrays[0]);
          spread(arrays);
        }
      });
    },
    dispose() {
      for (const e of executables) e.dispose();
    },
  };
}

function fill(rng: Rng, kind: Noise["kind"], out: Float64Array): void {
  if (kind === "normal") rng.fillNormal(out);
  else if (kind === "uniform") rng.fillUniform(out);
  else if (kind === "exponential") for (let i = 0; i < out.length; i++) out[i] = rng.exponential();
  else throw new InternalError(`noise of kind ${kind satisfies never}`);
}
