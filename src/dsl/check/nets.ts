// Networks: what net statements are made of, and what a call of one gives.
import type { SourceSpan } from "../diagnostics.ts";
import { constantOfDimension } from "../dimensions.ts";
import type { Call, NetStatement } from "../language/ast.ts";
import type { FunctionLayer, Layer } from "../nets/define.ts";
import { usageOf } from "../nets/define.ts";
import { nets } from "../nets/index.ts";
import { fits, headMessage, headOf, type NetReader, type PlacedLayer, placedLayers, readLayers } from "../nets/read.ts";
import { anyNumber, isPoint } from "../ranges.ts";
import { fitsKind, kindWords } from "./built-in-calls.ts";
import { bodyAt } from "./calls.ts";
import type { Context } from "./context.ts";
import { sizeOfAxis } from "./declared-types.ts";
import { infer } from "./expressions.ts";
import { isMisfit } from "./functions/define.ts";
import { findFunction, formsOf, functionNames, isFunctionName, signatureOf } from "./functions/index.ts";
import { declarationOf, nameOf } from "./shape-messages.ts";
import { describeShape, inherited, isUnknown, knownAtBind, laterStage, unknownType, type ValueType } from "./value-type.ts";

/** mlp(…) where a value belongs. */
export function reportLayerAsValue(c: Context, e: Call): boolean {
  const record = nets.get(e.callee.name);
  if (!record) return false;
  c.session.report.error("PPL214", e.span, `${e.callee.name}(…) is a network, not a value`, {
    label: "a network has a name",
    notes: [`write net f = ${usageOf(record)}, and call it: f(x)`],
  });
  return true;
}

// ---------------------------------------------------------------- what a net is made of

/** The layers of a net; undefined where a mistake has been reported, or where only bind knows them. Worked out when first asked for: nets may be
 *  made of each other in any order. */
function layersOf(c: Context, name: string): readonly Layer[] | undefined {
  const { nets: statements, netLayers, root } = c.session;
  const s = statements.get(name);
  if (!s) return undefined;
  if (!netLayers.has(name)) {
    netLayers.set(name, "busy");
    const own: Context = { ...c, scope: root, frames: [], loops: [], guarded: false, perDraw: false };
    netLayers.set(name, readLayers(reader(own), s.value));
  }
  const found = netLayers.get(name);
  return found === "busy" ? undefined : found;
}

function reader(c: Context): NetReader {
  const { report } = c.session;
  return {
    net(name, span) {
      const s = c.session.nets.get(name);
      if (!s) return undefined;
      c.session.called.add(name);
      if (c.session.netLayers.get(name) === "busy") {
        report.error("PPL220", span, `${name} is made of itself`, { label: "networks are written out where they stand" });
        return false;
      }
      return layersOf(c, name) !== undefined;
    },
    activation: (name, span) => activation(c, name, span),
    names: () => [...functionNames, ...c.session.functions.keys(), ...c.session.nets.keys()],
    size(e) {
      const size = sizeOfAxis(c, e);
      const known = size && constantOfDimension(size);
      if (known === undefined || known >= 1) return size;
      report.error("PPL309", e.span, `${report.text(e.span)} is no size`, { label: "a layer has at least one element" });
      return undefined;
    },
    sizes(e) {
      const t = infer(c, e);
      if (isUnknown(t) || t.shape === undefined) return undefined;
      if (t.shape.length !== 1 || t.dtype === "real" || !knownAtBind(t.stage))
        report.error("PPL309", e.span, `${nameOf(c, e)} is no list of sizes`, {
          label: "a list of integers that are known from the data",
          notes: ["write [20, 500, 784]"],
        });
      return undefined;
    },
    number(e) {
      const t = infer(c, e);
      if (isUnknown(t)) return undefined;
      if (t.shape?.length !== 0 || !knownAtBind(t.stage))
        report.error("PPL213", e.span, `${nameOf(c, e)} is no number known from the data`, {
          label: "a network is made before the model runs",
        });
      return isPoint(t.range) ? t.range.lower : undefined;
    },
    problem: (code, span, message, wording) => report.error(code, span, message, wording),
  };
}

function activation(c: Context, name: string, span: SourceSpan): FunctionLayer | false | undefined {
  const { report, functions } = c.session;
  const own = functions.get(name);
  const form = findFunction(name, [{}])?.form;
  if (!own && !isFunctionName(name)) return undefined;
  c.session.called.add(name);
  if (own ? own.parameters.length !== 1 : form?.parameters.length !== 1) {
    const usage = own
      ? `${name}(${own.parameters.map((p) => p.name).join(", ")})`
      : formsOf(name)
          .map((f) => signatureOf(f, name))
          .join(" or ");
    report.error("PPL225", span, `${name} is no function of one argument`, { label: `it is ${usage}` });
    return false;
  }
  if (form?.dataOnly && !own) {
    report.error("PPL225", span, `${name} works on data only`, {
      label: "a network is applied to what is not known before the model runs",
    });
    return false;
  }
  return {
    kind: "function",
    name,
    own: own !== undefined,
    elementwise: !own && form?.elementwise === true,
    rectifies: !own && form?.rectifies === true,
    span,
  };
}

/** Every net by itself. */
export function checkNets(c: Context): void {
  for (const s of c.session.nets.values()) checkOnce(c, s);
}

/** What its layers are given by those before them, whatever it is applied to: said without a call. */
function checkOnce(c: Context, s: NetStatement): void {
  const { checked, report, root } = c.session;
  const layers = placed(c, s.name.name);
  if (!layers || checked.has(s)) return;
  checked.add(s);
  const own: Context = { ...c, scope: root, frames: [], loops: [], guarded: false, perDraw: false };
  report.afresh(() => through(own, s, layers, { ...unknownType, shape: headOf(layers), stage: "latent" }));
}

