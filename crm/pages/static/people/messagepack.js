// MessagePack, as much of it as pages and voice nodes say to each other: no extensions, keys of maps are texts.

const DEPTH_MAX = 16;
const TEXT = new TextEncoder();
const READING = new TextDecoder("utf-8", { fatal: true });

export class BadMessagePack extends Error {}

/** Return `value` as bytes: null, booleans, numbers, texts, Uint8Array, arrays and plain objects. */
export function encode(value) {
  const out = [];
  write(value, out, 0);
  return Uint8Array.from(out);
}

/** Return the one value in `bytes`; throws BadMessagePack for anything else. */
export function decode(bytes) {
  const reader = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 };
  const value = read(reader, 0);
  if (reader.at !== bytes.length) throw new BadMessagePack("bytes are left over");
  return value;
}

function write(value, out, depth) {
  if (depth > DEPTH_MAX) throw new BadMessagePack("nested too deep");
  if (value === null || value === undefined) out.push(0xc0);
  else if (value === false) out.push(0xc2);
  else if (value === true) out.push(0xc3);
  else if (typeof value === "number") writeNumber(value, out);
  else if (typeof value === "string") {
    const text = TEXT.encode(value);
    writeSize(text.length, out, 0xa0, 31, [0xd9, 0xda, 0xdb]);
    append(text, out);
  } else if (value instanceof Uint8Array) {
    writeSize(value.length, out, 0, -1, [0xc4, 0xc5, 0xc6]);
    append(value, out);
  } else if (Array.isArray(value)) {
    writeSize(value.length, out, 0x90, 15, [null, 0xdc, 0xdd]);
    for (const item of value) write(item, out, depth + 1);
  } else if (typeof value === "object") {
    const entries = Object.entries(value);
    writeSize(entries.length, out, 0x80, 15, [null, 0xde, 0xdf]);
    for (const [name, item] of entries) {
      write(name, out, depth + 1);
      write(item, out, depth + 1);
    }
  } else throw new BadMessagePack(`a ${typeof value} has no form`);
}

function writeNumber(value, out) {
  if (Number.isSafeInteger(value) && value >= 0) {
    if (value < 0x80) out.push(value);
    else if (value < 0x100) out.push(0xcc, value);
    else if (value < 0x10000) out.push(0xcd, value >> 8, value & 0xff);
    else if (value < 0x100000000) writeView(out, 0xce, 4, (view) => view.setUint32(0, value));
    else writeView(out, 0xcf, 8, (view) => view.setBigUint64(0, BigInt(value)));
  } else if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    if (value >= -32) out.push(value & 0xff);
    else writeView(out, 0xd3, 8, (view) => view.setBigInt64(0, BigInt(value)));
  } else writeView(out, 0xcb, 8, (view) => view.setFloat64(0, value));
}

function writeView(out, mark, bytes, set) {
  const view = new DataView(new ArrayBuffer(bytes));
  set(view);
  out.push(mark, ...new Uint8Array(view.buffer));
}

function writeSize(size, out, small, smallMax, [mark8, mark16, mark32]) {
  if (size <= smallMax) out.push(small | size);
  else if (mark8 !== null && size < 0x100) out.push(mark8, size);
  else if (size < 0x10000) out.push(mark16, size >> 8, size & 0xff);
  else writeView(out, mark32, 4, (view) => view.setUint32(0, size));
}

function append(bytes, out) {
  for (const byte of bytes) out.push(byte);
}

function read(reader, depth) {
  if (depth > DEPTH_MAX) throw new BadMessagePack("nested too deep");
  const mark = number(reader, 1, "getUint8");
  if (mark < 0x80) return mark;
  if (mark < 0x90) return map(reader, mark & 0x0f, depth);
  if (mark < 0xa0) return array(reader, mark & 0x0f, depth);
  if (mark < 0xc0) return text(reader, mark & 0x1f);
  if (mark >= 0xe0) return mark - 0x100;
  switch (mark) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xc4: return take(reader, number(reader, 1, "getUint8"));
    case 0xc5: return take(reader, number(reader, 2, "getUint16"));
    case 0xc6: return take(reader, number(reader, 4, "getUint32"));
    case 0xca: return number(reader, 4, "getFloat32");
    case 0xcb: return number(reader, 8, "getFloat64");
    case 0xcc: return number(reader, 1, "getUint8");
    case 0xcd: return number(reader, 2, "getUint16");
    case 0xce: return number(reader, 4, "getUint32");
    case 0xcf: return safe(number(reader, 8, "getBigUint64"));
    case 0xd0: return number(reader, 1, "getInt8");
    case 0xd1: return number(reader, 2, "getInt16");
    case 0xd2: return number(reader, 4, "getInt32");
    case 0xd3: return safe(number(reader, 8, "getBigInt64"));
    case 0xd9: return text(reader, number(reader, 1, "getUint8"));
    case 0xda: return text(reader, number(reader, 2, "getUint16"));
    case 0xdb: return text(reader, number(reader, 4, "getUint32"));
    case 0xdc: return array(reader, number(reader, 2, "getUint16"), depth);
    case 0xdd: return array(reader, number(reader, 4, "getUint32"), depth);
    case 0xde: return map(reader, number(reader, 2, "getUint16"), depth);
    case 0xdf: return map(reader, number(reader, 4, "getUint32"), depth);
    default: throw new BadMessagePack(`byte 0x${mark.toString(16)} begins nothing that we know`);
  }
}

function number(reader, size, get) {
  if (reader.at + size > reader.bytes.length) throw new BadMessagePack("it ends too early");
  const value = reader.view[get](reader.at);
  reader.at += size;
  return value;
}

function safe(value) {
  const plain = Number(value);
  if (!Number.isSafeInteger(plain)) throw new BadMessagePack("a number is too large");
  return plain;
}

function take(reader, size) {
  if (reader.at + size > reader.bytes.length) throw new BadMessagePack("it ends too early");
  reader.at += size;
  return reader.bytes.subarray(reader.at - size, reader.at);
}

function text(reader, size) {
  try {
    return READING.decode(take(reader, size));
  } catch (error) {
    if (error instanceof BadMessagePack) throw error;
    throw new BadMessagePack("a text is not UTF-8");
  }
}

function array(reader, size, depth) {
  const items = [];
  for (let place = 0; place < size; place += 1) items.push(read(reader, depth + 1));
  return items;
}

function map(reader, size, depth) {
  const value = {};
  for (let place = 0; place < size; place += 1) {
    const name = read(reader, depth + 1);
    if (typeof name !== "string") throw new BadMessagePack("a key is not a text");
    // Not by assignment: "__proto__" is a name like any other.
    Object.defineProperty(value, name, { value: read(reader, depth + 1), enumerable: true, configurable: true, writable: true });
  }
  return value;
}
