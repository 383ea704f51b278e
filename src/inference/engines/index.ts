// All engines, by name.
import type { Engine } from "../engine.ts";
import { chainEngines } from "./chain-engines.ts";
import { map } from "./map.ts";
import { mle } from "./mle.ts";
import { prior } from "./prior.ts";

const all: readonly Engine[] = [...chainEngines, map, mle, prior];

export const engines: ReadonlyMap<string, Engine> = new Map(all.map((engine) => [engine.name, engine]));
