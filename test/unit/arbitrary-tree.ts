// Random syntax trees for fast-check: whatever the grammar can say, without places.
import fc from "fast-check";
import type * as ast from "../../src/dsl/language/ast.ts";

const span = { file: 0, start: 0, end: 0 };
const words = [
  "x",
  "μ",
  "data",
  "let",
  "by",
  "over",
  "guide",
  "factor",
  "noncentered",
  "real",
  "I",
  "return",
  "Normal",
  "simulate",
  "T",
];
const word = fc.constantFrom(...words);
const identifier: fc.Arbitrary<ast.Identifier> = word.map((name) => ({ name, span }));
const operators = ["+", "-", "*", "/", "@", "^", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "|>"] as const;
const comparisons: readonly string[] = ["==", "!=", "<", "<=", ">", ">="];

function optional<T>(key: string, value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.option(value, { nil: undefined }).map((v) => (v === undefined ? {} : { [key]: v }));
}

/** Left operands of comparisons are no bare comparisons: a < b < c is refused. */
function binary(operator: ast.BinaryOperator, left: ast.Expression, right: ast.Expression): ast.Expression {
  return { kind: "binary", operator, left, right, span };
}

interface Trees {
  expression: ast.Expression;
  call: ast.Call;
  subscript: ast.Subscript;
  range: ast.Range;
  loop: ast.LoopIndex;
}

const trees = fc.letrec<Trees>(
  (tie: fc.LetrecTypedTie<Trees>): fc.LetrecValue<Trees> => ({
    expression: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      word.map((name): ast.Expression => ({ kind: "name", name, span })),
      fc
        .constantFrom("0", "1", "2.5", "1e-3", "007")
        .map((text): ast.Expression => ({ kind: "number", text, value: Number(text), integer: /^\d+$/.test(text), span })),
      fc.boolean().map((value): ast.Expression => ({ kind: "boolean", value, span })),
      fc.constantFrom("", "a b", 'q"u\\o', "// no comment").map((value): ast.Expression => ({ kind: "string", value, span })),
      tie("call"),
      fc
        .tuple(fc.constantFrom(...operators), tie("expression"), tie("expression"))
        .map(([operator, left, right]) => binary(operator, left, right)),
      fc
        .tuple(fc.constantFrom("-" as const, "+" as const, "!" as const), tie("expression"))
        .map(([operator, operand]): ast.Expression => ({ kind: "unary", operator, operand, span })),
      tie("expression").map((operand): ast.Expression => ({ kind: "transpose", operand, span })),
      fc
        .tuple(tie("expression"), tie("expression"), tie("expression"))
        .map(([condition, then, otherwise]): ast.Expression => ({ kind: "conditional", condition, then, else: otherwise, span })),
      fc
        .tuple(tie("expression"), fc.array(tie("subscript"), { minLength: 1, maxLength: 3 }))
        .filter(([, subscripts]) => subscripts.length > 1 || subscripts[0].kind !== "all")
        .map(([base, subscripts]): ast.Expression => ({ kind: "index", base, subscripts, span })),
      fc.array(tie("expression"), { maxLength: 3 }).map((elements): ast.Expression => ({ kind: "array", elements, span })),
      fc
        .tuple(tie("expression"), fc.array(tie("loop"), { minLength: 1, maxLength: 2 }))
        .map(([body, loops]): ast.Expression => ({ kind: "comprehension", body, loops, span })),
    ) as fc.Arbitrary<ast.Expression>,
    call: fc
      .tuple(
        identifier,
        fc.array(
          fc.tuple(optional("name", identifier), tie("expression")).map(([name, value]) => ({ ...name, value, span })),
          { maxLength: 3 },
        ),
      )
      .map(([callee, all]): ast.Call => ({ kind: "call", callee, arguments: all, span })),
    range: fc
      .tuple(tie("expression"), tie("expression"))
      .map(([lower, upper]): ast.Range => ({ kind: "range", lower, upper, span })),
    subscript: fc.oneof(
      tie("expression").map((value): ast.Subscript => ({ kind: "at", value, span })),
      fc.constant<ast.Subscript>({ kind: "all", span }),
      fc
        .tuple(optional("lower", tie("expression")), optional("upper", tie("expression")))
        .map(([lower, upper]): ast.Subscript => ({ kind: "range", ...lower, ...upper, span })),
    ),
    loop: fc
      .tuple(identifier, fc.oneof(tie("range"), tie("expression")), optional("by", tie("expression")))
      .map(([variable, over, by]): ast.LoopIndex => ({ variable, over, ...by, span })),
  }),
);

/** a < b < c, which no text can say without parentheses and the printer must. */
export function hasComparisonOfComparison(e: ast.Expression): boolean {
  return (
    e.kind === "binary" && comparisons.includes(e.operator) && e.left.kind === "binary" && comparisons.includes(e.left.operator)
  );
}

export const expression = trees.expression;

const bounds = fc
  .tuple(optional("lower", expression), optional("upper", expression))
  .filter(([lower, upper]) => "lower" in lower || "upper" in upper)
  .map(([lower, upper]) => ({ ...lower, ...upper, span }));
const type: fc.Arbitrary<ast.TypeExpression> = fc
  .tuple(identifier, fc.boolean(), optional("bounds", bounds), fc.array(expression, { maxLength: 2 }))
  .map(([base, isOptional, b, sizes]) => ({ base, optional: isOptional, ...b, sizes, span }));
