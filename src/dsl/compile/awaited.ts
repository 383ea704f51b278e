// Names that are read before they are drawn. An input stands for the whole of one while the model is lowered, so that every statement is lowered once
// for all its rows, as always; what is drawn is collected beside it. Drawing then goes on, turn after turn, until both agree (staged.ts).
import { InternalError } from "../../runtime/errors.ts";
import { dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { DataValue } from "../data/value.ts";
import type { SourceSpan } from "../diagnostics.ts";
import { distributions } from "../distributions/index.ts";
import type { Call, PredictStatement, SampleStatement, Statement } from "../language/ast.ts";
import { evaluateSize, path } from "./bind-data.ts";
import { executeBlock, placeCoordinates, pruned } from "./block.ts";
import type { Context } from "./context.ts";
import { applyDistribution, isDistributionName } from "./distribution.ts";
import { evaluate } from "./evaluate.ts";
import { firstMention, type Gives } from "./read-ahead.ts";
import { statementsOf } from "./recurrence.ts";
import { bindCodes, Rejection, reject, VaryingWidth } from "./rejection.ts";
import { type Coordinates, PieceArray, Scope } from "./scope.ts";
import type { Awaited } from "./staged.ts";

interface Open {
  readonly name: string;
  readonly input: Value;
  readonly shape: Shape;
  readonly integer: boolean;
  readonly array: PieceArray;
  whole?: Value;
}
/** A variable of the data that is drawn. `base`: its values, which elements keep that no statement gives. */
export interface DrawnData {
  readonly shape: Shape;
  readonly integer: boolean;
  readonly base?: DataValue;
}

export class AwaitedNames {
  /** Those that give them. */
  readonly statements: ReadonlySet<Statement>;
  private readonly model: CheckedModel;
  private readonly names: ReadonlySet<string>;
  private readonly gives: Gives;
  private readonly data: ReadonlyMap<string, DrawnData>;
  private readonly first: ReadonlyMap<string, number>;
  private readonly open = new Map<string, Open>();

  constructor(model: CheckedModel, names: ReadonlySet<string>, gives: Gives, data: ReadonlyMap<string, DrawnData>) {
    this.model = model;
    this.names = names;
    this.gives = gives;
    this.data = data;
    const isGiver = (s: Statement) => names.has(gives(s) ?? "");
    const givers = (s: Statement): Statement[] => [...(isGiver(s) ? [s] : []), ...statementsOf(s).flatMap(givers)];
    this.statements = new Set(model.statements.flatMap(givers));
    this.first = new Map([...names].map((name) => [name, firstMention(model.statements, name, gives)]));
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /** What a top-level statement is the first to mention has something that stands for it. */
  before(c: Context, statement: number): void {
    for (const name of this.names) {
      if (this.open.has(name) || this.first.get(name) !== statement) continue;
      const { shape, integer } = this.data.get(name) ?? shapeOfDrawn(c, this.model, name, this.gives);
      const { b } = c;
      const input = b.input(`(${name}, awaited)`, { shape, dtype: "real" });
      const known = b.eq(input, input);
      const value = integer ? b.cast(b.select(known, input, b.constant(0)), "int") : input;
      this.open.set(name, { name, input, shape, integer, array: new PieceArray(name) });
      c.root.value(name, value);
    }
  }

  add(c: Context, name: string, coordinates: Coordinates, value: Value, span: SourceSpan): void {
    const { array, integer } = this.of(name);
    array.add(coordinates, c.b.cast(value, integer ? "int" : "real"), span);
  }
  give(c: Context, name: string, value: Value): void {
    const open = this.of(name);
    open.whole = c.b.cast(value, open.integer ? "int" : "real");
  }
  private of(name: string): Open {
    const open = this.open.get(name);
    if (!open) throw new InternalError(`nothing stands for ${name}`);
    return open;
  }

  /** Afterwards the names have what was drawn. */
  finish(c: Context): Awaited[] {
    const { b } = c;
    return [...this.open.values()].map((open): Awaited => {
      const { name, input, shape, array } = open;
      if (open.whole) c.root.value(name, open.whole);
      else {
        completeData(c, name, array, this.data.get(name));
        c.root.set(name, { kind: "array", array });
      }
      const value = open.whole ?? array.whole(b);
      if (shapeOf(value).join() !== shape.join())
        throw new InternalError(`${name} has shape [${shapeOf(value)}] and was taken to have [${shape}]`);
      return { name, input, value: b.cast(value, "real") };
    });
  }
}

/** Elements of data that no statement gives are those of the data. */
export function completeData(c: Context, name: string, array: PieceArray, data: DrawnData | undefined): void {
  if (!data) return;
  const { b } = c;
  const { shape, base } = data;
  const rank = array.extents.length;
  const lead = shape.slice(0, rank);
  const strides = stridesOf(lead);
  const own = stridesOf(array.extents);
  const given = new Set(
    array
      .defined()
      .map((at) => strides.reduce((sum, stride, k) => sum + (Math.floor(at / own[k]) % array.extents[k]) * stride, 0)),
  );
  const rest = Float64Array.from({ length: sizeOf(lead) }, (_, i) => i).filter((i) => !given.has(i));
  if (rest.length === 0) return;
  const width = sizeOf(shape.slice(rank));
  const { span } = c.model.symbols.get(name) ?? { span: { file: 0, start: 0, end: 0 } };
  const absent = rest.find((i) => !base || base.missing?.subarray(i * width, (i + 1) * width).some((m) => m !== 0) === true);
  if (absent !== undefined || !base)
    return reject(bindCodes.coverage, span, `${path(name, lead, absent ?? 0)} is given by no ~, so it cannot be drawn`, {
      notes: [`give ${name} in the data: what no ~ gives is taken from there`],
    });
  const all = b.tensor(base.values, [sizeOf(lead), ...shape.slice(rank)], data.integer ? "int" : "real");
  const coordinates = strides.map((stride, k) => Float64Array.from(rest, (i) => (Math.floor(i / stride) % lead[k]) + 1));
  array.add(coordinates, b.gather(all, b.tensor(rest, [rest.length], "int")), span);
}

/** What the statements that give a name tell of its shape, before any of them has run. */
export function shapeOfDrawn(
  c: Context,
  model: CheckedModel,
  name: string,
  gives: Gives,
): { readonly shape: Shape; readonly integer: boolean } {
  const symbol = model.symbols.get(name);
  const declared = symbol?.kind === "latent" ? symbol.declared : undefined;
  const sizesOf = (inside: Context, type: SampleStatement["type"]): Shape | undefined =>
    type?.sizes.map((e) => evaluateSize(inside, e, `the size of ${name}`));
  let extents: number[] | undefined;
  let whole: Shape | undefined;
  let element: Shape | undefined;
  let integer: boolean | undefined;
  const visit = (inside: Context, s: Statement): void => {
    if (gives(s) !== name) return;
    if (s.kind === "declare") whole = sizesOf(inside, s.type);
    if (s.kind !== "sample" && s.kind !== "predict") return;
    const drawn = attempt(() => drawnShape(inside, s));
    integer = integer ?? drawn?.integer ?? (s.distribution !== undefined && isDiscrete(c, s.distribution.call));
    const { subscripts } = s.place ?? {};
    if (!s.place || !subscripts || subscripts.length === 0) {
      whole ??= sizesOf(inside, s.type ?? declared) ?? drawn?.shape;
      return;
    }
    const { coordinates, inside: range } = placeCoordinates(inside, s.place, inside.rows);
    const before = extents;
    extents = coordinates.map((axis, k) => axis.reduce((m, x) => Math.max(m, x), before?.[k] ?? 0));
    element ??= sizesOf(inside, s.type) ?? drawn?.shape.slice(range.length);
  };
  const isOwn = (s: Statement): boolean =>
    gives(s) === name || (s.kind === "let" && s.place.subscripts.length === 0 && (model.stages.get(s) ?? "data") === "data");
  const body = pruned(
    model.statements.filter((s) => s.kind === "for" || s.kind === "if" || gives(s) === name),
    isOwn,
  );
  const scope = new Scope(c.scope);
  for (const s of body) if (mentionsGiver(s, name, gives)) executeBlock({ ...c, scope, last: true }, [s], visit);
  const shape = whole ?? (extents && [...extents, ...(element ?? [])]);
  if (shape === undefined)
    return reject(
      bindCodes.shape,
      symbol?.span ?? { file: 0, start: 0, end: 0 },
      `the shape of ${name} is not known before it is read`,
      {
        notes: [`write it: ${name}: real[…] ~ …`],
      },
    );
  return { shape, integer: integer ?? false };
}

const mentionsGiver = (s: Statement, name: string, gives: Gives): boolean =>
  gives(s) === name || statementsOf(s).some((x) => mentionsGiver(x, name, gives));

function drawnShape(c: Context, s: SampleStatement | PredictStatement): { readonly shape: Shape; readonly integer: boolean } {
  if (s.distribution) {
    const d = applyDistribution(c, s.distribution.call);
    return { shape: [...d.batchShape, ...(d.eventShape ?? [])], integer: d.support.constraint.discrete };
  }
  if (s.kind !== "predict" || !s.value) throw new InternalError("a prediction without distribution and value");
  const value = evaluate(c, s.value);
  // Later elements may be others than the first.
  return { shape: shapeOf(value), integer: dtypeOf(value) !== "real" && s.place.subscripts.length === 0 };
}

/** Where what it reads has no value yet there is nothing to learn from a statement. */
function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (e) {
    if (e instanceof Rejection && !(e instanceof VaryingWidth)) return undefined;
    throw e;
  }
}

/** By its name alone. */
function isDiscrete(c: Context, call: Call): boolean {
  const { name } = call.callee;
  const density = c.model.densities.get(name);
  if (density) return density.variable.type.base.name === "int";
  const record = distributions.get(name);
  if (record) return record.support.constraint.discrete;
  return call.arguments.some(
    ({ value }) => value.kind === "call" && isDistributionName(c, value.callee.name) && isDiscrete(c, value),
  );
}
