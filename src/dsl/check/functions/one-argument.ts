// Makers of functions of one real argument.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import type { Range } from "../../ranges.ts";
import { any, asReal, type BuiltIn, elementRange } from "./define.ts";

export type OneToOne = (b: Builder, x: Value) => Value;
interface OneArgument {
  readonly aliases?: readonly string[];
  readonly domain?: Range;
  readonly range?: (x: Range) => Range;
  readonly rectifies?: true;
}
/** A real function of one argument, over any shape. */
export function map(name: string, doc: string, lower: OneToOne, facts: OneArgument = {}): BuiltIn {
  return {
    name,
    aliases: facts.aliases,
    doc,
    elementwise: true,
    parameters: [any("x", facts.domain)],
    result: ([x]) => ({ dtype: "real", shape: x.shape, range: facts.range?.(elementRange(x)) }),
    lower: (b, [x]) => lower(b, asReal(b, x)),
    ...(facts.rectifies ? { rectifies: true } : {}),
  };
}
