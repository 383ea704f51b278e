// The engines that advance one chain by its density alone; all that a sampling thread loads.
import type { ChainEngine, EngineFacts } from "../engine.ts";
import { hmc } from "./hmc.ts";
import { nuts } from "./nuts.ts";

// biome-ignore lint/suspicious/noExplicitAny: a registry of engines with different options
export type AnyChainEngine = EngineFacts<any> & ChainEngine<any>;

export const chainEngines: readonly AnyChainEngine[] = [nuts, hmc];
