import { epoch, type Version } from "@rollcall/core";
import { HistoryRecorder, type Happening, type History, type Takes } from "../src/index.ts";

export const SERVICE = "default/default/orders";

export const version = (counter: number, leaderEpoch = 1): Version => ({ epoch: epoch(leaderEpoch), counter });

export const takesAll: Takes = () => true;

/** Writes a history by hand: each line says when and what. */
export class Story {
  #now = 0;
  readonly #recorder = new HistoryRecorder({ now: () => this.#now });

  at(now: number): this {
    this.#now = now;
    return this;
  }

  register(client: string, instanceId: string, content = "v1"): number {
    return this.#recorder.record({ kind: "register", client, service: SERVICE, instanceId, content });
  }

  unregister(client: string, instanceId: string): number {
    return this.#recorder.record({ kind: "unregister", client, service: SERVICE, instanceId });
  }

  registered(answers: number, counter: number): this {
    this.#recorder.record({ kind: "registered", answers, version: version(counter) });
    return this;
  }

  unregistered(answers: number, counter: number): this {
    this.#recorder.record({ kind: "unregistered", answers, version: version(counter) });
    return this;
  }

  refused(answers: number): this {
    this.#recorder.record({ kind: "refused", answers });
    return this;
  }

  subscribe(client: string, takes: Takes = takesAll, filter = ""): this {
    this.#recorder.record({ kind: "subscribe", client, service: SERVICE, filter, takes });
    return this;
  }

  unsubscribe(client: string): this {
    this.#recorder.record({ kind: "unsubscribe", client, service: SERVICE, filter: "" });
    return this;
  }

  view(
    client: string,
    counter: number,
    instances: Record<string, string>,
    { confirmed = true, filter = "", leaderEpoch = 1, disabled = new Set<string>() } = {},
  ): this {
    const shown = new Map(Object.entries(instances));
    const seen = version(counter, leaderEpoch);
    this.#recorder.record({
      kind: "view",
      client,
      service: SERVICE,
      filter,
      version: seen,
      instances: shown,
      disabled,
      confirmed,
    });
    return this;
  }

  tell(kind: "connection lost" | "connection restored" | "client closed" | "client crashed", client: string): this {
    this.#recorder.record({ kind, client });
    return this;
  }

  record(happening: Happening): this {
    this.#recorder.record(happening);
    return this;
  }

  /** A push of a content named by `digest`; a delta of one instance unless told otherwise. */
  pushed(client: string, digest: string, more: Partial<Extract<Happening, { kind: "pushed" }>> = {}): this {
    const shared = { link: "1", service: SERVICE, filter: "", version: version(1), snapshot: false, carried: 1 };
    return this.record({ kind: "pushed", client, digest, ...shared, confirmed: true, asked: "no", ...more });
  }

  fault(what: string): this {
    this.#recorder.record({ kind: "fault", what });
    return this;
  }

  endAt(now: number): History {
    this.at(now);
    return this.#recorder.history();
  }
}

/** An ordinary run: one instance comes, changes and goes, another stays; two subscribers see it, one through a filter. */
export function ordinaryRun(): Story {
  const story = new Story();
  story.at(0).subscribe("reader");
  story.subscribe("picky", (_, content) => content.includes("blue"), "color=blue");
  story.at(1).view("reader", 0, {}).view("picky", 0, {}, { filter: "color=blue" });
  const first = story.at(10).register("provider", "i-1", "red");
  story.at(11).registered(first, 1);
  story.at(12).view("reader", 1, { "i-1": "red" });
  const second = story.at(20).register("provider", "i-2", "blue");
  story.at(21).registered(second, 2);
  story
    .at(22)
    .view("reader", 2, { "i-1": "red", "i-2": "blue" })
    .view("picky", 2, { "i-2": "blue" }, { filter: "color=blue" });
  const changed = story.at(30).register("provider", "i-1", "light blue");
  story.at(31).registered(changed, 3);
  story.at(32).view("reader", 3, { "i-1": "light blue", "i-2": "blue" });
  story.view("picky", 3, { "i-1": "light blue", "i-2": "blue" }, { filter: "color=blue" });
  const gone = story.at(40).unregister("provider", "i-1");
  story.at(41).unregistered(gone, 4);
  story.at(42).view("reader", 4, { "i-2": "blue" }).view("picky", 4, { "i-2": "blue" }, { filter: "color=blue" });
  return story;
}
