// Mean field, slot by slot: where a slot has a row a datapoint, so have its parameters and its noise, and a minibatch touches its rows alone.
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { log } from "../../../runtime/numeric/math.ts";
import type { Assignment, Slot, Target, Term } from "../../../runtime/target.ts";
import type { FamilyParameter } from "../approximation.ts";
import { type GaussianFamily, initialLogScale, type Start } from "./gaussian.ts";

export function rowMeanField(target: Target, start: Start): GaussianFamily {
  const slots = target.layout;
  const part = (whole: Float64Array, { offset, size }: Slot): Float64Array => whole.slice(offset, offset + size);
  const logScales = start.scale?.map(log) ?? new Float64Array(target.dimension).fill(initialLogScale(start));
  const names = slots.map((s, i) => {
    // A latent of several statements has several slots.
    const nth = slots.slice(0, i).filter((t) => t.name === s.name).length;
    return `${s.name}${nth > 0 ? ` (${nth + 1})` : ""}`;
  });
  const at = (p: Assignment, i: number) => ({ mean: p[`mean of ${names[i]}`], logScale: p[`log scale of ${names[i]}`] });
  return {
    parameters: slots.flatMap((s, i): FamilyParameter[] => {
      const [plate] = s.plates;
      const shared = { shape: s.unconstrained, ...(plate ? { plate } : {}) };
      return [
        { ...shared, name: `mean of ${names[i]}`, initial: () => part(start.position, s) },
        { ...shared, name: `log scale of ${names[i]}`, initial: () => part(logScales, s) },
      ];
    }),
    draw(b, noise, parameters, setting) {
      const coordinates = slots.map((s, i) => {
        const { mean, logScale } = at(parameters.family, i);
        return b.add(mean, b.mul(b.exp(logScale), noise.noise("normal", s.unconstrained, s.plates)));
      });
      const flat = coordinates.map((u, i) => b.reshape(u, [slots[i].size]));
      const { values, jacobian } = target.constrain(b, flat, { ...setting, parameters: parameters.target });
      return {
        values,
        jacobian,
        position: b.concat(flat, 0),
        logQ: (p) =>
          slots.map((s, i): Term => {
            const { mean, logScale } = at(p.family, i);
            const value = logNormal(b, coordinates[i], mean, logScale, s.plates.length);
            return { site: s.name, role: "guide", axes: s.plates, value, reads: [s.name], span: { file: 0, start: 0, end: 0 } };
          }),
      };
    },
    logDensity(b, p, u) {
      return slots.reduce((sum, s, i) => {
        const { mean, logScale } = at(p, i);
        const own = b.reshape(b.slice(u, 0, s.offset, s.size), s.unconstrained);
        return b.add(sum, logNormal(b, own, mean, logScale, 0));
      }, b.constant(0));
    },
    mean(fitted) {
      const out = new Float64Array(target.dimension);
      slots.forEach((s, i) => {
        out.set(fitted[`mean of ${names[i]}`], s.offset);
      });
      return out;
    },
  };
}

/** Summed over all axes but the first `kept`. */
function logNormal(b: Builder, u: Value, mean: Value, logScale: Value, kept: number): Value {
  const z = b.mul(b.sub(u, mean), b.exp(b.neg(logScale)));
  const each = b.sub(b.mul(b.constant(-0.5), b.square(z)), b.add(logScale, b.constant(0.5 * log(2 * Math.PI))));
  const axes = shapeOf(u).flatMap((_, k) => (k < kept ? [] : [k]));
  return axes.length === 0 ? each : b.sum(each, axes);
}
