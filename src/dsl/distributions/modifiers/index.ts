// Every modifier by the name that the language gives it, and what a declared type does to a distribution.
import type { Applied } from "../applied.ts";
import { censoredModifier, roundedModifier } from "./censored.ts";
import type { Modifier } from "./define.ts";
import { inflatedModifier } from "./inflated.ts";
import { mixtureModifier } from "./mixture.ts";
import { truncatedModifier } from "./truncated.ts";

export type { Modifier } from "./define.ts";
export { hostSampler } from "./host.ts";
export { truncated } from "./truncated.ts";

export const modifiers: ReadonlyMap<string, Modifier> = new Map(
  [truncatedModifier, censoredModifier, mixtureModifier, roundedModifier, inflatedModifier].map((m) => [m.name, m]),
);

/** The prefix `unnormalized`: a narrower declared type restricts the distribution without renormalising it (language.md rule 11). */
export const unnormalized = (d: Applied): Applied => ({ ...d, support: { ...d.support, declared: true } });