/** The layers of a net in a row. */
export const placed = (c: Context, name: string): readonly PlacedLayer[] | undefined =>
  placedLayers(name, (net) => layersOf(c, net));

// ---------------------------------------------------------------- what it gives

/** dec(z[n]), or dec(z): whatever axes stand in front of an example stay there. */
export function inferNetCall(c: Context, s: NetStatement, e: Call): ValueType {
  const { report } = c.session;
  const name = s.name.name;
  c.session.called.add(name);
  const types = e.arguments.map((a) => infer(c, a.value));
  const base = inherited(...types);
  const unknown: ValueType = { ...unknownType, ...base, stage: laterStage(base.stage, "latent") };
  if (c.inConst) {
    report.error("PPL221", e.span, `${name} is a network`, { label: "a const is made of numbers and other consts" });
    return unknown;
  }
  if (e.arguments.length !== 1 || e.arguments[0].name) {
    const count = e.arguments.length;
    const given = count === 1 ? "one with a name" : count === 0 ? "none" : `${count} of them`;
    report.error("PPL206", e.span, `${name} takes one argument, an array, and is given ${given}`, {
      label: `it is ${name}(x)`,
      notes: e.arguments.length > 1 ? [`to give it several, join them: ${name}(concat(x, y))`] : undefined,
    });
    return unknown;
  }
  const layers = placed(c, name);
  const [t] = types;
  if (!layers || t.shape === undefined) return unknown;
  if (c.frames.some((f) => f.name === name)) {
    report.error("PPL220", e.span, `${name} is made of itself`, { label: "by way of a function among its layers" });
    return unknown;
  }
  checkOnce(c, s);
  const head = headOf(layers);
  const at = e.arguments[0].value;
  if (head && !fits(head, t.shape.slice(Math.max(0, t.shape.length - head.length)))) {
    report.error("PPL312", at.span, headMessage(name, nameOf(c, at), head, t.shape), { label: declarationOf(c, at) });
    return unknown;
  }
  const lead = head ? t.shape.slice(0, t.shape.length - head.length) : [];
  const line = (): string => `in the call of ${name} on ${report.line(e.span, s.span)}`;
  const example = { ...t, dtype: "real" as const, value: undefined, structure: undefined, shape: t.shape.slice(lead.length) };
  const result = report.through(line, () => through(c, s, layers, example));
  if (!result) return unknown;
  return { ...result, stage: unknown.stage, varies: base.varies, shape: result.shape && [...lead, ...result.shape] };
}

/** An example through the layers; undefined after a mistake. */
function through(c: Context, s: NetStatement, layers: readonly PlacedLayer[], example: ValueType): ValueType | undefined {
  let t: ValueType | undefined = example;
  for (const { layer } of layers) {
    if (!t) return undefined;
    t = layer.kind === "function" ? throughFunction(c, s, layer, t) : throughRecord(c, layer, t);
  }
  return t;
}

function throughRecord(c: Context, layer: Extract<Layer, { kind: "record" }>, t: ValueType): ValueType | undefined {
  const { record, arguments: args } = layer;
  const wanted = record.takes?.(args);
  const given = t.shape ?? wanted;
  const wrong = (message: string): undefined => {
    c.session.report.error("PPL312", layer.span, message, { label: `it is ${usageOf(record)}` });
  };
  if (wanted && t.shape && !fits(wanted, t.shape))
    return wrong(headMessage(nameOf(c, layer, record.name), "what comes before it", wanted, t.shape));
  if (record.least !== undefined && given && given.length < record.least)
    return wrong(`${record.name} needs an array, and is given ${describeShape(given)}`);
  if (!given) return { ...unknownType, ...inherited(t) };
  const shape = record.gives ? record.gives(args, given) : given;
  if (shape && "problem" in shape) return wrong(shape.problem);
  return { ...unknownType, ...inherited(t), shape, range: anyNumber };
}

function throughFunction(c: Context, s: NetStatement, layer: FunctionLayer, t: ValueType): ValueType | undefined {
  const { report } = c.session;
  const own = layer.own ? c.session.functions.get(layer.name) : undefined;
  if (own) {
    if (c.frames.some((f) => f.name === layer.name)) {
      report.error("PPL220", layer.span, `${layer.name} calls itself`, { label: "by way of a network that it is a layer of" });
      return undefined;
    }
    const key = `${s.name.name}#${c.session.next++}`;
    const frames = [...c.frames, { name: s.name.name, key, position: s.span }];
    return report.through(
      () => `as a layer of ${s.name.name} on ${report.line(layer.span, own.span)}`,
      () => bodyAt({ ...c, frames, loops: [], guarded: true }, own, () => t),
    );
  }
  const form = findFunction(layer.name, [{}])?.form;
  if (!form) return undefined;
  if (t.shape === undefined) return { ...unknownType, ...inherited(t) };
  const [{ kind }] = form.parameters;
  if (!fitsKind(kind, t)) {
    report.error("PPL312", layer.span, `${layer.name} needs ${kindWords(kind)}, and is given ${describeShape(t.shape)}`);
    return undefined;
  }
  const result = form.result([t]);
  if (isMisfit(result)) {
    report.error("PPL312", layer.span, result.misfit, { label: result.label, notes: result.notes });
    return undefined;
  }
  return { ...inherited(t), dtype: "real", shape: result.shape, range: result.range ?? anyNumber, structure: result.structure };
}
