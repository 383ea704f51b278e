// Eigenvalues of symmetric matrices by tridiagonal form, against Jacobi's, and matrices whose eigenvalues are known.
import { expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { symmetricEigenvalues } from "../../src/runtime/numeric/eigenvalues.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";

const symmetric = (n: number, of: (i: number, j: number) => number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, k) => of(Math.min(Math.floor(k / n), k % n), Math.max(Math.floor(k / n), k % n)));
/** Eigenvalues are right to some roundings of the greatest of them, times the root of the size (Golub and Van Loan, section 8.3). */
const expectClose = (found: Float64Array, known: ArrayLike<number>): void => {
  const n = known.length;
  const greatest = Array.from(known).reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  found.forEach((v, i) => {
    expect(Math.abs(v - known[i]), `${i} of ${n}: ${v}, ${known[i]}`).toBeLessThanOrEqual(
      10 * Math.sqrt(n) * Number.EPSILON * greatest,
    );
  });
};

test("of random matrices, as Jacobi finds them", () => {
  const rng = stream(3, "eigenvalues");
  for (const n of [1, 2, 3, 7, 20]) {
    const noise = Float64Array.from({ length: n * n }, () => rng.normal());
    const a = symmetric(n, (i, j) => noise[i * n + j]);
    const b = createBuilder();
    expectClose(symmetricEigenvalues(a, n), interpret([b.symmetricEigen(b.tensor(a, [n, n]))[0]], {})[0]);
  }
});
test("of the second difference: 2 - 2 cos(k π / (n + 1)); of a ring, in pairs; of blocks and of zero", () => {
  const n = 60;
  const known = (k: number): number => 2 - 2 * Math.cos((k * Math.PI) / (n + 1));
  expectClose(
    symmetricEigenvalues(
      symmetric(n, (i, j) => (i === j ? 2 : j - i === 1 ? -1 : 0)),
      n,
    ),
    Float64Array.from({ length: n }, (_, k) => known(k + 1)),
  );
  const ring = Float64Array.from({ length: n }, (_, k) => 2 * Math.cos((2 * Math.PI * k) / n)).sort();
  expectClose(
    symmetricEigenvalues(
      symmetric(n, (i, j) => (j - i === 1 || j - i === n - 1 ? 1 : 0)),
      n,
    ),
    ring,
  );
  expectClose(symmetricEigenvalues(Float64Array.of(0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3), 4), [-1, 1, 3, 3]);
  expectClose(symmetricEigenvalues(new Float64Array(9), 3), [0, 0, 0]);
});
test("of matrices whose squares are no numbers: eigenvectors by Jacobi, interpreted and compiled", () => {
  for (const scale of [1, 1e-160, 1e-170, 1e-300, 1e154, 1e300]) {
    const b = createBuilder();
    const a = b.input("a", { shape: [2, 2], dtype: "real" });
    const outputs = b.symmetricEigen(a);
    const given = Float64Array.of(scale, 0.5 * scale, 0.5 * scale, scale);
    const compiled = instantiate(compileWasm({ inputs: [a], outputs, updates: [] }));
    compiled.inputs.a.set(given);
    compiled.run();
    for (const [values, vectors] of [interpret(outputs, { a: given }), compiled.outputs]) {
      expectClose(
        values.map((v) => v / scale),
        [0.5, 1.5],
      );
      expectClose(vectors.map(Math.abs), new Array(4).fill(Math.SQRT1_2));
      expect(vectors[0] * vectors[2]).toBeLessThan(0);
    }
  }
});
