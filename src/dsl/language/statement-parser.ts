// The grammar of statements, and recovery: a statement that cannot be read is reported and left at its end.
import type { IToken, ParserMethod } from "chevrotain";
import type { Diagnostic } from "../diagnostics.ts";
import type * as ast from "./ast.ts";
import { isRecognitionException } from "./chevrotain.ts";
import { expected } from "./expectations.ts";
import type { GrammarOptions } from "./expression-parser.ts";
import { explain } from "./parse-errors.ts";
import { RelationParser } from "./relation-parser.ts";
import type { Token, TokenType } from "./tokens.ts";
import * as t from "./tokens.ts";

/** A text with more errors is not worth more words. */
const MAX_ERRORS = 100;

/** A token with its place among those of the text. */
interface Placed extends Token {
  readonly index: number;
}

const braces: ReadonlyMap<TokenType, number> = new Map([
  [t.LeftBrace, 1],
  [t.RightBrace, -1],
]);

export class StatementParser extends RelationParser {
  private tokens: readonly Placed[] = [];
  private text = "";
  /** What scanner and layout have found. */
  private before: readonly Diagnostic[] = [];
  constructor(options: GrammarOptions) {
    super(options);
    this.performSelfAnalysis();
  }

  model(
    tokens: readonly Token[],
    text: string,
    file: number,
    before: readonly Diagnostic[],
  ): { readonly statements: readonly ast.Statement[]; readonly diagnostics: readonly Diagnostic[] } {
    this.begin(tokens, text, file, before);
    const statements = this.modelFile();
    return { statements, diagnostics: [...before, ...this.reports] };
  }

  expressionAlone(tokens: readonly Token[], file: number): ast.Expression | undefined {
    this.begin(tokens, "", file, []);
    const e = this.expression();
    return this.errors.length + this.reports.length > 0 ? undefined : e;
  }

  private begin(tokens: readonly Token[], text: string, file: number, before: readonly Diagnostic[]): void {
    this.tokens = tokens.map((k, index) => ({ ...k, index }));
    this.input = [...this.tokens];
    this.text = text;
    this.file = file;
    this.before = before;
    this.reports = [];
    this.functions = 0;
  }

  // ---------------------------------------------------------------- sequences, and recovery

  protected readonly modelFile: ParserMethod<[], ast.Statement[]> = this.RULE("modelFile", () => this.SUBRULE(this.sequence));

  protected readonly block: ParserMethod<[], ast.Statement[]> = this.RULE("block", () => {
    this.take(0, t.LeftBrace, expected.block);
    const statements = this.SUBRULE(this.sequence);
    this.take(0, t.RightBrace);
    return statements;
  });

  protected readonly sequence: ParserMethod<[], ast.Statement[]> = this.RULE("sequence", () => {
    const statements: ast.Statement[] = [];
    if (this.RECORDING_PHASE) {
      // What chevrotain is to know of the loop below.
      this.MANY(() => this.OR([{ ALT: () => this.take(0, t.NewLine) }, { ALT: () => this.SUBRULE(this.statement) }]));
      return statements;
    }
    const inBlock = this.LA(0).tokenType === t.LeftBrace;
    for (;;) {
      const next = this.LA(1);
      if (next.tokenType === t.End || (next.tokenType === t.RightBrace && inBlock)) return statements;
      if (next.tokenType === t.NewLine) {
        this.take(0, t.NewLine);
        continue;
      }
      try {
        statements.push(this.SUBRULE(this.statement));
        this.endOfStatement();
      } catch (e) {
        if (!(e instanceof Error && isRecognitionException(e))) throw e;
        // Every token but the end's was made in `begin`.
        this.recover(next as Placed, e.message);
      }
    }
  });

  private endOfStatement(): void {
    const k = this.LA(1).tokenType;
    // A closing brace ends its statement: the next one may stand on its line.
    if (k === t.NewLine || k === t.End || k === t.RightBrace || this.LA(0).tokenType === t.RightBrace) return;
    this.take(0, t.NewLine, expected.end);
  }

  /** To the statement's end; blocks on the way are read. What scanner or layout said about the statement is enough. */
  private recover(first: Placed, expectation: string): void {
    const at = this.indexOf(this.LA(1));
    // Braces that the statement opened by itself, as objective does.
    let open = 0;
    for (let i = first.index; i < at; i++) open += braces.get(this.tokens[i].tokenType) ?? 0;
    let end = 0;
    for (;;) {
      const k = this.LA(1).tokenType;
      // What would not be reported need not be read.
      if (this.reports.length >= MAX_ERRORS && k !== t.End) {
        this.take(0, k);
        continue;
      }
      if (k === t.End || (open === 0 && (k === t.NewLine || k === t.RightBrace))) break;
      if (k === t.LeftBrace) {
        end ||= this.LA(1).startOffset;
        this.SUBRULE(this.block);
      } else {
        if (k === t.RightBrace) open--;
        this.take(0, k);
      }
    }
    // To the next token: the scanner leaves out what it cannot read.
    end ||= this.LA(1).tokenType === t.End ? this.text.length : this.LA(1).startOffset;
    if (this.reports.length >= MAX_ERRORS || this.before.some((d) => d.span.start >= first.startOffset && d.span.start <= end))
      return;
    const statement = this.tokens.slice(first.index, at);
    const rest = this.tokens.slice(at, at + 16);
    const found = explain({
      statement,
      rest,
      before: this.tokens[first.index - 1],
      expectation,
      text: this.text,
      file: this.file,
    });
    // A line that begins with an operator is the fault of two statements.
    if (!this.reports.some((d) => d.code === found.code && d.span.start === found.span.start)) this.reports.push(found);
  }

  private indexOf(token: IToken): number {
    return token.tokenType === t.End ? this.tokens.length : (token as Placed).index;
  }

