// What statements are called in messages.
import type { Statement } from "../language/ast.ts";

const words: Readonly<Record<Statement["kind"], string>> = {
  data: "a data declaration",
  const: "a const",
  param: "a param",
  let: "a let",
  sample: "a ~ statement",
  declare: "a declaration",
  factor: "a factor",
  observe: "an observe",
  quantity: "a quantity",
  predict: "a predict",
  for: "a loop",
  if: "an if",
  fn: "a function",
  density: "a density",
  net: "a net",
  import: "an import",
  guide: "a guide",
  reverse: "a reverse block",
  aux: "an aux",
  objective: "an objective",
  return: "a return",
};
export const describeStatement = (s: Statement): string => words[s.kind];
