// Slips of those who come from another language: Stan, BUGS, R, Python, C.
import { expected, is, type ParseFailure, type Slip, spanOf } from "./expectations.ts";
import * as t from "./tokens.ts";

const declarators = new Set([
  "int",
  "real",
  "vector",
  "row_vector",
  "matrix",
  "array",
  "complex",
  "float",
  "double",
  "var",
  "simplex",
  "ordered",
  "positive",
  "unit",
]);
const blocks = new Set(["data", "parameters", "model", "transformed", "generated", "functions"]);

export function arrow({ statement, rest }: ParseFailure): Slip | undefined {
  const all = [...statement, ...rest];
  const i = all.findIndex((k, j) => k.image === "<" && all[j + 1]?.image === "-" && all[j + 1].startOffset === k.endOffset + 1);
  if (i < 1 || i > 8 || !is(all[0], t.NameToken, t.Let, t.Quantity, t.Const)) return undefined;
  if (all.slice(0, i).some((k) => is(k, t.Tilde, t.Equals))) return undefined;
  return {
    code: "PPL114",
    message: "<- does not assign here",
    at: spanOf(all[i], all[i + 1]),
    notes: ["write let x = e for a value that is computed, x ~ D for one that is drawn"],
  };
}

export function update({ statement, rest }: ParseFailure): Slip | undefined {
  if (!is(rest[0], t.CompoundAssignment)) return undefined;
  const target = statement[0]?.text === "target";
  return {
    code: "PPL114",
    message: target ? "there is no target to add to" : `a value is never changed: ${rest[0].image} has no meaning here`,
    at: target ? spanOf(statement[0], rest[0]) : undefined,
    notes: [
      target
        ? "write factor(e): it adds e to the log density"
        : "a sum is sum([… for i in 1..N]); a recurrence is let s[t] = s[t-1] + …",
    ],
  };
}

export function stanBlock({ statement, rest }: ParseFailure): Slip | undefined {
  const all = [...statement, ...rest];
  const brace = all.findIndex((k) => is(k, t.LeftBrace));
  if (brace < 1 || brace > 2 || !blocks.has(all[0].text ?? "")) return undefined;
  const name = all.slice(0, brace).map((k) => k.text);
  return {
    code: "PPL116",
    message: `there is no ${name.join(" ")} block`,
    at: spanOf(all[0], all[brace - 1]),
    notes: [
      name[0] === "data"
        ? "declare data one by one: data N: int"
        : "a model is a list of statements: data are declared with data, every other name with ~ is latent",
    ],
  };
}

export function stanDeclaration({ statement, rest }: ParseFailure): Slip | undefined {
  const first = statement[0];
  if (!is(first, t.NameToken) || !declarators.has(first.text!) || statement.some((k) => is(k, t.Tilde, t.TypeColon)))
    return undefined;
  const all = [...statement, ...rest];
  const name = all
    .slice(1)
    .find(
      (k, i) =>
        is(k, t.NameToken) &&
        (i === 0 || declarators.has(all[i].text ?? "") || is(all[i], t.RightBracket) || all[i].image === ">") &&
        !declarators.has(k.text!),
    );
  if (!name || (!is(all[1], t.NameToken, t.LeftBracket) && all[1]?.image !== "<")) return undefined;
  const type = first.text === "int" || first.text === "real" ? first.text : "real[N]";
  return {
    code: "PPL115",
    message: "a type stands behind the name, after a colon",
    at: spanOf(first, name),
    notes: [`write data ${name.text}: ${type} for data, ${name.text}: ${type} ~ … for a latent`],
  };
}

export function unknownLoop({ statement, rest }: ParseFailure): Slip | undefined {
  const first = statement[0] ?? rest[0];
  if (!is(first, t.NameToken) || !["while", "repeat", "loop", "do", "foreach"].includes(first.text!)) return undefined;
  return {
    code: "PPL120",
    message: `there is no ${first.text} here`,
    at: spanOf(first),
    notes: ["loops have bounds known from the data: for t in 1..T { … }"],
  };
}

export function elif({ statement, rest, before }: ParseFailure): Slip | undefined {
  const word = [statement[0], rest[0]].find((k) => is(k, t.NameToken) && ["elif", "elseif", "elsif"].includes(k!.text!));
  if (word) return { code: "PPL110", message: `${word.text} is written else if`, at: spanOf(word) };
  if (!is(statement[0] ?? rest[0], t.Else)) return undefined;
  const note = is(before, t.NewLine) ? "else follows the } of its if" : "write if c { … } else { … }";
  return { code: "PPL110", message: "this else has no if", at: spanOf(statement[0] ?? rest[0]), notes: [note] };
}

export function truncation({ rest, expectation }: ParseFailure): Slip | undefined {
  if (expectation !== expected.end || rest[0]?.text !== "T" || !is(rest[1], t.LeftBracket, t.LeftParen)) return undefined;
  return {
    code: "PPL104",
    message: "truncation is not written T[lo, hi] here",
    notes: ["write truncated(D, lower = lo, upper = hi), or give the name a narrower type: x: real<lo, hi> ~ D"],
  };
}

export function colonRange({ rest, statement }: ParseFailure): Slip | undefined {
  if (!is(rest[0], t.TypeColon)) return undefined;
  const opened = statement.filter((k) => is(k, t.LeftBracket)).length - statement.filter((k) => is(k, t.RightBracket)).length;
  if (opened <= 0 && !is(statement[0], t.For)) return undefined;
  return {
    code: "PPL127",
    message: "a range is written with two points",
    notes: ["1..N has both ends, x[2..] and x[..k] one, x[, j] takes the whole axis"],
  };
}

export function comparisonByEquals({ statement, rest }: ParseFailure): Slip | undefined {
  if (!is(rest[0], t.Equals)) return undefined;
  const depth = statement.reduce(
    (d, k) => d + (is(k, t.LeftParen, t.LeftBracket) ? 1 : is(k, t.RightParen, t.RightBracket) ? -1 : 0),
    0,
  );
  if (!is(statement[0], t.If) && depth <= 0) return undefined;
  return { code: "PPL113", message: "= does not compare", notes: ["write == to compare; a named argument is f(name = value)"] };
}

/** (1, 2), where nothing is called. */
export function tuple({ statement, rest, expectation }: ParseFailure): Slip | undefined {
  if (!is(rest[0], t.Comma) || expectation !== ")") return undefined;
  return statement.some((k) => is(k, t.LeftParen))
    ? { code: "PPL110", message: "a list stands in square brackets", notes: ["write [1, 2, 3]"] }
    : undefined;
}
