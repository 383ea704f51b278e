// Every modifier by the name that the language gives it.
import { censoredModifier } from "./censored.ts";
import type { Modifier } from "./define.ts";
import { foldedModifier } from "./folded.ts";
import { hurdleModifier } from "./hurdle.ts";
import { inflatedModifier } from "./inflated.ts";
import { mixtureModifier } from "./mixture.ts";
import { roundedModifier } from "./rounded.ts";
import { truncatedModifier } from "./truncated.ts";

export type { Modifier } from "./define.ts";
export { truncated } from "./truncated.ts";

export const modifiers: ReadonlyMap<string, Modifier> = new Map(
  [truncatedModifier, censoredModifier, mixtureModifier, roundedModifier, inflatedModifier, hurdleModifier, foldedModifier].map(
    (m) => [m.name, m],
  ),
);
