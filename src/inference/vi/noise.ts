// The noise of a program: inputs asked for while it is built, filled from a stream before each run.
import type { Executable } from "../../runtime/backend.ts";
import { InternalError } from "../../runtime/errors.ts";
import { type Builder, type InputAttrs, shapeOf, typeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import type { Rowed } from "../../runtime/ir/rows.ts";
import { substitute } from "../../runtime/ir/substitute.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Axis, NoiseSource, TrainingSource } from "../../runtime/target.ts";

type Kind = Parameters<NoiseSource["noise"]>[0];
interface Entry {
  readonly input: Value;
  readonly kind: Kind;
  readonly axes: readonly Axis[];
}

/** A statistic of rows: an input until it is known which. */
interface Statistic {
  readonly name: string;
  readonly input: Value;
  readonly x: Value;
  readonly axes: readonly Axis[];
  readonly of: (b: Builder, x: Value) => Value;
}

export class Noise implements TrainingSource {
  readonly #b: Builder;
  readonly #label: string;
  readonly #entries: Entry[] = [];
  /** Noise made for rows of noise for all, and by what and for how many. */
  readonly #rowed = new Set<Value>();
  readonly #forRows = new Map<string, Value>();
  readonly #sites = new Map<string, Value>();
  readonly #statistics: Statistic[] = [];

  /** `label` keeps the inputs of several sources of one program apart. */
  constructor(b: Builder, label = "noise") {
    this.#b = b;
    this.#label = label;
  }

  noise(kind: Kind, shape: Shape, axes: readonly Axis[] = [], site?: string): Value {
    const key = site === undefined ? undefined : `${kind} [${shape}] ${site}`;
    const before = key === undefined ? undefined : this.#sites.get(key);
    if (before) return before;
    const input = this.#b.input(`${this.#label}#${this.#entries.length}`, { shape, dtype: "real" });
    this.#entries.push({ input, kind, axes });
    if (key !== undefined) this.#sites.set(key, input);
    return input;
  }

  statistic(name: string, x: Value, axes: readonly Axis[], of: Statistic["of"]): Value {
    const known = this.#statistics.find((s) => s.name === name && s.x === x);
    if (known) return known.input;
    const input = this.#b.input(`${this.#label} statistic#${this.#statistics.length}`, typeOf(of(this.#b, x)));
    this.#statistics.push({ name, input, x, axes, of });
    return input;
  }

  /** The values with statistics in place of their inputs, and the statistics by their names, several where a net is called several times. `rowsOf`
   *  gives the rows at hand of what a statistic is of. */
  resolve(
    values: readonly Value[],
    rowsOf: (x: Value, axes: readonly Axis[]) => Value,
  ): { readonly values: Value[]; readonly statistics: readonly { readonly name: string; readonly value: Value }[] } {
    const known = new Map<Value, Value>();
    // A layer's statistics are of what the layers before it make with theirs.
    const statistics = this.#statistics.map(({ name, input, x, axes, of }) => {
      const [rows] = substitute(this.#b, [rowsOf(x, axes)], known);
      const value = of(this.#b, rows);
      known.set(input, value);
      return { name, value };
    });
    return { values: known.size === 0 ? [...values] : substitute(this.#b, values, known), statistics };
  }

  /** For takeRows: noise for `rows` rows of the plate in place of noise for all; the same whenever it is asked for. */
  forRows(plate: string, rows: number): Map<Value, Rowed> {
    const own = new Map<Value, Rowed>();
    for (const { input, kind, axes } of [...this.#entries]) {
      const axis = axes.findIndex((a) => a.name === plate);
      if (axis < 0 || this.#rowed.has(input)) continue;
      const key = `${(input.node.attrs as InputAttrs).name} ${plate} ${rows}`;
      let value = this.#forRows.get(key);
      if (value === undefined) {
        const shape = shapeOf(input).map((n, k) => (k === axis ? rows : n));
        value = this.noise(
          kind,
          shape,
          axes.map((a, k) => (k === axis ? { ...a, size: rows } : a)),
        );
        this.#forRows.set(key, value);
        this.#rowed.add(value);
      }
      own.set(input, { value, axis });
    }
    return own;
  }

  /** For vectorize: noise for each of several copies in place of noise for one. Those of `roots` alone; of a plate, where one is given: the
   *  rest is then the same for all copies. */
  forCopies(copies: number, roots: readonly Value[], plate?: string): Map<Value, Value> {
    const read = new Set(nodesOf(roots));
    const ofPlate = (axes: readonly Axis[]): boolean => plate === undefined || axes.some((a) => a.name === plate);
    const entries = this.#entries.filter(({ input, axes }) => read.has(input.node) && ofPlate(axes));
    return new Map(
      entries.map(({ input, kind, axes }): [Value, Value] => [
        input,
        this.noise(kind, [copies, ...shapeOf(input)], [{ kind: "sample", name: "draws", size: copies }, ...axes]),
      ]),
    );
  }

  /** The inputs that these values read. */
  inputsOf(roots: readonly Value[]): Value[] {
    const read = new Set(nodesOf(roots));
    return this.#entries.map(({ input }) => input).filter((input) => read.has(input.node));
  }

  /** Fills, from a stream, the noise inputs of a compiled program, always in the same order; those alone whose axes are wanted. */
  filler(executable: Executable, wanted: (axes: readonly Axis[]) => boolean = () => true): (rng: Rng) => void {
    const arrays = this.#entries.flatMap(({ input, kind, axes }) => {
      const array = executable.inputs[(input.node.attrs as InputAttrs).name];
      if (array === undefined || !wanted(axes)) return [];
      if (!(array instanceof Float64Array)) throw new InternalError("noise is real");
      return [{ kind, array }];
    });
    return (rng) => {
      for (const { kind, array } of arrays) fill(rng, kind, array);
    };
  }
}

function fill(rng: Rng, kind: Kind, out: Float64Array): void {
  switch (kind) {
    case "normal":
      return rng.fillNormal(out);
    case "uniform":
      return rng.fillUniform(out);
    case "exponential":
      for (let i = 0; i < out.length; i++) out[i] = rng.exponential();
      return;
    default:
      throw new InternalError(`noise of kind ${kind satisfies never}`);
  }
}
