// The table of all primitives. A new one is its record and a line here; the laws are quantified over this table.

import * as loop from "../loop/loop.ts";
import * as ode from "../ode/ode.ts";
import type { Primitive } from "../primitive.ts";
import * as bessel from "./bessel.ts";
import * as compare from "./compare.ts";
import * as convolution from "./convolution.ts";
import * as counts from "./counts.ts";
import * as elementwise from "./elementwise.ts";
import * as firstPassage from "./first-passage.ts";
import * as gather from "./gather.ts";
import * as incompleteBeta from "./incomplete-beta.ts";
import * as incompleteGamma from "./incomplete-gamma.ts";
import * as linalg from "./linalg.ts";
import * as reduce from "./reduce.ts";
import * as shape from "./shape.ts";
import * as special from "./special.ts";
import * as tails from "./tails.ts";
import * as transcendental from "./transcendental.ts";

const families = [
  elementwise,
  transcendental,
  special,
  incompleteGamma,
  incompleteBeta,
  counts,
  tails,
  bessel,
  firstPassage,
  compare,
  reduce,
  shape,
  gather,
  linalg,
  convolution,
  loop,
  ode,
];

const isPrimitive = (x: unknown): x is Primitive => typeof x === "object" && x !== null && "interpret" in x && "probes" in x;
/** Whatever a family exports that is a record. */
export const primitives: readonly Primitive[] = families.flatMap((family) => Object.values(family).filter(isPrimitive));
