// A model at its data as engines see it: terms, coordinates, programs.
import type { Executable, ExecutableImage, Program } from "../../runtime/backend.ts";
import { InternalError, UsageError } from "../../runtime/errors.ts";
import { vectorize } from "../../runtime/ir/batch.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { Folds } from "../../runtime/ir/folds.ts";
import { gradient } from "../../runtime/ir/gradient.ts";
import { type Builder, shapeOf, typeOf, type Value } from "../../runtime/ir/graph.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import { nodesBetween, nodesOf } from "../../runtime/ir/order.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type {
  AffineLatent,
  Assignment,
  Axis,
  DiscreteOutput,
  DiscreteSlot,
  Guide,
  LogDensity,
  Parameter,
  Setting,
  Site,
  Slot,
  Summation,
  Target,
  Term,
} from "../../runtime/target.ts";
import { compileWasm, instantiate, wasmBackend } from "../../runtime/wasm/backend.ts";
import { densityOf } from "../../runtime/wasm/density.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import { affineLatent, centeringOf } from "./affine.ts";
import type { BoundData } from "./bind-data.ts";
import { createBlame } from "./blame.ts";
import { checkDeclared } from "./declared.ts";
import { discreteSlots, integersIn } from "./discrete.ts";
import { makeFinisher, predict } from "./finisher.ts";
import { guideOf } from "./guide.ts";
import { checkMissing } from "./missing.ts";
import { constrainParameter, type ParameterPiece, parameterOf, unconstrained } from "./parameters.ts";
import {
  elementsOf,
  invertPiece,
  type Piece,
  type PlacedPiece,
  takeFrom,
  takeInTurn,
  unconstrainedShape,
  unconstrainedSize,
} from "./piece.ts";
import { Rejection } from "./rejection.ts";
import { priorDraws } from "./simulate.ts";
import { Drawing } from "./staged.ts";
import { type LatentValues, makeUnconstrainer } from "./unconstrain.ts";
import { definedOf, type LatentSource, type LoweredTerm, namedValue, total, type Walk, walk } from "./walk.ts";

interface DensityOptions {
  readonly jacobian?: boolean;
  readonly prior?: boolean;
}

