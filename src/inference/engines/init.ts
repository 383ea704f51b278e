// The option `init`: where chains and optimisers start.
import { UsageError } from "../../runtime/errors.ts";
import { defineOptions } from "../engine.ts";

export const DEFAULT_RADIUS = 2;

export const { init: initOption } = defineOptions({
  init: {
    type: "string",
    default: String(DEFAULT_RADIUS),
    doc: "start uniformly within ± this of 0, unconstrained; or a JSON file of constrained values",
  },
});

/** The radius that the option is; NaN where it names a file, whose values came as starts. Throws a UsageError for what is neither. */
export function radiusOf(init: string, isStartGiven: boolean): number {
  const radius = init.trim() === "" ? Number.NaN : Number(init);
  if (radius >= 0 && radius < Number.POSITIVE_INFINITY) return radius;
  if (!isStartGiven) throw new UsageError(`init is neither a number of at least 0 nor a readable file: ${init}`);
  return Number.NaN;
}
