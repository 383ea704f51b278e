// The density of each distribution integrates or sums to 1: by quadrature and enumeration, at every golden row's parameters.
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { caseOf, golden, records, runningError } from "./distribution-cases.ts";
import { massOf } from "./distribution-mass.ts";

const proper = golden.filter(({ d }) => d.normalised);
const counted = new Set<string>();

describe("mass 1", () => {
  it.each(proper)("$title", ({ d, row, title }) => {
    const c = caseOf(d, row, title);
    const m = massOf(c);
    if (m === null) return;
    counted.add(d.name);
    const b = createBuilder();
    const log = c.make(b).logDensity(b, b.tensor(c.at, c.shape));
    // The log density is off by its rounding everywhere; the two quadrature rules differ by more than either is wrong.
    // 1e-9: of a gamma of shape 1/32, 2e-10 lies below the smallest double.
    const tolerance = 64 * runningError(b, log, {}) + m.error + 1e-9;
    expect(Math.abs(m.mass - 1), `${m.mass} ± ${tolerance}`).toBeLessThanOrEqual(tolerance);
    expect(m.error).toBeLessThan(1e-4);
  });
  it("was found for every record in some row", () => {
    for (const d of records) if (d.normalised) expect(counted, d.name).toContain(d.name);
  });
});
