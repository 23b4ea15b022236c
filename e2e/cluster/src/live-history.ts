/** A history that can be asked while it is being made: what each subscriber sees now, and who still waits for an answer. */

import { HistoryRecorder, type Happening } from "@rollcall/testing";

export type ViewHappening = Extract<Happening, { kind: "view" }>;

export class LiveHistory extends HistoryRecorder {
  readonly #views = new Map<string, ViewHappening>();
  readonly #unanswered = new Set<number>();

  override record(happening: Happening): number {
    const number = super.record(happening);
    if (happening.kind === "register" || happening.kind === "unregister") this.#unanswered.add(number);
    if ("answers" in happening) this.#unanswered.delete(happening.answers);
    if (happening.kind === "view") this.#views.set(nameOf(happening.client, happening.service), happening);
    return number;
  }

  /** How many registers and unregisters nobody has answered. */
  get unanswered(): number {
    return this.#unanswered.size;
  }

  /** What a client was last shown of a service, by the service's text. */
  view(client: string, service: string): ViewHappening | undefined {
    return this.#views.get(nameOf(client, service));
  }
}

function nameOf(client: string, service: string): string {
  return `${client} ${service}`;
}
