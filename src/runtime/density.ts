// A compiled log density as samplers see it. A density's program has one input a call, the position, and two outputs: the
// log density, a scalar, and its gradient.
import type { Executable } from "./backend.ts";
import { InternalError } from "./errors.ts";
import type { LogDensity } from "./target.ts";

/** Name of the input that holds the position. */
export const POSITION = "q";

export function densityOf(executable: Executable, dimension: number): LogDensity {
  const position = executable.inputs[POSITION];
  const [value, slope] = executable.outputs;
  if (!(position instanceof Float64Array) || position.length !== dimension || slope?.length !== dimension)
    throw new InternalError(`a density of dimension ${dimension} was compiled to another form`);
  return {
    dimension,
    evaluate(q, gradient) {
      position.set(q);
      executable.run();
      gradient.set(slope);
      return value[0];
    },
    dispose: () => executable.dispose(),
  };
}
