// From the right side of a net statement to its layers: names, calls and |>.
import { unreachable } from "../../runtime/errors.ts";
import type { SourceSpan } from "../diagnostics.ts";
import { didYouMean } from "../did-you-mean.ts";
import {
  compareDimensions,
  constantDimension,
  constantOfDimension,
  describeShape,
  formatSize,
  formatSymbolicShape,
  type Size,
  type SymbolicShape,
} from "../dimensions.ts";
import type { Call, Expression, Name } from "../language/ast.ts";
import { disjoint, formatRange, point, type Range } from "../ranges.ts";
import {
  Arguments,
  type ArgumentValue,
  type FunctionLayer,
  type Layer,
  type NetParameter,
  type NetRecord,
  usageOf,
} from "./define.ts";
import { nets } from "./index.ts";

export interface Wording {
  readonly label?: string;
  readonly notes?: readonly string[];
}
/** How names and expressions are looked up: by the checker with all that is wrong reported, by the lowering with numbers. */
export interface NetReader {
  /** Another net of the model; false after a mistake in it that has been said. */
  net(name: string, span: SourceSpan): boolean | undefined;
  /** A function of one argument; undefined where there is none of that name, false after a mistake that has been said. */
  activation(name: string, span: SourceSpan): FunctionLayer | false | undefined;
  /** Functions and nets of the model, for what may have been meant. */
  names(): readonly string[];
  size(e: Expression): Size;
  /** A list that is not written out. */
  sizes(e: Expression): SymbolicShape | undefined;
  number(e: Expression): number | undefined;
  problem(code: string, span: SourceSpan, message: string, wording?: Wording): void;
}

/** undefined where something is wrong, which has been said, or where only bind knows how many layers there are. */
export function readLayers(r: NetReader, e: Expression): readonly Layer[] | undefined {
  if (e.kind === "binary" && e.operator === "|>") {
    const [left, right] = [readLayers(r, e.left), readLayers(r, e.right)];
    return left && right && [...left, ...right];
  }
  if (e.kind === "name") return readName(r, e);
  if (e.kind === "call") return readCall(r, e);
  r.problem("PPL225", e.span, "this is no network", {
    label: "a network is made of layers, functions and other nets",
    notes: ["for example net f = linear(784, 200) |> relu |> linear(200, 10)"],
  });
  return undefined;
}

function readName(r: NetReader, e: Name): readonly Layer[] | undefined {
  const other = r.net(e.name, e.span);
  if (other !== undefined) return other ? [{ kind: "net", name: e.name, span: e.span }] : undefined;
  const record = nets.get(e.name);
  if (record) return layersOf(r, record, { kind: "call", callee: e, arguments: [], span: e.span });
  const layer = r.activation(e.name, e.span);
  if (layer === undefined) unknown(r, e.name, e.span);
  return layer ? [layer] : undefined;
}

function readCall(r: NetReader, e: Call): readonly Layer[] | undefined {
  const record = nets.get(e.callee.name);
  if (record) return layersOf(r, record, e);
  const isNet = r.net(e.callee.name, e.callee.span) !== undefined;
  if (isNet || r.activation(e.callee.name, e.callee.span) !== undefined) {
    r.problem("PPL225", e.span, `${e.callee.name}(…) is a value, not a network`, {
      label: `${isNet ? "a net" : "a function"} stands here by its name alone`,
      notes: [`write |> ${e.callee.name}`],
    });
  } else unknown(r, e.callee.name, e.callee.span);
  return undefined;
}

function unknown(r: NetReader, name: string, span: SourceSpan): void {
  const near = didYouMean(name, [...nets.keys(), ...r.names()]);
  r.problem("PPL205", span, `there is no network or function ${name}`, {
    label: near ? `did you mean ${near}?` : undefined,
    notes: near ? undefined : [`networks are made of ${[...nets.keys()].sort().join(", ")}, functions and other nets`],
  });
}

function layersOf(r: NetReader, record: NetRecord, e: Call): readonly Layer[] | undefined {
  const values = readArguments(r, record, e);
  if (!values) return undefined;
  const args = new Arguments(values);
  if (record.kind === "layer") return [{ kind: "record", record, arguments: args, span: e.span }];
  const layers = record.layers(args, e.span);
  if (layers === undefined || !("problem" in layers)) return layers;
  r.problem("PPL206", e.span, layers.problem, { label: `it is ${usageOf(record)}` });
  return undefined;
}

function readArguments(r: NetReader, record: NetRecord, e: Call): ReadonlyMap<string, ArgumentValue> | undefined {
  const { name, parameters } = record;
  const label = `it is ${usageOf(record)}`;
  const given = new Map<string, Expression>();
  let next = 0;
  let good = true;
  const wrong = (span: SourceSpan, message: string): void => {
    if (good) r.problem("PPL206", span, message, { label });
    good = false;
  };
  for (const a of e.arguments) {
    const word = a.name ? a.name.name : parameters[next++]?.name;
    if (word === undefined) wrong(e.span, `${name} is given ${e.arguments.length} arguments`);
    else if (!parameters.some((p) => p.name === word)) wrong((a.name ?? a).span, `${name} has no argument ${word}`);
    else if (given.has(word)) wrong((a.name ?? a).span, `${name} is given ${word} twice`);
    else given.set(word, a.value);
  }
  const missing = parameters.filter((p) => p.default === undefined && !given.has(p.name)).map((p) => p.name);
  if (missing.length > 0) wrong(e.span, `${name} is not given ${missing.join(" and ")}`);
  if (!good) return undefined;
  const values = new Map<string, ArgumentValue>();
  for (const p of parameters) {
    const value = given.get(p.name);
    const read = value ? readArgument(r, record, p, value) : byDefault(r, p, e.span);
    if (read === false) good = false;
    else values.set(p.name, read.value);
  }
  return good ? values : undefined;
}

