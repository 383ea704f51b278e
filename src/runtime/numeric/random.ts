// Seeded random streams: seedrandom turns a seed and a label into the state of xoshiro128**, ziggurats give normals and exponentials.
// xoshiro128** 1.1 (Blackman & Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021): period 2^128 - 1; the chance
// that two of 10^6 streams of 2^40 numbers overlap is below 2^-46.
import seedrandom from "seedrandom";
import { InternalError } from "../errors.ts";
import { exp, log } from "./math.ts";
import type { Rng } from "./rng.ts";
import { exponentialZiggurat, normalTail, normalZiggurat, type Ziggurat } from "./ziggurat.ts";

/** The stream of a seed and a label: the same numbers on every machine, for ever. */
export const stream = (seed: number, label: string): Rng => new Xoshiro(`${seed}/${escaped(label)}`);

/** No two paths of labels give one key. */
const escaped = (label: string): string => label.replaceAll("%", "%25").replaceAll("/", "%2F");

const twoTo26 = 67108864;
const twoTo52 = 4503599627370496;

class Xoshiro implements Rng {
  private readonly key: string;
  private readonly normals: Ziggurat = normalZiggurat();
  private readonly exponentials: Ziggurat = exponentialZiggurat();
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 0;

  constructor(key: string) {
    this.key = key;
    const source = seedrandom(key);
    // the state of zeros alone is a fixed point; no key that leads there is known
    while ((this.a | this.b | this.c | this.d) === 0) {
      this.a = source.int32();
      this.b = source.int32();
      this.c = source.int32();
      this.d = source.int32();
    }
  }

  /** 32 random bits. */
  private next(): number {
    const x = Math.imul(this.b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9);
    const t = this.b << 9;
    const c = this.c ^ this.a;
    const d = this.d ^ this.b;
    this.b ^= c;
    this.a ^= d;
    this.c = c ^ t;
    this.d = (d << 11) | (d >>> 21);
    return result;
  }

  uniform(): number {
    for (;;) {
      const k = (this.next() >>> 5) * twoTo26 + (this.next() >>> 6);
      if (k > 0) return k / (2 * twoTo52);
    }
  }

  normal(): number {
    const { edge, ratio, height } = this.normals;
    for (;;) {
      const high = this.next();
      const low = this.next();
      // 53 bits make the number, symmetric about 0; the 11 left over choose the layer, so number and layer are independent
      // (Doornik, "An improved ziggurat method to generate normal random samples", 2005)
      const u = ((high >>> 5) * twoTo26 + (low >>> 6) - twoTo52 + 0.5) / twoTo52;
      const layer = (low & 63) | ((high & 3) << 6);
      const x = u * edge[layer];
      if (Math.abs(u) < ratio[layer]) return x;
      if (layer === 0) return u < 0 ? -normalTail(this, edge[1]) : normalTail(this, edge[1]);
      const y = height[layer] + this.uniform() * (height[layer + 1] - height[layer]);
      if (y < exp(-0.5 * x * x)) return x;
    }
  }

  exponential(): number {
    const { edge, ratio, height } = this.exponentials;
    for (;;) {
      const high = this.next();
      const low = this.next();
      const u = ((high >>> 5) * twoTo26 + (low >>> 6) + 0.5) / (2 * twoTo52);
      const layer = (low & 63) | ((high & 3) << 6);
      const x = u * edge[layer];
      if (u < ratio[layer]) return x;
      // the exponential has no memory
      if (layer === 0) return edge[1] - log(this.uniform());
      const y = height[layer] + this.uniform() * (height[layer + 1] - height[layer]);
      if (y < exp(-x)) return x;
    }
  }

  below(n: number): number {
    if (!(n >= 1)) throw new InternalError(`a number below ${n}`);
    // whole multiples of n are kept, so all residues are equally likely
    if (n <= 4294967296) {
      const limit = 4294967296 - (4294967296 % n);
      for (;;) {
        const k = this.next() >>> 0;
        if (k < limit) return k % n;
      }
    }
    const limit = 2 * twoTo52 - ((2 * twoTo52) % n);
    for (;;) {
      const k = (this.next() >>> 5) * twoTo26 + (this.next() >>> 6);
      if (k < limit) return k % n;
    }
  }

  fillNormal(out: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.normal();
  }
  fillUniform(out: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.uniform();
  }
  split(label: string): Rng {
    return new Xoshiro(`${this.key}/${escaped(label)}`);
  }
  state(): readonly number[] {
    return [this.a, this.b, this.c, this.d];
  }
  restore(state: readonly number[]): void {
    [this.a, this.b, this.c, this.d] = state;
  }
}
