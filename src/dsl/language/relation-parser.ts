// Statements that relate a name to what gives it: let and quantity, predict, ~, declarations, factor and observe.

import type { SourceSpan } from "../diagnostics.ts";
import type * as ast from "./ast.ts";
import { DeclarationParser } from "./declaration-parser.ts";
import { expected } from "./expectations.ts";
import type { Token, TokenType } from "./tokens.ts";
import * as t from "./tokens.ts";

export abstract class RelationParser extends DeclarationParser {
  /** let a[i] = e, and quantity, which is a let that is saved. */
  protected readonly letStatement = this.RULE("letStatement", (): ast.LetStatement | ast.QuantityStatement => {
    const keyword = this.OR<Token>([{ ALT: () => this.take(0, t.Let) }, { ALT: () => this.take(0, t.Quantity) }]);
    const place = this.SUBRULE(this.place);
    const value = this.SUBRULE(this.defined);
    return this.ACTION(() => ({
      kind: keyword.tokenType === t.Let ? "let" : "quantity",
      place,
      value,
      span: this.spanFrom(keyword.startOffset),
    }));
  });

  protected readonly predictStatement = this.RULE("predictStatement", (): ast.PredictStatement => {
    const keyword = this.take(0, t.Predict);
    const place = this.SUBRULE(this.place);
    const type = this.OPTION(() => this.SUBRULE(this.typing));
    let distribution: ast.DistributionExpression | undefined;
    let value: ast.Expression | undefined;
    this.OR({
      DEF: [
        {
          ALT: () => {
            distribution = this.SUBRULE(this.drawn);
          },
        },
        {
          ALT: () => {
            value = this.SUBRULE(this.defined);
          },
        },
      ],
      ERR_MSG: expected.tildeOrEquals,
    });
    return this.ACTION(() => ({
      kind: "predict",
      place,
      ...(type && { type }),
      ...(distribution && { distribution }),
      ...(value && { value }),
      span: this.spanFrom(keyword.startOffset),
    }));
  });

  protected readonly auxStatement = this.RULE("auxStatement", (): ast.AuxStatement => {
    const keyword = this.take(0, t.Aux);
    const place = this.SUBRULE(this.place);
    const type = this.OPTION(() => this.SUBRULE(this.typing));
    const distribution = this.SUBRULE(this.drawn);
    return this.ACTION(() => ({
      kind: "aux",
      place,
      ...(type && { type }),
      distribution,
      span: this.spanFrom(keyword.startOffset),
    }));
  });

  /** factor(e), or factor name = e */
  protected readonly factorStatement = this.RULE("factorStatement", (): ast.FactorStatement => {
    const keyword = this.take(0, t.Factor);
    let name: Token | undefined;
    const value = this.OR<ast.Expression>({
      DEF: [
        { ALT: () => this.SUBRULE(this.parenthesised) },
        {
          ALT: () => {
            name = this.take(0, t.NameToken);
            return this.SUBRULE(this.defined);
          },
        },
      ],
      ERR_MSG: expected.name,
    });
    return this.ACTION(() => ({
      kind: "factor",
      ...(name && { name: this.identifier(name) }),
      value,
      span: this.spanFrom(keyword.startOffset),
    }));
  });

  protected readonly observeStatement = this.RULE("observeStatement", (): ast.ObserveStatement => {
    const keyword = this.take(0, t.Observe);
    const value = this.SUBRULE(this.parenthesised);
    return this.ACTION(() => ({ kind: "observe", value, span: this.spanFrom(keyword.startOffset) }));
  });

  /** target ~ D, name: type, or target: type ~ D */
  protected readonly sampleStatement = this.RULE("sampleStatement", (): ast.SampleStatement | ast.DeclareStatement => {
    const target = this.SUBRULE(this.expression);
    const type = this.OPTION(() => this.SUBRULE(this.typing));
    // A type alone declares; anything else needs its ~.
    const distribution = this.OPTION1({
      GATE: () => type === undefined || this.tokenAt(1) === t.Tilde,
      DEF: () => this.SUBRULE(this.drawn),
    });
    return this.ACTION(() => this.sampleOrDeclare(target, type, distribution));
  });

  private tokenAt(ahead: number): TokenType {
    return this.LA(ahead).tokenType;
  }

  private sampleOrDeclare(
    target: ast.Expression,
    type: ast.TypeExpression | undefined,
    distribution: ast.DistributionExpression | undefined,
  ): ast.SampleStatement | ast.DeclareStatement {
    const span = this.spanFrom(target.span.start);
    const place = placeOf(target, span.file);
    if (type && !place)
      this.report(
        "PPL123",
        target.span,
        "only a name has a type",
        "this is an expression",
        "leave the type out: data, or an expression of data, is observed by ~ alone",
      );
    if (distribution) return { kind: "sample", target, ...(place && { place }), ...(type && { type }), distribution, span };
    if (!type) this.take(0, t.Tilde, expected.tilde);
    if (place && place.subscripts.length > 0) {
      this.report(
        "PPL123",
        place.span,
        "a declaration fixes the whole, not an element",
        undefined,
        `write ${place.name.name}: type[N], or give the element its ~ on this line`,
      );
    }
    return { kind: "declare", name: place?.name ?? { name: "", span: target.span }, type: type!, span };
  }
}

/** The name, perhaps indexed, that an expression is. */
function placeOf(e: ast.Expression, file: number): ast.Place | undefined {
  const groups: (readonly ast.Subscript[])[] = [];
  let base = e;
  for (; base.kind === "index"; base = base.base) groups.unshift(base.subscripts);
  if (base.kind !== "name") return undefined;
  const span: SourceSpan = { ...e.span, file };
  return { name: { name: base.name, span: base.span }, subscripts: groups.flat(), span };
}
