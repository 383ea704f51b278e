// The table of built-in functions. A new one is one record in one of the files below, and nothing else.
import { activations } from "./activations.ts";
import { arrays } from "./arrays.ts";
import type { BuiltIn, FunctionParameter } from "./define.ts";
import { elementwise } from "./elementwise.ts";
import { gaussianProcesses } from "./gaussian-processes.ts";
import { kernels } from "./kernels.ts";
import { linearAlgebra } from "./linear-algebra.ts";
import { processes } from "./processes.ts";
import { reductions } from "./reductions.ts";
import { special } from "./special.ts";
import { splines } from "./splines.ts";

export type { BuiltIn, FunctionParameter } from "./define.ts";

export const functions: readonly BuiltIn[] = [
  ...elementwise,
  ...special,
  ...activations,
  ...reductions,
  ...arrays,
  ...linearAlgebra,
  ...kernels,
  ...gaussianProcesses,
  ...splines,
  ...processes,
];

const byName = new Map<string, BuiltIn[]>();
/** All forms of each function, under its name and its aliases. */
export const builtIns: ReadonlyMap<string, readonly BuiltIn[]> = byName;
for (const f of functions) {
  for (const name of [f.name, ...(f.aliases ?? [])]) byName.set(name, [...(byName.get(name) ?? []), f]);
}
export const functionNames: readonly string[] = [...byName.keys()];
export const isFunctionName = (name: string): boolean => byName.has(name);
/** Every form of a function: min(x) and min(a, b). */
export const formsOf = (name: string): readonly BuiltIn[] => byName.get(name) ?? [];

/** An argument as it is written: by position, or with its name. */
export interface GivenArgument {
  readonly name?: string;
}
/** Indices of the given arguments in the order of the parameters (further arguments of a repeated one follow it), if the call has this form. */
export function matchArguments(f: BuiltIn, given: readonly GivenArgument[]): readonly number[] | undefined {
  const positional = given.flatMap((g, i) => (g.name === undefined ? [i] : []));
  const order: number[] = [];
  let next = 0;
  for (const p of f.parameters) {
    const byKeyword = given.findIndex((g) => g.name === p.name);
    if (byKeyword >= 0) {
      order.push(byKeyword);
    } else if (p.named || next >= positional.length) {
      return undefined;
    } else {
      order.push(positional[next++]);
      if (p.repeats) while (next < positional.length) order.push(positional[next++]);
    }
  }
  // Each given argument once: none is left over, and none is given twice.
  return order.length === given.length ? order : undefined;
}
/** The form of a function that a call has, with its arguments in the order of the parameters. */
export function findFunction(
  name: string,
  given: readonly GivenArgument[],
): { readonly form: BuiltIn; readonly order: readonly number[] } | undefined {
  for (const form of formsOf(name)) {
    const order = matchArguments(form, given);
    if (order) return { form, order };
  }
  return undefined;
}
/** How a form is written: "linspace(a, b, n)", "sum(x, axis = …)". */
export function signatureOf(f: BuiltIn, name = f.name): string {
  const word = (p: FunctionParameter): string => (p.named ? `${p.name} = …` : p.repeats ? `${p.name}, …` : p.name);
  return `${name}(${f.parameters.map(word).join(", ")})`;
}
