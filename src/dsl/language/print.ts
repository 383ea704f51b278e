// The canonical spelling of expressions, types and heads of statements, as documents for doc.ts.
import { unreachable } from "../../runtime/errors.ts";
import type * as ast from "./ast.ts";
import { type CommentQueue, close, type Doc, fill, group, indent, line, mark, open, softLine } from "./doc.ts";
import { isComparison, precedence } from "./operators.ts";

interface Place {
  readonly span: ast.Identifier["span"];
}

export class Printer {
  private readonly comments: CommentQueue;

  constructor(comments: CommentQueue) {
    this.comments = comments;
  }

  // ---------------------------------------------------------------- lists

  /** (a, b, c): on one line, or each on its own. */
  private bracketed(left: string, items: readonly Doc[], starts: readonly number[], right: string, whole: Place): Doc {
    if (items.length === 0) return [open(left), close(right)];
    const inner = items.map((item, i) => [i === 0 ? softLine(starts[i]) : [",", line(starts[i])], item]);
    const { start, end } = whole.span;
    return group([open(left), indent(inner), softLine(end - 1), close(right)], this.comments.breaks(start, end));
  }

  /** a, b: as a keyword's declarations, which go on after a comma. */
  series(items: readonly Doc[], starts: readonly number[]): Doc {
    return group(indent(items.map((item, i) => (i === 0 ? item : [",", line(starts[i]), item]))));
  }

  identifier(id: ast.Identifier): Doc {
    return [mark(id.span.start), id.name];
  }

  // ---------------------------------------------------------------- expressions

  /** With parentheses if it binds less tightly than `least`. `tight`: a sum in a subscript or a range, K+1..2*K. */
  expression(e: ast.Expression, least = 0, tight = false): Doc {
    if (strength(e) < least) return this.parenthesised(e);
    switch (e.kind) {
      case "number":
        return [mark(e.span.start), e.text];
      case "boolean":
        return [mark(e.span.start), String(e.value)];
      case "string":
        return [mark(e.span.start), quoted(e.value)];
      case "name":
        return [mark(e.span.start), e.name];
      case "call":
        return this.call(e);
      case "index":
        return [this.expression(e.base, precedence.postfix), this.subscripts(e.subscripts, e)];
      case "transpose":
        return [this.expression(e.operand, precedence.postfix), "'"];
      case "unary":
        return [mark(e.span.start), e.operator, this.expression(e.operand, precedence.unary, tight)];
      case "binary":
        return this.binary(e, tight);
      case "conditional":
        return this.conditional(e);
      case "array":
        return this.array(e);
      case "comprehension":
        return this.comprehension(e);
      default:
        return unreachable(e, "Printer.expression");
    }
  }

  parenthesised(e: ast.Expression): Doc {
    return group([mark(e.span.start), open("("), indent([softLine(), this.expression(e)]), softLine(), close(")")]);
  }

  call(e: ast.Call): Doc {
    const items = e.arguments.map((a) =>
      a.name ? [this.identifier(a.name), " = ", this.expression(a.value)] : this.expression(a.value),
    );
    const starts = e.arguments.map((a) => a.span.start);
    return [this.identifier(e.callee), this.bracketed("(", items, starts, ")", e)];
  }

  subscripts(all: readonly ast.Subscript[], whole: Place): Doc {
    // Nothing stands for a whole axis: x[, j], x[i,].
    const items = all.map((s, i) => [i === 0 ? "" : s.kind === "all" ? "," : ", ", this.subscript(s)]);
    const starts = all.map((s) => s.span.start);
    if (!this.comments.breaks(whole.span.start, whole.span.end) || all.some((s) => s.kind === "all"))
      return [open("["), items, close("]")];
    return this.bracketed(
      "[",
      all.map((s) => this.subscript(s)),
      starts,
      "]",
      whole,
    );
  }

  private subscript(s: ast.Subscript): Doc {
    if (s.kind === "all") return "";
    if (s.kind === "at") return this.expression(s.value, 0, true);
    return this.range(s);
  }

  private range(r: ast.Range): Doc {
    return [r.lower ? this.expression(r.lower, 0, true) : "", "..", r.upper ? this.expression(r.upper, 0, true) : ""];
  }

