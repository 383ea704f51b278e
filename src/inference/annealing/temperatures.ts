// The inverse temperatures of a bridge from one density to another: 0 = β_0 < β_1 < … < β_T = 1.
import { exp, pow } from "../../runtime/numeric/math.ts";

/** Of the first step, in geometric spacing. */
const FIRST = 1e-4;
/** Half the width of the stretch of the logistic function (Wu, Burda, Salakhutdinov and Grosse 2017, section 5). */
const STRETCH = 4;

export const spacings = {
  /** Dense near 1 on both ends. */
  sigmoidal(share: number): number {
    const sigmoid = (x: number): number => 1 / (1 + exp(-x));
    const [low, high] = [sigmoid(-STRETCH), sigmoid(STRETCH)];
    return (sigmoid(STRETCH * (2 * share - 1)) - low) / (high - low);
  },
  /** Dense near 0, where a prior is far wider than the posterior (Neal 2001, section 4). */
  geometric: (share: number): number => (pow(FIRST, 1 - share) - FIRST) / (1 - FIRST),
  linear: (share: number): number => share,
} as const satisfies Record<string, (share: number) => number>;
export type Spacing = keyof typeof spacings;

/** T + 1 of them, the ends exact. */
export function temperatures(count: number, spacing: Spacing): Float64Array {
  const betas = Float64Array.from({ length: count + 1 }, (_, t) => spacings[spacing](t / count));
  betas[0] = 0;
  betas[count] = 1;
  return betas;
}
