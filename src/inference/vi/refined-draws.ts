// Draws of all latents by Hamiltonian chains from a guide's draws, in float64: nearer to the posterior than the guide is.
import { UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { takeRows } from "../../runtime/ir/rows.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target } from "../../runtime/target.ts";
import type { Family } from "./approximation.ts";
import { type DrawContext, eachDraw } from "./each-draw.ts";
import { type HmcOptions, hmc, pathScale, signs, stateAt } from "./hmc-rows.ts";
import { Noise } from "./noise.ts";
import { coordinatesAt, placeOf, rowDensity } from "./rows-density.ts";
import { type Fitted, FittedInputs } from "./rows-weights.ts";

export interface RefinedDraws {
  readonly draws: number;
  /** Unconstrained, draws x dimension. */
  readonly positions: Float64Array;
  readonly logDensity: Float64Array;
  readonly acceptance: Float64Array;
}

/** One chain for each row of each draw; `step` in units of the guide's scales. */
export async function refinedDraws(
  target: Target,
  family: Family,
  fitted: Fitted,
  draws: number,
  { step, ...options }: HmcOptions & { readonly step: number },
  rng: Rng,
  context: DrawContext,
): Promise<RefinedDraws> {
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, family, fitted);
  const setting = { parameters: inputs.target };
  const density = rowDensity(b, target, setting);
  if ("refusal" in density) throw new UsageError(density.refusal);
  const { local } = density;
  const { plate, slots, width } = local;
  const rows = b.tensor(
    Int32Array.from({ length: plate.size }, (_, n) => n),
    [plate.size],
    "int",
  );
  const { values } = family.draw(b, noise, { target: inputs.target, family: inputs.family }, setting);
  const own = noise.forRows(plate.name, plate.size);
  const start = coordinatesAt(b, target, local, values, (all) => takeRows(b, all, rows, own), setting);
  if ("refusal" in start) throw new UsageError(start.refusal);
  const paths = noise.inputsOf([start]);
  const directions = paths.map((input) => signs(b, noise.noise("uniform", shapeOf(input), [])));
  const chains = { parts: (u: Value) => [density.at(rows, u)] };
  const scale = pathScale(b, start, paths, directions);
  const end = hmc(b, chains, stateAt(b, chains, start), b.constant(step), scale, noise, options);
  const outputs = [
    end.position,
    b.add(b.sum(end.parts[0]), density.shared),
    b.div(b.sum(end.acceptance), b.constant(plate.size)),
  ];
  const positions = new Float64Array(draws * target.dimension);
  const logDensity = new Float64Array(draws);
  const acceptance = new Float64Array(draws);
  const count = await eachDraw(b, { residents: inputs, noise, outputs }, draws, rng, context, ([u, [lp], [accepted]], d) => {
    logDensity[d] = lp;
    acceptance[d] = accepted;
    const from = d * target.dimension;
    slots.forEach(({ offset, size }, slot) => {
      for (let n = 0; n < plate.size; n++)
        for (let k = 0; k < size; k++) positions[from + placeOf(local, slot, n, k)] = u[n * width + offset + k];
    });
  });
  return {
    draws: count,
    positions: positions.subarray(0, count * target.dimension),
    logDensity: logDensity.subarray(0, count),
    acceptance: acceptance.subarray(0, count),
  };
}
