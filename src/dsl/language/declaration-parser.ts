// The grammar of statements that may stand anywhere: data, const, param, net, fn, density, import.
import type { ParserMethod } from "chevrotain";
import type * as ast from "./ast.ts";
import { expected } from "./expectations.ts";
import * as t from "./tokens.ts";
import { TypeParser } from "./type-parser.ts";

export abstract class DeclarationParser extends TypeParser {
  /** Bodies of fn and density that are open. */
  protected functions = 0;
  /** Statements in braces. */
  protected abstract readonly block: ParserMethod<[], ast.Statement[]>;

  protected readonly dataStatement = this.RULE("dataStatement", (): ast.DataStatement => {
    const keyword = this.take(0, t.Data);
    const declarations = this.SUBRULE(this.typedNames);
    return this.ACTION(() => ({ kind: "data", declarations, span: this.spanFrom(keyword.startOffset) }));
  });

  /** a: type, b: type */
  protected readonly typedNames: ParserMethod<[], ast.DataStatement["declarations"][number][]> = this.RULE("typedNames", () => {
    const all: ast.DataStatement["declarations"][number][] = [];
    const one = () => {
      const name = this.take(0, t.NameToken, expected.name);
      this.take(0, t.TypeColon, expected.type);
      const type = this.SUBRULE(this.type);
      this.ACTION(() => all.push({ name: this.identifier(name), type, span: this.spanFrom(name.startOffset) }));
    };
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: one, ERR_MSG: expected.name });
    return all;
  });

  protected readonly constStatement = this.RULE("constStatement", (): ast.ConstStatement => {
    const keyword = this.take(0, t.Const);
    const declarations: ast.ConstStatement["declarations"][number][] = [];
    const one = () => {
      const name = this.take(0, t.NameToken, expected.name);
      const value = this.SUBRULE(this.defined);
      this.ACTION(() => declarations.push({ name: this.identifier(name), value, span: this.spanFrom(name.startOffset) }));
    };
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: one, ERR_MSG: expected.name });
    return this.ACTION(() => ({ kind: "const", declarations, span: this.spanFrom(keyword.startOffset) }));
  });

  protected readonly paramStatement = this.RULE("paramStatement", (): ast.ParamStatement => {
    const keyword = this.take(0, t.Param);
    const declarations: ast.ParamStatement["declarations"][number][] = [];
    const one = () => {
      const name = this.take(0, t.NameToken, expected.name);
      this.take(0, t.TypeColon, expected.type);
      const type = this.SUBRULE(this.type);
      const initial = this.OPTION(() => this.SUBRULE(this.defined));
      this.ACTION(() =>
        declarations.push({
          name: this.identifier(name),
          type,
          ...(initial && { initial }),
          span: this.spanFrom(name.startOffset),
        }),
      );
    };
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: one, ERR_MSG: expected.name });
    return this.ACTION(() => ({ kind: "param", declarations, span: this.spanFrom(keyword.startOffset) }));
  });

  /** = e */
  protected readonly defined: ParserMethod<[], ast.Expression> = this.RULE("defined", () => {
    this.take(0, t.Equals);
    return this.SUBRULE(this.expression);
  });

  /** : type */
  protected readonly typing: ParserMethod<[], ast.TypeExpression> = this.RULE("typing", () => {
    this.take(0, t.TypeColon, expected.type);
    return this.SUBRULE(this.type);
  });

  /** ~ D */
  protected readonly drawn: ParserMethod<[], ast.DistributionExpression> = this.RULE("drawn", () => {
    this.take(0, t.Tilde, expected.tilde);
    return this.SUBRULE(this.distribution);
  });

  /** A name, perhaps indexed: x, x[n], x[n][k]. */
  protected readonly place: ParserMethod<[], ast.Place> = this.RULE("place", () => {
    const name = this.take(0, t.NameToken, expected.name);
    const subscripts: ast.Subscript[] = [];
    this.MANY(() => {
      const more = this.SUBRULE(this.subscripts);
      this.ACTION(() => subscripts.push(...more));
    });
    return this.ACTION(() => ({ name: this.identifier(name), subscripts, span: this.spanFrom(name.startOffset) }));
  });

  protected readonly parenthesised: ParserMethod<[], ast.Expression> = this.RULE("parenthesised", () => {
    this.take(0, t.LeftParen);
    const e = this.SUBRULE(this.expression);
    this.take(0, t.RightParen);
    return e;
  });

  protected readonly fnStatement = this.RULE("fnStatement", (): ast.FunctionStatement => {
    const keyword = this.take(0, t.Fn);
    const name = this.take(0, t.NameToken, expected.name);
    this.take(0, t.LeftParen, expected.parameters);
    const parameters: ast.Identifier[] = [];
    this.MANY_SEP({ SEP: t.Comma, DEF: () => parameters.push(this.identifier(this.take(1, t.NameToken, expected.name))) });
    this.take(0, t.RightParen, "a comma or )");
    const body = this.SUBRULE(this.functionBody);
    return this.ACTION(() => ({
      kind: "fn",
      name: this.identifier(name),
      parameters,
      body,
      span: this.spanFrom(keyword.startOffset),
    }));
  });

  /** = e, or statements that end in return. */
  protected readonly functionBody: ParserMethod<[], ast.Expression | ast.Statement[]> = this.RULE("functionBody", () => {
    this.functions++;
    try {
      return this.OR<ast.Expression | ast.Statement[]>({
        DEF: [{ ALT: () => this.SUBRULE(this.defined) }, { ALT: () => this.SUBRULE(this.block) }],
        ERR_MSG: expected.functionBody,
      });
    } finally {
      this.functions--;
    }
  });

  /** density P(x: type; a: type) = e, simulate = e */
  protected readonly densityStatement = this.RULE("densityStatement", (): ast.DensityStatement => {
    const keyword = this.take(0, t.Density);
    const name = this.take(0, t.NameToken, expected.name);
    this.take(0, t.LeftParen, expected.variable);
    const variable = this.take(1, t.NameToken, expected.variable);
    const type = this.SUBRULE(this.typing);
    const parameters = this.OPTION(() => {
      this.take(0, t.Semicolon);
      return this.SUBRULE(this.typedNames);
    });
    this.take(0, t.RightParen, "; before the parameters, or )");
    const body = this.SUBRULE(this.functionBody);
    let simulate: ast.Expression | undefined;
    this.OPTION1(() => {
      this.OPTION2(() => this.take(0, t.Comma));
      this.take(0, t.Simulate, expected.simulate);
      simulate = this.SUBRULE(this.defined);
    });
    return this.ACTION(() => ({
      kind: "density",
      name: this.identifier(name),
      variable: { name: this.identifier(variable), type },
      parameters: (parameters ?? []).map((p) => ({ name: p.name, type: p.type })),
      body,
      ...(simulate && { simulate }),
      span: this.spanFrom(keyword.startOffset),
    }));
  });

  protected readonly netStatement = this.RULE("netStatement", (): ast.NetStatement => {
    const keyword = this.take(0, t.Net);
    const name = this.take(0, t.NameToken, expected.name);
    const value = this.SUBRULE(this.defined);
    return this.ACTION(() => ({ kind: "net", name: this.identifier(name), value, span: this.spanFrom(keyword.startOffset) }));
  });

  protected readonly importStatement = this.RULE("importStatement", (): ast.ImportStatement => {
    const keyword = this.take(0, t.Import);
    const at = this.take(0, t.StringToken);
    return this.ACTION(() => ({
      kind: "import",
      path: { kind: "string", value: at.text!, span: this.identifier(at).span },
      span: this.spanFrom(keyword.startOffset),
    }));
  });
}
