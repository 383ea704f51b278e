// Data meets its declarations: sizes are read off or compared, every value is held against its type, with its path in the message.

import { createBuilder } from "../../runtime/ir/builder.ts";
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { CheckedModel, ModelSymbol } from "../check/checked-model.ts";
import type { DataSet, DataValue } from "../data/value.ts";
import type { Diagnostic, SourceSpan } from "../diagnostics.ts";
import { didYouMean } from "../did-you-mean.ts";
import type { Expression, TypeExpression } from "../language/ast.ts";
import { type Context, newContext } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { knownOf } from "./known.ts";
import type { FixedParameters } from "./parameters.ts";
import { namesIn } from "./recurrence.ts";
import { knownSizes, recut } from "./recut.ts";
import { bindCodes, diagnostic, Rejection, reject } from "./rejection.ts";
import { declaredSupport, elementOf, eventOf } from "./support.ts";

export interface BoundData {
  readonly values: ReadonlyMap<string, DataValue>;
  readonly sizes: ReadonlyMap<string, number>;
  /** Values of `const`, after --set. */
  readonly constants: ReadonlyMap<string, DataValue>;
  readonly notes: readonly string[];
  /** Parameters whose values are given, not learnt. */
  readonly fixed: FixedParameters;
  /** Weights of the prior in the coordinates of latents, by slot of the layout: all elements', or one for all. */
  readonly centering?: ReadonlyMap<number, { readonly shape: Shape; readonly values: Float64Array }>;
}

type DataSymbol = Extract<ModelSymbol, { kind: "data" }>;

/** `drawn`: variables that need not be there; sizes that only they have are entries of the data. */
export function bindData(
  model: CheckedModel,
  data: DataSet,
  overrides: ReadonlyMap<string, number>,
  drawn: ReadonlySet<string> = new Set(),
): { readonly data?: BoundData; readonly diagnostics: readonly Diagnostic[] } {
  const b = createBuilder();
  const diagnostics: Diagnostic[] = [];
  const attempt = (f: () => void) => {
    try {
      f();
    } catch (e) {
      if (!(e instanceof Rejection)) throw e;
      diagnostics.push(...e.diagnostics);
    }
  };
  const symbols = [...model.symbols.values()];
  const declared = symbols.filter((s): s is DataSymbol => s.kind === "data");
  for (const s of declared) if (!data.has(s.name) && !drawn.has(s.name)) attempt(() => missing(s, data));
  const empty: BoundData = { values: data, sizes: new Map(), constants: new Map(), notes: [], fixed: new Map() };
  const c = newContext(b, model, empty);

  const constants = new Map<string, DataValue>();
  attempt(() => bindConstants(c, symbols, overrides, constants));
  const given = new Map(data);
  for (const s of declared) {
    const value = given.get(s.name);
    if (value) attempt(() => void given.set(s.name, recut(value, knownSizes(c, s.type, constants))));
  }
  data = given;
  const sizes = new Map<string, number>();
  for (const s of declared) if (data.has(s.name)) enterValue(c, s.name, data.get(s.name) as DataValue, dtypeOfType(s.type));
  for (const s of declared) attempt(() => readSizes(c, model, s, data, sizes));
  for (const s of symbols) {
    if (s.kind !== "size" || sizes.has(s.name)) continue;
    const given = drawn.size > 0 ? data.get(s.name) : undefined;
    attempt(() => {
      if (given) {
        sizes.set(s.name, sizeGiven(s.name, s.span, given));
        c.scope.value(s.name, c.b.constant(given.values[0], "int"));
      } else if (drawn.size > 0)
        reject(bindCodes.size, s.span, `the size ${s.name} is not known: what has it is drawn`, {
          notes: [`give it in the data file: "${s.name}": 100`],
        });
      else
        reject(bindCodes.size, s.span, `the size ${s.name} cannot be read off the data`, {
          label: "stands alone in no size of declared data",
          notes: [`declare it: data ${s.name}: int`],
        });
    });
  }
  if (diagnostics.length > 0) return { diagnostics };
  const values = new Map<string, DataValue>();
  for (const s of declared) {
    const value = data.get(s.name);
    if (value) attempt(() => void values.set(s.name, checkVariable(c, s, value)));
  }
  if (diagnostics.length > 0) return { diagnostics };

  const used = new Set([...declared.map((s) => s.name), ...sizes.keys()]);
  const surplus = [...data.keys()].filter((name) => !used.has(name));
  const notes =
    surplus.length === 0
      ? []
      : [
          `not used by the model: ${surplus.slice(0, 8).join(", ")}${surplus.length > 8 ? `, and ${surplus.length - 8} more` : ""}`,
        ];
  return { data: { values, sizes, constants, notes, fixed: new Map() }, diagnostics };
}

