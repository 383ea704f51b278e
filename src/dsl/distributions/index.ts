// Every distribution, one export line a family; names and aliases lead to records.

import * as bernoulli from "./bernoulli.ts";
import * as beta from "./beta.ts";
import * as cauchy from "./cauchy.ts";
import type { Distribution } from "./define.ts";
import * as exponential from "./exponential.ts";
import * as gamma from "./gamma.ts";
import * as multiNormal from "./multi-normal.ts";
import * as normal from "./normal.ts";
import * as poisson from "./poisson.ts";
import * as studentT from "./student-t.ts";
import * as uniform from "./uniform.ts";

const families: readonly Readonly<Record<string, unknown>>[] = [
  bernoulli,
  beta,
  cauchy,
  exponential,
  gamma,
  multiNormal,
  normal,
  poisson,
  studentT,
  uniform,
];

const isDistribution = (v: unknown): v is Distribution =>
  typeof v === "object" && v !== null && "logDensity" in v && "golden" in v && "name" in v;

/** The records by name, aliases included. */
export const distributions: ReadonlyMap<string, Distribution> = new Map(
  families
    .flatMap((family) => Object.values(family).filter(isDistribution))
    .flatMap((d) => [d.name, ...(d.aliases ?? [])].map((name) => [name, d] as const)),
);