/** Lowers the model once to learn the layout; throws Rejection for a mistake of the user's. Parameters that `data` fixes are constants. */
export function makeTarget(model: CheckedModel, data: BoundData): Target {
  // Kept until the density is compiled, which folds the same constants.
  let folds: Folds | undefined = new Folds();
  const layout = learnLayout(model, data, folds);
  const { pieces, dimension, discrete } = layout;
  const width = discrete.reduce((n, s) => n + s.size, dimension);
  const { shapes } = layout;
  let image: Promise<ExecutableImage> | undefined;
  const finishers = new Map<DiscreteOutput, ReturnType<typeof makeFinisher>>();
  let summation: Summation | undefined;
  let inverse: ReturnType<typeof makeUnconstrainer> | undefined;
  const unconstrain = (values: LatentValues, rng?: Rng): Float64Array =>
    (inverse ??= makeUnconstrainer(model, data, { pieces, shapes, dimension, discrete, width }))(values, rng);

  const coordinates = (b: Builder, u: Value | readonly Value[], merged: boolean, given?: Assignment): LatentSource => ({
    kind: "coordinates",
    merged,
    ...(given ? { given: integersIn(b, given, discrete) } : {}),
    take: isValue(u) ? takeFrom(b, u, pieces) : takeInTurn(u),
  });
  const logDensity = (b: Builder, u: Value, { jacobian = true, prior = true }: DensityOptions = {}, setting?: Setting): Value => {
    const w = walk(b, model, data, coordinates(b, u, jacobian && prior, setting?.given), { setting, sums: true });
    const terms = prior ? w.terms : w.terms.filter((t) => t.role !== "prior" && t.role !== "penalty");
    return total(b, jacobian ? [...terms, ...w.jacobian] : terms);
  };
  /** What summing out is asked for is kept for the program of the density. */
  let walked: { readonly b: Builder; readonly q: Value; readonly w: Walk } | undefined;
  const walkDensity = (): NonNullable<typeof walked> => {
    const b = createBuilder({ folds });
    folds = undefined;
    const q = b.input("q", { shape: [dimension], dtype: "real" });
    return { b, q, w: walk(b, model, data, coordinates(b, q, true), { sums: true }) };
  };
  const densityProgram = (): Program => {
    const { b, q, w } = walked ?? walkDensity();
    walked = undefined;
    return gradientProgram(b, q, total(b, [...w.terms, ...w.jacobian]));
  };
  const optimumProgram = (options?: DensityOptions): Program => {
    const b = createBuilder();
    const q = b.input("q", { shape: [dimension], dtype: "real" });
    return gradientProgram(b, q, logDensity(b, q, options));
  };
  const densityImage = (): Promise<ExecutableImage> => (image ??= Promise.resolve().then(() => compileWasm(densityProgram())));

  const target: Target = {
    name: model.name,
    layout: pieces,
    dimension,
    discrete,
    width,
    sites: layout.sites,
    plates: layout.plates,
    notes: layout.notes,
    parameters: layout.parameters.map(({ piece, readBy }) => parameterOf(piece, readBy)),
    constrainParameters: (b, unconstrained) =>
      Object.fromEntries(
        layout.parameters.map(({ piece }) => [piece.name, constrainParameter(b, piece, unconstrained[piece.name])]),
      ),
    fix: (values) => makeTarget(model, { ...data, fixed: new Map([...data.fixed, ...Object.entries(values)]) }),
    affine: layout.affine,
    recentered: (weights) => makeTarget(model, { ...data, centering: centeringOf(layout.affine, weights) }),
    standardised: (b, u) => {
      const w = walk(b, model, data, coordinates(b, u, false), { sums: true });
      return layout.affine.map(({ slot, name }) => {
        const site = w.affine.find((a) => a.slot === slot);
        if (!site) throw new InternalError(`location and scale of ${name} are constants of this point`);
        return site.standardised(elementsOf(b, site.piece, latentValue(w, name)));
      });
    },
    unconstrainParameters: (values) =>
      Object.fromEntries(
        layout.parameters.flatMap(({ piece }) =>
          values[piece.name] ? [[piece.name, unconstrained(piece, values[piece.name])]] : [],
        ),
      ),
    ...(layout.guide ? { guide: layout.guide } : {}),
    terms: (b, values, setting) => {
      const w = walk(b, model, data, { kind: "values", values: integersIn(b, values, discrete) }, { setting, sums: true });
      return w.terms.map((t) => withReads(t, values));
    },
    observations: (b, values, setting) =>
      walk(b, model, data, { kind: "values", values }, { setting }).observations.map((make) => make()),
    constrain: (b, u, setting) => {
      const w = walk(b, model, data, coordinates(b, u, false, setting?.given), { setting, sums: true });
      const names = [...w.latents.keys()].filter((name) => !w.summed?.sites.some((s) => s.name === name));
      const values: Assignment = Object.fromEntries(names.map((name) => [name, latentValue(w, name)]));
      return { values, jacobian: w.jacobian.map((t) => withReads(t, values)) };
    },
    coordinates: (b, values, setting) => {
      const w = walk(b, model, data, { kind: "values", values: integersIn(b, values, discrete) }, { setting });
      return w.pieces.map((p) => invertPiece(b, p, values[p.name]));
    },
    logDensity,
    batched: (b, copies, per, f) => {
      const own = per.map((v, i) =>
        b.input(`(one of ${copies} #${i} ${shapeOf(v)})`, { ...typeOf(v), shape: shapeOf(v).slice(1) }),
      );
      const roots = f(b, own);
      const { values, batched } = vectorize(b, roots, new Map(own.map((o, i) => [o, per[i]])), copies);
      return values.map((v, i) => (batched[i] ? v : b.broadcastTo(b.reshape(v, [1, ...shapeOf(v)]), [copies, ...shapeOf(v)])));
    },
    compile: (program: Program): Promise<Executable> => wasmBackend.compile(program),
    density: async (options): Promise<LogDensity> => {
      const plain = (options?.jacobian ?? true) && (options?.prior ?? true);
      return densityOf(dimension, instantiate(plain ? await densityImage() : compileWasm(optimumProgram(options))));
    },
    summation: () => (summation ??= summationOf(() => (walked = walkDensity()).w)),
    finisher: async (rng, output = "draw") => {
      const made = finishers.get(output) ?? makeFinisher(model, data, { pieces, dimension, discrete, width }, output);
      finishers.set(output, made);
      return made(rng);
    },
    unconstrain: (values, base) => {
      const all = new Map<string, ArrayLike<number>>(Object.entries(values));
      // A position without discrete latents stays one.
      const like = (x: Float64Array): Float64Array => (base.length === dimension ? x.subarray(0, dimension) : x);
      if ([...shapes.keys()].every((name) => values[name])) return like(unconstrain(all));
      const b = createBuilder();
      const kept = Object.fromEntries(discrete.map((s) => [s.name, b.tensor(discreteValues(s, base, values), s.shape, "int")]));
      const w = walk(b, model, data, coordinates(b, b.tensor(base.subarray(0, dimension), [dimension]), false, kept));
      for (const name of shapes.keys()) all.set(name, values[name] ?? interpret([latentValue(w, name)], {})[0]);
      return like(unconstrain(all));
    },
    simulatePrior: priorSimulator(model, data, shapes, unconstrain),
    blame: createBlame(model, data, { pieces, dimension, discrete, width }),
    image: async () => ({ dimension, density: await densityImage() }),
  };
  return target;
}

