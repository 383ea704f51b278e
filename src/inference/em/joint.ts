// The joint log density of data and latents given the params, as two compiled programs: with its gradient in the latents, and in the params.
import type { Executable } from "../../runtime/backend.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { gradient } from "../../runtime/ir/gradient.ts";
import type { Builder, InputAttrs, Value } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Assignment, Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";

/** θ: unconstrained coordinates of all params, one after the other in the target's order. u: unconstrained latents. */
export interface Joint {
  readonly target: Target;
  /** Length of θ. */
  readonly parameters: number;
  /** Length of u. */
  readonly latents: number;
  /** log p(x, u; θ), penalties included; writes its gradient in u. */
  inLatents(theta: Float64Array, u: Float64Array, gradient: Float64Array): number;
  /** The same; writes its gradient in θ. */
  inParameters(theta: Float64Array, u: Float64Array, gradient: Float64Array): number;
  /** Whether it is a density of data and latents: no prior of a latent lacks its normaliser. */
  readonly normalised: boolean;
  /** What the ~ of params add to it. */
  penalty(theta: Float64Array): number;
  /** Constrained values by name. */
  constrained(theta: Float64Array): Readonly<Record<string, Float64Array>>;
  dispose(): void;
}

export async function compileJoint(target: Target): Promise<Joint> {
  const { parameters, dimension } = target;
  const places = placesOf(target);
  const latent = await compile(target, ({ u }) => [u]);
  const learnt = await compile(target, ({ theta }) => parameters.map((p) => theta[p.name]));
  const values = await compileConstrained(target);
  const normalised = termsOf(createBuilder(), target).terms.every((t) => t.unnormalised === undefined || t.role === "penalty");
  const write = (executable: Executable, theta: Float64Array): void => {
    for (const { name, offset, size } of places)
      (executable.inputs[inputName(name)] as Float64Array | undefined)?.set(theta.subarray(offset, offset + size));
  };
  const evaluate = (executable: Executable, theta: Float64Array, u: Float64Array): number => {
    write(executable, theta);
    (executable.inputs.u as Float64Array).set(u);
    executable.run();
    return executable.outputs[0][0];
  };
  return {
    target,
    parameters: places.reduce((sum, { size }) => sum + size, 0),
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
    constrained(theta) {
      write(values, theta);
      values.run();
      return Object.fromEntries(parameters.map(({ name }, i) => [name, values.outputs[i].slice()]));
    },
    dispose() {
      for (const executable of [latent, learnt, values]) executable.dispose();
    },
  };
}

interface Inputs {
  readonly theta: Assignment;
  readonly u: Value;
}

const inputName = (parameter: string): string => `parameter ${parameter}`;

function inputsOf(b: Builder, target: Target): Inputs {
  return {
    theta: Object.fromEntries(
      target.parameters.map((p) => [p.name, b.input(inputName(p.name), { shape: p.unconstrained, dtype: "real" })]),
    ),
    u: b.input("u", { shape: [target.dimension], dtype: "real" }),
  };
}

function termsOf(b: Builder, target: Target) {
  const own = inputsOf(b, target);
  const setting = { parameters: target.constrainParameters(b, own.theta) };
  const { values, jacobian } = target.constrain(b, own.u, setting);
  return { own, terms: target.terms(b, values, setting), jacobian };
}

/** [log joint, penalty, its gradients in `wanted`], simplified before it is differentiated. */
async function compile(target: Target, wanted: (inputs: Inputs) => readonly Value[]): Promise<Executable> {
  const b = createBuilder();
  const { own, terms, jacobian } = termsOf(b, target);
  const total = (some: typeof terms): Value => some.reduce((sum, t) => b.add(sum, b.sum(t.value)), b.constant(0));
  const penalties = terms.filter((t) => t.role === "penalty");
  const inputs = [...Object.values(own.theta), own.u];
  const plain = simplify(b, { inputs, outputs: [total([...terms, ...jacobian]), total(penalties)], updates: [] });
  const renewed = new Map(plain.inputs.map((v) => [(v.node.attrs as InputAttrs).name, v]));
  const variables = wanted(own).map((v) => renewed.get((v.node.attrs as InputAttrs).name) ?? v);
  const outputs = [...plain.outputs, ...gradient(b, plain.outputs[0], variables)];
  return wasmBackend.compile(simplify(b, { inputs: plain.inputs, outputs, updates: [] }));
}

async function compileConstrained(target: Target): Promise<Executable> {
  const b = createBuilder();
  const { theta } = inputsOf(b, target);
  const values = target.constrainParameters(b, theta);
  const outputs = target.parameters.map((p) => values[p.name]);
  return wasmBackend.compile(simplify(b, { inputs: Object.values(theta), outputs, updates: [] }));
}

/** Where each param's coordinates lie in θ. */
function placesOf(target: Target): readonly { readonly name: string; readonly offset: number; readonly size: number }[] {
  let offset = 0;
  return target.parameters.map(({ name, unconstrained }) => {
    const place = { name, offset, size: sizeOf(unconstrained) };
    offset += place.size;
    return place;
  });
}
