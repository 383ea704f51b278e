// A model that is simulated meets its data: what is observed need not be there, sizes and covariates must.
import { UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Parameter } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { DataSet, DataValue } from "../data/value.ts";
import type { Diagnostic, Outcome } from "../diagnostics.ts";
import { didYouMean } from "../did-you-mean.ts";
import type { Statement } from "../language/ast.ts";
import type { DrawnData } from "./awaited.ts";
import { type BoundData, bindData, dtypeOfType, enterData, evaluateSize } from "./bind-data.ts";
import { newContext } from "./context.ts";
import { knownOf } from "./known.ts";
import { parameterOf, unconstrained } from "./parameters.ts";
import type { Piece } from "./piece.ts";
import { statementsOf } from "./recurrence.ts";
import { bindCodes, diagnostic, Rejection } from "./rejection.ts";
import { type JointDraws, jointDraws, placesOf, placesOfPiece } from "./simulate.ts";
import { observedPlace } from "./solve.ts";
import type { Walk } from "./walk.ts";

export interface Simulator extends JointDraws {
  /** All variables of the data with their values, and in place of those that are drawn nothing. */
  readonly data: ReadonlyMap<string, DataValue>;
  readonly sizes: ReadonlyMap<string, number>;
  /** Entries that are missing in data that are drawn, as the data given have them. */
  readonly missing: ReadonlyMap<string, Uint8Array>;
  readonly notes: readonly string[];
}
export interface SimulationInputs {
  readonly overrides?: ReadonlyMap<string, number>;
  /** Constrained values of latents that are not drawn. */
  readonly latents?: DataSet;
  /** Of parameters and networks; `ask` is called with those that the model has. */
  readonly parameters?: (own: readonly Parameter[], check: ParameterCheck) => Readonly<Record<string, Float64Array>>;
}
/** Throws a UsageError for values outside of their sets. */
export type ParameterCheck = (values: Readonly<Record<string, Float64Array>>) => Readonly<Record<string, Float64Array>>;

export function simulator(model: CheckedModel, data: DataSet, inputs: SimulationInputs = {}): Outcome<Simulator> {
  const { names, problems, notes } = observedBy(model);
  if (problems.length > 0) return { diagnostics: problems };
  const { data: bound, diagnostics } = bindData(model, data, inputs.overrides ?? new Map(), names);
  if (!bound) return { diagnostics };
  try {
    const drawn = drawnData(model, bound, names);
    const given = inputs.latents ?? new Map();
    refuseStrangers(model, given);
    const options = { drawn, given, whole: true };
    let joint = jointDraws(model, bound, options);
    const parameters = parametersOf(joint.walked, bound);
    if (parameters.own.length > 0) {
      if (!inputs.parameters)
        throw new UsageError(
          `${parameters.own.map((p) => p.name).join(", ")} of ${model.name} ${parameters.own.length === 1 ? "is" : "are"} to be learnt, and a simulation needs values: give the folder of a run that has learnt them, --params DIR${parameters.own.every(isOfNetwork) ? "" : ", or sample them, --sample-params"}`,
        );
      const fixed = new Map([...bound.fixed, ...Object.entries(inputs.parameters(parameters.own, parameters.check))]);
      joint = jointDraws(model, { ...bound, fixed }, options);
    }
    for (const [name, value] of given) checkGiven(joint.walked, name, value);
    const kept = new Map([...bound.values].filter(([name]) => !names.has(name)));
    const missing = new Map([...drawn].flatMap(([name, d]) => (d.base?.missing ? [[name, d.base.missing] as const] : [])));
    const all = [...bound.notes, ...joint.walked.context.session.notes, ...notes];
    return { value: { ...joint, data: kept, sizes: bound.sizes, missing, notes: all }, diagnostics };
  } catch (e) {
    if (e instanceof Rejection) return { diagnostics: e.diagnostics.map((d) => explained(d, names)) };
    throw e;
  }
}

/** Tensors of networks have a point in their names, and no ~ to be sampled from. */
const isOfNetwork = ({ name }: Parameter): boolean => name.includes(".");

/** What the data decide on cannot read what is drawn in their place. */
function explained(d: Diagnostic, names: ReadonlySet<string>): Diagnostic {
  if (/^Flat cannot be drawn from/.test(d.message))
    return {
      ...d,
      notes: [...(d.notes ?? []), 'give its value: --latents FILE with {"name": value}, or latents: { name: value }'],
    };
  const isAboutData = /known|depends on/.test(`${d.message} ${d.label ?? ""}`);
  if (names.size === 0 || !isAboutData || (d.code !== bindCodes.notYet && d.code !== bindCodes.constant)) return d;
  const list = [...names].join(", ");
  return {
    ...d,
    notes: [...(d.notes ?? []), `in a simulation ${list} ${names.size === 1 ? "is" : "are"} drawn, and not known from the data`],
  };
}

interface ObservedVariables {
  readonly names: ReadonlySet<string>;
  readonly problems: readonly Diagnostic[];
  readonly notes: readonly string[];
}

