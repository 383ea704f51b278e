// Parameters that many records share: locations, scales, rates, probabilities.

import type { Shape } from "../../runtime/ir/type.ts";
import { nonnegative, positive, real, unit } from "../constraints/interval.ts";
import type { NoiseSpec, Param } from "./define.ts";

export const location = (doc = "location"): Param => ({ constraint: real, rank: 0, doc });
export const scale = (doc = "scale, the standard deviation of a normal"): Param => ({ constraint: positive, rank: 0, doc });
export const positiveNumber = (doc: string): Param => ({ constraint: positive, rank: 0, doc });
export const nonnegativeNumber = (doc: string): Param => ({ constraint: nonnegative, rank: 0, doc });
export const probability = (doc: string): Param => ({ constraint: unit, rank: 0, doc });

/** One noise of the shape of the draw. */
export const oneNoise =
  (kind: NoiseSpec["kind"]) =>
  (shape: Shape): readonly NoiseSpec[] => [{ kind, shape }];
