// All engines, by name.
import type { Engine } from "../engine.ts";
import { ais } from "./ais.ts";
import { amortized } from "./amortized.ts";
import { chainEngines } from "./chain-engines.ts";
import { em } from "./em.ts";
import { fullrank } from "./full-rank.ts";
import { hierarchical } from "./hierarchical.ts";
import { importance } from "./importance.ts";
import { laplace } from "./laplace.ts";
import { lowrank } from "./low-rank.ts";
import { map } from "./map.ts";
import { meanfield } from "./mean-field.ts";
import { mle } from "./mle.ts";
import { pathfinder } from "./pathfinder.ts";
import { prior } from "./prior.ts";
import { smc } from "./smc.ts";
import { viHmc } from "./vi-hmc.ts";

const all: readonly Engine[] = [
  ...chainEngines,
  meanfield,
  fullrank,
  lowrank,
  amortized,
  viHmc,
  hierarchical,
  map,
  mle,
  em,
  laplace,
  pathfinder,
  importance,
  ais,
  smc,
  prior,
];

export const engines: ReadonlyMap<string, Engine> = new Map(all.map((engine) => [engine.name, engine]));
