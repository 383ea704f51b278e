// Tables of the ziggurat method (Marsaglia & Tsang, "The ziggurat method for generating random variables", J. Stat. Software 5, 2000):
// 256 layers of equal area under a decreasing density, the lowest with the tail.
import { erfc, exp, log } from "./math.ts";

const layers = 256;

export interface Ziggurat {
  /** Right edge of each layer; edge[0] is that of a rectangle with the area of the lowest layer, tail included; edge[256] = 0. */
  readonly edge: Float64Array;
  /** edge[i + 1] / edge[i]: left of it the layer lies wholly under the density. */
  readonly ratio: Float64Array;
  /** Density at the edge: bottom of layer i; the top is height[i + 1]. */
  readonly height: Float64Array;
}

function ziggurat(last: number, tailArea: number, density: (x: number) => number, inverse: (y: number) => number): Ziggurat {
  const area = last * density(last) + tailArea;
  const edge = new Float64Array(layers + 1);
  edge[0] = area / density(last);
  edge[1] = last;
  for (let i = 2; i < layers; i++) edge[i] = inverse(area / edge[i - 1] + density(edge[i - 1]));
  const height = edge.map(density);
  const ratio = new Float64Array(layers).map((_, i) => edge[i + 1] / edge[i]);
  return { edge, ratio, height };
}

let normal: Ziggurat | undefined;
/** Density exp(-x²/2). The last edge makes the layers end at the top: a root found in 40 digits. */
export function normalZiggurat(): Ziggurat {
  const last = 3.6541528853610088;
  normal ??= ziggurat(
    last,
    Math.sqrt(Math.PI / 2) * erfc(last * Math.SQRT1_2),
    (x) => exp(-0.5 * x * x),
    (y) => Math.sqrt(-2 * log(y)),
  );
  return normal;
}

let exponential: Ziggurat | undefined;
/** Density exp(-x). */
export function exponentialZiggurat(): Ziggurat {
  const last = 7.69711747013105;
  exponential ??= ziggurat(
    last,
    exp(-last),
    (x) => exp(-x),
    (y) => -log(y),
  );
  return exponential;
}

/** A standard normal beyond `edge` > 0, exactly (Marsaglia, "Generating a variable from the tail of the normal distribution",
 *  Technometrics 6, 1964): edge + x, x exponential of rate `edge`, accepted with probability exp(-x² / 2). */
export function normalTail(rng: { uniform(): number }, edge: number): number {
  for (;;) {
    const x = -log(rng.uniform()) / edge;
    if (-2 * log(rng.uniform()) > x * x) return edge + x;
  }
}
