// One walk over a model's statements: latents from a source of values, terms out of ~, factor and observe.
import { InternalError, unreachable } from "../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Axis, Observation, Setting, Term } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { Constraint } from "../constraints/define.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied } from "../distributions/applied.ts";
import type {
  Expression,
  FactorStatement,
  ObserveStatement,
  PredictStatement,
  QuantityStatement,
  SampleStatement,
  Statement,
  TypeExpression,
} from "../language/ast.ts";
import type { AffineSite } from "./affine.ts";
import { AwaitedNames, type DrawnData } from "./awaited.ts";
import { type BoundData, enterData } from "./bind-data.ts";
import { executeBlock, executeLet } from "./block.ts";
import { type Context, newContext, textOf } from "./context.ts";
import type { Declared } from "./declared.ts";
import { refuseSum } from "./discrete.ts";
import { declareDrawn, drawData, drawLatent, type Restriction } from "./draws.ts";
import { takeEarly } from "./early-latents.ts";
import { TooMany } from "./elimination/cost.ts";
import { OpenSites } from "./elimination/sites.ts";
import { type Summed, sumOut } from "./elimination/sum-out.ts";
import { evaluate } from "./evaluate.ts";
import { declareLatent, sampleLatent } from "./latents.ts";
import { likelihood } from "./likelihood.ts";
import { sampleMissing } from "./missing.ts";
import { enterParams } from "./parameters.ts";
import type { Piece } from "./piece.ts";
import { readAhead } from "./read-ahead.ts";
import { overRows } from "./rows.ts";
import { observedPlace } from "./solve.ts";
import type { Awaited } from "./staged.ts";

/** Where latents come from. */
export type LatentSource =
  /** Coordinates of each piece in turn; the log-Jacobian is collected. `merged`: the prior of a non-centred latent is that of its raw
   *  coordinates, which is the same density of the unconstrained point without the detour. `given`: constrained values of latents that take
   *  no coordinates. */
  | {
      readonly kind: "coordinates";
      readonly merged: boolean;
      readonly given?: Readonly<Record<string, Value>>;
      take(piece: Piece): Value;
      /** Of a discrete latent that is neither given nor summed out: values of the piece's shape. */
      discrete?(piece: Piece): Value;
      /** Draws of [rows…, element…] of what is predicted; absent where nothing is. */
      draw?(c: Context, d: Applied, element: Shape, constraint: Constraint, span: SourceSpan): Value;
    }
  /** Constrained values by name. */
  | { readonly kind: "values"; readonly values: Readonly<Record<string, Value>> }
  /** Drawn from the prior: each ~ is asked for a draw of [rows…, element…]. `given`: constrained values of latents that are not drawn; `data`: variables
   *  of the data that are. A draw counts where all restrictions hold. */
  | {
      readonly kind: "draws";
      readonly given: Readonly<Record<string, Value>>;
      readonly data: ReadonlyMap<string, DrawnData>;
      readonly restrictions: Restriction[];
      /** Shapes of latents that are declared apart from their ~. */
      readonly declared: Map<string, Shape>;
      draw(c: Context, d: Applied, element: Shape, constraint: Constraint, s: SampleStatement): Value;
    };

/** A term before it is handed out, with what blame needs. */
export interface LoweredTerm {
  readonly site: string;
  readonly role: Term["role"];
  readonly axes: readonly Axis[];
  readonly value: Value;
  readonly unnormalised?: string;
  readonly shuffled?: boolean;
  readonly span: SourceSpan;
  /** Values that went in, over the same axes where they vary. */
  readonly inputs: () => readonly { readonly name: string; readonly value: Value }[];
}
export interface Saved {
  readonly name: string;
  readonly span: SourceSpan;
}
export interface Walk {
  readonly terms: LoweredTerm[];
  readonly jacobian: LoweredTerm[];
  readonly pieces: Piece[];
  /** Of latents that are made from coordinates. */
  readonly affine: AffineSite[];
  /** In order of the text; a piecewise latent's value is complete when the walk is done. */
  readonly latents: Map<
    string,
    { readonly span: SourceSpan; readonly support: string; readonly integer: boolean; readonly missing?: readonly number[] }
  >;
  /** Latents declared as a whole by `mu: ordered[2]`: their statements give priors alone. */
  readonly declared: Map<string, Declared>;
  /** Of data with missing entries, those that a ~ has given. */
  readonly filled: Map<string, Set<number>>;
  readonly observed: Set<string>;
  readonly observations: (() => Observation)[];
  readonly quantities: Saved[];
  readonly predictions: Saved[];
  readonly context: Context;
  readonly source: LatentSource;
  /** Discrete latents that have no value are summed out. */
  readonly open?: OpenSites;
  /** Statements whose latents have their values already: they add priors alone. */
  readonly early: Set<Statement>;
  /** What is read before it is drawn. */
  readonly awaitedNames: AwaitedNames;
  awaited: readonly Awaited[];
  /** What summing out has found, when the walk is done. */
  summed?: Summed;
}

