// Integrals of densities that are known by their logarithm: panels that grow geometrically from the mode on the line, double-exponential
// grids around it in the plane. Error estimates come with the values.

/** Gauss-Legendre nodes and weights on [-1, 1], by Newton's method on P_n. */
function gauss(n: number): readonly { readonly x: number; readonly w: number }[] {
  return Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 0;
    for (let step = 0; step < 50; step++) {
      let [p, before] = [1, 0];
      for (let k = 1; k <= n; k++) [p, before] = [((2 * k - 1) * x * p - (k - 1) * before) / k, p];
      slope = (n * (x * p - before)) / (x * x - 1);
      x -= p / slope;
    }
    return { x, w: 2 / ((1 - x * x) * slope * slope) };
  });
}
const fine = gauss(16);
const coarse = gauss(11);
const nodes = [...fine, ...coarse].map((g) => g.x);

export interface Panels {
  readonly mass: number;
  /** Sum of the differences between two rules. */
  readonly error: number;
  /** Panel i lies between edges i and i + 1. */
  readonly edges: readonly number[];
  readonly masses: readonly number[];
}

/** Where x has rounded to the edge of its support the density may be infinite; what lies there is beyond the doubles and counts as nothing. */
const number = (v: number): number => (Number.isNaN(v) || v === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : v);

/** The point of greatest density: a scan over all magnitudes, then nested grids around the best point. */
function modeOf(logF: (u: Float64Array) => Float64Array, start: number): number {
  const magnitudes = Array.from({ length: 121 }, (_, i) => 10 ** (-6 + i / 8));
  let grid = [...magnitudes.map((m) => -m).reverse(), 0, ...magnitudes, start, start + 1e-6, start - 1e-6].sort((a, b) => a - b);
  let best = start;
  for (let round = 0; round < 16; round++) {
    const values = logF(Float64Array.from(grid));
    let k = 0;
    for (let i = 1; i < grid.length; i++) if (number(values[i]) > number(values[k])) k = i;
    best = grid[k];
    const [a, c] = [grid[Math.max(0, k - 1)], grid[Math.min(grid.length - 1, k + 1)]];
    grid = Array.from({ length: 33 }, (_, i) => a + ((c - a) * i) / 32);
  }
  return best;
}

const GROWTH = 1.6;
/** Two rules that differ by less are agreed. */
const AGREED = 1e-11;

interface Panel {
  readonly from: number;
  readonly to: number;
}
/** Mass of each panel and the difference of the two rules; panels with edges and kinks inside are halved until they agree or are tiny. */
function measure(
  logF: (u: Float64Array) => Float64Array,
  panels: readonly Panel[],
  depth = 40,
): { readonly mass: number; readonly error: number }[] {
  if (panels.length === 0) return [];
  const log = logF(
    Float64Array.from(panels.flatMap(({ from, to }) => nodes.map((x) => (from + to) / 2 + ((to - from) / 2) * x))),
  );
  const out = panels.map(({ from, to }, p) => {
    const f = (i: number): number => (Math.exp(number(log[p * nodes.length + i])) * Math.abs(to - from)) / 2;
    const mass = fine.reduce((s, g, i) => s + g.w * f(i), 0);
    return { mass, error: Math.abs(mass - coarse.reduce((s, g, i) => s + g.w * f(fine.length + i), 0)) };
  });
  const split = panels.map((_, p) => p).filter((p) => depth > 0 && out[p].error > AGREED);
  const halves = measure(
    logF,
    split.flatMap((p) => {
      const { from, to } = panels[p];
      return [
        { from, to: (from + to) / 2 },
        { from: (from + to) / 2, to },
      ];
    }),
    depth - 1,
  );
  split.forEach((p, i) => {
    const [left, right] = [halves[2 * i], halves[2 * i + 1]];
    out[p] = { mass: left.mass + right.mass, error: left.error + right.error };
  });
  return out;
}

export function integrate(logF: (u: Float64Array) => Float64Array, start: number): Panels {
  const mode = modeOf(logF, start);
  const side = (direction: 1 | -1): { edges: number[]; masses: number[]; error: number } => {
    const edges = [mode];
    const masses: number[] = [];
    let error = 0;
    let width = 1e-10 * (1 + Math.abs(mode));
    let total = 0;
    for (let quiet = 0; quiet < 24 && width < 1e200; ) {
      const batch = Array.from({ length: 24 }, () => {
        const from = edges[edges.length - 1];
        const to = from + direction * width;
        width *= GROWTH;
        edges.push(to);
        return { from, to };
      });
      for (const panel of measure(logF, batch)) {
        masses.push(panel.mass);
        error += panel.error;
        total += panel.mass;
        quiet = total > 0 && panel.mass <= 1e-17 * total ? quiet + 1 : 0;
      }
    }
    return { edges, masses, error };
  };
  const [left, right] = [side(-1), side(1)];
  const masses = [...left.masses.reverse(), ...right.masses];
  return {
    mass: masses.reduce((s, m) => s + m, 0),
    error: left.error + right.error,
    edges: [...left.edges.reverse(), ...right.edges.slice(1)],
    masses,
  };
}

