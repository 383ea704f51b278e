// prior(z1[n]) in a guide: what the model gives a latent, at the guide's draws (language.md rule 49).

import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied } from "../distributions/applied.ts";
import type { Call, Place, SampleStatement } from "../language/ast.ts";
import { enterData } from "./bind-data.ts";
import { executeBlock, executeLet, placeCoordinates } from "./block.ts";
import { type Context, newContext } from "./context.ts";
import { applyDistribution } from "./distribution.ts";
import { evaluate } from "./evaluate.ts";
import type { GuideWalk } from "./guide.ts";
import { commonWidth } from "./index-expression.ts";
import { meetType, oneRange } from "./latents.ts";
import { enterParams } from "./parameters.ts";
import { limitForDraws } from "./prior.ts";
import { bindCodes, reject } from "./rejection.ts";
import { rowShape } from "./rows.ts";
import { overRowsOf } from "./staged.ts";
import { namedIn } from "./walk.ts";

/** What one statement of the model gives. */
interface Law {
  /** Its arguments either do not vary, or are [elements, …axes in front of one event, …of one event]. */
  readonly law: Applied;
  /** 1-based, an entry a subscript; without subscripts, none. */
  readonly coordinates: readonly Float64Array[];
  /** Axes in front of one event behind those of the subscripts. */
  readonly inside: Shape;
}

/** The distribution of the elements that the call names, for the rows at hand. */
export function restated(w: GuideWalk, c: Context, call: Call): Applied {
  const e = call.arguments[0].value;
  const of = e.kind === "index" ? e.base : e;
  const shape = of.kind === "name" ? w.latents.shapes.get(of.name) : undefined;
  if (of.kind !== "name" || !shape) return reject(bindCodes.type, call.span, "prior takes a latent variable of the model");
  const place: Place = { name: of, subscripts: e.kind === "index" ? e.subscripts : [], span: e.span };
  const undrawn = new Map<string, Value>();
  const laws = lawsOf(w, c, of.name, shape, call.span, undrawn);
  const found = laws.map((law) => elementsAt(c, law, place, shape)).find((d) => d !== undefined);
  if (!found)
    return reject(bindCodes.notYet, call.span, `no single statement of the model gives all that ${of.name} is here`, {
      label: "the prior of elements with one ~ in the model can be restated",
    });
  const nodes = new Set(nodesOf(found.arguments.map((a) => a.value)));
  const missing = [...undrawn].find(([, v]) => nodes.has(v.node));
  if (missing?.[0] === of.name)
    reject(
      bindCodes.notYet,
      call.span,
      `the prior of ${of.name} reads other elements of ${of.name}: restating it is not built yet`,
    );
  if (missing)
    reject(bindCodes.coverage, call.span, `the prior of ${of.name} reads ${missing[0]}, which the guide has not drawn yet`, {
      notes: [`give ${missing[0]} its ~ before`],
    });
  return found;
}

/** The model's statements up to that latent are run at the guide's draws. */
function lawsOf(w: GuideWalk, c: Context, name: string, shape: Shape, at: SourceSpan, undrawn: Map<string, Value>): Law[] {
  const { b, model, data, session } = c;
  const own: Context = { ...newContext(b, model, data), session };
  enterData(own);
  enterParams(own);
  for (const [other, whole] of w.latents.shapes) own.root.value(other, drawnOr(w, c, other, whole, undrawn));
  const laws: Law[] = [];
  executeBlock(own, model.statements, (here, s) => {
    if (s.kind === "quantity") executeLet(here, s);
    else if (s.kind === "declare" && s.name.name === name)
      reject(bindCodes.notYet, at, `the prior of ${name}, which is declared apart from its ~, cannot be restated`);
    else if (s.kind === "sample" && s.place?.name.name === name && model.roles.get(s) === "latent")
      laws.push(lawOf(here, s, s.place, shape, at));
  });
  return laws;
}

/** The guide's draw, or what stands for it where it has not been drawn, or not wholly. */
function drawnOr(w: GuideWalk, c: Context, name: string, whole: Shape, undrawn: Map<string, Value>): Value {
  const binding = w.context.scope.get(name);
  const isPartial = binding?.kind === "array" && (binding.array.empty || binding.array.given(c.b) !== undefined);
  const value = isPartial ? undefined : namedIn(w.context, name);
  if (value && shapeOf(value).join() === whole.join()) return value;
  const dtype = w.latents.integers.has(name) ? "int" : "real";
  const stand = c.b.input(`(undrawn ${name})`, { shape: whole, dtype });
  undrawn.set(name, stand);
  return stand;
}

