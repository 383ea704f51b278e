// A point of phase space with everything known about it, and the pool that lends such points to a trajectory.

/** Position q, momentum p, velocity v = M⁻¹ p and the gradient of log p at q, each of the target's dimension. */
export interface Point {
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

export function createPoint(dimension: number): Point {
  return {
    position: new Float64Array(dimension),
    momentum: new Float64Array(dimension),
    velocity: new Float64Array(dimension),
    gradient: new Float64Array(dimension),
    // Doubles from the start, so that the fields keep one representation and a store allocates nothing.
    logDensity: Number.NaN,
    energy: Number.NaN,
    uses: 0,
  };
}

/** Points are counted by use and lent again: a leapfrog step writes into a free one, and nothing is ever copied. */
export interface PointPool {
  take(): Point;
  release(point: Point): void;
  /** Everything but `kept` is free again. */
  reset(kept: Point): void;
}

/** Grows to what the deepest trajectory so far has needed (about three points a level), then allocates no more. */
export function createPointPool(dimension: number): PointPool {
  const all: Point[] = [];
  const free: Point[] = [];
  return {
    take() {
      const point = free.pop();
      if (point !== undefined) return point;
      const created = createPoint(dimension);
      all.push(created);
      return created;
    },
    release(point) {
      if (--point.uses === 0) free.push(point);
    },
    reset(kept) {
      free.length = 0;
      for (let i = 0; i < all.length; i++) {
        const point = all[i];
        point.uses = 0;
        if (point !== kept) free.push(point);
      }
    },
  };
}
