// From draws in unconstrained space to the columns that are saved: latents, quantities, predictions; and draws from the prior.
import { InternalError, UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Column, DiscreteOutput, Finisher } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Expression, Place, PredictStatement } from "../language/ast.ts";
import { type BoundData, evaluateSize } from "./bind-data.ts";
import { arrayAt, executeLet, placeCoordinates } from "./block.ts";
import type { Context } from "./context.ts";
import { givenFrom } from "./discrete.ts";
import { applyDistribution } from "./distribution.ts";
import { substituteReads } from "./elimination/read.ts";
import { bestTogether, drawJointly, marginals } from "./elimination/recover.ts";
import type { Site } from "./elimination/sites.ts";
import type { Summed } from "./elimination/sum-out.ts";
import { evaluate } from "./evaluate.ts";
import { meetType, oneRange } from "./latents.ts";
import { checkFit } from "./likelihood.ts";
import { type DrawLayout, takeFrom } from "./piece.ts";
import { limitForDraws } from "./prior.ts";
import { overRows } from "./rows.ts";
import { compileStaged, Drawing, type Staged } from "./staged.ts";
import { definedOf, type LatentSource, namedValue, type Walk, walk } from "./walk.ts";

/** predict x ~ D, or predict x = e. */
export function predict(w: Walk, c: Context, s: PredictStatement, drawing: Drawing): void {
  const { name } = s.place.name;
  if (!w.predictions.some((p) => p.name === name)) w.predictions.push({ name, span: s.span });
  const { awaitedNames: awaited } = w;
  if (!s.distribution) {
    if (s.value && awaited.has(name)) predictValue(w, c, s.place, s.value, s.span);
    else if (s.value) executeLet(c, { kind: "let", place: s.place, value: s.value, span: s.span });
    return;
  }
  const d = applyDistribution(c, s.distribution.call);
  const typed = s.type?.sizes.map((e) => evaluateSize(c, e, `the size of ${name}`));
  const meeting = meetType(c, s.type, d);
  const law = limitForDraws(c, { distribution: s.distribution, span: s.span }, d, meeting);
  const element = typed ?? [...d.batchShape, ...(d.eventShape ?? [])];
  checkFit(element, d, s.span);
  const cast = (v: Value): Value => (d.support.constraint.discrete ? c.b.cast(v, "int") : v);
  if (s.place.subscripts.length === 0) {
    const whole = cast(drawing.draw(c, law, element, meeting.constraint, s.span));
    if (awaited.has(name)) awaited.give(c, name, whole);
    else c.scope.value(name, whole);
    return;
  }
  const { coordinates, count, inside } = oneRange(placeCoordinates(c, s.place, c.rows), s.place);
  const own = typed ?? element.slice(inside.length);
  const drawn = drawing.draw(c, law, [...inside, ...own], meeting.constraint, s.span);
  const all = c.b.reshape(cast(drawn), [count, ...own]);
  if (awaited.has(name)) awaited.add(c, name, coordinates, all, s.span);
  else arrayAt(c.root, name).add(coordinates, all, s.span);
}

/** predict x[t] = e, where e reads other elements of x. */
function predictValue({ awaitedNames: awaited }: Walk, c: Context, place: Place, e: Expression, span: SourceSpan): void {
  const { name } = place.name;
  const value = evaluate(c, e);
  if (place.subscripts.length === 0) return awaited.give(c, name, value);
  const { coordinates, count, inside } = placeCoordinates(c, place, c.rows);
  const own = shapeOf(value);
  const each = own.length === 0 ? c.b.broadcastTo(value, inside) : value;
  const [over] = overRows(c.b, [each], c.rows);
  awaited.add(c, name, coordinates, c.b.reshape(over, [count, ...own.slice(inside.length)]), span);
}

/** Compiled once; each call of the result is a finisher with memory and a stream of its own. Discrete latents are in the draws, or are recovered
 *  from what they were summed out of. */
