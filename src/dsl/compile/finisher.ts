// From draws in unconstrained space to the columns that are saved: latents, quantities, predictions; and draws from the prior.
import { InternalError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Column, Finisher } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { PredictStatement } from "../language/ast.ts";
import { type BoundData, evaluateSize } from "./bind-data.ts";
import { arrayAt, executeLet, placeCoordinates } from "./block.ts";
import type { Context } from "./context.ts";
import { givenFrom, refuseDiscrete } from "./discrete.ts";
import { applyDistribution } from "./distribution.ts";
import { limitForDraws, meetType, oneRange } from "./latents.ts";
import { checkFit } from "./likelihood.ts";
import { type DrawLayout, takeFrom } from "./piece.ts";
import { compileStaged, Drawing } from "./staged.ts";
import { definedOf, type LatentSource, namedValue, type Walk, walk } from "./walk.ts";

/** predict x ~ D, or predict x = e. */
export function predict(w: Walk, c: Context, s: PredictStatement, drawing: Drawing): void {
  const { name } = s.place.name;
  if (!w.predictions.some((p) => p.name === name)) w.predictions.push({ name, span: s.span });
  if (!s.distribution) {
    if (s.value) executeLet(c, { kind: "let", place: s.place, value: s.value, span: s.span });
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
    c.scope.value(name, cast(drawing.draw(c, law, element, meeting.constraint, s.span)));
    return;
  }
  const { coordinates, count, inside } = oneRange(placeCoordinates(c, s.place, c.rows), s.place);
  const own = typed ?? element.slice(inside.length);
  const drawn = drawing.draw(c, law, [...inside, ...own], meeting.constraint, s.span);
  arrayAt(c.root, name).add(coordinates, c.b.reshape(cast(drawn), [count, ...own]), s.span);
}

/** Compiled once; each call of the result is a finisher with memory and a stream of its own. */
export function makeFinisher(
  model: CheckedModel,
  data: BoundData,
  { pieces, dimension, discrete, width: length }: DrawLayout,
): (rng: Rng) => Finisher {
  const b = createBuilder();
  const q = b.input("q", { shape: [dimension], dtype: "real" });
  const drawing = new Drawing(b);
  const z = b.input("z", { shape: [length - dimension], dtype: "real" });
  const source: LatentSource = {
    kind: "coordinates",
    merged: false,
    take: takeFrom(b, q, pieces),
    ...(discrete.length > 0 ? { given: givenFrom(b, z, discrete, dimension) } : {}),
    discrete: refuseDiscrete(model),
  };
  const w = walk(b, model, data, source, { onPredict: (walk, c, s) => predict(walk, c, s, drawing) });
  const { columns, values } = columnsOf(w);
  const width = columns.reduce((n, c) => n + sizeOf(c.shape), 0);
  const begin = compileStaged(b, drawing, discrete.length > 0 ? [q, z] : [q], values);
  return (rng) => {
    const staged = begin();
    const [position, integers] = [staged.input("q"), staged.input("z")];
    return {
      columns,
      width,
      finish(from, out) {
        if (from.length !== length) throw new InternalError(`a draw of ${from.length} numbers where ${length} belong`);
        position?.set(from.subarray(0, dimension));
        integers?.set(from.subarray(dimension));
        staged.run(rng);
        let at = 0;
        for (const column of staged.outputs) {
          out.set(column, at);
          at += column.length;
        }
      },
      dispose: () => staged.dispose(),
    };
  };
}

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

/** A joint draw of the latents from the prior, by name; drawn anew by each call. */
export function priorDraws(
  model: CheckedModel,
  data: BoundData,
): { readonly names: readonly string[]; draw(rng: Rng): Record<string, Float64Array> } {
  const b = createBuilder();
  const drawing = new Drawing(b);
  const w = walk(b, model, data, {
    kind: "draws",
    draw: (c, d, element, constraint, s) => drawing.draw(c, d, element, constraint, s.span),
  });
  const names = [...w.latents.keys()];
  const values = names.map((name) => namedValue(w, name) as Value);
  const staged = compileStaged(b, drawing, [], values)();
  return {
    names,
    draw(rng) {
      staged.run(rng);
      return Object.fromEntries(names.map((name, i) => [name, staged.outputs[i].slice()]));
    },
  };
}
