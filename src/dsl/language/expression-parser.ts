// The grammar of expressions. Rules return syntax trees; words for errors are in parse-errors.ts.
import type { ParserMethod } from "chevrotain";
import type { Diagnostic, SourceSpan } from "../diagnostics.ts";
import type * as ast from "./ast.ts";
import { EmbeddedActionsParser } from "./chevrotain.ts";
import { expectations } from "./expectations.ts";
import { type RunItem, treeOf } from "./operators.ts";
import type { Token } from "./tokens.ts";
import * as t from "./tokens.ts";

/** One token of lookahead is enough after layout.ts; `validate` has chevrotain prove it, which takes longer than building the parser. */
export interface GrammarOptions {
  readonly validate: boolean;
}

export class ExpressionParser extends EmbeddedActionsParser {
  protected file = 0;
  protected reports: Diagnostic[] = [];

  constructor(options: GrammarOptions) {
    super(t.vocabulary, {
      maxLookahead: 1,
      recoveryEnabled: false,
      skipValidations: !options.validate,
      errorMessageProvider: expectations,
    });
  }

  // ---------------------------------------------------------------- places and reports

  /** From an offset to the end of what was read last. */
  protected spanFrom(start: number): SourceSpan {
    return { file: this.file, start, end: this.LA(0).endOffset! + 1 };
  }

  protected report(code: string, span: SourceSpan, message: string, label?: string, ...notes: string[]): void {
    this.reports.push({ severity: "error", code, message, span, label, notes });
  }

  /** CONSUME, as our token; its index tells apart the calls of one rule. */
  protected take(index: 0 | 1 | 2, type: t.TokenType, expected?: string): Token {
    // Every token of the input was made by `token` in tokens.ts.
    return this.consume(index, type, expected ? { ERR_MSG: expected } : undefined) as Token;
  }

  protected identifier(at: Token): ast.Identifier {
    return { name: at.text ?? at.image, span: { file: this.file, start: at.startOffset, end: at.endOffset + 1 } };
  }

  // ---------------------------------------------------------------- expressions

  /** a |> f |> g, below everything else. */
  readonly expression: ParserMethod<[], ast.Expression> = this.RULE("expression", () => {
    let left = this.SUBRULE(this.conditional);
    this.MANY(() => {
      this.take(0, t.Pipe);
      const right = this.SUBRULE1(this.conditional);
      left = this.ACTION(() => ({ kind: "binary", operator: "|>", left, right, span: this.spanFrom(left.span.start) }));
    });
    return left;
  });

  /** c1 ? a1 : c2 ? a2 : b, read in a loop: only the middle nests. */
  protected readonly conditional: ParserMethod<[], ast.Expression> = this.RULE("conditional", () => {
    const arms: { condition: ast.Expression; then: ast.Expression }[] = [];
    let last = this.SUBRULE(this.operation);
    this.MANY(() => {
      this.take(0, t.Question);
      const then = this.SUBRULE(this.expression);
      this.take(0, t.Colon);
      arms.push({ condition: last, then });
      last = this.SUBRULE1(this.operation);
    });
    return this.ACTION(() =>
      arms.reduceRight<ast.Expression>(
        (otherwise, { condition, then }) => ({
          kind: "conditional",
          condition,
          then,
          else: otherwise,
          span: { ...condition.span, end: otherwise.span.end },
        }),
        last,
      ),
    );
  });

  /** A flat run of operands, signs and operators; operators.ts makes the tree. */
  protected readonly operation: ParserMethod<[], ast.Expression> = this.RULE("operation", () => {
    const run: RunItem[] = [];
    this.SUBRULE(this.signed, { ARGS: [run] });
    this.MANY(() => {
      const sign = this.OR<Token>([{ ALT: () => this.take(0, t.Sign) }, { ALT: () => this.take(0, t.Operator) }]);
      // The scanner gives these types to no other signs.
      run.push({ kind: "infix", operator: sign.image as ast.BinaryOperator });
      this.SUBRULE1(this.signed, { ARGS: [run] });
    });
    return this.ACTION(() =>
      treeOf(run, this.file, (e) =>
        this.report("PPL119", e.span, "comparisons do not chain", undefined, "write both and join them: 0 < x && x < 1"),
      ),
    );
  });

