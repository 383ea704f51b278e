// Observed expressions of data: log(y) ~ Normal(…) draws log(y), and y is what has that logarithm.
import type { Value } from "../../runtime/ir/graph.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { Expression, Place, SampleStatement } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { alignToRows } from "./piece.ts";
import { namesIn } from "./recurrence.ts";

/** The inverses of functions of one number that have one. */
const inverses: Readonly<Record<string, (c: Context, v: Value) => Value>> = {
  log: ({ b }, v) => b.exp(v),
  log10: ({ b }, v) => b.exp(b.mul(v, b.log(b.constant(10)))),
  log1p: ({ b }, v) => b.expm1(v),
  exp: ({ b }, v) => b.log(v),
  // Of what is negative there is none: where it is drawn the density is 0, and NaN says so.
  sqrt: ({ b }, v) => b.select(b.ge(v, b.constant(0)), b.mul(v, v), b.constant(Number.NaN)),
};

/** The variable of the data, or the elements of it, that an observed expression is solved for: the one name of data in it, where every operation
 *  around it has an inverse. */
export function observedPlace(model: CheckedModel, s: SampleStatement): Place | undefined {
  const isData = (name: string): boolean => model.symbols.get(name)?.kind === "data";
  if (s.place) return isData(s.place.name.name) ? s.place : undefined;
  const names = namesIn(s.target).filter(isData);
  return names.length === 1 ? placeIn(s.target, names[0]) : undefined;
}

function placeIn(e: Expression, name: string): Place | undefined {
  if (e.kind === "name") return e.name === name ? { name: e, subscripts: [], span: e.span } : undefined;
  if (e.kind === "index")
    return e.base.kind === "name" && e.base.name === name ? { name: e.base, subscripts: e.subscripts, span: e.span } : undefined;
  const inside = argumentOf(e, name);
  return inside && placeIn(inside, name);
}

/** What an operation with an inverse is applied to. */
function argumentOf(e: Expression, name: string): Expression | undefined {
  if (e.kind === "unary") return e.operator === "!" ? undefined : e.operand;
  if (e.kind === "call")
    return Object.hasOwn(inverses, e.callee.name) && e.arguments.length === 1 ? e.arguments[0].value : undefined;
  if (e.kind === "binary" && ["+", "-", "*", "/"].includes(e.operator)) return namesIn(e.left).includes(name) ? e.left : e.right;
  return undefined;
}

/** The place's value, the whole expression having the value v: over all rows, with `rank` axes of an element behind them. */
export function solved(c: Context, e: Expression, name: string, v: Value, rank: number): Value {
  const inside = argumentOf(e, name);
  if (!inside) return v;
  return solved(c, inside, name, undone(c, e, inside, v, rank), rank);
}

function undone(c: Context, e: Expression, inside: Expression, v: Value, rank: number): Value {
  const { b } = c;
  if (e.kind === "call") return inverses[e.callee.name](c, v);
  if (e.kind === "unary") return e.operator === "-" ? b.neg(v) : v;
  if (e.kind !== "binary") return v;
  const isLeft = inside === e.left;
  const other = alignToRows(b, evaluate(c, isLeft ? e.right : e.left), c.rows, rank);
  switch (e.operator) {
    case "+":
      return b.sub(v, other);
    case "-":
      return isLeft ? b.add(v, other) : b.sub(other, v);
    case "*":
      return b.div(v, other);
    case "/":
      return isLeft ? b.mul(v, other) : b.div(other, v);
    default:
      return v;
  }
}
