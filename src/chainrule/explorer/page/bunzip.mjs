/** Texts that bzip2 compressed and that stand in the file in base 91 (packing.py): each two characters are 13 bits. */

// The first 16 bits after the last block; a block begins with 0x3141.
const END = 0x1772;

/** @type {(text: string) => string} */
export function unpacked(text) {
  const bits = reader(text);
  /** @type {number[]} */
  const bytes = [];
  // The header, then blocks.
  [16, 16].forEach(bits);
  while (bits(16) !== END) write(block(bits), bytes);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** @typedef {(count: number) => number} Bits */

/** @type {(text: string) => Bits} a function that returns the next bits, at most 16, as a number */
function reader(text) {
  let place = 0;
  let held = 0;
  let count = 0;
  const digit = () => {
    const code = text.charCodeAt(place++);
    return code - 33 - +(code > 34) - +(code > 38) - +(code > 60);
  };
  return (wanted) => {
    for (; count < wanted; count += 13) held = (held << 13) | (digit() * 91 + digit());
    count -= wanted;
    const found = held >> count;
    held &= (1 << count) - 1;
    return found;
  };
}

/** @type {<T>(length: number, make: (i: number) => T) => T[]} */
const times = (length, make) => Array.from({ length }, (_, i) => make(i));

/** @type {(bits: Bits) => number[]} the bytes of a block, after the first 16 bits of its mark */
function block(bits) {
  // The rest of the mark, the checksum, and a bit that is always 0.
  [16, 16, 16, 16, 1].forEach(bits);
  const first = bits(12) * 4096 + bits(12);
  const used = times(16, () => bits(1)).flatMap((some, i) => (some ? inRow(bits, i) : []));
  return inOrder(ranked(bits, used), first);
}

/** @type {(bits: Bits, row: number) => number[]} the bytes of 16 that occur */
function inRow(bits, row) {
  return times(16, (i) => (bits(1) ? [16 * row + i] : [])).flat();
}

/** @type {(list: number[], rank: number) => number} an entry, which comes to the front */
function toFront(list, rank) {
  list.unshift(...list.splice(rank, 1));
  return list[0];
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
  const symbols = times(21, () => /** @type {number[]} */ ([]));
  for (let symbol = 0; symbol < size; symbol++) {
    while (bits(1)) length += bits(1) ? -1 : 1;
    symbols[length].push(symbol);
  }
  return () => {
    let code = 0;
    for (let i = 1; ; i++) {
      code = 2 * code + bits(1);
      if (code < symbols[i].length) return symbols[i][code];
      code -= symbols[i].length;
    }
  };
}

/** @type {(sorted: number[], first: number) => number[]} bytes in their order, from those sorted by what follows them */
function inOrder(sorted, first) {
  const starts = new Uint32Array(257);
  for (const byte of sorted) starts[byte + 1]++;
  for (let byte = 0; byte < 256; byte++) starts[byte + 1] += starts[byte];
  const next = new Uint32Array(sorted.length);
  sorted.forEach((byte, i) => { next[starts[byte]++] = i; });
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