  // ---------------------------------------------------------------- statements

  protected readonly statement: ParserMethod<[], ast.Statement> = this.RULE("statement", () =>
    this.OR<ast.Statement>({
      DEF: [
        { ALT: () => this.SUBRULE(this.dataStatement) },
        { ALT: () => this.SUBRULE(this.constStatement) },
        { ALT: () => this.SUBRULE(this.paramStatement) },
        { ALT: () => this.SUBRULE(this.letStatement) },
        { ALT: () => this.SUBRULE(this.predictStatement) },
        { ALT: () => this.SUBRULE(this.auxStatement) },
        { ALT: () => this.SUBRULE(this.factorStatement) },
        { ALT: () => this.SUBRULE(this.observeStatement) },
        { ALT: () => this.SUBRULE(this.forStatement) },
        { ALT: () => this.SUBRULE(this.ifStatement) },
        { ALT: () => this.SUBRULE(this.fnStatement) },
        { ALT: () => this.SUBRULE(this.returnStatement) },
        { ALT: () => this.SUBRULE(this.densityStatement) },
        { ALT: () => this.SUBRULE(this.netStatement) },
        { ALT: () => this.SUBRULE(this.importStatement) },
        { ALT: () => this.SUBRULE(this.guideStatement) },
        { ALT: () => this.SUBRULE(this.objectiveStatement) },
        { ALT: () => this.SUBRULE(this.sampleStatement) },
      ],
      ERR_MSG: expected.statement,
    }),
  );

  protected readonly forStatement = this.RULE("forStatement", (): ast.ForStatement => {
    const keyword = this.take(0, t.For);
    const loops = this.SUBRULE(this.loops);
    const body = this.SUBRULE(this.block);
    return this.ACTION(() => ({ kind: "for", loops, body, span: this.spanFrom(keyword.startOffset) }));
  });

  /** The arms are read in a loop, so that a long chain of else if needs no recursion. */
  protected readonly ifStatement = this.RULE("ifStatement", (): ast.IfStatement => {
    const arms: { start: number; condition: ast.Expression; then: ast.Statement[] }[] = [];
    let otherwise: ast.Statement[] | undefined;
    const arm = (start: number, condition: ast.Expression, then: ast.Statement[]) =>
      this.ACTION(() => arms.push({ start, condition, then }));
    const keyword = this.take(0, t.If);
    arm(keyword.startOffset, this.SUBRULE(this.expression), this.SUBRULE(this.block));
    const another = () => {
      this.take(0, t.Else);
      this.OR({
        DEF: [
          {
            ALT: () => {
              const start = this.take(1, t.If).startOffset;
              arm(start, this.SUBRULE1(this.expression), this.SUBRULE1(this.block));
            },
          },
          {
            ALT: () => {
              otherwise = this.SUBRULE2(this.block);
            },
          },
        ],
        ERR_MSG: expected.elseBlock,
      });
    };
    this.MANY({ GATE: () => otherwise === undefined, DEF: another });
    return this.ACTION(() => {
      const { end } = this.spanFrom(keyword.startOffset);
      const nested = arms.reduceRight<ast.IfStatement | undefined>((inner, { start, condition, then }) => {
        const rest = inner ? [inner] : otherwise;
        return { kind: "if", condition, then, ...(rest && { else: rest }), span: { file: this.file, start, end } };
      }, undefined);
      return nested!;
    });
  });

  protected readonly returnStatement = this.RULE("returnStatement", (): ast.ReturnStatement => {
    const keyword = this.take(0, t.Return);
    const value = this.SUBRULE(this.expression);
    return this.ACTION(() => {
      const span = this.spanFrom(keyword.startOffset);
      if (this.functions === 0)
        this.report(
          "PPL126",
          span,
          "return belongs into a function",
          undefined,
          "a model returns nothing; a value to be saved is quantity x = e",
        );
      return { kind: "return", value, span };
    });
  });

  protected readonly guideStatement = this.RULE("guideStatement", (): ast.GuideStatement | ast.ReverseStatement => {
    const keyword = this.OR<Token>([{ ALT: () => this.take(0, t.Guide) }, { ALT: () => this.take(0, t.Reverse) }]);
    const body = this.SUBRULE(this.block);
    return this.ACTION(() => ({
      kind: keyword.tokenType === t.Guide ? "guide" : "reverse",
      body,
      span: this.spanFrom(keyword.startOffset),
    }));
  });

  /** objective { maximise e over group; minimise e } */
  protected readonly objectiveStatement = this.RULE("objectiveStatement", (): ast.ObjectiveStatement => {
    const goals: ast.ObjectiveStatement["goals"][number][] = [];
    const keyword = this.take(0, t.Objective);
    this.take(0, t.LeftBrace);
    this.MANY(() => this.take(0, t.NewLine));
    this.MANY1(() => {
      goals.push(this.SUBRULE(this.goal));
      this.MANY2(() => this.take(1, t.NewLine));
    });
    this.take(0, t.RightBrace, expected.goal);
    return this.ACTION(() => ({ kind: "objective", goals, span: this.spanFrom(keyword.startOffset) }));
  });

  protected readonly goal: ParserMethod<[], ast.ObjectiveStatement["goals"][number]> = this.RULE("goal", () => {
    const word = this.take(0, t.Goal);
    const value = this.SUBRULE(this.expression);
    const over = this.OPTION(() => {
      this.take(0, t.Over);
      return this.take(0, t.NameToken, expected.name);
    });
    return this.ACTION(() => ({
      sense: word.text!.startsWith("max") ? ("maximise" as const) : ("minimise" as const),
      value,
      ...(over && { over: this.identifier(over) }),
      span: this.spanFrom(word.startOffset),
    }));
  });
}
