// One event drawn on the host from any distribution, whichever way it says how.
import { InternalError } from "../../../runtime/errors.ts";
import { createBuilder } from "../../../runtime/ir/builder.ts";
import type { Value } from "../../../runtime/ir/graph.ts";
import { shapeOf } from "../../../runtime/ir/graph.ts";
import { interpret } from "../../../runtime/ir/interpret.ts";
import type { Rng } from "../../../runtime/numeric/rng.ts";
import type { Applied } from "../applied.ts";
import type { NoiseSpec } from "../define.ts";

export type HostSampler = (rng: Rng, values: readonly Float64Array[], out: Float64Array) => void;

/** Its own sampler, or its program of noise interpreted on one event; undefined when it has neither. */
export function hostSampler(d: Applied): HostSampler | undefined {
  if (d.sample) return (rng, values, out) => d.sample?.(rng, values, out);
  const { draw } = d;
  if (!draw) return undefined;
  let program: { readonly specs: readonly NoiseSpec[]; readonly result: Value } | undefined;
  return (rng, values, out) => {
    program ??= onOneEvent(d);
    const given: Record<string, Float64Array> = {};
    program.specs.forEach((n, i) => {
      given[`noise ${i}`] = drawNoise(rng, n);
    });
    values.forEach((v, i) => {
      given[`argument ${i}`] = v;
    });
    out.set(interpret([program.result], given)[0]);
  };
}
function onOneEvent(d: Applied): { readonly specs: readonly NoiseSpec[]; readonly result: Value } {
  const { eventShape } = d;
  if (eventShape === null) throw new InternalError(`${d.name} is drawn without its shape`);
  const b = createBuilder();
  const one = d.withArguments(
    d.arguments.map(({ value, rank }, i) => {
      const shape = shapeOf(value);
      return b.input(`argument ${i}`, { shape: shape.slice(shape.length - rank), dtype: "real" });
    }),
  );
  const draw = one.draw;
  if (!draw) throw new InternalError(`${d.name} lost its draw`);
  const specs = draw.noise(eventShape);
  const noise = specs.map((n, i) => b.input(`noise ${i}`, { shape: n.shape, dtype: "real" }));
  return { specs, result: b.cast(draw.build(b, noise, eventShape), "real") };
}

export function drawNoise(rng: Rng, { kind, shape }: NoiseSpec): Float64Array {
  const out = new Float64Array(shape.reduce((n, k) => n * k, 1));
  for (let i = 0; i < out.length; i++)
    out[i] = kind === "normal" ? rng.normal() : kind === "uniform" ? rng.uniform() : rng.exponential();
  return out;
}
