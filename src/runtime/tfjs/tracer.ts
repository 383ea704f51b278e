// Records what the primitives' `tfjs` lines ask for as a list of steps.
import { UsageError } from "../errors.ts";
import type { Node } from "../ir/graph.ts";
import type { WindowAttrs } from "../ir/primitives/convolution-windows.ts";
import { broadcastShapes, type DType, type Numbers, type Shape, sameShape, sizeOf, type TensorType } from "../ir/type.ts";
import type { Constant, Operation, Step, Traits } from "./steps.ts";
import type { Comparison, ConvolutionKernel, Reduction, Tensor, TensorOps } from "./tensor-ops.ts";

/** Largest integer an int32 tensor holds. */
const LARGEST = 2147483647;
/** Terms that a naive sum may add up in float32. */
const FEW = 128;

export class Tracer implements TensorOps {
  readonly steps: Step[] = [];
  readonly constants: Constant[] = [];
  readonly #traits: Traits;
  readonly #known = new Map<string, Tensor>();
  readonly #arrays = new WeakMap<Numbers, Tensor[]>();
  #slots = 0;

  constructor(traits: Traits) {
    this.#traits = traits;
  }
  get slots(): number {
    return this.#slots;
  }

  /** A tensor that somebody else fills. */
  tensor({ shape, dtype }: TensorType): Tensor {
    return { shape, dtype, slot: this.#slots++ };
  }

  has(...kernels: readonly string[]): boolean {
    return kernels.every((kernel) => this.#traits.has(kernel));
  }

  constant(values: Numbers, type: TensorType): Tensor {
    const alike = this.#arrays.get(values) ?? [];
    const found = alike.find((t) => t.dtype === type.dtype && sameShape(t.shape, type.shape));
    if (found !== undefined) return found;
    if (type.dtype === "int") {
      for (const x of values)
        if (Math.abs(x) > LARGEST)
          throw new UsageError(`TensorFlow holds integers up to ${LARGEST}, not ${x}; --backend wasm does`);
    }
    const made = this.tensor(type);
    this.constants.push({ tensor: made, values });
    this.#arrays.set(values, [...alike, made]);
    return made;
  }
  scalar(value: number): Tensor {
    return this.#full(value, { shape: [], dtype: "real" });
  }
  #full(value: number, type: TensorType): Tensor {
    const key = `${Object.is(value, -0) ? "-0" : value} ${type.dtype} ${type.shape.join()}`;
    let made = this.#known.get(key);
    if (made === undefined) this.#known.set(key, (made = this.constant(new Float64Array(sizeOf(type.shape)).fill(value), type)));
    return made;
  }

  unary(kernel: string, x: Tensor): Tensor {
    return this.#step({ kind: "map", kernel }, [x], x);
  }
  binary(kernel: string, x: Tensor, y: Tensor): Tensor {
    return this.#map(kernel, [x, y], x.dtype);
  }
  compare(kernel: Comparison, x: Tensor, y: Tensor): Tensor {
    return this.#map(kernel, [x, y], "bool");
  }
  logic(kernel: "LogicalAnd" | "LogicalOr", x: Tensor, y: Tensor): Tensor {
    return this.#map(kernel, [x, y], "bool");
  }
  not(x: Tensor): Tensor {
    return this.#step({ kind: "map", kernel: "LogicalNot" }, [x], x);
  }
  select(condition: Tensor, x: Tensor, y: Tensor): Tensor {
    // The kernel of tfjs-wasm takes truth values for numbers of four bytes.
    if (x.dtype === "bool")
      return this.logic("LogicalOr", this.logic("LogicalAnd", condition, x), this.logic("LogicalAnd", this.not(condition), y));
    const shape = broadcastShapes(condition.shape, x.shape, y.shape);
    const inputs = [condition, x, y].map((v) => (this.#traits.broadcasts("Select") ? v : this.broadcastTo(v, shape)));
    return this.#step({ kind: "select" }, inputs, { shape, dtype: x.dtype });
  }
  #map(kernel: string, operands: readonly Tensor[], dtype: DType): Tensor {
    const shape = broadcastShapes(...operands.map((v) => v.shape));
    const inputs = this.#traits.broadcasts(kernel) ? operands : operands.map((v) => this.broadcastTo(v, shape));
    return this.#step({ kind: "map", kernel }, inputs, { shape, dtype });
  }
  cast(x: Tensor, to: DType): Tensor {
    return x.dtype === to ? x : this.#step({ kind: "cast" }, [x], { shape: x.shape, dtype: to });
  }
  truth(x: Tensor): Tensor {
    return x.dtype === "bool" ? x : this.compare("NotEqual", x, this.#full(0, { shape: [], dtype: x.dtype }));
  }

  reduce(kernel: Reduction, x: Tensor, axes: readonly number[]): Tensor {
    const kept = x.shape.filter((_, axis) => !axes.includes(axis));
    if (axes.length === 0) return x;
    if (sizeOf(axes.map((axis) => x.shape[axis])) === 1) return this.reshape(x, kept);
    if (kernel === "Sum" && this.#traits.sumsNaively && x.dtype === "real") return this.#carefulSum(x, axes, kept);
    const reduced = this.#reduce(kernel, x, axes, kept);
    const losesNaN = (kernel === "Min" || kernel === "Max") && this.#traits.extremaLoseNaN && x.dtype === "real";
    return losesNaN ? this.binary("Add", reduced, this.reduce("Sum", this.#onlyNaN(x), axes)) : reduced;
  }
  /** 0 in place of numbers. */
  #onlyNaN(x: Tensor): Tensor {
    return this.select(this.compare("NotEqual", x, x), x, this.scalar(0));
  }
  #reduce(kernel: Reduction, x: Tensor, axes: readonly number[], shape: Shape): Tensor {
    return this.#step({ kind: "reduce", kernel, axes }, [x], { shape, dtype: x.dtype });
  }
  /** A long sum in two stages of about √n terms, n² ε/2 becoming n ε. Over leading axes it is a product with a row of ones. */
  #carefulSum(x: Tensor, axes: readonly number[], kept: Shape): Tensor {
    const others = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const n = sizeOf(axes.map((axis) => x.shape[axis]));
    if (others.length > 0 && Math.min(...others) > Math.max(...axes) && n <= FEW) {
      const ones = this.#full(1, { shape: [1, n], dtype: "real" });
      return this.reshape(this.matMul(ones, this.reshape(x, [n, sizeOf(kept)]), false, false), kept);
    }
    const rows = this.reshape(this.transpose(x, [...others, ...axes]), [sizeOf(kept), n]);
    return this.reshape(this.#rowSums(rows), kept);
  }
  #rowSums(rows: Tensor): Tensor {
    const [count, n] = rows.shape;
    if (n <= FEW) return this.#reduce("Sum", rows, [1], [count]);
    const width = Math.ceil(Math.sqrt(n));
    const blocks = Math.ceil(n / width);
    const padded = this.pad(rows, 1, 0, blocks * width - n);
    return this.#rowSums(this.#reduce("Sum", this.reshape(padded, [count, blocks, width]), [2], [count, blocks]));
  }
  cumsum(x: Tensor, reverse: boolean): Tensor {
    return this.#step({ kind: "cumsum", reverse }, [x], x);
  }
  matMul(x: Tensor, y: Tensor, transposeX: boolean, transposeY: boolean): Tensor {
    const rank = x.shape.length;
    const swapped = [...x.shape.slice(0, -2).map((_, axis) => axis), rank - 1, rank - 2];
    const at = (v: Tensor, isTransposed: boolean): Tensor =>
      isTransposed && !this.#traits.transposesFreely ? this.transpose(v, swapped) : v;
    const attrs = {
      transposeX: transposeX && this.#traits.transposesFreely,
      transposeY: transposeY && this.#traits.transposesFreely,
    };
    const n = x.shape[rank - (transposeX ? 1 : 2)];
    const m = y.shape[rank - (transposeY ? 2 : 1)];
    const type: TensorType = { shape: [...x.shape.slice(0, -2), n, m], dtype: "real" };
    return this.#step({ kind: "matMul", ...attrs }, [at(x, transposeX), at(y, transposeY)], type);
  }
  convolve(kernel: ConvolutionKernel, x: Tensor, y: Tensor, { stride, padding }: WindowAttrs, shape: readonly number[]): Tensor {
    return this.#step({ kind: "convolve", kernel, stride, padding }, [x, y], { shape, dtype: "real" });
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return sameShape(x.shape, shape) ? x : this.#step({ kind: "reshape" }, [x], { shape, dtype: x.dtype });
  }
  broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
    if (sameShape(x.shape, shape)) return x;
    if (sizeOf(x.shape) === sizeOf(shape)) return this.reshape(x, shape);
    return this.#step({ kind: "broadcast" }, [x], { shape, dtype: x.dtype });
  }
  transpose(x: Tensor, permutation: readonly number[]): Tensor {
    const shape = permutation.map((axis) => x.shape[axis]);
    // Axes of size 1 move without any element moving.
    const moved = permutation.filter((axis) => x.shape[axis] !== 1);
    if (moved.every((axis, i) => i === 0 || axis > moved[i - 1])) return this.reshape(x, shape);
    return this.#step({ kind: "transpose", permutation }, [x], { shape, dtype: x.dtype });
  }
  slice(x: Tensor, axis: number, start: number, size: number, step: number): Tensor {
    const shape = x.shape.map((d, i) => (i === axis ? size : d));
    if (step === 1 || size <= 1) {
      if (size === x.shape[axis]) return x;
      return this.#step({ kind: "slice", begin: shape.map((_, i) => (i === axis ? start : 0)) }, [x], { shape, dtype: x.dtype });
    }
    const positions = Int32Array.from({ length: size }, (_, i) => start + i * step);
    return this.#step({ kind: "gather", axis }, [x, this.constant(positions, { shape: [size], dtype: "int" })], {
      shape,
      dtype: x.dtype,
    });
  }
  pad(x: Tensor, axis: number, before: number, behind: number): Tensor {
    if (before === 0 && behind === 0) return x;
    const paddings = x.shape.map((_, i) => (i === axis ? ([before, behind] as const) : ([0, 0] as const)));
    const shape = x.shape.map((d, i) => (i === axis ? before + d + behind : d));
    return this.#step({ kind: "pad", paddings }, [x], { shape, dtype: x.dtype });
  }
  concat(pieces: readonly Tensor[], axis: number): Tensor {
    if (pieces.length === 1) return pieces[0];
    const size = pieces.reduce((sum, v) => sum + v.shape[axis], 0);
    const shape = pieces[0].shape.map((d, i) => (i === axis ? size : d));
    return this.#step({ kind: "concat", axis }, pieces, { shape, dtype: pieces[0].dtype });
  }
  gather(x: Tensor, index: Tensor, batch: number): Tensor {
    const [size, ...width] = x.shape.slice(batch);
    const shape = [...index.shape, ...width];
    const tables = sizeOf(x.shape.slice(0, batch));
    const rows = this.reshape(x, [tables * size, ...width]);
    const at = batch === 0 ? index : this.binary("Add", index, this.#starts(index, size, batch));
    return this.#step({ kind: "gather", axis: 0 }, [rows, at], { shape, dtype: x.dtype });
  }
  scatterAdd(values: Tensor, index: Tensor, size: number, batch: number): Tensor {
    const lead = index.shape.slice(0, batch);
    const batches = sizeOf(lead);
    const width = values.shape.slice(index.shape.length);
    const shape = [...lead, size, ...width];
    if (batch === 0) return this.#step({ kind: "segmentSum" }, [values, index], { shape, dtype: values.dtype });
    const offsets = this.#starts(index, size, batch);
    const flat: TensorType = { shape: [batches * size, ...width], dtype: values.dtype };
    return this.reshape(this.#step({ kind: "segmentSum" }, [values, this.binary("Add", index, offsets)], flat), shape);
  }
  /** One table behind the other: the rows of the second begin at `size`. */
  #starts(index: Tensor, size: number, batch: number): Tensor {
    const lead = index.shape.slice(0, batch);
    const starts = Int32Array.from({ length: sizeOf(lead) }, (_, i) => i * size);
    return this.constant(starts, { shape: [...lead, ...index.shape.slice(batch).map(() => 1)], dtype: "int" });
  }
  host(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
    return this.#steps({ kind: "host", node }, inputs, node.results);
  }

  #step(operation: Operation, inputs: readonly Tensor[], result: TensorType): Tensor {
    return this.#steps(operation, inputs, [result])[0];
  }
  #steps(operation: Operation, inputs: readonly Tensor[], types: readonly TensorType[]): readonly Tensor[] {
    const results = types.map((type) => this.tensor(type));
    this.steps.push({ operation, inputs, results });
    return results;
  }
}
