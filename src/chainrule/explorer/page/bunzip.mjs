/** Texts that bzip2 compressed and that stand in the file in base 91 (packing.py): each two characters are 13 bits. */

// The first 16 bits after the last block; a block begins with 0x3141.
const END = 0x1772;

/** @type {(text: string) => string} */
export function unpacked(text) {
  const bits = reader(text);
  /** @type {number[]} */
  const bytes = [];
  // The header, then blocks.
  for (const count of [16, 16]) bits(count);
  while (bits(16) !== END) write(block(bits), bytes);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** @typedef {(count: number, taken?: number) => number} Bits returns the next bits, at most 17, as a number, and takes all of them, or so many */

/** @type {(text: string) => Bits} */
function reader(text) {
  let [place, held, count] = [0, 0, 0];
  const digit = () => {
    const code = text.charCodeAt(place++);
    return code - 33 - +(code > 34) - +(code > 38) - +(code > 60);
  };
  return (wanted, taken = wanted) => {
    for (; count < wanted; count += 13) held = (held << 13) | (digit() * 91 + digit());
    const found = held >> (count - wanted);
    count -= taken;
    held &= (1 << count) - 1;
    return found;
  };
}

/** @type {<T>(length: number, make: (i: number) => T) => T[]} */
const times = (length, make) => Array.from({ length }, (_, i) => make(i));

/** @type {(bits: Bits) => number[]} the bytes of a block, after the first 16 bits of its mark */
function block(bits) {
  // The rest of the mark, the checksum, and a bit that is always 0.
  for (const count of [16, 16, 16, 16, 1]) bits(count);
  const first = bits(12) * 4096 + bits(12);
  // for each row of 16 bytes whether some occur, then for each such row which
  const occurs = (/** @type {number} */ start) => (/** @type {number} */ i) => (bits(1) ? [start + i] : []);
  const rows = times(16, occurs(0)).flat();
  const used = rows.flatMap((row) => times(16, occurs(16 * row)).flat());
  return inOrder(ranked(bits, used), first);
}

/** @type {(list: number[], rank: number) => number} an entry, which comes to the front */
function toFront(list, rank) {
  const entry = list[rank];
  for (; rank; rank--) list[rank] = list[rank - 1];
  return (list[0] = entry);
}

/** @type {(bits: Bits, used: number[]) => number[]} the bytes of a block, sorted by what follows them */
function ranked(bits, used) {
  const groups = bits(3);
  const order = times(groups, Number);
  const chosen = times(bits(15), () => {
    let rank = 0;
    while (bits(1)) rank++;
    return toFront(order, rank);
  });
  const codes = order.map(() => codeOf(bits, used.length + 2));
  /** @type {number[]} */
  const bytes = [];
  // A run of the first byte is a number whose digits are 1 and 2, the lowest first.
  for (let i = 0, worth = 1; ; i++) {
    const symbol = codes[chosen[(i / 50) | 0]]();
    if (symbol > used.length) return bytes;
    if (symbol > 1) bytes.push(toFront(used, symbol - 1));
    else for (let n = worth << symbol; n; n--) bytes.push(used[0]);
    worth = symbol > 1 ? 1 : 2 * worth;
  }
}

/** @type {(bits: Bits, size: number) => () => number} a function that reads one symbol of a Huffman code */
function codeOf(bits, size) {
  let length = bits(5);
  const lengths = times(size, () => {
    while (bits(1)) length += bits(1) ? -1 : 1;
    return length;
  });
  const longest = Math.max(...lengths);
  // for all that the next bits can be, how many of them are a symbol, and which
  const table = times(longest + 1, (bit) => lengths.flatMap((own, symbol) => (own === bit ? new Array(1 << (longest - own)).fill(32 * symbol + own) : []))).flat();
  return () => {
    const found = table[bits(longest, 0)];
    bits(found & 31);
    return found >> 5;
  };
}

/** @type {(sorted: number[], first: number) => number[]} bytes in their order, from those sorted by what follows them */
function inOrder(sorted, first) {
  const places = times(256, () => /** @type {number[]} */ ([]));
  sorted.forEach((byte, i) => places[byte].push(i));
  const next = places.flat();
  let at = next[first];
  return sorted.map(() => {
    const byte = sorted[at];
    at = next[at];
    return byte;
  });
}

/** @type {(block: number[], bytes: number[]) => void} after four equal bytes comes the number of further ones */
function write(block, bytes) {
  for (let i = 0, equal = 0; i < block.length; i++) {
    equal = block[i] === block[i - 1] ? equal + 1 : 1;
    bytes.push(block[i]);
    if (equal < 4) continue;
    equal = 0;
    for (let n = block[++i]; n; n--) bytes.push(block[i - 1]);
  }
}
