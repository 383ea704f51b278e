// flow(D, f): what becomes of a draw of D that goes through a network which can be undone.
import type { Flowed } from "../../runtime/flows/define.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import { real } from "../constraints/interval.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied, AppliedDraw, Argument } from "../distributions/applied.ts";
import { overEvents } from "../distributions/events.ts";
import type { Call } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { applyDistribution } from "./distribution.ts";
import { evaluate } from "./evaluate.ts";
import { layersOf, tensorsOf } from "./nets.ts";
import { bindCodes, reject } from "./rejection.ts";

/** Both directions of the layers in a row, for one vector. */
interface Through {
  readonly size: number;
  forward(b: Builder, x: Value, context?: Value): Flowed;
  inverse(b: Builder, y: Value, context?: Value): Flowed;
}

export function applyFlow(c: Context, call: Call): Applied {
  const [base, net] = call.arguments.filter((a) => !a.name);
  const given = call.arguments.find((a) => a.name)?.value;
  if (base?.value.kind !== "call" || net?.value.kind !== "name")
    return reject(bindCodes.shape, call.span, "flow takes a distribution and a net");
  const d = applyDistribution(c, base.value);
  const context = given && evaluate(c, given);
  const seen = context ? (shapeOf(context).at(-1) ?? 1) : 0;
  return flowed(d, through(c, net.value.name, seen, call.span), context);
}

function through(c: Context, name: string, seen: number, call: SourceSpan): Through {
  let size = 0;
  const layers = layersOf(c, name).map((placed) => {
    const { layer } = placed;
    const make = layer.kind === "record" ? layer.record.flow : undefined;
    if (layer.kind !== "record" || !make)
      return reject(bindCodes.type, call, `${name} is no flow: some of its layers cannot be undone`);
    size = layer.arguments.known("size");
    return { flow: make(layer.arguments, seen), tensors: tensorsOf(c, placed, layer, [size], call, seen) };
  });
  const along = (
    b: Builder,
    x: Value,
    order: readonly (typeof layers)[number][],
    way: "forward" | "inverse",
    context?: Value,
  ): Flowed =>
    order.reduce<Flowed>(
      (sofar, { flow, tensors }) => {
        const next = flow[way](b, sofar.to, tensors, context);
        return { to: next.to, logDet: b.add(sofar.logDet, next.logDet) };
      },
      { to: x, logDet: b.constant(0) },
    );
  return {
    size,
    forward: (b, x, context) => along(b, x, layers, "forward", context),
    inverse: (b, y, context) => along(b, y, [...layers].reverse(), "inverse", context),
  };
}

/** Numbers of the base stand for one in each element; what it has along its last axis belongs to one event. */
function flowed(base: Applied, f: Through, context: Value | undefined): Applied {
  const own: Argument[] = base.arguments.map((a) =>
    base.event === 0 && shapeOf(a.value).length > a.rank ? { ...a, rank: a.rank + 1 } : a,
  );
  const args: Argument[] = [...own, ...(context ? [{ name: "context", value: context, rank: 1 }] : [])];
  const baseOf = (values: readonly Value[]): Applied => base.withArguments(values.slice(0, own.length));
  const contextOf = (values: readonly Value[]): Value | undefined => (context ? values[own.length] : undefined);
  const batchOf = (a: Argument): Shape => shapeOf(a.value).slice(0, shapeOf(a.value).length - a.rank);
  const event = [f.size];
  const logBase = (b: Builder, d: Applied, x: Value): Value => b.sum(d.logDensity(b, x));
  const over = (
    b: Builder,
    values: readonly { readonly value: Value; readonly rank: number }[],
    g: (v: readonly Value[]) => Value,
  ): Value => overEvents(b, [...values, ...args], g);
  const draw: AppliedDraw | undefined = base.draw && {
    gradient: base.draw.gradient,
    noise: (shape) => base.draw?.noise(shape) ?? [],
    build: (b, noise, shape) => {
      const x = drawnBase(b, noise, shape);
      return over(b, [{ value: x, rank: 1 }], ([one, ...values]) => f.forward(b, one, contextOf(values)).to);
    },
    buildWithDensity(b, noise, shape) {
      const x = drawnBase(b, noise, shape);
      const each = (part: (one: Value, values: readonly Value[]) => Value): Value =>
        over(b, [{ value: x, rank: 1 }], ([one, ...values]) => part(one, values));
      return {
        x: each((one, values) => f.forward(b, one, contextOf(values)).to),
        logDensity: each((one, values) => b.sub(logBase(b, baseOf(values), one), f.forward(b, one, contextOf(values)).logDet)),
      };
    },
  };
  const drawnBase = (b: Builder, noise: readonly Value[], shape: Shape): Value => {
    const x = base.draw?.build(b, noise, shape) ?? b.constant(Number.NaN);
    return shapeOf(x).join() === shape.join() ? x : b.broadcastTo(x, shape);
  };
  return {
    name: `flow(${base.name})`,
    event: 1,
    eventShape: event,
    batchShape: args.map(batchOf).reduce((a, s) => (s.length > a.length ? s : a), []),
    support: { constraint: real, declared: false, bounds: () => ({}) },
    arguments: args,
    withArguments: (values) => flowed(base.withArguments(values.slice(0, own.length)), f, contextOf(values)),
    logDensity: (b, y) =>
      over(b, [{ value: y, rank: 1 }], ([one, ...values]) => {
        const { to, logDet } = f.inverse(b, one, contextOf(values));
        return b.add(logBase(b, baseOf(values), to), logDet);
      }),
    ...(draw ? { draw } : {}),
    normalised: base.normalised,
    notes: base.notes,
  };
}
