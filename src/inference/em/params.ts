// The params that the model reads as one vector θ: the unconstrained coordinates of all of them, one after the other in the target's order.
import type { Executable } from "../../runtime/backend.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Assignment, Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import type { Resume } from "../engine.ts";
import { learntByModel, startingParameters } from "../vi/parameters.ts";

export interface Place {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Where each param's coordinates lie in θ. */
export function placesOf(target: Target): readonly Place[] {
  let offset = 0;
  return learntByModel(target).map(({ name, unconstrained }) => {
    const place = { name, offset, size: sizeOf(unconstrained) };
    offset += place.size;
    return place;
  });
}
export const lengthOf = (places: readonly Place[]): number => places.reduce((sum, { size }) => sum + size, 0);

const inputName = (parameter: string): string => `parameter ${parameter}`;

/** Inputs of a program, by the param's name. */
export function thetaInputs(b: Builder, target: Target): Assignment {
  return Object.fromEntries(
    learntByModel(target).map((p) => [p.name, b.input(inputName(p.name), { shape: p.unconstrained, dtype: "real" })]),
  );
}

/** Constrained values of all params by name; a guide's own, which the model does not read, are anything. */
export function constrainTheta(b: Builder, target: Target, theta: Assignment): Assignment {
  const unread = target.parameters.filter((p) => !theta[p.name]);
  const zeros = unread.map((p): [string, Value] => [
    p.name,
    b.tensor(new Float64Array(sizeOf(p.unconstrained)), p.unconstrained),
  ]);
  return target.constrainParameters(b, { ...theta, ...Object.fromEntries(zeros) });
}

export function writeTheta(executable: Executable, places: readonly Place[], theta: Float64Array): void {
  // A program has no input for what it does not read.
  for (const { name, offset, size } of places)
    (executable.inputs[inputName(name)] as Float64Array | undefined)?.set(theta.subarray(offset, offset + size));
}

/** As declared, or as an earlier fit left them; `away`: by so much at random from there. */
export function startingTheta(target: Target, rng: Rng, away: number, resume?: Resume): Float64Array {
  const initial = startingParameters(target, rng, resume);
  const own = rng.split("away");
  const all = learntByModel(target).flatMap(({ name }) =>
    Array.from(initial[name], (x) => (away > 0 ? x + away * own.normal() : x)),
  );
  return Float64Array.from(all);
}

/** θ to constrained values by name. */
export async function compileConstrained(target: Target): Promise<{
  at(theta: Float64Array): Readonly<Record<string, Float64Array>>;
  dispose(): void;
}> {
  const b = createBuilder();
  const theta = thetaInputs(b, target);
  const values = constrainTheta(b, target, theta);
  const outputs = learntByModel(target).map((p) => values[p.name]);
  const executable = await wasmBackend.compile(simplify(b, { inputs: Object.values(theta), outputs, updates: [] }));
  const places = placesOf(target);
  return {
    at(x) {
      writeTheta(executable, places, x);
      executable.run();
      return Object.fromEntries(learntByModel(target).map(({ name }, i) => [name, executable.outputs[i].slice()]));
    },
    dispose: () => executable.dispose(),
  };
}
