/**
 * Who waits for which reply, by request id. A ring of places rather than a `Map`: ids come in order and leave nearly so, and a map of V8's that
 * is filled and emptied all the time makes itself anew every few dozen entries. The old ones, once promoted, kept half of all requests alive
 * until the next full collection: that was a third of a client's processor time.
 */

const PLACES_FIRST = 64;
const ID_END = 0xffff_ffff;

/** Ids count up to 2^32 - 1 and begin again at 1; those that would share a place with one still waited for are passed over. */
export class WaitingRoom<T> {
  #waiters = emptyPlaces<T>(PLACES_FIRST);
  #ids: number[] = new Array<number>(PLACES_FIRST).fill(0);
  #lastId: number;
  #size = 0;

  /** `lastId`: the first is the one after it. */
  constructor(lastId = 0) {
    this.#lastId = lastId;
  }

  get size(): number {
    return this.#size;
  }

  /** The id of the next request, for which nobody waits yet. */
  nextId(): number {
    if (this.#size * 2 > this.#ids.length) this.#grow();
    do this.#lastId = this.#lastId === ID_END ? 1 : this.#lastId + 1;
    while (this.#waiters[this.#placeOf(this.#lastId)] !== undefined);
    return this.#lastId;
  }

  /** `id`: what {@link WaitingRoom.nextId} gave last. */
  enter(id: number, waiter: T): void {
    const place = this.#placeOf(id);
    this.#ids[place] = id;
    this.#waiters[place] = waiter;
    this.#size++;
  }

  has(id: number): boolean {
    const place = this.#placeOf(id);
    return this.#waiters[place] !== undefined && this.#ids[place] === id;
  }

  /** Gives who waits for this reply and lets them go; undefined when nobody waits for it any more. */
  leave(id: number): T | undefined {
    const place = this.#placeOf(id);
    const waiter = this.#waiters[place];
    if (waiter === undefined || this.#ids[place] !== id) return undefined;
    this.#waiters[place] = undefined;
    this.#size--;
    return waiter;
  }

  /** Those who are meant, by their ids, lowest first. They go on waiting. */
  those(areMeant: (waiter: T) => boolean): (readonly [id: number, waiter: T])[] {
    const found: (readonly [number, T])[] = [];
    // By index: asked some times a second, and an entry for each place would be garbage.
    for (let place = 0; place < this.#ids.length; place++) {
      const waiter = this.#waiters[place];
      if (waiter !== undefined && areMeant(waiter)) found.push([this.#ids[place] as number, waiter]);
    }
    return found.sort(([a], [b]) => a - b);
  }

  #placeOf(id: number): number {
    return id & (this.#ids.length - 1);
  }

  /** Twice as many places: ids that had one each have one each among those too. */
  #grow(): void {
    const [waiters, ids] = [this.#waiters, this.#ids];
    this.#waiters = emptyPlaces(ids.length * 2);
    this.#ids = new Array<number>(ids.length * 2).fill(0);
    for (const [place, waiter] of waiters.entries()) {
      if (waiter === undefined) continue;
      const id = ids[place] as number;
      this.#ids[this.#placeOf(id)] = id;
      this.#waiters[this.#placeOf(id)] = waiter;
    }
  }
}

function emptyPlaces<T>(count: number): (T | undefined)[] {
  return new Array<T | undefined>(count).fill(undefined);
}
