/**
 * The list of services of one namespace, put together from what the data nodes tell of the slots they lead. What is known
 * of a slot stays until a leader of the same or a later epoch says otherwise: a data node that is lost, or gives a slot
 * away, takes no service out of the list. Nothing is shown before every slot has been heard of.
 *
 * Who subscribes sees it through a pattern. Each pattern in use has a view of its own, a datum like that of a service.
 */

import {
  NO_FILTER,
  SLOT_COUNT,
  compareVersions,
  emptyServiceList,
  epoch,
  idOfSlot,
  isOfPattern,
  isSlotMember,
  memberOfService,
  serviceKeyFromText,
  slotOfMember,
  slotOfText,
  textFromPattern,
  type Datum,
  type Epoch,
  type Frame,
  type ServicePattern,
  type SlotId,
  type Update,
  type Version,
} from "@rollcall/core";

import { View } from "../views/view.ts";

export type EncodeServicesPush = (pattern: ServicePattern, update: Update) => readonly Frame[];

interface PatternView {
  readonly pattern: ServicePattern;
  readonly view: View;
}

/** Versions of a list are this session's own and mean nothing elsewhere. */
const LIST_EPOCH = epoch(1);

export class NamespaceList {
  readonly namespace: string;
  readonly #encodePush: EncodeServicesPush;
  /** Leader epochs under which slots were last heard of. */
  readonly #heardAt = new Map<SlotId, Epoch>();
  readonly #services: Datum;
  readonly #views = new Map<string, PatternView>();

  constructor(namespace: string, encodePush: EncodeServicesPush) {
    this.namespace = namespace;
    this.#encodePush = encodePush;
    this.#services = emptyServiceList(namespace, { epoch: LIST_EPOCH, counter: 0 });
  }

  get isComplete(): boolean {
    return this.#heardAt.size === SLOT_COUNT;
  }

  view(pattern: ServicePattern): View {
    const text = textFromPattern(pattern);
    const known = this.#views.get(text);
    if (known !== undefined) return known.view;
    const datum = emptyServiceList(this.namespace, this.#services.version);
    const view = new View(NO_FILTER, datum, undefined, {
      encodePush: (update) => this.#encodePush(pattern, update),
      content: () => (this.isComplete ? "confirmed" : "nothing"),
      now: () => 0,
      arrival: undefined,
    });
    this.#views.set(text, { pattern, view });
    for (const { id } of this.#services.instances()) follow(view.datum, pattern, this.#services, id);
    return view;
  }

  /** Lets go of a view nobody looks at. */
  closeView(pattern: ServicePattern, view: View): void {
    if (view.viewers.size === 0) this.#views.delete(textFromPattern(pattern));
  }

  /** Takes in what a data node has told, of which `told` is the whole and `update` what is new in it. */
  take(told: Datum, update: Update): void {
    const wasComplete = this.isComplete;
    const retold = this.#retoldSlots(update);
    const version = { epoch: LIST_EPOCH, counter: this.#services.version.counter + 1 };
    const changedIds = new Set<string>();
    if (retold.size > 0) this.#retell(retold, told, version, changedIds);
    const named = [...update.instances.map(({ id }) => id), ...update.removedIds].filter((id) => !isSlotMember(id));
    for (const id of named) {
      const slot = slotOfText(id);
      if (!retold.has(slot) && this.#isHeardFrom(told, slot))
        this.#list(id, told.get(id) !== undefined, version, changedIds);
    }
    this.#refresh(changedIds, this.isComplete !== wasComplete);
  }

  /** Slots of which the update brings the whole: their leader is new, or says everything again. */
  #retoldSlots(update: Update): ReadonlySet<SlotId> {
    const retold = new Set<SlotId>();
    for (const member of update.instances) {
      if (!isSlotMember(member.id)) continue;
      const { slot, leaderEpoch } = slotOfMember(member);
      const heardAt = this.#heardAt.get(slot);
      if (heardAt !== undefined && heardAt > leaderEpoch) continue;
      this.#heardAt.set(slot, leaderEpoch);
      retold.add(slot);
    }
    return retold;
  }

  #retell(slots: ReadonlySet<SlotId>, told: Datum, version: Version, changedIds: Set<string>): void {
    for (const { id } of this.#services.instances())
      if (slots.has(slotOfText(id)) && told.get(id) === undefined) this.#list(id, false, version, changedIds);
    for (const { id } of told.instances())
      if (!isSlotMember(id) && slots.has(slotOfText(id))) this.#list(id, true, version, changedIds);
  }

  /** Whether the node that has told this is the one to be believed about the slot. */
  #isHeardFrom(told: Datum, slot: SlotId): boolean {
    const member = told.get(idOfSlot(slot));
    return member !== undefined && slotOfMember(member).leaderEpoch === this.#heardAt.get(slot);
  }

  #list(id: string, isThere: boolean, version: Version, changedIds: Set<string>): void {
    const isChange = isThere
      ? this.#services.put(memberOfService(serviceKeyFromText(id)), version)
      : this.#services.remove(id, version);
    if (isChange) changedIds.add(id);
  }

  #refresh(changedIds: ReadonlySet<string>, isNewlyComplete: boolean): void {
    for (const { pattern, view } of this.#views.values()) {
      const before = view.datum.version;
      for (const id of changedIds) follow(view.datum, pattern, this.#services, id);
      const isNews = isNewlyComplete || compareVersions(before, view.datum.version) !== 0;
      if (isNews && this.isComplete) view.announce();
    }
  }
}

function follow(selected: Datum, pattern: ServicePattern, source: Datum, id: string): void {
  const member = source.get(id);
  if (member !== undefined && isOfPattern(pattern, serviceKeyFromText(id))) selected.put(member, source.version);
  else selected.remove(id, source.version);
}
