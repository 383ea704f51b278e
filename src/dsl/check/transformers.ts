// The words that make distributions of distributions, and what each of them takes.

export interface Transformer {
  readonly name: string;
  /** As it is written, for messages. */
  readonly usage: string;
  /** Numbers by position, in order; distributions stand among them. */
  readonly positional: readonly ("distribution" | "number" | "distributions")[];
  readonly named: readonly string[];
  /** At least one of the named arguments must be there. */
  readonly needsOne?: true;
}
const list: readonly Transformer[] = [
  {
    name: "truncated",
    usage: "truncated(D, lower = a, upper = b)",
    positional: ["distribution"],
    named: ["lower", "upper"],
    needsOne: true,
  },
  {
    name: "censored",
    usage: "censored(D, left = c, right = c)",
    positional: ["distribution"],
    named: ["left", "right"],
    needsOne: true,
  },
  { name: "mixture", usage: "mixture(w, D) or mixture(w, D1, D2, …)", positional: ["number", "distributions"], named: [] },
  { name: "rounded", usage: "rounded(D, to = step)", positional: ["distribution"], named: ["to"], needsOne: true },
  { name: "inflated", usage: "inflated(p, at, D)", positional: ["number", "number", "distribution"], named: [] },
];
export const transformers: ReadonlyMap<string, Transformer> = new Map(list.map((t) => [t.name, t]));
export const prefixes: readonly string[] = ["noncentered", "unnormalized"];
export const isTransformer = (name: string): boolean => transformers.has(name) || prefixes.includes(name);
