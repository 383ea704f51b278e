// The joint log density where some latents are discrete, row by row of the plate that they stand in, as two compiled programs.
import type { Executable } from "../../runtime/backend.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import type { Target, Term } from "../../runtime/target.ts";
import { compileWithGradient } from "./joint.ts";
import { constrainTheta, lengthOf, placesOf, thetaInputs, writeTheta } from "./params.ts";

/** z: values of the discrete latents, one slot after the other. */
export interface MixedJoint {
  readonly parameters: number;
  readonly latents: number;
  readonly normalised: boolean;
  /** Writes the log joint of each row, and its gradient in u; returns what belongs to no row. */
  inLatents(theta: Float64Array, u: Float64Array, z: Float64Array, rows: Float64Array, gradient: Float64Array): number;
  /** Σ weights · rows + share · what belongs to no row; writes its gradient in θ. A row without weight counts for nothing, finite or not. */
  inParameters(
    theta: Float64Array,
    u: Float64Array,
    z: Float64Array,
    weights: Float64Array,
    share: number,
    gradient: Float64Array,
  ): number;
  penalty(theta: Float64Array): number;
  dispose(): void;
}

/** `plate`: whose rows are told apart; absent: everything is one row. */
export async function compileMixed(target: Target, plate: string | undefined, rows: number): Promise<MixedJoint> {
  const places = placesOf(target);
  const { dimension: n, width } = target;
  const evaluate = (executable: Executable, inputs: Readonly<Record<string, ArrayLike<number>>>): void => {
    for (const [name, values] of Object.entries(inputs)) (executable.inputs[name] as Float64Array | undefined)?.set(values);
    executable.run();
  };
  const build = (b: Builder) => {
    const theta = thetaInputs(b, target);
    const [u, z] = [b.input("u", { shape: [n], dtype: "real" }), b.input("z", { shape: [width - n], dtype: "real" })];
    const given = Object.fromEntries(
      target.discrete.map((s) => [s.name, b.cast(b.reshape(b.slice(z, 0, s.offset - n, s.size), s.shape), "int")]),
    );
    const setting = { parameters: constrainTheta(b, target, theta), given };
    const { values, jacobian } = target.constrain(b, u, setting);
    const terms = [...target.terms(b, { ...values, ...given }, setting), ...jacobian];
    return { theta, u, z, terms, ...byRow(b, terms, plate, rows) };
  };
  const first = createBuilder();
  const E = build(first);
  const latent = await compileWithGradient(
    first,
    [...Object.values(E.theta), E.u, E.z],
    [
      first.add(first.sum(E.own), E.rest),
      E.own,
      E.rest,
      sumOf(
        first,
        E.terms.filter((t) => t.role === "penalty"),
      ),
    ],
    [E.u],
  );
  const b = createBuilder();
  const M = build(b);
  const weights = b.input("weights", { shape: [rows], dtype: "real" });
  const share = b.input("share", { shape: [], dtype: "real" });
  const weighed = b.select(b.eq(weights, b.constant(0)), b.constant(0), b.mul(weights, M.own));
  const learnt = await compileWithGradient(
    b,
    [...Object.values(M.theta), M.u, M.z, weights, share],
    [b.add(b.sum(weighed), b.mul(share, M.rest))],
    places.map((p) => M.theta[p.name]),
  );
  return {
    parameters: lengthOf(places),
    latents: n,
    normalised: E.terms.every((t) => t.unnormalised === undefined || t.role === "penalty"),
    inLatents(theta, u, z, own, gradient) {
      writeTheta(latent, places, theta);
      evaluate(latent, { u, z });
      own.set(latent.outputs[1]);
      gradient.set(latent.outputs[4]);
      return latent.outputs[2][0];
    },
    inParameters(theta, u, z, w, part, gradient) {
      writeTheta(learnt, places, theta);
      evaluate(learnt, { u, z, weights: w, share: [part] });
      places.forEach(({ offset }, i) => {
        gradient.set(learnt.outputs[1 + i], offset);
      });
      return learnt.outputs[0][0];
    },
    penalty(theta) {
      writeTheta(latent, places, theta);
      latent.run();
      return latent.outputs[3][0];
    },
    dispose() {
      latent.dispose();
      learnt.dispose();
    },
  };
}

const sumOf = (b: Builder, terms: readonly Term[]): Value => terms.reduce((s, t) => b.add(s, b.sum(t.value)), b.constant(0));

/** Sums of the terms by row, and of those that stand in no row. */
function byRow(b: Builder, terms: readonly Term[], plate: string | undefined, rows: number): { own: Value; rest: Value } {
  const axisOf = (t: Term): number =>
    plate === undefined ? -1 : t.axes.findIndex((a, k) => a.name === plate && shapeOf(t.value)[k] === rows);
  if (plate === undefined) return { own: b.reshape(sumOf(b, terms), [1]), rest: b.constant(0) };
  const zero = b.broadcastTo(b.constant(0), [rows]);
  const own = terms
    .filter((t) => axisOf(t) >= 0)
    .map((t) =>
      b.sum(
        t.value,
        shapeOf(t.value).flatMap((_, k) => (k === axisOf(t) ? [] : [k])),
      ),
    )
    .reduce((sum, v) => b.add(sum, v), zero);
  return {
    own,
    rest: sumOf(
      b,
      terms.filter((t) => axisOf(t) < 0),
    ),
  };
}
