// Readers of data: what a value is, where a mistake is, and that nothing hostile gets further than a sentence.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCsv } from "../../src/dsl/data/csv.ts";
import { readDecimal } from "../../src/dsl/data/decimal.ts";
import { dataFromValues } from "../../src/dsl/data/from-javascript.ts";
import { readJson } from "../../src/dsl/data/json.ts";
import { readNpy } from "../../src/dsl/data/npy.ts";
import type { DataSet, DataValue } from "../../src/dsl/data/value.ts";
import { UsageError } from "../../src/runtime/errors.ts";

const json = (text: string): DataSet => readJson("d.json", text);
const csv = (text: string): DataSet => readCsv("d.csv", text);
const show = (v: DataValue | undefined) => v && { ...v, values: [...v.values], ...(v.missing && { missing: [...v.missing] }) };
const value = (text: string) => show(json(`{"y": ${text}}`).get("y"));
/** The message; any other exception fails the test. */
function message(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    if (e instanceof UsageError) return e.message;
    throw e;
  }
  throw new Error("nothing was refused");
}

describe("decimal numbers", () => {
  test("are the nearest float64", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(20), (x, digits) => {
        for (const text of [
          String(x),
          x.toPrecision(digits + 1),
          x.toExponential(digits),
          Math.abs(x) < 1e21 ? x.toFixed(digits) : "0",
        ]) {
          const clean = text.replace("e+", "e");
          expect(readDecimal(`[${clean},`, 1)).toEqual({
            value: Number(clean),
            integer: /^-?\d+$/.test(clean),
            end: clean.length + 1,
          });
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });
  test.each(["", "-", "+1", ".5", "007", "1.", "1.e3", "1e", "1e+", "x", "--1"])("%j is none", (text) => {
    expect(readDecimal(text, 0)).toBeUndefined();
  });
});

describe("JSON", () => {
  test("numbers, with their kinds", () => {
    expect(value("17")).toEqual({ shape: [], values: [17] });
    expect(value("17.0")).toEqual({ shape: [], values: [17], firstReal: 0 });
    expect(value("[1, 2, 3e0, 4]")).toEqual({ shape: [4], values: [1, 2, 3, 4], firstReal: 2 });
    expect(value("[-0, -12, 123456789012345678]")).toEqual({ shape: [3], values: [-0, -12, 123456789012345680] });
    expect(value("[true, false]")).toEqual({ shape: [2], values: [1, 0] });
  });
  test("arrays", () => {
    expect(value("[[1, 2, 3], [4, 5, 6]]")).toEqual({ shape: [2, 3], values: [1, 2, 3, 4, 5, 6] });
    expect(value("[]")).toEqual({ shape: [0], values: [] });
    expect(value("[[], []]")).toEqual({ shape: [2, 0], values: [] });
    expect(value(`${"[".repeat(16)}1${"]".repeat(16)}`)?.shape).toEqual(new Array(16).fill(1));
  });
  test("what is no number in JSON and one in Stan", () => {
    const words = ["NaN", "Infinity", "-Infinity", "Inf", "-inf", '"NaN"', '"Inf"', '"-Infinity"', '"+inf"'];
    const numbers = [Number.NaN, 1, -1, 1, -1, Number.NaN, 1, -1, 1].map((s) => s * Number.POSITIVE_INFINITY);
    expect(value(`[${words.join(",")}]`)).toEqual({ shape: [9], values: numbers, firstReal: 0 });
    expect(value('[1, null, "NA", NA]')).toEqual({
      shape: [4],
      values: [1, Number.NaN, Number.NaN, Number.NaN],
      missing: [0, 1, 1, 1],
    });
  });
  test("names from strangers", () => {
    const data = json('\ufeff {"__proto__": 1, "constructor": 2, "a\\u0062\\n": 3, "": 4, "μ": 5}\n');
    expect([...data.keys()]).toEqual(["__proto__", "constructor", "ab\n", "", "μ"]);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(data.get("__proto__")?.values[0]).toBe(1);
    expect(json(`{"${"a".repeat(20_000_000)}": 1}`).size).toBe(1);
  });
  test("names are those of the language, whichever way they are written", () => {
    expect([...json('{"µ": 1}').keys(), ...csv("µ\n1\n").keys(), ...dataFromValues({ µ: 1 }).keys()]).toEqual(["μ", "μ", "μ"]);
    expect(message(() => csv("µ,μ\n1,2\n"))).toContain("two columns called μ");
    expect(message(() => dataFromValues({ µ: 1, μ: 2 }))).toContain("μ is there twice");
  });
  test.each([
    ["", "line 1, column 1: the file is empty"],
    ["[1]", "data are one object"],
    ['{"y": [1, 2', "column 12: the file ends inside y[2]: is it complete?"],
    ['{"y": ', "the file ends inside y: is it complete?"],
    ['{"y"', "the file ends too early"],
    ['{"y": 1', "the file ends too early"],
    ['{"y": 1} 2', "more text after the object"],
    ['{"y": 1, "y": 2}', "column 10: y is there twice"],
    ['{"y": 1,}', "column 9: a name in quotes is expected"],
    ['{"y": [1,, 2]}', "a number is expected at y[2]"],
    ['{"y": [1 2]}', "a comma or ] is expected at y[1]"],
    ['{"y": [[1, 2, 3],\n [1, 2]]}', "line 2, column 2: y[2] has 2 elements where y[1] has 3"],
    ['{"y": [[[1], [2]], [[1], [2, 3]]]}', "y[2,2] has 2 elements where y[1,1] has 1"],
    ['{"y": [[1], []]}', "y[2] has 0 elements where y[1] has 1"],
    ['{"y": [[1], 2]}', "y[2] is a number where y[1] is an array"],
    ['{"y": [1, [2]]}', "y[2] is an array where y[1] is a number"],
    ['{"y": [1, "x"]}', 'y[2] is the text "x"; data are numbers'],
    ['{"y": {"a": 1}}', "y is an object"],
    ['{"y": [1, {}]}', "a number is expected at y[2]"],
    ['{"y": nothing}', "y is nothing; data are numbers"],
    ['{"y": [007]}', "expected at y[1]"],
    ['{"y": [1.]}', "expected at y[1]"],
    ['{"y": [+1]}', "expected at y[1]"],
    ["{y: 1}", "a name in quotes is expected"],
    ['{"y\n": 1}', "a name in quotes is expected"],
    ['{"y\\x": 1}', "a name in quotes is expected"],
    ['{"y\\', "the file ends too early"],
    ['{"µ": 1, "μ": 2}', "μ is there twice"],
    [`{"y": ${"[".repeat(17)}1${"]".repeat(17)}}`, "y is nested more than 16 deep"],
    [`{"y": ${"[".repeat(100_000)}`, "y is nested more than 16 deep"],
  ])("%s", (text, expected) => {
    expect(message(() => json(text))).toContain(expected);
  });
  test("any text is read or refused with a sentence", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"y"',
      '"',
      "1",
      "-",
      "1.5e3",
      "null",
      "NaN",
      " ",
      "\n",
      "\\u12",
      "x",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 30 }).map((all) => `{"y":${all.join("")}`),
    );
    fc.assert(
      fc.property(text, (t) => {
        try {
          json(t);
        } catch (e) {
          expect(e).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 1000, seed: 1 },
    );
  });
  test("agrees with JavaScript's own reader", () => {
    const nested = fc.integer({ min: 0, max: 3 }).chain((depth) => {
      const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: depth, maxLength: depth });
      return sizes.chain((shape) =>
        fc
          .array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
            minLength: shape.reduce((n, d) => n * d, 1),
            maxLength: shape.reduce((n, d) => n * d, 1),
          })
          .map((values) => ({ shape, values })),
      );
    });
    const build = (shape: readonly number[], values: readonly number[]): unknown => {
      if (shape.length === 0) return values[0];
      const size = values.length / shape[0];
      return Array.from({ length: shape[0] }, (_, i) => build(shape.slice(1), values.slice(i * size, (i + 1) * size)));
    };
    fc.assert(
      fc.property(nested, ({ shape, values }) => {
        const input = build(shape, values);
        const text = JSON.stringify({ y: input }, null, 1);
        // JSON.stringify writes -0 as 0.
        const clean = values.map((v) => v + 0);
        expect(show(json(text).get("y"))).toMatchObject({ shape, values: clean });
        expect(show(dataFromValues({ y: input as number[] }).get("y"))).toMatchObject({ shape, values });
      }),
      { numRuns: 200, seed: 1 },
    );
  });
  const folder = new URL("../../../shared/data/posteriordb/data/", import.meta.url);
  test("real data of posteriordb, where its folder is", () => {
    if (!existsSync(folder)) {
      console.info("../shared/data/posteriordb is not here: its files were not read");
      return;
    }
    for (const file of readdirSync(folder)) {
      const text = gunzipSync(readFileSync(new URL(file, folder))).toString();
      const expected = JSON.parse(text) as Record<string, unknown>;
      const data = readJson(file, text);
      expect([...data.keys()]).toEqual(Object.keys(expected));
      for (const [name, v] of data) expect([...v.values]).toEqual([expected[name]].flat(20));
    }
  });
});