function sizeGiven(name: string, span: SourceSpan, { shape, values }: DataValue): number {
  const [n] = values;
  if (shape.length === 0 && Number.isInteger(n) && n >= 0) return n;
  return reject(bindCodes.size, span, `the size ${name} is ${shape.length === 0 ? n : "an array"} in the data`, {
    label: "a size is an integer from 0",
  });
}

function missing(s: DataSymbol, data: DataSet): never {
  const near = didYouMean(s.name, [...data.keys()]);
  return reject(bindCodes.missing, s.span, `the data have no ${s.name}`, {
    label: "declared here",
    notes: [near ? `the data have ${near}: rename one of the two` : `give it in the data file: "${s.name}": …`],
  });
}

export const dtypeOfType = (t: TypeExpression): "int" | "real" => (t.base.name === "int" ? "int" : "real");

/** Makes names visible to expressions. */
export function enterData(c: Context): void {
  for (const s of c.model.symbols.values()) {
    const value = s.kind === "data" ? c.data.values.get(s.name) : s.kind === "const" ? c.data.constants.get(s.name) : undefined;
    if (value && !value.missing)
      enterValue(c, s.name, value, s.kind === "data" ? dtypeOfType(s.type) : value.firstReal === undefined ? "int" : "real");
  }
  for (const [name, size] of c.data.sizes) c.scope.value(name, c.b.constant(size, "int"));
}

function enterValue(c: Context, name: string, v: DataValue, dtype: "int" | "real"): void {
  c.scope.value(name, v.shape.length === 0 ? c.b.constant(v.values[0], dtype) : c.b.tensor(v.values, v.shape, dtype));
}

export function bindConstants(
  c: Context,
  symbols: readonly ModelSymbol[],
  overrides: ReadonlyMap<string, number>,
  out: Map<string, DataValue>,
): void {
  const constants = new Map(symbols.filter((s) => s.kind === "const").map((s) => [s.name, s]));
  const visit = (name: string): void => {
    const s = constants.get(name);
    if (!s || out.has(name)) return;
    const override = overrides.get(name);
    if (override === undefined) namesIn(s.value).forEach(visit);
    const value =
      override === undefined ? evaluate(c, s.value) : c.b.constant(override, Number.isInteger(override) ? "int" : "real");
    const numbers = knownOf(value);
    if (numbers === null)
      reject(bindCodes.constant, s.span, `${name} is not constant`, { label: "a const takes numbers and other consts" });
    const integer = value.node.results[value.index].dtype !== "real";
    c.scope.value(name, value);
    out.set(name, { shape: shapeOf(value), values: Float64Array.from(numbers), ...(integer ? {} : { firstReal: 0 }) });
  };
  for (const name of constants.keys()) visit(name);
}

/** Sizes declared nowhere take the length that the data have; where two disagree, both are named. */
function readSizes(c: Context, model: CheckedModel, s: DataSymbol, data: DataSet, sizes: Map<string, number>): void {
  const value = data.get(s.name);
  if (!value || value.shape.length !== s.type.sizes.length) return;
  s.type.sizes.forEach((e, axis) => {
    if (e.kind !== "name" || model.symbols.get(e.name)?.kind !== "size" || sizes.has(e.name)) return;
    const given = data.get(e.name);
    if (given && given.values[0] !== value.shape[axis])
      reject(bindCodes.size, e.span, sizeMessage(s.name, value.shape, axis, e.name, given.values[0]));
    sizes.set(e.name, value.shape[axis]);
    c.scope.value(e.name, c.b.constant(value.shape[axis], "int"));
  });
}

function sizeMessage(name: string, shape: Shape, axis: number, size: string, expected: number): string {
  const what = shape.length === 1 ? "values" : axis === 0 ? "rows" : axis === 1 ? "columns" : `entries along axis ${axis + 1}`;
  return `${name} has ${shape[axis]} ${what} but ${/^\d+$/.test(size) ? `its type asks for ${expected}` : `${size} is ${expected}`}`;
}

