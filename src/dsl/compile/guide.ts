// The guide block: q of the model's latents and of auxiliary variables, drawn in order, and r of the auxiliaries (language.md rules 42-49).
import { InternalError } from "../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Assignment, Guide, GuideSite, NoiseSource, Setting, Term } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import { aboutElements } from "../check/restated.ts";
import type { Applied } from "../distributions/applied.ts";
import { logDensityInside } from "../distributions/modifiers/sides.ts";
import type { AuxStatement, Call, SampleStatement, Statement } from "../language/ast.ts";
import { type BoundData, enterData, evaluateSize } from "./bind-data.ts";
import { arrayAt, executeBlock, placeCoordinates, type Visitor } from "./block.ts";
import { type Context, newContext } from "./context.ts";
import { applyDistribution } from "./distribution.ts";
import { evaluate } from "./evaluate.ts";
import { checkComplete, elementsOf } from "./guide-coverage.ts";
import { drawSite } from "./guide-draw.ts";
import { inOrder } from "./guide-order.ts";
import { meetType, oneRange } from "./latents.ts";
import { checkFit } from "./likelihood.ts";
import { enterParams, type ParameterPool } from "./parameters.ts";
import { limitForDraws } from "./prior.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { restated } from "./restated.ts";
import { overRows } from "./rows.ts";
import { PieceArray } from "./scope.ts";
import { axesOf, namedIn } from "./walk.ts";

type Part = "guide" | "reverse";
/** Where the values of the sites come from. */
type Source = { readonly kind: "draws"; readonly noise: NoiseSource } | { readonly kind: "values"; readonly values: Assignment };

/** What a guide must know of the model's latents. */
export interface Latents {
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly integers: ReadonlySet<string>;
  /** The elements that there are, row-major, where these are not all. */
  defined(name: string): readonly number[] | undefined;
}

/** One walk over the statements of a guide, or of its reverse. */
export interface GuideWalk {
  readonly sites: Map<string, GuideSite>;
  readonly terms: Term[];
  readonly context: Context;
  readonly part: Part;
  readonly source: Source;
  readonly latents: Latents;
  /** Of names that are given element by element, what statements have given. */
  readonly elements: Map<string, PieceArray>;
  /** Shapes of names that are given as a whole. */
  readonly wholes: Map<string, Shape>;
  /** Names some of whose draws have no path to the parameters: then none has, since a name has one estimator. */
  readonly scored: ReadonlySet<string>;
  rest?: NonNullable<Guide["rest"]>;
}

export const hasGuide = (model: CheckedModel): boolean => model.statements.some((s) => s.kind === "guide");

export function walkGuide(
  b: Builder,
  model: CheckedModel,
  data: BoundData,
  latents: Latents,
  part: Part,
  source: Source,
  setting?: Setting,
  scored: ReadonlySet<string> = new Set(),
): GuideWalk {
  const plain = newContext(b, model, data, false, setting);
  const restate = (c: Context, call: Call): Applied => restated(w, c, call);
  const context: Context = { ...plain, session: { ...plain.session, restate } };
  enterData(context);
  enterParams(context);
  const w: GuideWalk = {
    sites: new Map(),
    terms: [],
    context,
    part,
    source,
    latents,
    elements: new Map(),
    wholes: new Map(),
    scored,
  };
  // A guide sees what it has drawn; its reverse, all that has been drawn.
  if (source.kind === "values") for (const [name, v] of Object.entries(source.values)) context.root.value(name, v);
  const statements = model.statements.flatMap((s): readonly Statement[] => (s.kind === part ? s.body : []));
  let family: { readonly family: string; readonly rank?: number } | undefined;
  let isOrdered = false;
  const visit: Visitor = (c, s) => {
    if (s.kind === "sample" && isRest(s, latents.shapes)) family = restOf(s);
    else if (s.kind === "sample" || s.kind === "aux") site(w, c, s);
  };
  for (const s of statements) {
    const steps = source.kind === "draws" ? inOrder(context, s) : { statements: [s], isOrdered: false };
    isOrdered ||= steps.isOrdered;
    executeBlock(context, steps.statements, visit);
  }
  // Drawn step by step, evaluated at once.
  if (isOrdered) {
    const values = { kind: "values", values: drawnBy(w) } as const;
    w.terms.splice(0, w.terms.length, ...walkGuide(b, model, data, latents, part, values, setting).terms);
  }
  if (family) w.rest = { ...family, names: [...latents.shapes.keys()].filter((name) => !w.sites.has(name)) };
  return w;
}