describe("CSV", () => {
  test("columns are variables", () => {
    const data = csv('x,y , "a ""b"""\n1,2.5,3\n4,NA,\n-7,Inf,1e3\n');
    expect(show(data.get("x"))).toEqual({ shape: [3], values: [1, 4, -7] });
    expect(show(data.get("y"))).toEqual({
      shape: [3],
      values: [2.5, Number.NaN, Number.POSITIVE_INFINITY],
      missing: [0, 1, 0],
      firstReal: 0,
    });
    expect(csv('"a ""b"""\n1\n').has('a "b"')).toBe(true);
    expect(show(csv("\ufeffx\r\n1\r\n\r\n2\r\n").get("x"))).toEqual({ shape: [2], values: [1, 2] });
    expect(show(csv("x\n007\n+5\n.5\n5.\n").get("x"))?.values).toEqual([7, 5, 0.5, 5]);
    expect(show(csv("x\tz\n1\t2\n").get("z"))?.values).toEqual([2]);
    expect(show(csv("x\n").get("x"))).toEqual({ shape: [0], values: [] });
    expect([...csv("__proto__,constructor\n1,2\n").keys()]).toEqual(["__proto__", "constructor"]);
  });
  test("numbered columns are the elements of one variable", () => {
    const stan = csv("# stan\nlp__,theta.1,theta.2,m.1.1,m.2.1,m.1.2,m.2.2\n# mid\n-1,1,2,11,21,12,22\n-2,3,NA,0.5,6,7,8\n");
    expect(show(stan.get("theta"))).toEqual({ shape: [2, 2], values: [1, 2, 3, Number.NaN], missing: [0, 0, 0, 1] });
    expect(show(stan.get("m"))).toEqual({ shape: [2, 2, 2], values: [11, 12, 21, 22, 0.5, 7, 6, 8], firstReal: 4 });
    expect(show(csv("x.0,x.a\n1,2\n").get("x.0"))?.values).toEqual([1]);
  });
  test("text columns are passed over, text among numbers is not", () => {
    expect([...csv("name,x\nann,1\nbob,2\n").keys()]).toEqual(["x"]);
    expect(message(() => csv("x\n1\noops\n"))).toBe('d.csv, row 2 below the header: x is the text "oops"; data are numbers');
    expect(message(() => csv("x\n1\n0x10\n"))).toContain('"0x10"');
    expect(message(() => csv("x\n1\n+-5\n"))).toContain('"+-5"');
  });
  test.each([
    ["", "no header"],
    ["x,x\n1,2\n", "two columns called x"],
    ["x,\n1,2\n", "a column has no name"],
    ["x,y\n1\n", "row 1 below the header has 1 cell where the header has 2"],
    ['x,y\n"1,2\n', "a quotation mark is not closed"],
    ["x.1,x.3\n1,2\n", "x.2 is missing among the columns of x"],
    ["x.1.1,x.2.2\n1,2\n", "x.1.2 is missing"],
    ["x.1,x.1.1\n1,2\n", "differently many indices"],
    ["x,x.1\n1,2\n", "a column x and one called x.1"],
    ["x.999999999999,y\n1,2\n", "x.1 is missing"],
  ])("%j", (text, expected) => {
    expect(message(() => csv(text))).toContain(expected);
  });
});

