// Networks applied: layers made with numbers for their sizes, their tensors asked of the parameters, examples put through them.
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import { asReal } from "../check/functions/define.ts";
import { findFunction } from "../check/functions/index.ts";
import type { SourceSpan } from "../diagnostics.ts";
import { constantDimension, type Dimension } from "../dimensions.ts";
import type { Call, Expression, NetStatement } from "../language/ast.ts";
import type { FunctionLayer, Layer, RecordLayer } from "../nets/define.ts";
import { fits, headMessage, headOf, type NetReader, type PlacedLayer, placedLayers, readLayers } from "../nets/read.ts";
import { evaluateSize } from "./bind-data.ts";
import { inlineValues } from "./calls.ts";
import { type Context, textOf } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { knownOf } from "./known.ts";
import { anyNumber, anyPositive } from "./parameters.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { rowNoise } from "./row-noise.ts";
import { addLoop, overRows } from "./rows.ts";
import { axesOf, sizeNames } from "./walk.ts";

/** dec(x): axes in front of an example stay there. */
export function evaluateNet(c: Context, s: NetStatement, e: Call): Value {
  const name = s.name.name;
  const argument = e.arguments[0].value;
  const x = asReal(c.b, evaluate(c, argument));
  const layers = layersOf(c, name);
  const head = headOf(layers);
  const shape = shapeOf(x);
  const lead = head ? shape.length - head.length : 0;
  const given = shape.slice(Math.max(0, lead)).map(constantDimension);
  if (head && !fits(head, given))
    reject(bindCodes.shape, argument.span, headMessage(name, textOf(c, argument.span), head, given));
  const names = argumentNames(c, argument).slice(0, lead);
  const call: Application = { lead, names, span: e.span };
  return layers.reduce((y, layer, i) => at(e.span, () => applyLayer(c, layer, i, y, call)), x);
}

function argumentNames(c: Context, e: Expression): readonly string[] {
  const symbol = e.kind === "name" ? c.model.symbols.get(e.name) : undefined;
  const type = symbol?.kind === "data" ? symbol.type : symbol?.kind === "latent" ? symbol.declared : undefined;
  return type ? sizeNames(type) : [];
}

// ---------------------------------------------------------------- layers

export function layersOf(c: Context, name: string): readonly PlacedLayer[] {
  const s = c.model.nets.get(name);
  const layers = s && placedLayers(name, (net) => netLayers(c, net));
  return layers ?? reject(bindCodes.constant, s?.span ?? { file: 0, start: 0, end: 0 }, `the layers of ${name} are not known`);
}

function netLayers(c: Context, name: string): readonly Layer[] | undefined {
  const s = c.model.nets.get(name);
  // A network sees the model's own names, and no row of the loop in which it is called.
  return s && readLayers(reader({ ...c, scope: c.root, rows: [], guards: [] }), s.value);
}

function reader(c: Context): NetReader {
  const size = (e: Expression): Dimension => {
    const n = evaluateSize(c, e, "the size of a layer");
    return n >= 1 ? constantDimension(n) : reject(bindCodes.size, e.span, `the size of a layer is ${n}`, { label: "at least 1" });
  };
  return {
    net: (name) => (c.model.nets.has(name) ? true : undefined),
    activation(name, span) {
      const own = c.model.functions.has(name);
      const form = own ? undefined : findFunction(name, [{}])?.form;
      if (!own && !form) return undefined;
      return { kind: "function", name, own, elementwise: form?.elementwise === true, rectifies: form?.rectifies === true, span };
    },
    names: () => [],
    size,
    sizes(e) {
      const value = evaluate(c, e);
      const known = knownOf(value);
      if (known === null || shapeOf(value).length !== 1 || known.some((n) => !Number.isInteger(n) || n < 1))
        return reject(bindCodes.size, e.span, "a list of sizes is made of positive integers");
      return Array.from(known, constantDimension);
    },
    number(e) {
      const known = knownOf(evaluate(c, e));
      return known?.length === 1 ? known[0] : reject(bindCodes.constant, e.span, "this is no number known from the data");
    },
    problem: (_code, span, message, wording) => reject(bindCodes.value, span, message, wording),
  };
}

/** One application of a net. */
interface Application {
  /** Axes in front of an example, and the plates that they count, as far as they have names. */
  readonly lead: number;
  readonly names: readonly string[];
  readonly span: SourceSpan;
}