const isRest = (s: SampleStatement, shapes: ReadonlyMap<string, Shape>): boolean =>
  s.place?.name.name === "rest" && !shapes.has("rest");

/** `rest ~ lowrank(5)`: the checker has seen that it is of this form. */
function restOf(s: SampleStatement): { readonly family: string; readonly rank?: number } {
  const { callee, arguments: given } = s.distribution.call;
  const rank = given[0]?.value;
  return { family: callee.name, ...(rank?.kind === "number" ? { rank: rank.value } : {}) };
}

/** The guide as engines see it. `pools`: the parameters that it met; `roots`: the values by which it reads them. */
export function guideOf(
  model: CheckedModel,
  data: BoundData,
  latents: Latents,
  learn: Builder,
): { readonly guide: Guide; readonly pools: readonly ParameterPool[]; readonly roots: readonly Value[] } | undefined {
  if (!hasGuide(model)) return undefined;
  const placeholder: NoiseSource = {
    noise: (_kind, shape) => learn.input(`(noise ${shape})#${learned++}`, { shape, dtype: "real" }),
  };
  let learned = 0;
  const first = walkGuide(learn, model, data, latents, "guide", { kind: "draws", noise: placeholder });
  const values = drawnBy(first);
  // Discrete latents are summed out where the guide names none of them.
  const isSummed = ![...latents.integers].some((name) => first.sites.has(name));
  const covered = [...latents.shapes].filter(
    ([name]) => first.sites.has(name) || !(first.rest || (isSummed && latents.integers.has(name))),
  );
  checkComplete(
    first,
    covered.map(([name, shape]) => ({ name, shape, defined: latents.defined(name) })),
  );
  const back = walkGuide(learn, model, data, latents, "reverse", { kind: "values", values: withRest(learn, first, values) });
  const auxiliaries = [...first.sites.values()].filter((s) => s.role === "aux").map((s) => s.name);
  checkComplete(
    back,
    auxiliaries.map((name) => ({ name, shape: shapeOf(values[name]), defined: elementsOf(first.elements.get(name)) })),
  );
  const sites = [...first.sites.values()];
  const scored = new Set(sites.filter((s) => s.gradient === "score").map((s) => s.name));
  const guide: Guide = {
    sites,
    ...(first.rest ? { rest: first.rest } : {}),
    draw(b, noise, setting) {
      const w = walkGuide(b, model, data, latents, "guide", { kind: "draws", noise }, setting, scored);
      const drawn = drawnBy(w);
      return { values: drawn, terms: withReads(w.terms, drawn) };
    },
    terms: (b, given, setting) =>
      withReads(walkGuide(b, model, data, latents, "guide", { kind: "values", values: given }, setting).terms, given),
    reverse: (b, given, setting) =>
      withReads(walkGuide(b, model, data, latents, "reverse", { kind: "values", values: given }, setting).terms, given),
  };
  const pools = [first, back].map((w) => w.context.session.parameters);
  // A shift of the draw is in no log density: the draws are read too.
  const roots = [...[...first.terms, ...back.terms].map((t) => t.value), ...Object.values(values)];
  return { guide, pools, roots };
}

/** Latents that an engine's family covers have no draw here; the reverse may read them. */
function withRest(b: Builder, w: GuideWalk, values: Assignment): Assignment {
  const others = (w.rest?.names ?? []).map((name): [string, Value] => [
    name,
    b.input(`(rest ${name})`, { shape: w.latents.shapes.get(name) ?? [], dtype: "real" }),
  ]);
  return { ...values, ...Object.fromEntries(others) };
}

function drawnBy(w: GuideWalk): Assignment {
  return Object.fromEntries(
    [...w.sites.keys()].map((name) => {
      const value = namedIn(w.context, name);
      if (!value) throw new InternalError(`the guide's ${name} has no value after the walk`);
      return [name, value];
    }),
  );
}