/** An .npy file, as NumPy writes it. */
function npy(header: string, body: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(`${header}\n`);
  const start = version === 1 ? 10 : 12;
  const bytes = new Uint8Array(start + text.length + body.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  bytes.set(text, start);
  bytes.set(body, start + text.length);
  return bytes;
}
const head = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

describe("npy", () => {
  const writers: [string, number, boolean, (v: DataView, at: number, x: number, little: boolean) => void][] = [
    ["f4", 4, false, (v, at, x, little) => v.setFloat32(at, x, little)],
    ["f8", 8, false, (v, at, x, little) => v.setFloat64(at, x, little)],
    ["i1", 1, true, (v, at, x) => v.setInt8(at, x)],
    ["i2", 2, true, (v, at, x, little) => v.setInt16(at, x, little)],
    ["i4", 4, true, (v, at, x, little) => v.setInt32(at, x, little)],
    ["i8", 8, true, (v, at, x, little) => v.setBigInt64(at, BigInt(x), little)],
    ["u1", 1, true, (v, at, x) => v.setUint8(at, x)],
    ["u2", 2, true, (v, at, x, little) => v.setUint16(at, x, little)],
    ["u4", 4, true, (v, at, x, little) => v.setUint32(at, x, little)],
    ["u8", 8, true, (v, at, x, little) => v.setBigUint64(at, BigInt(x), little)],
  ];
  test.each(writers)("%s, both byte orders, both element orders, three versions", (type, size, integer, write) => {
    const numbers = [1, 2, 3, 4, 5, type.startsWith("u") ? 120 : -6];
    for (const little of [true, false]) {
      const body = new Uint8Array(6 * size);
      const view = new DataView(body.buffer);
      for (const [i, x] of numbers.entries()) write(view, i * size, x, little);
      for (const version of [1, 2, 3]) {
        const kind = integer ? {} : { firstReal: 0 };
        const c = readNpy("a.npy", npy(head((little ? "<" : ">") + type, "(2, 3)"), body, version));
        expect(show(c)).toEqual({ shape: [2, 3], values: numbers, ...kind });
        const f = readNpy("a.npy", npy(head((little ? "<" : ">") + type, "(2, 3)", "True"), body, version));
        expect(show(f)?.values).toEqual([0, 2, 4, 1, 3, 5].map((i) => numbers[i]));
      }
    }
  });
  test("booleans, scalars, vectors, nothing, three axes by columns", () => {
    expect(show(readNpy("a", npy(head("|b1", "(3,)"), Uint8Array.of(0, 1, 2))))).toEqual({ shape: [3], values: [0, 1, 1] });
    expect(show(readNpy("a", npy(head("|u1", "()"), Uint8Array.of(7))))).toEqual({ shape: [], values: [7] });
    expect(show(readNpy("a", npy(head("<f8", "(0, 5)"), new Uint8Array(0))))).toEqual({ shape: [0, 5], values: [] });
    const cube = readNpy("a", npy(head("|u1", "(2, 2, 2)", "True"), Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)));
    expect([...cube.values]).toEqual([0, 4, 2, 6, 1, 5, 3, 7]);
    // A view into a larger buffer is read from its own beginning.
    const file = npy(head("|u1", "(2,)"), Uint8Array.of(8, 9));
    const padded = new Uint8Array(file.length + 10);
    padded.set(file, 5);
    expect([...readNpy("a", padded.subarray(5, 5 + file.length)).values]).toEqual([8, 9]);
  });
  const eight = new Uint8Array(8);
  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "does not begin"],
    ["text", new TextEncoder().encode("hello, I am text"), "does not begin"],
    ["version", npy(head("<f8", "(1,)"), eight, 9), "version 9"],
    ["cut header", npy(head("<f8", "(1,)"), eight).subarray(0, 40), "header is cut off"],
    ["long header", Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 255, 255, 255, 255), "too long"],
    ["too few", npy(head("<f8", "(2,)"), eight), "shape [2] of f8 does not take the 8 bytes"],
    ["too many", npy(head("<f8", "()"), new Uint8Array(9)), "does not take"],
    ["huge", npy(head("<f8", "(9007199254740991, 9007199254740991)"), eight), "does not take"],
    ["overflow", npy(head("<f8", "(99999999999999999999,)"), eight), "its shape is not understood"],
    ["negative", npy(head("<f8", "(-1,)"), eight), "not understood"],
    ["strings", npy(head("<U4", "(1,)"), eight), "type U4 are none of f4, f8, i1"],
    ["objects", npy(head("|O", "(1,)"), eight), "type O are none of f4, f8, i1"],
    ["complex", npy(head("<c8", "(1,)"), eight), "type c8 are none of"],
    ["records", npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", eight), "not understood"],
    ["missing field", npy("{'descr': '<f8', 'shape': (1,), }", eight), "lacks fortran_order"],
    ["field twice", npy("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", eight), "descr twice"],
    ["code", npy("__import__('os')", eight), "not a dictionary"],
    ["axes", npy(head("|u1", `(${"1, ".repeat(17)})`), Uint8Array.of(1)), "its shape is not understood"],
    ["large integer", npy(head("<u8", "(1,)"), new Uint8Array(8).fill(255)), "larger than 2^53"],
  ])("%s", (_, bytes, expected) => {
    expect(message(() => readNpy("a.npy", bytes))).toContain(expected);
  });
  test("any bytes are read or refused with a sentence", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(140), fc.nat(255), (noise, at, byte) => {
        const file = npy(head("<f8", "(2, 3)"), new Uint8Array(48));
        file[at] = byte;
        for (const bytes of [noise, file]) {
          try {
            readNpy("a", bytes);
          } catch (e) {
            expect(e).toBeInstanceOf(UsageError);
          }
        }
      }),
      { numRuns: 1000, seed: 1 },
    );
  });
});