  protected readonly signed = this.RULE("signed", (run: RunItem[]) => {
    this.MANY(() => {
      const sign = this.OR<Token>([{ ALT: () => this.take(0, t.Sign) }, { ALT: () => this.take(0, t.Not) }]);
      this.ACTION(() => run.push({ kind: "prefix", operator: sign.image as ast.Unary["operator"], start: sign.startOffset }));
    });
    const value = this.SUBRULE(this.postfix);
    this.ACTION(() => run.push({ kind: "operand", value }));
  });

  protected readonly postfix: ParserMethod<[], ast.Expression> = this.RULE("postfix", () => {
    let e = this.SUBRULE(this.primary);
    this.MANY(() => {
      e = this.OR<ast.Expression>([
        {
          ALT: () => {
            this.take(0, t.Prime);
            return this.ACTION(() => ({ kind: "transpose", operand: e, span: this.spanFrom(e.span.start) }));
          },
        },
        {
          ALT: () => {
            const subscripts = this.SUBRULE(this.subscripts);
            return this.ACTION(() => ({ kind: "index", base: e, subscripts, span: this.spanFrom(e.span.start) }));
          },
        },
      ]);
    });
    return e;
  });

  protected readonly primary: ParserMethod<[], ast.Expression> = this.RULE("primary", () =>
    this.OR<ast.Expression>({
      DEF: [
        { ALT: () => this.SUBRULE(this.nameOrCall) },
        { ALT: () => this.literal(this.take(0, t.NumberToken)) },
        { ALT: () => this.literal(this.take(0, t.BooleanToken)) },
        { ALT: () => this.literal(this.take(0, t.StringToken)) },
        { ALT: () => this.literal(this.take(0, t.Hole)) },
        {
          ALT: () => {
            const start = this.take(0, t.LeftParen).startOffset;
            const e = this.SUBRULE(this.expression);
            this.take(0, t.RightParen);
            // With its parentheses, so that carets under a larger expression begin at the bracket.
            return this.ACTION(() => ({ ...e, span: this.spanFrom(start) }));
          },
        },
        { ALT: () => this.SUBRULE(this.arrayOrComprehension) },
      ],
      ERR_MSG: "a value",
    }),
  );

  private literal(at: Token): ast.Expression {
    if (at.value) return at.value(this.file, at.startOffset);
    const span = this.identifier(at).span;
    if (at.tokenType === t.StringToken) return { kind: "string", value: at.text!, span };
    if (at.tokenType === t.BooleanToken) return { kind: "boolean", value: at.text === "true", span };
    return { kind: "number", value: Number(at.image), integer: /^[0-9]*$/.test(at.image), text: at.image, span };
  }

  protected readonly nameOrCall: ParserMethod<[], ast.Expression> = this.RULE("nameOrCall", () => {
    const at = this.take(0, t.NameToken);
    const callee = this.identifier(at);
    let called: ast.Argument[] | undefined;
    this.OPTION(() => {
      called = this.SUBRULE(this.callArguments);
    });
    return this.ACTION(
      (): ast.Expression =>
        called
          ? { kind: "call", callee, arguments: called, span: this.spanFrom(at.startOffset) }
          : { kind: "name", name: callee.name, span: callee.span },
    );
  });

