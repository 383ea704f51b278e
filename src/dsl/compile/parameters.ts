// What is learnt and not integrated over, as the lowering meets it: params, and tensors of networks.
import { UsageError } from "../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Assignment, Axis, Parameter } from "../../runtime/target.ts";
import type { ModelSymbol } from "../check/checked-model.ts";
import type { Bounds, Constraint } from "../constraints/define.ts";
import { constraints } from "../constraints/index.ts";
import type { SourceSpan } from "../diagnostics.ts";
import { evaluateSize } from "./bind-data.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { knownOf } from "./known.ts";
import { constrainPiece, unconstrainedShape } from "./piece.ts";
import { bindCodes, reject } from "./rejection.ts";
import { declaredSupport, eventOf } from "./support.ts";
import { sizeNames } from "./walk.ts";

/** A parameter as its statement declares it. */
export interface ParameterPiece {
  /** "W"; of a net "dec.1.weight". */
  readonly name: string;
  readonly constraint: Constraint;
  readonly bounds: Bounds<number>;
  /** Shape of the constrained value. */
  readonly shape: Shape;
  readonly plate?: Axis;
  /** Unconstrained coordinates to start from. */
  initial(rng: Rng): Float64Array;
  /** Not trained, but kept up to date from what training sees. */
  readonly running?: Parameter["running"];
  readonly span: SourceSpan;
}

/** Constrained values of parameters that are constants of the model, by name. */
export type FixedParameters = ReadonlyMap<string, Float64Array>;

/** The parameters of one walk: values that are given, or inputs for those that are yet to be. */
export class ParameterPool {
  readonly #given: Assignment;
  readonly #fixed: FixedParameters;
  /** Those that the walk asked for, in order; with their values. */
  readonly met = new Map<string, { readonly piece: ParameterPiece; readonly value: Value }>();

  constructor(fixed: FixedParameters, given: Assignment = {}) {
    this.#fixed = fixed;
    this.#given = given;
  }

  /** The constrained value. */
  value(b: Builder, piece: ParameterPiece): Value {
    const before = this.met.get(piece.name);
    if (before) return before.value;
    const fixed = this.#fixed.get(piece.name);
    const value =
      this.#given[piece.name] ??
      (fixed ? fixedValue(b, fixed, piece.shape) : b.input(`(parameter ${piece.name})`, { shape: piece.shape, dtype: "real" }));
    this.met.set(piece.name, { piece, value });
    return value;
  }
}

/** Weights of networks are not folded with data: that would run a network over all rows. */
const fixedValue = (b: Builder, values: Float64Array, shape: Shape): Value =>
  values.length > 64 ? b.unfolded(values, shape) : b.tensor(values, shape);

type ParamSymbol = Extract<ModelSymbol, { kind: "param" }>;

/** Gives every param of the model its value. Data and consts are in scope. */
export function enterParams(c: Context): void {
  for (const symbol of c.model.symbols.values())
    if (symbol.kind === "param") c.root.value(symbol.name, c.session.parameters.value(c.b, paramPiece(c, symbol)));
}

function paramPiece(c: Context, s: ParamSymbol): ParameterPiece {
  const { name, type, span } = s;
  const shape = type.sizes.map((e) => evaluateSize(c, e, `the size of ${name}`));
  const support = declaredSupport(c, type);
  eventOf(support.constraint, shape, type.span);
  const bound = (v: Value | undefined): number | undefined => {
    if (v === undefined) return undefined;
    const known = knownOf(v);
    if (known === null || known.length !== 1)
      return reject(bindCodes.constant, type.span, `the bounds of ${name} are not known from the data`, {
        label: "a param has bounds that are numbers",
      });
    return known[0];
  };
  const bounds = { lower: bound(support.bounds.lower), upper: bound(support.bounds.upper) };
  const [plate] = sizeNames(type);
  const piece = {
    name,
    constraint: support.constraint,
    bounds,
    shape,
    ...(plate === undefined ? {} : { plate: { kind: "plate" as const, name: plate, size: shape[0] } }),
    span,
  };
  const start = s.initial && initialValue(c, s, piece);
  return { ...piece, initial: start ? () => start.slice() : (rng) => defaultStart(piece, rng) };
}