function summationOf(walked: () => Walk): Summation {
  try {
    return { flops: walked().summed?.flops ?? 0 };
  } catch (e) {
    if (e instanceof UsageError) return { refusal: e.message };
    throw e;
  }
}

/** [log density, gradient] of a scalar built on the input q: simplified first, so that the gradient is of the small form. */
export function gradientProgram(b: Builder, q: Value, density: Value): Program {
  const first = simplify(b, { inputs: [q], outputs: [density], updates: [] });
  const [root] = first.outputs;
  const [u] = first.inputs;
  return simplify(b, { inputs: [u], outputs: [root, ...gradient(b, root, [u])], updates: [] });
}

/** Those asked for, else those of a draw, else the least ones. */
function discreteValues(s: DiscreteSlot, base: Float64Array, values: Readonly<Record<string, readonly number[]>>): Float64Array {
  if (values[s.name]) return Float64Array.from(values[s.name]);
  return Float64Array.from(s.lower, (low, i) => base[s.offset + i] ?? (Number.isFinite(low) ? low : 0));
}

const isValue = (u: Value | readonly Value[]): u is Value => !Array.isArray(u);

interface Layout {
  readonly pieces: readonly (PlacedPiece & Slot)[];
  readonly dimension: number;
  readonly discrete: readonly DiscreteSlot[];
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly sites: readonly Site[];
  readonly plates: readonly Axis[];
  readonly notes: readonly string[];
  readonly parameters: readonly { readonly piece: ParameterPiece; readonly readBy: Parameter["readBy"] }[];
  readonly affine: readonly AffineLatent[];
  readonly guide?: Guide;
}

/** The parameters that are not fixed, with who reads them. One that nothing reads counts as the model's. */
function learntBy(w: Walk, guide: ReturnType<typeof guideOf>): Layout["parameters"] {
  const pools = [w.context.session.parameters, ...(guide?.pools ?? [])];
  const byModel = new Set(nodesOf([...w.terms, ...w.jacobian].map((t) => t.value)));
  const byGuide = new Set(nodesOf(guide?.roots ?? []));
  const met = new Map(pools.flatMap((p) => [...p.met]));
  return [...met.values()]
    .filter(({ value }) => value.node.op === "input")
    .map(({ piece, value }) => {
      const [model, guided] = [byModel.has(value.node), byGuide.has(value.node)];
      return { piece, readBy: model && guided ? ("both" as const) : guided ? ("guide" as const) : ("model" as const) };
    });
}