  /** Operands of one rank in one group: broken after its operators, all or none. */
  private binary(e: ast.Binary, tight: boolean): Doc {
    const rank = precedence[e.operator];
    if (e.operator === "^") {
      // Right-associative; left of it a sign needs parentheses, right of it none.
      return [this.expression(e.left, rank + 1), "^", this.expression(e.right, precedence.unary)];
    }
    const chain: ast.Binary[] = [e];
    // Comparisons do not chain.
    for (let left = e.left; left.kind === "binary" && precedence[left.operator] === rank && !isComparison(left); left = left.left)
      chain.unshift(left);
    const isTight = tight && rank >= precedence["+"];
    const first = this.expression(chain[0].left, isComparison(e) ? rank + 1 : rank, isTight);
    const rest = chain.map((b) => {
      const right = this.expression(b.right, rank + 1, isTight);
      return isTight ? [b.operator, right] : [" ", b.operator, line(b.right.span.start), right];
    });
    return group([first, indent(rest)], this.comments.breaks(e.span.start, e.span.end));
  }

  private conditional(e: ast.Conditional): Doc {
    const arms: Doc[] = [];
    let last: ast.Expression = e;
    for (; last.kind === "conditional"; last = last.else) {
      const condition = this.expression(last.condition, precedence.conditional + 1);
      arms.push([condition, " ?", line(last.then.span.start), this.expression(last.then), " :", line(last.else.span.start)]);
    }
    return group(
      indent([arms, this.expression(last, precedence.conditional + 1)]),
      this.comments.breaks(e.span.start, e.span.end),
    );
  }

  private array(e: ast.ArrayLiteral): Doc {
    const { start, end } = e.span;
    const items = e.elements.map((x) => this.expression(x));
    const numbers = e.elements.every((x) => x.kind === "number" || (x.kind === "unary" && x.operand.kind === "number"));
    if (numbers && e.elements.length > 0 && !this.comments.within(start, end)) {
      return group([open("["), indent([softLine(), fill(items)]), softLine(), close("]")]);
    }
    return this.bracketed(
      "[",
      items,
      e.elements.map((x) => x.span.start),
      "]",
      e,
    );
  }

  private comprehension(e: ast.Comprehension): Doc {
    const { start, end } = e.span;
    const inner = [
      softLine(e.body.span.start),
      this.expression(e.body),
      line(e.loops[0].span.start),
      "for ",
      this.loops(e.loops),
    ];
    return group([open("["), indent(inner), softLine(end - 1), close("]")], this.comments.breaks(start, end));
  }

  loops(loops: readonly ast.LoopIndex[]): Doc {
    const items = loops.map((l) => {
      const over = l.over.kind === "range" ? this.range(l.over) : this.expression(l.over);
      return [this.identifier(l.variable), " in ", over, l.by ? [" by ", this.expression(l.by)] : ""];
    });
    return this.series(
      items,
      loops.map((l) => l.span.start),
    );
  }

  // ---------------------------------------------------------------- types, distributions, heads

  type(t: ast.TypeExpression): Doc {
    const { bounds } = t;
    const side = (e: ast.Expression | undefined) => (e ? this.expression(e, precedence["<"] + 1) : "");
    const between = bounds?.lower && bounds.upper ? ", " : ",";
    const sizes = t.sizes.map((e) => this.expression(e));
    return [
      this.identifier(t.base),
      bounds ? [open("<"), side(bounds.lower), between, side(bounds.upper), close(">")] : "",
      t.optional ? "?" : "",
      sizes.length > 0 ? [open("["), sizes.map((s, i) => (i === 0 ? s : [", ", s])), close("]")] : "",
    ];
  }

  typed(name: ast.Identifier, type: ast.TypeExpression): Doc {
    return [this.identifier(name), ": ", this.type(type)];
  }

  distribution(d: ast.DistributionExpression): Doc {
    return [mark(d.span.start), d.prefix.map((word) => `${word} `), this.call(d.call)];
  }

  place(p: ast.Place): Doc {
    return [this.identifier(p.name), p.subscripts.length > 0 ? this.subscripts(p.subscripts, p) : ""];
  }

  parameters(names: readonly ast.Identifier[], whole: Place): Doc {
    return this.bracketed(
      "(",
      names.map((n) => this.identifier(n)),
      names.map((n) => n.span.start),
      ")",
      whole,
    );
  }

  /** (x: real; a: positive, b: positive) */
  densityHead(s: ast.DensityStatement): Doc {
    const items = s.parameters.map((p, i) => [i === 0 ? ";" : ",", line(p.name.span.start), this.typed(p.name, p.type)]);
    return group([open("("), indent([softLine(), this.typed(s.variable.name, s.variable.type), items]), softLine(), close(")")]);
  }
}

function strength(e: ast.Expression): number {
  switch (e.kind) {
    case "binary":
      return precedence[e.operator];
    case "conditional":
      return precedence.conditional;
    case "unary":
      return precedence.unary;
    default:
      return precedence.postfix;
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, (c) => `\\${c}`)}"`;
}
