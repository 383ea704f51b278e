// Distribution expressions: a record at its arguments, modifiers around it, or the user's own density.

import { InternalError } from "../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { broadcastShapes, sizeOf } from "../../runtime/ir/type.ts";
import { PRIOR } from "../check/restated.ts";
import type { SourceSpan } from "../diagnostics.ts";
import { type Applied, type Argument as AppliedArgument, apply, signatureOf, signatures } from "../distributions/applied.ts";
import type { Distribution, Param } from "../distributions/define.ts";
import { overEvents } from "../distributions/events.ts";
import { distributions } from "../distributions/index.ts";
import { leavingOut } from "../distributions/modifiers/define.ts";
import { type Modifier, modifiers } from "../distributions/modifiers/index.ts";
import type { Argument, Call, DensityStatement, Expression, TypeExpression } from "../language/ast.ts";
import { path } from "./bind-data.ts";
import { executeBody } from "./block.ts";
import { diagonalOf } from "./calls.ts";
import type { Context } from "./context.ts";
import { checkElementwise, evaluate } from "./evaluate.ts";
import { applyFlow } from "./flow.ts";
import { dependsOnLatents, knownOf } from "./known.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { Scope } from "./scope.ts";
import { declaredSupport } from "./support.ts";

/** flow(D, f) takes a net, which no other distribution does. */
const FLOW = "flow";
export const isDistributionName = (c: Context, name: string): boolean =>
  c.model.densities.has(name) ||
  distributions.has(name) ||
  modifiers.has(name) ||
  name === FLOW ||
  (name === PRIOR && c.session.restate !== undefined);

/** The distribution that a call names, at the values of its arguments. */
export function applyDistribution(c: Context, call: Call): Applied {
  const name = call.callee.name;
  const density = c.model.densities.get(name);
  if (density) return at(call.span, () => userDensity(c, density, call));
  const modifier = modifiers.get(name);
  if (modifier) return at(call.span, () => modify(c, modifier, call));
  if (name === FLOW) return at(call.span, () => applyFlow(c, call));
  const { restate } = c.session;
  if (name === PRIOR && restate) return at(call.span, () => restate(c, call));
  const record = distributions.get(name);
  if (!record) return reject(bindCodes.constant, call.callee.span, `there is no distribution ${name}`);
  return at(call.span, () => plain(c, record, call));
}

function plain(c: Context, d: Distribution, call: Call): Applied {
  const given = argumentsByName(d, call.arguments);
  const signature = signatureOf(d, [...given.keys()]);
  if (!signature)
    return reject(bindCodes.shape, call.span, `${d.name} is not given its parameters`, {
      label: `takes ${Object.keys(d.params).join(", ")}`,
    });
  const values: Record<string, Value> = {};
  const scale = c.model.matrixScales.has(call) ? d.affine?.scale : undefined;
  let wide = false;
  for (const [name, e] of given) {
    // Independent elements: the diagonal alone, and no matrix.
    const diagonal = name === scale ? diagonalOf(c, e) : undefined;
    wide ||= name === scale && !diagonal;
    values[name] = diagonal ?? evaluate(c, e);
  }
  if (wide) return applyMatrixScale(c, d, values);
  for (const [name, e] of given) checkArgument(d, name, signature[name], values[name], e.span);
  const numbers = [...given.entries()].filter(([name]) => signature[name].rank === 0);
  for (let i = 1; i < numbers.length && d.event === 0; i++) {
    for (let k = 0; k < i; k++) checkElementwise(values[numbers[i][0]], values[numbers[k][0]], call.span, d.name);
  }
  return apply(c.b, d, values);
}

/** Arguments by the names of the parameters they are for. */
function argumentsByName(d: Distribution, args: readonly Argument[]): Map<string, Expression> {
  const names = args.flatMap((a) => (a.name ? [a.name.name] : []));
  const positional = args.length - names.length;
  const signature =
    signatures(d).find(
      (s) =>
        names.every((n) => Object.hasOwn(s, n)) && Object.keys(s).length >= args.length && positional <= Object.keys(s).length,
    ) ?? d.params;
  const order = Object.keys(signature);
  const out = new Map<string, Expression>();
  args.forEach((a, i) => {
    out.set(a.name ? a.name.name : order[i], a.value);
  });
  return out;
}

/** A matrix in the place of a scale (language.md rule 22): the multivariate form of the distribution. */
function applyMatrixScale(c: Context, d: Distribution, values: Readonly<Record<string, Value>>): Applied {
  const record = d.matrixScale;
  if (!record || !d.affine?.location) throw new InternalError(`${d.name} has no form with a matrix scale`);
  const scale = values[d.affine.scale];
  const value = values[d.affine.location];
  const size = shapeOf(scale)[0];
  const vector = shapeOf(value).length === 0 ? c.b.broadcastTo(value, [size]) : value;
  const [where, spread] = Object.keys(record.params);
  return apply(c.b, record, { [where]: vector, [spread]: scale });
}

