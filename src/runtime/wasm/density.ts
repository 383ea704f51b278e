// A compiled [log density, gradient] program as the function that samplers call.
import type { Executable } from "../backend.ts";
import { InternalError } from "../errors.ts";
import type { LogDensity } from "../target.ts";

/** Input "q"; outputs: the scalar log density and its gradient. */
export function densityOf(dimension: number, executable: Executable): LogDensity {
  const q = executable.inputs.q;
  const [value, slope] = executable.outputs;
  if (!(q instanceof Float64Array) || q.length !== dimension || slope?.length !== dimension)
    throw new InternalError("not a density program");
  return {
    dimension,
    evaluate(position, gradient) {
      // For a few numbers a loop is faster than the call that copies a block.
      if (dimension > SHORT) q.set(position);
      else for (let i = 0; i < dimension; i++) q[i] = position[i];
      executable.run();
      if (dimension > SHORT) gradient.set(slope);
      else for (let i = 0; i < dimension; i++) gradient[i] = slope[i];
      return value[0];
    },
    dispose: () => executable.dispose(),
  };
}
/** Numbers. */
const SHORT = 64;
