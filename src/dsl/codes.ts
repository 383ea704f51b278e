// The numbered list of diagnostics: one line each, what the number stands for. A test finds numbers used and not listed here.

/** 1xx syntax, 2xx names and types, 3xx shapes, 4xx data, 5xx structure of the model, 6xx not yet. */
export const codes: Readonly<Record<string, string>> = {
  // ---- syntax
  PPL101: "the file is not text in UTF-8",
  PPL102: "the file is larger than a model may be",
  PPL103: "a character that has no meaning in a model",
  PPL104: "an operator or quotation mark of another language",
  PPL105: "a string that is not closed",
  PPL106: "a comment that is not closed",
  PPL107: "a number that cannot be read",
  PPL108: "a bracket that is not closed",
  PPL109: "a closing bracket without its opening one",
  PPL110: "something else was expected here",
  PPL111: "nested too deeply",
  PPL112: "a line that begins with an operator",
  PPL113: "= where ~ belongs, or ~ where = belongs",
  PPL114: "an assignment arrow, or an update of a value",
  PPL115: "a declaration as in Stan or C",
  PPL116: "a block as in Stan or BUGS",
  PPL117: "a reserved word used as a name",
  PPL118: "bounds that cannot be read",
  PPL119: "a chain of comparisons",
  PPL120: "the head of a loop",
  PPL121: "a body without braces",
  PPL122: "right of ~ stands no distribution",
  PPL123: "left of ~, : or = stands no name",
  PPL124: "two statements without a separator",
  PPL125: "an expression that is no statement",
  PPL126: "return outside a function",
  PPL127: "a range as in Python or Stan",
  PPL128: "a function without its parentheses",
  // ---- embedding
  PPL130: "a value that cannot be interpolated",
  PPL131: "an interpolated value in a place for none",
};