/** Arguments that are known at bind are held against what the parameter must be. */
function checkArgument(d: { readonly name: string }, name: string, p: Param, value: Value, span: SourceSpan): void {
  const shape = shapeOf(value);
  if (shape.length < p.rank) {
    reject(bindCodes.shape, span, `${d.name} takes a ${p.rank === 1 ? "vector" : "matrix"} as ${name}`, {
      label: `this has shape [${shape.join(", ")}]`,
    });
  }
  const numbers = knownOf(value);
  if (numbers === null) return;
  const event = shape.slice(shape.length - p.rank);
  const size = sizeOf(event);
  for (let i = 0; i < numbers.length; i += size) {
    if (p.constraint.contains(numbers.subarray(i, i + size), event, p.bounds ?? {})) continue;
    const what = size === 1 ? `${path(name, shape, i)} = ${numbers[i]}` : name;
    reject(bindCodes.value, span, `${what} is not ${p.constraint.words}`, {
      label: `${d.name} needs ${p.constraint.words} as ${name}`,
    });
  }
}

/** truncated(D, lower = a), mixture(w, D), …: leading distributions, numbers by position or by name. */
function modify(c: Context, m: Modifier, call: Call): Applied {
  const bases: Applied[] = [];
  const values = new Map<string, Value>();
  const free = m.parameters.filter((p) => !p.named);
  let next = 0;
  for (const a of call.arguments) {
    if (a.value.kind === "call" && isDistributionName(c, a.value.callee.name)) {
      bases.push(applyDistribution(c, a.value));
      continue;
    }
    const p = a.name ? m.parameters.find((q) => q.name === a.name?.name) : free[next++];
    if (!p) throw new InternalError(`${m.name} is given what it does not take`);
    const value = evaluate(c, a.value);
    if (p.constraint) checkArgument(m, p.name, { constraint: p.constraint, rank: p.rank, doc: p.doc }, value, a.value.span);
    values.set(p.name, value);
  }
  const made = m.apply(c.b, bases, Object.fromEntries(values));
  const left = !made.normalised && bases.every((d) => d.normalised);
  if (left && made.arguments.some((a) => dependsOnLatents(a.value)))
    reject(bindCodes.normaliser, call.span, `the normaliser of ${made.name} has no closed form and depends on latents`, {
      notes: [leavingOut],
    });
  return made;
}

const rankOf = (t: TypeExpression): 0 | 1 | 2 => Math.min(2, t.sizes.length) as 0 | 1 | 2;

/** density P(x: type; a: type) = e (language.md rule 24): evaluated for one event, spread over the batch. */
function userDensity(c: Context, s: DensityStatement, call: Call): Applied {
  const values = call.arguments.map((a, i) => ({ name: a.name?.name ?? s.parameters[i].name.name, value: evaluate(c, a.value) }));
  const args: AppliedArgument[] = s.parameters.map((p) => {
    const found = values.find((v) => v.name === p.name.name);
    if (!found) return reject(bindCodes.shape, call.span, `${s.name.name} is not given ${p.name.name}`);
    return { name: p.name.name, value: found.value, rank: rankOf(p.type) };
  });
  return densityAt(c, s, args);
}

function densityAt(c: Context, s: DensityStatement, args: readonly AppliedArgument[]): Applied {
  const event = rankOf(s.variable.type);
  const bound = (given: readonly Value[]): Context => {
    const scope = Scope.ofCall(c.root, c.scope);
    args.forEach((a, i) => {
      scope.value(a.name, given[i]);
    });
    return { ...c, scope, sequential: false };
  };
  const inside = bound(args.map((a) => a.value));
  const support = () => declaredSupport(inside, s.variable.type);
  const body = (x: Value, given: readonly Value[]): Value => {
    const context = bound(given);
    context.scope.value(s.variable.name.name, x);
    return executeBody(context, s.body, s.span);
  };
  return {
    name: s.name.name,
    event,
    eventShape: event === 0 ? [] : null,
    batchShape: broadcastShapes(...args.map((a) => shapeOf(a.value).slice(0, shapeOf(a.value).length - a.rank))),
    support: { constraint: support().constraint, declared: false, bounds: () => support().bounds },
    arguments: args,
    withArguments: (next) =>
      densityAt(
        c,
        s,
        args.map((a, i) => ({ ...a, value: next[i] })),
      ),
    logDensity: (b: Builder, x: Value) => overEvents(b, [{ value: x, rank: event }, ...args], ([e, ...given]) => body(e, given)),
    normalised: false,
    notes: [],
  };
}
