// Bodies of functions and densities: an expression, or lets and loops that end in return.
import type { SourceSpan } from "../diagnostics.ts";
import type { Expression, Statement } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { checkFor, checkIf } from "./control.ts";
import { infer } from "./expressions.ts";
import { checkLet } from "./lets.ts";
import { describeStatement } from "./statement-words.ts";
import type { ValueType } from "./value-type.ts";

/** What the body gives; undefined after an error. */
export function checkBody(
  c: Context,
  body: Expression | readonly Statement[],
  span: SourceSpan,
  name: string,
): ValueType | undefined {
  if (!isStatements(body)) return infer(c, body);
  const { report } = c.session;
  let result: ValueType | undefined;
  body.forEach((s, i) => {
    if (s.kind !== "return") {
      checkInBody(c, s, name);
      return;
    }
    if (i < body.length - 1) report.error("PPL509", s.span, "statements follow this return", { label: "return stands last" });
    result = infer(c, s.value);
  });
  if (body.length === 0 || body[body.length - 1].kind !== "return") {
    if (!body.some((s) => s.kind === "return"))
      report.error("PPL509", span, `${name} returns nothing`, { label: "a body in braces ends in return e" });
  }
  return result;
}
const isStatements = (body: Expression | readonly Statement[]): body is readonly Statement[] => Array.isArray(body);

function checkInBody(c: Context, s: Statement, name: string): void {
  const inside = (statements: readonly Statement[], context: Context): void => {
    for (const x of statements) checkInBody(context, x, name);
  };
  switch (s.kind) {
    case "let":
      checkLet(c, s);
      return;
    case "for":
      checkFor(c, s, inside);
      return;
    case "if":
      checkIf(c, s, inside);
      return;
    case "return":
      c.session.report.error("PPL509", s.span, "return stands inside of a loop or condition", {
        label: "one return, at the end of the body",
        notes: ["c ? a : b chooses between two results"],
      });
      infer(c, s.value);
      return;
    default:
      c.session.report.error("PPL511", s.span, `${describeStatement(s)} stands inside of ${name}`, {
        label: "a function holds let, for, if and return",
        notes: ["a function computes; ~ and factor belong to the model"],
      });
  }
}
