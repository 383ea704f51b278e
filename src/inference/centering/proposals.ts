// Which form of a latent to try instead, from the draws: noncentered where divergences sit in the neck of a funnel, centred where data say what the values are.
import { log } from "../../runtime/numeric/math.ts";
import type { AffineLatent } from "../../runtime/target.ts";
import { DrawnScalar } from "../diagnostics/column.ts";
import { essBulk, isUsable } from "../diagnostics/ess.ts";
import type { ElementDraws } from "./weights.ts";

export interface Proposal {
  readonly latent: AffineLatent;
  /** What was seen, in words. */
  readonly evidence: string;
}
export interface Observed {
  readonly latent: AffineLatent;
  /** All chains one behind the other. */
  readonly elements: readonly ElementDraws[];
  /** Whether the chains had its values as coordinates, or standard ones; undefined: something in between. */
  readonly ran?: "centred" | "noncentered";
}

/** In deviations of the log scale: so much lower it is among divergences, and so many standard errors. */
const LOWER = 0.5;
const ERRORS = 3.5;
/** Another latent is named beside the one that stands out most where it does so at least by this share. */
const BESIDE = 0.7;
/** Effective draws a chain of a log scale, or a location, that mixes slowly. */
const SLOW = 100;
/** Correlation of the scale with the spread of the values: near 1 where nothing but the scale says how far they spread. */
const TIED = 0.85;
/** Variance of the values beside that of the prior: far smaller where the data say what they are. */
const PINNED = 0.1;
/** Elements of a latent that are looked at: of many, the first. */
export const MOST_ELEMENTS = 50;

export function proposeCentering(observed: readonly Observed[], divergent: readonly boolean[], chains: number): Proposal[] {
  const centred = observed.filter((o) => o.ran === "centred" && o.latent.varies.scale);
  const low = centred
    .map((o) => ({ o, ...lowestScale(o, divergent) }))
    .filter(({ shift, errors }) => shift < -LOWER && errors < -ERRORS);
  const least = Math.min(...low.map(({ shift }) => shift));
  const funnels = low
    .filter(({ shift }) => shift <= BESIDE * least)
    .map(({ o, shift }) => ({
      latent: o.latent,
      evidence: `where transitions diverged, the log of its scale is ${(-shift).toFixed(1)} standard deviations lower than elsewhere: the neck of a funnel`,
    }));
  if (funnels.length > 0) return funnels;
  const tied = centred.flatMap((o): Proposal[] => {
    const r = spreadCorrelation(o);
    if (!(r > TIED) || !(slowest([logScaleOf(o)], chains) < SLOW * chains)) return [];
    return [
      {
        latent: o.latent,
        evidence: `its scale mixes slowly, and goes with the spread of the values (correlation ${r.toFixed(2)})`,
      },
    ];
  });
  const pinned = observed
    .filter((o) => o.ran === "noncentered")
    .flatMap((o): Proposal[] => {
      const ratio = varianceRatio(o);
      if (!(ratio < PINNED) || !(slowest([logScaleOf(o), o.elements[0].location], chains) < SLOW * chains)) return [];
      return [
        {
          latent: o.latent,
          evidence: `its location or scale mixes slowly, and the data say what the values are: their variance is ${ratio.toFixed(3)} of that of the prior`,
        },
      ];
    });
  return [...tied, ...pinned];
}

const mean = (x: ArrayLike<number>): number => Array.from(x).reduce((s, v) => s + v, 0) / x.length;
const deviation = (x: ArrayLike<number>): number => {
  const m = mean(x);
  return Math.sqrt(Array.from(x).reduce((s, v) => s + (v - m) * (v - m), 0) / (x.length - 1));
};
const logScaleOf = ({ elements }: Observed): Float64Array => elements[0].scale.map(log);

/** Of the element whose scale is lowest among divergences: by how many deviations, and standard errors. */
function lowestScale(o: Observed, divergent: readonly boolean[]): { readonly shift: number; readonly errors: number } {
  const count = divergent.filter((d) => d).length;
  let best = { shift: 0, errors: 0 };
  for (const { scale } of count < 2 ? [] : o.elements) {
    const logs = scale.map(log);
    const others = logs.filter((_, d) => !divergent[d]);
    const sd = deviation(others);
    const shift = (mean(logs.filter((_, d) => divergent[d])) - mean(others)) / sd;
    if (shift < best.shift) best = { shift, errors: shift * Math.sqrt(count) };
  }
  return best;
}

/** Of log σ and log of the root mean square of x - μ over the elements. */
function spreadCorrelation(o: Observed): number {
  const { elements } = o;
  if (elements.length < 2) return Number.NaN;
  const spread = elements[0].value.map((_, d) => {
    let squares = 0;
    for (const { value, location } of elements) squares += (value[d] - location[d]) * (value[d] - location[d]);
    return 0.5 * log(squares / elements.length);
  });
  const scale = elements[0].value.map((_, d) => mean(elements.map((e) => log(e.scale[d]))));
  const [ms, mc] = [mean(spread), mean(scale)];
  const product = mean(spread.map((s, d) => (s - ms) * (scale[d] - mc)));
  return product / (deviation(spread) * deviation(scale));
}

/** The median over the elements of Var x / E σ². */
function varianceRatio(o: Observed): number {
  const ratios = o.elements.map(({ value, scale }) => {
    const sd = deviation(value);
    return (sd * sd) / mean(scale.map((s) => s * s));
  });
  ratios.sort((a, b) => a - b);
  return ratios[Math.floor(ratios.length / 2)];
}

/** The least effective number of draws of those that vary. */
function slowest(columns: readonly Float64Array[], chains: number): number {
  return columns.reduce((least, x) => {
    const scalar = new DrawnScalar(chains, x.length / chains, x);
    return isUsable(scalar) ? Math.min(least, essBulk(scalar)) : least;
  }, Number.POSITIVE_INFINITY);
}
