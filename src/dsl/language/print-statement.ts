// The canonical spelling of statements without blocks, and which blocks may stand on one line.
import { unreachable } from "../../runtime/errors.ts";
import type { SourceSpan } from "../../runtime/source.ts";
import type * as ast from "./ast.ts";
import type { Doc } from "./doc.ts";
import type { Printer } from "./print.ts";

/** Whether it has blocks, and none of them more than one statement. */
export function isShort(s: ast.Statement): boolean {
  const one = (body: readonly ast.Statement[]) =>
    body.length === 0 || (body.length === 1 && (isShort(body[0]) || !hasBlocks(body[0])));
  switch (s.kind) {
    case "for":
    case "guide":
    case "reverse":
      return one(s.body);
    case "if":
      return one(s.then) && (s.else === undefined || one(s.else));
    case "objective":
      return s.goals.length <= 1;
    case "fn":
    case "density":
      return !("kind" in s.body) && one(s.body);
    default:
      return false;
  }
}

function hasBlocks(s: ast.Statement): s is Exclude<ast.Statement, Simple> {
  return ["for", "if", "guide", "reverse", "objective", "fn", "density"].includes(s.kind);
}

type Simple = Exclude<ast.Statement, { kind: "for" | "if" | "guide" | "reverse" | "objective" | "fn" | "density" }>;

/** Statements without blocks. */
export function simple(p: Printer, s: Simple): Doc {
  switch (s.kind) {
    case "data":
      return [
        "data ",
        p.series(
          s.declarations.map((d) => p.typed(d.name, d.type)),
          starts(s.declarations),
        ),
      ];
    case "const":
      return [
        "const ",
        p.series(
          s.declarations.map((d) => [p.identifier(d.name), " = ", p.expression(d.value)]),
          starts(s.declarations),
        ),
      ];
    case "param": {
      const initial = (e: ast.Expression | undefined) => (e ? [" = ", p.expression(e)] : "");
      return [
        "param ",
        p.series(
          s.declarations.map((d) => [p.typed(d.name, d.type), initial(d.initial)]),
          starts(s.declarations),
        ),
      ];
    }
    case "let":
    case "quantity":
      return [s.kind, " ", p.place(s.place), " = ", p.expression(s.value)];
    case "sample":
      return [target(p, s.target), typing(p, s.type), " ~ ", p.distribution(s.distribution)];
    case "declare":
      return p.typed(s.name, s.type);
    case "predict":
    case "aux": {
      const value = s.kind === "predict" && s.value ? [" = ", p.expression(s.value)] : "";
      return [
        s.kind,
        " ",
        p.place(s.place),
        typing(p, s.type),
        s.distribution ? [" ~ ", p.distribution(s.distribution)] : "",
        value,
      ];
    }
    case "factor":
      return s.name ? ["factor ", p.identifier(s.name), " = ", p.expression(s.value)] : ["factor", p.parenthesised(s.value)];
    case "observe":
      return ["observe", p.parenthesised(s.value)];
    case "return":
      return ["return ", p.expression(s.value)];
    case "net":
      return ["net ", p.identifier(s.name), " = ", p.expression(s.value)];
    case "import":
      return ["import ", p.expression(s.path)];
    default:
      return unreachable(s, "simple");
  }
}

function starts(all: readonly { readonly span: SourceSpan }[]): number[] {
  return all.map((d) => d.span.start);
}

function typing(p: Printer, type: ast.TypeExpression | undefined): Doc {
  return type ? [": ", p.type(type)] : "";
}

/** factor(x) ~ D would read as a factor, return[1] ~ D in a function as a return. */
function target(p: Printer, e: ast.Expression): Doc {
  let first = e;
  for (;;) {
    if (first.kind === "binary") first = first.left;
    else if (first.kind === "conditional") first = first.condition;
    else if (first.kind === "index") first = first.base;
    else if (first.kind === "transpose") first = first.operand;
    else break;
  }
  const callee = first.kind === "call" ? first.callee.name : "";
  const misread =
    callee === "factor" ||
    callee === "observe" ||
    callee === "return" ||
    (first.kind === "name" && first.name === "return" && first !== e);
  return misread ? p.parenthesised(e) : p.expression(e);
}