export interface WalkOptions {
  /** Absent: predictions are passed over. */
  readonly onPredict?: (w: Walk, c: Context, s: PredictStatement) => void;
  readonly setting?: Setting;
  /** Discrete latents that nobody gives a value are summed out of the terms. */
  readonly sums?: boolean;
}

export function walk(b: Builder, model: CheckedModel, data: BoundData, source: LatentSource, options: WalkOptions = {}): Walk {
  const { onPredict, setting, sums = false } = options;
  const context = newContext(b, model, data, onPredict !== undefined, setting);
  enterData(context);
  enterParams(context);
  const awaitedNames = namesAwaited(model, source, onPredict !== undefined);
  for (const s of awaitedNames.statements) context.session.late.add(s);
  const w: Walk = {
    terms: [],
    jacobian: [],
    pieces: [],
    affine: [],
    latents: new Map(),
    declared: new Map(),
    filled: new Map(),
    observed: new Set(),
    observations: [],
    quantities: [],
    predictions: [],
    context,
    source,
    early: new Set(),
    awaitedNames,
    awaited: [],
    ...(sums ? { open: new OpenSites(b) } : {}),
  };
  model.statements.forEach((s, i) => {
    awaitedNames.before(context, i);
    if (s.kind === "for" && source.kind !== "draws") takeEarly(w, context, s);
    executeBlock(context, [s], (c, inner) => visit(w, c, inner, onPredict));
  });
  w.awaited = awaitedNames.finish(context);
  sumDiscrete(w, model);
  return w;
}

/** Names that are drawn in this walk, and read before. Data of which some elements are drawn are among them: they stand for the others too. */
function namesAwaited(model: CheckedModel, source: LatentSource, predicts: boolean): AwaitedNames {
  const data = source.kind === "draws" ? source.data : new Map<string, DrawnData>();
  const gives = (s: Statement): string | undefined => {
    if (s.kind === "predict") return predicts ? s.place.name.name : undefined;
    if (source.kind !== "draws") return undefined;
    const place = s.kind === "sample" ? (observedPlace(model, s) ?? s.place) : undefined;
    const name = s.kind === "declare" ? s.name.name : place?.name.name;
    if (name === undefined || Object.hasOwn(source.given, name)) return undefined;
    return data.has(name) || model.symbols.get(name)?.kind === "latent" ? name : undefined;
  };
  const names = readAhead(model.statements, gives);
  for (const [name, { base }] of data) if (base) names.add(name);
  return new AwaitedNames(model, names, gives, data);
}

/** Terms that read discrete latents without a value give way to those that are left of them. */
function sumDiscrete(w: Walk, model: CheckedModel): void {
  if (!w.open || w.open.empty) return;
  try {
    w.summed = sumOut(w.context.b, w.open, w.terms);
  } catch (e) {
    if (e instanceof TooMany) throw refuseSum(model, e);
    throw e;
  }
  w.terms.splice(0, w.terms.length, ...w.summed.terms);
}

function visit(
  w: Walk,
  c: Context,
  s: Statement,
  onPredict: ((w: Walk, c: Context, s: PredictStatement) => void) | undefined,
): void {
  switch (s.kind) {
    case "sample":
      return visitSample(w, c, s);
    case "declare":
      return w.source.kind === "draws" && !readsGiven(w, s.name.name) ? declareDrawn(w, w.source, c, s) : declareLatent(w, c, s);
    case "factor":
      return addExpression(w, c, s, "factor");
    case "observe":
      return addExpression(w, c, s, "likelihood");
    case "quantity":
      if (!w.quantities.some((q) => q.name === s.place.name.name)) w.quantities.push({ name: s.place.name.name, span: s.span });
      return executeLet(c, s satisfies QuantityStatement);
    case "predict":
      return onPredict?.(w, c, s);
    // Declarations, which have their meaning where they are read.
    case "data":
    case "const":
    case "param":
    case "fn":
    case "density":
    case "net":
    case "import":
      return;
    // Parts of an inference, not of the density.
    case "guide":
    case "reverse":
    case "aux":
    case "objective":
      return;
    case "let":
    case "for":
    case "if":
    case "return":
      throw new InternalError(`a block left its ${s.kind} statement to the model`);
    default:
      return unreachable(s, "visit");
  }
}