export function makeFinisher(
  model: CheckedModel,
  data: BoundData,
  layout: DrawLayout,
  discrete: DiscreteOutput,
): (rng: Rng) => Finisher {
  const given = layout.discrete.length > 0 ? once(() => finisherProgram(model, data, layout, undefined)) : undefined;
  const recovered = once(() => finisherProgram(model, data, layout, discrete));
  return (rng) => {
    let running: { readonly program: FinisherProgram; readonly staged: Staged } | undefined;
    const start = (program: FinisherProgram) => {
      running ??= { program, staged: program.begin() };
      if (running.program !== program)
        throw new InternalError("draws with discrete latents and draws without them in one finisher");
      return running.staged;
    };
    // Without a density of the others alone, draws can but hold the discrete ones.
    const first = given && discrete === "draw" ? (attempt(recovered) ?? given()) : recovered();
    return {
      columns: first.columns,
      width: first.width,
      finish(from, out) {
        const isGiven = given !== undefined && from.length === layout.width;
        if (!isGiven && from.length !== layout.dimension)
          throw new InternalError(`a draw of ${from.length} numbers where ${layout.dimension} belong`);
        const staged = start(isGiven ? given() : recovered());
        staged.input("q")?.set(from.subarray(0, layout.dimension));
        staged.input("z")?.set(from.subarray(layout.dimension));
        staged.run(rng);
        let at = 0;
        for (const column of staged.outputs) {
          out.set(column, at);
          at += column.length;
        }
      },
      dispose: () => running?.staged.dispose(),
    };
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (e) {
    if (e instanceof UsageError) return undefined;
    throw e;
  }
}

interface FinisherProgram {
  readonly columns: readonly Column[];
  readonly width: number;
  readonly begin: () => Staged;
}

/** `discrete` absent: discrete latents are given behind the coordinates. */
function finisherProgram(
  model: CheckedModel,
  data: BoundData,
  { pieces, dimension, discrete: slots, width: length }: DrawLayout,
  discrete: DiscreteOutput | undefined,
): FinisherProgram {
  const b = createBuilder();
  const q = b.input("q", { shape: [dimension], dtype: "real" });
  const drawing = new Drawing(b);
  const isGiven = discrete === undefined;
  const z = b.input("z", { shape: [length - dimension], dtype: "real" });
  const source: LatentSource = {
    kind: "coordinates",
    merged: false,
    take: takeFrom(b, q, pieces),
    draw: (c, d, element, constraint, span) => drawing.draw(c, d, element, constraint, span),
    ...(isGiven && slots.length > 0 ? { given: givenFrom(b, z, slots, dimension) } : {}),
  };
  const w = walk(b, model, data, source, { onPredict: (walk, c, s) => predict(walk, c, s, drawing), sums: !isGiven });
  drawing.awaited = w.awaited;
  const plain = columnsOf(w);
  const { columns, values: all } = w.summed && discrete ? withDiscrete(b, w.summed, drawing, plain, discrete) : plain;
  const values = columns.map((c, i) => (c.defined ? onlyDefined(b, all[i], c.defined) : all[i]));
  const begin = compileStaged(b, drawing, isGiven && slots.length > 0 ? [q, z] : [q], values);
  return { columns, width: columns.reduce((n, c) => n + sizeOf(c.shape), 0), begin };
}

interface Columns {
  readonly columns: Column[];
  readonly values: Value[];
}

/** The columns with draws of the discrete latents where these are read, and with what is asked for of the latents themselves. */
function withDiscrete(b: Builder, summed: Summed, drawing: Drawing, plain: Columns, discrete: DiscreteOutput): Columns {
  const drawn = drawJointly(b, summed, (count) => drawing.uniform(count));
  // Of these the numbers follow in order of their statements.
  for (const { anchor, parts } of summed.predicted) {
    const values = parts.map((p) => b.reshape(p.predict?.() ?? b.constant(0, "int"), [p.count]));
    drawn.set(anchor, substituteReads(b, [b.cast(b.concat(values, 0), "int")], drawn)[0]);
  }
  const atDraws = (values: readonly Value[]): Value[] => substituteReads(b, values, drawn);
  drawing.replace(atDraws);
  const values = atDraws(plain.values);
  if (discrete === "draw") return { columns: plain.columns, values };
  const isSummed = (c: Column): boolean => c.role === "latent" && summed.sites.some((s) => s.name === c.name);
  const kept = plain.columns.map((c, i) => ({ column: c, value: values[i], read: plain.values[i] }));
  if (discrete === "none") return split(kept.filter((k) => !isSummed(k.column)));
  if (discrete === "map") {
    const best = bestTogether(b, summed);
    return split(kept.map((k) => (isSummed(k.column) ? { ...k, value: substituteReads(b, [k.read], best)[0] } : k)));
  }
  const tables = marginals(b, summed);
  return split(
    kept.map((k) => {
      if (!isSummed(k.column)) return k;
      const { count, anchor, values: each } = summed.sites.find((s) => s.name === k.column.name) as Site;
      // Where an element stands in the latent's array: its number, read in place of its value.
      const numbers = b.tensor(
        Float64Array.from({ length: count }, (_, i) => i),
        [count],
        "int",
      );
      const [places] = substituteReads(b, [k.read], new Map([[anchor, numbers]]));
      const shape = [...k.column.shape, each];
      // Elements that are data have no place of their own.
      const inside = b.min(places, b.constant(count - 1, "int"));
      const table = b.gather(tables.get(anchor) as Value, b.reshape(inside, [sizeOf(k.column.shape)]));
      const defined = k.column.defined?.flatMap((at) => Array.from({ length: each }, (_, v) => at * each + v));
      const { defined: _, ...column } = k.column;
      return {
        value: b.reshape(table, shape),
        column: { ...column, name: `${column.name}_probability`, shape, integer: false, ...(defined ? { defined } : {}) },
      };
    }),
  );
}

/** NaN where no statement gives an element. */
function onlyDefined(b: Builder, value: Value, defined: readonly number[]): Value {
  const shape = shapeOf(value);
  const mask = new Uint8Array(sizeOf(shape));
  for (const at of defined) mask[at] = 1;
  return b.select(b.tensor(mask, shape, "bool"), b.cast(value, "real"), b.constant(Number.NaN));
}

const split = (kept: readonly { readonly column: Column; readonly value: Value }[]): Columns => ({
  columns: kept.map((k) => k.column),
  values: kept.map((k) => k.value),
});

export function columnsOf(w: Walk): { readonly columns: Column[]; readonly values: Value[] } {
  const columns: Column[] = [];
  const values: Value[] = [];
  const add = (name: string, role: Column["role"]): void => {
    const value = namedValue(w, name);
    if (!value) return;
    const defined = definedOf(w, name);
    columns.push({ name, shape: shapeOf(value), role, integer: dtypeOf(value) !== "real", ...(defined ? { defined } : {}) });
    values.push(value);
  };
  for (const name of w.latents.keys()) add(name, "latent");
  for (const s of w.quantities) add(s.name, "quantity");
  for (const s of w.predictions) add(s.name, "predict");
  return { columns, values };
}
