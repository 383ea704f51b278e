// Protocol buffers, as much of them as a graph needs: fields of a message, one after the other.

/** Bytes of a message. */
export type Message = Uint8Array;

const encoder = new TextEncoder();

export class Fields {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  number(field: number, value: number | boolean): this {
    return this.#add(varint(8 * field)).#add(varint(Number(value)));
  }
  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }
  bytes(field: number, value: Uint8Array): this {
    return this.#add(varint(8 * field + 2))
      .#add(varint(value.length))
      .#add(value);
  }
  message(field: number, value: Fields): this {
    return this.bytes(field, value.encode());
  }
  /** An entry of a map from names. */
  entry(field: number, key: string, value: Fields): this {
    return this.message(field, new Fields().text(1, key).message(2, value));
  }
  encode(): Message {
    const out = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
  #add(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

/** Seven bits a byte, the lowest first. Of whole numbers from 0 on. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
