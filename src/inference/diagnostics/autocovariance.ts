// Autocovariances of chains, lag by lag as they are asked for: Geyer's estimators rarely need more than a few dozen.
import { cos, sin } from "../../runtime/numeric/math.ts";
import type { Chains } from "./column.ts";

/** Mean over the chains of their autocovariance (1/n) Σ (x[i] - mean)(x[i+t] - mean), each chain with its own mean, which is given. */
export interface Autocovariance {
  at(lag: number): number;
}

/** Lags computed directly, before all the rest is left to a Fourier transform. */
const DIRECT_LAGS = 128;
const BLOCK = 4;

export function autocovariance({ chains, draws, values }: Chains, means: Float64Array): Autocovariance {
  const centred = new Float64Array(chains * draws);
  for (let c = 0, at = 0; c < chains; c++) {
    const mean = means[c];
    for (const end = at + draws; at < end; at++) centred[at] = values[at] - mean;
  }
  const known = new Float64Array(DIRECT_LAGS);
  let computed = 0;
  let all: Float64Array | undefined;
  return {
    at(lag) {
      if (lag < computed) return known[lag];
      if (lag >= DIRECT_LAGS) {
        all ??= allLags(centred, chains, draws);
        return all[lag];
      }
      for (; computed <= lag; computed += BLOCK) fourLags(centred, chains, draws, computed, known);
      return known[lag];
    },
  };
}

/** Four lags in one pass over the draws. */
function fourLags(x: Float64Array, chains: number, draws: number, lag: number, out: Float64Array): void {
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  for (let c = 0; c < chains; c++) {
    const begin = c * draws;
    const end = begin + draws;
    const last = end - lag - 3;
    let i = begin;
    for (; i < last; i++) {
      const xi = x[i];
      a0 += xi * x[i + lag];
      a1 += xi * x[i + lag + 1];
      a2 += xi * x[i + lag + 2];
      a3 += xi * x[i + lag + 3];
    }
    for (; i < end; i++) {
      if (i + lag < end) a0 += x[i] * x[i + lag];
      if (i + lag + 1 < end) a1 += x[i] * x[i + lag + 1];
      if (i + lag + 2 < end) a2 += x[i] * x[i + lag + 2];
    }
  }
  const scale = 1 / (chains * draws);
  out[lag] = a0 * scale;
  out[lag + 1] = a1 * scale;
  out[lag + 2] = a2 * scale;
  out[lag + 3] = a3 * scale;
}

/** The same by the Wiener-Khinchin theorem: the sum over chains of |x̂|², transformed back. Two chains share a transform. */
function allLags(x: Float64Array, chains: number, draws: number): Float64Array {
  let size = 2;
  while (size < 2 * draws) size *= 2;
  const fft = createFourierTransform(size);
  const power = new Float64Array(size);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  for (let c = 0; c < chains; c += 2) {
    re.fill(0).set(x.subarray(c * draws, (c + 1) * draws));
    im.fill(0);
    if (c + 1 < chains) im.set(x.subarray((c + 1) * draws, (c + 2) * draws));
    fft(re, im);
    // With z = x + iy of real x and y: |x̂[k]|² + |ŷ[k]|² = (|ẑ[k]|² + |ẑ[-k]|²) / 2.
    for (let k = 0; k < size; k++) {
      const mirror = (size - k) & (size - 1);
      power[k] += (re[k] * re[k] + im[k] * im[k] + re[mirror] * re[mirror] + im[mirror] * im[mirror]) / 2;
    }
  }
  im.fill(0);
  fft(power, im);
  const scale = 1 / (size * chains * draws);
  return Float64Array.from(power.subarray(0, draws), (value) => value * scale);
}

/** In place, radix 2, decimation in time (Cooley and Tukey 1965); `size` is a power of two. */
function createFourierTransform(size: number): (re: Float64Array, im: Float64Array) => void {
  const cosines = new Float64Array(size / 2);
  const sines = new Float64Array(size / 2);
  for (let k = 0; k < size / 2; k++) {
    const angle = (-2 * Math.PI * k) / size;
    cosines[k] = cos(angle);
    sines[k] = sin(angle);
  }
  return (re, im) => {
    for (let i = 1, j = 0; i < size; i++) {
      let bit = size >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) {
        const r = re[i];
        re[i] = re[j];
        re[j] = r;
        const m = im[i];
        im[i] = im[j];
        im[j] = m;
      }
    }
    for (let length = 2; length <= size; length *= 2) {
      const half = length / 2;
      const stride = size / length;
      for (let begin = 0; begin < size; begin += length) {
        for (let k = 0; k < half; k++) {
          const wr = cosines[k * stride];
          const wi = sines[k * stride];
          const a = begin + k;
          const b = a + half;
          const tr = re[b] * wr - im[b] * wi;
          const ti = re[b] * wi + im[b] * wr;
          re[b] = re[a] - tr;
          im[b] = im[a] - ti;
          re[a] += tr;
          im[a] += ti;
        }
      }
    }
  };
}
