// Points of phase space in one memory, and the pool that lends such points to a trajectory.
import { InternalError } from "../../runtime/errors.ts";
import { instantiateLoops, type Loops, strideOf } from "./loops.ts";

/** Position q, momentum p, velocity v = M⁻¹ p and the gradient of log p at q: views of the memory, each of the target's dimension. */
export interface Point {
  /** Of the position, in bytes; the other three follow, one stride apart. */
  readonly address: number;
  readonly momentumAddress: number;
  readonly position: Float64Array;
  readonly momentum: Float64Array;
  readonly velocity: Float64Array;
  readonly gradient: Float64Array;
  logDensity: number;
  /** H(q, p) = -log p(q) + p' M⁻¹ p / 2; NaN and +Infinity mean outside. */
  energy: number;
  /** How many places of the trajectory under construction refer to it. */
  uses: number;
}
/** A vector of the target's dimension beside the points. */
export interface Vector {
  readonly address: number;
  readonly values: Float64Array;
}

export interface PhaseSpaceSize {
  readonly points: number;
  readonly vectors: number;
  readonly matrices: number;
}

/** Where the points of one chain live, with the loops over them. What is never used of it costs address space alone. */
export class PhaseSpace {
  readonly dimension: number;
  readonly loops: Loops;
  private readonly memory: ArrayBuffer;
  private readonly stride: number;
  private readonly end: number;
  private used: number;

  constructor(dimension: number, { points, vectors, matrices }: PhaseSpaceSize) {
    this.dimension = dimension;
    this.stride = strideOf(dimension);
    const bytes = this.stride * (4 * points + vectors + matrices * dimension);
    if (bytes >= 2 ** 32) throw new InternalError(`${points} points of dimension ${dimension} do not fit into one memory`);
    const { loops, memory, begin } = instantiateLoops(dimension, bytes);
    this.loops = loops;
    this.memory = memory;
    this.used = begin;
    this.end = begin + bytes;
  }

  private take(size: number): number {
    const address = this.used;
    this.used += size;
    if (this.used > this.end) throw new InternalError("a phase space was made too small");
    return address;
  }

  private view(address: number, length = this.dimension): Float64Array {
    return new Float64Array(this.memory, address, length);
  }

  createPoint(): Point {
    const { stride } = this;
    const address = this.take(4 * stride);
    return {
      address,
      momentumAddress: address + stride,
      position: this.view(address),
      momentum: this.view(address + stride),
      velocity: this.view(address + 2 * stride),
      gradient: this.view(address + 3 * stride),
      // Doubles from the start, so that the fields keep one representation and a store allocates nothing.
      logDensity: Number.NaN,
      energy: Number.NaN,
      uses: 0,
    };
  }

  createVector(): Vector {
    const address = this.take(this.stride);
    return { address, values: this.view(address) };
  }

  /** Rows of `dimension` numbers, one stride apart: element (i, j) is values[i * rowLength + j]. */
  createMatrix(): Vector & { readonly rowLength: number } {
    const rowLength = this.stride / 8;
    const address = this.take(this.stride * this.dimension);
    return { address, values: this.view(address, rowLength * this.dimension), rowLength };
  }
}

export const createPhaseSpace = (dimension: number, size: PhaseSpaceSize): PhaseSpace => new PhaseSpace(dimension, size);

/**
 * Points are counted by use and lent again: a leapfrog step writes into a free one, and nothing is ever copied. Grows to what the deepest
 * trajectory so far has needed, then allocates no more.
 */
export class PointPool {
  private readonly space: PhaseSpace;
  // Not empty: an empty array is one of integers to V8, and what was optimised for the last chain's is thrown away.
  private readonly all: Point[];
  // A stack in an array that never shrinks: V8 gives memory back, and allocates it anew, when a length is set to zero.
  private readonly free: Point[];
  private count = 1;

  constructor(space: PhaseSpace) {
    this.space = space;
    this.all = [space.createPoint()];
    this.free = this.all.slice();
  }

  take(): Point {
    if (this.count > 0) return this.free[--this.count];
    const created = this.space.createPoint();
    this.all.push(created);
    return created;
  }

  release(point: Point): void {
    if (--point.uses === 0) this.free[this.count++] = point;
  }

  /** Everything but `kept` is free again. */
  reset(kept: Point): void {
    const { all, free } = this;
    let count = 0;
    for (let i = 0; i < all.length; i++) {
      const point = all[i];
      point.uses = 0;
      if (point !== kept) free[count++] = point;
    }
    this.count = count;
  }
}
