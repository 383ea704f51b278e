// What a distribution is: one record of facts. Everything else (plates, truncation, guides, docs, tests) is made from it.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Bounds, Constraint } from "../constraints/define.ts";

export interface Param {
  /** What an argument must be; checked statically where it can be, at bind for data, and named in the message. */
  readonly constraint: Constraint;
  readonly bounds?: Bounds<number>;
  /** Axes of ONE event's parameter: 0 scalar, 1 vector, 2 matrix. Scalar parameters of scalar distributions broadcast. */
  readonly rank: 0 | 1 | 2;
  readonly doc: string;
  /** Used when the argument is left out. */
  readonly default?: number;
}
export type Params = Readonly<Record<string, Param>>;
export type Values<P extends Params, V> = { readonly [K in keyof P]: V };

/** Another way to give the parameters: Gamma(mean =, sd =). */
export interface Alternative<P extends Params> {
  readonly params: Params;
  convert(b: Builder, given: Readonly<Record<string, Value>>): Values<P, Value>;
}
export interface NoiseSpec {
  readonly kind: "normal" | "uniform" | "exponential";
  readonly shape: Shape;
}
export interface GoldenRow {
  /** One event and its parameters, flat row-major; shapes as given or scalars. */
  readonly x: number | readonly number[];
  readonly xShape?: Shape;
  readonly params: Readonly<Record<string, number | readonly number[]>>;
  readonly paramShapes?: Readonly<Record<string, Shape>>;
  readonly logDensity: number;
}
// biome-ignore lint/suspicious/noExplicitAny: a registry of records with different parameters
export interface Distribution<P extends Params = any> {
  /** Stan's name in UpperCamelCase. */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One sentence and the density formula, for the generated page. */
  readonly doc: string;
  /** Order is the positional order. */
  readonly params: P;
  readonly alternatives?: readonly Alternative<P>[];
  readonly support: {
    readonly constraint: Constraint;
    bounds?(b: Builder, p: Values<P, Value>): Bounds<Value>;
    /** The declared type is the support: Flat. */
    readonly declared?: boolean;
    /** The parameter that the elements of one event add up to. */
    readonly total?: keyof P & string;
  };
  /** Axes of one event. */
  readonly event: 0 | 1 | 2;
  /** Shape of one event from the shapes of one event's parameters; for event 0 it is []. */
  eventShape?(paramShapes: Values<P, Shape>): Shape;
  /** Event 0: elementwise over the broadcast shape of x and params. Event 1, 2: one event, a scalar. Complete, constants included. -inf outside the support need not be handled. */
  logDensity(b: Builder, x: Value, params: Values<P, Value>): Value;
  /** A draw of the given shape (event 0: any shape, params broadcast to it; else one event) as a program of noise. */
  readonly draw?: {
    noise(shape: Shape): readonly NoiseSpec[];
    build(b: Builder, noise: readonly Value[], params: Values<P, Value>, shape: Shape): Value;
    readonly gradient: "pathwise" | "score";
  };
  /** Where no finite program of noise gives a draw: one event drawn on the host. `out` has the event's elements. */
  sample?(rng: Rng, params: Values<P, Float64Array>, out: Float64Array, shapes: Values<P, Shape>): void;
  /** Beside `sample`: a draw as a program of noise all the same, which guides take. By rejection with many proposals; or along a path to the
   *  parameters, by quantiles, which cost more than the host's draws. */
  readonly attempts?: {
    readonly gradient?: "pathwise";
    noise(shape: Shape): readonly NoiseSpec[];
    build(b: Builder, noise: readonly Value[], params: Values<P, Value>, shape: Shape): Value;
  };
  /** Why there is no way to draw, and what to write instead; a part of a sentence. */
  readonly undrawn?: string;
  /** x = location + scale * raw, raw ~ the same distribution at location 0 and scale 1 (`standard`, where there is a shorter record of it).
   *  "covariance": the scale is the square of a factor, by which `byFactor` is the same distribution with otherwise the same parameters. */
  readonly affine?: {
    readonly location?: keyof P & string;
    readonly scale: keyof P & string;
    readonly kind: "elementwise" | "cholesky" | "covariance";
    readonly standard?: Distribution;
    readonly byFactor?: Distribution;
  };
  /** What the name means when its scale is a matrix: a record of (location, lower factor). */
  readonly matrixScale?: Distribution;
  /** The density is symmetric about this parameter: half of the mass lies on each side. */
  readonly symmetricAbout?: keyof P & string;
  /** log of P(X <= x) and P(X > x), elementwise; what truncation and censoring need. */
  logCdf?(b: Builder, x: Value, params: Values<P, Value>): Value;
  logCcdf?(b: Builder, x: Value, params: Values<P, Value>): Value;
  quantile?(b: Builder, p: Value, params: Values<P, Value>): Value;
  /** The x with P(X > x) = q, accurate for small q. */
  upperQuantile?(b: Builder, q: Value, params: Values<P, Value>): Value;
  /** E x, where it has a closed form: what a model expects to observe. Shaped as one event; event 0: as the parameters broadcast. */
  mean?(b: Builder, params: Values<P, Value>): Value;
  readonly normalised: boolean;
  /** At least four rows, with where the numbers come from ("scipy 1.17 norm.logpdf", "mpmath, formula"). */
  readonly golden: { readonly from: string; readonly rows: readonly GoldenRow[] };
}
export function defineDistribution<const P extends Params>(d: Distribution<P>): Distribution<P> {
  return d;
}