/** The variables of the data that stand left of ~. */
function observedBy(model: CheckedModel): ObservedVariables {
  const names = new Set<string>();
  const problems: Diagnostic[] = [];
  const notes: string[] = [];
  const visit = (s: Statement): void => {
    statementsOf(s).forEach(visit);
    const role = s.kind === "sample" ? model.roles.get(s) : undefined;
    if (s.kind === "sample" && (role === "observed" || role === "missing")) {
      const place = observedPlace(model, s);
      if (place) names.add(place.name.name);
      else
        problems.push(
          diagnostic(
            bindCodes.notYet,
            s.target.span,
            "what is observed here cannot be drawn: it is solved for no variable of the data",
            {
              notes: ["a simulation draws y, y[n], and what log, sqrt, + or * make of them"],
            },
          ),
        );
    }
    if (s.kind === "observe")
      problems.push(
        diagnostic(bindCodes.notYet, s.span, "observe adds a log density, and cannot be drawn from", {
          notes: ["a simulation draws what stands left of ~"],
        }),
      );
    if (s.kind === "factor" && notes.length === 0)
      notes.push("factor is no distribution: a simulation draws from what stands right of ~ alone, as if it were not there");
  };
  model.statements.forEach(visit);
  return { names, problems, notes };
}

function drawnData(model: CheckedModel, bound: BoundData, names: ReadonlySet<string>): Map<string, DrawnData> {
  const c = newContext(createBuilder(), model, bound);
  enterData(c);
  const out = new Map<string, DrawnData>();
  for (const s of model.symbols.values()) {
    if (s.kind !== "data" || !names.has(s.name)) continue;
    const base = bound.values.get(s.name);
    const shape = base?.shape ?? s.type.sizes.map((e) => evaluateSize(c, e, `the size of ${s.name}`));
    if (sizeOf(shape) === 0) throw new UsageError(`${s.name} would have no elements: its shape is [${shape.join(", ")}]`);
    out.set(s.name, { shape, integer: dtypeOfType(s.type) === "int", ...(base ? { base } : {}) });
  }
  return out;
}

function refuseStrangers(model: CheckedModel, given: DataSet): void {
  const own = [...model.symbols.values()].flatMap((s) => (s.kind === "latent" ? [s.name] : []));
  for (const name of given.keys()) {
    if (own.includes(name)) continue;
    const near = didYouMean(name, own);
    throw new UsageError(
      `${name} is no latent of ${model.name}${near ? `: did you mean ${near}?` : own.length > 0 ? `; it has ${own.join(", ")}` : ": it has none"}`,
    );
  }
}

/** A value that is given has the latent's shape and lies in its support, where data decide on that. */
function checkGiven(w: Walk, name: string, { shape, values }: DataValue): void {
  const pieces = w.pieces.filter((p) => p.name === name);
  if (pieces.length === 0) return;
  const expected = shapeOfPieces(pieces);
  const long = (sizes: Shape) => sizes.filter((n) => n !== 1).join();
  const words = (sizes: Shape) => (sizes.length === 0 ? "a single value" : `shape [${sizes.join(", ")}]`);
  if (long(shape) !== long(expected))
    throw new UsageError(`the value given for ${name} has ${words(shape)}, but ${name} has ${words(expected)}`);
  if (placesOf(w, name, expected).some((i) => Number.isNaN(values[i])))
    throw new UsageError(`the value given for ${name} has entries that are missing`);
  for (const p of pieces) {
    const own = Float64Array.from(placesOfPiece(p, expected), (at) => values[at]);
    const ends = { lower: p.bounds.lower && knownOf(p.bounds.lower), upper: p.bounds.upper && knownOf(p.bounds.upper) };
    const count = p.constraint.event === 0 ? own.length : 1;
    const isKnown = [ends.lower, ends.upper].every((v) => v === undefined || v?.length === 1 || v?.length === count);
    if (!isKnown) continue;
    const width = p.constraint.event === 0 ? 1 : sizeOf(p.object);
    const shape = p.constraint.event === 0 ? [] : p.object;
    const end = (v: ArrayLike<number> | null | undefined, i: number): number | undefined => v?.[v.length === 1 ? 0 : i];
    for (let i = 0; i * width < own.length; i++) {
      const [lower, upper] = [end(ends.lower, i), end(ends.upper, i)];
      const limits = { ...(lower === undefined ? {} : { lower }), ...(upper === undefined ? {} : { upper }) };
      if (!p.constraint.contains(own.subarray(i * width, (i + 1) * width), shape, limits))
        throw new UsageError(`the value given for ${name} is outside its support`);
    }
  }
}

function shapeOfPieces(pieces: readonly Piece[]): Shape {
  const [first] = pieces;
  const { coordinates } = first;
  if (!coordinates) return first.shape;
  const extents = coordinates.map((_, k) =>
    pieces.reduce((m, p) => (p.coordinates?.[k] ?? new Float64Array(0)).reduce((x, y) => Math.max(x, y), m), 0),
  );
  const width = sizeOf(first.shape) / coordinates[0].length;
  let from = first.shape.length;
  while (from > 0 && sizeOf(first.shape.slice(from)) < width) from--;
  return [...extents, ...first.shape.slice(from)];
}

function parametersOf(w: Walk, bound: BoundData): { readonly own: Parameter[]; readonly check: ParameterCheck } {
  const pieces = [...w.context.session.parameters.met.values()].map((p) => p.piece).filter((p) => !bound.fixed.has(p.name));
  return {
    own: pieces.map((p) => parameterOf(p, "model")),
    check: (values) =>
      Object.fromEntries(
        pieces.map((p) => [
          p.name,
          unconstrained(p, values[p.name], () => {
            throw new UsageError(`the values given for ${p.name} are not strictly inside ${p.constraint.words}`);
          }),
        ]),
      ),
  };
}
