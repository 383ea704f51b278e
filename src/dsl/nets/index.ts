// Every kind of layer, one line a family.
import * as batchnorm from "./batchnorm.ts";
import * as convolution from "./convolution.ts";
import type { NetRecord } from "./define.ts";
import * as dropout from "./dropout.ts";
import * as flows from "./flows.ts";
import * as layernorm from "./layernorm.ts";
import * as linear from "./linear.ts";
import * as pooling from "./pooling.ts";
import * as shape from "./shape.ts";

const families: readonly Readonly<Record<string, unknown>>[] = [
  linear,
  convolution,
  pooling,
  shape,
  dropout,
  layernorm,
  batchnorm,
  flows,
];

const isNet = (v: unknown): v is NetRecord => typeof v === "object" && v !== null && "parameters" in v && "example" in v;

/** The records by name. */
export const nets: ReadonlyMap<string, NetRecord> = new Map(
  families.flatMap((family) => Object.values(family).filter(isNet)).map((n) => [n.name, n]),
);