/** In the plane: from the mode and the curvature there, u = mode + L s with s_i = sinh(π/2 sinh t_i) (Takahasi & Mori 1974). */
export function integratePlane(
  log: (us: Float64Array) => Float64Array,
  logAndGradient: (us: Float64Array) => { readonly log: Float64Array; readonly gradient: Float64Array },
  start: Float64Array,
): { readonly mass: number; readonly error: number } {
  let u = [...start];
  const at = (v: readonly number[]) => logAndGradient(Float64Array.from(v));
  const curvature = (v: readonly number[]): number[][] => {
    const h = 1e-5;
    const rows = [0, 1].map((i) => {
      const [up, down] = [1, -1].map((s) => at(v.map((x, k) => (k === i ? x + s * h : x))).gradient);
      return [(down[0] - up[0]) / (2 * h), (down[1] - up[1]) / (2 * h)];
    });
    const off = (rows[0][1] + rows[1][0]) / 2;
    return [
      [rows[0][0], off],
      [off, rows[1][1]],
    ];
  };
  for (let step = 0; step < 60; step++) {
    const here = at(u);
    const [[a, c], [, d]] = curvature(u);
    // Damped until positive definite.
    const damp = Math.max(0, 1e-3 - Math.min(a, d)) + (a * d - c * c <= 0 ? Math.abs(c) : 0);
    const det = (a + damp) * (d + damp) - c * c;
    const [g0, g1] = here.gradient;
    const move = [((d + damp) * g0 - c * g1) / det, ((a + damp) * g1 - c * g0) / det];
    let t = 1;
    while (t > 1e-12 && !(at(u.map((v, i) => v + t * move[i])).log[0] >= here.log[0])) t /= 2;
    u = u.map((v, i) => v + t * move[i]);
    if (Math.hypot(...move) < 1e-9) break;
  }
  const [[a, c], [, d]] = curvature(u);
  // Covariance [[d, -c], [-c, a]] / det, its Cholesky factor.
  const det = a * d - c * c;
  const l00 = Math.sqrt(d / det);
  const l10 = -c / det / l00;
  const l11 = Math.sqrt(Math.max(1e-300, a / det - l10 * l10));
  const n = 60;
  const h = 3.3 / n;
  const line = Array.from({ length: 2 * n + 1 }, (_, i) => {
    const t = (i - n) * h;
    const inner = (Math.PI / 2) * Math.sinh(t);
    return { s: Math.sinh(inner), w: (Math.PI / 2) * Math.cosh(t) * Math.cosh(inner) * h, even: (i - n) % 2 === 0 };
  });
  const points = line.flatMap((p) =>
    line.map((q) => ({ u: [u[0] + l00 * p.s, u[1] + l10 * p.s + l11 * q.s], w: p.w * q.w, even: p.even && q.even })),
  );
  const values = log(Float64Array.from(points.flatMap((p) => p.u)));
  let [whole, half] = [0, 0];
  points.forEach((p, i) => {
    const f = p.w * Math.exp(number(values[i])) * l00 * l11;
    whole += f;
    if (p.even) half += 4 * f;
  });
  return { mass: whole, error: Math.abs(whole - half) };
}

/** In polar coordinates around 0, where directions are one thing and lengths another: the trapezoidal rule around the circle, panels along rays
 *  up to 12, beyond which nothing is left of the chi distribution. */
export function integratePolar(log: (us: Float64Array) => Float64Array): { readonly mass: number; readonly error: number } {
  const around = 2048;
  const rays = Array.from({ length: around }, (_, i) => (2 * Math.PI * i) / around);
  const lengths = Array.from({ length: 6 }, (_, p) => fine.map(({ x, w }) => ({ r: 2 * p + 1 + x, w }))).flat();
  let [whole, half] = [0, 0];
  for (const { r, w } of lengths) {
    const values = log(Float64Array.from(rays.flatMap((angle) => [r * Math.cos(angle), r * Math.sin(angle)])));
    values.forEach((v, i) => {
      const f = ((2 * Math.PI) / around) * w * r * Math.exp(number(v));
      whole += f;
      if (i % 2 === 0) half += 2 * f;
    });
  }
  return { mass: whole, error: Math.abs(whole - half) };
}