function applyLayer(c: Context, placed: PlacedLayer, position: number, x: Value, call: Application): Value {
  const { layer } = placed;
  return layer.kind === "function" ? applyFunction(c, layer, x, call.lead) : applyRecord(c, placed, layer, position, x, call);
}

function applyRecord(
  c: Context,
  placed: PlacedLayer,
  layer: RecordLayer,
  position: number,
  x: Value,
  { lead, names, span: call }: Application,
): Value {
  const { b, session } = c;
  const { owner } = placed;
  const { record, arguments: args, span } = layer;
  const example = shapeOf(x).slice(lead);
  const symbolic = example.map(constantDimension);
  const wanted = record.takes?.(args);
  if (wanted && !fits(wanted, symbolic))
    reject(bindCodes.shape, span, headMessage(textOf(c, span), "what comes before it", wanted, symbolic));
  const shape = record.gives?.(args, symbolic);
  if (shape && "problem" in shape) reject(bindCodes.shape, span, shape.problem);
  const tensors = tensorsOf(c, placed, layer, example, call);
  if (record.acrossRows && lead === 0 && c.rows.length === 0)
    reject(bindCodes.shape, call, `${record.name} is given one example alone`, {
      label: "it compares rows: call the network in a loop, or on all rows at once",
    });
  const { training } = session;
  return record.apply(b, x, {
    arguments: args,
    tensors,
    lead,
    ...(training
      ? {
          noise: (kind) => rowNoise(c, training, kind, shapeOf(x), names, `${c.path} ${call.file}:${call.start} ${position}`),
          statistic: (name, of) => {
            const [all] = overRows(b, [x], c.rows);
            return training.statistic(`${owner}.${name}`, all, axesOf(c, shapeOf(x), names), of);
          },
        }
      : {}),
  });
}

/** The learnt arrays of a layer by its own names for them; `context`: how many numbers a flow follows. */
export function tensorsOf(
  c: Context,
  { owner, rectified }: PlacedLayer,
  { record, arguments: args, span }: RecordLayer,
  example: Shape,
  call: SourceSpan,
  context?: number,
): Readonly<Record<string, Value>> {
  const { b, session } = c;
  const tensors = (record.tensors?.(args, example, context) ?? []).map((t): readonly [string, Value] => {
    const name = `${owner}.${t.name}`;
    const value = session.parameters.value(b, {
      name,
      constraint: t.positive ? anyPositive : anyNumber,
      bounds: {},
      shape: t.shape,
      initial: (rng) => t.initial(rng, rectified),
      ...(t.running ? { running: t.running } : {}),
      span,
    });
    if (!sameShape(shapeOf(value), t.shape))
      reject(
        bindCodes.shape,
        call,
        `${name} has shape [${shapeOf(value).join(", ")}], and [${t.shape.join(", ")}] is needed here`,
        {
          label: "examples of another shape were given before",
        },
      );
    return [t.name, value];
  });
  return Object.fromEntries(tensors);
}
const sameShape = (a: Shape, b: Shape): boolean => a.join() === b.join();

/** A function of one example, of each example where there are several: what mixes elements does not mix rows. */
function applyFunction(c: Context, layer: FunctionLayer, x: Value, lead: number): Value {
  const { b } = c;
  if (layer.elementwise || lead === 0) return applyToOne(c, layer, x);
  const shape = shapeOf(x);
  const front = shape.slice(0, lead);
  const count = sizeOf(front);
  const list = Float64Array.from({ length: count }, (_, i) => i);
  const { rows, variable } = addLoop(b, c.rows, String(count), `${layer.name}#${c.session.next++}`, { kind: "list", list });
  const one = b.gather(b.reshape(x, [count, ...shape.slice(lead)]), variable);
  const result = applyToOne({ ...c, rows }, layer, one);
  const [all] = overRows(b, [result], rows.slice(c.rows.length));
  return b.reshape(all, [...front, ...shapeOf(result)]);
}

function applyToOne(c: Context, layer: FunctionLayer, x: Value): Value {
  const own = c.model.functions.get(layer.name);
  if (layer.own && own) return inlineValues(c, own, [x], layer.span);
  const form = findFunction(layer.name, [{}])?.form;
  return form ? lowerForm(c.b, form, x) : reject(bindCodes.constant, layer.span, `there is no function ${layer.name}`);
}
const lowerForm = (b: Builder, form: { lower(b: Builder, args: readonly Value[]): Value }, x: Value): Value =>
  asReal(b, form.lower(b, [x]));
