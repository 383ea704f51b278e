// The abstract syntax of a model: plain readonly data with spans, made by the parser, read by the formatter, checker and lowering.
import { unreachable } from "../../runtime/errors.ts";
import type { SourceSpan } from "../../runtime/source.ts";

interface Spanned {
  readonly span: SourceSpan;
}
export interface Identifier extends Spanned {
  /** NFKC-normalised. */
  readonly name: string;
}

// ---------------------------------------------------------------- expressions
export type Expression =
  | NumberLiteral
  | BooleanLiteral
  | StringLiteral
  | Name
  | Call
  | Index
  | Unary
  | Binary
  | Transpose
  | Conditional
  | ArrayLiteral
  | Comprehension;

export interface NumberLiteral extends Spanned {
  readonly kind: "number";
  readonly value: number;
  /** Written without point or exponent. */
  readonly integer: boolean;
  readonly text: string;
}
export interface BooleanLiteral extends Spanned {
  readonly kind: "boolean";
  readonly value: boolean;
}
export interface StringLiteral extends Spanned {
  readonly kind: "string";
  readonly value: string;
}
export interface Name extends Spanned {
  readonly kind: "name";
  readonly name: string;
}
/** f(x), Normal(mu, sigma = 1), truncated(D, lower = 0): whether it names a function or a distribution is for the checker to say. */
export interface Call extends Spanned {
  readonly kind: "call";
  readonly callee: Identifier;
  readonly arguments: readonly Argument[];
}
export interface Argument extends Spanned {
  readonly name?: Identifier;
  readonly value: Expression;
}
export interface Index extends Spanned {
  readonly kind: "index";
  readonly base: Expression;
  readonly subscripts: readonly Subscript[];
}
export type Subscript =
  | (Spanned & { readonly kind: "all" })
  | Range
  | { readonly kind: "at"; readonly value: Expression; readonly span: SourceSpan };
/** a..b, both ends included; an end may be missing in a subscript. */
export interface Range extends Spanned {
  readonly kind: "range";
  readonly lower?: Expression;
  readonly upper?: Expression;
}
export interface Unary extends Spanned {
  readonly kind: "unary";
  readonly operator: "-" | "+" | "!";
  readonly operand: Expression;
}
export type BinaryOperator = "+" | "-" | "*" | "/" | "@" | "^" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "&&" | "||" | "|>";
export interface Binary extends Spanned {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}
/** Postfix ' */
export interface Transpose extends Spanned {
  readonly kind: "transpose";
  readonly operand: Expression;
}
export interface Conditional extends Spanned {
  readonly kind: "conditional";
  readonly condition: Expression;
  readonly then: Expression;
  readonly else: Expression;
}
export interface ArrayLiteral extends Spanned {
  readonly kind: "array";
  readonly elements: readonly Expression[];
}
/** [e for i in 1..N, j in 1..M] */
export interface Comprehension extends Spanned {
  readonly kind: "comprehension";
  readonly body: Expression;
  readonly loops: readonly LoopIndex[];
}
export interface LoopIndex extends Spanned {
  readonly variable: Identifier;
  /** A range with both ends, or any expression that gives an integer array. */
  readonly over: Range | Expression;
  readonly by?: Expression;
}

// ---------------------------------------------------------------- distributions
export interface DistributionExpression extends Spanned {
  readonly prefix: readonly ("noncentered" | "unnormalized")[];
  readonly call: Call;
}

// ---------------------------------------------------------------- types
export interface TypeExpression extends Spanned {
  /** real int positive nonnegative unit simplex ordered … */
  readonly base: Identifier;
  /** The `?` of real?[N]. */
  readonly optional: boolean;
  readonly bounds?: Spanned & { readonly lower?: Expression; readonly upper?: Expression };
  /** The whole shape: simplex[N, K] has two. */
  readonly sizes: readonly Expression[];
}

// ---------------------------------------------------------------- statements
export type Statement =
  | DataStatement
  | ConstStatement
  | ParamStatement
  | LetStatement
  | SampleStatement
  | DeclareStatement
  | FactorStatement
  | ObserveStatement
  | QuantityStatement
  | PredictStatement
  | ForStatement
  | IfStatement
  | FunctionStatement
  | DensityStatement
  | NetStatement
  | ImportStatement
  | GuideStatement
  | ReverseStatement
  | AuxStatement
  | ObjectiveStatement
  | ReturnStatement;

