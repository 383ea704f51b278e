// What the checker hands to the lowering: the merged program, a table of its names, and facts about its statements.
import type { Source, SourceSpan } from "../diagnostics.ts";
import type {
  Call,
  DensityStatement,
  Expression,
  FunctionStatement,
  NetStatement,
  SampleStatement,
  Statement,
  TypeExpression,
} from "../language/ast.ts";
import type { Stage } from "./value-type.ts";

/** Every name that the model defines, imports merged; function parameters and loop variables are not among them. */
export type ModelSymbol =
  | { readonly kind: "data"; readonly name: string; readonly type: TypeExpression; readonly span: SourceSpan }
  /** A size declared nowhere: read off the data. */
  | { readonly kind: "size"; readonly name: string; readonly span: SourceSpan }
  | { readonly kind: "const"; readonly name: string; readonly value: Expression; readonly span: SourceSpan }
  | {
      readonly kind: "param";
      readonly name: string;
      readonly type: TypeExpression;
      readonly initial?: Expression;
      readonly span: SourceSpan;
    }
  /** `declared`: the type of the whole, from `mu: ordered[2]` or from the one unindexed ~ statement that has a type. */
  | { readonly kind: "latent"; readonly name: string; readonly declared?: TypeExpression; readonly span: SourceSpan }
  | { readonly kind: "let" | "quantity" | "predict"; readonly name: string; readonly span: SourceSpan };

/** What a ~ does. `missing`: the data may have null entries, which are latent. */
export type Role = "latent" | "observed" | "missing" | "penalty";

export interface CheckedModel {
  /** For messages and default output folders: "eight_schools". */
  readonly name: string;
  /** Sources by file index of the spans. */
  readonly sources: readonly Source[];
  /** Statements in text order, imports replaced by what they bring; fn, density and const of imports first. */
  readonly statements: readonly Statement[];
  readonly symbols: ReadonlyMap<string, ModelSymbol>;
  /** Calls are another namespace than values. */
  readonly functions: ReadonlyMap<string, FunctionStatement>;
  readonly densities: ReadonlyMap<string, DensityStatement>;
  readonly nets: ReadonlyMap<string, NetStatement>;
  /** Of every ~ outside functions and guides. */
  readonly roles: ReadonlyMap<SampleStatement, Role>;
  /** When what a let, quantity, predict, factor or observe computes is known; of a ~, its arguments. */
  readonly stages: ReadonlyMap<Statement, Stage>;
  /** Distribution calls whose scale is a matrix: diagonal, or a Cholesky factor (language.md rule 22). */
  readonly matrixScales: ReadonlySet<Call>;
}
