/**
 * A list of registrations, each of which knows its place in it: added and taken out at once, and nothing beside the list
 * itself is kept. In no order. Whoever goes through it takes nothing out meanwhile.
 */

/** A registration is in two lists at most: of its slot, and of its owner. */
export interface Placed {
  placeInSlot: number;
  placeWithOwner: number;
}

export class RegistrationList<Item extends Placed> {
  readonly #places: keyof Placed;
  readonly #items: Item[] = [];

  constructor(places: keyof Placed) {
    this.#places = places;
  }

  get size(): number {
    return this.#items.length;
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  add(item: Item): void {
    item[this.#places] = this.#items.push(item) - 1;
  }

  remove(item: Item): void {
    const place = item[this.#places];
    const last = this.#items.pop()!;
    if (last === item) return;
    this.#items[place] = last;
    last[this.#places] = place;
  }
}
