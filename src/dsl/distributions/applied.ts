// A distribution at its arguments: what the modifiers map to one another, and all that the lowering sees of a distribution.
import { InternalError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import { broadcastShapes } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Bounds, Constraint } from "../constraints/define.ts";
import type { Distribution, NoiseSpec, Params } from "./define.ts";
import { overEvents } from "./events.ts";

/** An argument; its shape is [batch…, `rank` axes of one event]. */
export interface Argument {
  readonly name: string;
  readonly value: Value;
  readonly rank: number;
}
export interface AppliedDraw {
  /** For draws of the given shape: batch axes, then the axes of one event. */
  noise(shape: Shape): readonly NoiseSpec[];
  build(b: Builder, noise: readonly Value[], shape: Shape): Value;
  readonly gradient: "pathwise" | "score";
  /** The draw with its log density, where that takes less than the density of a given value. */
  buildWithDensity?(b: Builder, noise: readonly Value[], shape: Shape): { readonly x: Value; readonly logDensity: Value };
}
/** x = location + scale * raw (cholesky: location + scale @ raw). Without location: scale * raw. */
export interface Affine {
  readonly kind: "elementwise" | "cholesky";
  readonly location?: Value;
  /** Numbers, or lower triangular matrices. */
  scale(b: Builder): Value;
  /** What raw is distributed as. */
  raw(b: Builder): Applied;
  /** The distribution at another location and scale. */
  at(b: Builder, location: Value | undefined, scale: Value): Applied;
}
export interface Applied {
  /** For messages: "Normal", "truncated(Normal)". */
  readonly name: string;
  readonly event: 0 | 1 | 2;
  /** Shape of one event, [] for numbers; null where the declared type alone knows it (LkjCholesky). */
  readonly eventShape: Shape | null;
  /** Axes in front of one event, as far as the arguments tell. */
  readonly batchShape: Shape;
  readonly support: {
    readonly constraint: Constraint;
    /** Flat: the declared type is the support. */
    readonly declared: boolean;
    /** What the elements of one event add up to, [batch…]; absent where any sum will do. */
    readonly total?: Value;
    /** The bounds that belong to the constraint included. */
    bounds(b: Builder): Bounds<Value>;
  };
  /** Everything that the distribution depends on, in an order that `withArguments` and `sample` share. */
  readonly arguments: readonly Argument[];
  withArguments(values: readonly Value[]): Applied;
  /** x: [batch…, event…]; the result has the broadcast of all batch axes. Not -inf outside the support: that is for the caller. */
  logDensity(b: Builder, x: Value): Value;
  /** Draws as a program of noise. At most one of `draw` and `sample` is there. */
  readonly draw?: AppliedDraw;
  /** Beside `sample`, for guides. */
  readonly attempts?: AppliedDraw;
  /** One event drawn on the host; each argument holds one event's numbers. */
  sample?(rng: Rng, values: readonly Float64Array[], out: Float64Array): void;
  /** Why there is no way to draw, and what to write instead. */
  readonly undrawn?: string;
  readonly affine?: Affine;
  readonly symmetricAbout?: Value;
  /** Of real numbers, those with probabilities of their own. */
  points?(b: Builder): readonly Value[];
  logCdf?(b: Builder, x: Value): Value;
  logCcdf?(b: Builder, x: Value): Value;
  quantile?(b: Builder, p: Value): Value;
  upperQuantile?(b: Builder, q: Value): Value;
  /** E x: [batch…, event…]. */
  mean?(b: Builder): Value;
  readonly normalised: boolean;
  /** What the user should be told once: a normaliser that is left out. */
  readonly notes: readonly string[];
}

/** Symbolic bounds of a constraint: those given, else its own. */
export function withOwnBounds(b: Builder, constraint: Constraint, bounds: Bounds<Value>): Bounds<Value> {
  const own = constraint.ownBounds ?? {};
  const dtype = constraint.discrete ? "int" : "real";
  return {
    lower: bounds.lower ?? (own.lower === undefined ? undefined : b.constant(own.lower, dtype)),
    upper: bounds.upper ?? (own.upper === undefined ? undefined : b.constant(own.upper, dtype)),
  };
}

/** The argument lists that a distribution accepts: its own and the alternatives. */
export const signatures = (d: Distribution): readonly Params[] => [d.params, ...(d.alternatives ?? []).map((a) => a.params)];

/** The signature to which all these keywords belong and none of whose parameters without a default is missing. */
export function signatureOf(d: Distribution, names: readonly string[]): Params | undefined {
  return signatures(d).find(
    (params) =>
      names.every((n) => Object.hasOwn(params, n)) &&
      Object.entries(params).every(([n, p]) => p.default !== undefined || names.includes(n)),
  );
}

/** The distribution at arguments given by name, in any of its signatures. Their presence has been checked (`signatureOf`). */
export function apply(b: Builder, d: Distribution, given: Readonly<Record<string, Value>>): Applied {
  const names = Object.keys(given);
  const signature = signatureOf(d, names);
  if (!signature) throw new InternalError(`${d.name} has no parameters ${names.join(", ")}`);
  const complete: Record<string, Value> = {};
  for (const [n, p] of Object.entries(signature)) complete[n] = b.cast(given[n] ?? b.constant(p.default ?? Number.NaN), "real");
  const alternative = d.alternatives?.find((a) => a.params === signature);
  return at(d, alternative ? alternative.convert(b, complete) : complete);
}