function lawOf(c: Context, s: SampleStatement, place: Place, shape: Shape, at: SourceSpan): Law {
  const symbol = c.model.symbols.get(place.name.name);
  const type = s.type ?? (symbol?.kind === "latent" && place.subscripts.length === 0 ? symbol.declared : undefined);
  const d = applyDistribution(c, s.distribution.call);
  const meeting = meetType(c, type, d);
  if (meeting.structural)
    reject(bindCodes.notYet, at, `a guide cannot draw ${meeting.constraint.words} from ${d.name}`, {
      label: `that is the prior of ${place.name.name}`,
    });
  const law = limitForDraws(c, s, d, meeting);
  const given = place.subscripts.length === 0 ? undefined : oneRange(placeCoordinates(c, place, c.rows), place);
  const own = shape.slice(place.subscripts.length);
  const inside = own.slice(0, own.length - law.event);
  const over = overRowsOf(c, law, [...(given?.inside ?? []), ...own]);
  const front = [...rowShape(c.rows), ...(given?.inside ?? []), ...inside];
  const wide = over.arguments.map(({ value, rank }) => {
    const has = shapeOf(value);
    const event = has.slice(has.length - rank);
    const full = (): Value => c.b.broadcastTo(value, [...front, ...event]);
    return has.length === rank ? value : c.b.reshape(full(), [given?.count ?? 1, ...inside, ...event]);
  });
  return { law: law.withArguments(wide), coordinates: given?.coordinates ?? [], inside };
}

/** The law for the elements that a place names; undefined where some of them are not the statement's. */
function elementsAt(c: Context, given: Law, place: Place, shape: Shape): Applied | undefined {
  const { b } = c;
  const { subscripts } = place;
  const { law, coordinates, inside } = spreadOver(c, given, subscripts.length);
  const axes = coordinates.length;
  const strides = stridesOf(shape.slice(0, axes));
  const row = new Map(
    Array.from({ length: coordinates[0]?.length ?? 1 }, (_, i) => [
      coordinates.reduce((flat, axis, k) => flat + (axis[i] - 1) * strides[k], 0),
      i,
    ]),
  );
  // For each combination of the place's subscripts, the statement's elements behind it.
  const behind = shape.slice(subscripts.length, axes);
  const grid = shape.slice(0, axes);
  const rows = Float64Array.from({ length: sizeOf(grid) }, (_, flat) => row.get(flat) ?? -1);
  const elements = subscripts.length === 0 ? undefined : oneRange(placeCoordinates(c, place, c.rows), place);
  const width = sizeOf(behind);
  const starts = stridesOf(shape.slice(0, subscripts.length));
  for (let i = 0; i < (elements?.count ?? 1); i++) {
    const at = (elements?.coordinates ?? []).reduce((flat, axis, k) => flat + (axis[i] - 1) * starts[k], 0) * width;
    for (let k = 0; k < width; k++) if ((rows[at + k] ?? -1) < 0) return undefined;
  }
  const table = b.tensor(rows, [rows.length / width, ...behind], "int");
  const flat = subscripts.reduce(
    (sum, s, k) => b.add(sum, b.mul(b.sub(indexOf(c, s), b.constant(1, "int")), b.constant(starts[k], "int"))),
    b.constant(0, "int"),
  );
  const chosen = b.gather(table, flat);
  return law.withArguments(
    law.arguments.map(({ value, rank }) =>
      shapeOf(value).length === rank + inside.length + 1 ? b.gather(value, chosen) : value,
    ),
  );
}

/** The same with as many subscripts as the place has, where these are more. */
function spreadOver(c: Context, given: Law, subscripts: number): Law {
  const { law, coordinates, inside } = given;
  const more = Math.max(0, subscripts - coordinates.length);
  if (more === 0) return given;
  const folded = inside.slice(0, more);
  const width = sizeOf(folded);
  const strides = stridesOf(folded);
  const count = coordinates[0]?.length ?? 1;
  const each = (f: (element: number, place: number) => number): Float64Array =>
    Float64Array.from({ length: count * width }, (_, i) => f(Math.floor(i / width), i % width));
  return {
    coordinates: [
      ...coordinates.map((axis) => each((element) => axis[element])),
      ...folded.map((n, k) => each((_, place) => (Math.floor(place / strides[k]) % n) + 1)),
    ],
    inside: inside.slice(more),
    law: law.withArguments(
      law.arguments.map(({ value, rank }) => {
        const has = shapeOf(value);
        return has.length === rank ? value : c.b.reshape(value, [count * width, ...has.slice(1 + more)]);
      }),
    ),
  };
}

function indexOf(c: Context, s: Place["subscripts"][number]): Value {
  if (s.kind === "at") return evaluate(c, s.value);
  if (s.kind === "all" || !s.lower || !s.upper) return reject(bindCodes.shape, s.span, "a range here needs both ends");
  const { b } = c;
  const [lower, upper] = [evaluate(c, s.lower), evaluate(c, s.upper)];
  const width = commonWidth(c, lower, upper, s.span);
  return b.add(lower, b.iota([width], 0));
}