/** The value after `=`: of the param's shape, or a number for all of its elements, and inside its set. */
function initialValue(c: Context, s: ParamSymbol, p: Omit<ParameterPiece, "initial">): Float64Array {
  const e = s.initial as NonNullable<ParamSymbol["initial"]>;
  const value = evaluate(c, e);
  const known = knownOf(value);
  if (known === null) return reject(bindCodes.constant, e.span, `the initial value of ${s.name} is not known from the data`);
  const own = shapeOf(value);
  if (own.length > 0 && own.join() !== p.shape.join())
    return reject(bindCodes.shape, e.span, `the initial value of ${s.name} has shape [${own.join(", ")}]`, {
      label: `${s.name} has shape [${p.shape.join(", ")}]`,
    });
  const numbers = own.length > 0 ? Float64Array.from(known) : new Float64Array(sizeOf(p.shape)).fill(known[0]);
  return unconstrained(p, numbers, () =>
    reject(bindCodes.value, e.span, `the initial value of ${s.name} is not strictly inside ${p.constraint.words}`),
  );
}

/** Coordinates of constrained numbers; `outside` is called for those that have none. */
export function unconstrained(
  p: Pick<ParameterPiece, "name" | "constraint" | "bounds" | "shape">,
  values: Float64Array,
  outside: () => never = () => {
    throw new UsageError(`the values given for ${p.name} are not strictly inside ${p.constraint.words}`);
  },
): Float64Array {
  const event = p.constraint.event;
  const object = p.shape.slice(p.shape.length - event);
  const size = sizeOf(object);
  const parts: number[] = [];
  for (let at = 0; at < values.length; at += size) {
    const one = values.subarray(at, at + size);
    if (!p.constraint.contains(one, object, p.bounds)) return outside();
    parts.push(...p.constraint.unconstrain(one, object, p.bounds));
  }
  return parts.every(Number.isFinite) ? Float64Array.from(parts) : outside();
}

/** Matrices of numbers without bounds, which break the symmetry of layers: normal with variance 2 / (rows + columns) (Glorot and Bengio
 *  2010); unit vectors, which have no direction at 0: standard normal; everything else, and tables with a row a datapoint: 0, unconstrained. */
function defaultStart(p: Omit<ParameterPiece, "initial">, rng: Rng): Float64Array {
  const size = sizeOf(unconstrainedShapeOf(p));
  const out = new Float64Array(size);
  const isFree = p.constraint.event === 0 && p.bounds.lower === undefined && p.bounds.upper === undefined;
  const isRay = p.constraint.redraw !== undefined;
  if (!isRay && (!isFree || p.shape.length < 2)) return out;
  rng.fillNormal(out);
  if (isRay) return out;
  const [rows, columns] = p.shape.slice(-2);
  const scale = Math.sqrt(2 / (rows + columns));
  return out.map((x) => scale * x);
}

export function unconstrainedShapeOf({ constraint, shape }: Pick<ParameterPiece, "constraint" | "shape">): Shape {
  const lead = shape.slice(0, shape.length - constraint.event);
  return unconstrainedShape({ constraint, lead, object: shape.slice(lead.length) });
}

/** The constrained value at unconstrained coordinates. */
export function constrainParameter(b: Builder, p: ParameterPiece, u: Value): Value {
  const lead = p.shape.slice(0, p.shape.length - p.constraint.event);
  const bound = (x: number | undefined): Value | undefined => (x === undefined ? undefined : b.constant(x));
  return constrainPiece(
    b,
    {
      name: p.name,
      constraint: p.constraint,
      shape: p.shape,
      lead,
      object: p.shape.slice(lead.length),
      plates: [],
      bounds: { lower: bound(p.bounds.lower), upper: bound(p.bounds.upper) },
      span: p.span,
    },
    u,
  ).x;
}

/** For engines. */
export function parameterOf(p: ParameterPiece, readBy: Parameter["readBy"]): Parameter {
  return {
    name: p.name,
    shape: p.shape,
    support: p.constraint.words,
    unconstrained: unconstrainedShapeOf(p),
    ...(p.plate ? { plate: p.plate } : {}),
    readBy,
    initial: (rng) => p.initial(rng),
    ...(p.running ? { running: p.running } : {}),
    span: p.span,
  };
}

/** The sets of all numbers and of positive ones: tensors of networks. */
export const anyNumber: Constraint = constraints.get("real") as Constraint;
export const anyPositive: Constraint = constraints.get("positive") as Constraint;
