// The joint log density of data and latents given the params, as two compiled programs: with its gradient in the latents, and in the params.
import type { Executable } from "../../runtime/backend.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { gradient } from "../../runtime/ir/gradient.ts";
import type { Builder, InputAttrs, Value } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import type { Assignment, Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import { constrainTheta, lengthOf, placesOf, thetaInputs, writeTheta } from "./params.ts";

/** θ: the params, u: the latents, both unconstrained. */
export interface Joint {
  readonly target: Target;
  /** Length of θ. */
  readonly parameters: number;
  /** Length of u. */
  readonly latents: number;
  /** Whether it is a density of data and latents: no prior of a latent lacks its normaliser. */
  readonly normalised: boolean;
  /** log p(x, u; θ), penalties included; writes its gradient in u. */
  inLatents(theta: Float64Array, u: Float64Array, gradient: Float64Array): number;
  /** The same; writes its gradient in θ. */
  inParameters(theta: Float64Array, u: Float64Array, gradient: Float64Array): number;
  /** What the ~ of params add to it. */
  penalty(theta: Float64Array): number;
  dispose(): void;
}

export async function compileJoint(target: Target): Promise<Joint> {
  const { dimension } = target;
  const places = placesOf(target);
  const latent = await compile(target, ({ u }) => [u]);
  const learnt = await compile(target, ({ theta }) => places.map((p) => theta[p.name]));
  const normalised = termsOf(createBuilder(), target).terms.every((t) => t.unnormalised === undefined || t.role === "penalty");
  const evaluate = (executable: Executable, theta: Float64Array, u: Float64Array): number => {
    writeTheta(executable, places, theta);
    (executable.inputs.u as Float64Array).set(u);
    executable.run();
    return executable.outputs[0][0];
  };
  return {
    target,
    parameters: lengthOf(places),
    latents: dimension,
    normalised,
    inLatents(theta, u, out) {
      const value = evaluate(latent, theta, u);
      out.set(latent.outputs[2]);
      return value;
    },
    inParameters(theta, u, out) {
      const value = evaluate(learnt, theta, u);
      places.forEach(({ offset }, i) => {
        out.set(learnt.outputs[2 + i], offset);
      });
      return value;
    },
    penalty(theta) {
      evaluate(learnt, theta, new Float64Array(dimension));
      return learnt.outputs[1][0];
    },
    dispose() {
      for (const executable of [latent, learnt]) executable.dispose();
    },
  };
}

interface Inputs {
  readonly theta: Assignment;
  readonly u: Value;
}

function termsOf(b: Builder, target: Target) {
  const own: Inputs = { theta: thetaInputs(b, target), u: b.input("u", { shape: [target.dimension], dtype: "real" }) };
  const setting = { parameters: constrainTheta(b, target, own.theta) };
  const { values, jacobian } = target.constrain(b, own.u, setting);
  return { own, terms: target.terms(b, values, setting), jacobian };
}

/** [log joint, penalty, its gradients in `wanted`]. */
async function compile(target: Target, wanted: (inputs: Inputs) => readonly Value[]): Promise<Executable> {
  const b = createBuilder();
  const { own, terms, jacobian } = termsOf(b, target);
  const penalties = terms.filter((t) => t.role === "penalty");
  const total = (some: typeof terms): Value => some.reduce((sum, t) => b.add(sum, b.sum(t.value)), b.constant(0));
  const outputs = [total([...terms, ...jacobian]), total(penalties)];
  return compileWithGradient(b, [...Object.values(own.theta), own.u], outputs, wanted(own));
}

/** The outputs, then the gradients of the first of them: simplified before it is differentiated. */
export async function compileWithGradient(
  b: Builder,
  inputs: readonly Value[],
  outputs: readonly Value[],
  wanted: readonly Value[],
): Promise<Executable> {
  const plain = simplify(b, { inputs, outputs, updates: [] });
  const nameOf = (v: Value): string => (v.node.attrs as InputAttrs).name;
  const renewed = new Map(plain.inputs.map((v) => [nameOf(v), v]));
  const variables = wanted.map((v) => renewed.get(nameOf(v)) ?? v);
  const all = [...plain.outputs, ...gradient(b, plain.outputs[0], variables)];
  return wasmBackend.compile(simplify(b, { inputs: plain.inputs, outputs: all, updates: [] }));
}