describe("values of a program", () => {
  // Programs in JavaScript are not held to the types.
  const of = (y: unknown) => dataFromValues(new Map([["y", y as number]])).get("y");
  test("kinds", () => {
    expect(show(of(3))).toEqual({ shape: [], values: [3] });
    expect(show(of([1, 2.5, null, undefined, true, Number.NaN]))).toEqual({
      shape: [6],
      values: [1, 2.5, Number.NaN, Number.NaN, 1, Number.NaN],
      missing: [0, 0, 1, 1, 0, 0],
      firstReal: 1,
    });
    expect(show(of([Float32Array.of(1, 2), [3, 4]]))).toEqual({ shape: [2, 2], values: [1, 2, 3, 4] });
    expect([...dataFromValues(JSON.parse('{"__proto__": 1}')).keys()]).toEqual(["__proto__"]);
  });
  test.each<[unknown, string]>([
    ["x", 'y is the text "x"; data are numbers'],
    [[[1, 2], [3]], "y[2] has 1 element where y[1] has 2"],
    [[1, [2]], "y[2] is an array where y[1] is a number"],
    [[[1], 2], "y[2] is a number where y[1] is an array"],
    [[1, { a: 1 }], "y[2] is an object; data are numbers"],
    [[1n], "y[1] is a bigint"],
    [new DataView(new ArrayBuffer(8)), "y is an object"],
  ])("case %#", (y, expected) => {
    expect(message(() => of(y))).toContain(expected);
  });
  test("an array that holds itself", () => {
    const y: unknown[] = [];
    y.push(y);
    expect(message(() => of(y))).toContain("nested more than 16 deep");
  });
});
