// Every constraint by the name that the language gives it.
import { choleskyCorr, corr } from "./correlation.ts";
import { choleskyCov, cov } from "./covariance.ts";
import type { Constraint } from "./define.ts";
import { int, nonnegative, positive, real, unit } from "./interval.ts";
import { ordered, positiveOrdered } from "./ordered.ts";
import { simplex, sumToZero } from "./simplex.ts";
import { unitVector } from "./unit-vector.ts";

export const constraints: ReadonlyMap<string, Constraint> = new Map(
  [
    real,
    int,
    positive,
    nonnegative,
    unit,
    simplex,
    ordered,
    positiveOrdered,
    unitVector,
    sumToZero,
    choleskyCorr,
    corr,
    choleskyCov,
    cov,
  ].map((c) => [c.name, c]),
);
