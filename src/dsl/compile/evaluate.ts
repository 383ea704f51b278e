// Expressions to IR values. What depends on data alone folds to constants as it is built.

import { unreachable } from "../../runtime/errors.ts";
import { dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { constants } from "../check/names.ts";
import type { SourceSpan } from "../diagnostics.ts";
import {
  type Binary,
  type BinaryOperator,
  type Comprehension,
  type Conditional,
  type Expression,
  type LoopIndex,
  pipedCall,
} from "../language/ast.ts";
import { evaluateCall } from "./calls.ts";
import { type Context, enterLoop, textOf } from "./context.ts";
import { dataTable, evaluateIndex, holds, notGiven } from "./index-expression.ts";
import { knownOf } from "./known.ts";
import { at, bindCodes, reject, VaryingWidth } from "./rejection.ts";
import { type LoopValues, overRows, type RowTable, rowTable } from "./rows.ts";

export function evaluate(c: Context, e: Expression): Value {
  const { b } = c;
  switch (e.kind) {
    case "number":
      return b.constant(e.value, e.integer ? "int" : "real");
    case "boolean":
      return b.constant(e.value ? 1 : 0, "bool");
    case "string":
      return reject(bindCodes.type, e.span, "text is no number", { label: "strings stand only after import" });
    case "name":
      return lookup(c, e.name, e.span);
    case "call":
      return evaluateCall(c, e);
    case "index":
      return e.base.kind === "name" ? (elementUnderWay(c, e, e.base.name) ?? evaluateIndex(c, e)) : evaluateIndex(c, e);
    case "unary": {
      const operand = evaluate(c, e.operand);
      return e.operator === "-" ? b.neg(operand) : e.operator === "!" ? b.not(operand) : operand;
    }
    case "binary":
      return at(e.span, () => binary(c, e));
    case "transpose": {
      const operand = evaluate(c, e.operand);
      const rank = shapeOf(operand).length;
      if (rank < 2)
        reject(bindCodes.shape, e.span, "' transposes a matrix, and this is a vector", {
          notes: ["the dot product is u @ v, the outer product outer(u, v)"],
        });
      const axes = Array.from({ length: rank }, (_, k) => k);
      return b.transpose(operand, [...axes.slice(0, rank - 2), rank - 1, rank - 2]);
    }
    case "conditional":
      return at(e.span, () => conditional(c, e));
    case "array":
      return at(e.span, () => {
        if (e.elements.length === 0) return b.tensor(new Float64Array(0), [0]);
        const elements = e.elements.map((x) => evaluate(c, x));
        return b.stack(elements, 0);
      });
    case "comprehension":
      return comprehension(c, e);
    default:
      return unreachable(e, "evaluate");
  }
}

/** The value of a name in scope. */
export function lookup(c: Context, name: string, span: SourceSpan): Value {
  const binding = c.scope.get(name);
  if (binding === undefined) {
    if (Object.hasOwn(constants, name)) return c.b.constant(constants[name]);
    return reject(bindCodes.constant, span, `${name} has no value here`, { label: "used before it is given" });
  }
  if (binding.kind === "value") {
    if (binding.where && !holds(c, binding.where)) {
      return reject(bindCodes.constant, span, `${name} has no value in some iterations`, {
        label: "an if around it gives it in one branch only",
      });
    }
    return binding.value;
  }
  if (binding.kind === "array") {
    const whole = binding.array.whole(c.b);
    if (binding.array.given(c.b)) notGiven(name, span);
    return whole;
  }
  return reject(bindCodes.notYet, span, `${name} is read as a whole inside the loop that gives its elements`);
}

/** s[t-1] inside the recurrence that makes s. */
function elementUnderWay(c: Context, e: Extract<Expression, { kind: "index" }>, name: string): Value | undefined {
  const binding = c.scope.get(name);
  if (binding?.kind === "scan") return binding.array.read(c, e);
  if (binding?.kind !== "sequence") return undefined;
  const coordinates = e.subscripts.map((s) => {
    const value = s.kind === "at" ? knownOf(evaluate(c, s.value)) : null;
    if (value === null || value.length !== 1)
      return reject(bindCodes.notYet, s.span, `${name} can be read only element by element inside the loop that gives it`);
    return value[0];
  });
  const element = binding.sequence.get(c.b, coordinates);
  if (element === undefined) reject(bindCodes.index, e.span, `${name}[${coordinates.join(", ")}] is read before it is given`);
  return element;
}

function binary(c: Context, e: Binary): Value {
  const piped = e.operator === "|>" ? pipedCall(e) : undefined;
  if (piped) return evaluateCall(c, piped);
  const left = evaluate(c, e.left);
  const right = evaluate(c, e.right);
  if (e.operator !== "@") checkElementwise(left, right, e.span, e.operator);
  return applyOperator(c, e.operator, left, right, e.span);
}

function applyOperator(c: Context, operator: BinaryOperator, left: Value, right: Value, span: SourceSpan): Value {
  const { b } = c;
  switch (operator) {
    case "+":
      return b.add(left, right);
    case "-":
      return b.sub(left, right);
    case "*":
      return b.mul(left, right);
    case "/":
      return b.div(left, right);
    case "^":
      return b.pow(left, right);
    case "@":
      return b.matmul(left, right);
    case "==":
      return b.eq(left, right);
    case "!=":
      return b.ne(left, right);
    case "<":
      return b.lt(left, right);
    case "<=":
      return b.le(left, right);
    case ">":
      return b.gt(left, right);
    case ">=":
      return b.ge(left, right);
    case "&&":
      return b.and(left, right);
    case "||":
      return b.or(left, right);
    case "|>":
      return reject(bindCodes.type, span, "right of |> stands the name of a function or a network");
    default:
      return unreachable(operator, "operator");
  }
}

/** Equal shapes, scalars with anything, axes of literal size 1; no new axes (language.md rule 8). */
export function checkElementwise(left: Value, right: Value, span: SourceSpan, what: string): void {
  const [s, t] = [shapeOf(left), shapeOf(right)];
  if (s.length === 0 || t.length === 0) return;
  const fits = s.length === t.length && s.every((n, i) => n === t[i] || n === 1 || t[i] === 1);
  if (!fits)
    reject(bindCodes.shape, span, `${what} is given shapes [${s.join(", ")}] and [${t.join(", ")}]`, {
      label: "must have equal shapes, or one be a scalar",
    });
}

/** c ? a : b. A condition on data chooses by row, and the arm not chosen need not make sense there. */
function conditional(c: Context, e: Conditional): Value {
  const { b } = c;
  const condition = evaluate(c, e.condition);
  if (shapeOf(condition).length === 0) {
    const table = rowTable(b, condition, c.rows);
    if (table) {
      if (table.values.every((v) => v !== 0)) return evaluate(c, e.then);
      if (table.values.every((v) => v === 0)) return evaluate(c, e.else);
      const then = evaluate({ ...c, guards: [...c.guards, condition] }, e.then);
      const otherwise = evaluate({ ...c, guards: [...c.guards, b.not(condition)] }, e.else);
      return b.select(condition, then, otherwise);
    }
  }
  const [then, otherwise] = [evaluate(c, e.then), evaluate(c, e.else)];
  checkElementwise(then, otherwise, e.span, "? :");
  checkElementwise(condition, then, e.span, "? :");
  return b.select(condition, then, otherwise);
}

/** Bounds of a loop in every row of the context around it. */
export function loopValues(c: Context, loop: LoopIndex): { readonly name: string; readonly values: LoopValues } {
  if (loop.over.kind !== "range") {
    const list = knownOf(evaluate(c, loop.over));
    if (list === null)
      return reject(
        bindCodes.notYet,
        loop.over.span,
        "the values that a loop runs over must be the same in every iteration of the loops around it",
      );
    return { name: textOf(c, loop.over.span), values: { kind: "list", list: Float64Array.from(list) } };
  }
  const { lower, upper } = loop.over;
  if (!lower || !upper) return reject(bindCodes.shape, loop.over.span, "a loop needs both ends of its range");
  const bound = (e: Expression): RowTable => {
    const value = evaluate(c, e);
    if (shapeOf(value).length !== 0 || dtypeOf(value) === "real")
      reject(bindCodes.type, e.span, "the bound of a loop is not an integer");
    return dataTable(c, value, e.span, "the bound of a loop");
  };
  const step = loop.by ? bound(loop.by) : { extents: c.rows.map(() => 1), values: Float64Array.of(1) };
  if (step.values.some((v) => v === 0)) reject(bindCodes.value, (loop.by ?? loop).span, "a loop cannot go by 0");
  const count = lower.kind === "number" && lower.value === 1 && !loop.by ? upper.span : loop.over.span;
  return { name: textOf(c, count), values: { kind: "range", bounds: [bound(lower), bound(upper), step] } };
}

function comprehension(c: Context, e: Comprehension): Value {
  const { value, widths } = evaluateRagged(c, e);
  if (widths) {
    throw new VaryingWidth(widths, e.span, "the length of this comprehension varies from row to row", {
      label: "only a reduction takes it",
      notes: ["write the reduction around it: sum([… for …])"],
    });
  }
  return value;
}

/** A comprehension whose length may vary with the rows around: padded to the longest, with a mask that is 1 where an element exists. */
export function evaluateRagged(
  c: Context,
  e: Comprehension,
): { readonly value: Value; readonly mask?: Value; readonly widths?: RowTable } {
  const outer = c.rows.length;
  let context = c;
  let mask: Value | undefined;
  let widths: RowTable | undefined;
  for (const loop of e.loops) {
    const { name, values } = loopValues(context, loop);
    const varying =
      values.kind === "range" && values.bounds.some((t) => t.extents.some((n) => n !== 1)) ? values.bounds : undefined;
    if (!varying) {
      const around = context;
      context = at(loop.span, () => enterLoop(around, loop.variable.name, name, values));
      continue;
    }
    const padded = padLoop(context, loop, varying);
    mask = mask ? c.b.and(mask, padded.mask) : padded.mask;
    widths = padded.widths;
    context = padded.context;
  }
  const body = evaluate(context, e.body);
  const added = context.rows.slice(outer);
  const [value, over] = overRows(c.b, mask ? [body, mask] : [body], added);
  if (!mask) return { value };
  const shape = [...added.map((a) => a.size), ...shapeOf(body).map(() => 1)];
  return { value, mask: c.b.reshape(over, shape), widths };
}

/** A loop as wide as the widest row: its variable stays in range, and the mask says where it is real. */
function padLoop(
  c: Context,
  loop: LoopIndex,
  bounds: readonly [RowTable, RowTable, RowTable],
): { readonly context: Context; readonly mask: Value; readonly widths: RowTable } {
  const { b } = c;
  if (loop.over.kind !== "range" || !loop.over.lower || !loop.over.upper || loop.by) {
    return reject(bindCodes.notYet, loop.span, "a range whose length varies by row goes up by 1");
  }
  const lower = evaluate(c, loop.over.lower);
  const upper = evaluate(c, loop.over.upper);
  const width = b.max(b.add(b.sub(upper, lower), b.constant(1, "int")), b.constant(0, "int"));
  const widths = dataTable(c, width, loop.over.span, "the length of a range");
  let longest = 0;
  for (const w of widths.values) longest = Math.max(longest, w);
  const one: RowTable = { extents: bounds[0].extents.map(() => 1), values: Float64Array.of(1) };
  const last: RowTable = { extents: one.extents, values: Float64Array.of(longest) };
  const name = textOf(c, loop.over.span);
  const entered = at(loop.span, () => enterLoop(c, loop.variable.name, name, { kind: "range", bounds: [one, last, one] }));
  const number = lookup(entered, loop.variable.name, loop.span);
  const mask = b.le(number, width);
  const from = (nth: Value): Value => b.add(lower, b.sub(nth, b.constant(1, "int")));
  const inside = from(b.max(b.min(number, width), b.constant(1, "int")));
  entered.scope.value(loop.variable.name, inside);
  const beyond = new Map([...(c.beyond ?? []), [inside, from(number)]]);
  return { context: { ...entered, guards: [...entered.guards, mask], beyond }, mask, widths };
}
