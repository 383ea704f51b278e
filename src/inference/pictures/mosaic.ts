// Many small images as one picture: a grid with gaps, each pixel a square.

/** Images of one size, one after the other, row-major. */
export interface Images {
  readonly height: number;
  readonly width: number;
  readonly values: ArrayLike<number>;
}
export interface Mosaic {
  readonly height: number;
  readonly width: number;
  /** 0 black to 255 white. */
  readonly pixels: Uint8Array;
}

const GAP = 2;
/** Between groups of rows. */
const WIDE_GAP = 8;
const PAPER = 255;
/** Sides of an image on the picture are about so many pixels. */
const SIDE = 56;

/** `layers`: lists of equally many images; each line of the grid has `columns` images of the first list, below them those of the second, and
 *  so on. `range`: what is black, what is white. */
export function mosaic(layers: readonly Images[], columns: number, [black, white]: readonly [number, number]): Mosaic {
  const { height, width } = layers[0];
  const size = height * width;
  const count = Math.floor(layers[0].values.length / size);
  const across = Math.min(columns, count);
  const groups = Math.ceil(count / across);
  const factor = Math.max(1, Math.round(SIDE / Math.max(height, width)));
  const [tall, broad] = [factor * height + GAP, factor * width + GAP];
  const between = layers.length > 1 ? WIDE_GAP : 0;
  const total = {
    height: groups * (layers.length * tall + between) - between + GAP,
    width: across * broad + GAP,
  };
  const pixels = new Uint8Array(total.height * total.width).fill(PAPER);
  const scale = white === black ? 0 : 255 / (white - black);
  layers.forEach(({ values }, layer) => {
    for (let i = 0; i < count; i++) {
      const top = Math.floor(i / across) * (layers.length * tall + between) + layer * tall + GAP;
      const left = (i % across) * broad + GAP;
      for (let y = 0; y < factor * height; y++) {
        for (let x = 0; x < factor * width; x++) {
          const v = values[i * size + Math.floor(y / factor) * width + Math.floor(x / factor)];
          const grey = Math.round((v - black) * scale);
          // What is no number is in the middle.
          pixels[(top + y) * total.width + left + x] = Number.isNaN(grey) ? 128 : Math.max(0, Math.min(255, grey));
        }
      }
    }
  });
  return { ...total, pixels };
}