/** z[n] ~ D or aux a ~ D. */
function site(w: GuideWalk, c: Context, s: SampleStatement | AuxStatement): void {
  const { place } = s;
  if (!place) return reject(bindCodes.type, s.span, "a guide gives distributions to names");
  const { name } = place.name;
  const d = applyDistribution(c, aboutElements(s.distribution.call, place));
  const meeting = meetType(c, s.type, d);
  const law = limitForDraws(c, s, d, meeting);
  const elements = place.subscripts.length === 0 ? undefined : oneRange(placeCoordinates(c, place, c.rows), place);
  const inside = elements?.inside ?? [];
  const own = ownShape(w, c, s, law);
  checkFit([...inside, ...own], law, s.span);
  if (meeting.structural)
    reject(bindCodes.notYet, s.distribution.span, `a guide cannot draw ${meeting.constraint.words} from ${law.name}`, {
      notes: ["use a distribution over such values"],
    });
  const { discrete } = law.support.constraint;
  if (!elements) w.wholes.set(name, own);
  let known: Value | undefined;
  if (w.source.kind === "draws") {
    const drawn = drawSite(c, law, [...inside, ...own], w.source.noise, s, w.scored.has(name));
    known = drawn.logDensity;
    const value = discrete ? c.b.cast(drawn.x, "int") : drawn.x;
    if (elements) {
      const array = arrayAt(c.root, name);
      w.elements.set(name, array);
      array.add(elements.coordinates, c.b.reshape(value, [elements.count, ...own]), s.span);
    } else if (c.rows.length > 0)
      reject(bindCodes.twice, place.span, `${name} is given once in each iteration`, { notes: [`did you mean ${name}[…]?`] });
    else c.root.value(name, value);
  } else if (elements && w.part === "reverse") {
    const array = w.elements.get(name) ?? new PieceArray(name);
    w.elements.set(name, array);
    array.add(elements.coordinates, c.b.broadcastTo(c.b.constant(0), [elements.count, ...own]), s.span);
  }
  const gradient = (law.draw ?? law.attempts)?.gradient ?? "score";
  const before = w.sites.get(name);
  if (!before || gradient === "score")
    w.sites.set(name, {
      name,
      role: s.kind === "aux" ? "aux" : "latent",
      plates: before?.plates ?? axesOf(c, []),
      discrete,
      gradient,
      span: before?.span ?? place.span,
    });
  const target = s.kind === "sample" ? s.target : placeExpression(place);
  const density = (): Value => at(s.span, () => logDensityInside(c.b, law, evaluate(c, target), meeting.beyond));
  const [value] = known ? [known] : overRows(c.b, [density()], c.rows);
  w.terms.push({
    site: name,
    role: w.part,
    axes: axesOf(c, shapeOf(value).slice(c.rows.length)),
    value,
    reads: [],
    span: s.span,
  });
}

const placeExpression = (p: AuxStatement["place"]): SampleStatement["target"] =>
  p.subscripts.length === 0
    ? { kind: "name", name: p.name.name, span: p.span }
    : { kind: "index", base: { kind: "name", name: p.name.name, span: p.name.span }, subscripts: p.subscripts, span: p.span };

/** One element's shape: by its type, by the model's latent, or by the distribution. */
function ownShape(w: GuideWalk, c: Context, s: SampleStatement | AuxStatement, d: Applied): Shape {
  const place = s.place as AuxStatement["place"];
  const name = place.name.name;
  if (s.type) return s.type.sizes.map((e) => evaluateSize(c, e, `the size of ${name}`));
  const whole = w.source.kind === "values" ? shapeOf(w.source.values[name] ?? c.b.constant(0)) : w.latents.shapes.get(name);
  if (whole) return whole.slice(place.subscripts.length);
  if (d.eventShape === null)
    return reject(bindCodes.shape, s.span, `the shape of ${name} does not follow from ${d.name}`, {
      notes: [`declare it: ${name}: type[…] ~ ${d.name}(…)`],
    });
  return [...d.batchShape, ...d.eventShape];
}

/** The names whose values a term is built on. */
function withReads(terms: readonly Term[], values: Assignment): readonly Term[] {
  return terms.map((t) => {
    const nodes = new Set(nodesOf([t.value]));
    return { ...t, reads: Object.keys(values).filter((name) => nodes.has(values[name].node)) };
  });
}
