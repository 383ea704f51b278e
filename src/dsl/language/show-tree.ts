// A syntax tree as text, one statement a line: what `ppl dump --stage ast` shows and the tests compare. Places are left out.
import { unreachable } from "../../runtime/errors.ts";
import type * as ast from "./ast.ts";

export function showTree(file: Pick<ast.ModelFile, "statements">): string {
  return file.statements.map((s) => `${showStatement(s, "")}\n`).join("");
}

/** (head part part …), empty parts left out. */
function list(head: string, ...parts: readonly (string | undefined)[]): string {
  return `(${[head, ...parts.filter((p) => p !== undefined && p !== "")].join(" ")})`;
}

function block(head: string, body: readonly ast.Statement[], indent: string): string {
  const deeper = `${indent}  `;
  return `(${head}${body.map((s) => `\n${deeper}${showStatement(s, deeper)}`).join("")})`;
}

export function showStatement(s: ast.Statement, indent: string): string {
  switch (s.kind) {
    case "data":
      return list("data", ...s.declarations.map((d) => list(d.name.name, showType(d.type))));
    case "const":
      return list("const", ...s.declarations.map((d) => list(d.name.name, showExpression(d.value))));
    case "param":
      return list(
        "param",
        ...s.declarations.map((d) => list(d.name.name, showType(d.type), d.initial && showExpression(d.initial))),
      );
    case "let":
    case "quantity":
      return list(s.kind, showPlace(s.place), showExpression(s.value));
    case "sample":
      return list(
        "~",
        s.place ? showPlace(s.place) : list("value", showExpression(s.target)),
        s.type && showType(s.type),
        showDistribution(s.distribution),
      );
    case "declare":
      return list("declare", s.name.name, showType(s.type));
    case "predict":
      return list(
        "predict",
        showPlace(s.place),
        s.type && showType(s.type),
        s.distribution && list("~", showDistribution(s.distribution)),
        s.value && list("=", showExpression(s.value)),
      );
    case "aux":
      return list("aux", showPlace(s.place), s.type && showType(s.type), showDistribution(s.distribution));
    case "factor":
      return list("factor", s.name?.name, showExpression(s.value));
    case "observe":
    case "return":
      return list(s.kind, showExpression(s.value));
    case "net":
      return list("net", s.name.name, showExpression(s.value));
    case "import":
      return list("import", JSON.stringify(s.path.value));
    case "for":
      return block(["for", ...s.loops.map(showLoop)].join(" "), s.body, indent);
    case "if":
      return block(`if ${showExpression(s.condition)}`, s.then, indent) + (s.else ? ` ${block("else", s.else, indent)}` : "");
    case "fn":
      return showBody(`fn ${list(s.name.name, ...s.parameters.map((p) => p.name))}`, s.body, indent);
    case "density": {
      const typed = (p: { name: ast.Identifier; type: ast.TypeExpression }) => list(p.name.name, showType(p.type));
      const head = `density ${list(s.name.name, typed(s.variable), ";", ...s.parameters.map(typed))}`;
      return showBody(head, s.body, indent) + (s.simulate ? ` ${list("simulate", showExpression(s.simulate))}` : "");
    }
    case "guide":
    case "reverse":
      return block(s.kind, s.body, indent);
    case "objective":
      return list(
        "objective",
        ...s.goals.map((g) => list(g.sense, showExpression(g.value), g.over && list("over", g.over.name))),
      );
    default:
      return unreachable(s, "showStatement");
  }
}

function showBody(head: string, body: ast.Expression | readonly ast.Statement[], indent: string): string {
  return "kind" in body ? `(${head} ${showExpression(body)})` : block(head, body, indent);
}

function showPlace(p: ast.Place): string {
  return p.subscripts.length === 0 ? p.name.name : list("at", p.name.name, ...p.subscripts.map(showSubscript));
}

export function showType(type: ast.TypeExpression): string {
  const side = (e: ast.Expression | undefined) => (e ? showExpression(e) : "_");
  const bounds = type.bounds ? `<${side(type.bounds.lower)} ${side(type.bounds.upper)}>` : "";
  const sizes = type.sizes.length > 0 ? `[${type.sizes.map(showExpression).join(" ")}]` : "";
  return type.base.name + bounds + (type.optional ? "?" : "") + sizes;
}

function showDistribution(d: ast.DistributionExpression): string {
  return d.prefix.reduceRight((inner, word) => list(word, inner), showExpression(d.call));
}

function showSubscript(s: ast.Subscript): string {
  if (s.kind === "all") return "all";
  if (s.kind === "at") return showExpression(s.value);
  return list("..", s.lower ? showExpression(s.lower) : "_", s.upper ? showExpression(s.upper) : "_");
}

function showLoop(l: ast.LoopIndex): string {
  const over = l.over.kind === "range" ? showSubscript(l.over) : showExpression(l.over);
  return list(l.variable.name, over, l.by && list("by", showExpression(l.by)));
}

export function showExpression(e: ast.Expression): string {
  switch (e.kind) {
    case "number":
      return e.text;
    case "boolean":
      return String(e.value);
    case "string":
      return JSON.stringify(e.value);
    case "name":
      return e.name;
    case "call":
      return list(
        "call",
        e.callee.name,
        ...e.arguments.map((a) => (a.name ? list("=", a.name.name, showExpression(a.value)) : showExpression(a.value))),
      );
    case "index":
      return list("at", showExpression(e.base), ...e.subscripts.map(showSubscript));
    case "unary":
      return list(e.operator, showExpression(e.operand));
    case "binary":
      return list(e.operator, showExpression(e.left), showExpression(e.right));
    case "transpose":
      return list("'", showExpression(e.operand));
    case "conditional":
      return list("?", showExpression(e.condition), showExpression(e.then), showExpression(e.else));
    case "array":
      return `[${e.elements.map(showExpression).join(" ")}]`;
    case "comprehension":
      return `[${showExpression(e.body)} ${["for", ...e.loops.map(showLoop)].join(" ")}]`;
    default:
      return unreachable(e, "showExpression");
  }
}
