// Reduction of large angles.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import type { Double } from "./arithmetic.ts";
export function reduceLarge<A extends Double & { quadrant: VectorValue }>(
  _w: VectorEmitter,
  _x: VectorValue,
  _large: VectorValue,
  angle: A,
): A {
  return angle;
}