function checkVariable(c: Context, s: DataSymbol, v: DataValue): DataValue {
  const sizes = s.type.sizes.map((e) => evaluateSize(c, e, `the size of ${s.name}`));
  const text = (e: Expression) => c.model.sources[e.span.file].text.slice(e.span.start, e.span.end);
  if (v.shape.length !== sizes.length && !(v.values.length === 0 && sizeOf(sizes) === 0)) {
    reject(bindCodes.size, s.span, `${s.name} has ${axes(v.shape.length)} in the data and ${axes(sizes.length)} in the model`, {
      label: `the data have shape [${v.shape.join(", ")}]`,
    });
  }
  const problems = sizes.flatMap((n, axis) => {
    if (v.shape[axis] === n || v.values.length === 0) return [];
    return [diagnostic(bindCodes.size, s.type.sizes[axis].span, sizeMessage(s.name, v.shape, axis, text(s.type.sizes[axis]), n))];
  });
  if (problems.length > 0) throw new Rejection(problems);
  if (v.values.length === 0) {
    reject(bindCodes.empty, s.span, `${s.name} is empty`, {
      label: `its shape is [${sizes.join(", ")}]`,
      notes: ["a model needs at least one row of data; leave the declaration out to sample the prior"],
    });
  }
  checkMissing(s, v);
  checkElements(c, s, { ...v, shape: sizes });
  return { ...v, shape: sizes };
}

const axes = (n: number): string => (n === 0 ? "no axes (a single number)" : n === 1 ? "1 axis" : `${n} axes`);

export function evaluateSize(c: Context, e: Expression, what: string): number {
  const value = evaluate(c, e);
  const n = knownOf(value);
  if (n === null || shapeOf(value).length !== 0 || !Number.isInteger(n[0]))
    return reject(bindCodes.size, e.span, `${what} is not an integer known from the data`);
  if (n[0] < 0) return reject(bindCodes.size, e.span, `${what} is ${n[0]}`, { label: "a size cannot be negative" });
  return n[0];
}

function checkMissing(s: DataSymbol, v: DataValue): void {
  const first = v.missing?.indexOf(1) ?? -1;
  if (first < 0 || s.type.optional) return;
  reject(bindCodes.value, s.span, `${path(s.name, v.shape, first)} is missing`, {
    label: "declared without ?",
    notes: [`to have missing entries estimated, declare ${s.name}: ${s.type.base.name}?… and give it a ~`],
  });
}

/** `y[3,1]`, 1-based. */
export function path(name: string, shape: Shape, flat: number): string {
  if (shape.length === 0) return name;
  const index: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift((flat % shape[axis]) + 1);
    flat = Math.floor(flat / shape[axis]);
  }
  return `${name}[${index.join(",")}]`;
}

function checkElements(c: Context, s: DataSymbol, v: DataValue): void {
  if (s.type.base.name === "int" && v.firstReal !== undefined && !v.missing?.[v.firstReal]) {
    reject(bindCodes.type, s.span, `${path(s.name, v.shape, v.firstReal)} = ${v.values[v.firstReal]} is not an integer`, {
      label: "declared int",
    });
  }
  const { constraint, bounds } = declaredSupport(c, s.type);
  const event = eventOf(constraint, v.shape, s.span);
  const size = sizeOf(event);
  const limit = (side: Value | undefined) => (side === undefined ? undefined : limitAt(side, s.span));
  const [lower, upper] = [limit(bounds.lower), limit(bounds.upper)];
  const boundsAt = (at: number) => ({ ...(lower ? { lower: lower.at(at) } : {}), ...(upper ? { upper: upper.at(at) } : {}) });
  // All numbers at once; one by one, only to find the one that is wrong.
  if (constraint.event === 0 && !v.missing && !lower?.varies && !upper?.varies && constraint.contains(v.values, [], boundsAt(0)))
    return;
  for (let at = 0; at < v.values.length; at += size) {
    const object = v.values.subarray(at, at + size);
    if (v.missing && object.some((_, i) => v.missing?.[at + i])) continue;
    const nan = object.findIndex((x) => Number.isNaN(x));
    if (nan >= 0) {
      reject(bindCodes.value, s.span, `${path(s.name, v.shape, at + nan)} is NaN`, {
        notes: ["write null for a missing value, and declare the variable with ?"],
      });
    }
    const here = boundsAt(at);
    if (constraint.contains(object, event, here)) continue;
    const element = size === 1 ? `${path(s.name, v.shape, at)} = ${object[0]}` : elementOf(path, s.name, v.shape, at, size);
    reject(bindCodes.value, s.span, `${element} is not ${constraint.words}${limits(here)}`, { label: "declared here" });
  }
}

const limits = (b: { lower?: number; upper?: number }): string =>
  b.lower === undefined && b.upper === undefined
    ? ""
    : b.upper === undefined
      ? ` (at least ${b.lower})`
      : b.lower === undefined
        ? ` (at most ${b.upper})`
        : ` (from ${b.lower} to ${b.upper})`;

/** A bound is one number for all elements, or one for each. */
function limitAt(side: Value, span: SourceSpan): { readonly varies: boolean; at(element: number): number } {
  const numbers = knownOf(side);
  if (numbers === null) return reject(bindCodes.constant, span, "the bounds of data must be known from the data");
  const varies = numbers.length !== 1;
  return { varies, at: (element) => numbers[varies ? element : 0] };
}
