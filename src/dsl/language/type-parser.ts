// The grammar of types, and of what stands right of ~.
import type { ParserMethod } from "chevrotain";
import type * as ast from "./ast.ts";
import { expected } from "./expectations.ts";
import { ExpressionParser } from "./expression-parser.ts";
import * as t from "./tokens.ts";

export class TypeParser extends ExpressionParser {
  /** real<lo, hi>?[N, M] */
  protected readonly type: ParserMethod<[], ast.TypeExpression> = this.RULE("type", () => {
    const at = this.take(0, t.NameToken, "a type");
    let optional = false;
    let bounds: ast.TypeExpression["bounds"];
    let sizes: ast.Expression[] = [];
    this.OPTION(() => {
      this.take(0, t.Optional);
      optional = true;
    });
    this.OPTION1(() => {
      bounds = this.SUBRULE(this.bounds);
    });
    this.OPTION2(() => {
      this.take(1, t.Optional);
      optional = true;
    });
    this.OPTION3(() => {
      sizes = this.SUBRULE(this.sizes);
    });
    return this.ACTION(() => ({
      base: this.identifier(at),
      optional,
      ...(bounds && { bounds }),
      sizes,
      span: this.spanFrom(at.startOffset),
    }));
  });

  protected readonly bounds = this.RULE("bounds", () => {
    let lower: ast.Expression | undefined;
    let upper: ast.Expression | undefined;
    const open = this.take(0, t.LeftBound);
    this.OPTION(() => {
      lower = this.SUBRULE(this.expression);
    });
    this.take(0, t.Comma, expected.boundsComma);
    this.OPTION1(() => {
      upper = this.SUBRULE1(this.expression);
    });
    this.take(0, t.RightBound, "> after the bounds");
    return this.ACTION(() => {
      const span = this.spanFrom(open.startOffset);
      if (!lower && !upper)
        this.report("PPL118", span, "these bounds bound nothing", undefined, "give one side: real<0,> or real<,1>");
      return { ...(lower && { lower }), ...(upper && { upper }), span };
    });
  });

  protected readonly sizes = this.RULE("sizes", () => {
    const all: ast.Expression[] = [];
    this.take(0, t.LeftBracket);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => all.push(this.SUBRULE(this.expression)), ERR_MSG: "a size" });
    this.take(0, t.RightBracket, "a comma or ]");
    return all;
  });

  /** Right of ~: any expression is read, so that one that is no call gets a message of its own. */
  protected readonly distribution: ParserMethod<[], ast.DistributionExpression> = this.RULE("distribution", () => {
    const prefix: ("noncentered" | "unnormalized")[] = [];
    let start: number | undefined;
    this.MANY(() => {
      const word = this.take(0, t.Prefix);
      start ??= word.startOffset;
      // Layout makes prefixes of these two words only.
      prefix.push(word.text as "noncentered" | "unnormalized");
    });
    const e = this.SUBRULE(this.expression);
    return this.ACTION(() => ({ prefix, call: this.call(e), span: this.spanFrom(start ?? e.span.start) }));
  });

  private call(e: ast.Expression): ast.Call {
    if (e.kind === "call") return e;
    if (e.kind === "name" && /^\p{Lu}/u.test(e.name)) {
      this.report(
        "PPL128",
        e.span,
        `${e.name} needs its parentheses`,
        undefined,
        `write ${e.name}(), with its arguments between them`,
      );
    } else {
      const note =
        e.kind === "conditional"
          ? "choose among the arguments instead: Normal(c ? a : b, s)"
          : "a distribution is a call: Normal(0, 1)";
      this.report("PPL122", e.span, "a distribution must stand right of ~", "this is a value", note);
    }
    return { kind: "call", callee: { name: "", span: e.span }, arguments: [], span: e.span };
  }
}
