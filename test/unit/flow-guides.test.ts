// flow(D, f) in guides: draws, their densities, and fits to posteriors whose evidence is known.
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Assignment, Target } from "../../src/runtime/target.ts";
import { bound, model } from "./model-under-test.ts";

/** Constants for every parameter, at and about where training begins. */
function parametersOf(b: ReturnType<typeof createBuilder>, target: Target): Assignment {
  const rng = stream(5, "parameters");
  const unconstrained = Object.fromEntries(
    target.parameters.map((p) => [
      p.name,
      b.tensor(
        p.initial(rng).map((x) => x + 0.3 * rng.normal()),
        p.unconstrained,
      ),
    ]),
  );
  return target.constrainParameters(b, unconstrained);
}

describe.each(["planar(2, 2)", "iaf(2, 2)", "coupling(3, 2)", "spline(2, 2)", "iaf(1, 2) |> planar(1, 2)"])("%s", (net) => {
  const text = `data x: real[N]
net f = ${net}
for n in 1..N { z[n]: real[2] ~ Normal(0, 1); x[n] ~ Normal(z[n, 1] + z[n, 2], 1) }
guide { for n in 1..N { z[n] ~ flow(Normal(0, 1.5), f, context = [x[n], 1]) } }`;
  test("the density of a draw is that of the value drawn, in a plate, given a context", async () => {
    const { target } = await bound(text, { x: [0.3, -1.2, 2.1] });
    const b = createBuilder();
    const parameters = parametersOf(b, target);
    const rng = stream(2, "noise");
    const drawn = target.guide?.draw(
      b,
      {
        noise: (_kind, shape) =>
          b.tensor(
            Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => rng.normal()),
            shape,
          ),
      },
      { parameters },
    );
    const z = b.tensor(interpret([drawn?.values.z as Value], {})[0], [3, 2]);
    const given = target.guide?.terms(b, { z }, { parameters });
    const [own, same] = interpret([drawn?.terms[0].value as Value, given?.[0].value as Value], {});
    expect(own.length).toBe(3);
    own.forEach((l, n) => {
      // The inverse of a flow at random parameters loses some digits.
      expect(Math.abs(l - same[n])).toBeLessThan(1e-9 * (1 + Math.abs(l)));
    });
  });
});

test("a flow reaches what its base does not", async () => {
  const p = await bound(`z: real[2] ~ MultiNormal([0, 0], [[1, 0.9], [0.9, 1]])
net f = iaf(2, 2, hidden = 8)
guide { z ~ flow(Normal(0, 1), f) }`);
  const fit = await p.run("amortized", { seed: 1, steps: 1500, rate: 0.01, samples: 5 });
  expect(fit.figures.elbo).toBeGreaterThan(-0.05);
  expect(fit.figures.elbo).toBeLessThan(4 * fit.figures.elbo_se);
});

test("what is no flow, no net, no base is said", () => {
  const said = (statement: string): string => {
    try {
      model(`z: real[2] ~ Normal(0, 1)\nnet f = iaf(2, 2)\nnet g = linear(2, 2)\nnet h = planar(1, 3)\n${statement}`);
      return "nothing";
    } catch (e) {
      return String((e as Error).message);
    }
  };
  expect(said("guide { z ~ flow(Normal(0, 1), f) }")).toBe("nothing");
  expect(said("guide { z ~ flow(Normal(0, 1), g) }")).toContain("g is no flow");
  expect(said("guide { z ~ flow(Normal(0, 1), z) }")).toContain("z is no net");
  expect(said("guide { z ~ flow(HalfNormal(1), f) }")).toContain("HalfNormal is not over all real numbers");
  expect(said("guide { z ~ flow(Normal(0, 1), h) }")).toContain("z is a vector of 2");
  expect(said("guide { z ~ flow(Normal([0, 0], 1), h) }")).toContain("Normal gives a vector of 2, and the net takes 3 numbers");
  expect(said("guide { z ~ flow(f) }")).toContain("it is flow(D, f, context = h)");
  expect(said("guide { z ~ flow(Normal(0, 1), f, context = 2) }")).toContain("2 is a number");
  expect(said("guide { z ~ Normal(0, 1) }\nfactor(flow(Normal(0, 1), f))")).toContain("is a distribution, not a value");
});
