// The command line in this process, with what it prints taken.
import { vi } from "vitest";
import { main } from "../../src/cli/main.ts";

export async function ppl(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const take = (into: (text: string) => void) =>
    ((text: string | Uint8Array) => {
      into(String(text));
      return true;
    }) as typeof process.stdout.write;
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(
      take((t) => {
        out += t;
      }),
    ),
    vi.spyOn(process.stderr, "write").mockImplementation(
      take((t) => {
        err += t;
      }),
    ),
  ];
  try {
    return { code: await main(args), out, err };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
