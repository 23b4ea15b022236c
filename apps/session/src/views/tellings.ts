/**
 * Questions of leaders whether all subscribers here have been told of a change. Each is answered at once with how many
 * have not, and once more when the last of them has. Leaders ask again while they want to know; what is not asked again
 * is forgotten.
 */

import {
  formatVersion,
  textFromServiceKey,
  type Clock,
  type ServiceKey,
  type ToldAnswer,
  type ToldQuestion,
} from "@rollcall/core";

import type { ServiceCopy } from "./service-copy.ts";
import { Telling } from "./telling.ts";

/** What is not asked again for so long, in milliseconds, nobody wants to know any more: five times what leaders wait. */
const FORGET_MS = 5_000;

export interface TellingsPorts {
  readonly clock: Clock;
  readonly copyOf: (key: ServiceKey) => ServiceCopy | undefined;
  /** Called when something waits for a data node. */
  readonly wake: (nodeId: string) => void;
}

interface Asked {
  readonly nodeId: string;
  readonly question: ToldQuestion;
  readonly copy: ServiceCopy;
  readonly telling: Telling;
  askedAt: number;
}

export class Tellings {
  readonly #ports: TellingsPorts;
  readonly #asked = new Map<string, Asked>();
  readonly #answers = new Map<string, ToldAnswer[]>();

  constructor(ports: TellingsPorts) {
    this.#ports = ports;
  }

  ask(nodeId: string, question: ToldQuestion): void {
    const id = `${nodeId} ${textFromServiceKey(question.key)} ${formatVersion(question.held.version)}`;
    const copy = this.#ports.copyOf(question.key);
    copy?.agree(question.held);
    const known = this.#asked.get(id);
    if (known !== undefined && known.copy !== copy) this.#forget(id, known);
    if (copy === undefined) {
      this.#answer(nodeId, question, 0);
      return;
    }
    const asked = this.#asked.get(id) ?? this.#begin(id, { nodeId, question, copy });
    asked.askedAt = this.#ports.clock.now();
    asked.telling.look();
    const { behind } = asked.telling;
    if (behind === 0) this.#forget(id, asked);
    this.#answer(nodeId, question, behind);
  }

  /** The link to a node is gone: it asks again when it is back. */
  lost(nodeId: string): void {
    this.#answers.delete(nodeId);
    for (const [id, asked] of this.#asked) if (asked.nodeId === nodeId) this.#forget(id, asked);
  }

  takeAnswers(nodeId: string): ToldAnswer[] {
    const answers = this.#answers.get(nodeId) ?? [];
    this.#answers.delete(nodeId);
    return answers;
  }

  sweep(now: number): void {
    for (const [id, asked] of this.#asked) if (now - asked.askedAt >= FORGET_MS) this.#forget(id, asked);
  }

  #begin(id: string, begun: Pick<Asked, "nodeId" | "question" | "copy">): Asked {
    const { nodeId, question, copy } = begun;
    const telling = new Telling(copy, question.held, () => {
      this.#forget(id, asked);
      this.#answer(nodeId, question, 0);
    });
    const asked: Asked = { ...begun, telling, askedAt: 0 };
    this.#asked.set(id, asked);
    copy.tellings.add(telling);
    return asked;
  }

  #forget(id: string, { copy, telling }: Asked): void {
    this.#asked.delete(id);
    copy.tellings.delete(telling);
  }

  #answer(nodeId: string, { key, held: { version } }: ToldQuestion, subscribers: number): void {
    const answers = this.#answers.get(nodeId);
    if (answers === undefined) this.#answers.set(nodeId, [{ key, version, subscribers }]);
    else answers.push({ key, version, subscribers });
    this.#ports.wake(nodeId);
  }
}
