// The noise of a program: inputs asked for while it is built, filled from a stream before each run.
import type { Executable } from "../../runtime/backend.ts";
import { InternalError } from "../../runtime/errors.ts";
import { type Builder, type InputAttrs, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import type { Rowed } from "../../runtime/ir/rows.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Axis, NoiseSource } from "../../runtime/target.ts";

type Kind = Parameters<NoiseSource["noise"]>[0];
interface Entry {
  readonly input: Value;
  readonly kind: Kind;
  readonly axes: readonly Axis[];
}

export class Noise implements NoiseSource {
  readonly #b: Builder;
  readonly #label: string;
  readonly #entries: Entry[] = [];
  /** Noise made for rows of noise for all, and by what and for how many. */
  readonly #rowed = new Set<Value>();
  readonly #forRows = new Map<string, Value>();
  readonly #sites = new Map<string, Value>();

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
