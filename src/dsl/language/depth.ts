// How deep a tree is: those that read it recurse, so its depth is bounded here, once.
import { unreachable } from "../../runtime/errors.ts";
import type { Diagnostic, SourceSpan } from "../diagnostics.ts";
import { type Expression, eachChild, eachLoopExpression, type Statement, type Subscript, type TypeExpression } from "./ast.ts";

/** Of a tree's longest path. A sum of so many terms is as deep as it is long. */
export const MAX_DEPTH = 400;

interface Visit {
  readonly expression?: Expression;
  readonly statement?: Statement;
  readonly depth: number;
}

/** The first place below MAX_DEPTH, if there is one. The walk keeps its own stack. */
export function tooDeep(statements: readonly Statement[]): Diagnostic | undefined {
  const stack: Visit[] = statements.map((statement) => ({ statement, depth: 1 }));
  for (let visit = stack.pop(); visit; visit = stack.pop()) {
    const { expression, statement, depth } = visit;
    if (depth > MAX_DEPTH) return report((expression ?? statement)!.span);
    const inner = {
      expression: (e: Expression) => stack.push({ expression: e, depth: depth + 1 }),
      statement: (s: Statement) => stack.push({ statement: s, depth: depth + 1 }),
    };
    if (expression) eachChild(expression, inner.expression);
    else eachPart(statement!, inner.expression, inner.statement);
  }
  return undefined;
}

function report(span: SourceSpan): Diagnostic {
  const note = "give parts of it names with let, or write a long sum as sum([a, b, …])";
  return { severity: "error", code: "PPL111", message: `this is nested more than ${MAX_DEPTH} deep`, span, notes: [note] };
}

/** The expressions and statements directly in a statement. */
export function eachPart(s: Statement, expression: (e: Expression) => void, statement: (s: Statement) => void): void {
  const type = (t: TypeExpression | undefined) => {
    if (t?.bounds?.lower) expression(t.bounds.lower);
    if (t?.bounds?.upper) expression(t.bounds.upper);
    t?.sizes.forEach(expression);
  };
  const subscripts = (all: readonly Subscript[]) => {
    for (const k of all) {
      if (k.kind === "at") expression(k.value);
      if (k.kind === "range" && k.lower) expression(k.lower);
      if (k.kind === "range" && k.upper) expression(k.upper);
    }
  };
  const body = (b: Expression | readonly Statement[]) => ("kind" in b ? expression(b) : b.forEach(statement));
  switch (s.kind) {
    case "data":
      for (const d of s.declarations) type(d.type);
      return;
    case "const":
      for (const d of s.declarations) expression(d.value);
      return;
    case "param":
      for (const d of s.declarations) {
        type(d.type);
        if (d.initial) expression(d.initial);
      }
      return;
    case "let":
    case "quantity":
      subscripts(s.place.subscripts);
      expression(s.value);
      return;
    case "sample":
      expression(s.target);
      type(s.type);
      expression(s.distribution.call);
      return;
    case "declare":
      type(s.type);
      return;
    case "predict":
    case "aux":
      subscripts(s.place.subscripts);
      type(s.type);
      if (s.distribution) expression(s.distribution.call);
      if (s.kind === "predict" && s.value) expression(s.value);
      return;
    case "factor":
    case "observe":
    case "return":
    case "net":
      expression(s.value);
      return;
    case "for":
      for (const l of s.loops) eachLoopExpression(l, expression);
      s.body.forEach(statement);
      return;
    case "if":
      expression(s.condition);
      s.then.forEach(statement);
      s.else?.forEach(statement);
      return;
    case "fn":
      body(s.body);
      return;
    case "density":
      type(s.variable.type);
      for (const p of s.parameters) type(p.type);
      body(s.body);
      if (s.simulate) expression(s.simulate);
      return;
    case "import":
      return;
    case "guide":
    case "reverse":
      s.body.forEach(statement);
      return;
    case "objective":
      for (const g of s.goals) expression(g.value);
      return;
    default:
      unreachable(s, "eachPart");
  }
}
