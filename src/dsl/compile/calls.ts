// Calls: built-in functions, the user's functions (inlined), and lpdf and its kin.

import { type Builder, dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { asNumber } from "../check/functions/define.ts";
import { findFunction } from "../check/functions/index.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied } from "../distributions/applied.ts";
import { logDensityToEnds } from "../distributions/modifiers/sides.ts";
import type { Argument, Call, Comprehension, Expression, FunctionStatement, Index, Subscript } from "../language/ast.ts";
import { odeName } from "../ode-call.ts";
import { executeBody } from "./block.ts";
import type { Context } from "./context.ts";
import { applyDistribution } from "./distribution.ts";
import { evaluate, evaluateRagged } from "./evaluate.ts";
import { knownOf } from "./known.ts";
import { evaluateNet } from "./nets.ts";
import { evaluateOde } from "./ode.ts";
import { at, bindCodes, reject } from "./rejection.ts";
import { rowTable } from "./rows.ts";
import { Scope } from "./scope.ts";

export function evaluateCall(c: Context, e: Call): Value {
  const name = e.callee.name;
  const own = c.model.functions.get(name);
  if (own) return inline(c, own, e);
  const net = c.model.nets.get(name);
  if (net) return evaluateNet(c, net, e);
  const query = queries.get(name);
  if (query) return at(e.span, () => askDistribution(c, query, e));
  if (name === odeName) return evaluateOde(c, e);
  const found = findFunction(
    name,
    e.arguments.map((a) => ({ name: a.name?.name })),
  );
  if (!found) return reject(bindCodes.constant, e.callee.span, `there is no function ${name} of these arguments`);
  const { form, order } = found;
  const args = order.map(
    (i) =>
      (form.neutral === undefined || order.length !== 1 ? undefined : masked(c, e.arguments[i], form.neutral)) ??
      evaluate(c, e.arguments[i].value),
  );
  if (form.dataOnly && args.some((a) => knownOf(a) === null)) {
    reject(bindCodes.constant, e.span, `${name} is computed once, from data that are the same in every iteration`, {
      label: "depends on latents or on a loop",
    });
  }
  return at(e.span, () => form.lower(c.b, args));
}

/** The diagonal of the matrix that a built-in function makes where it makes a diagonal one: what a scale of independent elements is. */
export function diagonalOf(c: Context, e: Expression): Value | undefined {
  if (e.kind !== "call" || c.model.functions.has(e.callee.name)) return undefined;
  const found = findFunction(
    e.callee.name,
    e.arguments.map((a) => ({ name: a.name?.name })),
  );
  if (!found?.form.diagonal) return undefined;
  const { form, order } = found;
  const args = order.map((i) => evaluate(c, e.arguments[i].value));
  return at(e.span, () => form.diagonal?.(c.b, args));
}

/** Arguments in the order of a function's parameters. */
function inOrder(parameters: readonly { readonly name: string }[], given: readonly Argument[]): (Argument | undefined)[] {
  const out: (Argument | undefined)[] = parameters.map(() => undefined);
  given.forEach((a, i) => {
    out[a.name ? parameters.findIndex((p) => p.name === a.name?.name) : i] = a;
  });
  return out;
}

/** A comprehension or a slice whose length varies with the row, under a reduction: what does not exist counts as the neutral element. */
function masked(c: Context, a: Argument, neutral: number): Value | undefined {
  const ragged =
    a.value.kind === "comprehension"
      ? a.value
      : a.value.kind === "index" && c.rows.length > 0
        ? sliceAsComprehension(a.value)
        : undefined;
  if (!ragged) return undefined;
  const { value, mask } = evaluateRagged(c, ragged);
  if (!mask) return value;
  // A sum of integers stays an integer.
  const number = asNumber(c.b, value);
  return c.b.select(mask, number, c.b.constant(neutral, dtypeOf(number)));
}

/** x[a..b] as [x[k] for k in a..b], when it has one range, with an upper end. */
function sliceAsComprehension(e: Index): Comprehension | undefined {
  const ranges = e.subscripts.filter((s) => s.kind === "range");
  const [range] = ranges;
  if (ranges.length !== 1 || range.kind !== "range" || !range.upper) return undefined;
  const first: Expression = { kind: "number", value: 1, integer: true, text: "1", span: range.span };
  const over = { ...range, lower: range.lower ?? first };
  // A name that no model can hold.
  const variable = { name: "(element)", span: range.span };
  const subscripts = e.subscripts.map(
    (s): Subscript => (s === range ? { kind: "at", value: { kind: "name", ...variable }, span: s.span } : s),
  );
  return {
    kind: "comprehension",
    body: { ...e, subscripts },
    loops: [{ variable, over, span: range.span }],
    span: e.span,
  };
}

function inline(c: Context, f: FunctionStatement, e: Call): Value {
  const given = inOrder(f.parameters, e.arguments).map((a, i) =>
    a ? evaluate(c, a.value) : reject(bindCodes.shape, e.span, `${f.name.name} is not given ${f.parameters[i].name}`),
  );
  return inlineValues(c, f, given, e.span);
}

/** The value of a function's body at values of its parameters, in order. */
export function inlineValues(c: Context, f: FunctionStatement, given: readonly Value[], span: SourceSpan): Value {
  if (c.depth > 100)
    reject(bindCodes.constant, span, `${f.name.name} calls itself`, { label: "functions are inlined: no recursion" });
  const scope = Scope.ofCall(c.root, c.scope);
  f.parameters.forEach((p, i) => {
    scope.value(p.name, given[i]);
  });
  const path = `${c.path} ${span.file}:${span.start}`;
  return executeBody({ ...c, scope, sequential: false, depth: c.depth + 1, path }, f.body, f.span);
}

type Query = (c: Context, d: Applied, x: Value) => Value | undefined;
const lpdf: Query = (c, d, x) => {
  const none = Number.NEGATIVE_INFINITY;
  const f = (b: Builder, v: Value): Value => {
    const log = logDensityToEnds(b, d, v);
    return isReal(d, v) ? b.select(b.eq(v, b.floor(v)), log, b.constant(none)) : log;
  };
  return continued(c, d, x, f, none, none);
};
/** Numbers asked of a distribution of integers. */
const isReal = (d: Applied, x: Value): boolean => d.event === 0 && d.support.constraint.discrete && dtypeOf(x) === "real";
/** Distribution functions of integers are constant between them. */
const stepped = (c: Context, d: Applied, x: Value): Value => (isReal(d, x) ? c.b.floor(x) : x);
const lcdf: Query = (c, d, x) => d.logCdf && continued(c, d, stepped(c, d, x), d.logCdf, Number.NEGATIVE_INFINITY, 0);
const lccdf: Query = (c, d, x) => d.logCcdf && continued(c, d, stepped(c, d, x), d.logCcdf, 0, Number.NEGATIVE_INFINITY);
const cdf: Query = (c, d, x) => {
  const log = lcdf(c, d, x);
  return log && c.b.exp(log);
};
const queries: ReadonlyMap<string, Query> = new Map<string, Query>([
  ["lpdf", lpdf],
  ["lpmf", lpdf],
  ["cdf", cdf],
  ["lcdf", lcdf],
  ["lccdf", lccdf],
  ["quantile", (c, d, p) => d.quantile?.(c.b, p)],
]);

/** f, which holds on the support, and the constants that it is below and above it; f alone where x is known to be inside. */
function continued(c: Context, d: Applied, x: Value, f: (b: Builder, x: Value) => Value, below: number, above: number): Value {
  const { b } = c;
  if (d.event > 0 || d.support.declared) return f(b, x);
  const { lower, upper } = d.support.bounds(b);
  const somewhere = (outside: Value): boolean =>
    rowTable(b, b.reduceMax(b.cast(outside, "int")), c.rows)?.values.some((v) => v !== 0) ?? true;
  const side = (outside: Value | undefined): Value | undefined => (outside && somewhere(outside) ? outside : undefined);
  const under = side(lower && b.lt(x, lower));
  const over = side(upper && b.gt(x, upper));
  // Outside, f is asked at the bound: a table of categories has no row there, and no NaN may reach the gradient.
  const raised = under && lower ? b.max(x, b.cast(lower, dtypeOf(x))) : x;
  const value = f(b, over && upper ? b.min(raised, b.cast(upper, dtypeOf(x))) : raised);
  const fromBelow = under ? b.select(under, b.constant(below), value) : value;
  return over ? b.select(over, b.constant(above), fromBelow) : fromBelow;
}

function askDistribution(c: Context, query: Query, e: Call): Value {
  const [of, at, ...rest] = e.arguments;
  if (!of || !at || rest.length > 0 || of.value.kind !== "call") {
    return reject(bindCodes.shape, e.span, `${e.callee.name} takes a distribution and a value`, {
      label: `${e.callee.name}(Normal(0, 1), x)`,
    });
  }
  const d = applyDistribution(c, of.value);
  const x = evaluate(c, at.value);
  if (shapeOf(x).length < d.event)
    reject(bindCodes.shape, at.span, `${d.name} is over ${d.event === 1 ? "vectors" : "matrices"}`);
  const value = query(c, d, x);
  if (value === undefined) return reject(bindCodes.notYet, e.span, `${e.callee.name} of ${d.name} has no closed form here yet`);
  return value;
}
