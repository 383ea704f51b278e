// From an image to something that runs: memory filled, views made. Needs no compiler, so that sampling threads stay small.
import type { Executable, ExecutableImage } from "../backend.ts";
import { InternalError } from "../errors.ts";
import type { Numbers } from "../ir/type.ts";
import { type WasmMemory, WebAssembly } from "./webassembly.ts";

export function instantiate(image: ExecutableImage): Executable {
  const { exports } = new WebAssembly.Instance(image.module);
  // The generator exports its memory under this name.
  const { buffer } = exports.memory as unknown as WasmMemory;
  new Uint8Array(buffer).set(image.memory);
  const kernel = exports.run as () => void;
  const inputs: Record<string, Numbers> = {};
  for (const { name, offset, length, type } of image.inputs) inputs[name] = view(buffer, offset, length, type);
  const residents = new Map(image.residents.map(({ name, offset, length, type }) => [name, view(buffer, offset, length, type)]));
  const resident = (name: string): Numbers => {
    const found = residents.get(name);
    if (found === undefined) throw new InternalError(`the program has no resident ${name}`);
    return found;
  };
  const narrowed = image.narrowed.map(({ resident: name, offset }) => {
    const into = resident(name);
    return { into, from: new Float64Array(buffer, offset, into.length) };
  });
  return {
    inputs,
    outputs: image.outputs.map(({ offset, length }) => new Float64Array(buffer, offset, length)),
    run() {
      try {
        kernel();
      } catch (cause) {
        // Kernels trap at indices outside their tables, which nobody but we can have made.
        throw new InternalError("a compiled program stopped", { cause });
      }
      for (const { into, from } of narrowed) into.set(from);
    },
    finished: () => Promise.resolve(),
    read: (name) => Promise.resolve(resident(name).slice()),
    write(name, values) {
      const into = resident(name);
      if (values.length !== into.length)
        throw new InternalError(`${values.length} values for the resident ${name} of ${into.length}`);
      into.set(values);
    },
    // The garbage collector takes module and memory when the caller lets go.
    dispose() {},
  };
}

function view(buffer: ArrayBuffer, offset: number, length: number, type: ExecutableImage["inputs"][number]["type"]): Numbers {
  switch (type) {
    case "f64":
      return new Float64Array(buffer, offset, length);
    case "i32":
      return new Int32Array(buffer, offset, length);
    case "u8":
      return new Uint8Array(buffer, offset, length);
  }
}
