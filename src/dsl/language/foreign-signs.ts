// Operators, quotation marks and comments that other languages or word processors write, and what to write here.

import type { TokenType } from "./tokens.ts";
import * as t from "./tokens.ts";

interface ForeignSign {
  readonly text: string;
  readonly message: string;
  readonly note: string;
  /** Read on as if this had been written, so that one slip gives one message. */
  readonly type?: TokenType;
  readonly means?: string;
  /** Characters that, next, make another sign of it. */
  readonly unless?: string;
  readonly quote?: boolean;
  readonly comment?: boolean;
}

function operator(text: string, means: string, type: TokenType = t.Operator): ForeignSign {
  return { text, means, type, message: `${text} is not an operator here`, note: `write ${means}` };
}

function typographic(text: string, means: string, type: TokenType = t.Operator): ForeignSign {
  return {
    text,
    means,
    type,
    message: `${text} (U+${text.codePointAt(0)!.toString(16).toUpperCase()}) is typographic`,
    note: `write ${means}`,
  };
}

function elementwise(text: string, means: string): ForeignSign {
  return { ...operator(text, means), note: `${means} is elementwise already; the matrix product is @` };
}

/** The longest first where one begins another. */
export const foreignSigns: readonly ForeignSign[] = [
  operator("%*%", "@"),
  { ...operator("%%", "mod(a, b)"), means: "*" },
  operator("===", "=="),
  operator("!==", "!="),
  operator("...", "..", t.DotDot),
  operator("**", "^"),
  elementwise(".*", "*"),
  elementwise("./", "/"),
  elementwise(".^", "^"),
  { ...operator(":=", "=", t.Equals), note: "write let x = e for a value that is computed, x ~ D for one that is drawn" },
  { ...operator("&", "&&"), unless: "&" },
  { ...operator("|", "||"), unless: "|>" },
  // Read on as the operator of the same rank.
  { ...operator("%", "mod(a, b)"), means: "*" },
  typographic("−", "-", t.Sign),
  typographic("–", "-", t.Sign),
  typographic("×", "*"),
  typographic("·", "*"),
  typographic("⋅", "*"),
  typographic("÷", "/"),
  typographic("≤", "<="),
  typographic("≥", ">="),
  typographic("≠", "!="),
  typographic("∼", "~", t.Tilde),
  typographic("…", "..", t.DotDot),
  typographic("∞", "inf", t.NameToken),
  { text: "²", message: "² is not an operator here", note: "write ^2" },
  { text: "³", message: "³ is not an operator here", note: "write ^3" },
  { text: "#", message: "# does not begin a comment here", note: "comments are written // … or /* … */", comment: true },
  ...["“", "”", "„", "‘", "’", "«", "»"].map((text) => ({ text, message: "", note: "", quote: true })),
];