type Read = { readonly value: ArgumentValue } | false;

function byDefault(r: NetReader, p: NetParameter, span: SourceSpan): Read {
  if (p.kind === "size" && typeof p.default === "number") return { value: constantDimension(p.default) };
  if (p.kind !== "activation" || typeof p.default !== "string") return { value: p.default };
  const value = r.activation(p.default, span);
  return value ? { value } : false;
}

function readArgument(r: NetReader, record: NetRecord, p: NetParameter, e: Expression): Read {
  const wrong = (needs: string): Read => {
    r.problem("PPL206", e.span, `${record.name} needs ${needs} here`, { label: `${p.name}: ${p.doc}` });
    return false;
  };
  switch (p.kind) {
    case "size": {
      const value = r.size(e);
      const known = value && constantOfDimension(value);
      if (known !== undefined && p.range && disjoint(point(known), p.range)) return wrong(`a size ${rangeWords(p.range)}`);
      return { value };
    }
    case "sizes":
      return { value: e.kind === "array" ? e.elements.map((x) => r.size(x)) : r.sizes(e) };
    case "number": {
      const value = r.number(e);
      if (value !== undefined && p.range && disjoint(point(value), p.range)) return wrong(`a number ${rangeWords(p.range)}`);
      return { value };
    }
    case "flag":
      return e.kind === "boolean" ? { value: e.value } : wrong("true or false");
    case "word":
      return e.kind === "string" && p.words?.includes(e.value)
        ? { value: e.value }
        : wrong((p.words ?? []).map((w) => JSON.stringify(w)).join(" or "));
    case "activation": {
      if (e.kind !== "name") return wrong("the name of a function");
      const value = r.activation(e.name, e.span);
      if (value === undefined && nets.has(e.name)) return wrong("the name of a function, and no layer,");
      if (value === undefined) unknown(r, e.name, e.span);
      if (!value) return false;
      return value.elementwise || value.own ? { value } : wrong("a function that acts on each element");
    }
    default:
      return unreachable(p.kind, "kind of an argument");
  }
}

/** Of an interval whose upper end alone does not belong to it, that it does not. */
const rangeWords = (r: Range): string =>
  r.upperOpen && !r.lowerOpen && Number.isFinite(r.upper - r.lower) ? `from ${r.lower} to below ${r.upper}` : formatRange(r);

// ---------------------------------------------------------------- shapes

/** Each size the same, or not known to differ: a network repeats nothing. */
export const fits = (wanted: SymbolicShape, given: SymbolicShape): boolean =>
  wanted.length === given.length && wanted.every((d, i) => sameSize(d, given[i]));
const sameSize = (a: Size, b: Size): boolean => a === undefined || b === undefined || compareDimensions(a, b) !== "different";

/** "dec takes vectors of 40 numbers, and z[n] has 50" */
export function headMessage(net: string, what: string, head: SymbolicShape, given: SymbolicShape): string {
  const isVector = head.length === 1 && given.length === 1;
  return `${net} takes ${examplesOf(head)}, and ${what} ${isVector ? `has ${formatSize(given[0])}` : `is ${describeShape(given)}`}`;
}
function examplesOf(s: SymbolicShape): string {
  if (s.length === 1) return s[0] === undefined ? "vectors" : `vectors of ${formatSize(s[0])} numbers`;
  return `arrays ${formatSymbolicShape(s)}`;
}

// ---------------------------------------------------------------- in a row

/** A layer in its place. `owner`: the net and the number that its tensors are named by: "dec.1". */
export interface PlacedLayer {
  readonly layer: Exclude<Layer, { readonly kind: "net" }>;
  readonly owner: string;
  /** What comes next that is not transparent is a rectifier. */
  readonly rectified: boolean;
}

/** The layers of a net, those of the nets in it among them; undefined where some are not known. */
export function placedLayers(
  name: string,
  layersOf: (net: string) => readonly Layer[] | undefined,
): readonly PlacedLayer[] | undefined {
  const out: Omit<PlacedLayer, "rectified">[] = [];
  const visit = (net: string): boolean => {
    const layers = layersOf(net);
    if (!layers) return false;
    let number = 0;
    return layers.every((layer) => {
      if (layer.kind === "net") return visit(layer.name);
      if (layer.kind === "record" && layer.record.tensors) number++;
      out.push({ layer, owner: `${net}.${number}` });
      return true;
    });
  };
  if (!visit(name)) return undefined;
  return out.map((p, i) => {
    const next = out.slice(i + 1).find(({ layer }) => layer.kind === "function" || !layer.record.transparent)?.layer;
    return { ...p, rectified: next?.kind === "function" && next.rectifies };
  });
}

/** Shape of an example that the layers take in: that of the first layer which asks for one, unless one before it changes shapes; undefined: all that
 *  is given is one example. */
export function headOf(layers: readonly PlacedLayer[]): SymbolicShape | undefined {
  for (const { layer } of layers) {
    if (layer.kind === "function") {
      if (!layer.elementwise) return undefined;
    } else {
      if (layer.record.takes) return layer.record.takes(layer.arguments);
      if (layer.record.gives) return undefined;
    }
  }
  return undefined;
}
