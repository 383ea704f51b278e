// The part of the WebAssembly API that we use, typed here so that neither DOM nor Node types are needed.

/** A compiled module; structured clone carries it to workers. */
export type WasmModule = object;
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
export interface WasmInstance {
  // biome-ignore lint/complexity/noBannedTypes: exports are functions of any signature
  readonly exports: Readonly<Record<string, Function>>;
}
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => WasmInstance;
  readonly Memory: new (descriptor: { readonly initial: number; readonly maximum?: number }) => WasmMemory;
  validate(bytes: Uint8Array): boolean;
}
export const WebAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