const prefix = fc.array(fc.constantFrom("noncentered" as const, "unnormalized" as const), { maxLength: 2 });
const distribution: fc.Arbitrary<ast.DistributionExpression> = fc
  .tuple(prefix, trees.call)
  .map(([words_, call]) => ({ prefix: words_, call, span }));
const place: fc.Arbitrary<ast.Place> = fc
  .tuple(
    identifier,
    fc.array(trees.subscript, { maxLength: 2 }).filter((all) => all.length !== 1 || all[0].kind !== "all"),
  )
  .map(([name, subscripts]) => ({ name, subscripts, span }));
const typed = fc.tuple(identifier, type).map(([name, t]) => ({ name, type: t, span }));
const typedOnly = fc.tuple(identifier, type).map(([name, t]) => ({ name, type: t }));
const some = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: 1, maxLength: 3 });

function targetOf(e: ast.Expression): ast.Place | undefined {
  if (e.kind === "name") return { name: { name: e.name, span }, subscripts: [], span };
  if (e.kind !== "index") return undefined;
  const base = targetOf(e.base);
  return base && { name: base.name, subscripts: [...base.subscripts, ...e.subscripts], span };
}

const { statement } = fc.letrec<{ statement: ast.Statement; block: ast.Statement[]; body: ast.Expression | ast.Statement[] }>(
  (tie) => ({
    block: fc.array(tie("statement"), { maxLength: 3 }),
    body: fc.oneof(expression, tie("block")),
    statement: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      some(typed).map((declarations): ast.Statement => ({ kind: "data", declarations, span })),
      some(fc.tuple(identifier, expression).map(([name, value]) => ({ name, value, span }))).map(
        (declarations): ast.Statement => ({ kind: "const", declarations, span }),
      ),
      some(fc.tuple(typed, optional("initial", expression)).map(([t, initial]) => ({ ...t, ...initial }))).map(
        (declarations): ast.Statement => ({ kind: "param", declarations, span }),
      ),
      fc
        .tuple(fc.constantFrom("let" as const, "quantity" as const), place, expression)
        .map(([kind, p, value]): ast.Statement => ({ kind, place: p, value, span })),
      fc.tuple(expression, optional("type", type), distribution).map(([target, t, d]): ast.Statement => {
        const at = targetOf(target);
        return { kind: "sample", target, ...(at && { place: at }), ...(at && t), distribution: d, span };
      }),
      fc.tuple(identifier, type).map(([name, t]): ast.Statement => ({ kind: "declare", name, type: t, span })),
      fc
        .tuple(place, optional("type", type), distribution)
        .map(([p, t, d]): ast.Statement => ({ kind: "predict", place: p, ...t, distribution: d, span })),
      fc
        .tuple(place, optional("type", type), expression)
        .map(([p, t, value]): ast.Statement => ({ kind: "predict", place: p, ...t, value, span })),
      fc
        .tuple(place, optional("type", type), distribution)
        .map(([p, t, d]): ast.Statement => ({ kind: "aux", place: p, ...t, distribution: d, span })),
      fc
        .tuple(optional("name", identifier), expression)
        .map(([name, value]): ast.Statement => ({ kind: "factor", ...name, value, span })),
      expression.map((value): ast.Statement => ({ kind: "observe", value, span })),
      fc.tuple(identifier, expression).map(([name, value]): ast.Statement => ({ kind: "net", name, value, span })),
      fc
        .constantFrom("f.ppl", 'a "b"\\c')
        .map((value): ast.Statement => ({ kind: "import", path: { kind: "string", value, span }, span })),
      fc
        .array(
          fc
            .tuple(fc.constantFrom("maximise" as const, "minimise" as const), expression, optional("over", identifier))
            .map(([sense, value, over]) => ({ sense, value, ...over, span })),
          { maxLength: 2 },
        )
        .map((goals): ast.Statement => ({ kind: "objective", goals, span })),
      fc.tuple(some(trees.loop), tie("block")).map(([loops, body]): ast.Statement => ({ kind: "for", loops, body, span })),
      fc
        .tuple(expression, tie("block"), optional("else", tie("block")))
        .map(([condition, then, otherwise]): ast.Statement => ({ kind: "if", condition, then, ...otherwise, span })),
      fc
        .tuple(identifier, fc.array(identifier, { maxLength: 2 }), tie("body"))
        .map(([name, parameters, body]): ast.Statement => ({ kind: "fn", name, parameters, body, span })),
      fc.tuple(identifier, typedOnly, fc.array(typedOnly, { maxLength: 2 }), tie("body"), optional("simulate", expression)).map(
        ([name, variable, parameters, body, simulate]): ast.Statement => ({
          kind: "density",
          name,
          variable,
          parameters,
          body,
          ...simulate,
          span,
        }),
      ),
      fc
        .tuple(fc.constantFrom("guide" as const, "reverse" as const), tie("block"))
        .map(([kind, body]): ast.Statement => ({ kind, body, span })),
    ) as fc.Arbitrary<ast.Statement>,
  }),
);

export const model: fc.Arbitrary<ast.ModelFile> = fc
  .array(statement, { maxLength: 4 })
  .map((statements) => ({ statements, comments: [], span }));