function visitSample(w: Walk, c: Context, s: SampleStatement): void {
  const name = s.place?.name.name;
  const symbol = name === undefined ? undefined : c.model.symbols.get(name);
  if (w.source.kind === "draws") {
    const place = observedPlace(c.model, s);
    const drawn = place && w.source.data.get(place.name.name);
    if (drawn) return drawData(w, w.source, c, s, place, drawn);
  }
  if (symbol?.kind === "latent" && w.source.kind === "draws" && !readsGiven(w, symbol.name)) return drawLatent(w, w.source, c, s);
  if (symbol?.kind === "latent") return sampleLatent(w, c, s, symbol);
  const data = symbol?.kind === "data" ? c.data.values.get(symbol.name) : undefined;
  if (symbol && data?.missing) return sampleMissing(w, c, s, symbol.name, data);
  if (symbol?.kind === "param") return likelihood(w, c, s, evaluate(c, s.target), "penalty");
  likelihood(w, c, s, evaluate(c, s.target), "likelihood");
}

/** The names that count the leading axes of a type, up to the first that is none: real[N, K] has two. */
export function sizeNames(type: TypeExpression): string[] {
  const names = type.sizes.map((e) => (e.kind === "name" ? e.name : undefined));
  const unnamed = names.indexOf(undefined);
  return names.slice(0, unnamed < 0 ? names.length : unnamed) as string[];
}

/** The names that count the axes of what stands left of a ~ as a whole. */
export function targetNames(c: Context, target: Expression): readonly string[] {
  if (target.kind !== "name") return [];
  const symbol = c.model.symbols.get(target.name);
  const type = symbol?.kind === "data" ? symbol.type : symbol?.kind === "latent" ? symbol.declared : undefined;
  return type ? sizeNames(type) : [];
}

/** Axes of the rows, then of an element. */
export function axesOf(c: Context, element: Shape, names: readonly (string | undefined)[] = []): Axis[] {
  return [
    ...c.rows.map((r): Axis => ({ kind: "plate", name: r.name, size: r.size })),
    ...element.map((size, i): Axis => ({ kind: "plate", name: names[i] ?? String(size), size })),
  ];
}

export function addTerm(
  w: Walk,
  c: Context,
  span: SourceSpan,
  site: string,
  role: Term["role"],
  value: Value,
  /** What stands left of ~, or what is added; then what else went in. */
  inputs: readonly Expression[],
  unnormalised?: string,
): void {
  const { b, when } = c;
  // Where its branch is not taken, a statement says nothing.
  const [over] = overRows(b, [when ? b.select(when, value, b.constant(0)) : value], c.rows);
  const axes = axesOf(c, shapeOf(value), targetNames(c, inputs[0]));
  w.terms.push({
    site,
    role,
    axes,
    value: over,
    span,
    inputs: () => inputValues(c, inputs),
    ...(unnormalised ? { unnormalised } : {}),
  });
}

/** What stood in a statement, by its text, for a message about it. */
export function inputValues(c: Context, inputs: readonly Expression[]): { readonly name: string; readonly value: Value }[] {
  return inputs
    .filter((e) => e.kind !== "number")
    .map((e) => ({ name: textOf(c, e.span), value: overRows(c.b, [evaluate(c, e)], c.rows)[0] }));
}

function addExpression(w: Walk, c: Context, s: FactorStatement | ObserveStatement, role: "factor" | "likelihood"): void {
  const value = c.b.cast(evaluate(c, s.value), "real");
  const name = s.kind === "factor" && s.name ? s.name.name : s.kind;
  addTerm(w, c, s.span, name, role, value, [s.value]);
}

/** Whether a latent's value is given, and not made from coordinates or drawn. */
export const readsGiven = ({ source, open }: Walk, name: string): boolean =>
  source.kind === "values"
    ? open === undefined || Object.hasOwn(source.values, name)
    : source.given !== undefined && Object.hasOwn(source.given, name);

/** Sum of all elements of all terms. */
export function total(b: Builder, terms: readonly LoweredTerm[]): Value {
  return terms.reduce((sum, t) => b.add(sum, b.sum(t.value)), b.constant(0));
}

/** A latent's or saved name's value when the walk is done. */
export const namedValue = (w: Walk, name: string): Value | undefined => namedIn(w.context, name);

export function namedIn(c: Context, name: string): Value | undefined {
  const binding = c.scope.get(name);
  return binding?.kind === "array" ? binding.array.whole(c.b) : binding?.kind === "value" ? binding.value : undefined;
}

/** Elements that statements have given; undefined when all of the box. */
export function definedOf(w: Walk, name: string): readonly number[] | undefined {
  const missing = w.latents.get(name)?.missing;
  if (missing) return missing;
  const binding = w.context.scope.get(name);
  if (binding?.kind !== "array") return undefined;
  const places = binding.array.defined();
  const whole = shapeOf(binding.array.whole(w.context.b));
  const perPlace = sizeOf(binding.array.elementShape);
  if (places.length * perPlace === sizeOf(whole)) return undefined;
  return places.flatMap((p) => Array.from({ length: perPlace }, (_, i) => p * perPlace + i));
}
