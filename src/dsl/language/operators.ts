// Precedence, and the tree of a flat run of operands and operators.
import type { SourceSpan } from "../diagnostics.ts";
import type { Binary, BinaryOperator, Expression, Unary } from "./ast.ts";

/** Higher binds tighter. `^` is right-associative and binds tighter than a sign before it, postfix signs tightest of all. */
export const precedence: Readonly<Record<BinaryOperator | "conditional" | "unary" | "postfix", number>> = {
  "|>": 0,
  conditional: 1,
  "||": 2,
  "&&": 3,
  "==": 4,
  "!=": 4,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "@": 6,
  unary: 7,
  "^": 8,
  postfix: 9,
};

export function isComparison(e: Expression): boolean {
  return e.kind === "binary" && precedence[e.operator] === precedence["<"];
}

/** A run in text order: prefix signs and operands, and binary operators between operands. */
export type RunItem =
  | { readonly kind: "operand"; readonly value: Expression }
  | { readonly kind: "prefix"; readonly operator: Unary["operator"]; readonly start: number }
  | { readonly kind: "infix"; readonly operator: BinaryOperator };

/**
 * Operator precedence by two stacks (Dijkstra 1961), so that long runs need no recursion.
 * `onChain` hears of a < b < c, which is neither of its readings.
 */
export function treeOf(run: readonly RunItem[], file: number, onChain: (e: Binary) => void): Expression {
  const operands: Expression[] = [];
  const operators: Exclude<RunItem, { kind: "operand" }>[] = [];
  const bare = new Set<Expression>();
  const strength = (o: Exclude<RunItem, { kind: "operand" }>) =>
    o.kind === "prefix" ? precedence.unary : precedence[o.operator];
  const reduce = () => {
    const operator = operators.pop()!;
    const right = operands.pop()!;
    if (operator.kind === "prefix") {
      operands.push({
        kind: "unary",
        operator: operator.operator,
        operand: right,
        span: { file, start: operator.start, end: right.span.end },
      });
      return;
    }
    const left = operands.pop()!;
    const e: Binary = { kind: "binary", operator: operator.operator, left, right, span: joined(left.span, right.span) };
    if (isComparison(e) && isComparison(left) && bare.has(left)) onChain(e);
    bare.add(e);
    operands.push(e);
  };
  for (const item of run) {
    if (item.kind === "operand") operands.push(item.value);
    else {
      // A prefix sign waits for its operand; ^ waits for what is right of it.
      const mine = strength(item);
      if (item.kind === "infix")
        while (
          operators.length > 0 &&
          (strength(operators.at(-1)!) > mine || (strength(operators.at(-1)!) === mine && item.operator !== "^"))
        )
          reduce();
      operators.push(item);
    }
  }
  while (operators.length > 0) reduce();
  return operands[0];
}

export function joined(a: SourceSpan, b: SourceSpan): SourceSpan {
  return { file: a.file, start: a.start, end: b.end };
}