  protected readonly callArguments: ParserMethod<[], ast.Argument[]> = this.RULE("callArguments", () => {
    const all: ast.Argument[] = [];
    this.take(0, t.LeftParen);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => all.push(this.SUBRULE(this.argument)) });
    this.take(0, t.RightParen, "a comma or )");
    return all;
  });

  protected readonly argument: ParserMethod<[], ast.Argument> = this.RULE("argument", () => {
    let name: Token | undefined;
    this.OPTION(() => {
      name = this.take(0, t.ArgumentName);
      this.take(0, t.Equals);
    });
    const value = this.SUBRULE(this.expression);
    return this.ACTION(() =>
      name ? { name: this.identifier(name), value, span: this.spanFrom(name.startOffset) } : { value, span: value.span },
    );
  });

  protected readonly subscripts: ParserMethod<[], ast.Subscript[]> = this.RULE("subscripts", () => {
    const all: ast.Subscript[] = [];
    const open = this.take(0, t.LeftBracket);
    all.push(this.SUBRULE(this.subscript));
    this.MANY(() => {
      this.take(0, t.Comma);
      all.push(this.SUBRULE1(this.subscript));
    });
    this.take(0, t.RightBracket, "a comma or ]");
    this.ACTION(() => {
      if (all.length === 1 && all[0].kind === "all") {
        this.report(
          "PPL110",
          this.spanFrom(open.startOffset),
          "an index is missing in [ ]",
          undefined,
          "x alone is the whole of it; x[, j] takes all of the first axis",
        );
      }
    });
    return all;
  });

  /** Nothing (the whole axis), an index, or a range with either end. */
  protected readonly subscript: ParserMethod<[], ast.Subscript> = this.RULE("subscript", () => {
    let lower: ast.Expression | undefined;
    let upper: ast.Expression | undefined;
    let dots: Token | undefined;
    this.OPTION(() => {
      lower = this.SUBRULE(this.expression);
    });
    this.OPTION1(() => {
      dots = this.take(0, t.DotDot);
      this.OPTION2(() => {
        upper = this.SUBRULE1(this.expression);
      });
    });
    return this.ACTION((): ast.Subscript => {
      if (dots)
        return {
          kind: "range",
          ...(lower && { lower }),
          ...(upper && { upper }),
          span: this.spanFrom(lower?.span.start ?? dots.startOffset),
        };
      if (lower) return { kind: "at", value: lower, span: lower.span };
      const here = this.LA(0).endOffset! + 1;
      return { kind: "all", span: { file: this.file, start: here, end: here } };
    });
  });

  protected readonly arrayOrComprehension: ParserMethod<[], ast.Expression> = this.RULE("arrayOrComprehension", () => {
    const elements: ast.Expression[] = [];
    let loops: ast.LoopIndex[] | undefined;
    const open = this.take(0, t.LeftBracket);
    this.OPTION(() => {
      elements.push(this.SUBRULE(this.expression));
      this.OR([
        {
          ALT: () => {
            this.take(0, t.For);
            loops = this.SUBRULE(this.loops);
          },
        },
        {
          ALT: () =>
            this.MANY(() => {
              this.take(0, t.Comma);
              elements.push(this.SUBRULE1(this.expression));
            }),
        },
      ]);
    });
    this.take(0, t.RightBracket, "a comma or ]");
    return this.ACTION(
      (): ast.Expression =>
        loops
          ? { kind: "comprehension", body: elements[0], loops, span: this.spanFrom(open.startOffset) }
          : { kind: "array", elements, span: this.spanFrom(open.startOffset) },
    );
  });

  /** i in 1..N, j in idx, t in T..1 by -1 */
  protected readonly loops: ParserMethod<[], ast.LoopIndex[]> = this.RULE("loops", () => {
    const all: ast.LoopIndex[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => all.push(this.SUBRULE(this.loop)),
      ERR_MSG: "the name of the loop's variable",
    });
    return all;
  });

  protected readonly loop: ParserMethod<[], ast.LoopIndex> = this.RULE("loop", () => {
    const variable = this.take(0, t.NameToken, "the name of the loop's variable");
    this.take(0, t.In, "in");
    const lower = this.SUBRULE(this.expression);
    let upper: ast.Expression | undefined;
    let by: ast.Expression | undefined;
    this.OPTION(() => {
      this.take(0, t.DotDot);
      upper = this.SUBRULE1(this.expression);
    });
    this.OPTION1(() => {
      this.take(0, t.By);
      by = this.SUBRULE2(this.expression);
    });
    return this.ACTION(() => ({
      variable: this.identifier(variable),
      over: upper ? { kind: "range" as const, lower, upper, span: { ...lower.span, end: upper.span.end } } : lower,
      ...(by && { by }),
      span: this.spanFrom(variable.startOffset),
    }));
  });
}