function at(d: Distribution, params: Readonly<Record<string, Value>>): Applied {
  const args: Argument[] = Object.keys(d.params).map((name) => ({ name, value: params[name], rank: d.params[name].rank }));
  const eventOf = (a: Argument): Shape => shapeOf(a.value).slice(shapeOf(a.value).length - a.rank);
  const shapes = Object.fromEntries(args.map((a) => [a.name, eventOf(a)]));
  const named = (values: readonly Value[]): Record<string, Value> => Object.fromEntries(args.map((a, i) => [a.name, values[i]]));
  const numbers = d.event === 0;

  /** f of x and the parameters; over their batch axes when an event has axes of its own (numbers broadcast by themselves). */
  const eventwise = (b: Builder, x: Value, f: (x: Value, p: Readonly<Record<string, Value>>) => Value): Value =>
    numbers ? f(x, params) : overEvents(b, [{ value: x, rank: d.event }, ...args], ([e, ...values]) => f(e, named(values)));
  const { draw, attempts, sample, symmetricAbout } = d;
  const program = draw ?? (attempts && { ...attempts, gradient: attempts.gradient ?? ("score" as const) });
  const meanOf = (b: Builder, p: Readonly<Record<string, Value>>): Value => {
    if (!d.mean) throw new InternalError(`${d.name} has no mean`);
    return d.mean(b, p);
  };
  const elementwise = (f: ((b: Builder, x: Value, p: Readonly<Record<string, Value>>) => Value) | undefined) =>
    f && ((b: Builder, x: Value) => f(b, b.cast(x, "real"), params));

  const asProgram: AppliedDraw | undefined = program && {
    gradient: program.gradient,
    noise: (shape) => {
      if (numbers) return program.noise(shape);
      const batch = shape.slice(0, shape.length - d.event);
      return program.noise(shape.slice(batch.length)).map((n) => ({ kind: n.kind, shape: [...batch, ...n.shape] }));
    },
    build: (b, noise, shape) => {
      if (numbers) return program.build(b, noise, params, shape);
      const event = shape.slice(shape.length - d.event);
      const ranks = program.noise(event).map((n) => n.shape.length);
      return overEvents(b, [...noise.map((value, i) => ({ value, rank: ranks[i] })), ...args], (values) =>
        program.build(b, values.slice(0, noise.length), named(values.slice(noise.length)), event),
      );
    },
  };

  return {
    name: d.name,
    event: d.event,
    eventShape: numbers ? [] : d.eventShape ? d.eventShape(shapes) : null,
    batchShape: broadcastShapes(...args.map((a) => shapeOf(a.value).slice(0, shapeOf(a.value).length - a.rank))),
    support: {
      constraint: d.support.constraint,
      declared: d.support.declared ?? false,
      total: d.support.total === undefined ? undefined : params[d.support.total],
      bounds: (b) => withOwnBounds(b, d.support.constraint, d.support.bounds?.(b, params) ?? {}),
    },
    arguments: args,
    withArguments: (values) => at(d, named(values)),
    logDensity: (b, x) => eventwise(b, b.cast(x, "real"), (e, p) => d.logDensity(b, e, p)),
    ...(asProgram ? (draw ? { draw: asProgram } : { attempts: asProgram }) : {}),
    sample:
      sample && ((rng, values, out) => sample(rng, Object.fromEntries(args.map((a, i) => [a.name, values[i]])), out, shapes)),
    undrawn: d.undrawn,
    affine: affineOf(d, params),
    symmetricAbout: symmetricAbout === undefined ? undefined : params[symmetricAbout],
    logCdf: elementwise(d.logCdf),
    logCcdf: elementwise(d.logCcdf),
    quantile: elementwise(d.quantile),
    upperQuantile: elementwise(d.upperQuantile),
    mean: d.mean && ((b) => (numbers ? meanOf(b, params) : overEvents(b, args, (values) => meanOf(b, named(values))))),
    normalised: d.normalised,
    notes: [],
  };
}

function affineOf(d: Distribution, params: Readonly<Record<string, Value>>): Affine | undefined {
  const { affine } = d;
  if (affine === undefined) return undefined;
  const location = affine.location === undefined ? undefined : params[affine.location];
  const isSquare = affine.kind === "covariance";
  const factored = isSquare ? affine.byFactor : d;
  const scaleName = factored?.affine?.scale;
  if (!factored || scaleName === undefined) throw new InternalError(`${d.name} has no form by the factor of ${affine.scale}`);
  const standard = factored.affine?.standard;
  const atScale = (where: Value | undefined, scale: Value): Applied =>
    at(factored, {
      ...params,
      [scaleName]: scale,
      ...(affine.location === undefined || where === undefined ? {} : { [affine.location]: where }),
    });
  return {
    kind: affine.kind === "elementwise" ? "elementwise" : "cholesky",
    location,
    scale: (b) => {
      const scale = params[affine.scale];
      return isSquare ? overEvents(b, [{ value: scale, rank: 2 }], ([m]) => b.cholesky(m)) : scale;
    },
    raw: (b) => (standard ? at(standard, params) : atScale(b.constant(0), b.constant(1))),
    at: (_b, where, scale) => atScale(where, scale),
  };
}
