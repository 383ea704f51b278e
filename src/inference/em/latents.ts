// The E-step where the log joint is quadratic in the latents: what blocks they fall into, found once, and their posterior at given params.
import { InternalError } from "../../runtime/errors.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target } from "../../runtime/target.ts";
import type { Failure } from "../engine.ts";
import { type Blocks, blocksByPlate, type Gradient, haveAlikeRows, oneBlock, shapeOf, WIDEST } from "./blocks.ts";
import type { EStep, LatentExpectation } from "./e-step.ts";
import { gaussianPosterior, type Posterior } from "./gaussian.ts";
import { compileJoint, type Joint } from "./joint.ts";

export interface Structure {
  readonly blocks: readonly Blocks[];
  /** Whether the rows of each plate have the same precision, whatever the params. */
  readonly alike: boolean;
}
export type GaussianExpectation = LatentExpectation & { readonly posterior: Posterior };

/** Random params at which the structure is looked at: what holds at them by chance alone has probability 0. */
const LOOKS = 2;

/** `theta`: params near which its structure is looked at. */
export async function quadraticStep(
  target: Target,
  theta: Float64Array,
  rng: Rng,
): Promise<EStep<GaussianExpectation> | Failure> {
  const joint = await compileJoint(target);
  const structure = structureOf(joint, theta, rng);
  if ("reason" in structure) {
    joint.dispose();
    return structure;
  }
  return {
    starts: 1,
    normalised: joint.normalised,
    at: (x, before) => expectationAt(joint, structure, x, before?.posterior.mean ?? new Float64Array(joint.latents)),
    begin: (x) => x,
    penalty: (x) => joint.penalty(x),
    dispose: () => joint.dispose(),
  };
}

/** `theta`: params at which the log joint is finite. */
export function structureOf(joint: Joint, theta: Float64Array, rng: Rng): Structure | Failure {
  const { target, latents: n } = joint;
  if (n === 0) return { blocks: [], alike: false };
  const looks = Array.from({ length: LOOKS }, (_, i): Gradient => {
    const own = rng.split(`params ${i}`);
    const near = theta.map((x) => x + 0.3 * own.normal());
    return (u, out) => joint.inLatents(near, u, out);
  });
  const byPlate = blocksByPlate(target);
  const shapes = looks.map((gradient) => shapeOf(n, byPlate, gradient, rng));
  const crooked = target.layout.filter(({ offset, size }) =>
    shapes.some((shape) => [...shape.crooked].some((i) => i >= offset && i < offset + size)),
  );
  if (crooked.length > 0) {
    const names = [...new Set(crooked.map((slot) => slot.name))].join(", ");
    return {
      reason: `given the params, the log joint is not quadratic in ${names}, so that its integral is not known exactly. Learn such latents too, as params, or use meanfield, which learns params beside an approximation`,
    };
  }
  if (shapes.every((shape) => shape.separate))
    return { blocks: byPlate, alike: looks.every((gradient) => haveAlikeRows(n, byPlate, gradient, rng)) };
  if (n <= WIDEST) return { blocks: [oneBlock(n)], alike: false };
  return {
    reason: `the latents depend on each other given the data, from row to row, and there are ${n} coordinates of them: together they are more than the ${WIDEST} whose covariance em computes. Use meanfield or lowrank, which learn params beside an approximation`,
  };
}

/** Undefined where there is no posterior. `start`: latents anywhere, best near their mean. */
export function expectationAt(
  joint: Joint,
  { blocks, alike }: Structure,
  theta: Float64Array,
  start: Float64Array,
): GaussianExpectation | undefined {
  const at = theta.slice();
  const posterior = gaussianPosterior(blocks, (u, out) => joint.inLatents(at, u, out), start, alike);
  if (posterior === undefined) return undefined;
  const { points } = posterior;
  if (points.length === 0) throw new InternalError("an expectation over no points");
  const own = new Float64Array(joint.parameters);
  return {
    posterior,
    position: posterior.mean,
    deviations: posterior.deviations,
    objective: posterior.logEvidence,
    expect(x, gradient) {
      gradient.fill(0);
      let sum = 0;
      for (const u of points) {
        sum += joint.inParameters(x, u, own) / points.length;
        for (let i = 0; i < own.length; i++) gradient[i] += own[i] / points.length;
      }
      return sum;
    },
  };
}
