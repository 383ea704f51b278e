// Typical slips, each with its own words.
import { ends, expected, is, type ParseFailure, type Slip, spanOf } from "./expectations.ts";
import {
  arrow,
  colonRange,
  comparisonByEquals,
  elif,
  stanBlock,
  stanDeclaration,
  truncation,
  tuple,
  unknownLoop,
  update,
} from "./foreign-slips.ts";
import type { Token } from "./tokens.ts";
import * as t from "./tokens.ts";

const spaced = (e: ParseFailure, from: Token, to: Token) => e.text.slice(from.startOffset, to.endOffset + 1);

/** Tried in this order; the first that answers is taken. */
export const slips: readonly ((e: ParseFailure) => Slip | undefined)[] = [
  arrow,
  update,
  stanBlock,
  stanDeclaration,
  unknownLoop,
  elif,
  operatorFirst,
  reservedName,
  colonRange,
  equalsForTilde,
  tildeForEquals,
  dataWithoutType,
  loopHead,
  comparisonByEquals,
  noBraces,
  truncation,
  strayImport,
  typedParameter,
  bareRange,
  tuple,
  oneBound,
  runsOn,
  noStatement,
  emptyArgument,
];

function operatorFirst({ statement, rest, before }: ParseFailure): Slip | undefined {
  const first = statement[0] ?? rest[0];
  const sign = is(first, t.Sign) && ends(rest[0]);
  if (!first || !is(before, t.NewLine) || before!.image === ";") return undefined;
  if (
    !sign &&
    !(
      statement.length === 0 &&
      is(first, t.Operator, t.Pipe, t.Question, t.Colon, t.TypeColon, t.Tilde, t.Equals, t.Comma, t.Prime)
    )
  )
    return undefined;
  return lineBegins(first);
}

function lineBegins(first: Token): Slip {
  return {
    code: "PPL112",
    message: `a line cannot begin with ${first.image}`,
    label: "the statement ended with the line before",
    at: spanOf(first),
    notes: [`put the ${first.image} at the end of the line before, or parentheses around the whole`],
  };
}

function reservedName({ statement, rest, expectation }: ParseFailure): Slip | undefined {
  const k = rest[0];
  const named = expectation.includes("name") || (is(statement[0], t.Fn) && expectation.includes(")"));
  const valued = expectation === expected.value && is(k, t.In, t.Else);
  if (!valued && !(named && is(k, t.For, t.In, t.If, t.Else, t.BooleanToken))) return undefined;
  return {
    code: "PPL117",
    message: `${k.image} is a reserved word and cannot be a name`,
    notes: ["reserved are for, in, if, else, true and false"],
  };
}

function equalsForTilde(e: ParseFailure): Slip | undefined {
  const { statement, rest, expectation } = e;
  if (!is(rest[0], t.Equals) || statement.length === 0) return undefined;
  if (is(statement[0], t.Aux))
    return {
      code: "PPL113",
      message: "an aux is drawn from a distribution",
      notes: ["write aux a ~ D; a value is given a name with let"],
    };
  if (expectation === expected.end && statement.some((k) => is(k, t.TypeColon)) && !is(statement[0], t.Data)) {
    return {
      code: "PPL113",
      message: "only a param has an initial value",
      notes: ["write let x = e for a value, x: real ~ D for a latent, param x: real = e for what is learnt"],
    };
  }
  if (expectation !== expected.tilde) return undefined;
  const name = spaced(e, statement[0], statement.at(-1)!);
  const short = name.length <= 30 && !name.includes("\n") ? name : "x";
  const drawn = is(rest[1], t.NameToken) && /^\p{Lu}/u.test(rest[1].text!) && is(rest[2], t.LeftParen);
  if (drawn)
    return {
      code: "PPL113",
      message: `${short} is drawn from ${rest[1].text}: that is written with ~`,
      notes: [`write ${short} ~ ${rest[1].text}(…)`],
    };
  return {
    code: "PPL113",
    message: "a value is given a name with let",
    notes: [`write let ${short} = …, or ${short} ~ … if it is drawn from a distribution`],
  };
}

function tildeForEquals({ statement, rest }: ParseFailure): Slip | undefined {
  const first = statement[0];
  if (!is(rest[0], t.Tilde)) return undefined;
  if (is(first, t.Let, t.Const, t.Net, t.Quantity)) {
    const note = is(first, t.Quantity) ? "what is drawn afterwards is predict x ~ D" : "what is drawn has no keyword: x ~ D";
    return { code: "PPL113", message: `${first.image} gives a name to a value, with =`, notes: [note] };
  }
  if (is(first, t.Data))
    return {
      code: "PPL113",
      message: "data are declared by their type",
      notes: ["declare data y: real[N], and observe it in a statement of its own: y ~ D"],
    };
  if (is(first, t.Param)) {
    return {
      code: "PPL113",
      message: "a param is declared by its type",
      notes: ["declare param w: real[K], and give it a penalty in a statement of its own: w ~ D"],
    };
  }
  return undefined;
}

