// .npz archives, and broken ones.
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { readNpz } from "../../src/dsl/data/npz.ts";

/** np.array([[1.5, 2.5]]) and np.array([3, 4]) as numpy.lib.format writes them. */
function npy(descr: string, shape: string, payload: Uint8Array): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const header = `${text.padEnd(117)}\n`;
  const out = new Uint8Array(10 + header.length + payload.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  out.set(new TextEncoder().encode(header), 10);
  out.set(payload, 10 + header.length);
  return out;
}
const reals = npy("<f8", "(1, 2)", new Uint8Array(Float64Array.of(1.5, 2.5).buffer));
const ints = npy("<i4", "(2,)", new Uint8Array(Int32Array.of(3, 4).buffer));

test("an archive gives one variable an entry", () => {
  const data = readNpz("a.npz", zipSync({ "X.npy": reals, "n.npy": ints, "notes.txt": new Uint8Array(3) }));
  expect([...data.keys()]).toEqual(["X", "n"]);
  expect(data.get("X")).toMatchObject({ shape: [1, 2], firstReal: 0 });
  expect([...(data.get("n")?.values ?? [])]).toEqual([3, 4]);
  expect(data.get("n")?.firstReal).toBeUndefined();
});

test("what is no archive, or holds a broken array, is said so", () => {
  expect(() => readNpz("b.npz", Uint8Array.of(1, 2, 3))).toThrow(/b\.npz is no \.npz archive/);
  expect(() => readNpz("d.npz", zipSync({ "µ.npy": reals, "μ.npy": ints }))).toThrow(/d\.npz has two arrays called μ/);
  expect(() => readNpz("c.npz", zipSync({ "X.npy": reals.subarray(0, 20) }))).toThrow(/c\.npz, X\.npy is no \.npy array/);
});