/** What stands left of ~ or =: a name, perhaps indexed. */
export interface Place extends Spanned {
  readonly name: Identifier;
  readonly subscripts: readonly Subscript[];
}
export interface DataStatement extends Spanned {
  readonly kind: "data";
  readonly declarations: readonly { readonly name: Identifier; readonly type: TypeExpression; readonly span: SourceSpan }[];
}
export interface ConstStatement extends Spanned {
  readonly kind: "const";
  readonly declarations: readonly { readonly name: Identifier; readonly value: Expression; readonly span: SourceSpan }[];
}
export interface ParamStatement extends Spanned {
  readonly kind: "param";
  readonly declarations: readonly {
    readonly name: Identifier;
    readonly type: TypeExpression;
    readonly initial?: Expression;
    readonly span: SourceSpan;
  }[];
}
export interface LetStatement extends Spanned {
  readonly kind: "let";
  readonly place: Place;
  readonly value: Expression;
}
/** target ~ D. `place` is set where the target is a name, perhaps indexed; otherwise the target is an expression. */
export interface SampleStatement extends Spanned {
  readonly kind: "sample";
  readonly target: Expression;
  readonly place?: Place;
  readonly type?: TypeExpression;
  readonly distribution: DistributionExpression;
}
/** mu: ordered[2], without ~ */
export interface DeclareStatement extends Spanned {
  readonly kind: "declare";
  readonly name: Identifier;
  readonly type: TypeExpression;
}
export interface FactorStatement extends Spanned {
  readonly kind: "factor";
  readonly name?: Identifier;
  readonly value: Expression;
}
export interface ObserveStatement extends Spanned {
  readonly kind: "observe";
  readonly value: Expression;
}
export interface QuantityStatement extends Spanned {
  readonly kind: "quantity";
  readonly place: Place;
  readonly value: Expression;
}
/** predict x ~ D, or predict x = e for what reads predictions. */
export interface PredictStatement extends Spanned {
  readonly kind: "predict";
  readonly place: Place;
  readonly type?: TypeExpression;
  readonly distribution?: DistributionExpression;
  readonly value?: Expression;
}
export interface ForStatement extends Spanned {
  readonly kind: "for";
  readonly loops: readonly LoopIndex[];
  readonly body: readonly Statement[];
}
export interface IfStatement extends Spanned {
  readonly kind: "if";
  readonly condition: Expression;
  readonly then: readonly Statement[];
  readonly else?: readonly Statement[];
}
export interface FunctionStatement extends Spanned {
  readonly kind: "fn";
  readonly name: Identifier;
  readonly parameters: readonly Identifier[];
  /** An expression, or statements that end in return. */
  readonly body: Expression | readonly Statement[];
}
export interface ReturnStatement extends Spanned {
  readonly kind: "return";
  readonly value: Expression;
}
/** density P(x: type; a: type) = e */
export interface DensityStatement extends Spanned {
  readonly kind: "density";
  readonly name: Identifier;
  readonly variable: { readonly name: Identifier; readonly type: TypeExpression };
  readonly parameters: readonly { readonly name: Identifier; readonly type: TypeExpression }[];
  readonly body: Expression | readonly Statement[];
  readonly simulate?: Expression;
}
export interface NetStatement extends Spanned {
  readonly kind: "net";
  readonly name: Identifier;
  readonly value: Expression;
}
export interface ImportStatement extends Spanned {
  readonly kind: "import";
  readonly path: StringLiteral;
}
export interface GuideStatement extends Spanned {
  readonly kind: "guide";
  readonly body: readonly Statement[];
}
export interface ReverseStatement extends Spanned {
  readonly kind: "reverse";
  readonly body: readonly Statement[];
}
export interface AuxStatement extends Spanned {
  readonly kind: "aux";
  readonly place: Place;
  readonly type?: TypeExpression;
  readonly distribution: DistributionExpression;
}
export interface ObjectiveStatement extends Spanned {
  readonly kind: "objective";
  readonly goals: readonly {
    readonly sense: "maximise" | "minimise";
    readonly value: Expression;
    readonly over?: Identifier;
    readonly span: SourceSpan;
  }[];
}

// ---------------------------------------------------------------- the whole
export interface Comment extends Spanned {
  /** With its // or slash-star. */
  readonly text: string;
}
export interface ModelFile {
  readonly statements: readonly Statement[];
  readonly comments: readonly Comment[];
  readonly span: SourceSpan;
}

/** Calls f for each direct sub-expression. */
export function eachChild(e: Expression, f: (child: Expression) => void): void {
  switch (e.kind) {
    case "number":
    case "boolean":
    case "string":
    case "name":
      return;
    case "call":
      for (const a of e.arguments) f(a.value);
      return;
    case "index":
      f(e.base);
      for (const s of e.subscripts) {
        if (s.kind === "at") f(s.value);
        if (s.kind === "range") {
          if (s.lower) f(s.lower);
          if (s.upper) f(s.upper);
        }
      }
      return;
    case "unary":
    case "transpose":
      f(e.operand);
      return;
    case "binary":
      f(e.left);
      f(e.right);
      return;
    case "conditional":
      f(e.condition);
      f(e.then);
      f(e.else);
      return;
    case "array":
      e.elements.forEach(f);
      return;
    case "comprehension":
      for (const l of e.loops) eachLoopExpression(l, f);
      f(e.body);
      return;
    default:
      unreachable(e, "eachChild");
  }
}

/** x |> f as f(x); undefined where no name stands right of |>. */
export function pipedCall(e: Binary): Call | undefined {
  if (e.right.kind !== "name") return undefined;
  return { kind: "call", callee: e.right, arguments: [{ value: e.left, span: e.left.span }], span: e.span };
}

/** The expressions of a loop's head. */
export function eachLoopExpression(l: LoopIndex, f: (child: Expression) => void): void {
  if (l.over.kind === "range") {
    if (l.over.lower) f(l.over.lower);
    if (l.over.upper) f(l.over.upper);
  } else f(l.over);
  if (l.by) f(l.by);
}
