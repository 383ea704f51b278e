// A line search for the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6, cubic interpolation 3.59).

/** f along the ray: value and slope at `step`. Not finite means outside. */
export interface Ray {
  at(step: number): void;
  value: number;
  slope: number;
}

/** Sufficient decrease, and how flat the slope must have become: the usual ones of quasi-Newton methods. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
const MOST_TRIALS = 40;
const GROWTH = 2.5;

/** A step that satisfies both conditions, with the ray left there; 0 if none was found. `slope` < 0 is that at step 0. */
export function strongWolfeStep(ray: Ray, value: number, slope: number, firstStep: number): number {
  let lowStep = 0;
  let lowValue = value;
  let lowSlope = slope;
  let highStep = Number.NaN;
  let highValue = Number.NaN;
  let highSlope = Number.NaN;
  let step = firstStep;
  for (let trial = 0; trial < MOST_TRIALS; trial++) {
    ray.at(step);
    const isInside = Number.isFinite(ray.value) && Number.isFinite(ray.slope);
    // At the level of rounding a decrease cannot be seen; the slope tells then.
    const tolerance = 1e-15 * Math.abs(value);
    if (
      !isInside ||
      ray.value > value + DECREASE * step * slope + tolerance ||
      (lowStep > 0 && ray.value >= lowValue + tolerance)
    ) {
      highStep = step;
      highValue = isInside ? ray.value : Number.POSITIVE_INFINITY;
      highSlope = isInside ? ray.slope : Number.NaN;
    } else {
      if (Math.abs(ray.slope) <= -CURVATURE * slope) return step;
      // The minimum lies between this point and wherever its slope points.
      if (Number.isNaN(highStep) ? ray.slope >= 0 : ray.slope * (highStep - lowStep) >= 0) {
        highStep = lowStep;
        highValue = lowValue;
        highSlope = lowSlope;
      }
      lowStep = step;
      lowValue = ray.value;
      lowSlope = ray.slope;
    }
    if (Number.isNaN(highStep)) {
      step *= GROWTH;
      continue;
    }
    const width = highStep - lowStep;
    if (Math.abs(width) <= 1e-16 * Math.max(lowStep, highStep)) break;
    const guess = cubicMinimum(lowStep, lowValue, lowSlope, highStep, highValue, highSlope);
    // Kept off the ends, so that the bracket shrinks.
    const margin = 0.1 * Math.abs(width);
    const least = Math.min(lowStep, highStep) + margin;
    const most = Math.max(lowStep, highStep) - margin;
    step = Number.isFinite(guess) ? Math.min(most, Math.max(least, guess)) : lowStep + width / 2;
  }
  // No second condition, but lower than before: an honest step.
  if (lowStep > 0 && lowValue < value) {
    ray.at(lowStep);
    return lowStep;
  }
  return 0;
}

/** Of the cubic through two points with slopes. */
function cubicMinimum(a: number, fa: number, ga: number, b: number, fb: number, gb: number): number {
  const d1 = ga + gb - (3 * (fa - fb)) / (a - b);
  const d2 = Math.sqrt(d1 * d1 - ga * gb) * (b > a ? 1 : -1);
  return b - ((b - a) * (gb + d2 - d1)) / (gb - ga + 2 * d2);
}
