// A compiled [log density, gradient] program as the function that samplers call.
import type { Executable } from "../backend.ts";
import { InternalError } from "../errors.ts";
import type { LogDensity } from "../target.ts";

/** Input "q"; outputs: the scalar log density and its gradient. */
export function densityOf(dimension: number, executable: Executable): LogDensity {
  const q = executable.inputs.q;
  const [value, slope] = executable.outputs;
  if (!(q instanceof Float64Array) || q.length !== dimension || slope.length !== dimension)
    throw new InternalError("not a density program");
  return {
    dimension,
    evaluate(position, gradient) {
      q.set(position);
      executable.run();
      gradient.set(slope);
      return value[0];
    },
    dispose: () => executable.dispose(),
  };
}
