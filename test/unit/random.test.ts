// Random streams: the generator itself, uniforms, normals, exponentials, and that streams are what their labels say.
import { describe, expect, test } from "vitest";
import { exp } from "../../src/runtime/numeric/math.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { exponentialZiggurat, normalTail, normalZiggurat } from "../../src/runtime/numeric/ziggurat.ts";
import { chiSquareScore, kolmogorovLimit, kolmogorovSmirnov, normalCdf } from "./goodness-of-fit.ts";

const many = 200_000;
const limit = kolmogorovLimit(1e-5);
/** Standard normal scores beyond it: 1e-5 on both sides. */
const score = 4.42;
const draw = (count: number, next: () => number): Float64Array => Float64Array.from({ length: count }, next);

describe("random streams", () => {
  test("xoshiro128** against an implementation in big integers", () => {
    const mask = 0xffffffffn;
    const rotate = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & mask;
    const s = [1n, 2n, 3n, 4n];
    const rng = stream(0, "").split("x");
    rng.restore([1, 2, 3, 4]);
    for (let i = 0; i < 1000; i++) {
      const expected = (rotate((s[1] * 5n) & mask, 7n) * 9n) & mask;
      const t = (s[1] << 9n) & mask;
      s[2] ^= s[0];
      s[3] ^= s[1];
      s[1] ^= s[2];
      s[0] ^= s[3];
      s[2] ^= t;
      s[3] = rotate(s[3], 11n);
      expect(BigInt(rng.below(4294967296))).toBe(expected);
    }
  });

  test("the first numbers of a stream never change", () => {
    const rng = stream(1, "golden");
    expect([rng.uniform(), rng.uniform(), rng.normal(), rng.normal(), rng.exponential(), rng.below(1000)]).toMatchInlineSnapshot(`
      [
        0.20649702804042247,
        0.699249687656489,
        -1.1864647275525135,
        0.013597696834285694,
        1.370624590134705,
        534,
      ]
    `);
    expect(rng.split("chain/2").uniform()).toMatchInlineSnapshot(`0.6460819294202954`);
    expect(stream(-3.5, "λ%/").state()).toMatchInlineSnapshot(`
      [
        802658212,
        1581274745,
        1699649111,
        -1727122696,
      ]
    `);
  });

  test("labels, not use, make streams; no two paths share one", () => {
    const a = stream(7, "a");
    const split = a.split("b");
    a.normal();
    expect(a.split("b").state()).toEqual(split.state());
    const keys = [
      stream(7, "a").split("b"),
      stream(7, "a/b"),
      stream(7, "a%2Fb"),
      stream(7, "b").split("a"),
      stream(7, "a").split("b").split(""),
      stream(7.5, "a"),
      stream(-7, "a"),
    ];
    expect(new Set(keys.map((k) => k.state().join())).size).toBe(keys.length);
  });

  test("a restored state continues with the same bits", () => {
    const rng = stream(3, "restore");
    rng.normal();
    const saved = rng.state();
    const next = draw(50, () => rng.normal() + rng.exponential() + rng.uniform() + rng.below(99));
    rng.restore(saved);
    expect(draw(50, () => rng.normal() + rng.exponential() + rng.uniform() + rng.below(99))).toEqual(next);
    const other = stream(3, "restore");
    other.restore(saved);
    const [filled, one] = [new Float64Array(20), draw(20, () => rng.normal())];
    rng.restore(saved);
    other.fillNormal(filled);
    expect(filled).toEqual(draw(20, () => rng.normal()));
    expect(filled).not.toEqual(one);
  });

  test("distributions: Kolmogorov-Smirnov, false alarms 1e-5 each", () => {
    const rng = stream(11, "distributions");
    expect(
      kolmogorovSmirnov(
        draw(many, () => rng.uniform()),
        (x) => x,
      ),
    ).toBeLessThan(limit);
    expect(
      kolmogorovSmirnov(
        draw(many, () => rng.normal()),
        normalCdf,
      ),
    ).toBeLessThan(limit);
    expect(
      kolmogorovSmirnov(
        draw(many, () => rng.exponential()),
        (x) => 1 - exp(-x),
      ),
    ).toBeLessThan(limit);
    // |x| alone would hide a wrong sign bit
    const signs = draw(many, () => Math.sign(rng.normal())).reduce((s, x) => s + x, 0);
    expect(Math.abs(signs) / Math.sqrt(many)).toBeLessThan(score);
  });

  test("moments of normals and exponentials, within 4.4 standard errors", () => {
    const rng = stream(12, "moments");
    const mean = (x: Float64Array, f: (v: number) => number): number => x.reduce((s, v) => s + f(v), 0) / x.length;
    const z = draw(many, () => rng.normal());
    // E x^k of the standard normal is 0, 1, 0, 3; the variances of x^k are 1, 2, 15, 96
    const normal = [
      [0, 1],
      [1, 2],
      [0, 15],
      [3, 96],
    ];
    const e = draw(many, () => rng.exponential());
    const exponential = [
      [1, 1],
      [2, 20],
      [6, 684],
      [24, 39744],
    ];
    for (const [x, moments] of [
      [z, normal],
      [e, exponential],
    ] as const) {
      let power = (_: number): number => 1;
      for (const [expected, variance] of moments) {
        const lower = power;
        power = (v) => lower(v) * v;
        expect(Math.abs(mean(x, power) - expected) / Math.sqrt(variance / many)).toBeLessThan(score);
      }
    }
  });

  test("the tail beyond an edge has the normal's shape", () => {
    const rng = stream(13, "tails");
    for (const edge of [0.5, normalZiggurat().edge[1]]) {
      const mass = normalCdf(-edge);
      expect(
        kolmogorovSmirnov(
          draw(many, () => normalTail(rng, edge)),
          (x) => 1 - normalCdf(-x) / mass,
        ),
      ).toBeLessThan(limit);
    }
  });

  test("fine histograms: wedges and tails of the ziggurats, cell by cell", () => {
    const total = 10_000_000;
    const width = 1 / 128;
    const rng = stream(17, "histograms");
    const histogram = (next: () => number, cells: number): Float64Array => {
      const counts = new Float64Array(cells + 1);
      for (let i = 0; i < total; i++) counts[Math.min(cells, Math.floor(next() / width))]++;
      return counts;
    };
    const expected = (cells: number, beyond: (x: number) => number): Float64Array =>
      Float64Array.from({ length: cells + 1 }, (_, i) => total * (beyond(i * width) - (i < cells ? beyond((i + 1) * width) : 0)));
    const normals = histogram(() => Math.abs(rng.normal()), 640);
    expect(
      Math.abs(
        chiSquareScore(
          normals,
          expected(640, (x) => 2 * normalCdf(-x)),
        ),
      ),
    ).toBeLessThan(score);
    // beyond the last edge, excesses are standard exponentials again
    const last = exponentialZiggurat().edge[1];
    let [far, excess] = [0, 0];
    const exponential = (): number => {
      const x = rng.exponential();
      if (x > last) far++;
      if (x > last) excess += x - last;
      return x;
    };
    const exponentials = histogram(exponential, 1500);
    expect(Math.abs(excess - far) / Math.sqrt(far)).toBeLessThan(score);
    expect(
      Math.abs(
        chiSquareScore(
          exponentials,
          expected(1500, (x) => exp(-x)),
        ),
      ),
    ).toBeLessThan(score);
  });

  test("the layers of the ziggurats have equal area and close at the top", () => {
    for (const { edge, height } of [normalZiggurat(), exponentialZiggurat()]) {
      const area = edge[0] * height[1];
      for (let i = 1; i < 256; i++) {
        const own = edge[i] * (height[i + 1] - height[i]);
        expect(Math.abs(own / area - 1)).toBeLessThan(i === 255 ? 1e-11 : 1e-13);
      }
    }
  });

  test("bits: each of 32 is fair, and neighbours are independent (chi-square)", () => {
    const rng = stream(14, "bits");
    const set = new Float64Array(64);
    const pairs = new Float64Array(256);
    let before = 0;
    for (let i = 0; i < many; i++) {
      const x = rng.below(4294967296);
      for (let bit = 0; bit < 32; bit++) set[2 * bit + ((x >>> bit) & 1)]++;
      const nibble = (x >>> 11) & 15;
      pairs[16 * before + nibble]++;
      before = nibble;
    }
    expect(Math.abs(chiSquareScore(set, new Float64Array(64).fill(many / 2), 32))).toBeLessThan(score);
    expect(Math.abs(chiSquareScore(pairs, new Float64Array(256).fill(many / 256)))).toBeLessThan(score);
  });

  test("neighbouring numbers and neighbouring streams are uncorrelated; products of small normals are not too small (Doornik's defect)", () => {
    const rng = stream(15, "chain 1");
    const other = stream(15, "chain 2");
    const [x, y] = [draw(many, () => rng.normal()), draw(many, () => other.normal())];
    const correlation = (lag: number, a: Float64Array, b: Float64Array): number =>
      a.reduce((s, v, i) => s + v * b[(i + lag) % many], 0) / Math.sqrt(many);
    for (const lag of [1, 2, 3]) expect(Math.abs(correlation(lag, x, x))).toBeLessThan(score);
    for (const lag of [0, 1]) expect(Math.abs(correlation(lag, x, y))).toBeLessThan(score);
    // pairs of neighbours in 16 x 16 cells of equal probability
    const cells = new Float64Array(256);
    const cell = (v: number): number => Math.min(15, Math.floor(16 * normalCdf(v)));
    for (let i = 0; i < many; i += 2) cells[16 * cell(x[i]) + cell(x[i + 1])]++;
    expect(Math.abs(chiSquareScore(cells, new Float64Array(256).fill(many / 512)))).toBeLessThan(score);
  });

  test("below: all residues equally often, also of numbers beyond 32 bits", () => {
    const rng = stream(16, "below");
    for (const n of [1, 2, 6, 100]) {
      const counts = new Float64Array(n);
      for (let i = 0; i < 50_000; i++) counts[rng.below(n)]++;
      if (n > 1) expect(Math.abs(chiSquareScore(counts, new Float64Array(n).fill(50_000 / n)))).toBeLessThan(score);
    }
    for (const n of [3 * 2 ** 31, 2 ** 45 + 1, 2 ** 53 - 1]) {
      const sample = draw(20_000, () => rng.below(n));
      expect(sample.every((k) => Number.isInteger(k) && k >= 0 && k < n)).toBe(true);
      expect(kolmogorovSmirnov(sample, (k) => (k + 1) / n)).toBeLessThan(limit);
    }
  });
});
