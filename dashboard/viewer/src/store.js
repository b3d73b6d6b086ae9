// The numbers of one series in memory: fetched once, the slice in view first, then outwards from it.

const AT_ONCE = 4; // requests under way; more only wait on the server's cores
const KINDS = { "|u1": Uint8Array, "<i2": Int16Array, "<f4": Float32Array };

/** What an address gives; null where there is nothing yet. */
export async function fetched(url, signal) {
  const answer = await fetch(url, { signal, cache: "no-store", credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.status === 204 ? null : answer.arrayBuffer();
}

/** Bits, the first one highest, as one byte each. */
export function unpacked(buffer, length) {
  const packed = new Uint8Array(buffer), bits = new Uint8Array(length);
  for (let i = 0; i < length; i++) bits[i] = (packed[i >> 3] >> (7 - (i & 7))) & 1;
  return bits;
}

export class Store {
  constructor(facts) {
    this.facts = facts;
    [this.count, this.height, this.width] = facts.shape;
    this.slices = new Array(this.count);
    this.waiting = new Map();
    this.focus = facts.start;
    this.loaded = 0;
    this.failed = false;
    this.listeners = new Set();
    this.stop = new AbortController();
    this.padding = null;
    this._under = new Set();
    this._fill();
    if (facts.padding) this._pad();
  }

  /** The slice's values as a typed array; asked for before all others. */
  slice(index) {
    if (this.slices[index]) return Promise.resolve(this.slices[index]);
    let one = this.waiting.get(index);
    if (!one) {
      one = {};
      one.promise = new Promise((resolve, reject) => Object.assign(one, { resolve, reject }));
      one.promise.catch(() => {});
      this.waiting.set(index, one);
    }
    this.focus = index;
    this._fill();
    return one.promise;
  }

  has(index) { return Boolean(this.slices[index]); }

  /** Whether a pixel holds no image. */
  empty(index, at) { return Boolean(this.padding?.[index * this.height * this.width + at]); }

  dispose() {
    this.stop.abort();
    this.listeners.clear();
    this.slices = [];
    this.padding = null;
  }

  _next() {
    const free = (i) => i >= 0 && i < this.count && !this.slices[i] && !this._under.has(i);
    for (const index of this.waiting.keys()) if (index === this.focus && free(index)) return index;
    for (let away = 0; away < this.count; away++) {
      if (free(this.focus + away)) return this.focus + away;
      if (free(this.focus - away)) return this.focus - away;
    }
    return null;
  }

  _fill() {
    while (!this.failed && this._under.size < AT_ONCE) {
      const index = this._next();
      if (index === null) return;
      this._under.add(index);
      this._load(index).finally(() => { this._under.delete(index); if (!this.stop.signal.aborted) this._fill(); });
    }
  }

  async _load(index, again = 2) {
    try {
      const buffer = await fetched(`${this.facts.url}/${index}`, this.stop.signal);
      let values = new KINDS[this.facts.kind](buffer);
      if (this.facts.offset || this.facts.slope !== 1) {
        values = Float32Array.from(values, (v) => v * this.facts.slope + this.facts.offset);
      }
      this.slices[index] = values;
      this.loaded += 1;
      this.waiting.get(index)?.resolve(values);
      this.waiting.delete(index);
      this.listeners.forEach((told) => told(index));
    } catch (error) {
      if (this.stop.signal.aborted) return;
      if (again > 0 && error.message !== "404") return this._load(index, again - 1);
      this.failed = true; // the address is over: the page has moved on, or must be reloaded
      this.waiting.get(index)?.reject(error);
      this.listeners.forEach((told) => told(null));
    }
  }

  async _pad() {
    try {
      const buffer = await fetched(this.facts.padding, this.stop.signal);
      this.padding = unpacked(buffer, this.count * this.height * this.width);
    } catch { /* the series' own slices tell that the address is over */ }
  }
}