function dataWithoutType({ statement, rest, expectation }: ParseFailure): Slip | undefined {
  const first = statement[0];
  if (is(first, t.Let, t.Quantity) && is(rest[0], t.TypeColon)) {
    return {
      code: "PPL113",
      message: `a ${first.image} has no type: it is that of its value`,
      notes: [`write ${first.image} x = e`],
    };
  }
  if (expectation !== expected.type || !is(first, t.Data, t.Param)) return undefined;
  const name = statement.at(-1)?.text ?? "x";
  if (is(rest[0], t.Equals)) {
    const note = is(first, t.Data) ? `a number in the model is a const: const ${name} = …` : `write param ${name}: real = …`;
    return {
      code: "PPL113",
      message: is(first, t.Data) ? "data come from the data file" : "a param needs its type before its initial value",
      notes: [note],
    };
  }
  return {
    code: "PPL110",
    message: `${name} needs a type`,
    label: ends(rest[0]) ? "it is missing here" : undefined,
    notes: [`write ${first.image} ${name}: real, or ${first.image} ${name}: int[N]`],
  };
}

function loopHead({ statement, rest, expectation }: ParseFailure): Slip | undefined {
  const inFor = is(statement[0], t.For) || statement.some((k) => is(k, t.For));
  if (!inFor) return undefined;
  const note = "write for i in 1..N { … }";
  if (is(rest[0], t.LeftParen) && is(statement.at(-1), t.For))
    return { code: "PPL120", message: "the head of a loop has no parentheses", notes: [note] };
  if (expectation === "in") return { code: "PPL120", message: "expected in after the loop's variable", notes: [note] };
  return undefined;
}

function noBraces({ statement, expectation }: ParseFailure): Slip | undefined {
  if (expectation !== expected.block && expectation !== expected.elseBlock) return undefined;
  const head = statement.findLast((k) => is(k, t.For, t.If, t.Else))?.image ?? "block";
  const form = head === "for" ? "for i in 1..N { … }" : "if c { … } else { … }";
  return {
    code: "PPL121",
    message: `the body of ${head} stands in braces`,
    label: "{ is missing here",
    notes: [`write ${form}`],
  };
}

function strayImport({ statement, rest }: ParseFailure): Slip | undefined {
  if (statement[0]?.text !== "import" || !is(statement[0], t.NameToken) || !is(rest[0], t.NameToken)) return undefined;
  return { code: "PPL110", message: "import names a file", notes: [`write import "${rest[0].text}.ppl"`] };
}

function typedParameter({ statement, rest }: ParseFailure): Slip | undefined {
  if (!is(statement[0], t.Fn) || !is(rest[0], t.TypeColon)) return undefined;
  return {
    code: "PPL110",
    message: "the parameters of fn have no types",
    notes: ["write fn f(a, b) = …: it takes what it is called with"],
  };
}

function bareRange({ rest, expectation }: ParseFailure): Slip | undefined {
  if (!is(rest[0], t.DotDot) || expectation === expected.value) return undefined;
  return {
    code: "PPL110",
    message: "a range is no value",
    notes: ["ranges stand in subscripts and in the heads of loops; a vector of integers is [i for i in 1..N]"],
  };
}

function oneBound({ rest, expectation }: ParseFailure): Slip | undefined {
  if (!is(rest[0], t.RightBound) || expectation !== expected.boundsComma) return undefined;
  return {
    code: "PPL118",
    message: "bounds have two sides, with a comma between",
    notes: ["either may be left out: real<0,> or real<,1>"],
  };
}

/** Something follows a whole statement on its line. */
function runsOn({ statement, rest, expectation }: ParseFailure): Slip | undefined {
  const last = statement.at(-1);
  if (expectation !== expected.end && expectation !== expected.tilde) return undefined;
  if (
    !is(rest[0], t.NameToken, t.NumberToken, t.LeftParen, t.StringToken, t.BooleanToken, t.Let, t.Data, t.For, t.If) ||
    !t.endsOperand(last)
  )
    return undefined;
  const what = t.describeToken(rest[0]);
  const second = is(statement[0], t.Data, t.Param)
    ? "a second declaration follows a comma"
    : "a second statement needs a line of its own, or a ; before it";
  const notes = is(statement[0], t.Data, t.Param) ? [second] : ["a product is written with *", second];
  return { code: "PPL124", message: `an operator or the end of the statement was expected before ${what}`, notes };
}

/** A value alone. */
function noStatement({ statement, rest, expectation }: ParseFailure): Slip | undefined {
  if (expectation !== expected.tilde || statement.length === 0 || !(ends(rest[0]) || is(rest[0], t.RightBrace))) return undefined;
  if (is(rest[1], t.Operator, t.Pipe, t.Tilde, t.Equals, t.TypeColon)) return lineBegins(rest[1]);
  const notes = [
    "x ~ D draws or observes, let x = e names a value, quantity x = e saves it, factor(e) adds it to the log density",
  ];
  return { code: "PPL125", message: "a value alone is no statement", at: spanOf(statement[0], statement.at(-1)!), notes };
}

function emptyArgument({ statement, rest, expectation }: ParseFailure): Slip | undefined {
  if (expectation !== expected.value) return undefined;
  const last = statement.at(-1);
  if (is(last, t.Comma) && is(rest[0], t.Comma, t.RightParen, t.RightBracket))
    return { code: "PPL110", message: "a value is missing after the comma" };
  if (!last || !ends(rest[0])) return undefined;
  return {
    code: "PPL110",
    message: `expected ${is(last, t.Tilde) ? "a distribution" : "a value"} after ${t.describeToken(last)}`,
    label: "it is missing here",
  };
}
