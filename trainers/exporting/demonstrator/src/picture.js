// A dropped file to grey levels: 8-bit grey PNG exactly, JPEG to the rounding of its decoder.

const DEEPEST = 8, LARGEST = 4096, GREY = 2, COLOURED = 0.01;

export class Refused extends Error {}

/** {data, width, height} of a file; throws Refused with what helps. */
export async function read(blob) {
  const head = new Uint8Array(await blob.slice(0, 32).arrayBuffer());
  const png = head[0] === 0x89 && head[1] === 0x50, jpeg = head[0] === 0xff && head[1] === 0xd8;
  if (!png && !jpeg) throw new Refused("This is no PNG or JPEG. DICOM and NIfTI need Overread itself.");
  if (png && head[24] > DEEPEST) {
    throw new Refused("This PNG has 16 bits, which browsers cut to 8. Save it with 8, or use Overread itself.");
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  } catch {
    throw new Refused("The picture is damaged. Export it again.");
  }
  const { width, height } = bitmap;
  if (Math.max(width, height) > LARGEST) throw new Refused(`The picture is larger than ${LARGEST} pixels.`);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "black";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data: rgba } = context.getImageData(0, 0, width, height);
  const data = new Float32Array(width * height);
  let coloured = 0;
  for (let at = 0; at < data.length; at++) {
    const [r, g, b] = rgba.subarray(4 * at, 4 * at + 3);
    data[at] = Math.fround(0.299 * r + 0.587 * g + 0.114 * b);
    if (Math.max(r, g, b) - Math.min(r, g, b) > GREY) coloured++;
  }
  if (coloured > COLOURED * data.length) {
    throw new Refused("The picture is in colour; scans are grey. Export the scan without its overlays.");
  }
  if (data.every((v) => v === data[0])) throw new Refused("The picture is blank: one grey level everywhere.");
  return { data, width, height };
}