function learnLayout(model: CheckedModel, data: BoundData, folds: Folds): Layout {
  for (const { values } of data.values.values()) folds.know(values);
  const b = createBuilder({ folds });
  const pieces: (PlacedPiece & Slot)[] = [];
  let dimension = 0;
  const take = (p: Piece): Value => {
    const size = unconstrainedSize(p);
    pieces.push({
      name: p.name,
      offset: dimension,
      size,
      shape: p.shape,
      unconstrained: unconstrainedShape(p),
      plates: p.plates,
    });
    dimension += size;
    return b.input(`coordinates#${pieces.length}`, { shape: [size], dtype: "real" });
  };
  const given: Piece[] = [];
  const integersGiven: Value[] = [];
  const discrete = (p: Piece): Value => {
    given.push(p);
    const values = b.input(`(values of ${p.name})#${given.length}`, { shape: p.shape, dtype: "real" });
    integersGiven.push(values);
    return b.cast(values, "int");
  };
  // Predictions take no part in the layout; a mistake in them is to be found before the run, not after it.
  const drawing = new Drawing(b);
  const w = walk(
    b,
    model,
    data,
    { kind: "coordinates", merged: false, take, discrete },
    { onPredict: (walked, c, s) => predict(walked, c, s, drawing) },
  );
  checkDeclared(w);
  checkMissing(w);
  const shapes = new Map([...w.latents.keys()].map((name) => [name, shapeOf(latentValue(w, name))]));
  const integers = new Set([...w.latents].flatMap(([name, l]) => (l.integer ? [name] : [])));
  const plates = new Map<string, Axis>();
  for (const t of w.terms) for (const a of t.axes) plates.set(a.name, a);
  const guide = guideOf(model, data, { shapes, integers, defined: (name) => definedOf(w, name) }, b);
  return {
    pieces,
    dimension,
    discrete: discreteSlots(model, w, given, dimension),
    shapes,
    sites: sitesOf(w),
    parameters: learntBy(w, guide),
    // Where a discrete latent says what location and scale are, they have no numbers once it is summed out.
    affine: w.affine.filter((a) => nodesBetween(integersGiven, a.reads).length === 0).map((a) => affineLatent(w.context, a)),
    ...(guide ? { guide: guide.guide } : {}),
    plates: [...plates.values()],
    notes: [...data.notes, ...w.context.session.notes],
  };
}

function sitesOf(w: Walk): Site[] {
  const plates = (name: string): readonly Axis[] => w.terms.find((t) => t.site === name)?.axes ?? [];
  const latent = [...w.latents].map(
    ([name, l]): Site => ({
      name,
      role: "latent",
      type: typeOf(latentValue(w, name)),
      support: l.support,
      plates: plates(name),
      span: l.span,
    }),
  );
  const observed = [...w.observed].flatMap((name): Site[] => {
    const t = w.terms.find((x) => x.site === name);
    return t
      ? [{ name, role: "observed", type: { shape: shapeOf(t.value), dtype: "real" }, support: "", plates: t.axes, span: t.span }]
      : [];
  });
  return [...latent, ...observed];
}

function latentValue(w: Walk, name: string): Value {
  const value = namedValue(w, name);
  if (!value) throw new InternalError(`the latent ${name} has no value after the walk`);
  return value;
}

/** The latents that a term reads: those whose given values it is built on. */
function withReads({ inputs: _, ...t }: LoweredTerm, values: Assignment): Term {
  const nodes = new Set(nodesOf([t.value]));
  return { ...t, reads: Object.keys(values).filter((name) => nodes.has(values[name].node)) };
}

function priorSimulator(
  model: CheckedModel,
  data: BoundData,
  shapes: ReadonlyMap<string, Shape>,
  unconstrain: (values: LatentValues, rng: Rng) => Float64Array,
): Target["simulatePrior"] {
  let prior: ReturnType<typeof priorDraws> | undefined;
  return async (rng) => {
    try {
      prior ??= priorDraws(model, data);
    } catch (e) {
      if (e instanceof Rejection) return { refusal: e.message };
      throw e;
    }
    const values = new Map(Object.entries(prior.draw(rng)));
    for (const [name, shape] of shapes)
      if (values.get(name)?.length !== sizeOf(shape)) throw new InternalError(`a prior draw of ${name} has another shape`);
    return { position: unconstrain(values, rng) };
  };
}
