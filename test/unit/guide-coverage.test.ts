// What a guide gives and how, as far as data decide on it: every element once, parameters with their readers, one estimator a name.
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import type { Target } from "../../src/runtime/target.ts";
import { bound } from "./model-under-test.ts";

const rows = "data y: real[N]\nfor n in 1..N { z[n] ~ Normal(0, 1); y[n] ~ Normal(z[n], 1) }\n";
const refused: readonly (readonly [string, string, string])[] = [
  ["holes", `${rows}guide { z[1] ~ Normal(0, 1); z[3] ~ Normal(0, 1) }`, "gives no distribution to z[2]"],
  [
    "elements under a condition",
    `${rows}guide { for n in 1..N { if y[n] > 1 { z[n] ~ Normal(0, 1) } } }`,
    "no distribution to z[1]",
  ],
  [
    "a branch not taken",
    `${rows}guide { if N > 5 { z ~ Normal(0, 1) } }`,
    "the guide gives no distribution to z with these data",
  ],
  [
    "a branch of another size",
    `${rows}guide { if N > 1 { for n in 1..2 { z[n] ~ Normal(0, 1) } } else { z[1] ~ Normal(0, 1) } }`,
    "the guide gives z the shape [2]",
  ],
  [
    "elements that the model has not",
    "data y: real[N]\nmu ~ Normal(0, 1)\nfor n in 1..N { y[n] ~ Normal(mu, 1)\nif y[n] > 1 { z[n] ~ Normal(0, 1) } }\nguide { mu ~ Normal(0, 1)\nz ~ Normal(zeros(N), 1) }",
    "gives a distribution to z[1], which is not there",
  ],
  [
    "holes in the reverse",
    `${rows}guide { for n in 1..N { aux a[n] ~ Normal(0, 1); z[n] ~ Normal(a[n], 1) } }\nreverse { for n in 1..N { if y[n] > 1 { a[n] ~ Normal(z[n], 1) } } }`,
    "the reverse gives no distribution to a[1]",
  ],
  [
    "an ordered auxiliary of numbers without order",
    "mu ~ Normal(0, 1)\nguide { aux a: ordered[2] ~ Normal(0, 1)\nmu ~ Normal(a[1], 1) }\nreverse { a: ordered[2] ~ Normal(0, 1) }",
    "cannot draw ordered values from Normal",
  ],
];
test.each(refused)("%s", async (_, text, message) => {
  await expect((async () => bound(text, { y: [0.5, 1.5, 2] }))()).rejects.toThrow(message);
});

test("missing entries are latent", async () => {
  const text = "data y: real?[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)\nparam m: real\nguide { mu ~ Normal(m, 1)";
  await expect(bound(`${text} }`, { y: [1, null, 3] })).rejects.toThrow("y has missing entries");
  const p = await bound(`${text}\nrest ~ meanfield() }`, { y: [1, null, 3] });
  expect(p.target.guide?.rest?.names).toEqual(["y"]);
});

describe("the model's own holes are the guide's", () => {
  test("under the same condition", async () => {
    const p = await bound(
      "data y: real[N]\nfor n in 1..N { y[n] ~ Normal(0, 1)\nif y[n] > 1 { z[n] ~ Normal(0, 1) } }\nguide { for n in 1..N { if y[n] > 1 { z[n] ~ Normal(y[n], 1) } } }",
      { y: [0.5, 1.5, 2] },
    );
    expect(p.target.guide?.sites.map((s) => s.name)).toEqual(["z"]);
  });
});

test("what only moves a draw is read by the guide", async () => {
  const { target } = await bound("z: real[2] ~ Normal(0, 1)\nnet f = spline(1, 2)\nguide { z ~ flow(Normal(0, 1), f) }");
  expect(target.parameters.map((p) => p.readBy)).toEqual(target.parameters.map(() => "guide"));
});

/** Draws at parameters that are inputs, and the gradient of their sum by these. */
function slopes(target: Target, name: string): number[] {
  const b = createBuilder();
  const inputs = Object.fromEntries(
    target.parameters.map((p) => [p.name, b.input(`(parameter ${p.name})`, { shape: p.shape, dtype: "real" as const })]),
  );
  let asked = 0;
  const noise = (_kind: string, shape: readonly number[]): Value =>
    b.tensor(
      Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => 0.3 + 0.1 * (asked++ % 6)),
      shape,
    );
  const drawn = target.guide?.draw(b, { noise }, { parameters: inputs }).values[name] as Value;
  const by = gradient(b, b.sum(drawn), Object.values(inputs));
  const at = Object.fromEntries(
    target.parameters.map((p) => [`(parameter ${p.name})`, new Float64Array(p.shape.reduce((n, d) => n * d, 1)).fill(0.7)]),
  );
  return interpret(by, at).map((g) => g.reduce((m, x) => Math.max(m, Math.abs(x)), 0));
}

test("a flow of a base without a path has none", async () => {
  const flow = (base: string) => bound(`z: real[2] ~ Normal(0, 1)\nnet f = planar(1, 2)\nguide { z ~ flow(${base}, f) }`);
  const plain = await flow("Normal(0, 1)");
  expect(Math.max(...slopes(plain.target, "z"))).toBeGreaterThan(0);
  const mixed = await flow("mixture([0.3, 0.7], Normal(-1, 1), Normal(2, 1))");
  expect(mixed.target.guide?.sites[0].gradient).toBe("score");
  expect(Math.max(...slopes(mixed.target, "z"))).toBe(0);
});

test("a name some of whose draws have no path has one estimator", async () => {
  const { target } = await bound(
    "for i in 1..2 { z[i] ~ Normal(0, 1) }\nparam m: real, p: unit\nguide { z[1] ~ Normal(m, 1)\nz[2] ~ mixture([p, 1 - p], Normal(-1, 1), Normal(2, 1)) }",
  );
  expect(target.guide?.sites.map((s) => s.gradient)).toEqual(["score"]);
  expect(slopes(target, "z")).toEqual([0, 0]);
});
