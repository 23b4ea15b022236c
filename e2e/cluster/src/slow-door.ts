/** A door in front of a node: whatever goes through it arrives, in order, and late. */

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class SlowDoor implements AsyncDisposable {
  readonly #server: Server;
  readonly #delayMs: number;
  readonly #sockets = new Set<Socket>();
  #behind: string | undefined;

  private constructor(delayMs: number) {
    this.#delayMs = delayMs;
    this.#server = createServer((socket) => this.#pass(socket));
  }

  /** @param delayMs each way, in milliseconds */
  static async open(host: string, delayMs: number): Promise<SlowDoor> {
    const door = new SlowDoor(delayMs);
    door.#server.listen(0, host);
    await once(door.#server, "listening");
    return door;
  }

  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `${address}:${port}`;
  }

  /** Until this is said, whoever comes is sent away. */
  leadTo(address: string): void {
    this.#behind = address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #pass(outer: Socket): void {
    if (this.#behind === undefined) {
      outer.destroy();
      return;
    }
    const { hostname, port } = new URL(`http://${this.#behind}`);
    const inner = connect(Number(port), hostname);
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay();
      from.on("error", () => {});
      from.on("data", (bytes) => void setTimeout(() => to.write(bytes), this.#delayMs));
      from.on("close", () => {
        this.#sockets.delete(from);
        setTimeout(() => to.destroy(), this.#delayMs);
      });
    }
  }
}
