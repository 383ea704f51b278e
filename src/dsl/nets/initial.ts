// What tensors of networks start from.
import { sizeOf } from "../../runtime/ir/type.ts";
import type { NetTensor } from "./define.ts";

/** Before a rectifier: normal with variance 2 / in (He, Zhang, Ren and Sun 2015, "Delving deep into rectifiers", eq. 10). Else uniform with
 *  variance 2 / (in + out) (Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16). */
export function weights(name: string, shape: readonly number[], fan: { readonly in: number; readonly out: number }): NetTensor {
  return {
    name,
    shape,
    initial(rng, rectified) {
      const values = new Float64Array(sizeOf(shape));
      if (rectified) {
        rng.fillNormal(values);
        const scale = Math.sqrt(2 / fan.in);
        return values.map((z) => scale * z);
      }
      rng.fillUniform(values);
      const limit = Math.sqrt(6 / (fan.in + fan.out));
      return values.map((u) => limit * (2 * u - 1));
    },
  };
}

export const filled = (name: string, shape: readonly number[], value: number): NetTensor => ({
  name,
  shape,
  initial: () => new Float64Array(sizeOf(shape)).fill(value),
});
