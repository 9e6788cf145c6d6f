/** Texts, compressed with zlib and written in the letters of URLs. */

/** @type {(bytes: Uint8Array, stream: CompressionStream | DecompressionStream, most: number) => Promise<Uint8Array>} what a stream makes of bytes; a RangeError above so many of them */
async function through(bytes, stream, most) {
  const made = new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(/** @type {any} */ (stream)).getReader();
  /** @type {BlobPart[]} */
  const parts = [];
  let size = 0;
  for (let part = await made.read(); !part.done; part = await made.read()) {
    parts.push(part.value);
    size += part.value.length;
    if (size > most) {
      await made.cancel();
      throw new RangeError(`it unpacks to more than ${most / 1e6} MB`);
    }
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** @type {(text: string) => Promise<string>} */
export async function pack(text) {
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("deflate"), Infinity);
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @type {(packed: string, most: number) => Promise<string>} an error if it is broken, or longer than so many bytes */
export async function unpack(packed, most) {
  const letters = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate"), most));
}
